"""Pauli frames against Aer's own stabilizer simulation, with the same twirled noise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit_aer import AerSimulator

from pytest_qiskit_fakeruntime.execute import aer, frames, noise
from pytest_qiskit_fakeruntime.execute.circuits import Reduced, reduce
from pytest_qiskit_fakeruntime.execute.devices import Machine, machine_of
from pytest_qiskit_fakeruntime.execute.methods import Method

from .jobs import counts_of_aer, device, distance, sampling_bound

SHOTS = 10_000


@pytest.fixture(scope="module")
def machine() -> Machine:
    return machine_of(device("fake_manila").snapshot)


def random_clifford(seed: int) -> QuantumCircuit:
    """Gates of the device, delays, resets and measurements in the middle, on 4 of 5 qubits."""
    rng = np.random.default_rng(seed)
    circuit = QuantumCircuit(5, 5)
    for _ in range(30):
        qubit = int(rng.integers(0, 4))
        match rng.integers(0, 8):
            case 0 | 1:
                circuit.sx(qubit)
            case 2:
                circuit.rz(rng.integers(0, 4) * math.pi / 2, qubit)
            case 3:
                circuit.x(qubit)
            case 4 | 5:
                circuit.cx(*((qubit, qubit + 1) if qubit < 3 else (3, 2)))
            case 6:
                circuit.delay(20_000, qubit)
            case 7:
                circuit.reset(qubit) if rng.random() < 0.5 else circuit.measure(qubit, 4)
    circuit.measure(range(4), range(4))
    return circuit


def words(bits: np.ndarray) -> dict[int, int]:
    values, counts = np.unique(bits @ (1 << np.arange(bits.shape[1])), return_counts=True)
    return dict(zip(values.tolist(), counts.tolist(), strict=True))


def sampled(reduced: Reduced, machine: Machine | None, shots: int = SHOTS) -> np.ndarray:
    plain = frames.reference_circuit(reduced.circuit)
    [[reference]] = aer.run([plain], Method("stabilizer", len(reduced.qubits)), 1, 3)
    return frames.sample_frames(reduced, reference, machine, shots, 11)


@pytest.mark.parametrize("seed", range(4))
def test_counts_are_those_of_aer_with_twirled_noise(machine: Machine, seed: int) -> None:
    reduced = reduce(random_clifford(seed), machine)
    simulator = AerSimulator(
        method="stabilizer", noise_model=noise.noise_model(reduced, machine, pauli=True)
    )

    expected = counts_of_aer(simulator, reduced.circuit, SHOTS)

    got = words(sampled(reduced, machine))
    bound = sampling_bound(32, SHOTS)
    assert distance(got, {int(w, 2): n for w, n in expected.items()}) < bound


@pytest.mark.parametrize(
    "gates",
    [
        lambda c: (c.h(0), c.rzz(math.pi / 2, 0, 1), c.h(0), c.rx(math.pi / 2, 1)),
        lambda c: (c.ry(-math.pi / 2, 0), c.ecr(0, 1), c.cy(1, 0), c.swap(0, 1)),
        lambda c: (c.rx(3 * math.pi / 2, 0), c.rxx(math.pi / 2, 0, 1), c.sxdg(1), c.sdg(0)),
    ],
)
def test_every_clifford_gate_is_understood(gates: object) -> None:
    circuit = QuantumCircuit(2, 2)
    gates(circuit)  # type: ignore[operator]
    circuit.measure([0, 1], [0, 1])
    assert all(
        frames.is_clifford(i.operation) for i in circuit.data if i.operation.name != "measure"
    )

    got = words(sampled(Reduced(circuit, (0, 1), frozenset()), None))

    expected = counts_of_aer(AerSimulator(method="statevector"), circuit, SHOTS)
    bound = sampling_bound(4, SHOTS)
    assert distance(got, {int(w, 2): n for w, n in expected.items()}) < bound


def test_what_is_not_clifford_is_not_taken_for_it() -> None:
    circuit = QuantumCircuit(3)
    circuit.rz(0.3, 0)
    circuit.t(0)
    circuit.ccx(0, 1, 2)
    circuit.rzz(0.1, 0, 1)
    circuit.pauli("XY", [0, 1])
    circuit.unitary([[0, 1], [1, 0]], [0])

    assert not any(frames.is_clifford(inst.operation) for inst in circuit.data)


def test_realizations_add_up_to_the_noise(machine: Machine) -> None:
    """Bits of circuits with sampled errors are those of the twirled noise, on average."""
    reduced = reduce(random_clifford(1), machine)
    rng = np.random.default_rng(5)
    method = Method("stabilizer", len(reduced.qubits))
    circuits = [noise.realization(reduced, machine, rng) for _ in range(2000)]

    bits = aer.run(circuits, method, 1, 3)[:, 0]
    bits = bits ^ (rng.random(bits.shape) < noise.misread_probabilities(reduced, machine))

    # Five standard deviations of a share of 2,000.
    exact = sampled(reduced, machine).mean(axis=0)
    assert np.abs(bits.mean(axis=0) - exact).max() < 5 * math.sqrt(0.25 / 2000)
