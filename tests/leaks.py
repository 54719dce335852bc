"""What of the process a fake might change, as it is at one moment."""

from __future__ import annotations

import os
import sys
import threading
import time
import warnings
from pathlib import Path
from typing import Any

CLASSES = (
    ("requests.sessions", "Session"),
    ("requests.adapters", "HTTPAdapter"),
    ("qiskit_ibm_runtime.api.session", "RetrySession"),
    ("qiskit_ibm_runtime.accounts.account", "Account"),
    ("httpx", "HTTPTransport"),
    ("httpx", "AsyncHTTPTransport"),
    ("httpx", "Client"),
    ("httpx", "AsyncClient"),
    ("httpcore", "ConnectionPool"),
    ("httpcore", "AsyncConnectionPool"),
    ("httpcore", "HTTPConnection"),
    ("httpcore", "AsyncHTTPConnection"),
    ("httpcore", "HTTPProxy"),
    ("urllib3.util.retry", "Retry"),
)
MODULES = ("socket", "ssl", "asyncio.base_events", "ibm_cloud_sdk_core.http_adapter")
TIMES = ("sleep", "time", "time_ns", "monotonic", "perf_counter")
TIME_KEEPERS = ("qiskit_ibm_runtime", "ibm_cloud_sdk_core")
"""Packages in whose modules the name ``time`` is the real module."""

ACCOUNT_FILE = "qiskit_ibm_runtime.accounts.management"
HARMLESS = {"__slotnames__", "__warningregistry__", "_abc_impl", "__annotations_cache__"}


def _members(owner: Any) -> dict[str, int]:
    return {name: id(value) for name, value in vars(owner).items() if name not in HARMLESS}


def _open_files() -> set[str]:
    """Regular files that are open, but for those of pytest and of libraries."""
    directory = Path("/proc/self/fd")
    found = set()
    for entry in directory.iterdir() if directory.exists() else ():
        try:
            target = os.readlink(entry)
        except OSError:
            continue
        if target.startswith("/") and not target.startswith(("/dev/", "/proc/", "/memfd")):
            found.add(target)
    return found


def take() -> dict[str, Any]:
    """The state of the process."""
    home = Path.home() / ".qiskit"
    state: dict[str, Any] = {
        "environment": {k: v for k, v in os.environ.items() if k != "PYTEST_CURRENT_TEST"},
        "threads": set(threading.enumerate()),
        "open files": _open_files(),
        "warnings filters": list(warnings.filters),
        "showwarning": warnings.showwarning,
        "home": {path: path.stat().st_mtime_ns for path in home.glob("*")},
        "excepthook": (sys.excepthook, threading.excepthook),
    }
    for module, name in CLASSES:
        if module in sys.modules:
            state[f"{module}.{name}"] = _members(getattr(sys.modules[module], name))
    for name in MODULES:
        if name in sys.modules:
            state[name] = _members(sys.modules[name])
    state["time"] = {name: id(getattr(time, name)) for name in TIMES}
    if ACCOUNT_FILE in sys.modules:
        state["account file"] = sys.modules[ACCOUNT_FILE]._DEFAULT_ACCOUNT_CONFIG_JSON_FILE
    state["time keepers"] = {
        name
        for name, module in list(sys.modules.items())
        if name.startswith(TIME_KEEPERS)
        and (keeper := vars(module).get("time")) is not None
        and keeper is not time
        and not callable(keeper)
    }
    return state


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What is not as it was. More is fine only where more was imported."""
    found = []
    for name, was in before.items():
        now = after[name]
        if now == was or (name in ("threads", "open files") and now <= was):
            continue
        if isinstance(was, dict):
            keys = {key for key in was.keys() | now.keys() if was.get(key) != now.get(key)}
            found.append(f"{name}: {sorted(map(str, keys))}")
        elif isinstance(was, set):
            found.append(f"{name}: {sorted(map(str, now - was))}")
        else:
            found.append(f"{name}: {was} -> {now}")
    if after["time keepers"]:
        found.append(f"virtual time was left in {sorted(after['time keepers'])}")
    return found
