from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.primitives.containers import PubResult
from qiskit.quantum_info import SparseObservable, SparsePauliOp, Statevector
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel
from qiskit_ibm_runtime.fake_provider import FakeManilaV2

from pytest_qiskit_fakeruntime.execute import Engine

from ..capabilities import needs
from .jobs import bell, counts_of_aer, decode, estimator, task

Result = Callable[[Any], Any]


def state() -> QuantumCircuit:
    circuit = bell()
    circuit.remove_final_measurements()
    return circuit


def test_result_is_what_the_service_sends(result: Result) -> None:
    circuit = state()
    circuit.metadata = {"name": "bell"}
    got = result(estimator([(circuit, ["IIIZZ", "IIIXX"])], resilience_level=0))
    assert type(got[0]) is PubResult
    assert list(got[0].data) == ["evs", "stds", "ensemble_standard_error"]
    assert got[0].data.evs.shape == (2,)
    assert got[0].metadata == {
        "shots": 4096,
        "target_precision": 0.015625,
        "circuit_metadata": {"name": "bell"},
        "resilience": {},
        "simulation": [{"method": "density_matrix", "num_qubits": 2}],
        "num_randomizations": 32,
    }
    assert got.metadata["version"] == 2
    assert got.metadata["resilience"]["measure_mitigation"] is False
    assert got.metadata["twirling"]["strategy"] == "active-accum"


def test_options_are_recorded(result: Result) -> None:
    options = {
        "default_precision": 0.1,
        "resilience": {"measure_mitigation": False, "zne": {"noise_factors": [1, 3]}},
        "twirling": {"num_randomizations": 8},
        "dynamical_decoupling": {"enable": True, "sequence_type": "XY4"},
    }
    got = result(estimator([(state(), "IIIZZ")], options=options, resilience_level=2))
    assert got.metadata["resilience"] == {
        "measure_mitigation": False,
        "zne_mitigation": True,
        "pec_mitigation": False,
    }
    assert got.metadata["dynamical_decoupling"]["sequence_type"] == "XY4"
    assert got[0].metadata["num_randomizations"] == 8
    assert got[0].metadata["shots"] == 100
    assert got[0].data.evs.shape == ()


@needs("qiskit.quantum_info.SparsePauliOp.from_sparse_observable")
def test_ideal_values_within_their_standard_errors(result: Result) -> None:
    plain = QuantumCircuit(5)
    angles = np.random.default_rng(5).uniform(0, 3, (5, 3))
    for qubit in range(5):
        for angle in angles[qubit]:
            plain.sx(qubit)
            plain.rz(angle, qubit)
    for qubit in range(4):
        plain.cx(qubit, qubit + 1)
    plain.sx(range(5))
    labels = ["XYZXY", "IIIII", "ZIIIZ", "XXIII", "IYIYI", "IIZXX", "01+-r", "IIIl1"]
    total = {label: 0.1 * (i + 1) for i, label in enumerate(labels)}
    observables = [*labels, total]
    exact = [
        Statevector(plain).expectation_value(SparsePauliOp.from_sparse_observable(o)).real
        for o in (
            SparseObservable.from_list([*({o: 1.0} if isinstance(o, str) else o).items()])
            for o in observables
        )
    ]
    got = result(estimator([(plain, observables, None, 0.01)], noise=False))[0].data
    assert got.evs[1] == 1.0
    assert got.stds[1] == 0.0
    # Of nine values none may be five standard errors off.
    assert np.all(np.abs(got.evs - exact) <= 5 * got.stds + 1e-12)
    # Products of Paulis are known to the precision that was asked for, or better.
    assert np.all(got.stds[:6] <= 0.01 + 1e-12)


def test_standard_errors_are_honest(engine: Engine) -> None:
    observable = SparsePauliOp(["IIIZZ", "IIIZI", "IIIXX", "IIIYY"], [1.0, 0.5, -0.3, 0.7])
    circuit = state()
    data = [
        decode(
            "estimator", engine.run(estimator([(circuit, observable, None, 0.1)], seed=s)).result
        )[0].data
        for s in range(60)
    ]
    spread = np.std([d.evs for d in data], ddof=1)
    # The spread of 60 values is known to 9 %; four times that.
    assert spread == pytest.approx(np.mean([d.stds for d in data]), rel=0.37)


def test_noisy_values_are_those_of_aer(result: Result) -> None:
    backend = FakeManilaV2()
    circuit = state()
    paulis = {"IIIZZ": 0.5, "IIIXX": 0.25, "IIIYY": -1.0, "IIIII": 2.0}
    got = result(estimator([(circuit, paulis, None, 0.01)], resilience_level=0))[0].data
    model = NoiseModel.from_backend(backend)
    expected = 2.0
    for label, basis in (("IIIZZ", ""), ("IIIXX", "x"), ("IIIYY", "y")):
        measured = QuantumCircuit(5, 2).compose(circuit, inplace=False)
        for qubit in (0, 1):
            if basis == "x":
                measured.rz(np.pi / 2, qubit)
            if basis:
                measured.sx(qubit)
        measured.measure([0, 1], [0, 1])
        counts = counts_of_aer(AerSimulator(noise_model=model), measured, 40_000)
        expected += (
            paulis[label] * sum(n * (-1) ** bits.count("1") for bits, n in counts.items()) / 40_000
        )
    # Errors: 0.01 for us, at most 0.006 for the reference; five of both together.
    assert float(got.evs) == pytest.approx(expected, abs=5 * 0.012)


def test_broadcasting(result: Result) -> None:
    circuit = QuantumCircuit(5)
    circuit.sx(4)
    circuit.rz(Parameter("a"), 4)
    angles = np.linspace(0, np.pi, 4)
    observables = [[{"XIIII": 1.0}], [{"YIIII": 2.0}], [{"ZIIII": 1.0}]]
    got = result(estimator([(circuit, observables, angles[:, None], 0.02)], noise=False))[0].data
    assert got.evs.shape == (3, 4)
    expected = [np.sin(angles), -2 * np.cos(angles), np.zeros(4)]
    assert got.evs == pytest.approx(np.array(expected), abs=0.2)
    zipped = [{"XIIII": 1.0}, {"YIIII": 1.0}, {"XIIII": 1.0}, {"IIIII": 3.0}]
    got = result(estimator([(circuit, zipped, angles[:, None], 0.02)], noise=False))[0].data
    expected = [np.sin(angles[0]), -np.cos(angles[1]), np.sin(angles[2]), 3.0]
    assert got.evs == pytest.approx(np.array(expected), abs=0.1)


def test_observables_of_untouched_qubits(result: Result) -> None:
    got = result(estimator([(QuantumCircuit(156), ["Z" + "I" * 155])], "fake_fez", noise=False))
    assert got[0].data.evs.tolist() == [1.0]


def test_measuring_in_the_middle(result: Result) -> None:
    circuit = QuantumCircuit(5, 1)
    circuit.x(0)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], True)):
        circuit.x(1)
    got = result(estimator([(circuit, ["IIIIZ", "IIIZI", "IIIZZ"])], noise=False))[0].data
    assert got.evs.tolist() == [-1.0, -1.0, 1.0]


def test_plain_form(engine: Engine) -> None:
    params = {"pubs": [[state(), {"IIIZZ": 1.0}, None, 0.5]]}
    body = json.loads(engine.run(task("estimator", params, noise=False)).result)
    data = body["results"][0]["data"]
    assert data["evs"] == 1.0
    assert data["stds"] == data["ensemble_standard_error"] == 0.0
    assert body["results"][0]["metadata"]["shots"] == 4
