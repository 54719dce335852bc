"""Inner runs share the process: what cannot be imported twice is imported before."""

from __future__ import annotations

import sys

import httpx as httpx
import numpy as numpy
import pytest
import qiskit_aer as qiskit_aer
import qiskit_ibm_runtime.fake_provider as fake_provider
import requests_mock as requests_mock
import respx as respx

import pytest_qiskit_fakeruntime.execute.engine as engine
import pytest_qiskit_fakeruntime.faults as faults
import pytest_qiskit_fakeruntime.intercept.httpx as httpx_interception
import pytest_qiskit_fakeruntime.intercept.requests as requests_interception
import pytest_qiskit_fakeruntime.intercept.sandbox as sandbox
import pytest_qiskit_fakeruntime.intercept.waiting as waiting
import pytest_qiskit_fakeruntime.runtime as runtime

__all__ = [
    "engine",
    "fake_provider",
    "faults",
    "httpx_interception",
    "requests_interception",
    "runtime",
    "sandbox",
    "waiting",
]


@pytest.fixture(autouse=True)
def no_bytecode(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is written twice within a second is read twice."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)


def like_ours(config: pytest.Config) -> str:
    """A line of an ini file: the warnings that this run makes errors, and those it lets pass."""
    return "filterwarnings =\n" + "".join(f"    {one}\n" for one in config.getini("filterwarnings"))
