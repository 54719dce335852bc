"""Which host is which service, and which request is which operation."""

from __future__ import annotations

import pickle
import re

import pytest

from pytest_qiskit_fakeruntime.api.endpoint import ROUTER, UNMATCHED
from pytest_qiskit_fakeruntime.api.hosts import Target, target_of
from pytest_qiskit_fakeruntime.api.message import Request
from pytest_qiskit_fakeruntime.api.routing import Operation
from pytest_qiskit_fakeruntime.errors import UnmatchedRequest
from pytest_qiskit_fakeruntime.world.accounts import DEFAULT_CRN, Instance

from .conftest import Service, code, make_world

SPEAKS_RUNTIME = {"Service-CRN": DEFAULT_CRN, "IBM-API-Version": "2026-04-15"}


def where(url: str, **headers: str) -> Target | None:
    return target_of(Request.of("GET", url, headers.items()))


# --- hosts

HOSTS = {
    "https://quantum.cloud.ibm.com/api/v1/jobs": ("runtime", "/jobs", "us-east"),
    "https://quantum.cloud.ibm.com/api/v1": ("runtime", "/", "us-east"),
    "https://QUANTUM.Cloud.IBM.com/api/v1/jobs": ("runtime", "/jobs", "us-east"),
    "https://quantum.cloud.ibm.com./api/v1/jobs": ("runtime", "/jobs", "us-east"),
    "https://quantum.cloud.ibm.com:443/api/v1/jobs": ("runtime", "/jobs", "us-east"),
    "https://us-east.quantum.cloud.ibm.com/api/v1/jobs": ("runtime", "/jobs", "us-east"),
    "https://eu-de.quantum.cloud.ibm.com/api/v1/jobs": ("runtime", "/jobs", "eu-de"),
    "https://eu-de-2.quantum.cloud.ibm.com/api/v1/jobs": ("runtime", "/jobs", "eu-de-2"),
    "https://private.us-east.quantum.cloud.ibm.com/api/v1/jobs": ("runtime", "/jobs", "us-east"),
    "https://private.eu-de.quantum.cloud.ibm.com/api/v1/jobs": ("runtime", "/jobs", "eu-de"),
    "https://quantum.test.cloud.ibm.com/api/v1/jobs": ("runtime", "/jobs", "us-east"),
    "https://eu-de.quantum.test.cloud.ibm.com/api/v1/jobs": ("runtime", "/jobs", "eu-de"),
    "https://us-east.quantum-computing.cloud.ibm.com/jobs": ("runtime", "/jobs", "us-east"),
    "https://private.eu-de.quantum-computing.cloud.ibm.com/jobs": ("runtime", "/jobs", "eu-de"),
    "http://quantum.localhost/api/v1/jobs": ("runtime", "/jobs", None),
    "http://eu-de.quantum.localhost/api/v1/jobs": ("runtime", "/jobs", "eu-de"),
    "https://iam.cloud.ibm.com/identity/token": ("iam", "/identity/token", None),
    "https://private.iam.cloud.ibm.com/identity/token": ("iam", "/identity/token", None),
    "https://iam.test.cloud.ibm.com/identity/token": ("iam", "/identity/token", None),
    "http://iam.localhost/identity/token": ("iam", "/identity/token", None),
    "https://api.global-search-tagging.cloud.ibm.com/v3/resources/search": (
        "search",
        "/v3/resources/search",
        None,
    ),
    "http://api.global-search-tagging.localhost/v3/resources/search?limit=100": (
        "search",
        "/v3/resources/search",
        None,
    ),
    "https://globalcatalog.cloud.ibm.com/api/v1/p": ("catalog", "/api/v1/p", None),
    "http://globalcatalog.localhost/api/v1/p": ("catalog", "/api/v1/p", None),
    "https://resource-controller.cloud.ibm.com/v2/resource_instances": (
        "resource-controller",
        "/v2/resource_instances",
        None,
    ),
    "http://resource-controller.localhost/v2/resource_instances": (
        "resource-controller",
        "/v2/resource_instances",
        None,
    ),
    "https://cloud.ibm.com/": ("ibm", "/", None),
    "https://unheard-of.cloud.ibm.com/x": ("ibm", "/x", None),
    "https://s3.eu-de.cloud.ibm.com/bucket": ("ibm", "/bucket", None),
    "https://auth.quantum-computing.ibm.com/api/users/loginWithToken": (
        "ibm",
        "/api/users/loginWithToken",
        None,
    ),
}


