"""An IBM Quantum platform inside your test process, for the real qiskit-ibm-runtime client.

Importing this package loads nothing heavy: the public names are resolved on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from . import faults as faults
    from .errors import FakeRuntimeError as FakeRuntimeError
    from .errors import FakeRuntimeStopped as FakeRuntimeStopped
    from .errors import FakeRuntimeWarning as FakeRuntimeWarning
    from .errors import JobStuck as JobStuck
    from .errors import NetworkBlocked as NetworkBlocked
    from .errors import UnmatchedRequest as UnmatchedRequest
    from .errors import UsageError as UsageError
    from .runtime import FakeRuntime as FakeRuntime
    from .world.execution import Executor as Executor
    from .world.execution import JobFailed as JobFailed
    from .world.execution import Outcome as Outcome
    from .world.execution import Rejected as Rejected
    from .world.execution import Task as Task

_HOMES = {
    "FakeRuntime": "runtime",
    "FakeRuntimeError": "errors",
    "FakeRuntimeStopped": "errors",
    "FakeRuntimeWarning": "errors",
    "NetworkBlocked": "errors",
    "JobStuck": "errors",
    "UnmatchedRequest": "errors",
    "UsageError": "errors",
    "Executor": "world.execution",
    "JobFailed": "world.execution",
    "Outcome": "world.execution",
    "Rejected": "world.execution",
    "Task": "world.execution",
}

__all__ = ["__version__", "faults", *_HOMES]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in _HOMES:
        return getattr(import_module(f".{_HOMES[name]}", __name__), name)
    if name == "faults":
        return import_module(".faults", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
