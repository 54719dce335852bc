from __future__ import annotations

import copy
import io
import pickle
import threading
import time

import pytest
import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from requests.auth import HTTPDigestAuth

from pytest_qiskit_fakeruntime.api.message import NoResponse, Response
from pytest_qiskit_fakeruntime.errors import FakeRuntimeStopped, UnmatchedRequest
from pytest_qiskit_fakeruntime.intercept.requests import RequestsInterception, StoppedError

IBM = "https://quantum.cloud.ibm.com/api/v1/jobs"
OTHER = "https://example.org/x"


class InMemory(BaseAdapter):
    """Somebody else's adapter, which answers by itself."""

    def __init__(self, text="theirs"):
        super().__init__()
        self.text = text
        self.bodies = []

    def send(self, request, **kwargs):
        self.bodies.append(request.body)
        response = requests.Response()
        response.status_code = 200
        response.url = request.url
        response.request = request
        response.raw = io.BytesIO(self.text.encode())
        return response

    def close(self):
        pass


@pytest.fixture
def ours(endpoint):
    with RequestsInterception(endpoint) as interception:
        yield interception


def test_every_method_and_its_body_reach_the_endpoint(ours):
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        reply = requests.request(method, IBM, data="böse".encode())
        assert reply.json() == {"by": "ours", "method": method, "body": "böse"}


def test_the_endpoint_sees_what_would_go_over_the_wire(ours, endpoint):
    requests.get(IBM, params={"Tag": ["A", "b"]}, headers={"X-Bytes": b"caf\xe9", "X-Text": "t"})
    (request,) = endpoint.seen
    assert request.url == f"{IBM}?Tag=A&Tag=b"
    assert request.headers["x-bytes"] == "café"
    assert request.headers["x-text"] == "t"


@pytest.mark.parametrize(
    "body",
    [
        "text",
        b"text",
        bytearray(b"text"),
        io.BytesIO(b"text"),
        io.StringIO("text"),
        (piece for piece in (b"te", b"xt")),
        {"te": "xt"},
    ],
    ids=lambda body: type(body).__name__,
)
def test_a_body_of_any_kind_is_read_once_and_sent_at_each_try(ours, endpoint, body):
    session = requests.Session()
    session.mount("https://", HTTPAdapter(max_retries=_retry(status_forcelist=[500])))
    endpoint.script = [Response(500), Response(500), Response(200)]
    assert session.put(IBM, data=body).status_code == 200
    assert [request.body for request in endpoint.seen] == [endpoint.seen[0].body] * 3
    assert endpoint.seen[0].body in (b"text", b"te=xt")


def _retry(**options):
    from urllib3.util.retry import Retry

    return Retry(total=5, **options)


def test_the_response_is_complete(ours, endpoint):
    endpoint.script = [Response(404, b'{"a": 1}', {"Content-Type": "application/json", "X": "y"})]
    reply = requests.get(IBM)
    assert (reply.status_code, reply.reason, reply.ok) == (404, "Not Found", False)
    assert reply.headers["x"] == "y"
    assert reply.json() == {"a": 1}
    assert reply.url == reply.request.url == IBM
    assert reply.elapsed.total_seconds() >= 0
    assert reply.raw.version == 11
    assert reply.raw.retries.history == ()
    assert pickle.loads(pickle.dumps(reply)).json() == {"a": 1}


def test_the_response_streams(ours, endpoint):
    endpoint.script = [Response.of_text("one\ntwo\nthree")]
    with requests.get(IBM, stream=True) as reply:
        assert list(reply.iter_lines()) == [b"one", b"two", b"three"]
    with requests.get(IBM, stream=True) as reply:
        assert reply.raw.read(3) == b"one"
        assert reply.raw.read() == b"\ntwo\nthree"
        assert reply.raw.read() == b""
    with requests.get(IBM, stream=True) as reply:
        assert list(reply.iter_content(None))


def test_head_has_no_body(ours, endpoint):
    endpoint.script = [Response.of_text("long")]
    assert requests.head(IBM).content == b""