@pytest.mark.parametrize("url", HOSTS)
def test_host_of_ibm_s_is_a_service(url: str) -> None:
    assert where(url) == Target(*HOSTS[url])


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/",
        "https://pypi.org/simple/",
        "http://localhost:8000/api/v1/jobs",
        "https://iam.amazonaws.com/",
        "https://iam.amazonaws.com/?Action=ListUsers",
        "https://quantum.example.com/api/v1/jobs",
        "https://notcloud.ibm.com.example.org/api/v1/jobs",
        "https://cloud.ibm.com.example.org/",
        "https://notcloud.ibm.com/",
        "https://www.ibm.com/",
        "https://quantum.cloud.ibm.com@example.org/api/v1/jobs",
        "https://resource-controller.example.org/healthz",
        "https://globalcatalog.example.org/login",
        "https://api.global-search-tagging.example.org/",
        "file:///etc/hosts",
    ],
)
def test_other_host_is_none_of_our_business(url: str) -> None:
    assert where(url) is None


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("https://example.org/api/v1/jobs", "/jobs"),
        ("http://127.0.0.1:8000/proxy/api/v1/jobs/x", "/jobs/x"),
        ("https://quantum.example.com/api/v1/backends/a/status", "/backends/a/status"),
        ("https://example.org/jobs", "/jobs"),
    ],
)
def test_host_of_a_resolver_of_one_s_own_is_known_by_the_headers(url: str, path: str) -> None:
    assert where(url, **SPEAKS_RUNTIME) == Target("runtime", path)


@pytest.mark.parametrize("header", SPEAKS_RUNTIME)
def test_one_of_the_two_headers_is_not_enough(header: str) -> None:
    assert where("https://example.org/api/v1/jobs", **{header: SPEAKS_RUNTIME[header]}) is None


def test_endpoint_serves_what_has_a_target(service: Service) -> None:
    served = {
        url: service.endpoint.serves(Request.of("GET", url))
        for url in ("https://unheard-of.cloud.ibm.com/", "https://example.com/")
    }

    assert list(served.values()) == [True, False]


# --- operations


def test_names_of_operations_are_unique() -> None:
    assert len(set(ROUTER.names)) == len(ROUTER.names)


@pytest.mark.parametrize("operation", ROUTER.operations, ids=lambda operation: operation.name)
def test_handler_is_named_like_its_operation_and_says_what_it_serves(operation: Operation) -> None:
    assert operation.handler.__name__ == operation.name
    assert (operation.handler.__doc__ or "").startswith(f"``{operation.method} {operation.path}``")


@pytest.mark.parametrize("operation", ROUTER.operations, ids=lambda operation: operation.name)
def test_every_operation_finds_itself(operation: Operation) -> None:
    path = operation.path.replace("{id}", "some%2Fid")

    found = ROUTER.find(operation.method, Target(operation.service, path))

    assert found == (operation, {"id": "some/id"} if "{id}" in operation.path else {})


@pytest.mark.parametrize(
    ("path", "job_id"),
    [
        pytest.param("/jobs/a%20b", "a b", id="space"),
        pytest.param("/jobs/a%2Fb", "a/b", id="slash"),
        pytest.param("/jobs/%C3%A9", "é", id="beyond ASCII"),
        pytest.param("/jobs/a%252F", "a%2F", id="encoded twice"),
        pytest.param("/jobs/x/", "x", id="trailing slash"),
    ],
)
def test_segment_of_the_path_is_decoded_once(service: Service, path: str, job_id: str) -> None:
    answer = service.ask("GET", path)

    assert (answer.status, code(answer)) == (404, 1291)
    assert answer.json["errors"][0]["message"].endswith(f"Job ID: {job_id}")
    assert service.world.calls.operations[-1] == "get_job"


def test_trailing_slash_makes_no_difference(service: Service) -> None:
    assert service.ask("GET", "/jobs/").json == service.ask("GET", "/jobs").json


