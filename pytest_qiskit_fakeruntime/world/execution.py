"""What the service asks of whoever runs its jobs, and what it gets back.

This is the whole door between the service and the physics. The engine in `execute/` comes
through it, and so does a simulator that a user plugs in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from .devices import Device


@dataclass(frozen=True)
class Task:
    """One job, ready to be checked or run.

    Attributes:
        job_id: The job's id.
        program_id: ``sampler``, ``estimator``, ``executor``, ...
        params: The program's input as it was submitted: JSON, still encoded by the client.
        device: The device the job was submitted to.
        seed: Seed of this job's random numbers. A seed in the job's own options wins.
        noise: Whether the device's noise applies.
        started: When the job starts to run, in the service's time.
    """

    job_id: str
    program_id: str
    params: Mapping[str, Any]
    device: Device
    seed: int
    noise: bool
    started: datetime


@dataclass(frozen=True)
class Outcome:
    """What a finished job leaves behind.

    Attributes:
        result: Body of ``GET /jobs/{id}/results``: JSON in the client's encoding.
        qpu_seconds: Seconds the QPU would have been locked.
        notes: What the engine did (method, approximations), for reports. Not sent.
    """

    result: str
    qpu_seconds: float
    notes: Mapping[str, Any] = field(default_factory=dict)


class Rejected(Exception):
    """The service refuses the job when it is submitted.

    Attributes:
        code: IBM's error code.
        message: What is wrong, for people.
        solution: What to do about it.
        status: HTTP status of the answer; 404 for a program that there is not.
    """

    def __init__(self, code: int, message: str, solution: str = "", status: int = 400) -> None:
        super().__init__(code, message, solution, status)
        self.code = code
        self.message = message
        self.solution = solution
        self.status = status


class JobFailed(Exception):
    """The job was accepted but ends as Failed, with a reason and a code.

    Attributes:
        code: IBM's error code.
        reason: What went wrong, for people.
        solution: What to do about it.
        qpu_seconds: QPU time that it is charged all the same.
    """

    def __init__(
        self, code: int, reason: str, solution: str = "", qpu_seconds: float = 0.0
    ) -> None:
        super().__init__(code, reason, solution, qpu_seconds)
        self.code = code
        self.reason = reason
        self.solution = solution
        self.qpu_seconds = qpu_seconds


class Executor(Protocol):
    """Whoever runs jobs. Implement it to plug in a simulator of your own."""

    def check(self, task: Task) -> float:
        """Look at a job when it is submitted.

        Returns:
            The service's estimate of its QPU time, in seconds.

        Raises:
            Rejected: If the service would refuse it.
        """

    def run(self, task: Task) -> Outcome:
        """Run a job to its end, in the calling thread.

        Raises:
            JobFailed: If the job ends as Failed.
        """
