"""What the installed client and qiskit can do, found by looking, not by their versions."""

from __future__ import annotations

import importlib
import inspect
from typing import Any

import pytest


def find(path: str) -> Any:
    """A thing of theirs by its dotted path; ``None`` where the release has none."""
    parts = path.split(".")
    for depth in range(len(parts), 0, -1):
        name = ".".join(parts[:depth])
        try:
            found: Any = importlib.import_module(name)
        except ModuleNotFoundError as error:
            # Only what we look for may be missing: anything else is a broken install.
            if error.name is None or not name.startswith(error.name):
                raise
            continue
        for attribute in parts[depth:]:
            found = getattr(found, attribute, None)
        return found
    return None


def load(path: str) -> Any:
    """A thing of theirs; the test is skipped where the release has none."""
    found = find(path)
    if found is None:
        pytest.skip(f"the installed release has no {path}")
    return found


def takes(path: str, parameter: str) -> bool:
    """Whether a function of theirs has a parameter of this name."""
    found = find(path)
    return found is not None and parameter in inspect.signature(found).parameters


def needs(path: str, parameter: str | None = None) -> pytest.MarkDecorator:
    """Skip where the release does not have this thing, or this parameter of it."""
    there = find(path) is not None if parameter is None else takes(path, parameter)
    wanted = path if parameter is None else f"{path}({parameter}=...)"
    return pytest.mark.skipif(not there, reason=f"the installed release has no {wanted}")