def test_compressed_content_is_decoded(ours, endpoint):
    import gzip

    endpoint.script = [Response(200, gzip.compress(b"hello"), {"Content-Encoding": "gzip"})]
    assert requests.get(IBM).content == b"hello"


def test_cookies_are_kept(ours, endpoint):
    endpoint.script = [Response(200, b"", {"Set-Cookie": "k=v; Path=/"}), Response(200)]
    session = requests.Session()
    assert session.get(IBM).cookies["k"] == "v"
    session.get(IBM)
    assert endpoint.seen[1].headers["cookie"] == "k=v"


def test_redirects_are_followed_within_and_to_other_hosts(ours, endpoint):
    endpoint.script = [Response(302, b"", {"Location": "/other"}), Response.of_text("there")]
    reply = requests.get(IBM)
    assert reply.text == "there"
    assert [hop.status_code for hop in reply.history] == [302]

    endpoint.script = [Response(307, b"", {"Location": OTHER})]
    session = requests.Session()
    session.mount("https://example.org", InMemory())
    assert session.post(IBM, data=b"x").text == "theirs"
    assert requests.get(IBM, allow_redirects=False).next.url == OTHER


def test_digest_authentication_sends_again_through_us(ours, endpoint):
    challenge = 'Digest realm="r", nonce="n", qop="auth"'
    endpoint.script = [Response(401, b"", {"WWW-Authenticate": challenge}), Response(200)]
    assert requests.get(IBM, auth=HTTPDigestAuth("u", "p")).status_code == 200
    assert endpoint.seen[1].headers["authorization"].startswith("Digest ")


def test_transport_options_do_no_harm(ours, patch):
    patch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    patch.setenv("REQUESTS_CA_BUNDLE", "/does/not/exist.pem")
    options = {"timeout": (1, 2), "verify": False, "cert": "/nope.pem", "stream": True}
    with requests.get(IBM, proxies={"https": "http://127.0.0.1:1"}, **options) as reply:
        assert reply.json()["by"] == "ours"
    assert requests.get(IBM, timeout=3).json()["by"] == "ours"


def test_other_hosts_pass_through_with_their_body_unread(ours):
    session, theirs = requests.Session(), InMemory()
    session.mount("https://example.org", theirs)
    stream = io.BytesIO(b"big")
    assert session.post(OTHER, data=stream).text == "theirs"
    assert theirs.bodies[0].read() == b"big"


def test_the_headers_may_decide_whose_request_it_is(ours):
    assert requests.get(OTHER, headers={"For": "ours"}).json()["by"] == "ours"


def test_a_session_that_is_older_than_the_fake_is_intercepted_and_then_free(endpoint):
    session = requests.Session()
    session.mount("https://", InMemory())
    before = dict(vars(session)), dict(session.adapters)
    with RequestsInterception(endpoint):
        assert session.get(IBM).json()["by"] == "ours"
    assert (dict(vars(session)), dict(session.adapters)) == before
    assert session.get(IBM).text == "theirs"


def test_unknown_schemes_fail_as_always(ours):
    with pytest.raises(requests.exceptions.InvalidSchema):
        requests.get("gopher://x")


def test_a_subclass_with_its_own_get_adapter(endpoint):
    class Own(requests.Session):
        def get_adapter(self, url):
            return InMemory("own")

    class Heir(Own):
        def get_adapter(self, url):
            return super().get_adapter(url)

    for kind in (Own, Heir):
        before = dict(vars(kind))
        with RequestsInterception(endpoint):
            session = kind()
            assert session.get(IBM).json()["by"] == "ours"
            assert session.get(OTHER).text == "own"
            session.get_adapter = lambda url: InMemory("instance")
            assert session.get(IBM).json()["by"] == "ours"
            assert session.get(OTHER).text == "instance"
            del session.get_adapter
            assert session.get(OTHER).text == "own"
            with pytest.raises(AttributeError):
                del session.get_adapter
        assert dict(vars(kind)) == before


