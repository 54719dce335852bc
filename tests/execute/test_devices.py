from __future__ import annotations

from typing import Any

import pytest
from qiskit.circuit.library import CXGate, Measure, SXGate
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit.transpiler import InstructionProperties, Target
from qiskit_aer import AerSimulator
from qiskit_ibm_runtime.fake_provider import FakeFez, FakeManilaV2

from pytest_qiskit_fakeruntime.execute.devices import machine_of, snapshot_of

from .jobs import device


def numbers(target: Target) -> dict[str, Any]:
    """Everything of a target that has to survive, by instruction and qubits."""
    return {
        name: {
            qargs: (getattr(p, "error", None), getattr(p, "duration", None))
            for qargs, p in (target[name] or {}).items()
        }
        for name in target.operation_names
    }


def same_qubits(mine: Target, theirs: Target) -> None:
    for a, b in zip(mine.qubit_properties or [], theirs.qubit_properties or [], strict=True):
        assert (a.t1, a.t2) == (b.t1, b.t2)
        # Hertz, by way of gigahertz.
        assert a.frequency == (b.frequency and pytest.approx(b.frequency, rel=1e-12))


@pytest.mark.parametrize("make", [FakeManilaV2, FakeFez], ids=["manila", "fez"])
def test_machine_has_the_target_of_the_fake_backend(make: Any) -> None:
    backend = make()
    target = machine_of(device(backend.backend_name).snapshot).target
    assert numbers(target) == numbers(backend.target)
    assert target.dt == backend.target.dt
    same_qubits(target, backend.target)


def test_machine_is_built_once() -> None:
    snapshot = device("fake_manila").snapshot
    assert machine_of(snapshot) is machine_of(device("ibm_manila").snapshot)


@pytest.mark.parametrize(
    "source",
    [
        FakeManilaV2(),
        GenericBackendV2(4, seed=1),
        GenericBackendV2(3, basis_gates=["id", "rz", "sx", "x", "ecr", "rzz"], seed=2),
        GenericBackendV2(3, control_flow=True, seed=2),
        GenericBackendV2(1, basis_gates=["rz", "sx", "x"], seed=3),
        AerSimulator.from_backend(FakeManilaV2()),
    ],
    ids=["fake", "generic", "ecr", "flow", "one-qubit", "aer-of-fake"],
)
def test_sources_come_back_as_they_were(source: Any) -> None:
    name, snapshot = snapshot_of(source)
    assert name == (getattr(source, "backend_name", None) or source.name)
    target = machine_of(snapshot).target
    wanted, got = numbers(source.target), numbers(target)
    known = {n for n in wanted if n in got}
    # A gate that qiskit does not define cannot be told to the client.
    assert set(wanted) - known <= {"break", "continue", "box"} | {
        n for n in wanted if wanted[n] == {}
    } | set(AerSimulator().target.operation_names)
    assert {n: got[n] for n in known} == {n: wanted[n] for n in known}
    assert target.num_qubits == source.target.num_qubits
    same_qubits(target, source.target)
    if source.target.dt is not None:
        assert target.dt == pytest.approx(source.target.dt)


def test_bare_target() -> None:
    target = Target(num_qubits=2, dt=1e-9)
    target.add_instruction(CXGate(), {(0, 1): InstructionProperties(error=0.01, duration=3e-7)})
    target.add_instruction(SXGate(), {(q,): InstructionProperties(error=1e-4) for q in (0, 1)})
    target.add_instruction(Measure(), {(q,): InstructionProperties(error=0.02) for q in (0, 1)})
    name, snapshot = snapshot_of(target)
    assert name == "fake_target"
    got = numbers(machine_of(snapshot).target)
    # Clients before 0.43 add these two to every device.
    assert got.keys() - numbers(target).keys() <= {"delay", "reset"}
    assert {name: got[name] for name in numbers(target)} == numbers(target)


def test_ideal_simulator_takes_any_gate() -> None:
    _, snapshot = snapshot_of(AerSimulator())
    machine = machine_of(snapshot)
    assert machine.simulator
    assert not machine.calibrated
    assert machine.supports("unitary", (3, 4, 5))
    assert snapshot.properties_document is None


def test_other_things_are_no_devices() -> None:
    with pytest.raises(TypeError, match="give a BackendV2 or a Target"):
        snapshot_of("fake_manila")
