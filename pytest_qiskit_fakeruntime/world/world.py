"""The service itself: its state, and what can be done to it."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass

from .accounts import Accounts, Instance
from .calls import Calls
from .clock import Clock
from .devices import Device, Devices
from .execution import Executor, JobFailed, Task
from .faults import FaultPlan
from .identity import Identities
from .jobs import Job, Jobs, Submission
from .lifecycle import IllegalTransition
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


@dataclass(frozen=True)
class Caller:
    """Who asks: the instance the request is for, and the user behind the key."""

    instance: Instance
    user: str


class World:
    """The state of a fake IBM Quantum, and the only one.

    Jobs run in the thread that submits them, outside the lock: nobody waits for somebody
    else's simulation.

    Args:
        devices: The devices of the service.
        accounts: The instances and keys.
        executor: Whoever runs the jobs.
        clock: The service's time.
        seed: Seed of ids, traces and every job's random numbers.
        noise: Whether jobs are simulated with noise where the device does not say.
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
    ) -> None:
        self.devices = devices
        self.accounts = accounts
        self.executor = executor
        self.clock = clock
        self.ids = Identities(seed)
        self.noise = noise
        self.jobs = Jobs()
        self.sessions: dict[str, Session] = {}
        self.faults = FaultPlan()
        self.calls = Calls()
        self._lock = threading.RLock()
        self._submitted = 0

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
        """Take in a job, and run it.

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
        with self._lock:
            self._submitted += 1
            number, job_id = self._submitted, self.ids.job_id()
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
        )
        job.estimated_seconds = self.executor.check(self._task(job, device))
        with self._lock:
            self._session_for(by, submission)  # it may have closed meanwhile
            if session is not None:
                session.backend = job.backend
            self.jobs.add(job)
        self._run(job, device, session)
        return job

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

    def _task(self, job: Job, device: Device) -> Task:
        return Task(
            job_id=job.id,
            program_id=job.program_id,
            params=job.submission.params,
            device=device,
            seed=job.seed,
            noise=self.noise if device.noise is None else device.noise,
            started=job.running_at or job.created,
        )

    def _run(self, job: Job, device: Device, session: Session | None) -> None:
        with self._lock:
            if not job.pending:
                return  # cancelled before it could start
            job.step("start", self.clock.now)
            if session is not None:
                session.step("activate", self.clock.now)
                session.last_job_started = job.running_at
        try:
            outcome = self.executor.run(self._task(job, device))
        except JobFailed as failure:
            self._fail(job, failure.code, failure.reason, failure.solution)
        except BaseException:
            self._fail(job, 9999, "Internal error.", "")
            raise
        else:
            with self._lock:
                if job.pending:
                    job.result = outcome.result
                    job.qpu_seconds = outcome.qpu_seconds
                    job.notes = outcome.notes
                    job.step("complete", self.clock.now)
                    self.accounts.charge(job.instance, job.qpu_seconds)
        finally:
            if session is not None:
                with self._lock:
                    session.last_job_completed = job.finished_at
                    session.qpu_seconds += job.qpu_seconds
                    self._close_if_done(session)

    def _fail(self, job: Job, code: int, reason: str, solution: str) -> None:
        with self._lock:
            if job.pending:
                job.reason, job.reason_code, job.reason_solution = reason, code, solution
                job.step("fail", self.clock.now)

    def cancel(self, job: Job) -> None:
        """Cancel a job.

        Raises:
            Refusal: If it has already ended.
        """
        with self._lock:
            try:
                job.step("cancel", self.clock.now)
            except IllegalTransition:
                raise Refusal("job_not_cancellable", id=job.id, status=job.status) from None
            if job.session_id in self.sessions:
                self._close_if_done(self.sessions[job.session_id])

    def delete(self, job: Job) -> None:
        """Delete a job and its data.

        Raises:
            Refusal: If it has not ended.
        """
        with self._lock:
            if job.pending:
                raise Refusal("job_not_terminal", id=job.id, status=job.status)
            if job.id not in self.jobs:
                raise Refusal("job_not_found", id=job.id)  # somebody else was faster
            self.jobs.remove(job.id)

    def take_result(self, job: Job) -> str | None:
        """The body of a job's results, ``None`` if there is none.

        A private job's results can be read once.
        """
        with self._lock:
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
        with self._lock:
            self.sessions[session.id] = session
        return session

    def accept_jobs(self, session: Session, accepting: bool) -> None:
        """Say whether a session takes jobs. One that takes none closes once it is empty.

        A closed session stays closed.
        """
        with self._lock:
            if session.state == "closed":
                return
            session.accepting_jobs = accepting
            self._close_if_done(session)

    def close_session(self, session: Session) -> None:
        """End a session: its queued jobs will not run. Closing twice is no error."""
        with self._lock:
            if session.state == "closed":
                return
            for job in self._pending_in(session):
                if job.status == "Queued":
                    job.step("cancel", self.clock.now)
            session.step("close", self.clock.now, "session_closed_early")

    def _close_if_done(self, session: Session) -> None:
        """Close a session that takes no more jobs and has none left."""
        if session.state == "closed" or session.accepting_jobs or self._pending_in(session):
            return
        session.step("close", self.clock.now, "session_closed_early")

    def _pending_in(self, session: Session) -> list[Job]:
        return [job for job in self.jobs.values() if job.pending and job.session_id == session.id]

    def queue_length(self, device: Device) -> int:
        """Jobs that wait at a device, ours and other people's."""
        return device.queue_length + self.waiting()[device.name]

    def waiting(self) -> Counter[str]:
        """How many of our jobs wait, by the name of their device."""
        return Counter(job.backend for job in self.jobs.values() if job.pending)
