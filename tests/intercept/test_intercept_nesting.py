"""Ours and the user's own mocks, each outside and inside the other."""

from __future__ import annotations

import asyncio
import contextlib

import httpx
import pytest
import requests
import requests_mock
import responses
import respx

from pytest_qiskit_fakeruntime.intercept import Interception

IBM = "https://quantum.cloud.ibm.com/api/v1/jobs"
THEIRS = "https://theirs.org/x"


@contextlib.contextmanager
def mocker(session, **options):
    with requests_mock.Mocker(**options) as mock:
        mock.get(THEIRS, text="theirs")
        yield


@contextlib.contextmanager
def bound_mocker(session):
    with requests_mock.Mocker(session=session) as mock:
        mock.get(THEIRS, text="theirs")
        yield


@contextlib.contextmanager
def responses_library(session):
    with responses.RequestsMock() as mock:
        mock.get(THEIRS, body="theirs")
        yield


@contextlib.contextmanager
def respx_library(session, **options):
    with respx.mock(**options) as mock:
        mock.get(THEIRS).respond(text="theirs")
        yield


REQUESTS = {
    "mocker": mocker,
    "mocker real_http": lambda session: mocker(session, real_http=True),
    "mocker on the session": bound_mocker,
    "responses": responses_library,
}
HTTPX = {
    "respx": respx_library,
    "respx httpx": lambda session: respx_library(session, using="httpx"),
}


def ours(endpoint):
    interception = Interception(endpoint, {})
    stack = contextlib.ExitStack()
    interception.start()
    stack.callback(interception.stop)
    return stack


@contextlib.contextmanager
def nested(order, ours, theirs):
    """Enter both, in the order given; ``crossed`` leaves the outer one first."""
    first, second = (ours, theirs) if order != "inside" else (theirs, ours)
    if order == "crossed":
        first.__enter__()
        second.__enter__()
        try:
            yield
        finally:
            first.__exit__(None, None, None)
            second.__exit__(None, None, None)
    else:
        with first, second:
            yield


@pytest.mark.parametrize("order", ["outside", "inside", "crossed"])
@pytest.mark.parametrize("library", REQUESTS)
def test_requests(library, order, endpoint):
    session = requests.Session()
    session.get_adapter(IBM)  # older than both
    with nested(order, ours(endpoint), REQUESTS[library](session)):
        for _ in range(2):
            assert session.get(IBM).json()["by"] == "ours"
            assert session.get(THEIRS).text == "theirs"
            if library != "mocker on the session":
                assert requests.get(IBM).json()["by"] == "ours"
                assert requests.get(THEIRS).text == "theirs"
    left = vars(session).get("get_adapter")  # requests_mock leaves one
    assert left is None or "intercept" not in left.__func__.__module__
    assert type(session.get_adapter(IBM)) is requests.adapters.HTTPAdapter


def test_a_mock_that_left_its_traces_on_a_session_before_us(endpoint):
    session = requests.Session()
    with requests_mock.Mocker() as mock:
        mock.get(THEIRS, text="theirs")
        session.get(THEIRS)
    left = vars(session)["get_adapter"]
    with ours(endpoint):
        assert session.get(IBM).json()["by"] == "ours"
    assert vars(session)["get_adapter"] is left


def test_the_retry_policy_holds_within_a_mocker(endpoint):
    from qiskit_ibm_runtime.api.session import RetrySession

    from pytest_qiskit_fakeruntime.api.message import Response

    endpoint.script = [Response(503), Response(503), Response(200)]
    with ours(endpoint), requests_mock.Mocker(), RetrySession("https://a.cloud.ibm.com") as session:
        assert session.get("/x").status_code == 200
    assert endpoint.pauses == [1]


def test_three_levels(new_endpoint):
    session = requests.Session()
    outer, inner = new_endpoint("outer"), new_endpoint("inner", "quantum.cloud.ibm.com")
    with ours(outer), mocker(session), ours(inner), responses.RequestsMock():
        assert session.get(IBM).json()["by"] == "inner"
        assert session.get("https://iam.cloud.ibm.com").json()["by"] == "outer"


@pytest.mark.parametrize("order", ["outside", "inside", "crossed"])
@pytest.mark.parametrize("library", HTTPX)
def test_httpx(library, order, endpoint):
    async def asynchronously():
        async with httpx.AsyncClient() as client:
            assert (await client.get(IBM)).json()["by"] == "ours"
            assert (await client.get(THEIRS)).text == "theirs"

    with httpx.Client() as client, nested(order, ours(endpoint), HTTPX[library](None)):
        for _ in range(2):
            assert client.get(IBM).json()["by"] == "ours"
            assert client.get(THEIRS).text == "theirs"
            asyncio.run(asynchronously())


@respx.mock
def test_under_a_respx_decorator(endpoint):
    respx.get(THEIRS).respond(text="theirs")
    with ours(endpoint):
        assert httpx.get(IBM).json()["by"] == "ours"
        assert httpx.get(THEIRS).text == "theirs"


def test_with_the_respx_fixture(respx_mock, interception):
    respx_mock.get(THEIRS).respond(text="theirs")
    assert httpx.get(IBM).json()["by"] == "ours"
    assert httpx.get(THEIRS).text == "theirs"


def test_with_the_requests_mock_fixture(requests_mock, interception):
    requests_mock.get(THEIRS, text="theirs")
    assert requests.get(IBM).json()["by"] == "ours"
    assert requests.get(THEIRS).text == "theirs"
