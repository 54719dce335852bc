"""Gates of every kind, on an ideal simulator, against state vectors."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.circuit.library import CRXGate, CXGate, PauliGate, RYGate, UGate, UnitaryGate
from qiskit.quantum_info import Statevector, random_unitary

from pytest_qiskit_fakeruntime.execute.circuits import Reduced
from pytest_qiskit_fakeruntime.execute.transfer import _State, understands

A, B = Parameter("a"), Parameter("b")


@pytest.mark.parametrize(
    "build",
    [
        lambda c: c.append(CXGate(ctrl_state=0), [0, 1]),
        lambda c: c.append(CRXGate(A, ctrl_state=0), [1, 2]),
        lambda c: c.append(RYGate(A * B + 0.3).control(1, ctrl_state=0), [2, 0]),
        lambda c: c.append(PauliGate("XYZ"), [2, 0, 1]),
        lambda c: c.append(UnitaryGate(random_unitary(4, seed=1)), [2, 1]),
        lambda c: c.append(UGate(A, B, 0.2), [1]),
        lambda c: c.ccx(2, 0, 1),
        lambda c: (c.rzz(2 * A - B, 0, 2), c.cp(A.sin(), 0, 1), c.crz(B, 1, 2), c.ecr(2, 1)),
    ],
)
def test_gate_does_what_its_matrix_says(build: Callable[[QuantumCircuit], object]) -> None:
    circuit = QuantumCircuit(3, 3)
    for qubit in range(3):
        circuit.ry(0.4 + qubit, qubit)
        circuit.rz(1.0 + qubit, qubit)
    build(circuit)
    for qubit in range(3):
        circuit.sx(qubit)
    bare = circuit.copy()
    circuit.measure(range(3), range(3))
    points = np.array([[0.3, 1.1], [2.0, -0.7]])[:, : circuit.num_parameters]
    reduced = Reduced(circuit, (0, 1, 2), frozenset())

    assert understands(reduced)
    found = _State(reduced, points, None).evolved().probabilities([0, 1, 2])

    for row, values in zip(found, points, strict=True):
        expected = Statevector(bare.assign_parameters(values)).probabilities()
        assert np.allclose(row, expected)
