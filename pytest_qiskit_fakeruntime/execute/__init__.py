"""The physics: decode a job, simulate it with the device's noise, encode the result.

The only floor that knows qiskit. Importing this package, or `catalogue`, loads neither
qiskit nor numpy; the other modules are imported when the first job runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .devices import snapshot_of as snapshot_of
    from .engine import Engine as Engine

from .catalogue import load_catalogue

_HOMES = {"Engine": "engine", "snapshot_of": "devices"}

__all__ = ["Engine", "load_catalogue", "snapshot_of"]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in _HOMES:
        return getattr(import_module(f".{_HOMES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
