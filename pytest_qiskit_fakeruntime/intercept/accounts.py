"""Accounts of the client, which must not lead to IBM after their fake has stopped.

A service that outlives its fake may open a connection that it did not have before: to another
instance, or to ask for its instances. It takes the token for it from its account. `Accounts`
knows the accounts that were made under a fake; once no fake runs, they keep their token.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from functools import cache
from typing import Any, NoReturn

from ..errors import OUTLIVED, FakeRuntimeStopped, FakeRuntimeWarning
from .patches import Made, Patches, Replacement, noting


class Accounts:
    """Knows the accounts that are made while it is entered; the client must be imported.

    Attributes:
        made: These accounts.
    """

    def __init__(self) -> None:
        self.made = Made()

    def __enter__(self) -> Accounts:
        _patches.add(self)
        return self

    def __exit__(self, *_: object) -> None:
        _patches.remove(self)
        self.made.hand_over(_patches.users, _retire)


def _retire(account: Any) -> None:
    kind: type = type(account)
    account.__class__ = _retired(kind)


@cache
def _retired(kind: type) -> type:
    """The same class of accounts, whose token nobody gets."""

    def token(_: object) -> NoReturn:
        text = f"There is no token: {OUTLIVED}"
        # The client takes the exception for an instance that is invalid, and goes on without.
        warnings.warn(text, FakeRuntimeWarning, stacklevel=2)
        raise FakeRuntimeStopped(text)

    return type(kind.__name__, (kind,), {"token": property(token), "__module__": kind.__module__})


def _wanted() -> Iterator[Replacement]:
    from qiskit_ibm_runtime.accounts.account import Account

    yield noting(Account, _patches)


_patches: Patches[Accounts] = Patches(_wanted)
