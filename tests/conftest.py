"""What every test of ours runs under: no network, and nothing left behind."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

LOOPBACK = ("127.0.0.1", "::1", "localhost")
WATCHED = (
    ("requests.sessions", "Session"),
    ("requests.adapters", "HTTPAdapter"),
    ("httpx", "HTTPTransport"),
    ("httpx", "AsyncHTTPTransport"),
    ("httpx", "Client"),
    ("httpx", "AsyncClient"),
    ("httpcore", "ConnectionPool"),
    ("httpcore", "AsyncConnectionPool"),
    ("qiskit_ibm_runtime.accounts.management", None),
    ("qiskit_ibm_runtime.runtime_job_v2", None),
    ("ibm_cloud_sdk_core.token_managers.token_manager", None),
    ("ibm_cloud_sdk_core.token_managers.jwt_token_manager", None),
    ("time", None),
    ("socket", None),
)
"""Modules and classes whose attributes we might touch."""

pytest_plugins = ["pytester"]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "loopback: this test talks to a server of its own")


def _attributes() -> dict[tuple[str, str | None], dict[str, Any]]:
    found = {}
    for module, name in WATCHED:
        if module in sys.modules:
            owner = sys.modules[module] if name is None else getattr(sys.modules[module], name)
            found[module, name] = dict(vars(owner))
    return found


def _account_file() -> tuple[bool, int]:
    path = Path.home() / ".qiskit" / "qiskit-ibm.json"
    return path.exists(), path.stat().st_mtime_ns if path.exists() else 0


@pytest.fixture(autouse=True)
def process_stays_as_it_was() -> Iterator[None]:
    """After every test the process is what it was before."""
    environ = {k: v for k, v in os.environ.items() if k != "PYTEST_CURRENT_TEST"}
    threads = set(threading.enumerate())
    attributes, account, filters = _attributes(), _account_file(), list(warnings.filters)
    sleep = time.sleep

    yield

    now = {k: v for k, v in os.environ.items() if k != "PYTEST_CURRENT_TEST"}
    assert now == environ
    assert set(threading.enumerate()) <= threads
    for owner, before in attributes.items():
        after = _attributes()[owner]
        changed = [
            name
            for name in before.keys() | after.keys()
            if before.get(name) is not after.get(name) and not _harmless(name)
        ]
        assert not changed, f"{owner}: {changed}"
    assert _account_file() == account
    assert list(warnings.filters) == filters
    assert time.sleep is sleep


def _harmless(name: str) -> bool:
    return name in ("__warningregistry__", "__abc_impl", "_abc_impl", "__annotations_cache__")


@pytest.fixture(autouse=True)
def network(
    process_stays_as_it_was: None,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No socket connects and no name is looked up, but for tests with a server of their own."""
    real_connect, real_lookup = socket.socket.connect, socket.getaddrinfo
    allowed = request.node.get_closest_marker("loopback") is not None

    def connect(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            if not allowed or address[0] not in LOOPBACK:
                raise AssertionError(f"a socket connects to {address}")
        real_connect(self, address)

    def lookup(host: Any, *args: Any, **kwargs: Any) -> Any:
        if not allowed or host not in LOOPBACK:
            raise AssertionError(f"the name {host} is looked up")
        return real_lookup(host, *args, **kwargs)

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket, "getaddrinfo", lookup)
