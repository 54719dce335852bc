"""Accounts of the client, which must not lead to IBM after their fake has stopped.

A service that outlives its fake may open a connection that it did not have before: to another
instance, or to ask for its instances. It takes the token for it from its account. `Accounts`
knows the accounts that were made under a fake; once no fake runs, they keep their token.
"""

from __future__ import annotations

import threading
import warnings
import weakref
from collections.abc import Callable
from functools import cache, wraps
from typing import Any, NoReturn

from ..errors import OUTLIVED, FakeRuntimeStopped, FakeRuntimeWarning

_running: tuple[Accounts, ...] = ()
_undo: list[Callable[[], None]] = []
_lock = threading.RLock()


class Accounts:
    """Knows the accounts that are made while it is entered; the client must be imported."""

    def __init__(self) -> None:
        # By id, because accounts compare by value.
        self._made: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()

    def __enter__(self) -> Accounts:
        global _running
        with _lock:
            if not _running:
                _install()
            _running = (*_running, self)
        return self

    def __exit__(self, *_: object) -> None:
        global _running
        with _lock:
            _running = tuple(other for other in _running if other is not self)
            if not _running:
                _undo.pop()()
        for account in list(self._made.values()):
            if _running:
                _running[-1].remember(account)
            else:
                kind: type = type(account)
                account.__class__ = _retired(kind)
        self._made.clear()

    def remember(self, account: Any) -> None:
        """Note, weakly, an account that was made under this fake."""
        self._made[id(account)] = account


@cache
def _retired(kind: type) -> type:
    """The same class of accounts, whose token nobody gets."""

    def token(_: object) -> NoReturn:
        text = f"There is no token: {OUTLIVED}"
        # The client takes the exception for an instance that is invalid, and goes on without.
        warnings.warn(text, FakeRuntimeWarning, stacklevel=2)
        raise FakeRuntimeStopped(text)

    return type(kind.__name__, (kind,), {"token": property(token), "__module__": kind.__module__})


def _install() -> None:
    from qiskit_ibm_runtime.accounts.account import Account

    owner: Any = Account
    original = vars(owner)["__init__"]

    @wraps(original)
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        for fake in _running[-1:]:
            fake.remember(self)

    def undo() -> None:
        if vars(owner)["__init__"] is init:  # else somebody patched on top, and undoes it
            owner.__init__ = original

    owner.__init__ = init
    _undo.append(undo)
