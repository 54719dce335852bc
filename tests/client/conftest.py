"""The real client against the fake: circuits, and the classes that run them."""

from __future__ import annotations

import contextlib
import logging
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.transpiler import generate_preset_pass_manager

from pytest_qiskit_fakeruntime import Outcome, Task

from ..capabilities import USAGE_CHECK, find, load


def bell() -> QuantumCircuit:
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit


def ghz(size: int) -> QuantumCircuit:
    circuit = QuantumCircuit(size)
    circuit.h(0)
    for qubit in range(size - 1):
        circuit.cx(qubit, qubit + 1)
    circuit.measure_all()
    return circuit


def sweep() -> QuantumCircuit:
    """Two qubits, each turned by an angle of its own: P(1) = sin(angle / 2)**2."""
    angles = ParameterVector("angle", 2)
    circuit = QuantumCircuit(2)
    for qubit, angle in enumerate(angles):
        circuit.ry(angle, qubit)
    circuit.measure_all()
    return circuit


def isa(circuit: QuantumCircuit, backend: Any, level: int = 1) -> QuantumCircuit:
    return generate_preset_pass_manager(level, backend=backend, seed_transpiler=1).run(circuit)


def make(path: str, backend: Any, **options: Any) -> Any:
    """An object of one of the client's classes, some of which say that they are deprecated."""
    if ".executor_sampler." in path:
        # The preview in 0.47 has no such module, and mirrors the bits of every register.
        load("qiskit_ibm_runtime.executor_sampler.prepare")
    kind = load(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return kind(mode=backend, **options)


def usage_warning(match: str) -> contextlib.AbstractContextManager[Any]:
    """What a submission over the limit brings: a warning, if the client looks at the usage."""
    return pytest.warns(UserWarning, match=match) if find(USAGE_CHECK) else contextlib.nullcontext()


@pytest.fixture
def client_log(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> pytest.LogCaptureFixture:
    """What the client logs, which it keeps from the root logger and so from older pytests."""
    monkeypatch.setattr(logging.getLogger("qiskit_ibm_runtime"), "propagate", True)
    caplog.set_level(logging.DEBUG, "qiskit_ibm_runtime")
    return caplog


SAMPLERS = (
    "qiskit_ibm_runtime.SamplerV2",
    "qiskit_ibm_runtime.executor_sampler.SamplerV2",
)
ESTIMATORS = (
    "qiskit_ibm_runtime.EstimatorV2",
    "qiskit_ibm_runtime.executor_estimator.EstimatorV2",
)


class Lab:
    """An executor that simulates nothing, and remembers what it was asked to run.

    Args:
        result: The result of every job.
    """

    def __init__(self, result: str = "{}") -> None:
        self.result = result
        self.ran: list[str] = []
        self.seconds = 3.0

    def check(self, task: Task) -> float:
        return 4.0

    def run(self, task: Task) -> Outcome:
        self.ran.append(task.job_id)
        return Outcome(self.result, qpu_seconds=self.seconds)


def submit(service: Any, backend: str = "fake_manila", **options: Any) -> Any:
    """A job for an executor that does not look at it."""
    return service._run("sampler", {}, {"backend": service.backend(backend), **options})


def watch(job: Any, polls: int) -> str:
    """The first letters of what the polls show."""
    return "".join(job.status()[0] for _ in range(polls))


@dataclass
class Counts:
    """Counts of one PUB, seen as probabilities."""

    counts: dict[str, int]

    @property
    def shots(self) -> int:
        return sum(self.counts.values())

    def probability(self, *bitstrings: str) -> float:
        return sum(self.counts.get(bits, 0) for bits in bitstrings) / self.shots


def run_executor(backend: Any, circuit: QuantumCircuit, values: Any, shots: int) -> Any:
    program_class = load("qiskit_ibm_runtime.QuantumProgram")
    executor = make("qiskit_ibm_runtime.Executor", backend)
    program = program_class(shots=shots)
    if values is None:
        program.append_circuit_item(circuit)
    else:
        program.append_circuit_item(circuit, circuit_arguments=np.asarray(values))
    return executor.run(program)