def test_an_answer_that_comes_later_than_the_timeout(ours, endpoint):
    endpoint.script = [Response(200, delay=delay) for delay in (4, 5, 6)]
    requests.get(IBM, timeout=5)
    requests.get(IBM, timeout=5)
    with pytest.raises(requests.ReadTimeout):
        requests.get(IBM, timeout=5)
    assert endpoint.pauses == [4, 5, 5]
    requests.get(IBM)
    assert endpoint.pauses == [4, 5, 5, 6]


@pytest.mark.parametrize(
    ("kind", "pauses"), [("timeout", [7]), ("disconnect", []), ("refused", [])]
)
def test_only_silence_takes_time(ours, endpoint, kind, pauses):
    endpoint.script = [NoResponse(kind)]
    with pytest.raises(requests.RequestException):
        requests.get(IBM, timeout=7)
    assert endpoint.pauses == pauses


# ---- the user's own routes --------------------------------------------------------------


def test_own_routes_win_over_ours_for_any_host(ours, endpoint):
    ours.adapter.register_uri("GET", IBM, text="route")
    ours.adapter.register_uri("GET", OTHER, text="route")
    ours.adapter.register_uri("GET", f"{IBM}/Aa", text="Aa")
    assert requests.get(IBM).text == "route"
    assert requests.get(OTHER).text == "route"
    assert requests.get(f"{IBM}/Id").json()["by"] == "ours"
    assert endpoint.seen[0].url == f"{IBM}/Id"
    assert requests.get(f"{IBM}/Aa").text == "Aa"
    assert requests.get(f"{IBM}/aA").json()["by"] == "ours"
    session = requests.Session()
    session.mount("https://", InMemory())
    assert session.get("https://elsewhere.org").text == "theirs"
    ours.adapter.reset()


def test_own_routes_are_retried_like_any_answer(ours, endpoint):
    script = [{"status_code": 503}, {"status_code": 503}, {"text": "well"}]
    ours.adapter.register_uri("GET", OTHER, script)
    session = requests.Session()
    session.mount("https://", HTTPAdapter(max_retries=_retry(status_forcelist=[503])))
    assert session.get(OTHER).text == "well"
    assert ours.adapter.call_count == 3


# ---- errors -------------------------------------------------------------------------------


def test_an_unmatched_request_is_both_errors_is_not_retried_and_pickles(ours, endpoint):
    endpoint.script = [UnmatchedRequest("GET", IBM, "list jobs")]
    session = requests.Session()
    session.mount("https://", HTTPAdapter(max_retries=5))
    with pytest.raises(UnmatchedRequest) as caught:
        session.get(IBM)
    error = caught.value
    assert isinstance(error, requests.ConnectionError)
    assert error.request.url == IBM
    assert error.response is None
    assert len(endpoint.seen) == 1
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy)) == (type(error), str(error))
    assert (copy.method, copy.url, copy.nearest) == ("GET", IBM, "list jobs")


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ZeroDivisionError("bug"), SystemExit(3)])
def test_what_the_handler_raises_surfaces_unchanged(ours, endpoint, error):
    endpoint.script = [error]
    with pytest.raises(type(error)) as caught:
        requests.get(IBM)
    assert caught.value is error


def test_an_unknown_kind_of_silence_surfaces_unchanged(ours, endpoint):
    endpoint.script = [NoResponse("sulk")]
    with pytest.raises(NoResponse, match="sulk"):
        requests.get(IBM)


# ---- several at once ------------------------------------------------------------------------


@pytest.mark.parametrize("outer_stops_first", [False, True])
def test_the_fake_that_was_started_last_answers(new_endpoint, outer_stops_first):
    outer, inner = new_endpoint("outer"), new_endpoint("inner", "quantum.cloud.ibm.com")
    outside, inside = RequestsInterception(outer), RequestsInterception(inner)
    outside.start()
    inside.start()
    assert requests.get(IBM).json()["by"] == "inner"
    assert requests.get("https://iam.cloud.ibm.com").json()["by"] == "outer"
    outside.adapter.register_uri("GET", "https://iam.cloud.ibm.com", text="route")
    assert requests.get("https://iam.cloud.ibm.com").text == "route"
    first, second = (outside, inside) if outer_stops_first else (inside, outside)
    first.stop()
    left = "inner" if outer_stops_first else "outer"
    assert requests.get(IBM).json()["by"] == left
    second.stop()


