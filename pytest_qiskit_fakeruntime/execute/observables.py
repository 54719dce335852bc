"""Observables: which qubits, which measurement bases, which value for which bits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

BASIS = dict(zip("XYZ01+-rl", "XYZZZXXYY", strict=True))
"""The Pauli basis in which each letter of an observable is measured."""

VALUES = {
    **dict.fromkeys("XYZ", (1.0, -1.0)),
    **dict.fromkeys("0+r", (1.0, 0.0)),
    **dict.fromkeys("1-l", (0.0, 1.0)),
}
"""What a letter is worth where the bit is 0, and where it is 1."""

Term = tuple[tuple[int, str], ...]
"""Qubits and letters of a product, the identities left out."""


def terms_of(observable: Mapping[str, float]) -> dict[Term, float]:
    """An observable as products with their coefficients.

    Args:
        observable: Coefficients by label; a label names the highest qubit first.
    """
    terms: dict[Term, float] = {}
    for label, coefficient in observable.items():
        term = tuple((q, c) for q, c in enumerate(reversed(label)) if c != "I")
        terms[term] = terms.get(term, 0.0) + float(np.real(coefficient))
    return terms


def ranges(array: Any, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Where the values of observables can lie.

    Args:
        array: The observables, as an ``ObservablesArray``.
        shape: The shape that they are broadcast to.

    Returns:
        For each element the constant term, and the sum of the other coefficients' magnitudes;
        shape ``(2, elements)``.
    """
    sums = [terms_of(array[index]) for index in np.ndindex(*array.shape)]
    middles = np.array([terms.get((), 0.0) for terms in sums])
    reaches = np.array([sum(abs(c) for term, c in terms.items() if term) for terms in sums])
    both = (values.reshape(array.shape) for values in (middles, reaches))
    return np.stack([np.broadcast_to(values, shape).reshape(-1) for values in both])


@dataclass
class Group:
    """Products that one measurement serves, because they agree on every qubit.

    Attributes:
        bases: Pauli basis per qubit.
        terms: The products.
    """

    bases: dict[int, str] = field(default_factory=dict)
    terms: set[Term] = field(default_factory=set)

    def accepts(self, bases: Mapping[int, str]) -> bool:
        """Whether a product fits in."""
        return all(self.bases.get(qubit, basis) == basis for qubit, basis in bases.items())

    @property
    def qubits(self) -> list[int]:
        """The qubits to measure, ascending."""
        return sorted(self.bases)


def group(terms: Iterable[Term]) -> list[Group]:
    """Sort products into few groups, each measured at once."""
    groups: list[Group] = []
    # Long products first: the short ones then fit into groups that exist already.
    for term in sorted(set(terms), key=lambda t: (-len(t), t)):
        if not term:
            continue
        bases = {qubit: BASIS[letter] for qubit, letter in term}
        home = next((g for g in groups if g.accepts(bases)), None)
        if home is None:
            home = Group()
            groups.append(home)
        home.bases.update(bases)
        home.terms.add(term)
    return groups


def per_shot(
    terms: Mapping[Term, float],
    home: Group,
    bits: NDArray[np.bool_],
    reliability: Mapping[int, float],
) -> NDArray[np.float64]:
    """The part of an observable that a group measures, shot by shot.

    Args:
        terms: The observable.
        home: The group.
        bits: Bits of the group's qubits, shape ``(shots, qubits)``.
        reliability: By how much a measured Pauli shrinks, per qubit; values are stretched by it.

    Returns:
        Values of shape ``(shots,)``.
    """
    column = {qubit: index for index, qubit in enumerate(home.qubits)}
    total: Any = np.zeros(len(bits))
    for term, coefficient in terms.items():
        if term not in home.terms:
            continue
        value = np.full(len(bits), coefficient)
        for qubit, letter in term:
            zero, one = VALUES[letter]
            mean, half = (zero + one) / 2, (zero - one) / 2 / reliability.get(qubit, 1.0)
            value *= np.where(bits[:, column[qubit]], mean - half, mean + half)
        total += value
    result: NDArray[np.float64] = total
    return result
