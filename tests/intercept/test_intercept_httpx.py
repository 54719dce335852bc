from __future__ import annotations

import asyncio
import gc
import pickle
import weakref

import httpx
import pytest

from pytest_qiskit_fakeruntime.api.message import NoResponse, Response
from pytest_qiskit_fakeruntime.errors import FakeRuntimeStopped, UnmatchedRequest
from pytest_qiskit_fakeruntime.intercept.httpx import HttpxInterception, StoppedError

IBM = "https://quantum.cloud.ibm.com/api/v1/jobs"
OTHER = "https://example.org/x"


def theirs(request):
    return httpx.Response(200, text="theirs")


@pytest.fixture
def ours(endpoint):
    with HttpxInterception(endpoint) as interception:
        yield interception


@pytest.fixture(params=["sync", "async"])
def send(request, ours):
    """Send with either kind of client."""
    mounts = {"all://example.org": httpx.MockTransport(theirs)}
    if request.param == "sync":
        with httpx.Client(mounts=mounts) as client:
            yield client.request
    else:
        loop, client = asyncio.new_event_loop(), httpx.AsyncClient(mounts=mounts)
        yield lambda *args, **options: loop.run_until_complete(client.request(*args, **options))
        loop.run_until_complete(client.aclose())
        loop.close()


def test_every_method_and_its_body_reach_the_endpoint(send):
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        reply = send(method, IBM, content="böse".encode())
        assert reply.json() == {"by": "ours", "method": method, "body": "böse"}


def test_the_response_is_complete(send, endpoint):
    endpoint.script = [Response(404, b"{}", {"Set-Cookie": "k=v", "X": "y"}), Response(200)]
    reply = send("GET", IBM)
    assert (reply.status_code, reply.reason_phrase) == (404, "Not Found")
    assert reply.headers["x"] == "y"
    assert reply.http_version == "HTTP/1.1"
    assert reply.elapsed.total_seconds() >= 0
    assert reply.request.url == IBM
    send("GET", IBM)
    assert endpoint.seen[1].headers["cookie"] == "k=v"
    assert send("HEAD", IBM).content == b""


def test_other_hosts_pass_through_but_headers_may_decide(send):
    assert send("GET", OTHER).text == "theirs"
    assert send("GET", OTHER, headers={"For": "ours"}).json()["by"] == "ours"


def test_own_routes_win_for_any_host(send, ours):
    ours.router.get(IBM).respond(text="route")
    ours.router.get(f"{OTHER}/y").respond(text="route")
    assert send("GET", IBM).text == "route"
    assert send("GET", f"{OTHER}/y").text == "route"
    assert send("GET", OTHER).text == "theirs"
    assert send("POST", IBM).json()["by"] == "ours"
    assert ours.router.calls.call_count == 2


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("refused", httpx.ConnectError),
        ("disconnect", httpx.RemoteProtocolError),
        ("timeout", httpx.ReadTimeout),
        ("sulk", NoResponse),
    ],
)
def test_broken_connections(send, endpoint, kind, error):
    endpoint.script = [NoResponse(kind)]
    with pytest.raises(error) as caught:
        send("GET", IBM, timeout=7)
    assert kind == "sulk" or caught.value.request.url == IBM
    assert endpoint.pauses == ([7] if kind == "timeout" else [])


def test_an_answer_that_comes_later_than_the_timeout(send, endpoint):
    endpoint.script = [Response(200, delay=delay) for delay in (4, 5, 6)]
    send("GET", IBM, timeout=5)
    send("GET", IBM, timeout=5)
    with pytest.raises(httpx.ReadTimeout):
        send("GET", IBM, timeout=5)
    assert endpoint.pauses == [4, 5, 5]
    send("GET", IBM, timeout=None)
    assert endpoint.pauses == [4, 5, 5, 6]


def test_an_unmatched_request_is_both_errors_and_pickles(send, endpoint):
    endpoint.script = [UnmatchedRequest("GET", IBM)]
    with pytest.raises(UnmatchedRequest) as caught:
        send("GET", IBM)
    error = caught.value
    assert isinstance(error, httpx.ConnectError)
    assert error.request.url == IBM
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), copy.url) == (type(error), str(error), IBM)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ZeroDivisionError("bug")])
def test_what_the_handler_raises_surfaces_unchanged(ours, endpoint, error):
    endpoint.script = [error]
    with pytest.raises(type(error)) as caught:
        httpx.get(IBM)
    assert caught.value is error


@pytest.mark.parametrize("outer_stops_first", [False, True])
def test_the_fake_that_was_started_last_answers(new_endpoint, outer_stops_first):
    outside = HttpxInterception(new_endpoint("outer"))
    inside = HttpxInterception(new_endpoint("inner", "quantum.cloud.ibm.com"))
    outside.start()
    inside.start()
    assert httpx.get(IBM).json()["by"] == "inner"
    assert httpx.get("https://iam.cloud.ibm.com").json()["by"] == "outer"
    first, second = (outside, inside) if outer_stops_first else (inside, outside)
    first.stop()
    assert httpx.get(IBM).json()["by"] == ("inner" if outer_stops_first else "outer")
    second.stop()


# ---- after the stop ---------------------------------------------------------------------------


@pytest.fixture(params=[httpx.Client, httpx.AsyncClient])
def kind(request):
    return request.param


def fetch(client, url, **options):
    """Get a URL with either kind of client."""
    answer = client.get(url, **options)
    return asyncio.run(answer) if isinstance(client, httpx.AsyncClient) else answer


def test_a_client_made_under_the_fake_refuses_its_hosts_after_the_stop(kind, endpoint):
    with HttpxInterception(endpoint):
        client = kind(transport=httpx.MockTransport(theirs))
        fetch(client, "https://my.cloud:8443/v1", headers={"For": "ours"})
    for url in (IBM, "https://iam.cloud.ibm.com", "https://my.cloud:8443/v1"):
        with pytest.raises(FakeRuntimeStopped, match="has stopped") as caught:
            fetch(client, url)
        assert isinstance(caught.value, httpx.ConnectError)
        assert caught.value.request.url == url
    assert fetch(client, OTHER).text == "theirs"
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (type(copy), str(copy)) == (StoppedError, str(caught.value))


def test_a_client_from_before_is_as_it_was(kind, endpoint):
    client = kind(transport=httpx.MockTransport(theirs))
    fetch(client, OTHER)
    before = {**vars(client)}
    with HttpxInterception(endpoint):
        assert fetch(client, IBM).json()["by"] == "ours"
    assert vars(client) == before
    assert fetch(client, IBM).text == "theirs"


@pytest.mark.parametrize("outer_stops_first", [False, True])
def test_a_client_goes_on_under_the_fake_that_still_runs(kind, new_endpoint, outer_stops_first):
    outside, inside = (HttpxInterception(new_endpoint(name)) for name in ("outer", "inner"))
    outside.start()
    inside.start()
    client = kind(transport=httpx.MockTransport(theirs))
    first, second = (outside, inside) if outer_stops_first else (inside, outside)
    first.stop()
    assert fetch(client, IBM).json()["by"] == ("inner" if outer_stops_first else "outer")
    second.stop()
    with pytest.raises(StoppedError):
        fetch(client, IBM)
    with HttpxInterception(new_endpoint("next")):
        assert fetch(client, IBM).json()["by"] == "next"


def test_clients_are_not_kept_alive(kind, endpoint):
    with HttpxInterception(endpoint):
        client = kind()
        fetch(client, IBM)
        watch = weakref.ref(client)
        del client
        gc.collect()
        assert watch() is None
