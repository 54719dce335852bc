"""Jobs from before the fake was there, as if they had been submitted then."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any

from .accounts import DEFAULT_API_KEY, user_of
from .clock import UTC
from .jobs import Job, Submission
from .world import World

ENDED = {"Completed": "complete", "Failed": "fail", "Cancelled": "cancel"}
"""States in which a job of the past can be, by the event that led there."""


@dataclass(frozen=True, kw_only=True)
class PastJob:
    """What is known of a job of the past. Everything can be left out.

    Attributes:
        id: Its id; made up if left out.
        status: ``Completed``, ``Failed`` or ``Cancelled``.
        program: ``sampler``, ``estimator``, ...
        backend: Name of its device, which need not exist any more; the first device if left
            out.
        created: When it was submitted, or how long ago. An hour ago if left out.
        running: When it started; when it was submitted if left out. A cancelled job has run
            only if this is given.
        finished: When it ended; after its QPU time if left out.
        tags: Its tags.
        api_key: The API key of the user who submitted it; the account's own if left out.
        instance: Name or CRN of its instance; the first one if left out.
        session_id: The session it belonged to.
        private: Whether its inputs and results are protected.
        reason: Why it failed, for people.
        code: Why it failed, as a code.
        qpu_seconds: QPU time that it was charged. It is not put on the instance's bill.
    """

    id: str | None = None
    status: str = "Completed"
    program: str = "sampler"
    backend: str | None = None
    created: datetime | timedelta = timedelta(hours=1)
    running: datetime | None = None
    finished: datetime | None = None
    tags: Iterable[str] = ()
    api_key: str = DEFAULT_API_KEY
    instance: str | None = None
    session_id: str | None = None
    private: bool = False
    reason: str | None = None
    code: int | None = None
    qpu_seconds: float = 2.0
    inputs: Mapping[str, Any] = field(default_factory=dict)
    result: str | None = None

    def add_to(self, world: World) -> Job:
        """Put the job into a service.

        Raises:
            ValueError: If it cannot have been so.
        """
        if self.status not in ENDED:
            raise ValueError(f"status={self.status!r}: choose from {', '.join(ENDED)}")
        job_id = self.id or world.ids.job_id("past-job")
        if job_id in world.jobs:
            raise ValueError(f"id={job_id!r}: there is such a job")
        created = _moment(self.created, world.clock.now)
        ran = self.status != "Cancelled" or self.running is not None
        running = _moment(self.running or created, created) if ran else None
        ends = (running or created) + timedelta(seconds=self.qpu_seconds if ran else 0)
        finished = _moment(self.finished or ends, ends)
        if not created <= (running or created) <= finished <= world.clock.now:
            raise ValueError("created, running, finished, now: not in this order")
        failed = self.status == "Failed"
        job = Job(
            id=job_id,
            submission=Submission(
                self.program,
                self.backend or next(iter(world.devices), "ibm_unknown"),
                self.inputs,
                self.session_id,
                tuple(self.tags),
                private=self.private,
            ),
            instance=self._crn(world),
            user=user_of(self.api_key),
            created=created,
            seed=0,
            estimated_seconds=self.qpu_seconds,
            status=self.status,
            reason=self.reason or ("Internal error." if failed else None),
            reason_code=self.code or (1500 if failed else None),
            tags=list(self.tags),
            running_at=running,
            finished_at=finished,
            result=self.result,
            qpu_seconds=self.qpu_seconds if ran else 0.0,
        )
        world.jobs.add(job)
        return job

    def _crn(self, world: World) -> str:
        instances = world.accounts.instances
        for crn, instance in instances.items():
            if self.instance in (None, crn, instance.name):
                return crn
        known = ", ".join(instance.name for instance in instances.values()) or "none"
        raise ValueError(f"instance={self.instance!r}: there is {known}")


KNOWN = tuple(one.name for one in fields(PastJob) if one.name not in ("inputs", "result"))
"""What can be said of a job of the past beside what went in and came out."""


def _moment(given: datetime | timedelta, now: datetime) -> datetime:
    if isinstance(given, timedelta):
        return now - given
    return given if given.tzinfo else given.replace(tzinfo=UTC)