def test_region_of_the_host_is_the_region_of_the_instance() -> None:
    instance = Instance(name="one", region="eu-de", plan="premium")
    service = Service(make_world("fake_manila", instances=[instance]))
    headers = {
        "Authorization": "apikey k",
        "Service-CRN": instance.crn,
        "IBM-API-Version": "2026-04-15",
    }
    answers = {
        host: service.raw("GET", f"https://{host}/api/v1/jobs", headers).status
        for host in (
            "eu-de.quantum.cloud.ibm.com",
            "private.eu-de.quantum.cloud.ibm.com",
            "quantum.localhost",
            "quantum.cloud.ibm.com",
            "us-east.quantum.cloud.ibm.com",
        )
    }

    assert list(answers.values()) == [200, 200, 200, 404, 404]


# --- what is not served


@pytest.mark.parametrize(
    ("method", "path", "nearest"),
    [
        pytest.param("GET", "/job", "list_jobs (GET /jobs)", id="misspelt"),
        pytest.param("HEAD", "/jobs", "list_jobs (GET /jobs)", id="HEAD"),
        pytest.param("DELETE", "/jobs/", "delete_job (DELETE /jobs/{id})", id="no id"),
        pytest.param(
            "GET", "/jobs/x/result", "get_job_results (GET /jobs/{id}/results)", id="part"
        ),
        pytest.param("PUT", "/sessions/x", None, id="method"),
    ],
)
def test_request_for_no_operation_names_the_nearest(
    service: Service, method: str, path: str, nearest: str | None
) -> None:
    with pytest.raises(UnmatchedRequest) as raised:
        service.ask(method, path)

    error = raised.value
    assert (error.method, error.url) == (method, f"https://quantum.cloud.ibm.com/api/v1{path}")
    assert f"{method} {error.url}" in str(error)
    if nearest is not None:
        assert error.nearest == nearest
        assert nearest in str(error)


def test_unknown_host_of_ibm_s_has_no_nearest_operation(service: Service) -> None:
    with pytest.raises(UnmatchedRequest) as raised:
        service.raw("GET", "https://unheard-of.cloud.ibm.com/x")

    assert raised.value.nearest is None


def test_nearest_operation_is_one_of_the_same_service(service: Service) -> None:
    with pytest.raises(UnmatchedRequest) as raised:
        service.raw("GET", "https://api.global-search-tagging.cloud.ibm.com/jobs")

    assert raised.value.nearest is None


def test_unmatched_request_is_recorded(service: Service) -> None:
    with pytest.raises(UnmatchedRequest) as raised:
        service.ask("GET", "/nothing")

    (call,) = service.world.calls[UNMATCHED]
    assert call.error is raised.value
    assert (call.request.path, call.response, call.status) == ("/api/v1/nothing", None, None)


@pytest.mark.parametrize(
    "url",
    [
        "https://quantum.cloud.ibm.com/api/v1/nothing?apikey=secret",
        "https://quantum.cloud.ibm.com/api/v1/nothing#secret",
        "https://me:secret@quantum.cloud.ibm.com/api/v1/nothing",
    ],
)
def test_unmatched_request_keeps_secrets(service: Service, url: str) -> None:
    with pytest.raises(UnmatchedRequest) as raised:
        service.raw("GET", url)

    error = raised.value
    assert error.url == "https://quantum.cloud.ibm.com/api/v1/nothing"
    assert "secret" not in f"{error} {error!r} {error.args} {vars(error)}"


def test_unmatched_request_survives_pickling() -> None:
    error = UnmatchedRequest("GET", "https://cloud.ibm.com/x", "list_jobs")

    copy = pickle.loads(pickle.dumps(error))

    assert (str(copy), vars(copy)) == (str(error), vars(error))


def test_calls_are_named_by_operation(service: Service) -> None:
    job_id = service.submit()
    service.ask("GET", f"/jobs/{job_id}?exclude_params=true")

    assert service.world.calls.operations == ["get_token", "create_job", "get_job"]
    assert service.world.calls["create_job"][-1].request.json["program_id"] == "sampler"
    assert re.fullmatch(
        r"<Call get_job: GET /api/v1/jobs/\w{20} -> 200>", repr(service.world.calls["get_job"][0])
    )
