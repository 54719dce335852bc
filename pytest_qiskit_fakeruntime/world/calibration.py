"""Changes of a calibration in the words of the field, in SI units."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .hints import did_you_mean

Properties = dict[str, Any]
"""The body of ``GET /backends/{name}/properties``."""

QUBIT: Mapping[str, tuple[tuple[str, ...], str, float]] = {
    "t1": (("T1",), "s", 1.0),
    "t2": (("T2",), "s", 1.0),
    "frequency": (("frequency",), "GHz", 1e-9),
    "readout_error": (("readout_error", "prob_meas0_prep1", "prob_meas1_prep0"), "", 1.0),
    "readout_duration": (("readout_length",), "s", 1.0),
    "operational": (("operational",), "", 1.0),
}
"""What can be said of a qubit: IBM's names for it, the unit it is stored in, and its factor."""

GATE: Mapping[str, tuple[tuple[str, ...], str, float]] = {
    "error": (("gate_error",), "", 1.0),
    "duration": (("gate_length",), "s", 1.0),
    "operational": (("operational",), "", 1.0),
}
"""What can be said of a gate."""

SHARES = frozenset({"readout_error", "error"})
"""What lies between 0 and 1."""


def edit(
    *,
    qubit: int | Iterable[int] | None = None,
    gate: str | None = None,
    qubits: Iterable[int] | None = None,
    **values: float | bool,
) -> Callable[[Properties], None]:
    """A change of a calibration.

    Args:
        qubit: The qubit, or several, that the values are of; every qubit if left out.
        gate: The gate that the values are of, instead of qubits.
        qubits: Which qubits it acts on, in order; wherever it is if left out.
        values: The values; see `QUBIT` and `GATE`. Seconds and hertz.

    Returns:
        What makes the change to a document, or raises if it has no such qubit or gate.

    Raises:
        TypeError: If there is nothing of such a name.
        ValueError: If a value is out of range.
    """
    known = QUBIT if gate is None else GATE
    for name, value in values.items():
        if name not in known:
            hint = did_you_mean(name, known)
            kind = "a qubit" if gate is None else "a gate"
            raise TypeError(f"calibrate({name}=...): {kind} has {', '.join(known)}.{hint}")
        low = 0 if name in SHARES or isinstance(value, bool) or name == "duration" else 1e-30
        high = 1 if name in SHARES else float("inf")
        if not low <= value <= high:
            raise ValueError(f"calibrate({name}={value!r}): must be from {low:g} to {high:g}")
    if gate is not None and qubit is not None:
        raise TypeError("calibrate(gate=...): say qubits=(0, 1), not qubit=")
    if gate is None and qubits is not None:
        raise TypeError("calibrate(qubits=...) needs gate=; for one qubit say qubit=3")

    def change(properties: Properties) -> None:
        if gate is None:
            targets = _qubits(properties, qubit)
        else:
            targets = _gates(properties, gate, None if qubits is None else list(qubits))
        for parameters in targets:
            for name, value in values.items():
                names, unit, factor = known[name]
                for ibm in names:
                    _put(parameters, ibm, unit, factor * float(value), properties)

    return change


def _qubits(properties: Properties, qubit: int | Iterable[int] | None) -> list[Any]:
    every: list[Any] = properties.get("qubits", [])
    chosen = range(len(every)) if qubit is None else qubit
    numbers = [chosen] if isinstance(chosen, int) else list(chosen)
    for number in numbers:
        if not 0 <= number < len(every):
            raise ValueError(f"calibrate(qubit={number}): the device has {len(every)} qubits")
    return [every[number] for number in numbers]


def _gates(properties: Properties, gate: str, qubits: list[int] | None) -> list[Any]:
    every = properties.get("gates", [])
    named = [one for one in every if one["gate"] == gate]
    if not named:
        names = sorted({one["gate"] for one in every})
        hint = did_you_mean(gate, names)
        raise ValueError(f"calibrate(gate={gate!r}): the device has {', '.join(names)}.{hint}")
    found = [one for one in named if qubits is None or one["qubits"] == qubits]
    if not found:
        raise ValueError(f"calibrate(gate={gate!r}): there is none on the qubits {qubits}")
    return [one["parameters"] for one in found]


def _put(
    parameters: list[dict[str, Any]], name: str, unit: str, value: float, properties: Properties
) -> None:
    entry = next((one for one in parameters if one["name"] == name), None)
    if entry is None:
        entry = {"date": properties.get("last_update_date"), "name": name}
        parameters.append(entry)
    entry.update(unit=unit, value=value)
