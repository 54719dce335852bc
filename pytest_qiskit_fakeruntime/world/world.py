"""The service itself: its state, and what can be done to it."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from .accounts import Accounts, Instance
from .calls import Calls
from .clock import Clock
from .devices import Device, Devices
from .dispatch import Dispatcher
from .execution import Executor, Task
from .faults import JOB, FaultPlan
from .identity import Identities
from .jobs import Job, Jobs, Submission
from .progress import IMMEDIATE, Ending, Progress
from .sessions import Session
from .snapshots import UnknownDevice


class Refusal(Exception):
    """The service says no. How it says so over HTTP is written in ``api/errors.py``.

    Attributes:
        kind: Row of the table of errors.
        facts: What the message speaks of.
    """

    def __init__(self, kind: str, **facts: object) -> None:
        super().__init__(kind, facts)
        self.kind = kind
        self.facts = facts

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(type(self), self.kind, **self.facts), ()


@dataclass(frozen=True)
class Caller:
    """Who asks: the instance the request is for, and the user behind the key."""

    instance: Instance
    user: str


class World:
    """The state of a fake IBM Quantum, and the only one.

    Jobs run in the thread that finds that they have left the queue, outside the lock: nobody
    waits for somebody else's simulation.

    Args:
        devices: The devices of the service.
        accounts: The instances and keys.
        executor: Whoever runs the jobs.
        clock: The service's time.
        seed: Seed of ids, traces and every job's random numbers.
        noise: Whether jobs are simulated with noise where the device does not say.
        progress: What jobs wait for in the queue, and while they run.
    """

    def __init__(
        self,
        *,
        devices: Devices,
        accounts: Accounts,
        executor: Executor,
        clock: Clock,
        seed: int | str,
        noise: bool = True,
        progress: Progress = IMMEDIATE,
    ) -> None:
        self.devices = devices
        self.accounts = accounts
        self.executor = executor
        self.clock = clock
        self.ids = Identities(seed)
        self.noise = noise
        self.progress = progress
        self.jobs = Jobs()
        self.sessions: dict[str, Session] = {}
        self.faults = FaultPlan()
        self.calls = Calls()
        self.lock = threading.RLock()
        self.dispatcher = Dispatcher(self)
        self.submitted = 0

    def device(self, instance: Instance, name: str) -> Device:
        """A device that the instance may use.

        Raises:
            Refusal: If there is none of that name.
        """
        try:
            device = self.devices[name]
        except UnknownDevice:
            raise Refusal("backend_not_found", name=name) from None
        if not instance.has_device(name):
            raise Refusal("backend_not_found", name=name)
        return device

    def visible_devices(self, instance: Instance) -> list[Device]:
        """The devices that are listed for an instance."""
        return [device for device in self.devices.values() if instance.has_device(device.name)]

    def job(self, instance: Instance, job_id: str) -> Job:
        """A job of the instance.

        Raises:
            Refusal: If it has none of that id.
        """
        job = self.jobs.get(job_id)
        if job is None or job.instance != instance.crn:
            raise Refusal("job_not_found", id=job_id)
        return job

    def session(self, instance: Instance, session_id: str) -> Session:
        """A session of the instance.

        Raises:
            Refusal: If it has none of that id.
        """
        session = self.sessions.get(session_id)
        if session is None or session.instance != instance.crn:
            raise Refusal("session_not_found", id=session_id)
        return session

    def submit(
        self,
        by: Caller,
        submission: Submission,
        client: str | None = None,
        caller: str | None = None,
    ) -> Job:
        """Take in a job. It has run when this returns, unless it has to wait.

        Raises:
            Refusal: If the device or the session do not take it.
            Rejected: If the executor refuses it.
        """
        device = self.device(by.instance, submission.backend)
        if device.status == "reserved":
            raise Refusal("backend_reserved", name=device.name)
        if not device.operational:
            raise Refusal("backend_unavailable", name=device.name)
        session = self._session_for(by, submission)
        with self.lock:
            self.submitted += 1
            number, job_id = self.submitted, self.ids.job_id()
        job = Job(
            id=job_id,
            submission=submission,
            instance=by.instance.crn,
            user=by.user,
            created=self.clock.now,
            seed=self.ids.job_seed(number),
            client=client,
            caller=caller,
            tags=list(submission.tags),
            number=number,
            progress=self.progress,
        )
        job.estimated_seconds = self.executor.check(self.task(job, device))
        for fault in self.faults.take(JOB, False, job):
            if fault.change is not None:
                fault.change(self, job)
        with self.lock:
            self._session_for(by, submission)  # it may have closed meanwhile
            if session is not None:
                session.backend = job.backend
            work = self.dispatcher.admit(job)
        if work is not None:
            work()
        self.settle()
        return job

    def settle(self) -> None:
        """Bring the service up to the present: what is due happens now."""
        if self.jobs.pending() or self.live_sessions():
            self.dispatcher.settle()

    def _session_for(self, by: Caller, submission: Submission) -> Session | None:
        if submission.session_id is None:
            return None
        session = self.session(by.instance, submission.session_id)
        if not session.accepting_jobs:
            raise Refusal("session_closed")
        if session.backend not in (None, submission.backend):
            raise Refusal(
                "session_of_other_backend", session=session.backend, job=submission.backend
            )
        return session

    def task(self, job: Job, device: Device) -> Task:
        """A job as the executor takes it."""
        return Task(
            job_id=job.id,
            program_id=job.program_id,
            params=job.submission.params,
            device=device,
            seed=job.seed,
            noise=self.noise if device.noise is None else device.noise,
            started=job.running_at or job.created,
        )

    def time_limit(self, job: Job) -> float:
        """The longest execution of a job, in seconds: its own limit, or the plan's."""
        if job.submission.cost:
            return job.submission.cost
        instance = self.accounts.instances.get(job.instance)
        return float("inf") if instance is None else instance.plan_details.max_cost

    def is_over_limit(self, job: Job) -> bool:
        """Whether a job has to wait until its instance has QPU time again."""
        instance = self.accounts.instances.get(job.instance)
        if instance is None or instance.usage_limit_seconds is None:
            return False
        instance.reckon(self.clock.now)
        return instance.limit_reached

    def settle_bill(self, job: Job, at: datetime) -> None:
        """A job has ended: charge it. A dedicated session is charged by its own time."""
        session = self.sessions.get(job.session_id or "")
        if session is None or session.mode != "dedicated":
            self._charge(job.instance, job.qpu_seconds, at)
        if session is not None:
            session.qpu_seconds += job.qpu_seconds
            session.idle_since = at
            if job.running_at is not None:
                session.last_job_completed = at
            self._close_if_done(session, at)

    def _charge(self, crn: str, seconds: float, at: datetime) -> None:
        if crn in self.accounts.instances and seconds:
            self.accounts.instances[crn].charge(seconds, at)

    def cancel(self, job: Job) -> None:
        """Cancel a job.

        Raises:
            Refusal: If it has already ended.
        """
        with self.lock:
            now = self.clock.now
            if not job.pending:
                raise Refusal("job_not_cancellable", id=job.id, status=job.status)
            self.dispatcher.end(job, self._cancelled(job, now), now)

    def _cancelled(self, job: Job, now: datetime) -> Ending:
        """A job that is cancelled while it runs is charged for the time that it has run."""
        ran = (now - job.running_at).total_seconds() if job.running_at else 0.0
        return Ending("cancel", qpu_seconds=min(ran, job.estimated_seconds))

    def delete(self, job: Job) -> None:
        """Delete a job and its data.

        Raises:
            Refusal: If it has not ended.
        """
        with self.lock:
            if job.pending:
                raise Refusal("job_not_terminal", id=job.id, status=job.status)
            if job.id not in self.jobs:
                raise Refusal("job_not_found", id=job.id)  # somebody else was faster
            self.jobs.remove(job.id)

    def take_result(self, job: Job) -> str | None:
        """The body of a job's results, ``None`` if there is none.

        A private job's results can be read once.
        """
        with self.lock:
            result = job.result if job.status == "Completed" else None
            if job.private:
                job.result = None
        return result

    def open_session(
        self, by: Caller, mode: str, backend: str | None, max_ttl: int | None
    ) -> Session:
        """Open a session.

        Raises:
            Refusal: If the plan has no dedicated sessions, or there is no such device.
        """
        plan = by.instance.plan_details
        if mode == "dedicated" and not plan.sessions:
            raise Refusal("session_not_in_plan", plan=plan.title.lower())
        if backend is not None:
            self.device(by.instance, backend)
        session = Session(
            id=self.ids.uuid("session"),
            mode=mode,
            backend=backend,
            instance=by.instance.crn,
            user=by.user,
            max_ttl=min(max_ttl or plan.max_ttl, plan.max_ttl),
            created=self.clock.now,
        )
        with self.lock:
            self.sessions[session.id] = session
        return session

    def accept_jobs(self, session: Session, accepting: bool) -> None:
        """Say whether a session takes jobs. One that takes none closes once it is empty.

        A closed session stays closed.
        """
        with self.lock:
            if session.state == "closed":
                return
            session.accepting_jobs = accepting
            self._close_if_done(session, self.clock.now)

    def close_session(self, session: Session, reason: str = "session_closed_early") -> None:
        """End a session: its queued jobs will not run. Closing twice is no error."""
        with self.lock:
            if session.state == "closed":
                return
            now = self.clock.now
            self.step_session(session, "close", now, reason)
            for job in self.pending_in(session):
                if job.status == "Queued":
                    self.dispatcher.end(job, Ending("cancel", qpu_seconds=0.0), now)

    def _close_if_done(self, session: Session, at: datetime) -> None:
        """Close a session that takes no more jobs and has none left."""
        if session.state == "closed" or session.accepting_jobs or self.pending_in(session):
            return
        self.step_session(session, "close", at, "session_closed_early")

    def step_session(
        self, session: Session, event: str, at: datetime, reason: str | None = None
    ) -> None:
        """Let something happen to a session, and charge a dedicated one for its time."""
        before = session.active_seconds
        session.step(event, at, reason)
        if session.mode == "dedicated":
            self._charge(session.instance, session.active_seconds - before, at)

    def pending_in(self, session: Session) -> list[Job]:
        """The jobs of a session that have not ended."""
        return [job for job in self.jobs.pending() if job.session_id == session.id]

    def live_sessions(self) -> list[Session]:
        """The sessions that are not closed."""
        with self.lock:
            return [one for one in self.sessions.values() if one.state != "closed"]

    def queue_length(self, device: Device) -> int:
        """Jobs that wait at a device, ours and other people's."""
        return device.queue_length + self.waiting()[device.name]

    def waiting(self) -> Counter[str]:
        """How many of our jobs wait, by the name of their device."""
        return Counter(job.backend for job in self.jobs.pending())
