"""Sampler, estimator and executor, through every class the client has for them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from qiskit.quantum_info import SparsePauliOp

from pytest_qiskit_fakeruntime import FakeRuntime

from .conftest import (
    ESTIMATORS,
    SAMPLERS,
    Counts,
    bell,
    ghz,
    isa,
    make,
    run_executor,
    sweep,
)

DEVICES = ("fake_manila", "fake_sherbrooke", "ibm_fez")
SHOTS = 4096
LEAST_BELL = 0.85
"""Noise of these devices takes less than 15 % from a Bell pair (measured: 1 to 8 %)."""
ANGLES = np.array([[0.0, np.pi], [np.pi / 2, np.pi / 3], [np.pi, 0.0]])


def bits_of(result: Any, register: str = "meas") -> np.ndarray:
    """Bits of an executor's item: ``(*shape, shots, num_bits)``."""
    return np.asarray(result[0][register])


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("device", DEVICES)
def test_sampler_samples_a_bell_pair(sampler: str, device: str) -> None:
    with FakeRuntime(device, seed=1) as fake:
        backend = fake.service().backend(device)
        job = make(sampler, backend).run([isa(bell(), backend)], shots=SHOTS)
        counts = Counts(job.result()[0].data.meas.get_counts())

    assert counts.shots == SHOTS
    assert LEAST_BELL < counts.probability("00", "11") < 1
    assert 0.42 < counts.probability("00") < 0.58


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("device", DEVICES)
def test_ideal_sampler_is_exact_within_the_sampling_error(sampler: str, device: str) -> None:
    with FakeRuntime(device, seed=2, noise=False) as fake:
        backend = fake.service().backend(device)
        job = make(sampler, backend).run([isa(ghz(5), backend)], shots=SHOTS)
        counts = Counts(job.result()[0].data.meas.get_counts())

    assert counts.probability("0" * 5, "1" * 5) == 1
    assert abs(counts.probability("0" * 5) - 0.5) < 5 * 0.5 / np.sqrt(SHOTS)


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("device", DEVICES)
def test_sampler_sweeps_two_parameters(sampler: str, device: str) -> None:
    with FakeRuntime(device, seed=3, noise=False) as fake:
        backend = fake.service().backend(device)
        job = make(sampler, backend).run([(isa(sweep(), backend), ANGLES)], shots=SHOTS)
        data = job.result()[0].data.meas

    assert data.shape == (3,)
    bits = np.unpackbits(data.array, axis=-1, bitorder="big")[..., ::-1][..., :2]
    ones = bits.mean(axis=-2)
    np.testing.assert_allclose(ones, np.sin(ANGLES / 2) ** 2, atol=5 * 0.5 / np.sqrt(SHOTS))


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("device", DEVICES)
def test_estimator_estimates_a_bell_pair(estimator: str, device: str) -> None:
    circuit = bell().remove_final_measurements(inplace=False)
    with FakeRuntime(device, seed=4) as fake:
        backend = fake.service().backend(device)
        circuit = isa(circuit, backend)
        observables = [SparsePauliOp(p).apply_layout(circuit.layout) for p in ("ZZ", "XX", "ZI")]
        job = make(estimator, backend).run([(circuit, observables)], precision=0.02)
        data = job.result()[0].data

    assert data.evs.shape == (3,)
    np.testing.assert_allclose(data.evs, [1, 1, 0], atol=0.25)
    assert (data.stds < 0.05).all()


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("device", DEVICES)
def test_estimator_broadcasts_observables_against_parameters(estimator: str, device: str) -> None:
    circuit = sweep().remove_final_measurements(inplace=False)
    with FakeRuntime(device, seed=5, noise=False) as fake:
        backend = fake.service().backend(device)
        circuit = isa(circuit, backend)
        observables = [[SparsePauliOp(p).apply_layout(circuit.layout)] for p in ("IZ", "ZI")]
        job = make(estimator, backend).run([(circuit, observables, ANGLES)], precision=0.02)
        data = job.result()[0].data

    np.testing.assert_allclose(data.evs, np.cos(ANGLES).T, atol=5 * 0.02)


@pytest.mark.parametrize("device", DEVICES)
def test_executor_runs_a_bell_pair_and_a_sweep(device: str) -> None:
    with FakeRuntime(device, seed=6, noise=False) as fake:
        backend = fake.service().backend(device)
        pair = run_executor(backend, isa(bell(), backend), None, SHOTS).result()
        swept = run_executor(backend, isa(sweep(), backend), ANGLES, SHOTS).result()

    assert bits_of(pair).shape == (SHOTS, 2)
    assert (bits_of(pair)[:, 0] == bits_of(pair)[:, 1]).all()
    assert bits_of(swept).shape == (3, SHOTS, 2)
    ones = bits_of(swept).mean(axis=-2)
    np.testing.assert_allclose(ones, np.sin(ANGLES / 2) ** 2, atol=5 * 0.5 / np.sqrt(SHOTS))


