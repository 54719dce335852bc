"""Sessions and batches: open, look at, close."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pytest_qiskit_fakeruntime.world.accounts import DEFAULT_CRN, Instance
from pytest_qiskit_fakeruntime.world.execution import Task
from pytest_qiskit_fakeruntime.world.sessions import Session

from .conftest import START, Service, StandIn, code, make_world, queued


def opened(service: Service, mode: str = "dedicated", **body: Any) -> str:
    answer = service.ask("POST", "/sessions", {"mode": mode, "backend": "fake_manila", **body})
    assert answer.status == 200, answer.text
    return str(answer.json["id"])


def look(service: Service, session_id: str) -> Any:
    return service.ask("GET", f"/sessions/{session_id}").json


def test_new_session_is_open_and_takes_jobs(service: Service) -> None:
    session = service.ask("POST", "/sessions", {"mode": "dedicated", "backend": "ibm_fez"}).json

    assert session == {
        "id": session["id"],
        "backend_name": "ibm_fez",
        "mode": "dedicated",
        "interactive_ttl": 60,
        "max_ttl": 28800,
        "active_ttl": 28800,
        "state": "open",
        "accepting_jobs": True,
        "user_id": session["user_id"],
        "elapsed_time": None,
        "timestamps": [{"status": "open/session_created", "timestamp": "2026-09-12T10:00:00Z"}],
        "started_at": "2026-09-12T10:00:00Z",
    }
    assert len(session["id"]) == 36
    assert look(service, session["id"]) == session


def test_keys_that_are_not_in_the_schema_are_ignored(service: Service) -> None:
    assert opened(service, instance="some-crn", made_up=True)


def test_backend_may_be_called_backend_name(service: Service) -> None:
    answer = service.ask("POST", "/sessions", {"mode": "batch", "backend_name": "ibm_fez"})

    assert answer.json["backend_name"] == "ibm_fez"


@pytest.mark.parametrize(
    ("plan", "mode", "asked", "granted"),
    [
        pytest.param("premium", "dedicated", None, 28800, id="default"),
        pytest.param("premium", "dedicated", 300, 300, id="as asked"),
        pytest.param("premium", "dedicated", 10**6, 28800, id="capped"),
        pytest.param("open", "batch", None, 600, id="open plan"),
        pytest.param("open", "batch", 28800, 600, id="open plan, capped"),
    ],
)
def test_longest_life_is_capped_by_the_plan(
    plan: str, mode: str, asked: int | None, granted: int
) -> None:
    service = Service(make_world("fake_manila", instances=[Instance(crn=DEFAULT_CRN, plan=plan)]))

    session = look(service, opened(service, mode, max_ttl=asked))

    assert session["max_ttl"] == granted


def test_first_job_activates_a_session(service: Service, executor: StandIn) -> None:
    session_id = opened(service, max_ttl=100)
    service.world.clock.advance(5)
    executor.during = lambda task: service.world.clock.advance(10)

    service.submit(session_id=session_id)

    session = look(service, session_id)
    assert session["state"] == "active"
    assert session["activated_at"] == session["last_job_started"] == "2026-09-12T10:00:05Z"
    assert session["last_job_completed"] == "2026-09-12T10:00:15Z"
    assert session["active_ttl"] == 90
    assert [moment["status"] for moment in session["timestamps"]] == [
        "open/session_created",
        "active",
    ]


def test_second_job_leaves_the_activation_as_it_was(service: Service) -> None:
    session_id = opened(service)
    service.submit(session_id=session_id)
    service.world.clock.advance(5)
    service.submit(session_id=session_id)

    session = look(service, session_id)

    assert session["activated_at"] == "2026-09-12T10:00:00Z"
    assert session["last_job_started"] == "2026-09-12T10:00:05Z"
    assert len(session["timestamps"]) == 2


def test_time_left_never_falls_below_nothing(service: Service) -> None:
    session_id = opened(service, max_ttl=100)
    service.submit(session_id=session_id)
    service.world.clock.advance(1000)

    assert look(service, session_id)["active_ttl"] == 0


@pytest.mark.parametrize(
    ("mode", "elapsed"),
    [
        pytest.param("dedicated", 30.0, id="dedicated: from the first job to the end"),
        pytest.param("batch", 6.0, id="batch: QPU time of its jobs"),
    ],
)
def test_elapsed_time(service: Service, mode: str, elapsed: float) -> None:
    session_id = opened(service, mode)
    service.world.clock.advance(100)
    service.submit(session_id=session_id)
    service.world.clock.advance(30)
    service.submit(session_id=session_id)
    assert look(service, session_id)["elapsed_time"] is None

    service.ask("PATCH", f"/sessions/{session_id}", {"accepting_jobs": False})

    assert look(service, session_id)["elapsed_time"] == elapsed


def test_session_without_jobs_used_no_time(service: Service) -> None:
    session_id = opened(service)
    service.world.clock.advance(50)
    service.ask("DELETE", f"/sessions/{session_id}/close")

    assert look(service, session_id)["elapsed_time"] == 0.0


CLOSINGS = [
    pytest.param("PATCH", "", {"accepting_jobs": False}, id="close"),
    pytest.param("DELETE", "/close", None, id="cancel"),
]


@pytest.mark.parametrize(("method", "path", "body"), CLOSINGS)
def test_closed_session_says_when_and_why(
    service: Service, method: str, path: str, body: Any
) -> None:
    session_id = opened(service)
    service.world.clock.advance(1)

    answer = service.ask(method, f"/sessions/{session_id}{path}", body)

    assert (answer.status, answer.body) == (204, b"")
    session = look(service, session_id)
    assert (session["state"], session["accepting_jobs"]) == ("closed", False)
    assert session["state_reason"] == "session_closed_early"
    assert session["closed_at"] == "2026-09-12T10:00:01Z"
    assert session["timestamps"][-1] == {
        "status": "closed/session_closed_early",
        "timestamp": "2026-09-12T10:00:01Z",
    }


@pytest.mark.parametrize(("method", "path", "body"), CLOSINGS)
def test_closing_twice_changes_nothing(service: Service, method: str, path: str, body: Any) -> None:
    session_id = opened(service)
    service.ask(method, f"/sessions/{session_id}{path}", body)
    once = look(service, session_id)
    service.world.clock.advance(5)

    assert service.ask(method, f"/sessions/{session_id}{path}", body).status == 204
    assert look(service, session_id) == once


@pytest.mark.parametrize(("method", "path", "body"), CLOSINGS)
def test_closed_session_refuses_jobs(service: Service, method: str, path: str, body: Any) -> None:
    session_id = opened(service)
    service.ask(method, f"/sessions/{session_id}{path}", body)

    job = {"program_id": "sampler", "backend": "fake_manila", "session_id": session_id}
    answer = service.ask("POST", "/jobs", job)

    assert (answer.status, code(answer)) == (400, 1217)
    assert service.ask("GET", "/jobs").json["count"] == 0


def test_closed_session_does_not_open_again(service: Service) -> None:
    session_id = opened(service)
    service.ask("DELETE", f"/sessions/{session_id}/close")

    service.ask("PATCH", f"/sessions/{session_id}", {"accepting_jobs": True})

    assert look(service, session_id)["accepting_jobs"] is False


def test_session_with_a_running_job_closes_when_the_job_ends(
    service: Service, executor: StandIn
) -> None:
    session_id = opened(service)
    states: list[str] = []

    def close(task: Task) -> None:
        service.ask("PATCH", f"/sessions/{session_id}", {"accepting_jobs": False})
        states.append(look(service, session_id)["state"])

    executor.during = close
    job_id = service.submit(session_id=session_id)

    assert states == ["active"]
    assert look(service, session_id)["state"] == "closed"
    assert service.world.jobs[job_id].status == "Completed"


def test_session_that_takes_no_jobs_closes_when_its_last_one_is_cancelled(
    service: Service,
) -> None:
    session_id = opened(service)
    queued(service, "j1", session_id=session_id)
    service.ask("PATCH", f"/sessions/{session_id}", {"accepting_jobs": False})
    assert look(service, session_id)["state"] == "open"

    service.ask("POST", "/jobs/j1/cancel")

    assert look(service, session_id)["state"] == "closed"


def test_cancelled_session_cancels_queued_jobs_and_lets_the_running_one_finish(
    service: Service, executor: StandIn
) -> None:
    session_id = opened(service)
    waiting = queued(service, "waiting", session_id=session_id)
    stranger = queued(service, "stranger")
    executor.during = lambda task: service.ask("DELETE", f"/sessions/{session_id}/close")

    running = service.submit(session_id=session_id)

    assert waiting.status == "Cancelled"
    assert stranger.status == "Queued"
    assert service.world.jobs[running].status == "Completed"
    assert look(service, session_id)["last_job_completed"] == "2026-09-12T10:00:00Z"


def test_first_job_decides_the_backend_of_a_session_without_one(service: Service) -> None:
    session_id = service.ask("POST", "/sessions", {"mode": "batch"}).json["id"]
    assert look(service, session_id)["backend_name"] is None

    service.submit(backend="ibm_fez", session_id=session_id)

    assert look(service, session_id)["backend_name"] == "ibm_fez"
    job = {"program_id": "sampler", "backend": "fake_manila", "session_id": session_id}
    assert service.ask("POST", "/jobs", job).status == 400


def test_refused_job_decides_nothing(service: Service) -> None:
    session_id = service.ask("POST", "/sessions", {"mode": "batch"}).json["id"]
    job = {"program_id": "sampler", "backend": "ibm_fez", "session_id": session_id}
    assert service.ask("POST", "/jobs", {**job, "params": {"refuse": "no"}}).status == 400

    assert look(service, session_id)["backend_name"] is None


class Closing(StandIn):
    """Closes the session while its job is being looked at, as another thread might."""

    session: Session

    def check(self, task: Task) -> float:
        self.session.step("close", START)
        return super().check(task)


def test_session_that_closes_while_its_job_is_checked_takes_no_job() -> None:
    executor = Closing()
    service = Service(make_world("fake_manila", executor=executor))
    session_id = opened(service)
    executor.session = service.world.sessions[session_id]

    job = {"program_id": "sampler", "backend": "fake_manila", "session_id": session_id}
    answer = service.ask("POST", "/jobs", job)

    assert (answer.status, code(answer)) == (400, 1217)
    assert executor.tasks == []
    assert service.ask("GET", "/jobs").json["count"] == 0


def test_job_that_crashes_the_executor_still_ends_in_its_session(
    service: Service, executor: StandIn
) -> None:
    def crash(task: Task) -> None:
        service.ask("PATCH", f"/sessions/{session_id}", {"accepting_jobs": False})
        raise ZeroDivisionError

    session_id = opened(service)
    executor.during = crash
    with pytest.raises(ZeroDivisionError):
        service.submit(session_id=session_id)

    assert look(service, session_id)["state"] == "closed"


def test_session_of_another_instance_is_not_found() -> None:
    one, two = (Instance(name=name, plan="premium") for name in ("one", "two"))
    service = Service(make_world("fake_manila", instances=[one, two]))
    session = service.ask("POST", "/sessions", {"mode": "batch"}, Service_CRN=one.crn).json

    assert service.ask("GET", f"/sessions/{session['id']}", Service_CRN=two.crn).status == 404


def test_copy_of_a_session_leaves_the_original_alone(service: Service) -> None:
    session = service.world.sessions[opened(service)]

    copy = replace(session)

    assert copy.timestamps == session.timestamps == [("open/session_created", START)]
