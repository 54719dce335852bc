"""The devices that the installed client ships, found as files."""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path

from ..world.snapshots import Catalogue, Snapshot


@functools.cache
def load_catalogue() -> Catalogue:
    """Every snapshot of the client's fake provider, by name (``fake_fez``).

    Only looks which files there are: nothing is imported, read or parsed.
    """
    spec = importlib.util.find_spec("qiskit_ibm_runtime")
    if spec is None or spec.origin is None:
        return Catalogue({})
    backends = Path(spec.origin).parent / "fake_provider" / "backends"
    snapshots: dict[str, Snapshot] = {}
    for configuration in sorted(backends.glob("*/conf_*.json")):
        folder = configuration.parent
        properties = folder / configuration.name.replace("conf_", "props_", 1)
        snapshots[f"fake_{folder.name}"] = Snapshot.from_files(
            configuration, properties if properties.exists() else None
        )
    return Catalogue(snapshots)
