"""A device-wide circuit, cut down to the qubits it touches.

A Bell pair on a 156-qubit device is a two-qubit problem. What is touched by nothing but
barriers and delays is left out, in the bodies of control flow as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .problem import NOT_ISA, Problem

if TYPE_CHECKING:
    from qiskit.circuit import Instruction, QuantumCircuit

    from .devices import Machine

PASSIVE = frozenset({"barrier", "delay", "break_loop", "continue_loop"})
"""Instructions that do nothing to a qubit that nothing else touches."""

Site = tuple[str, tuple[int, ...]]
"""An instruction's name and the reduced qubits it acts on."""


@dataclass(frozen=True)
class Reduced:
    """A circuit on the qubits that matter.

    Attributes:
        circuit: The circuit on ``len(qubits)`` qubits, with the classical bits and registers
            of the original. Delays are identities, labelled by `delay_label`.
        qubits: The device's qubit for each qubit of the circuit, ascending.
        sites: Every instruction that occurs, with the reduced qubits it acts on.
    """

    circuit: QuantumCircuit
    qubits: tuple[int, ...]
    sites: frozenset[Site]

    @property
    def measured(self) -> bool:
        """Whether anything is measured at all."""
        return any(name == "measure" for name, _ in self.sites)

    @property
    def branches(self) -> bool:
        """Whether there is control flow."""
        return any(hasattr(inst.operation, "blocks") for inst in self.circuit.data)

    @property
    def dynamic(self) -> bool:
        """Whether chance plays a part before the end of a shot.

        It does in control flow, resets, and gates after a measurement.
        """
        measured: set[Any] = set()
        for inst in self.circuit.data:
            name = inst.operation.name
            if name == "reset" or hasattr(inst.operation, "blocks"):
                return True
            if name != "barrier" and not measured.isdisjoint(inst.qubits):
                return True
            if name == "measure":
                measured.update(inst.qubits)
        return False


def reduce(circuit: QuantumCircuit, machine: Machine, also: Iterable[int] = ()) -> Reduced:
    """Cut a circuit down to the qubits that it touches.

    Args:
        circuit: A circuit on the device's qubits; delays have numbers for durations.
        machine: The device.
        also: Qubits of the device to keep in any case.

    Raises:
        Problem: If the circuit is not an ISA circuit of the device.
    """
    return _Reduction(circuit, machine, also).reduced()


def has_free_delay(circuit: QuantumCircuit) -> bool:
    """Whether the duration of some delay is a parameter."""
    return any(
        (inst.operation.name == "delay" and inst.operation.is_parameterized())
        or any(has_free_delay(block) for block in getattr(inst.operation, "blocks", ()))
        for inst in circuit.data
    )


def delay_label(seconds: float) -> str:
    """Name under which a delay of this length is looked up in a noise model."""
    return f"delay:{seconds!r}"


class _Reduction:
    def __init__(self, circuit: QuantumCircuit, machine: Machine, also: Iterable[int]) -> None:
        self.source = circuit
        self.machine = machine
        self.touched = set(also)
        self.touch(circuit, range(circuit.num_qubits))
        self.qubits = tuple(sorted(self.touched))
        self.place = {qubit: index for index, qubit in enumerate(self.qubits)}
        self.sites: set[Site] = set()

    def reduced(self) -> Reduced:
        circuit = self.rebuild(self.source, range(self.source.num_qubits))
        return Reduced(circuit, self.qubits, frozenset(self.sites))

    def touch(self, circuit: QuantumCircuit, spots: Sequence[int]) -> None:
        at = dict(zip(circuit.qubits, spots, strict=True))
        for inst in circuit.data:
            qubits = [at[q] for q in inst.qubits]
            if blocks := getattr(inst.operation, "blocks", ()):
                for block in blocks:
                    self.touch(block, qubits)
            elif inst.operation.name not in PASSIVE:
                self.touched.update(qubits)

    def rebuild(self, circuit: QuantumCircuit, spots: Sequence[int]) -> QuantumCircuit:
        """The same circuit without the qubits that nothing touches.

        Args:
            circuit: The circuit, or the body of a control-flow instruction.
            spots: The device's qubit for each of its qubits.
        """
        from qiskit.circuit import QuantumCircuit

        at = dict(zip(circuit.qubits, spots, strict=True))
        # Phases are left out: nothing of them is measured, and they may be parameters.
        out = QuantumCircuit(
            [bit for bit in circuit.qubits if at[bit] in self.place],
            circuit.clbits,
            *circuit.cregs,
            inputs=circuit.iter_input_vars(),
            captures=circuit.iter_captured_vars(),
        )
        for var in circuit.iter_declared_vars():
            out.add_uninitialized_var(var)
        for inst in circuit.data:
            op, name = inst.operation, inst.operation.name
            kept = [q for q in inst.qubits if at[q] in self.place]
            spots_here = [at[q] for q in inst.qubits]
            if blocks := getattr(op, "blocks", ()):
                bodies = [self.rebuild(block, spots_here) for block in blocks]
                if name == "box":
                    out.compose(bodies[0], kept, inst.clbits, inplace=True, inline_captures=True)
                else:
                    self.check(name, spots_here)
                    out.append(op.replace_blocks(bodies), kept, inst.clbits, copy=False)
            elif name in PASSIVE:
                if kept:
                    self.append_passive(out, op, kept, [at[q] for q in kept], inst.clbits)
            else:
                self.check(name, spots_here)
                self.sites.add((name, tuple(self.place[s] for s in spots_here)))
                out.append(_unlabelled(op), kept, inst.clbits, copy=False)
        return out

    def append_passive(
        self, out: QuantumCircuit, op: Instruction, kept: Any, spots: list[int], clbits: Any
    ) -> None:
        from qiskit.circuit.library import Barrier, IGate

        if op.name == "barrier":
            out.append(Barrier(len(kept)), kept, copy=False)
        elif op.name != "delay":
            out.append(type(op)(len(kept), len(clbits)), kept, clbits, copy=False)
        elif isinstance(op.duration, (int, float)):
            self.check("delay", spots)
            label = delay_label(self.machine.seconds(op.duration, op.unit))
            self.sites.add((label, (self.place[spots[0]],)))
            out.append(IGate(label=label), kept, copy=False)

    def check(self, name: str, spots: list[int]) -> None:
        if not self.machine.supports(name, tuple(spots)):
            where = f"qubits ({', '.join(map(str, spots))})" if spots else "this backend"
            raise Problem(
                NOT_ISA,
                f"The instruction {name} on {where} is not supported by the target system.",
                "Transpile the circuit for the backend before you submit it.",
            )


def _unlabelled(op: Instruction) -> Instruction:
    # Aer looks noise up by label before name, so a user's label would switch the noise off.
    if getattr(op, "label", None) is None:
        return op
    plain = op.to_mutable()
    plain.label = None
    return plain
