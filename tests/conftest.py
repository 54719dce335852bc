"""What every test of ours runs under: no network, and nothing left behind."""

from __future__ import annotations

import socket
from collections.abc import Generator
from typing import Any

import pytest
import scipy.sparse as sparse  # scipy alters the filters of warnings when it is imported
import scipy.special as special

from . import leaks

__all__ = ["sparse", "special"]

LOOPBACK = ("127.0.0.1", "::1", "localhost")

_STATE = pytest.StashKey[dict[str, Any]]()
_PATCHES = pytest.StashKey[pytest.MonkeyPatch]()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "loopback: this test talks to a server of its own")
    config.addinivalue_line(
        "markers", "slow: takes long, and is not run for every release of the client"
    )


@pytest.hookimpl(tryfirst=True, wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    """Look at the process before any fixture does, and close the network."""
    item.stash[_STATE] = leaks.take()
    item.stash[_PATCHES] = patches = pytest.MonkeyPatch()
    _close_network(patches, item.get_closest_marker("loopback") is not None)
    return (yield)


@pytest.hookimpl(tryfirst=True, wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    """After the last fixture the process is what it was before the first."""
    try:
        return (yield)
    finally:
        item.stash[_PATCHES].undo()
        left = leaks.differences(item.stash[_STATE], leaks.take())
        # Benchmarks run local testing mode, which leaves threads behind.
        assert "bench" in item.path.parts or not left, f"{item.nodeid} left behind: {left}"


def _close_network(patches: pytest.MonkeyPatch, loopback: bool) -> None:
    """No socket connects and no name is looked up, but for tests with a server of their own."""
    real_connect, real_lookup = socket.socket.connect, socket.getaddrinfo

    def connect(self: socket.socket, address: Any) -> None:
        inet = self.family in (socket.AF_INET, socket.AF_INET6)
        if inet and not (loopback and address[0] in LOOPBACK):
            raise AssertionError(f"a socket connects to {address}")
        real_connect(self, address)

    def lookup(host: Any, *args: Any, **kwargs: Any) -> Any:
        if not (loopback and host in LOOPBACK):
            raise AssertionError(f"the name {host} is looked up")
        return real_lookup(host, *args, **kwargs)

    patches.setattr(socket.socket, "connect", connect)
    patches.setattr(socket, "getaddrinfo", lookup)
