"""Whatever is asked in whatever order, the service agrees with a plain model of it.

The profile of a usual run is small. The long one (1,000 runs of 50 steps)::

    HYPOTHESIS_PROFILE=long pytest tests/world/test_stateful.py
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
)

from pytest_qiskit_fakeruntime.world.dispatch import Dispatcher
from pytest_qiskit_fakeruntime.world.progress import BY_HAND, IMMEDIATE, Progress, Wait

from ..api.conftest import Service, StandIn, make_world

PROFILES = {"short": (15, 25), "long": (1000, 50)}
RUNS, STEPS = PROFILES[os.environ.get("HYPOTHESIS_PROFILE", "short")]

LINE, LAB = "fake_manila", "ibm_fez"
"""A device whose jobs queue, and one for sessions."""

KINDS = {
    "now": (IMMEDIATE, 0, 0),
    "slow": (Progress(Wait(seconds=30), Wait(seconds=10)), 30, 10),
    "held": (BY_HAND, None, None),
}


@dataclass
class ModelSession:
    id: str
    created: datetime
    accepting: bool = True
    state: str = "open"
    activated: datetime | None = None
    idle: datetime | None = None


@dataclass
class ModelJob:
    id: str
    kind: str
    device: str
    created: datetime
    tags: tuple[str, ...]
    session: ModelSession | None = None
    status: str = "Queued"
    ends: datetime | None = None
    ran: bool = False

    @property
    def pending(self) -> bool:
        return self.status in ("Queued", "Running")


@dataclass
class Model:
    """One queue, in which one job runs at a time; held jobs stand beside it."""

    now: datetime
    jobs: dict[str, ModelJob] = field(default_factory=dict)
    sessions: dict[str, ModelSession] = field(default_factory=dict)
    line: list[ModelJob] = field(default_factory=list)
    floor: datetime | None = None

    def pending_in(self, session: ModelSession) -> list[ModelJob]:
        return [job for job in self.jobs.values() if job.session is session and job.pending]

    def until(self, now: datetime) -> None:
        self.now = now
        running = None
        while True:
            running = next((j for j in self.line if j.status == "Running"), None)
            if running is not None:
                assert running.ends is not None
                if running.ends > now:
                    break
                self.end(running, "Completed", running.ends)
                continue
            waiting = [job for job in self.line if job.status == "Queued"]
            if not waiting:
                break
            start = waiting[0].created + timedelta(seconds=KINDS[waiting[0].kind][1] or 0)
            start = max(start, self.floor or start)
            if start > now:
                break
            waiting[0].status, waiting[0].ran, self.floor = "Running", True, start
            waiting[0].ends = start + timedelta(seconds=KINDS[waiting[0].kind][2] or 0)
        for session in self.sessions.values():
            self.age(session)

    def end(self, job: ModelJob, status: str, at: datetime) -> None:
        job.status = status
        if job in self.line:
            self.line.remove(job)
        if job.device == LINE:
            self.floor = max(at, self.floor or at)
        if job.session is not None and job.session.state != "closed":
            job.session.idle = at
            self.close_if_done(job.session)

    def close_if_done(self, session: ModelSession) -> None:
        if not session.accepting and not self.pending_in(session):
            session.state = "closed"

    def age(self, session: ModelSession) -> None:
        if session.state == "closed":
            return
        busy = self.pending_in(session)
        if session.activated and self.now >= session.activated + timedelta(hours=8):
            # Before that it may have been idle for too long, which comes to the same.
            session.state = "closed"
            for job in busy:
                if job.status == "Queued":
                    job.status = "Failed"
            return
        last = max(filter(None, (session.idle, session.activated)), default=session.created)
        if not busy and self.now >= last + timedelta(seconds=1800):
            session.state = "closed"
        elif not busy and session.state == "active" and self.now >= last + timedelta(seconds=60):
            session.state = "inactive"


class ServiceMachine(RuleBasedStateMachine):
    jobs: Bundle[str] = Bundle("jobs")
    sessions: Bundle[str] = Bundle("sessions")

    @initialize()
    def begin(self) -> None:
        self.executor = StandIn()
        self.service = Service(make_world(LINE, LAB, executor=self.executor))
        self.world = self.service.world
        self.model = Model(self.world.clock.now)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        if self.service.token and self.world.clock.skipped - self.signed_in > 1800:
            self.service.token = ""
        if not self.service.token:
            self.signed_in = self.world.clock.skipped
        return self.service.ask(method, path, body)

    signed_in = 0.0

    # ---- rules -----------------------------------------------------------------------

    @rule(target=jobs, kind=st.sampled_from(sorted(KINDS)), tag=st.sampled_from("abc"))
    def submit(self, kind: str, tag: str) -> str:
        self.world.progress = KINDS[kind][0]
        answer = self.ask(
            "POST", "/jobs", {"program_id": "sampler", "backend": LINE, "tags": [tag]}
        )
        assert answer.status == 200
        job = ModelJob(answer.json["id"], kind, LINE, self.model.now, (tag,))
        self.model.jobs[job.id] = job
        if kind != "held":
            self.model.line.append(job)
        self.model.until(self.model.now)
        return job.id

    @rule(job_id=jobs)
    def poll(self, job_id: str) -> None:
        answer = self.ask("GET", f"/jobs/{job_id}")
        job = self.model.jobs.get(job_id)
        if job is None:
            assert answer.status == 404
        else:
            assert answer.json["state"]["status"] == job.status

    @rule(job_id=jobs)
    def cancel(self, job_id: str) -> None:
        answer = self.ask("POST", f"/jobs/{job_id}/cancel")
        job = self.model.jobs.get(job_id)
        if job is None:
            assert answer.status == 404
        elif not job.pending:
            assert answer.status == 409
        else:
            assert answer.status == 204
            self.model.end(job, "Cancelled", self.model.now)
            self.model.until(self.model.now)

    @rule(job_id=jobs)
    def delete(self, job_id: str) -> None:
        answer = self.ask("DELETE", f"/jobs/{job_id}")
        job = self.model.jobs.get(job_id)
        expected = 404 if job is None else 400 if job.pending else 204
        assert answer.status == expected
        if expected == 204:
            del self.model.jobs[job_id]

    @rule(job_id=jobs, action=st.sampled_from(["start", "finish"]))
    def by_hand(self, job_id: str, action: str) -> None:
        job = self.model.jobs.get(job_id)
        if job is None or job.kind != "held" or not job.pending:
            return
        dispatcher: Dispatcher = self.world.dispatcher
        if action == "finish":
            dispatcher.finish_by_hand(self.world.jobs[job_id])
            self._started(job)
            self.model.end(job, "Completed", self.model.now)
        elif job.status == "Queued":
            dispatcher.start_by_hand(self.world.jobs[job_id])
            self._started(job)
        self.model.until(self.model.now)

    def _started(self, job: ModelJob) -> None:
        if job.status == "Queued":
            job.status, job.ran = "Running", True
            if job.device == LINE:
                self.model.floor = self.model.now
            if job.session is not None and job.session.state != "closed":
                job.session.state = "active"
                job.session.activated = job.session.activated or self.model.now

    @rule(seconds=st.sampled_from([1, 7, 20, 30, 59, 61, 600, 1801, 3600, 9 * 3600]))
    def advance(self, seconds: int) -> None:
        self.world.clock.advance(seconds)
        # The model looks at one thing after the other: small steps keep their order right.
        for second in range(0, seconds, 10):
            self.model.until(self.model.now + timedelta(seconds=min(10, seconds - second)))

    @rule(target=sessions, mode=st.sampled_from(["dedicated", "batch"]))
    def open_session(self, mode: str) -> str:
        answer = self.ask("POST", "/sessions", {"mode": mode, "backend": LAB})
        session = ModelSession(answer.json["id"], self.model.now)
        self.model.sessions[session.id] = session
        return session.id

    @rule(target=jobs, session_id=sessions, kind=st.sampled_from(["now", "held"]))
    def submit_to(self, session_id: str, kind: str) -> str:
        self.world.progress = KINDS[kind][0]
        session = self.model.sessions[session_id]
        answer = self.ask(
            "POST",
            "/jobs",
            {"program_id": "sampler", "backend": LAB, "session_id": session_id},
        )
        if not session.accepting or session.state == "closed":
            assert (answer.status, answer.json["errors"][0]["code"]) == (400, 1217)
            return "no job"
        assert answer.status == 200
        job = ModelJob(answer.json["id"], kind, LAB, self.model.now, (), session)
        self.model.jobs[job.id] = job
        if kind == "now":
            self._started(job)
            self.model.end(job, "Completed", self.model.now)
        return job.id

    @rule(session_id=sessions, accepting=st.booleans())
    def patch_session(self, session_id: str, accepting: bool) -> None:
        body = {"accepting_jobs": accepting}
        assert self.ask("PATCH", f"/sessions/{session_id}", body).status == 204
        session = self.model.sessions[session_id]
        if session.state != "closed":
            session.accepting = accepting
            self.model.close_if_done(session)

    @rule(session_id=consumes(sessions))
    def cancel_session(self, session_id: str) -> None:
        assert self.ask("DELETE", f"/sessions/{session_id}/close").status == 204
        session = self.model.sessions[session_id]
        if session.state != "closed":
            session.state = "closed"
            for job in self.model.pending_in(session):
                if job.status == "Queued":
                    job.status = "Cancelled"

    # ---- what always holds ------------------------------------------------------------

    @invariant()
    def lists_agree(self) -> None:
        model = self.model.jobs.values()
        for query, fits in {
            "": lambda job: True,
            "&pending=true": lambda job: job.pending,
            "&pending=false": lambda job: not job.pending,
            "&tags=a": lambda job: "a" in job.tags,
            f"&backend={LAB}": lambda job: job.device == LAB,
        }.items():
            answer = self.ask("GET", f"/jobs?limit=200{query}").json
            listed = {job["id"]: job["state"]["status"] for job in answer["jobs"]}
            assert listed == {job.id: job.status for job in model if fits(job)}, query
            assert answer["count"] == len(listed)

    @invariant()
    def sessions_agree(self) -> None:
        self.world.settle()
        states = {one.id: one.state for one in self.world.sessions.values()}
        assert states == {one.id: one.state for one in self.model.sessions.values()}

    @invariant()
    def queue_length_agrees(self) -> None:
        answer = self.ask("GET", f"/backends/{LINE}/status").json
        waiting = [j for j in self.model.jobs.values() if j.pending and j.device == LINE]
        assert answer["length_queue"] == len(waiting)

    @invariant()
    def jobs_run_once_and_only_if_they_left_the_queue(self) -> None:
        self.world.settle()
        ran = [task.job_id for task in self.executor.tasks]
        assert len(ran) == len(set(ran))
        assert {job.id for job in self.model.jobs.values() if job.ran} <= set(ran)
        assert not set(ran) & {job.id for job in self.model.jobs.values() if not job.ran}

    @invariant()
    def moments_are_in_order(self) -> None:
        for job in self.world.jobs.values():
            known = [job.created, job.running_at, job.finished_at]
            moments = [moment for moment in known if moment is not None]
            assert moments == sorted(moments)
            assert moments[-1] <= self.world.clock.now


TestService = ServiceMachine.TestCase
TestService.settings = settings(
    max_examples=RUNS,
    stateful_step_count=STEPS,
    deadline=None,
    derandomize=RUNS < 1000,
    database=None,
    suppress_health_check=list(HealthCheck),
)
