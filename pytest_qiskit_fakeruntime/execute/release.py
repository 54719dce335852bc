"""Which release of the client is installed, and whether we know it."""

from __future__ import annotations

import re
import warnings
from importlib.metadata import PackageNotFoundError, version

from ..errors import FakeRuntimeWarning

CLIENT = "qiskit-ibm-runtime"

TESTED = ("0.41", "0.51")
"""The oldest and the newest release series that the fake is tested with."""

_said: set[str] = set()


def release() -> str:
    """The version of the installed client."""
    try:
        return version(CLIENT)
    except PackageNotFoundError:
        return "unknown"


def check_release() -> None:
    """Warn, once per process, of a client that the fake has not been tested with."""
    installed = release()
    oldest, newest = map(_series, TESTED)
    if installed in _said or oldest <= _series(installed) <= newest:
        return
    kind = "older" if _series(installed) < oldest else "newer"
    warnings.warn(
        f"{CLIENT} {installed} is {kind} than the releases that this fake is tested with, "
        f"{TESTED[0]} to {TESTED[1]}: most will work, and what differs may be missing.",
        FakeRuntimeWarning,
        stacklevel=3,
    )
    _said.add(installed)


def _series(number: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", number)[:2])
