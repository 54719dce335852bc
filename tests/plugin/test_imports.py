"""What a run that never uses us has to load: nothing."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("requests", "httpx", "requests_mock", "respx", "pydantic", "numpy", "qiskit", "jwt")


def test_importing_the_plugin_loads_nothing_heavy() -> None:
    code = f"""
import sys
import pytest_qiskit_fakeruntime, pytest_qiskit_fakeruntime.plugin
print([name for name in {HEAVY!r} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_public_names_are_there() -> None:
    import pytest_qiskit_fakeruntime as package

    for name in package.__all__:
        assert getattr(package, name) is not None
    assert set(package.__all__) <= set(dir(package))
