"""Circuits that fall apart: qubits that never meet are simulated apart.

Measuring all 156 qubits of a device after a Bell pair makes 155 small problems, not a large
one. Small clusters are bundled again, since each simulation has a price of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .circuits import Reduced

if TYPE_CHECKING:
    from qiskit.circuit import QuantumCircuit

BUNDLE_QUBITS = 5


@dataclass(frozen=True)
class Bundle:
    """A part of a circuit that is independent of the rest.

    Attributes:
        reduced: The part, as a circuit of its own.
        clbits: Where its classical bits stand in the whole circuit.
    """

    reduced: Reduced
    clbits: tuple[int, ...]


def bundles(whole: Reduced) -> list[Bundle]:
    """The independent parts of a circuit that measure anything."""
    circuit = whole.circuit
    everything = Bundle(whole, tuple(range(circuit.num_clbits)))
    if len(whole.qubits) <= BUNDLE_QUBITS or circuit.num_vars:
        return [everything]
    groups = _pack(_clusters(circuit))
    if len(groups) == 1:
        return [everything]
    home = {bit: number for number, bits in enumerate(groups) for bit in bits}
    parts: list[list[Any]] = [[] for _ in groups]
    for inst in circuit.data:
        if inst.operation.name != "barrier" and (bits := (*inst.qubits, *inst.clbits)):
            parts[home[bits[0]]].append(inst)
    found = (_bundle(whole, bits, part) for bits, part in zip(groups, parts, strict=True) if part)
    return [bundle for bundle in found if bundle.reduced.measured]


def _clusters(circuit: QuantumCircuit) -> list[list[Any]]:
    """Qubits and classical bits that instructions connect, each cluster in circuit order."""
    parent: dict[Any, Any] = {bit: bit for bit in (*circuit.qubits, *circuit.clbits)}

    def root(bit: Any) -> Any:
        while parent[bit] is not bit:
            parent[bit] = parent[parent[bit]]
            bit = parent[bit]
        return bit

    for inst in circuit.data:
        if inst.operation.name != "barrier":
            first, *others = [root(bit) for bit in (*inst.qubits, *inst.clbits)] or [None]
            for other in others:
                parent[other] = root(first)
    clusters: dict[Any, list[Any]] = {}
    for bit in parent:
        clusters.setdefault(root(bit), []).append(bit)
    qubits = set(circuit.qubits)
    return [cluster for cluster in clusters.values() if not qubits.isdisjoint(cluster)]


def _pack(clusters: Iterable[list[Any]]) -> list[list[Any]]:
    """Clusters put together, small ones up to `BUNDLE_QUBITS`."""
    from qiskit.circuit import Qubit

    packed: list[list[Any]] = []
    room = 0
    for cluster in clusters:
        size = sum(isinstance(bit, Qubit) for bit in cluster)
        if size > BUNDLE_QUBITS:
            packed.insert(0, cluster)
        elif size <= room:
            packed[-1].extend(cluster)
            room -= size
        else:
            packed.append(list(cluster))
            room = BUNDLE_QUBITS - size
    return packed


def _bundle(whole: Reduced, bits: list[Any], part: list[Any]) -> Bundle:
    from qiskit.circuit import QuantumCircuit

    members = set(bits)
    qubits = [q for q in whole.circuit.qubits if q in members]
    # Conditions may name a register, which has to be there as a whole.
    conditional = any(hasattr(inst.operation, "blocks") for inst in part)
    clbits = [c for c in whole.circuit.clbits if conditional or c in members]
    circuit = QuantumCircuit(qubits, clbits, *(whole.circuit.cregs if conditional else ()))
    for inst in part:
        circuit.append(inst.operation, inst.qubits, inst.clbits, copy=False)
    places = [whole.circuit.find_bit(q).index for q in qubits]
    new = {place: index for index, place in enumerate(places)}
    sites = frozenset(
        (name, tuple(new[p] for p in at)) for name, at in whole.sites if new.keys() >= set(at)
    )
    reduced = Reduced(circuit, tuple(whole.qubits[place] for place in places), sites)
    # Bits that belong to other bundles stay zero here, and are theirs to report.
    own = tuple(whole.circuit.find_bit(c).index for c in clbits)
    return Bundle(reduced, own)