def run_everything(device: str, seed: int) -> list[bytes]:
    """The raw results of a sampler, an estimator and an executor job."""
    with FakeRuntime(device, seed=seed) as fake:
        backend = fake.service().backend(device)
        circuit = isa(ghz(3), backend)
        jobs = [make(SAMPLERS[0], backend).run([circuit])]
        bare = isa(ghz(3).remove_final_measurements(inplace=False), backend)
        observable = SparsePauliOp("ZZZ").apply_layout(bare.layout)
        jobs.append(make(ESTIMATORS[0], backend).run([(bare, observable)]))
        results = [job.result() for job in jobs]
        return [
            results[0][0].data.meas.array.tobytes(),
            results[1][0].data.evs.tobytes(),
            results[1][0].data.stds.tobytes(),
        ]


@pytest.mark.parametrize("device", DEVICES)
def test_one_seed_gives_the_same_bytes_and_another_gives_others(device: str) -> None:
    assert run_everything(device, 7) == run_everything(device, 7)
    assert run_everything(device, 7)[0] != run_everything(device, 8)[0]


def test_frozen_clock_and_seed_make_whole_results_identical() -> None:
    from datetime import datetime, timezone

    start = datetime(2026, 1, 1, tzinfo=timezone.utc)

    def body() -> str:
        with FakeRuntime("fake_manila", seed=7, start_time=start) as fake:
            backend = fake.service().backend("fake_manila")
            make(SAMPLERS[0], backend).run([isa(bell(), backend)]).result()
            return str(fake.calls["get_job_results"][-1].response.text)

    assert body() == body()


def test_seed_in_the_options_of_a_job_wins() -> None:
    def bits(seed: int) -> bytes:
        with FakeRuntime("fake_manila", seed=seed) as fake:
            backend = fake.service().backend("fake_manila")
            options = {"simulator": {"seed_simulator": 11}}
            job = make(SAMPLERS[0], backend, options=options).run([isa(bell(), backend)])
            return bytes(job.result()[0].data.meas.array.tobytes())

    assert bits(1) == bits(2)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_several_pubs_and_registers(sampler: str) -> None:
    from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister

    left, right = ClassicalRegister(1, "left"), ClassicalRegister(2, "right_hand")
    circuit = QuantumCircuit(QuantumRegister(3), left, right)
    circuit.x([0, 2])
    circuit.measure(0, left[0])
    circuit.measure([1, 2], right)
    with FakeRuntime("fake_manila", noise=False) as fake:
        backend = fake.service().backend("fake_manila")
        job = make(sampler, backend).run([isa(circuit, backend), isa(bell(), backend)], shots=100)
        first, second = job.result()

    assert first.data.left.get_counts() == {"1": 100}
    assert first.data.right_hand.get_counts() == {"10": 100}
    assert sum(second.data.meas.get_counts().values()) == 100


@pytest.mark.filterwarnings("ignore:.*shots.*:DeprecationWarning")
def test_every_pub_has_its_own_shots() -> None:
    with FakeRuntime("fake_manila") as fake:
        backend = fake.service().backend("fake_manila")
        circuit = isa(bell(), backend)
        job = make(SAMPLERS[0], backend).run([(circuit, None, 10), (circuit, None, 20)])

        assert [pub.data.meas.num_shots for pub in job.result()] == [10, 20]


def test_circuit_that_is_not_isa_fails_as_a_job() -> None:
    from qiskit_ibm_runtime.exceptions import RuntimeJobFailureError

    with FakeRuntime("fake_manila") as fake:
        backend = fake.service().backend("fake_manila")
        fake.service()
        # Another device's circuit: the client checks names and pairs for the backend it has.
        circuit = isa(bell(), backend)
        job = make(SAMPLERS[0], backend).run([circuit])
        params = dict(fake.jobs.last.params)
        answer = _resubmit(fake, {**params, "pubs": [[_encode(bell()), None, 10]]})
        failed = backend.service.job(answer["id"])

        assert job.status() == "DONE"
        assert failed.status() == "ERROR"
        assert fake.jobs.last.reason_code == 1517
        with pytest.raises(RuntimeJobFailureError, match="1517"):
            failed.result()
        assert "1517" in failed.error_message()


def _encode(circuit: Any) -> Any:
    import json

    from qiskit_ibm_runtime import RuntimeEncoder

    return json.loads(json.dumps(circuit, cls=RuntimeEncoder))


def _resubmit(fake: FakeRuntime, params: Any) -> Any:
    """Send the last job's request once more, with other params."""
    import requests

    sent = fake.calls["create_job"][-1].request
    headers = {k: v for k, v in sent.headers.items() if k != "content-length"}
    return requests.post(sent.url, headers=headers, json={**sent.json, "params": params}).json()
