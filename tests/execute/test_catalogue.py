from __future__ import annotations

import subprocess
import sys
import time

import pytest
from qiskit_ibm_runtime import fake_provider
from qiskit_ibm_runtime.fake_provider.fake_backend import FakeBackendV2

from pytest_qiskit_fakeruntime.execute.catalogue import load_catalogue


def test_names_are_those_of_the_fake_backends() -> None:
    classes = [
        value
        for value in vars(fake_provider).values()
        if isinstance(value, type) and issubclass(value, FakeBackendV2)
    ]
    names = {cls.backend_name for cls in classes if getattr(cls, "backend_name", None)}
    assert len(names) > 50
    assert names == set(load_catalogue())


def test_finding_them_takes_no_time_and_imports_nothing() -> None:
    code = (
        "import sys, time\n"
        "from pytest_qiskit_fakeruntime.execute import load_catalogue\n"
        "start = time.perf_counter()\n"
        "assert len(load_catalogue()) > 50\n"
        "print(time.perf_counter() - start)\n"
        "heavy = {'qiskit', 'numpy', 'qiskit_ibm_runtime', 'qiskit_aer'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 0.05


def test_is_made_once() -> None:
    start = time.perf_counter()
    assert load_catalogue() is load_catalogue()
    assert time.perf_counter() - start < 0.01


@pytest.mark.parametrize("name", ["fake_fez", "ibm_fez"])
def test_reads_the_files_when_asked(name: str) -> None:
    assert load_catalogue()[name].configuration_document["n_qubits"] == 156
