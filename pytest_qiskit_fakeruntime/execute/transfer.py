"""Small noisy circuits: a density matrix as Pauli expectation values, for all points at once.

A density matrix of n qubits is the 4^n real numbers ``<P>``, one for each Pauli product, and
everything that happens to it is a real matrix on a few of its axes: the Pauli transfer matrix
of the gate and of its noise. Parameter values are one more axis. Gates on one qubit wait until
a gate on several takes them along, so that little is left to do for each point.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .noise import label_of, readout_probability, transfer_error
from .rules import numbers

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from qiskit.circuit import Instruction

    from .circuits import Reduced
    from .devices import Machine

Matrices = Any
"""Pauli transfer matrices on k qubits, shape ``(points or 1, 4**k, 4**k)``, highest first."""

ROTATIONS = frozenset({"rx", "ry", "rz", "p", "u1", "rxx", "ryy", "rzz", "rzx", "cp"})
"""Gates of one angle whose transfer matrix is ``A + B cos + C sin`` of that angle."""

GATE_QUBITS = 3
CHUNK = 2**24
"""Most numbers of the states that are simulated together."""


def understands(reduced: Reduced) -> bool:
    """Whether every gate of a circuit has a matrix of a size that is dealt with here."""
    return all(
        inst.operation.name in ("barrier", "measure")
        or (hasattr(inst.operation, "__array__") and len(inst.qubits) <= GATE_QUBITS)
        for inst in reduced.circuit.data
    )


def sample_states(
    reduced: Reduced,
    values: NDArray[np.float64],
    machine: Machine | None,
    shots: int,
    seed: int,
) -> NDArray[np.bool_]:
    """Shots of a circuit in which chance plays no part before the end.

    Args:
        reduced: The circuit.
        values: Parameter values, shape ``(points, parameters)``, in the circuit's order.
        machine: The device whose noise applies; ``None`` for no noise.
        shots: Shots per point.
        seed: Of the random numbers.

    Returns:
        Classical bits, shape ``(points, shots, clbits)``.
    """
    rng = np.random.default_rng(seed)
    circuit = reduced.circuit
    measured = {
        circuit.find_bit(inst.clbits[0]).index: circuit.find_bit(inst.qubits[0]).index
        for inst in circuit.data
        if inst.operation.name == "measure"
    }
    bits = np.zeros((len(values), shots, circuit.num_clbits), bool)
    size = max(CHUNK // 4 ** len(reduced.qubits), 1)
    same = not values.shape[1]
    for start in range(0, len(values), size):
        part = values[start : start + size]
        state = _State(reduced, part[:1] if same else part, machine).evolved()
        sums = np.cumsum(state.probabilities(list(measured.values())), axis=1)
        for row in range(len(part)):
            edges = sums[0 if same else row]
            drawn = np.searchsorted(edges, rng.random(shots) * edges[-1], side="right")
            words = np.minimum(drawn, len(edges) - 1)[:, None] >> np.arange(len(measured))
            bits[start + row][:, list(measured)] = words & 1
    return bits


class _State:
    """The state of every point.

    Attributes:
        vectors: Expectation values, shape ``(points, 4, 4, ...)``.
        axes: Qubit of each axis after the first.
        waiting: What has yet to happen to single qubits.
    """

    def __init__(
        self, reduced: Reduced, values: NDArray[np.float64], machine: Machine | None
    ) -> None:
        self.reduced = reduced
        self.values = values
        self.machine = machine
        qubits = len(reduced.qubits)
        zero = functools.reduce(np.multiply.outer, [np.array([1.0, 0, 0, 1.0])] * qubits)
        self.vectors: Any = np.broadcast_to(zero, (len(values), *[4] * qubits))
        self.axes = list(range(qubits))
        self.waiting: list[Matrices] = [np.eye(4)[None]] * qubits

    def evolved(self) -> _State:
        """The state after every gate."""
        place = {bit: index for index, bit in enumerate(self.reduced.circuit.qubits)}
        for inst in self.reduced.circuit.data:
            if inst.operation.name in ("barrier", "measure"):
                continue
            places = [place[q] for q in inst.qubits]
            matrices = self.noisy(inst.operation, places)
            if len(places) == 1:
                self.waiting[places[0]] = matrices @ self.waiting[places[0]]
            else:
                self.apply(matrices @ self.take(places), places)
        return self

    def noisy(self, op: Instruction, places: list[int]) -> Matrices:
        matrices = self.ideal(op)
        if self.machine is None:
            return matrices
        spots = tuple(self.reduced.qubits[p] for p in places)
        error = transfer_error(self.machine, label_of(op), spots)
        return matrices if error is None else error @ matrices

    def ideal(self, op: Instruction) -> Matrices:
        if op.name in ROTATIONS:
            constant, cosine, sine = _rotation(op.base_class)
            angles = self.numbers(op.params[0])[:, None, None]
            return constant + cosine * np.cos(angles) + sine * np.sin(angles)
        # Controlled gates say that they are not parameterised even where they are.
        if any(getattr(param, "parameters", ()) for param in op.params):
            columns = np.broadcast_arrays(*(self.numbers(p) for p in op.params))
            return np.stack([_bound(op, row) for row in np.stack(columns, -1).tolist()])
        return _matrix(op)[None]

    def numbers(self, expression: Any) -> NDArray[np.float64]:
        return numbers(expression, self.reduced.circuit, self.values)

    def take(self, places: list[int]) -> Matrices:
        """What waits for some qubits, as one matrix, after which nothing does."""
        taken = [self.waiting[p] for p in reversed(places)]
        for p in places:
            self.waiting[p] = np.eye(4)[None]
        return functools.reduce(_kron, taken)

    def apply(self, matrices: Matrices, places: list[int]) -> None:
        front = [self.axes.index(p) + 1 for p in reversed(places)]
        rest = [a for a in range(1, len(self.axes) + 1) if a not in front]
        moved = self.vectors.transpose(0, *front, *rest)
        columns = moved.reshape(len(moved), 4 ** len(places), -1)
        self.vectors = (matrices @ columns).reshape(moved.shape)
        self.axes = [self.axes[a - 1] for a in (*front, *rest)]

    def misread(self, qubit: int) -> float:
        if self.machine is None:
            return 0.0
        return readout_probability(self.machine, self.reduced.qubits[qubit])

    def probabilities(self, qubits: list[int]) -> NDArray[np.float64]:
        """Of each word that some qubits can read, shape ``(points, 2**len(qubits))``.

        The first qubit is the lowest bit.
        """
        found = self.vectors
        for axis in reversed(range(len(self.axes))):
            qubit = self.axes[axis]
            found = np.moveaxis(found, axis + 1, -1)
            if qubit not in qubits:
                found = found[..., 0]  # what is not measured is summed over
                continue
            rows = self.waiting[qubit][:, [0, 3]].swapaxes(1, 2)
            one, z = np.moveaxis((found.reshape(len(found), -1, 4) @ rows), -1, 0)
            z = z * (1 - 2 * self.misread(qubit))
            both = np.stack([one + z, one - z], -1) / 2
            both = both.reshape(-1, *found.shape[1:-1], 2)
            found = np.moveaxis(both, -1, axis + 1)
        kept = [qubit for qubit in self.axes if qubit in qubits]
        found = found.transpose(0, *(kept.index(q) + 1 for q in reversed(qubits)))
        probabilities: NDArray[np.float64] = found.reshape(len(found), -1).clip(0.0)
        return probabilities


def _kron(high: Matrices, low: Matrices) -> Matrices:
    size = high.shape[1] * low.shape[1]
    product = high[:, :, None, :, None] * low[:, None, :, None, :]
    return product.reshape(len(product), size, size)


@functools.lru_cache(maxsize=256)
def _rotation(gate: Any) -> tuple[Matrices, Matrices, Matrices]:
    none, quarter, half = (_matrix(gate(angle)) for angle in (0.0, math.pi / 2, math.pi))
    constant = (none + half) / 2
    return constant[None], (none - half)[None] / 2, (quarter - constant)[None]


@functools.lru_cache(maxsize=1024)
def _known(gate: Any, params: tuple[float, ...]) -> Matrices:
    return transfer_matrix(gate(*params).to_matrix())


def _matrix(op: Instruction) -> Matrices:
    """Pauli transfer matrix of a gate whose parameters are numbers."""
    from qiskit.circuit.library import get_standard_gate_name_mapping

    known = get_standard_gate_name_mapping().get(op.name)
    # Gates of one's own may share a name, and open controls have a name of their own.
    if known is None or known.base_class is not op.base_class:
        return transfer_matrix(op.to_matrix())
    return _known(op.base_class, tuple(map(float, op.params)))


def _bound(op: Instruction, values: list[float]) -> Matrices:
    bound = op.to_mutable()
    bound.params = values
    return transfer_matrix(bound.to_matrix())


def transfer_matrix(unitary: NDArray[np.complex128]) -> NDArray[np.float64]:
    """Pauli transfer matrix of a unitary."""
    from qiskit.quantum_info import PTM, Operator

    matrix: NDArray[np.float64] = PTM(Operator(unitary)).data.real
    return matrix
