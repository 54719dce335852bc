"""Jobs: what was submitted, what became of it, and how lists of them are filtered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, ValuesView
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from . import lifecycle
from .execution import Outcome
from .progress import IMMEDIATE, Ending, Progress

_CREATED = datetime.max
"""Stands for the moment at which the job was submitted."""


@dataclass(frozen=True)
class Submission:
    """The body of ``POST /jobs``, checked.

    Attributes:
        program_id: Program to run.
        backend: Name of the device.
        params: The program's input, still in the client's encoding.
        session_id: Session it belongs to.
        tags: At most eight.
        cost: Longest execution, in seconds; ``None`` for the plan's maximum.
        private: Whether inputs and results are protected.
        calibration_id: Calibration variant of the device.
        runtime: Container image.
        log_level: As sent.
    """

    program_id: str
    backend: str
    params: Mapping[str, Any] = field(default_factory=dict)
    session_id: str | None = None
    tags: tuple[str, ...] = ()
    cost: int | None = None
    private: bool = False
    calibration_id: str | None = None
    runtime: str | None = None
    log_level: str | None = None


@dataclass
class Job:
    """A job as the service holds it.

    Attributes:
        id: Twenty characters.
        submission: What was submitted.
        instance: CRN it was submitted to.
        user: Id of the user who submitted it.
        created: When it was submitted.
        seed: Seed of its random numbers.
        estimated_seconds: The service's estimate of its QPU time.
        caller: What the client said about the calling code.
        client: What the client said about itself.
        status: One of `lifecycle.JOB`.
        reason: Why it failed, for people.
        reason_code: Why it failed, as a code.
        reason_solution: What to do about it.
        tags: Its tags now; they can be replaced.
        running_at: When it started to run.
        finished_at: When it reached a terminal state.
        result: Body of its results, once there is one.
        qpu_seconds: QPU time it was charged.
        notes: What the engine says it did.
        number: Its place in the order of submission.
        progress: What it waits for in the queue, and while it runs.
        ending: How it will end, if that is settled.
        shown: Status that is shown instead of the real one.
        since: When it came into its present state.
        polls: How often it was seen in its present state.
        polled_at: When it was seen last.
        executing: Whether a thread is busy with it.
        outcome: What the executor made of it, before it is told to anybody.
        took: Seconds that the executor took.
    """

    id: str
    submission: Submission
    instance: str
    user: str
    created: datetime
    seed: int
    estimated_seconds: float = 0.0
    caller: str | None = None
    client: str | None = None
    status: str = "Queued"
    reason: str | None = None
    reason_code: int | None = None
    reason_solution: str | None = None
    tags: list[str] = field(default_factory=list)
    running_at: datetime | None = None
    finished_at: datetime | None = None
    result: str | None = None
    qpu_seconds: float = 0.0
    notes: Mapping[str, Any] = field(default_factory=dict)
    number: int = 0
    progress: Progress = IMMEDIATE
    ending: Ending | None = None
    shown: str | None = None
    since: datetime = _CREATED
    polls: int = 0
    polled_at: datetime | None = None
    executing: bool = False
    outcome: Outcome | None = None
    took: float = 0.0

    def __post_init__(self) -> None:
        if self.since is _CREATED:
            self.since = self.created

    @property
    def program_id(self) -> str:
        """The program it runs."""
        return self.submission.program_id

    @property
    def backend(self) -> str:
        """Name of its device."""
        return self.submission.backend

    @property
    def session_id(self) -> str | None:
        """Session it belongs to."""
        return self.submission.session_id

    @property
    def private(self) -> bool:
        """Whether its inputs and results are protected."""
        return self.submission.private

    @property
    def pending(self) -> bool:
        """Whether it has yet to reach a terminal state."""
        return self.status in lifecycle.PENDING

    @property
    def ran_too_long(self) -> bool:
        """Whether it was stopped at its maximum execution time."""
        return self.status == "Cancelled" and self.reason_code == 1305

    def step(self, event: str, now: datetime) -> None:
        """Let something happen to the job.

        Raises:
            IllegalTransition: If its state does not allow it.
        """
        self.status = lifecycle.step(lifecycle.JOB, "job", self.status, event)
        if event == "start":
            self.running_at = now
        if not self.pending:
            self.finished_at = now


@dataclass(frozen=True)
class JobFilter:
    """What ``GET /jobs`` can ask for. A field left out does not filter."""

    instance: str | None = None
    backend: str | None = None
    program: str | None = None
    pending: bool | None = None
    tags: tuple[str, ...] = ()
    session_id: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None

    def accepts(self, job: Job) -> bool:
        """Whether the job is one of those asked for. Both bounds in time are inclusive."""
        wanted = (
            (self.instance, job.instance),
            (self.backend, job.backend),
            (self.program, job.program_id),
            (self.pending, job.pending),
            (self.session_id, job.session_id),
        )
        return (
            all(want is None or want == have for want, have in wanted)
            and set(self.tags) <= set(job.tags)
            and (self.created_after is None or job.created >= self.created_after)
            and (self.created_before is None or job.created <= self.created_before)
        )


class Jobs(Mapping[str, Job]):
    """Every job the service holds, by id, oldest first."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._pending: dict[str, Job] = {}

    def __getitem__(self, job_id: str) -> Job:
        return self._jobs[job_id]

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._jobs))

    def __len__(self) -> int:
        return len(self._jobs)

    def values(self) -> ValuesView[Job]:
        """The jobs there are now: other threads may add and delete meanwhile."""
        return self._jobs.copy().values()

    def add(self, job: Job) -> None:
        """Take in a job."""
        self._jobs[job.id] = job
        if job.pending:
            self._pending[job.id] = job

    def pending(self) -> list[Job]:
        """The jobs that have not ended, oldest first."""
        if not self._pending:
            return []
        jobs = list(self._pending.values())
        for job in jobs:
            if not job.pending:
                self._pending.pop(job.id, None)
        return [job for job in jobs if job.pending]

    def remove(self, job_id: str) -> None:
        """Forget a job and its data."""
        del self._jobs[job_id]
        self._pending.pop(job_id, None)

    def matching(self, wanted: JobFilter) -> list[Job]:
        """The jobs a filter accepts, oldest first."""
        return sorted(
            (job for job in self.values() if wanted.accepts(job)),
            key=lambda job: job.created,
        )
