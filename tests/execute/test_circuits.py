from __future__ import annotations

import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.circuit.library import SXGate

from pytest_qiskit_fakeruntime.execute.circuits import delay_label, has_free_delay, reduce
from pytest_qiskit_fakeruntime.execute.clusters import bundles
from pytest_qiskit_fakeruntime.execute.devices import Machine, machine_of
from pytest_qiskit_fakeruntime.execute.problem import Problem

from ..capabilities import needs
from .jobs import bell, device


@pytest.fixture(scope="module")
def fez() -> Machine:
    return machine_of(device("fake_fez").snapshot)


def test_only_touched_qubits_stay(fez: Machine) -> None:
    circuit = QuantumCircuit(156, 2, global_phase=Parameter("phase"))
    circuit.barrier()
    circuit.delay(100, 77)
    circuit.sx(3)
    circuit.cz(3, 2)
    circuit.delay(400, 2)
    circuit.measure([3, 2], [0, 1])
    reduced = reduce(circuit, fez)
    assert reduced.qubits == (2, 3)
    assert reduced.circuit.num_qubits == 2
    assert not reduced.circuit.parameters
    dt = fez.target.dt
    assert reduced.sites == {
        ("sx", (1,)),
        ("cz", (1, 0)),
        (delay_label(400 * dt), (0,)),
        ("measure", (0,)),
        ("measure", (1,)),
    }
    assert reduced.measured
    assert not reduced.dynamic


def test_bodies_of_control_flow_are_cut_too(fez: Machine) -> None:
    circuit = QuantumCircuit(156, 3)
    angle = Parameter("angle")
    circuit.sx(10)
    circuit.measure(10, 0)
    with circuit.for_loop(range(3)):
        circuit.barrier()
        with circuit.if_test((circuit.clbits[0], True)) as otherwise:
            circuit.rz(angle, 11)
            circuit.x(12)
            circuit.delay(8, 90)
        with otherwise:
            circuit.barrier(range(156))
            circuit.sx(12)
            circuit.break_loop()
    circuit.measure([11, 12], [1, 2])
    reduced = reduce(circuit, fez)
    assert reduced.qubits == (10, 11, 12)
    assert reduced.dynamic
    assert set(reduced.circuit.parameters) == {angle}
    loop = next(i for i in reduced.circuit.data if i.operation.name == "for_loop")
    body = loop.operation.blocks[0]
    choice = next(i for i in body.data if i.operation.name == "if_else")
    assert [block.num_qubits for block in choice.operation.blocks] == [2, 2] or [
        block.num_qubits for block in choice.operation.blocks
    ] == [3, 3]
    assert ("x", (2,)) in reduced.sites
    assert ("sx", (2,)) in reduced.sites


@needs("qiskit.circuit.QuantumCircuit.box")
def test_boxes_are_unpacked(fez: Machine) -> None:
    circuit = QuantumCircuit(156, 1)
    with circuit.box():
        circuit.noop(50)
        circuit.x(4)
        with circuit.box():
            circuit.measure(4, 0)
    reduced = reduce(circuit, fez)
    assert reduced.qubits == (4,)
    assert [i.operation.name for i in reduced.circuit.data] == ["x", "measure"]


def test_labels_do_not_hide_gates_from_their_noise(fez: Machine) -> None:
    circuit = QuantumCircuit(156)
    circuit.append(SXGate(label="mine"), [0])
    assert reduce(circuit, fez).circuit.data[0].operation.label is None


def test_not_isa(fez: Machine) -> None:
    circuit = QuantumCircuit(156)
    circuit.cz(0, 99)
    with pytest.raises(Problem, match=r"cz on qubits \(0, 99\)") as error:
        reduce(circuit, fez)
    assert error.value.code == 1517


def test_free_delay() -> None:
    circuit = QuantumCircuit(1, 1)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.delay(Parameter("t"), 0)
    assert has_free_delay(circuit)
    assert not has_free_delay(bell())


def test_qubits_that_never_meet_fall_apart(fez: Machine) -> None:
    circuit = QuantumCircuit(156, 156)
    circuit.cz(0, 1)
    for qubit in range(1, 7):
        circuit.cz(qubit, qubit + 1)
    circuit.x(20)
    circuit.sx(30)
    circuit.measure(30, 30)
    with circuit.if_test((circuit.clbits[30], True)):
        circuit.x(31)
    measured = [q for q in range(156) if q != 20]
    circuit.measure(measured, measured)
    parts = bundles(reduce(circuit, fez))
    assert sum(len(part.reduced.qubits) for part in parts) in (155, 156)
    assert max(len(part.reduced.qubits) for part in parts) == 8
    assert [part.reduced.dynamic for part in parts].count(True) == 1
    owners = [q for part in parts for q in part.reduced.qubits]
    assert len(owners) == len(set(owners))
