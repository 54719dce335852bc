"""Files that hold the state of a `FakeRuntime`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .errors import UsageError
from .world.archive import document_of, restore
from .world.world import World

FORMAT = "pytest-qiskit-fakeruntime"
VERSION = 1


def save(world: World, options: dict[str, Any], path: Path) -> None:
    """Write the state of a service into a file."""
    document = {"format": FORMAT, "version": VERSION, "options": options, **document_of(world)}
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read(path: Path) -> dict[str, Any]:
    """Read a file that `save` has written.

    Raises:
        UsageError: If it is another file, damaged, or of a newer version.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UsageError(f"{path} is not readable as JSON: {error}") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise UsageError(f"{path} was not written by FakeRuntime.save()")
    if document.get("version") != VERSION:
        raise UsageError(
            f"{path} has version {document.get('version')!r}; this release of "
            f"{FORMAT} reads version {VERSION}"
        )
    return document


def apply(document: dict[str, Any], world: World, path: Path) -> None:
    """Give a new service the state that was read from a file.

    Raises:
        UsageError: If the file is damaged.
    """
    try:
        restore(document, world)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(f"{path} is damaged: {type(error).__name__}: {error}") from None
