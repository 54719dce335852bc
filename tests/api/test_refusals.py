"""Every documented error: one row per way to be refused."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from string import Formatter
from typing import Any

import jwt
import pytest

import pytest_qiskit_fakeruntime
from pytest_qiskit_fakeruntime.api.errors import ROWS as ROWS_OF_THE_SERVICE
from pytest_qiskit_fakeruntime.world.accounts import DEFAULT_CRN, Instance

from .conftest import Service, code, make_world

HOUSE = Path(pytest_qiskit_fakeruntime.__file__).parent
JOB: dict[str, Any] = {"program_id": "sampler", "backend": "fake_manila", "params": {}}
SESSION: dict[str, Any] = {"mode": "dedicated", "backend": "fake_manila"}
OTHER_ACCOUNT = "crn:v1:bluemix:public:quantum-computing:us-east:a/other:one::"
UNKNOWN = "crn:v1:bluemix:public:quantum-computing:us-east:a/local:unknown::"
OTHER_SERVICE = "crn:v1:bluemix:public:cloud-object-storage:global:a/local:one::"

ROWS = {
    "no credentials": ("GET", "/jobs", None, {"Authorization": ""}, 401, 1201),
    "garbage token": ("GET", "/jobs", None, {"Authorization": "Bearer x.y.z"}, 401, 1201),
    "empty API key": ("GET", "/jobs", None, {"Authorization": "apikey "}, 401, 1201),
    "unknown scheme": ("GET", "/jobs", None, {"Authorization": "Basic eA=="}, 401, 1201),
    "no CRN": ("GET", "/jobs", None, {"Service-CRN": ""}, 400, 1208),
    "not a CRN": ("GET", "/jobs", None, {"Service-CRN": "my-instance"}, 400, 1208),
    "CRN of another service": ("GET", "/jobs", None, {"Service-CRN": OTHER_SERVICE}, 400, 1208),
    "CRN of another account": ("GET", "/jobs", None, {"Service-CRN": OTHER_ACCOUNT}, 403, 1200),
    "unknown instance": ("GET", "/jobs", None, {"Service-CRN": UNKNOWN}, 404, 1279),
    "unknown version": ("GET", "/jobs", None, {"IBM-API-Version": "2023-01-01"}, 400, 1208),
    "version that is no date": ("GET", "/jobs", None, {"IBM-API-Version": "x"}, 400, 1208),
    "body is not JSON": ("POST", "/jobs", "{", {}, 400, 1208),
    "body is empty": ("POST", "/jobs", None, {}, 400, 1208),
    "body is not UTF-8": ("POST", "/jobs", b"\xff\xfe{", {}, 400, 1208),
    "body is a list": ("POST", "/jobs", [], {}, 400, 1208),
    "no program": ("POST", "/jobs", {"backend": "fake_manila"}, {}, 400, 1208),
    "no backend": ("POST", "/jobs", {"program_id": "sampler"}, {}, 400, 1208),
    "backend is too long": ("POST", "/jobs", {**JOB, "backend": "b" * 256}, {}, 400, 1208),
    "params are a list": ("POST", "/jobs", {**JOB, "params": []}, {}, 400, 1208),
    "cost is negative": ("POST", "/jobs", {**JOB, "cost": -1}, {}, 400, 1208),
    "cost is text": ("POST", "/jobs", {**JOB, "cost": "1"}, {}, 400, 1208),
    "session id is too long": ("POST", "/jobs", {**JOB, "session_id": "s" * 37}, {}, 400, 1208),
    "too many tags": ("POST", "/jobs", {**JOB, "tags": ["t"] * 9}, {}, 400, 1204),
    "tag is too long": ("POST", "/jobs", {**JOB, "tags": ["t" * 87]}, {}, 400, 1205),
    "tag is a number": ("POST", "/jobs", {**JOB, "tags": [1]}, {}, 400, 1208),
    "executor refuses": ("POST", "/jobs", {**JOB, "params": {"refuse": "no"}}, {}, 400, 1208),
    "job on unknown backend": ("POST", "/jobs", {**JOB, "backend": "ibm_x"}, {}, 404, 1216),
    "job in unknown session": ("POST", "/jobs", {**JOB, "session_id": "s"}, {}, 404, 1216),
    "bad date": ("GET", "/jobs?created_after=yesterday", None, {}, 400, 1208),
    "unknown job": ("GET", "/jobs/nojob", None, {}, 404, 1291),
    "results of unknown job": ("GET", "/jobs/nojob/results", None, {}, 404, 1291),
    "metrics of unknown job": ("GET", "/jobs/nojob/metrics", None, {}, 404, 1291),
    "logs of unknown job": ("GET", "/jobs/nojob/logs", None, {}, 404, 1291),
    "cancel unknown job": ("POST", "/jobs/nojob/cancel", None, {}, 404, 1291),
    "delete unknown job": ("DELETE", "/jobs/nojob", None, {}, 404, 1291),
    "tag unknown job": ("PUT", "/jobs/nojob/tags", {"tags": []}, {}, 404, 1291),
    "configuration of unknown backend": ("GET", "/backends/x/configuration", None, {}, 404, 1216),
    "properties of unknown backend": ("GET", "/backends/x/properties", None, {}, 404, 1216),
    "status of unknown backend": ("GET", "/backends/x/status", None, {}, 404, 1216),
    "defaults of unknown backend": ("GET", "/backends/x/defaults", None, {}, 404, 1216),
    "session without mode": ("POST", "/sessions", {"backend": "fake_manila"}, {}, 400, 1208),
    "session of unknown mode": ("POST", "/sessions", {**SESSION, "mode": "x"}, {}, 400, 1208),
    "session for no time": ("POST", "/sessions", {**SESSION, "max_ttl": 0}, {}, 400, 1208),
    "session for a time in text": ("POST", "/sessions", {**SESSION, "max_ttl": "9"}, {}, 400, 1208),
    "session on unknown backend": ("POST", "/sessions", {**SESSION, "backend": "x"}, {}, 404, 1216),
    "unknown session": ("GET", "/sessions/nosession", None, {}, 404, 1216),
    "patch unknown session": ("PATCH", "/sessions/x", {"accepting_jobs": False}, {}, 404, 1216),
    "close unknown session": ("DELETE", "/sessions/x/close", None, {}, 404, 1216),
}


@pytest.mark.parametrize("row", ROWS)
def test_refusal_has_status_code_and_body_of_the_service(service: Service, row: str) -> None:
    method, path, body, headers, status, error_code = ROWS[row]

    answer = service.ask(method, path, body, **headers)

    assert (answer.status, code(answer)) == (status, error_code)
    error = answer.json["errors"][0]
    assert error["message"]
    assert error["solution"]
    assert error["more_info"].startswith("https://")
    assert len(answer.json["trace"]) == 36


IAM_ROWS = {
    "no grant": ("apikey=k", "BXNIM0108E"),
    "no key": ("grant_type=urn:ibm:params:oauth:grant-type:apikey", "BXNIM0109E"),
    "withdrawn key": (
        "grant_type=urn:ibm:params:oauth:grant-type:apikey&apikey=stolen",
        "BXNIM0415E",
    ),
}


@pytest.mark.parametrize("row", IAM_ROWS)
def test_iam_refuses_in_its_own_form(service: Service, row: str) -> None:
    service.world.accounts.invalid_keys.add("stolen")
    body, error_code = IAM_ROWS[row]

    answer = service.raw("POST", "https://iam.cloud.ibm.com/identity/token", body=body)

    assert answer.status == 400
    assert answer.json["errorCode"] == error_code


def test_expired_token_is_refused(service: Service) -> None:
    assert service.ask("GET", "/jobs").status == 200

    service.world.clock.advance(3601)

    answer = service.ask("GET", "/jobs")
    assert (answer.status, code(answer)) == (401, 1201)
    assert "expired" in answer.text


def test_token_of_somebody_else_is_refused(service: Service) -> None:
    forged = jwt.encode({"sub": "IBMid-X", "exp": 2**40}, "s" * 32, algorithm="HS256")

    assert service.ask("GET", "/jobs", Authorization=f"Bearer {forged}").status == 401


def test_credentials_are_never_repeated_in_the_answer(service: Service) -> None:
    service.world.accounts.invalid_keys.add("very-secret-key")

    answer = service.ask("GET", "/jobs", Authorization="apikey very-secret-key")

    assert answer.status == 401
    assert "very-secret-key" not in answer.text


def test_api_key_is_accepted_in_place_of_a_token(service: Service) -> None:
    assert service.ask("GET", "/jobs", Authorization="apikey some-key").status == 200


def test_host_of_another_region_does_not_know_the_instance(service: Service) -> None:
    headers = {
        "Authorization": "apikey k",
        "Service-CRN": DEFAULT_CRN,
        "IBM-API-Version": "2026-04-15",
    }
    answer = service.raw("GET", "https://eu-de.quantum.cloud.ibm.com/api/v1/jobs", headers)

    assert (answer.status, code(answer)) == (404, 1279)


@pytest.mark.parametrize(
    ("status", "answered"), [("offline", 400), ("maintenance", 400), ("reserved", 423)]
)
def test_device_that_takes_no_jobs(service: Service, status: str, answered: int) -> None:
    service.world.devices["fake_manila"].status = status

    assert service.ask("POST", "/jobs", JOB).status == answered


def test_terminal_job_cannot_be_cancelled(service: Service) -> None:
    job_id = service.submit()

    answer = service.ask("POST", f"/jobs/{job_id}/cancel")

    assert answer.status == 409
    assert service.world.jobs[job_id].status == "Completed"


def test_job_of_another_instance_is_not_found() -> None:
    one, two = (Instance(name=name, plan="premium") for name in ("one", "two"))
    service = Service(make_world("fake_manila", instances=[one, two]))
    headers = {"Service_CRN": one.crn}
    job_id = service.ask("POST", "/jobs", JOB, **headers).json["id"]

    assert service.ask("GET", f"/jobs/{job_id}", **headers).status == 200
    assert service.ask("GET", f"/jobs/{job_id}", Service_CRN=two.crn).status == 404


def test_closed_session_takes_no_jobs(service: Service) -> None:
    session = service.ask("POST", "/sessions", SESSION).json["id"]
    assert service.ask("PATCH", f"/sessions/{session}", {"accepting_jobs": False}).status == 204

    answer = service.ask("POST", "/jobs", {**JOB, "session_id": session})

    assert (answer.status, code(answer)) == (400, 1217)


def test_session_takes_jobs_of_its_own_backend_only(service: Service) -> None:
    session = service.ask("POST", "/sessions", SESSION).json["id"]

    answer = service.ask("POST", "/jobs", {**JOB, "backend": "ibm_fez", "session_id": session})

    assert answer.status == 400


def test_open_plan_has_no_dedicated_sessions() -> None:
    service = Service(make_world("fake_manila", instances=[Instance(crn=DEFAULT_CRN)]))

    answer = service.ask("POST", "/sessions", SESSION)

    assert (answer.status, code(answer)) == (400, 1352)
    assert "open plan" in answer.text
    assert service.ask("POST", "/sessions", {**SESSION, "mode": "batch"}).status == 200


@pytest.mark.parametrize("body", ['"text"', "3", "null", "[1]", '{"tags": null}'])
def test_no_body_makes_a_handler_fail(service: Service, body: str) -> None:
    job_id = service.submit()
    for method, path in [
        ("POST", "/jobs"),
        ("POST", "/sessions"),
        ("PUT", f"/jobs/{job_id}/tags"),
    ]:
        assert service.ask(method, path, json.loads(body) and body).status == 400


def refusals() -> dict[str, set[str]]:
    """Every refusal in the source: its kind, and the facts that come with it."""
    found: dict[str, set[str]] = {}
    for module in (*HOUSE.glob("api/*.py"), *HOUSE.glob("world/*.py")):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and ast.unparse(node.func) == "Refusal"):
                continue
            assert isinstance(node.args[0], ast.Constant)
            facts = {keyword.arg or "**" for keyword in node.keywords}
            kind = str(node.args[0].value)
            assert found.setdefault(kind, facts) == facts, kind
    return found


@pytest.mark.parametrize("kind", sorted(refusals()))
def test_every_refusal_has_a_row_that_its_facts_fill(kind: str) -> None:
    row, facts = ROWS_OF_THE_SERVICE[kind], refusals()[kind]
    texts = (row.message, row.solution)
    wanted = {name for text in texts for _, name, _, _ in Formatter().parse(text) if name}

    assert wanted <= facts
    assert 400 <= row.status < 600
    assert 1000 <= row.code <= 9999


def test_text_with_braces_is_repeated_as_it_is(service: Service) -> None:
    answer = service.ask("GET", "/jobs/%7Bid%7D%7Bx.y%7D")

    assert answer.json["errors"][0]["message"] == "Job not found. Job ID: {id}{x.y}"