def test_a_slow_answer_delays_no_other_request(ours, endpoint):
    slow_is_in, release = threading.Event(), threading.Event()

    def handler(request):
        if request.path.endswith("slow"):
            slow_is_in.set()
            assert release.wait(10)
        return Response(200)

    endpoint.handler = handler
    slow = threading.Thread(target=requests.get, args=(f"{IBM}/slow",))
    slow.start()
    assert slow_is_in.wait(10)
    begin = time.perf_counter()
    assert requests.get(f"{IBM}/fast").ok
    assert time.perf_counter() - begin < 1
    release.set()
    slow.join()


def test_many_threads(ours, endpoint):
    endpoint.handler = lambda request: Response(200, request.body)
    wrong = []

    def work(number):
        with requests.Session() as session:
            for index in range(25):
                word = f"{number}-{index}"
                if session.post(IBM, data=word).text != word:
                    wrong.append(word)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(endpoint.seen) == 400


# ---- after the stop ---------------------------------------------------------------------------


def test_a_session_made_under_the_fake_refuses_its_hosts_after_the_stop(endpoint):
    with RequestsInterception(endpoint):
        session, unused = requests.Session(), requests.Session()
        session.mount("https://example.org", InMemory())
        session.get(IBM)
        session.get("https://my.cloud:8443/v1", headers={"For": "ours"})
    for url in (IBM, "https://iam.cloud.ibm.com", "https://my.cloud:8443/v1"):
        with pytest.raises(FakeRuntimeStopped, match="has stopped") as caught:
            session.get(url)
        assert isinstance(caught.value, requests.ConnectionError)
    with pytest.raises(StoppedError):
        unused.get(IBM)
    assert session.get(OTHER).text == "theirs"
    assert "get_adapter" not in vars(session)
    error = pickle.loads(pickle.dumps(caught.value))
    assert (type(error), str(error)) == (StoppedError, str(caught.value))
    assert type(pickle.loads(pickle.dumps(unused)).get_adapter("https://x")) is HTTPAdapter
    session.close()


def test_credentials_of_a_stopped_fake_are_not_even_prepared(endpoint):
    class Token(requests.auth.AuthBase):
        used = 0

        def __call__(self, request):
            self.used += 1
            return request

    with RequestsInterception(endpoint):
        session = requests.Session()
        session.auth = token = Token()
    session.mount("https://example.org", InMemory())
    with pytest.raises(StoppedError):
        session.get(IBM)
    assert session.auth.used == 0
    assert session.get(OTHER).text == "theirs"
    assert token.used == 1
    assert type(pickle.loads(pickle.dumps(session.adapters["https://"]))) is HTTPAdapter


def test_a_copy_of_a_retired_session_refuses_as_well(endpoint):
    with RequestsInterception(endpoint):
        session = requests.Session()
        session.auth = requests.auth.HTTPBasicAuth("me", "secret")
    copied = copy.deepcopy(session)
    for adapter in copied.adapters:
        assert copied.adapters[adapter] is not session.adapters[adapter]
    with pytest.raises(StoppedError):
        copied.get(IBM)
    copied.auth = None
    with pytest.raises(StoppedError):
        copied.get(IBM)


def test_sessions_are_not_kept_alive(endpoint):
    import gc
    import weakref

    with RequestsInterception(endpoint):
        session = requests.Session()
        session.get(IBM)
        watch = weakref.ref(session)
        del session
        gc.collect()
        assert watch() is None


def test_a_retired_session_serves_under_the_next_fake(endpoint, new_endpoint):
    with RequestsInterception(endpoint):
        session = requests.Session()
    with RequestsInterception(new_endpoint("next")):
        assert session.get(IBM).json()["by"] == "next"
