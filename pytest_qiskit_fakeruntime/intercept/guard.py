"""The guard: what must not leave the process, whatever library sends it.

The transports see what goes through `requests` and `httpx`. This guard sits below every
library, where names are looked up and sockets connect, and stops what they did not see.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

from ..errors import NetworkBlocked
from .patches import Patches, Replacement

Judge = Callable[[str], NetworkBlocked | None]
"""Says of a host whether it is out of bounds."""

_LOOK_UPS = ("getaddrinfo", "gethostbyname", "gethostbyname_ex")
_CONNECTS = ("connect", "connect_ex", "sendto")


class Guard:
    """Holds a judge over every look-up and every connection while it is entered.

    Args:
        judge: Takes a host name or an address and returns the error to raise, or ``None``.
    """

    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    def __enter__(self) -> Guard:
        _patches.add(self._judge)
        return self

    def __exit__(self, *_: object) -> None:
        _patches.remove(self._judge)


def renew() -> None:
    """Watch again what other plugins have reset, as pytest-socket does after each test."""
    _patches.renew()


def is_local(host: str) -> bool:
    """Whether a host is this machine: a loopback address, or a name that stands for one."""
    name = host.rstrip(".").lower()
    if name in ("", "localhost", socket.gethostname().lower()) or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def outside(host: str) -> NetworkBlocked | None:
    """The judge of ``--fake-runtime-block-network``: only this machine is in bounds."""
    return None if is_local(host) else NetworkBlocked(host, ibm=False)


def _check(host: object) -> None:
    text = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if isinstance(text, str):
        for judge in reversed(_patches.users):
            error = judge(text)
            if error is not None:
                raise error


def _watch_look_up(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def look_up(host: Any, *args: Any, **kwargs: Any) -> Any:
        _check(host)
        return original(host, *args, **kwargs)

    return look_up


def _watch_connect(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def connect(self: socket.socket, *args: Any) -> Any:
        if args and self.family in (socket.AF_INET, socket.AF_INET6):
            address = args[-1]
            _check(address[0] if isinstance(address, tuple) else None)
        return original(self, *args)

    return connect


def _wanted() -> Iterator[Replacement]:
    for name in _LOOK_UPS:
        yield socket, name, _watch_look_up(getattr(socket, name))
    for name in _CONNECTS:
        yield socket.socket, name, _watch_connect(getattr(socket.socket, name))


_patches: Patches[Judge] = Patches(_wanted)
