"""Clifford circuits with Pauli noise: every shot at once, as Pauli frames.

One run without noise gives one sample. Every other shot differs from it by a Pauli operator
that starts at random, picks up the noise on its way and is turned around by each gate. A frame
is two bits per qubit, so that a gate on 100 qubits and 1,000 shots is a few exclusive ors.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .noise import label_of, pauli_error, readout_probability

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from qiskit.circuit import Instruction, QuantumCircuit

    from .circuits import Reduced
    from .devices import Machine

Bits = Any
"""An array of booleans, one for each shot."""

QUARTER_TURNS = ("rz", "rx", "ry", "p", "rzz", "rxx", "ryy", "rzx", "cp")
"""Rotations that are Clifford at some angles."""


def rounded(op: Instruction) -> Instruction:
    """A rotation by almost a multiple of a quarter turn, by exactly that multiple."""
    if op.name not in QUARTER_TURNS:
        return op
    turns = float(op.params[0]) / (math.pi / 2)
    near = math.isclose(turns, round(turns), abs_tol=1e-5)
    return type(op)(round(turns) % 4 * math.pi / 2) if near else op


def is_clifford(op: Instruction) -> bool:
    """Whether Pauli frames can pass through a gate whose angles are numbers."""
    plain = rounded(op)
    try:
        angles = tuple(map(float, plain.params))
    except (TypeError, ValueError):
        return False  # its parameter is a matrix, or a word
    return _action(plain.name, angles, plain.num_qubits) is not None


def sample_frames(
    reduced: Reduced,
    reference: NDArray[np.bool_],
    machine: Machine | None,
    shots: int,
    seed: int,
) -> NDArray[np.bool_]:
    """Shots of a Clifford circuit without control flow.

    Args:
        reduced: The circuit, bound.
        reference: One sample of it without noise, shape ``(clbits,)``.
        machine: The device whose noise applies, Pauli-twirled; ``None`` for no noise.
        shots: How many.
        seed: Of the random numbers.

    Returns:
        Classical bits, shape ``(shots, clbits)``.
    """
    return _Frames(reduced, machine, shots, seed).run(reference)


class _Frames:
    def __init__(self, reduced: Reduced, machine: Machine | None, shots: int, seed: int) -> None:
        self.reduced = reduced
        self.machine = machine
        self.shots = shots
        self.rng = np.random.default_rng(seed)
        self.x = np.zeros((len(reduced.qubits), shots), bool)
        # A phase flip does nothing to a qubit that is in 0 for certain, so it is as good as not.
        self.z = self.coins(len(reduced.qubits))

    def coins(self, rows: int) -> Bits:
        return self.rng.integers(0, 2, (rows, self.shots), np.uint8).view(bool)

    def run(self, reference: NDArray[np.bool_]) -> NDArray[np.bool_]:
        circuit = self.reduced.circuit
        bits = np.broadcast_to(reference[:, None], (len(reference), self.shots)).copy()
        qubit = {bit: index for index, bit in enumerate(circuit.qubits)}
        clbit = {bit: index for index, bit in enumerate(circuit.clbits)}
        for inst in circuit.data:
            name, places = inst.operation.name, [qubit[q] for q in inst.qubits]
            if name == "barrier":
                continue
            if name == "measure":
                at = clbit[inst.clbits[0]]
                bits[at] = reference[at] ^ self.x[places[0]] ^ self.misread(places[0])
                self.z[places] ^= self.coins(1)
                continue
            if name == "reset":
                self.x[places] = False
                self.z[places] = self.coins(1)
            else:
                self.turn(inst.operation, places)
            self.disturb(label_of(inst.operation), places)
        return bits.T

    def turn(self, op: Instruction, places: list[int]) -> None:
        plain = rounded(op)
        rows = _action(plain.name, tuple(map(float, plain.params)), plain.num_qubits)
        if not rows:
            return
        before = [*(self.x[p].copy() for p in places), *(self.z[p].copy() for p in places)]
        after = [*(self.x[p] for p in places), *(self.z[p] for p in places)]
        for target, sources in rows:
            after[target][...] = functools.reduce(np.logical_xor, [before[s] for s in sources])

    def disturb(self, name: str, places: list[int]) -> None:
        if self.machine is None:
            return
        spots = tuple(self.reduced.qubits[p] for p in places)
        error = pauli_error(self.machine, name, spots)
        if error is None:
            return
        happens = np.flatnonzero(self.rng.random(self.shots) < 1 - error.probabilities[0])
        if not len(happens):
            return
        rest = np.cumsum(error.probabilities[1:])
        which = 1 + np.searchsorted(rest, self.rng.random(len(happens)) * rest[-1], side="right")
        which = np.minimum(which, len(rest))
        for column, place in enumerate(places):
            self.x[place, happens] ^= error.x[which, column]
            self.z[place, happens] ^= error.z[which, column]

    def misread(self, place: int) -> Bits:
        share = 0.0
        if self.machine is not None:
            share = readout_probability(self.machine, self.reduced.qubits[place])
        return self.rng.random(self.shots) < share if share else np.zeros(self.shots, bool)


@functools.lru_cache(maxsize=1024)
def _action(
    name: str, params: tuple[float, ...], num_qubits: int
) -> Sequence[tuple[int, list[int]]] | None:
    """What a gate does to a Pauli, signs left out; ``None`` if it is no Clifford gate.

    Returns:
        The bits that change, each with the bits that it is the exclusive or of. Bits are
        numbered ``x`` of every qubit first, then ``z``.
    """
    from qiskit.circuit.library import get_standard_gate_name_mapping
    from qiskit.exceptions import QiskitError
    from qiskit.quantum_info import Clifford

    gate = get_standard_gate_name_mapping().get(name)
    if gate is None or not hasattr(gate, "to_matrix") or gate.num_qubits != num_qubits:
        return None
    try:
        matrix = Clifford(type(gate)(*params)).symplectic_matrix
    except (QiskitError, TypeError, ValueError):
        return None
    columns = [np.flatnonzero(column).tolist() for column in matrix.T]
    return [(index, column) for index, column in enumerate(columns) if column != [index]]


def reference_circuit(circuit: QuantumCircuit) -> QuantumCircuit:
    """The same circuit in the gates that Aer's stabilizer simulation knows."""
    from qiskit.circuit.library import Barrier

    out = circuit.copy_empty_like()
    for inst in circuit.data:
        op, qubits = rounded(inst.operation), inst.qubits
        if isinstance(op, Barrier) or op.name not in QUARTER_TURNS or op.name == "rz":
            out.append(op, qubits, inst.clbits, copy=False)
            continue
        from qiskit.quantum_info import Clifford

        out.compose(Clifford(op).to_circuit(), qubits, inplace=True)
    return out
