"""Patches of the process that fakes share, and what outlives the fakes.

A patch is made for the first who needs it and undone after the last. What somebody else
patched on top of ours in the meantime is left to them to undo.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, Generic, Protocol, TypeVar

Replacement = tuple[Any, str, Any]
"""An owner, the name of an attribute, and its new value."""

User = TypeVar("User")


class Patches(Generic[User]):
    """Replacements that hold as long as anybody uses them.

    Args:
        wanted: Says what to replace.

    Attributes:
        users: Who uses them, in the order in which they came.
    """

    def __init__(self, wanted: Callable[[], Iterable[Replacement]]) -> None:
        self._wanted = wanted
        self._made: list[tuple[Any, str, Any, Any]] = []
        self._lock = threading.RLock()
        self.users: tuple[User, ...] = ()

    def add(self, user: User) -> None:
        """Hold for this user, too."""
        with self._lock:
            if not self.users:
                self._make()
            self.users = (*self.users, user)

    def renew(self) -> None:
        """Hold again where somebody replaced what we had put there; on top of theirs."""
        with self._lock:
            if self.users:
                self._make()

    def _make(self) -> None:
        ours = [made[3] for made in self._made]
        for owner, name, new in list(self._wanted()):
            old = vars(owner).get(name)
            if not any(old is one for one in ours):
                # Who puts back what was there before us leaves nothing of ours to undo.
                self._made = [
                    made for made in self._made if made[:2] != (owner, name) or made[2] is not old
                ]
                self._made.append((owner, name, old, new))
                setattr(owner, name, new)

    def remove(self, user: User) -> None:
        """Hold for this user no longer; they may go in any order."""
        with self._lock:
            self.users = tuple(other for other in self.users if other is not user)
            while self._made and not self.users:
                owner, name, old, new = self._made.pop()
                if vars(owner).get(name) is not new:
                    continue  # somebody patched on top of us, and undoes it
                if old is None:  # it was inherited
                    delattr(owner, name)
                else:
                    setattr(owner, name, old)


class Made:
    """What of one kind was made under a fake, and must not reach IBM when no fake runs."""

    def __init__(self) -> None:
        # By id, because some compare by value. Weakly: they are not ours to keep.
        self._things: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()

    def note(self, thing: Any) -> None:
        """Something was made."""
        self._things[id(thing)] = thing

    def hand_over(self, users: tuple[Maker, ...], retire: Callable[[Any], None]) -> None:
        """Give everything to the fake that still runs, or retire it where there is none."""
        for thing in list(self._things.values()):
            if users:
                users[-1].made.note(thing)
            else:
                retire(thing)
        self._things.clear()


class Maker(Protocol):
    """Under whom things are made."""

    @property
    def made(self) -> Made:
        """What was made."""


def noting(owner: Any, patches: Patches[Any]) -> Replacement:
    """The replacement of a class's ``__init__`` that notes what is made."""
    original = vars(owner)["__init__"]

    @wraps(original)
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        for fake in patches.users[-1:]:
            fake.made.note(self)

    return owner, "__init__", init
