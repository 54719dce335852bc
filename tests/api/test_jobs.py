"""Jobs: submit, list, look at, cancel, delete."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_qiskit_fakeruntime.api.versions import KNOWN
from pytest_qiskit_fakeruntime.world.accounts import DEFAULT_CRN, Instance
from pytest_qiskit_fakeruntime.world.execution import Task

from .conftest import START, Service, StandIn, code, make_world, queued

quick = settings(deadline=None, database=None, max_examples=60, derandomize=True)

# --- submit


@pytest.mark.parametrize(
    ("body", "keys"),
    [
        pytest.param({}, {"id", "backend"}, id="plain"),
        pytest.param({"private": True}, {"id", "backend", "private"}, id="private"),
        pytest.param({"private": False}, {"id", "backend"}, id="not private"),
        pytest.param(
            {"calibration_id": "slow_gates"},
            {"id", "backend", "calibration_id"},
            id="calibration",
        ),
    ],
)
def test_submission_is_answered_with_id_backend_and_what_was_asked_for(
    service: Service, body: dict[str, Any], keys: set[str]
) -> None:
    job = {"program_id": "sampler", "backend": "fake_manila", "params": {}, **body}

    answer = service.ask("POST", "/jobs", job).json

    assert answer.keys() == keys
    assert answer == {**answer, "backend": "fake_manila", **({k: v for k, v in body.items() if v})}


def test_submission_echoes_its_session(service: Service) -> None:
    session = service.ask("POST", "/sessions", {"mode": "batch"}).json["id"]
    job = {"program_id": "sampler", "backend": "fake_manila", "session_id": session}

    assert service.ask("POST", "/jobs", job).json["session_id"] == session


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        pytest.param(None, 10800, id="plan's maximum"),
        pytest.param(0, 0, id="zero"),
        pytest.param(300, 300, id="as sent"),
        pytest.param(99999, 10800, id="capped"),
    ],
)
def test_cost_of_a_job(service: Service, sent: int | None, kept: int) -> None:
    job_id = service.submit(cost=sent)

    assert service.ask("GET", f"/jobs/{job_id}").json["cost"] == kept


def test_unknown_keys_and_upper_case_log_level_are_taken(service: Service) -> None:
    assert service.submit(log_level="WARNING", start_session=False, hub="ibm-q")


def test_rejected_job_is_not_kept(service: Service) -> None:
    body = {"program_id": "sampler", "backend": "fake_manila", "params": {"refuse": "no"}}

    assert service.ask("POST", "/jobs", body).status == 400
    assert service.ask("GET", "/jobs").json["count"] == 0


# --- one job


def test_job_body_has_every_field_that_the_client_reads(service: Service) -> None:
    service.world.clock.advance(0.25)
    job_id = service.submit(
        params={"pubs": []}, tags=["a"], runtime="image:1", calibration_id="slow_gates"
    )

    job = service.ask("GET", f"/jobs/{job_id}").json

    assert job == {
        "id": job_id,
        "backend": "fake_manila",
        "state": {"status": "Completed"},
        "status": "Completed",
        "program": {"id": "sampler"},
        "created": "2026-09-12T10:00:00.25Z",
        "cost": 10800,
        "user_id": job["user_id"],
        "tags": ["a"],
        "usage": {"qpu_charge_time_seconds": 3.0, "status": "complete"},
        "estimated_running_time_seconds": 4.0,
        "runtime": "image:1",
        "calibration_id": "slow_gates",
        "params": {"pubs": []},
    }
    assert job["user_id"].startswith("IBMid-")


def test_failed_job_says_why_in_its_state(service: Service) -> None:
    job_id = service.submit(params={"fail": "not an ISA circuit"})

    job = service.ask("GET", f"/jobs/{job_id}").json

    assert job["status"] == "Failed"
    assert job["state"] == {
        "status": "Failed",
        "reason": "not an ISA circuit",
        "reason_code": 1517,
        "reason_solution": "Transpile.",
    }


def test_job_cancelled_by_the_user_gives_no_reason(service: Service) -> None:
    queued(service, "j1")
    service.ask("POST", "/jobs/j1/cancel")

    assert service.ask("GET", "/jobs/j1").json["state"] == {"status": "Cancelled"}


def test_job_that_ran_too_long_is_told_by_code_and_top_level_status(service: Service) -> None:
    job = queued(service, "j1")
    job.step("start", START)
    job.step("time_out", START)
    job.reason, job.reason_code = "Ran too long", 1305

    document = service.ask("GET", "/jobs/j1").json

    assert document["status"] == "Cancelled - Ran too long"
    assert document["state"] == {
        "status": "Cancelled",
        "reason": "Ran too long",
        "reason_code": 1305,
    }


@pytest.mark.parametrize(
    ("query", "included"),
    [
        pytest.param("", True, id="default"),
        pytest.param("?exclude_params=true", False, id="true"),
        pytest.param("?exclude_params=True", False, id="True"),
        pytest.param("?exclude_params=False", True, id="False"),
        pytest.param("?exclude_params=nonsense", True, id="nonsense"),
    ],
)
def test_params_of_one_job_are_there_unless_excluded(
    service: Service, query: str, included: bool
) -> None:
    job_id = service.submit()

    assert ("params" in service.ask("GET", f"/jobs/{job_id}{query}").json) == included


@pytest.mark.parametrize(
    ("query", "included"),
    [
        pytest.param("", False, id="default"),
        pytest.param("?exclude_params=true", False, id="true"),
        pytest.param("?exclude_params=False", True, id="False"),
        pytest.param("?exclude_params=nonsense", False, id="nonsense"),
    ],
)
def test_params_in_lists_are_left_out_unless_asked_for(
    service: Service, query: str, included: bool
) -> None:
    service.submit()

    assert ("params" in service.ask("GET", f"/jobs{query}").json["jobs"][0]) == included


def test_params_of_a_private_job_are_never_told(service: Service) -> None:
    job_id = service.submit(private=True, params={"secret": 1})

    for path in (f"/jobs/{job_id}", "/jobs?exclude_params=false"):
        answer = service.ask("GET", path)
        assert "secret" not in answer.text
        assert '"params": {}' in answer.text
        assert '"private": true' in answer.text


# --- results, logs


def test_results_are_the_text_of_the_executor(service: Service) -> None:
    job_id = service.submit()

    answer = service.ask("GET", f"/jobs/{job_id}/results")

    assert answer.status == 200
    assert answer.text == service.world.jobs[job_id].result
    assert answer.headers["Content-Type"].startswith("application/json")


def test_results_can_be_read_again(service: Service) -> None:
    job_id = service.submit()

    assert [service.ask("GET", f"/jobs/{job_id}/results").status for _ in range(2)] == [200, 200]


def test_results_of_a_private_job_can_be_read_once(service: Service) -> None:
    job_id = service.submit(private=True)

    answers = [service.ask("GET", f"/jobs/{job_id}/results") for _ in range(3)]

    assert [answer.status for answer in answers] == [200, 204, 204]
    assert answers[1].body == b""


def test_results_of_a_failed_job_are_the_error_text(service: Service) -> None:
    job_id = service.submit(params={"fail": "boom"})

    answer = service.ask("GET", f"/jobs/{job_id}/results")

    assert (answer.status, answer.text) == (200, "boom (error code 1517)")
    assert answer.headers["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize(
    "events",
    [
        pytest.param([], id="queued"),
        pytest.param(["start"], id="running"),
        pytest.param(["cancel"], id="cancelled"),
        pytest.param(["start", "time_out"], id="ran too long"),
    ],
)
def test_job_without_results_answers_204(service: Service, events: list[str]) -> None:
    job = queued(service, "j1")
    for event in events:
        job.step(event, START)

    answer = service.ask("GET", "/jobs/j1/results")

    assert (answer.status, answer.body) == (204, b"")


def test_looking_too_early_does_not_use_up_a_private_result(
    service: Service, executor: StandIn
) -> None:
    early: list[int] = []
    executor.during = lambda task: early.append(
        service.ask("GET", f"/jobs/{task.job_id}/results").status
    )

    job_id = service.submit(private=True)

    assert early == [204]
    assert service.ask("GET", f"/jobs/{job_id}/results").status == 200


def test_logs_of_a_job_are_not_found(service: Service) -> None:
    job_id = service.submit()

    answer = service.ask("GET", f"/jobs/{job_id}/logs")

    assert answer.status == 404
    assert "Logs not found" in answer.text


# --- lists


@functools.cache
def library() -> Service:
    """Five jobs, ten seconds apart, of every kind that the filters tell apart."""
    service = Service(make_world("fake_manila", "ibm_fez"))
    session = service.ask("POST", "/sessions", {"mode": "batch"}).json["id"]
    advance = service.world.clock.advance
    names = {"session": session}
    names["a"] = service.submit(tags=["x"])
    advance(10)
    names["b"] = service.submit(tags=["x", "y"], program_id="estimator")
    advance(10)
    names["c"] = service.submit(backend="ibm_fez", session_id=session)
    advance(10)
    names["d"] = queued(service, "d", backend="ibm_fez", program_id="estimator", tags=["y"]).id
    advance(10)
    names["e"] = service.submit(params={"fail": "boom"})
    service.names = names  # type: ignore[attr-defined]
    return service


def listed(query: str) -> str:
    """The jobs of the library that a query finds, in order, as letters."""
    service = library()
    names: dict[str, str] = service.names  # type: ignore[attr-defined]
    letters = {job_id: letter for letter, job_id in names.items()}
    answer = service.ask("GET", f"/jobs?{query.format(**names)}").json
    found = "".join(letters[job["id"]] for job in answer["jobs"])
    assert answer["count"] == len(found)
    return found


def moment(seconds: int, zone: str = "%2B00:00") -> str:
    return (START + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S") + zone


FILTERS = {
    "none": ("", "edcba"),
    "backend": ("backend=ibm_fez", "dc"),
    "unknown backend": ("backend=ibm_x", ""),
    "program": ("program=estimator", "db"),
    "pending": ("pending=true", "d"),
    "pending in capitals": ("pending=True", "d"),
    "ended": ("pending=false", "ecba"),
    "pending that is neither": ("pending=maybe", "edcba"),
    "one tag": ("tags=x", "ba"),
    "other tag": ("tags=y", "db"),
    "both tags": ("tags=x&tags=y", "b"),
    "unknown tag": ("tags=z", ""),
    "tags with brackets": ("tags[]=x", "edcba"),
    "session": ("session_id={session}", "c"),
    "unknown session": ("session_id=nosession", ""),
    "after": (f"created_after={moment(10)}", "edcb"),
    "after in Z": (f"created_after={moment(10, 'Z')}", "edcb"),
    "after without zone": (f"created_after={moment(10, '')}", "edcb"),
    "after in another zone": (f"created_after={moment(10 + 7200, '%2B02:00')}", "edcb"),
    "before": (f"created_before={moment(10)}", "ba"),
    "just after": (f"created_after={moment(11)}", "edc"),
    "just before": (f"created_before={moment(9)}", "a"),
    "mocks too": ("include_mocks=True", "edcba"),
    "unknown parameter": ("hub=ibm-q", "edcba"),
}


@pytest.mark.parametrize("row", FILTERS)
def test_filter_alone(row: str) -> None:
    query, expected = FILTERS[row]

    assert listed(query) == expected


@quick
@given(st.lists(st.sampled_from([row for row in FILTERS if "tag" not in row]), max_size=5))
def test_filters_together_find_what_each_of_them_finds(rows: list[str]) -> None:
    by_name = {FILTERS[row][0].partition("=")[0]: row for row in rows}
    expected = [
        letter for letter in "edcba" if all(letter in FILTERS[row][1] for row in by_name.values())
    ]

    assert listed("&".join(FILTERS[row][0] for row in by_name.values())) == "".join(expected)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("", "edcba", id="default"),
        pytest.param("sort=ASC", "abcde", id="ascending"),
        pytest.param("sort=asc", "abcde", id="in small letters"),
        pytest.param("sort=DESC", "edcba", id="descending"),
        pytest.param("sort=sideways", "edcba", id="nonsense"),
        pytest.param("sort=ASC&tags=y", "bd", id="with a filter"),
    ],
)
def test_order_of_the_list(query: str, expected: str) -> None:
    assert listed(query) == expected


def test_jobs_of_one_moment_are_listed_newest_first(service: Service) -> None:
    ids = [service.submit() for _ in range(3)]

    jobs = service.ask("GET", "/jobs").json["jobs"]

    assert [job["id"] for job in jobs] == ids[::-1]


def test_running_job_is_listed_as_pending(service: Service, executor: StandIn) -> None:
    seen: list[Any] = []

    def look(task: Task) -> None:
        seen.append(service.ask("GET", "/jobs?pending=true").json["jobs"])

    executor.during = look
    job_id = service.submit()

    assert [(job["id"], job["status"]) for job in seen[0]] == [(job_id, "Running")]
    assert service.ask("GET", "/jobs?pending=true").json["jobs"] == []


def test_jobs_of_another_instance_are_not_listed() -> None:
    one, two = (Instance(name=name, plan="premium") for name in ("one", "two"))
    service = Service(make_world("fake_manila", instances=[one, two]))
    job = {"program_id": "sampler", "backend": "fake_manila"}
    assert service.ask("POST", "/jobs", job, Service_CRN=one.crn).status == 200

    assert service.ask("GET", "/jobs", Service_CRN=one.crn).json["count"] == 1
    assert service.ask("GET", "/jobs", Service_CRN=two.crn).json["count"] == 0


# --- pages


def filled(total: int) -> Service:
    service = Service(make_world("fake_manila"))
    for number in range(total):
        queued(service, f"j{number}")
    return service


@pytest.mark.parametrize(
    ("query", "limit", "offset"),
    [
        pytest.param("", 200, 0, id="defaults"),
        pytest.param("limit=1&offset=2", 1, 2, id="as asked"),
        pytest.param("limit=200", 200, 0, id="longest page"),
        pytest.param("limit=201", 200, 0, id="longer than the longest"),
        pytest.param("limit=0", 200, 0, id="no page"),
        pytest.param("limit=-1&offset=-1", 200, 0, id="negative"),
        pytest.param("limit=ten&offset=two", 200, 0, id="words"),
        pytest.param("limit=%C2%B2&offset=%C2%B2", 200, 0, id="superscript digits"),
        pytest.param("limit=&offset=", 200, 0, id="empty"),
        pytest.param("limit=1.5", 200, 0, id="fraction"),
    ],
)
def test_limit_and_offset_out_of_range_fall_back(query: str, limit: int, offset: int) -> None:
    answer = filled(3).ask("GET", f"/jobs?{query}").json

    assert (answer["limit"], answer["offset"], answer["count"]) == (limit, offset, 3)
    assert len(answer["jobs"]) == min(limit, 3 - offset)


def test_count_is_what_the_filters_leave_whatever_the_page(service: Service) -> None:
    for tags in (["x"], ["y"], ["x"], ["x"]):
        service.submit(tags=tags)

    answer = service.ask("GET", "/jobs?tags=x&limit=1").json

    assert (len(answer["jobs"]), answer["count"]) == (1, 3)


@pytest.mark.parametrize(
    ("offset", "count"),
    [
        pytest.param(2, 3, id="on the last page"),
        pytest.param(3, 3, id="right behind it"),
        pytest.param(50, 50, id="far behind it"),
    ],
)
def test_count_past_the_end_is_the_offset(offset: int, count: int) -> None:
    assert filled(3).ask("GET", f"/jobs?offset={offset}").json["count"] == count


def client_loop(
    service: Service,
    limit: int | None,
    skip: int,
    between: Callable[[], object] = lambda: None,
) -> list[str]:
    """``QiskitRuntimeService.jobs`` of 0.51, line by line."""
    collected: list[str] = []
    current_page_limit = limit or 20
    offset = skip
    for _ in range(100):
        query = f"limit={current_page_limit}" + (f"&offset={offset}" if offset else "")
        answer = service.ask("GET", f"/jobs?{query}&sort=ASC").json
        page, count = [job["id"] for job in answer["jobs"]], answer["count"]
        collected += page
        if len(collected) == count - skip:
            return collected
        if limit:
            if len(collected) >= limit:
                return collected
            current_page_limit = limit - len(collected)
        else:
            current_page_limit = 20
        offset += len(page)
        between()
    raise AssertionError("the client asks for ever")


@quick
@given(
    total=st.integers(0, 90) | st.integers(195, 230),
    limit=st.none() | st.integers(0, 300),
    skip=st.integers(0, 300),
)
def test_loop_of_the_client_ends_with_the_jobs_it_asked_for(
    total: int, limit: int | None, skip: int
) -> None:
    everything = [f"j{number}" for number in range(total)]

    collected = client_loop(filled(total), limit, skip)

    assert collected == everything[skip : skip + limit if limit else None]


@quick
@given(
    total=st.integers(0, 90),
    limit=st.none() | st.integers(0, 100),
    skip=st.integers(0, 100),
    deleted=st.integers(1, 50),
)
def test_loop_of_the_client_ends_when_jobs_are_deleted_meanwhile(
    total: int, limit: int | None, skip: int, deleted: int
) -> None:
    service = filled(total)

    def delete() -> None:
        for job_id in list(service.world.jobs)[:deleted]:
            service.world.jobs.remove(job_id)

    assert len(client_loop(service, limit, skip, delete)) <= total


# --- metrics and usage

MOMENTS = {
    "created": "2026-09-12T10:00:00Z",
    "running": "2026-09-12T10:00:00Z",
    "finished": "2026-09-12T10:00:02.5Z",
}
OLD_USAGE = {"quantum_seconds": 3.0, "seconds": 3.0}
NEW_USAGE = {"qpu_charge_time_seconds": 3.0, "status": "complete"}
SHAPES: dict[str, dict[str, Any]] = {
    **{
        version: {"bss": {"seconds": 3.0}, "usage": OLD_USAGE}
        for version in ("2024-01-01", "2025-01-01", "2025-05-01", "2026-02-01", "2026-02-15")
    },
    "2026-03-15": {"usage": {**NEW_USAGE, "circuits_execution_time_ns": 3_000_000_000}},
    "2026-04-15": {"usage": NEW_USAGE, "circuits_execution_time_ns": 3_000_000_000},
}


def test_every_version_has_a_shape() -> None:
    assert tuple(SHAPES) == KNOWN


@pytest.mark.parametrize("version", KNOWN)
def test_metrics_have_the_shape_of_the_version(
    service: Service, executor: StandIn, version: str
) -> None:
    executor.during = lambda task: service.world.clock.advance(2.5)
    job_id = service.submit()

    metrics = service.ask("GET", f"/jobs/{job_id}/metrics", IBM_API_Version=version).json

    assert metrics == {"timestamps": MOMENTS, **SHAPES[version]}


@pytest.mark.parametrize("version", KNOWN)
def test_usage_in_the_job_has_the_shape_of_the_version(service: Service, version: str) -> None:
    job_id = service.submit()

    job = service.ask("GET", f"/jobs/{job_id}", IBM_API_Version=version).json

    assert job["usage"] == SHAPES[version]["usage"]


def test_no_version_means_the_oldest(service: Service) -> None:
    job_id = service.submit()
    headers = {"Authorization": f"Bearer {service.token}", "Service-CRN": DEFAULT_CRN}

    url = f"https://quantum.cloud.ibm.com/api/v1/jobs/{job_id}/metrics"

    assert service.raw("GET", url, headers).json["usage"] == OLD_USAGE


@pytest.mark.parametrize(
    ("version", "usage"),
    [
        pytest.param("2026-02-15", {"quantum_seconds": 0.0, "seconds": 0.0}, id="old"),
        pytest.param(
            "2026-03-15", {"qpu_charge_time_seconds": 0.0, "status": "pending"}, id="newer"
        ),
        pytest.param(
            "2026-04-15", {"qpu_charge_time_seconds": 0.0, "status": "pending"}, id="newest"
        ),
    ],
)
def test_metrics_of_a_job_in_the_queue(
    service: Service, version: str, usage: dict[str, Any]
) -> None:
    queued(service, "j1")

    metrics = service.ask("GET", "/jobs/j1/metrics", IBM_API_Version=version).json

    assert metrics["timestamps"] == {
        "created": "2026-09-12T10:00:00Z",
        "running": None,
        "finished": None,
    }
    assert metrics["usage"] == usage
    assert "circuits_execution_time_ns" not in metrics


def test_job_cancelled_in_the_queue_never_ran(service: Service) -> None:
    queued(service, "j1")
    service.ask("POST", "/jobs/j1/cancel")

    moments = service.ask("GET", "/jobs/j1/metrics").json["timestamps"]

    assert moments["running"] is None
    assert moments["finished"] == "2026-09-12T10:00:00Z"


PACKAGES = "qiskit_ibm_runtime-0.51.0,qiskit-2.6.2*"
SAMPLER = "qiskit_ibm_runtime~sampler.py"


@pytest.mark.parametrize(
    ("header", "packages", "caller"),
    [
        pytest.param(f"qiskit-version-2/{PACKAGES}/qiskit", PACKAGES, "qiskit", id="default"),
        pytest.param(f"qiskit-version-2/{PACKAGES}/{SAMPLER}", PACKAGES, SAMPLER, id="caller"),
        pytest.param(
            f"qiskit-version-2/{PACKAGES}/qiskit/mine", PACKAGES, "qiskit/mine", id="custom"
        ),
        pytest.param("/qiskit", None, "qiskit", id="opted out"),
        pytest.param("/qiskit/mine", None, "qiskit/mine", id="opted out, custom"),
        pytest.param(f"qiskit-version-2/{PACKAGES}", PACKAGES, None, id="no caller"),
        pytest.param("something", None, None, id="another program"),
        pytest.param("", None, None, id="empty"),
    ],
)
def test_client_and_caller_come_from_the_header(
    service: Service, header: str, packages: str | None, caller: str | None
) -> None:
    body = {"program_id": "sampler", "backend": "fake_manila"}
    job_id = service.ask("POST", "/jobs", body, X_Qx_Client_Application=header).json["id"]

    metrics = service.ask("GET", f"/jobs/{job_id}/metrics").json

    assert (metrics.get("qiskit_version"), metrics.get("caller")) == (packages, caller)


def test_instance_is_charged_for_its_jobs_even_when_they_are_deleted(service: Service) -> None:
    ids = [service.submit() for _ in range(2)]
    service.submit(params={"fail": "boom"})
    service.ask("DELETE", f"/jobs/{ids[0]}")

    assert service.ask("GET", "/instances/usage").json["usage_consumed_seconds"] == 6


# --- cancel, delete, tags


@pytest.mark.parametrize(
    ("events", "status"),
    [
        pytest.param([], 204, id="queued"),
        pytest.param(["start"], 204, id="running"),
        pytest.param(["start", "complete"], 409, id="completed"),
        pytest.param(["fail"], 409, id="failed"),
        pytest.param(["cancel"], 409, id="cancelled"),
    ],
)
def test_cancel(service: Service, events: list[str], status: int) -> None:
    job = queued(service, "j1")
    for event in events:
        job.step(event, START)
    before = job.status

    answer = service.ask("POST", "/jobs/j1/cancel")

    assert answer.status == status
    assert job.status == ("Cancelled" if status == 204 else before)


def test_job_cancelled_while_it_runs_stays_cancelled_and_costs_nothing(
    service: Service, executor: StandIn
) -> None:
    executor.during = lambda task: service.ask("POST", f"/jobs/{task.job_id}/cancel")

    job_id = service.submit()

    assert service.ask("GET", f"/jobs/{job_id}").json["status"] == "Cancelled"
    assert service.ask("GET", f"/jobs/{job_id}/results").status == 204
    assert service.ask("GET", "/instances/usage").json["usage_consumed_seconds"] == 0


@pytest.mark.parametrize(
    ("events", "status"),
    [
        pytest.param([], 400, id="queued"),
        pytest.param(["start"], 400, id="running"),
        pytest.param(["start", "complete"], 204, id="completed"),
        pytest.param(["fail"], 204, id="failed"),
        pytest.param(["cancel"], 204, id="cancelled"),
    ],
)
def test_delete(service: Service, events: list[str], status: int) -> None:
    job = queued(service, "j1")
    for event in events:
        job.step(event, START)

    assert service.ask("DELETE", "/jobs/j1").status == status
    assert ("j1" in service.world.jobs) == (status == 400)


def test_deleted_job_is_gone(service: Service) -> None:
    job_id = service.submit()
    service.ask("DELETE", f"/jobs/{job_id}")

    for path in ("", "/results", "/metrics", "/logs"):
        answer = service.ask("GET", f"/jobs/{job_id}{path}")
        assert (answer.status, code(answer)) == (404, 1291)
    assert service.ask("GET", "/jobs").json["count"] == 0
    assert service.ask("DELETE", f"/jobs/{job_id}").status == 404


def test_tags_are_replaced(service: Service) -> None:
    job_id = service.submit(tags=["old"])

    answer = service.ask("PUT", f"/jobs/{job_id}/tags", {"tags": ["a", "b"]})

    assert (answer.status, answer.body) == (204, b"")
    assert service.ask("GET", f"/jobs/{job_id}").json["tags"] == ["a", "b"]
    assert service.ask("GET", "/jobs?tags=old").json["count"] == 0
    assert service.ask("GET", "/jobs?tags=a&tags=b").json["count"] == 1


def test_tags_are_cleared_by_an_empty_list(service: Service) -> None:
    job_id = service.submit(tags=["old"])

    service.ask("PUT", f"/jobs/{job_id}/tags", {"tags": []})

    assert service.ask("GET", f"/jobs/{job_id}").json["tags"] == []


@pytest.mark.parametrize(
    ("tags", "error_code"),
    [pytest.param(["t"] * 9, 1204, id="too many"), pytest.param(["t" * 87], 1205, id="too long")],
)
def test_bad_tags_leave_the_old_ones(service: Service, tags: list[str], error_code: int) -> None:
    job_id = service.submit(tags=["old"])

    answer = service.ask("PUT", f"/jobs/{job_id}/tags", {"tags": tags})

    assert (answer.status, code(answer)) == (400, error_code)
    assert service.ask("GET", f"/jobs/{job_id}").json["tags"] == ["old"]


def test_tag_with_special_characters_can_be_found(service: Service) -> None:
    service.submit(tags=["a&b=c é"])

    assert service.ask("GET", f"/jobs?tags={quote('a&b=c é')}").json["count"] == 1


# --- the executor


def test_jobs_get_seeds_of_their_own_that_follow_from_the_service(executor: StandIn) -> None:
    services = [Service(make_world("fake_manila")) for _ in range(2)]
    seeds = [
        [
            json.loads(service.ask("GET", f"/jobs/{service.submit()}/results").text)["seed"]
            for _ in range(3)
        ]
        for service in services
    ]

    assert seeds[0] == seeds[1]
    assert len(set(seeds[0])) == 3


def test_executor_that_crashes_leaves_a_failed_job_and_shows_its_error(
    service: Service, executor: StandIn
) -> None:
    def crash(task: Task) -> None:
        raise ZeroDivisionError

    executor.during = crash
    with pytest.raises(ZeroDivisionError):
        service.submit()

    (job,) = service.ask("GET", "/jobs").json["jobs"]
    assert job["state"]["reason_code"] == 9999
