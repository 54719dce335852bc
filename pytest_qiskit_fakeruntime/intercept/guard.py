"""The guard: what must not leave the process, whatever library sends it.

The transports see what goes through `requests` and `httpx`. This guard sits below every
library, where names are looked up and sockets connect, and stops what they did not see.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Callable
from functools import wraps
from typing import Any

from ..errors import NetworkBlocked

Judge = Callable[[str], NetworkBlocked | None]
"""Says of a host whether it is out of bounds."""

_LOOK_UPS = ("getaddrinfo", "gethostbyname", "gethostbyname_ex")
_CONNECTS = ("connect", "connect_ex", "sendto")

_judges: tuple[Judge, ...] = ()
_replaced: list[tuple[Any, str, Any, Any]] = []
_lock = threading.RLock()


class Guard:
    """Holds a judge over every look-up and every connection while it is entered.

    Args:
        judge: Takes a host name or an address and returns the error to raise, or ``None``.
    """

    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    def __enter__(self) -> Guard:
        global _judges
        with _lock:
            if not _judges:
                _install()
            _judges = (*_judges, self._judge)
        return self

    def __exit__(self, *_: object) -> None:
        global _judges
        with _lock:
            _judges = tuple(other for other in _judges if other is not self._judge)
            if not _judges:
                _uninstall()


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
        for judge in reversed(_judges):
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


def _install() -> None:
    targets: list[tuple[Any, str, Any]] = [(socket, name, _watch_look_up) for name in _LOOK_UPS]
    targets += [(socket.socket, name, _watch_connect) for name in _CONNECTS]
    for owner, name, watch in targets:
        inherited = name not in vars(owner)
        new = watch(getattr(owner, name))
        _replaced.append((owner, name, None if inherited else vars(owner)[name], new))
        setattr(owner, name, new)


def _uninstall() -> None:
    while _replaced:
        owner, name, old, new = _replaced.pop()
        if vars(owner).get(name) is not new:
            continue  # somebody patched on top of us, and undoes it
        if old is None:
            delattr(owner, name)
        else:
            setattr(owner, name, old)
