"""The same requests, over a real socket and through us, end the same way."""

from __future__ import annotations

import email.utils
import http.server
import re
import socket
import threading
import types

import pytest
import requests
import urllib3.util.retry
from qiskit_ibm_runtime.api.session import RetrySession
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from pytest_qiskit_fakeruntime.api.message import NoResponse, Response
from pytest_qiskit_fakeruntime.intercept.requests import RequestsInterception

pytestmark = pytest.mark.loopback

IBM = "http://quantum.cloud.ibm.com"

Step = tuple[int, dict[str, str]] | str  # a status with headers, or a way to break


class Loopback(http.server.ThreadingHTTPServer):
    """Plays a script over a real socket."""

    daemon_threads = False

    def __init__(self, script):
        super().__init__(("127.0.0.1", 0), _Player)
        self.script = list(script)
        self.calls = 0
        self.hung = threading.Event()
        self.bodies = []

    def handle_error(self, request, client_address):
        pass


class _Player(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def play(self):
        server = self.server
        server.bodies.append(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        step = server.script[min(server.calls, len(server.script) - 1)]
        server.calls += 1
        self.close_connection = True
        if step == "disconnect":
            return
        if step == "timeout":
            server.hung.wait(5)
            return
        status, headers = step
        self.send_response(status)
        for name, value in {"Content-Length": "2", "Connection": "close", **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(b"ok")

    do_GET = do_POST = do_PUT = play

    def log_message(self, *args):
        pass


def outcome(session, url, method, **options):
    """The end of a request, without host names and addresses."""
    try:
        reply = session.request(method, url, **options)
        result = "answer", reply.status_code, reply.reason, reply.text
        history = [(entry.method, entry.status) for entry in reply.raw.retries.history]
        return *result, history
    except Exception as error:
        text = re.sub(r"host=\W*[\w.]+\W*, port=\d+", "HOST", str(error))
        text = re.sub(r"http://[^/ ]*", "http://HOST", text)
        text = re.sub(r" at 0x[0-9a-f]+", " at ADDRESS", text)
        causes = [type(argument).__name__ for argument in error.args]
        reason = type(getattr(error.args[0], "reason", None)).__name__
        return type(error).__name__, text, causes, reason


def real(script, make, method, now=None, **options):
    pauses = []
    real_time = urllib3.util.retry.time.time
    tell = real_time if now is None else lambda: now
    fake_time = types.SimpleNamespace(sleep=pauses.append, time=tell)
    with Loopback(script) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(urllib3.util.retry, "time", fake_time)
                base = f"http://127.0.0.1:{server.server_port}"
                with make(base) as session:
                    end = outcome(session, _url(session, base), method, **options)
        finally:
            server.hung.set()
            server.shutdown()
            thread.join()
    return server.calls, pauses, end


def fake(script, make, method, endpoint, **options):
    endpoint.script = [
        NoResponse(step) if isinstance(step, str) else Response(step[0], b"ok", step[1])
        for step in script
    ]
    with RequestsInterception(endpoint), make(IBM) as session:
        end = outcome(session, _url(session, IBM), method, **options)
    return len(endpoint.seen), endpoint.pauses, end


def _url(session, base):
    return "/jobs?x=1" if isinstance(session, RetrySession) else f"{base}/jobs?x=1"


def with_retry(**options):
    def make(base):
        session = requests.Session()
        session.mount("http://", HTTPAdapter(max_retries=Retry(**options)))
        return session

    return make


MAKERS = {
    "client": RetrySession,
    "plain": lambda base: requests.Session(),
    "number": with_retry(total=3),
    "no raise": with_retry(
        total=2, status_forcelist=[503], backoff_factor=1, raise_on_status=False
    ),
    "ignores retry-after": with_retry(
        total=2, status_forcelist=[503, 429], backoff_factor=1, respect_retry_after_header=False
    ),
    "off": with_retry(total=False),
    "status": with_retry(total=9, status=1, status_forcelist=[500, 503], backoff_factor=0.1),
    "read off": with_retry(total=3, read=False),
    "any method": with_retry(total=2, allowed_methods=None, status_forcelist=[500]),
}

FORCELIST = (500, 502, 503, 504, 520, 521, 522, 524)
SCRIPTS = {
    **{str(status): [(status, {})] for status in (*FORCELIST, 200, 408, 418, 429, 501)},
    "429 retry-after": [(429, {"Retry-After": "7"}), (200, {})],
    "429 for ever": [(429, {"Retry-After": "2"})],
    "503 retry-after": [(503, {"Retry-After": "3"}), (503, {}), (200, {})],
    "413 retry-after 0": [(413, {"Retry-After": "0"}), (200, {})],
    "408 retry-after": [(408, {"Retry-After": "1"}), (200, {})],
    "418 retry-after": [(418, {"Retry-After": "1"}), (200, {})],
    "bad retry-after": [(503, {"Retry-After": "soon"})],
    "recovers": [(500, {}), (502, {}), (504, {}), (200, {})],
    "disconnect": ["disconnect"],
    "disconnect once": ["disconnect", (200, {})],
    "mixed": [(503, {}), "disconnect", (503, {}), (200, {})],
}


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("maker", MAKERS)
def test_like_a_real_server(maker, script, method, endpoint):
    steps, make = SCRIPTS[script], MAKERS[maker]
    expected = real(steps, make, method)
    assert fake(steps, make, method, endpoint) == expected


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("maker", ["client", "plain", "number", "off"])
def test_read_timeout_like_a_real_server(maker, method, endpoint):
    # Nine hanging connections at 20 ms each: the only real waiting here.
    expected = real(["timeout"], MAKERS[maker], method, timeout=(5, 0.02))
    calls, pauses, end = fake(["timeout"], MAKERS[maker], method, endpoint, timeout=(5, 0.02))
    assert (calls, [pause for pause in pauses if pause != 0.02], end) == expected
    assert pauses.count(0.02) == calls  # each try takes as long as the client waits for it


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("maker", ["client", "plain", "number", "off"])
def test_refused_like_a_real_closed_port(maker, method, endpoint):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound, but nobody listens
        base = f"http://127.0.0.1:{closed.getsockname()[1]}"
        pauses = []
        fake_time = types.SimpleNamespace(sleep=pauses.append)
        with pytest.MonkeyPatch.context() as patch, MAKERS[maker](base) as session:
            patch.setattr(urllib3.util.retry, "time", fake_time)
            expected = pauses, outcome(session, _url(session, base), method)
    assert fake(["refused"], MAKERS[maker], method, endpoint)[1:] == expected


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("status", [408, 418, 429, 503])
@pytest.mark.parametrize("seconds", [7, 0, -7])
@pytest.mark.parametrize("maker", ["client", "number", "ignores retry-after"])
def test_date_to_try_again_at_like_a_real_server(maker, seconds, status, method, endpoint):
    # The date is one by the clock of whoever is asked.
    def steps(now):
        date = email.utils.formatdate(int(now) + seconds, usegmt=True)
        return [(status, {"Retry-After": date}), (200, {})]

    now = 1_800_000_000.0
    expected = real(steps(now), MAKERS[maker], method, now=now)
    assert fake(steps(endpoint.clock.time()), MAKERS[maker], method, endpoint) == expected


def test_the_back_off_of_the_client_costs_no_time(endpoint):
    calls, pauses, end = fake([(503, {})], RetrySession, "GET", endpoint)
    assert calls == 6
    assert pauses == [1, 2, 4, 8]
    assert endpoint.clock.skipped == 15
    assert end[0] == "RequestsApiError"


def test_each_try_carries_the_body(endpoint):
    endpoint.script = [Response(500), Response(200)]
    with RequestsInterception(endpoint), RetrySession(IBM) as session:
        session.post("/jobs", data=(piece for piece in (b"a", b"b")))
    assert [request.body for request in endpoint.seen] == [b"ab", b"ab"]
