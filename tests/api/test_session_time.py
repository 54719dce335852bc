"""What time does to sessions: every transition is stamped with the moment it was due."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_qiskit_fakeruntime.world.accounts import DEFAULT_CRN, Instance

from .conftest import Service, code, make_world, queued

JOB: dict[str, Any] = {"program_id": "sampler", "backend": "fake_manila"}


def opened(service: Service, mode: str = "dedicated", **body: Any) -> str:
    answer = service.ask("POST", "/sessions", {"mode": mode, "backend": "fake_manila", **body})
    return str(answer.json["id"])


def look(service: Service, session_id: str) -> Any:
    service.token = ""  # tokens last for an hour only
    return service.ask("GET", f"/sessions/{session_id}").json


def moments(service: Service, session_id: str) -> list[tuple[str, str]]:
    listed = look(service, session_id)["timestamps"]
    return [(one["status"], one["timestamp"].partition("T")[2]) for one in listed]


def test_whole_life(service: Service) -> None:
    session_id = opened(service, max_ttl=3600)
    service.world.clock.advance(10)
    service.submit(session_id=session_id)
    service.world.clock.advance(600)
    service.submit(session_id=session_id)
    service.world.clock.advance(9000)

    assert moments(service, session_id) == [
        ("open/session_created", "10:00:00Z"),
        ("active", "10:00:10Z"),
        ("inactive/session_inactivated_by_interactive_ttl", "10:01:10Z"),
        ("active", "10:10:10Z"),
        ("inactive/session_inactivated_by_interactive_ttl", "10:11:10Z"),
        ("closed/session_closed_by_idle_ttl", "10:40:10Z"),
    ]
    session = look(service, session_id)
    assert session["elapsed_time"] == 120  # twice a minute
    assert session["closed_at"] == "2026-09-12T10:40:10Z"
    assert session["state_reason"] == "session_closed_by_idle_ttl"
    assert not session["accepting_jobs"]


def test_expiry_fails_what_is_queued(service: Service) -> None:
    session_id = opened(service, max_ttl=3600)
    service.submit(session_id=session_id)
    job = queued(service, "j1", session_id=session_id)
    service.world.clock.advance(4000)

    assert look(service, session_id)["state_reason"] == "session_closed_by_max_ttl"
    assert (job.status, job.reason_code) == ("Failed", 1217)
    assert job.finished_at is not None
    assert f"{job.finished_at:%H:%M:%S}" == "11:00:00"
    refused = service.ask("POST", "/jobs", {**JOB, "session_id": session_id})
    assert (refused.status, code(refused)) == (400, 1217)


@pytest.mark.parametrize("closing", [True, False])
def test_expiry_of_a_session_that_accepts_no_more(service: Service, closing: bool) -> None:
    session_id = opened(service, max_ttl=3600)
    service.submit(session_id=session_id)
    job = queued(service, "j1", session_id=session_id)
    service.ask("PATCH", f"/sessions/{session_id}", {"accepting_jobs": not closing})
    service.world.clock.advance(4000)

    assert look(service, session_id)["state_reason"] == "session_closed_by_max_ttl"
    assert job.status == "Failed"


def test_session_without_jobs_never_expires_in_the_queue_but_is_closed(service: Service) -> None:
    session_id = opened(service, max_ttl=600)
    queued(service, "j1", session_id=session_id)
    service.world.clock.advance(7200)
    assert look(service, session_id)["state"] == "open"  # its job still waits

    service.ask("POST", "/jobs/j1/cancel")
    service.world.clock.advance(1799)
    assert look(service, session_id)["state"] == "open"
    service.world.clock.advance(1)
    assert look(service, session_id)["state"] == "closed"


def test_running_job_outlives_its_session(service: Service) -> None:
    session_id = opened(service, max_ttl=600)
    job = queued(service, "j1", session_id=session_id)
    service.world.dispatcher.start_by_hand(job)
    service.world.clock.advance(700)

    assert look(service, session_id)["state"] == "closed"
    assert job.status == "Running"
    service.world.dispatcher.finish_by_hand(job)
    assert job.status == "Completed"


def test_saying_that_jobs_are_accepted_does_not_reopen(service: Service) -> None:
    session_id = opened(service)
    for accepting in (False, True):
        service.ask("PATCH", f"/sessions/{session_id}", {"accepting_jobs": accepting})

    session = look(service, session_id)
    assert (session["state"], session["accepting_jobs"]) == ("closed", False)


@pytest.mark.parametrize(
    ("mode", "charged"),
    [
        pytest.param("dedicated", 95.0, id="dedicated: the time it was active"),
        pytest.param("batch", 6.0, id="batch: QPU time of its jobs"),
    ],
)
def test_bill(mode: str, charged: float) -> None:
    service = Service(
        make_world("fake_manila", instances=[Instance(crn=DEFAULT_CRN, plan="premium")])
    )
    session_id = opened(service, mode)
    service.submit(session_id=session_id)
    service.world.clock.advance(35)
    service.submit(session_id=session_id)
    service.world.clock.advance(300)

    look(service, session_id)
    assert service.world.accounts.instances[DEFAULT_CRN].usage_consumed_seconds == charged


def test_job_over_the_limit_waits_until_there_is_time() -> None:
    instances = [
        Instance(crn=DEFAULT_CRN, plan="premium", usage_limit_seconds=5),
        Instance(name="other"),
    ]
    service = Service(make_world("fake_manila", instances=instances))
    ids = [service.submit() for _ in range(3)]

    assert [service.world.jobs[one].status for one in ids] == ["Completed", "Completed", "Queued"]
    free = service.ask("POST", "/jobs", JOB, Service_CRN=instances[1].crn).json["id"]
    assert service.world.jobs[free].status == "Completed"  # others are not kept waiting
    told = service.ask("GET", "/instances/usage").json
    assert (told["usage_limit_reached"], told["time_available_at"]) == (
        True,
        "2026-10-10T10:00:00Z",
    )

    service.world.clock.advance(28 * 24 * 3600)
    service.world.settle()
    assert service.world.jobs[ids[2]].status == "Completed"


def test_limit_that_is_raised_lets_the_job_run(service: Service) -> None:
    instance = service.world.accounts.instances[DEFAULT_CRN]
    instance.usage_limit_seconds = 3
    service.submit()
    waiting = service.submit()
    assert service.world.jobs[waiting].status == "Queued"

    instance.usage_limit_seconds = 10
    assert service.ask("GET", f"/jobs/{waiting}").json["status"] == "Completed"


def test_instances_belong_to_users() -> None:
    ours = Instance(crn=DEFAULT_CRN, plan="premium", api_keys=["a-key"])
    service = Service(make_world("fake_manila", instances=[ours, Instance(name="shared")]))
    search = "https://api.global-search-tagging.cloud.ibm.com/v3/resources/search"

    def found(api_key: str) -> list[str]:
        token = service.sign_in(api_key)
        answer = service.raw("POST", search, {"Authorization": f"Bearer {token}"}, {})
        return [one["name"] for one in answer.json["items"]]

    assert found("a-key") == ["local", "shared"]
    assert found("another-key") == ["shared"]
    service.token = service.sign_in("another-key")
    refused = service.ask("GET", "/jobs")
    assert (refused.status, code(refused)) == (403, 1200)
