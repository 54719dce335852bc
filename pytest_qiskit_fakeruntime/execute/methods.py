"""The rule by which a circuit gets its simulation method.

In this order, the first that fits:

1. chance only at the end, up to 6 qubits (11 with noise, if the shots are many enough to be
   worth it): one density matrix, sampled;
2. no noise and chance only at the end, up to 24 qubits (11 for Clifford circuits): one
   state vector, sampled;
3. Clifford circuits of any size: stabilizer states, with the noise Pauli-twirled;
4. up to 14 qubits: one state vector or matrix product state per shot, exact;
5. a matrix product state per shot, exact up to `MAX_BOND`, if that is affordable;
6. a matrix product state with a smaller bond, and with few realisations of the noise that many
   shots share, if the circuit is not too deep for that;
7. nothing: the job fails.

Exact means with the noise as Aer has it. What is not exact is in `Method.document`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from . import transfer
from .problem import CANNOT_RUN, Problem

if TYPE_CHECKING:
    from .circuits import Reduced

DENSITY_MATRIX_QUBITS = 11
SMALL_QUBITS = 6
"""Most qubits of a density matrix in any case."""
CLIFFORD_QUBITS = 12
"""Fewest qubits of a Clifford circuit that is worth a simulation as one."""
TRAJECTORY_QUBITS = 14
STATEVECTOR_QUBITS = 24
MAX_BOND = 256
CAPPED_BONDS = (128, 64, 32, 16)
CAPPED_DEPTH = 48
"""Most layers of two-qubit gates in a circuit whose matrix product state is truncated."""
REALIZATIONS = 8
"""Realisations of the noise that the shots of a truncated matrix product state share."""
GATE_OPERATIONS = 1e4
"""What Aer does per gate and shot of a matrix product state, whatever its size: about 9 us."""
SAMPLE_OPERATIONS = 4.0
"""What a sample of a matrix product state takes per qubit and squared bond."""
MAX_OPERATIONS = 4e10
"""Most operations that a matrix product state may cost: about 30 seconds."""


@dataclass(frozen=True)
class Method:
    """How a circuit is simulated.

    Attributes:
        name: Aer's simulation method.
        qubits: How many qubits are simulated together.
        twirled: Whether the noise is the Pauli twirl of the device's.
        bond: Cap of the bond dimension of a matrix product state.
        realizations: How many realisations of the noise the shots share; ``None`` if every
            shot has its own.
    """

    name: str
    qubits: int
    twirled: bool = False
    bond: int | None = None
    realizations: int | None = None

    @property
    def document(self) -> dict[str, Any]:
        """What stands in a result's metadata: the method, and each approximation."""
        document: dict[str, Any] = {"method": self.name, "num_qubits": self.qubits}
        if self.twirled:
            document["noise"] = "pauli_twirled"
        if self.bond is not None:
            document["max_bond_dimension"] = self.bond
        if self.realizations is not None:
            document["noise_realizations"] = self.realizations
        return document


def small(reduced: Reduced, noisy: bool, shots: int) -> Method | None:
    """A method whose state serves all shots of a small circuit, if there is one."""
    qubits = len(reduced.qubits)
    if reduced.dynamic:
        return None
    # A density matrix is worth its square where one of them serves all shots, or is small.
    most = DENSITY_MATRIX_QUBITS if noisy and 2**qubits <= shots else SMALL_QUBITS
    if qubits <= most and transfer.understands(reduced):
        return Method("density_matrix", qubits)
    return Method("statevector", qubits) if qubits < CLIFFORD_QUBITS and not noisy else None


def clifford(reduced: Reduced, noisy: bool) -> Method | None:
    """The method for a circuit that turned out to be Clifford, if that is worth it."""
    qubits = len(reduced.qubits)
    if qubits < CLIFFORD_QUBITS:
        return None
    return Method("stabilizer", qubits, twirled=noisy)


def general(reduced: Reduced, noisy: bool, shots: int, points: int) -> Method:
    """The method for any other circuit.

    Args:
        reduced: The circuit.
        noisy: Whether it has noise.
        shots: Shots per point.
        points: How many parameter values there are.

    Raises:
        Problem: If no method can do it.
    """
    qubits = len(reduced.qubits)
    if not noisy and not reduced.dynamic and qubits <= STATEVECTOR_QUBITS:
        return Method("statevector", qubits)
    cost = _Cost(reduced)
    if qubits <= TRAJECTORY_QUBITS:
        entangled = cost.of(MAX_BOND) > 12.0 * 2**qubits * len(reduced.circuit.data)
        return Method("statevector" if entangled else "matrix_product_state", qubits)
    sampled = not noisy and not reduced.dynamic
    exact = cost.of(MAX_BOND) * (1 if sampled else shots) * points
    if cost.bond <= MAX_BOND and exact <= MAX_OPERATIONS:
        return Method("matrix_product_state", qubits, bond=MAX_BOND)
    realizations = shots if reduced.dynamic else min(REALIZATIONS if noisy else 1, shots)
    for bond in CAPPED_BONDS:
        operations = cost.of(bond) * realizations + shots * cost.sample(bond)
        if cost.depth <= CAPPED_DEPTH and operations * points <= MAX_OPERATIONS:
            shared = realizations if noisy and not reduced.dynamic else None
            return Method("matrix_product_state", qubits, shared is not None, bond, shared)
    raise Problem(
        CANNOT_RUN,
        f"Failed to run job: {qubits} entangled qubits are too many to simulate "
        f"({cost.depth} layers of two-qubit gates, {exact:.0e} operations).",
        "Use fewer qubits, gates, shots or parameter values, a Clifford circuit, or noise=False.",
    )


class _Cost:
    """What a circuit takes as a matrix product state.

    The bond across a cut grows by a factor of at most 2 with each gate of the kind that
    devices have which crosses it. Gates cost something even where there is no entanglement.

    Attributes:
        bond: The largest bond that the circuit can need.
        depth: Layers of two-qubit gates.
    """

    def __init__(self, reduced: Reduced) -> None:
        self.qubits = len(reduced.qubits)
        self.gates = len(reduced.circuit.data)
        self.depth = 0
        moves, edges = [], []
        crossings = np.zeros(max(self.qubits, 1), int)
        layers = [0] * max(self.qubits, 1)
        place = {bit: index for index, bit in enumerate(reduced.circuit.qubits)}
        for inst in reduced.circuit.data:
            if len(inst.qubits) < 2 or inst.operation.name == "barrier":
                continue
            places = [place[q] for q in inst.qubits]
            low, high = min(places), max(places)
            crossings[low:high] += 1
            moves.append(high - low)
            edges.append(min(int(crossings[low:high].max()), self.qubits // 2))
            layer = 1 + max(layers[p] for p in places)
            self.depth = max(self.depth, layer)
            for p in places:
                layers[p] = layer
        self._moves = np.array(moves, float)
        self._bonds = 2.0 ** np.array(edges, float)
        self.bond = float(self._bonds.max(initial=1.0))

    def of(self, cap: int) -> float:
        """Operations of one run with bonds up to ``cap``."""
        bonds = np.minimum(self._bonds, cap)
        return GATE_OPERATIONS * self.gates + float((60.0 * self._moves * bonds**3).sum())

    def sample(self, cap: int) -> float:
        """Operations of one sample."""
        return SAMPLE_OPERATIONS * self.qubits * min(self.bond, cap) ** 2
