from __future__ import annotations

import numpy as np
import pytest
from qiskit import QuantumCircuit, transpile
from qiskit.circuit.random import random_circuit
from qiskit.quantum_info import Choi, hellinger_fidelity
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel
from qiskit_ibm_runtime.fake_provider import FakeManilaV2

from pytest_qiskit_fakeruntime.execute import Engine
from pytest_qiskit_fakeruntime.execute.circuits import delay_label, reduce
from pytest_qiskit_fakeruntime.execute.devices import machine_of
from pytest_qiskit_fakeruntime.execute.noise import _twirled, noise_model

from .jobs import bell, counts_of_aer, decode, device, sampler

SHOTS = 20_000


@pytest.fixture(scope="module")
def whole() -> NoiseModel:
    return NoiseModel.from_backend(FakeManilaV2())


def test_errors_are_those_of_aer(whole: NoiseModel) -> None:
    machine = machine_of(device("fake_manila").snapshot)
    circuit = QuantumCircuit(5, 5)
    for qubit in (1, 3):
        circuit.sx(qubit)
        circuit.x(qubit)
        circuit.reset(qubit)
        circuit.id(qubit)
    circuit.cx(1, 2)
    circuit.cx(3, 2)
    circuit.measure([1, 2, 3], [1, 2, 3])
    model = noise_model(reduce(circuit, machine), machine)
    assert model is not None
    found = 0
    for name, errors in model._local_quantum_errors.items():
        for places, error in errors.items():
            qubits = tuple((1, 2, 3)[place] for place in places)
            expected = whole._local_quantum_errors[name][qubits]
            assert np.allclose(Choi(error).data, Choi(expected).data)
            found += 1
    assert found == 10
    for places, readout in model._local_readout_errors.items():
        (qubit,) = ((1, 2, 3)[place] for place in places)
        expected = whole._local_readout_errors[(qubit,)]
        assert np.allclose(readout.probabilities, expected.probabilities)


@pytest.mark.parametrize(
    ("name", "qubits"),
    [("sx", (0,)), ("sx", (4,)), ("cx", (1, 2)), ("cx", (3, 2)), (delay_label(1e-5), (2,))],
)
def test_pauli_twirl_is_the_diagonal_of_the_error(name: str, qubits: tuple[int, ...]) -> None:
    from qiskit.quantum_info import PTM

    from pytest_qiskit_fakeruntime.execute.noise import _error

    machine = machine_of(device("fake_manila").snapshot)
    exact, twirled = _error(machine, name, qubits), _twirled(machine, name, qubits)
    assert np.allclose(np.diag(PTM(exact).data), np.diag(PTM(twirled).data), atol=1e-9)


def same(a: dict[str, int], b: dict[str, int]) -> None:
    # With 20,000 shots and 32 outcomes, 1 - F of two samples of one distribution is about
    # 32 / (4 * 20000) = 4e-4; five times that leaves room for chance, not for other noise.
    assert 1 - hellinger_fidelity(a, b) < 2e-3


@pytest.mark.parametrize("seed", [1, 2])
def test_counts_are_those_of_aer_on_the_whole_device(engine: Engine, seed: int) -> None:
    backend = FakeManilaV2()
    circuit = random_circuit(4, 6, max_operands=2, seed=seed)
    circuit.measure_all()
    circuit = transpile(
        circuit, backend, seed_transpiler=1, optimization_level=1, scheduling_method="alap"
    )
    assert "delay" in circuit.count_ops()
    expected = counts_of_aer(AerSimulator.from_backend(backend), circuit, SHOTS)
    got = decode("sampler", engine.run(sampler([(circuit, None, SHOTS)])).result)
    same(got[0].data.meas.get_counts(), expected)


def test_counts_in_a_circuit_with_feed_forward(engine: Engine) -> None:
    circuit = QuantumCircuit(5, 3)
    circuit.sx(0)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], True)):
        circuit.x(1)
        circuit.cx(1, 2)
    circuit.reset(0)
    circuit.measure([1, 2], [1, 2])
    expected = counts_of_aer(AerSimulator.from_backend(FakeManilaV2()), circuit, SHOTS)
    got = decode("sampler", engine.run(sampler([(circuit, None, SHOTS)])).result)
    same(got[0].data.c.get_counts(), expected)


def test_a_delay_relaxes(engine: Engine) -> None:
    target = FakeManilaV2().target
    t1 = round(target.qubit_properties[0].t1 / target.dt)
    circuit = QuantumCircuit(5, 1)
    circuit.x(0)
    circuit.delay(t1, 0)
    circuit.measure(0, 0)
    got = decode("sampler", engine.run(sampler([(circuit, None, SHOTS)])).result)
    readout = target["measure"][(0,)].error
    alive = np.exp(-1)
    expected = alive * (1 - readout) + (1 - alive) * readout
    # Five standard deviations of a share of 20,000 shots are at most 0.018.
    assert got[0].data.c.get_counts()["1"] / SHOTS == pytest.approx(expected, abs=0.018)


def test_without_noise_a_bell_pair_is_perfect(engine: Engine) -> None:
    got = decode("sampler", engine.run(sampler([bell()], noise=False)).result)
    assert set(got[0].data.c.get_counts()) == {"00", "11"}
