"""Which job leaves the queue next, and when; what time does to jobs and sessions.

Theory of operation: nothing in the service happens by itself. Whoever asks it something first
brings it up to the present (`Dispatcher.settle`): what is due is done in the order of time,
each thing stamped with the moment at which it was due, however much later anybody looks. What
is due is read off the present state; there is no list of plans that could go stale.

A device's jobs leave the queue in the order of submission, those of an active session first.
One that is held does not keep the others waiting, and while a job runs for a while, the
device is busy. A job whose running takes no time never is in anybody's way, so that nobody
waits for somebody else's simulation.

Jobs are executed by the thread that finds them due, outside the lock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from .execution import JobFailed
from .jobs import Job
from .progress import BY_HAND, Ending, Progress, Wait, ran_too_long
from .sessions import Session

if TYPE_CHECKING:
    from .devices import Device
    from .world import World

Work = Callable[[], None]

INTERNAL_ERROR = Ending("fail", "Internal error.", 9999, "", 0.0)
SESSION_EXPIRED = Ending("fail", "Session has been closed.", 1217, "Open a new session.", 0.0)

STUCK_POLLS = 20_000
"""Polls after which nobody believes any more that somebody will let a job go: some 20 s."""

FINISH, SESSION, START = range(3)
"""What comes first of things that are due at the same moment."""


@dataclass(frozen=True)
class Due:
    """Something that has to be done.

    Attributes:
        at: When it was due.
        rank: `FINISH`, `SESSION` or `START`.
        do: Does it. What it returns has to be done as well, outside the lock.
        job: The job that it takes out of the queue, if it does.
    """

    at: datetime
    rank: int
    do: Callable[[datetime], Work | None]
    job: Job | None = None


class Dispatcher:
    """Moves jobs through queues and sessions through their states.

    Args:
        world: The service.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._free: dict[str, datetime] = {}
        """By device, the last moment at which its queue could not move."""
        self._seen: dict[str, set[str]] = {}
        """By device, the jobs that were polled in this round."""

    # ---- time ------------------------------------------------------------------------

    def settle(self) -> None:
        """Bring the service up to the present."""
        world = self._world
        while True:
            with world.lock:
                now = world.clock.now
                due = min(
                    (one for one in self._due(now) if one.at <= now),
                    key=lambda one: (one.at, one.rank),
                    default=None,
                )
                work = due.do(due.at) if due else None
            if work is not None:
                work()
            if due is None:
                return

    def admit(self, job: Job) -> Work | None:
        """Put a new job into its queue. The lock is held.

        If it can leave at once, it does so here: whoever submits it executes it, and not some
        other thread that happens to look in between.
        """
        jobs, now = self._world.jobs, self._world.clock.now
        jobs.add(job)
        line = [one for one in jobs.pending() if one.backend == job.backend]
        for due in self._due_at(job.backend, line, now):
            if due.job is job and due.at <= now:
                return due.do(due.at)
        return None

    def _due(self, now: datetime) -> Iterator[Due]:
        lines: dict[str, list[Job]] = {}
        for job in self._world.jobs.pending():
            lines.setdefault(job.backend, []).append(job)
        for name, line in lines.items():
            yield from self._due_at(name, line, now)
        for session in self._world.live_sessions():
            expiry = session.due(busy=bool(self._world.pending_in(session)))
            if expiry is not None:
                at, event, reason = expiry
                yield Due(at, SESSION, self._expiry(session, event, reason))

    def _due_at(self, device: str, line: list[Job], now: datetime) -> Iterator[Due]:
        """What is due at a device: jobs that end, and the first of those that wait."""
        busy = False
        for job in line:
            if job.status == "Running" and not job.executing:
                running = job.progress.running
                busy = busy or not (running.nothing or running.held)
                at = _over(job, running)
                if at is not None:
                    yield Due(at, FINISH, partial(self._finish, job))
        waiting = [job for job in line if job.status == "Queued" and not self._is_kept(job)]
        if not waiting:
            return
        if not self._world.devices.runs(device):
            self._free[device] = now
            return
        if busy:
            return
        first = min(waiting, key=self._precedence)
        at = _over(first, first.progress.queued)
        if at is not None:
            at = max(at, self._free.get(device, at))
            yield Due(at, START, partial(self.start, first), first)

    def _is_kept(self, job: Job) -> bool:
        """Whether a job stays in the queue without keeping others from leaving it."""
        return job.progress.queued.held or self._world.is_over_limit(job)

    def _precedence(self, job: Job) -> tuple[bool, int]:
        session = self._world.sessions.get(job.session_id or "")
        return session is None or session.state != "active", job.number

    def _expiry(self, session: Session, event: str, reason: str) -> Callable[[datetime], None]:
        def expire(at: datetime) -> None:
            # In this order: its last job would close a session that accepts no more.
            self._world.step_session(session, event, at, reason)
            if event == "close":
                for job in self._world.pending_in(session):
                    if job.status == "Queued":
                        self.end(job, SESSION_EXPIRED, at)

        return expire

    # ---- jobs ------------------------------------------------------------------------

    def start(self, job: Job, at: datetime) -> Work | None:
        """Take a job out of the queue. The lock is held; the work is done without it."""
        world = self._world
        job.step("start", at)
        job.since, job.polls = at, 0
        self._free[job.backend] = max(at, self._free.get(job.backend, at))
        session = world.sessions.get(job.session_id or "")
        if session is not None and session.state != "closed":
            world.step_session(session, "activate", at)
            session.last_job_started = at
        if job.ending is not None:
            return None  # how it ends is settled: nothing needs to be simulated
        device = world.devices.get(job.backend)
        if device is None:
            job.ending = replace(INTERNAL_ERROR, reason="The backend is not available.", code=1004)
            return None
        job.executing = True
        return lambda: self._execute(job, device)

    def _execute(self, job: Job, device: Device) -> None:
        world = self._world
        began = world.clock.now
        try:
            outcome = world.executor.run(world.task(job, device))
        except JobFailed as failure:
            ending = Ending(
                "fail", failure.reason, failure.code, failure.solution, failure.qpu_seconds
            )
            with world.lock:
                self._executed(job, world.clock.now - began, ending)
        except BaseException:
            with world.lock:
                job.executing = False
                self.end(job, INTERNAL_ERROR, world.clock.now)
            raise
        else:
            with world.lock:
                if not job.pending:
                    return  # cancelled meanwhile
                job.outcome, job.notes = outcome, outcome.notes
                took = max(outcome.qpu_seconds, job.progress.running.seconds)
                limit = world.time_limit(job)
                ending = ran_too_long(limit) if took > limit else Ending()
                self._executed(job, world.clock.now - began, job.ending or ending)
                if took > limit:
                    wait = job.progress.running
                    shorter = replace(wait, seconds=min(wait.seconds, limit))
                    job.progress = replace(job.progress, running=shorter)

    def _executed(self, job: Job, took: timedelta, ending: Ending) -> None:
        job.executing = False
        job.ending = ending
        job.took = took.total_seconds()

    def _finish(self, job: Job, at: datetime) -> None:
        """What `Due` does when a job has run for as long as it is to."""
        self.end(job, job.ending or Ending(), at)

    def end(self, job: Job, ending: Ending, at: datetime) -> None:
        """Let a job end, if it has not. The lock is held.

        A job that is to complete has to have been executed.
        """
        if not job.pending:
            return
        world = self._world
        job.step(ending.event, at)
        job.reason, job.reason_code = ending.reason, ending.code
        job.reason_solution = ending.solution
        used = job.outcome.qpu_seconds if job.outcome else 0.0
        if ending.event == "complete" and job.outcome is not None:
            job.result = job.outcome.result
        elif ending.text is not None:
            job.result = ending.text
        job.qpu_seconds = used if ending.qpu_seconds is None else ending.qpu_seconds
        job.outcome = None
        self._free[job.backend] = max(at, self._free.get(job.backend, at))
        world.settle_bill(job, at)

    # ---- polls -----------------------------------------------------------------------

    def count_poll(self, job: Job) -> None:
        """Somebody has seen the job: that counts for it, and for those ahead of it.

        A round is over when a job is polled again: whoever is ahead of it and was not polled
        himself counts as polled then. So it does not matter which of several jobs a client
        waits for first.
        """
        world = self._world
        with world.lock:
            if not job.pending:
                return
            seen = self._seen.setdefault(job.backend, set())
            polled = [job]
            if job.id in seen:
                polled += [
                    other
                    for other in world.jobs.pending()
                    if other.backend == job.backend
                    and other.id not in seen
                    and self._precedence(other) < self._precedence(job)
                ]
                seen.clear()
            seen.add(job.id)
            for one in polled:
                one.polls += 1
                one.polled_at = world.clock.now

    def stuck(self, job: Job) -> str | None:
        """Why a job that is polled for ever will never end, if that is so."""
        if job.polls < STUCK_POLLS or not job.pending:
            return None
        reasons = {
            "it is held": job.progress.queued.held or job.progress.running.held,
            "its instance is over the usage limit": self._world.is_over_limit(job),
            "its device is not running": not self._world.devices.runs(job.backend),
        }
        return next((why for why, so in reasons.items() if so), None)

    # ---- by hand ---------------------------------------------------------------------

    def release(self, job: Job) -> None:
        """Let a held job go: it then behaves as if it had never been held."""
        with self._world.lock:
            job.progress = job.progress.but_held(False)
            job.since, job.took = self._world.clock.now, 0.0
        self.settle()

    def start_by_hand(self, job: Job) -> None:
        """Take a job out of the queue now, and let it run until it is told to finish.

        Raises:
            IllegalTransition: If it does not wait.
        """
        with self._world.lock:
            job.progress = BY_HAND
            work = self.start(job, self._world.clock.now)
        if work is not None:
            work()
        self.settle()

    def finish_by_hand(self, job: Job) -> None:
        """Let a job run to its end now.

        Raises:
            IllegalTransition: If it has ended already.
        """
        if job.status != "Running":
            self.start_by_hand(job)
        with self._world.lock:
            job.progress = Progress()
            job.since, job.took = self._world.clock.now, 0.0
        self.settle()

    def end_by_hand(self, job: Job, ending: Ending) -> None:
        """End a job now, otherwise than by completing it.

        Raises:
            IllegalTransition: If it has ended already.
        """
        with self._world.lock:
            now = self._world.clock.now
            if not job.pending:
                job.step(ending.event, now)  # raises
            self.end(job, ending, now)
        self.settle()


def _over(job: Job, wait: Wait) -> datetime | None:
    """When a wait was or will be over; ``None`` if that cannot be said."""
    if wait.held or job.polls < wait.polls:
        return None
    at = job.since + timedelta(seconds=max(wait.seconds, job.took))
    return max(at, job.polled_at) if wait.polls and job.polled_at else at
