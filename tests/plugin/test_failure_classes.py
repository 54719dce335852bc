"""How tools of this kind have failed their users; each is a test that we do not."""

from __future__ import annotations

import importlib
import inspect
import os
import pickle
import pkgutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from qiskit_ibm_runtime import QiskitRuntimeService
from qiskit_ibm_runtime.api.session import RetrySession

import pytest_qiskit_fakeruntime as package
from pytest_qiskit_fakeruntime import FakeRuntime, NetworkBlocked, Outcome, Task, faults
from tests import leaks

VERSIONS = "https://quantum.cloud.ibm.com/api/v1/versions"
PARAMS: dict[str, Any] = {"pubs": [], "version": 2}
"""Without a version, old clients take the job for one of a V1 primitive, which is deprecated."""


def run(pytester: pytest.Pytester, code: str, **outcomes: int) -> pytest.RunResult:
    pytester.makepyfile(code)
    result = pytester.runpytest("-p", "no:randomly", "-p", "no:asyncio")
    result.assert_outcomes(**outcomes)
    return result


class Instantly:
    def check(self, task: Task) -> float:
        return 1.0

    def run(self, task: Task) -> Outcome:
        return Outcome("{}", 1.0)


def submit(fake: FakeRuntime) -> Any:
    service = fake.service()
    return service._run("sampler", PARAMS, {"backend": service.backend("fake_manila")})


def test_01_patches_are_undone_after_an_error_in_set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    from pytest_qiskit_fakeruntime.intercept import requests as interception

    def fails(self: Any) -> None:
        raise RuntimeError("half-way")

    fake = FakeRuntime("fake_manila")
    before = leaks.take()
    with monkeypatch.context() as patch:
        patch.setattr(interception.RequestsInterception, "start", fails)
        with pytest.raises(RuntimeError, match="half-way"):
            fake.start()
    assert leaks.differences(before, leaks.take()) == []
    with fake:
        assert fake.service()


def test_02_nested_mocks() -> None:
    with FakeRuntime("fake_manila"), FakeRuntime("fake_lima"), FakeRuntime("fake_quito") as inner:
        assert [backend.name for backend in inner.service().backends()] == ["fake_quito"]


def test_03_mock_started_after_the_client_s_objects_exist() -> None:
    plain, retrying = requests.Session(), RetrySession(base_url="https://quantum.cloud.ibm.com")
    with FakeRuntime("fake_manila"):
        assert plain.get(VERSIONS).json()["versions"]
        assert retrying.get("/api/v1/versions").json()["versions"]
    plain.close()


def test_04_sessions_that_outlive_the_mock() -> None:
    session = requests.Session()
    before = dict(vars(session))
    with FakeRuntime("fake_manila"):
        session.get(VERSIONS)
    assert "get_adapter" not in vars(session)
    assert vars(session).keys() == before.keys()
    with pytest.raises(AssertionError, match="is looked up"):  # the guard of our own suite
        session.get(VERSIONS)
    session.close()


def test_05_thread_races() -> None:
    with FakeRuntime("fake_manila", executor=Instantly()) as fake:
        jobs: list[str] = []
        threads = [
            threading.Thread(target=lambda: jobs.extend(submit(fake).job_id() for _ in range(5)))
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(set(jobs)) == len(fake.jobs) == 40


def test_06_global_lock() -> None:
    inside, answered = threading.Event(), threading.Event()

    class Waits(Instantly):
        def run(self, task: Task) -> Outcome:
            inside.set()
            if not answered.wait(30):
                raise TimeoutError("the other request waited for this job")
            return super().run(task)

    with FakeRuntime("fake_manila", executor=Waits()) as fake:
        worker = threading.Thread(target=submit, args=(fake,))
        worker.start()
        assert inside.wait(30)
        assert requests.get(VERSIONS).ok
        answered.set()
        worker.join()
        assert fake.jobs.last.status == "Completed"


def test_07_real_requests_do_not_escape(pytester: pytest.Pytester) -> None:
    run(
        pytester,
        """
        import pytest, requests

        @pytest.mark.fake_runtime(allow_unmatched=True)
        @pytest.mark.parametrize("host", ["quantum.cloud.ibm.com", "eu-de.quantum.cloud.ibm.com",
            "private.us-east.quantum.test.cloud.ibm.com", "us-south.something.cloud.ibm.com",
            "auth.quantum-computing.ibm.com", "QUANTUM.CLOUD.IBM.COM"])
        def test_it(fake_runtime, host):
            with pytest.raises(requests.ConnectionError, match="was not sent"):
                requests.get(f"https://{host}/nothing")
        """,
        passed=6,
    )


def test_08_look_ups_do_not_escape() -> None:
    fake = FakeRuntime("fake_manila").start()
    try:
        with pytest.raises(NetworkBlocked):
            socket.getaddrinfo("iam.cloud.ibm.com", 443)
    finally:
        fake.stop()


@pytest.mark.parametrize("number", range(5))
def test_09_and_11_state_is_not_shared_between_tests(number: int) -> None:
    with FakeRuntime("fake_manila", executor=Instantly()) as fake:
        submit(fake)
        assert len(fake.jobs) == len(fake.service().jobs()) == 1
        assert len(fake.sessions) == 0


def test_10_caches_do_not_carry_state_over() -> None:
    def t1(properties: dict[str, Any]) -> None:
        properties["qubits"][0][0]["value"] = 1.0

    with FakeRuntime("fake_manila") as fake:
        fake.backends["fake_manila"].calibrate(t1)
        fake.backends["fake_manila"].queue_length = 9
        assert fake.service().backend("fake_manila").properties().t1(0) == pytest.approx(1e-6)
    with FakeRuntime("fake_manila") as fake:
        assert fake.service().backend("fake_manila").properties().t1(0) > 1e-5
        assert fake.backends["fake_manila"].queue_length == 0


UNPICKLED = {"Refusal", "Lacking", "UnmatchedRequestError"}
"""They never leave the endpoint, or are made with a library's request (see tests/intercept)."""


def errors_of_the_package() -> Iterator[type[BaseException]]:
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        for thing in vars(importlib.import_module(module.name)).values():
            ours = inspect.isclass(thing) and thing.__module__ == module.name
            if ours and issubclass(thing, Exception) and thing.__name__ not in UNPICKLED:
                yield thing


ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "IllegalTransition": ("job", "Failed", "start"),
    "InvalidCRN": ("x",),
    "JobStuck": ("d0", "it is held"),
    "JobFailed": (1517, "why", "what"),
    "NetworkBlocked": ("host", True),
    "NoResponse": ("refused",),
    "Problem": (1, "why", "what", 404),
    "Rejected": (1208, "why", "what", 404),
    "UnknownDevice": ("fake_x", ["fake_y"]),
    "UnmatchedRequest": ("GET", "https://x", "list_jobs"),
}


@pytest.mark.parametrize("kind", list(errors_of_the_package()), ids=lambda kind: kind.__name__)
def test_12_every_exception_survives_pickling(kind: type[Exception]) -> None:
    error = kind(*ARGUMENTS.get(kind.__name__, ("message",)))

    again = pickle.loads(pickle.dumps(error))

    assert type(again) is kind
    assert str(again) == str(error)
    assert vars(again) == vars(error)


def test_13_assertion_at_tear_down_does_not_hide_the_test_s_own(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
        from pytest_qiskit_fakeruntime import faults

        def test_it(fake_runtime):
            fake_runtime.inject(faults.outage())
            raise ValueError("the test's own")
        """,
        failed=1,
    )
    result.stdout.fnmatch_lines(["*ValueError: the test's own*"])
    result.stdout.no_fnmatch_line("*never came to pass*")


def test_14_except_exception_does_not_hide_our_error(pytester: pytest.Pytester) -> None:
    run(
        pytester,
        """
        import requests

        def test_it(fake_runtime):
            try:
                requests.get("https://quantum.cloud.ibm.com/api/v1/nothing")
            except Exception:
                pass
        """,
        passed=1,
        errors=1,
    )


def test_15_no_ports() -> None:
    before = leaks.take()["open files"]
    with FakeRuntime("fake_manila") as fake:
        fake.service()
        sockets = [
            target
            for entry in Path("/proc/self/fd").glob("*")
            if (target := _target(entry)).startswith("socket:")
        ]
        with FakeRuntime("fake_lima") as other:
            other.service()
            again = [
                target
                for entry in Path("/proc/self/fd").glob("*")
                if (target := _target(entry)).startswith("socket:")
            ]
    assert sockets == again
    assert leaks.take()["open files"] <= before


def _target(entry: Path) -> str:
    try:
        return os.readlink(entry)
    except OSError:
        return ""


def test_16_no_files_in_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with FakeRuntime("fake_manila"):
        QiskitRuntimeService.save_account(token="t", channel="ibm_quantum_platform")
        assert QiskitRuntimeService.saved_accounts()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.loopback
def test_17_reporters_are_not_blocked(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import http.server, threading
        import requests

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *args):
                pass

        SERVER = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        THREAD = threading.Thread(target=SERVER.serve_forever, daemon=True)
        THREAD.start()

        def pytest_runtest_logreport(report):
            url = f"http://127.0.0.1:{SERVER.server_port}/report"
            assert requests.post(url, json={"outcome": report.outcome}).status_code == 204
            print("REPORTED", report.when)

        def pytest_unconfigure():
            SERVER.shutdown()
            SERVER.server_close()
            THREAD.join()
        """
    )
    pytester.makepyfile(
        "def test_it(fake_runtime_service): assert fake_runtime_service.jobs() == []"
    )
    result = pytester.runpytest("-p", "no:randomly", "-p", "no:asyncio", "-s")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*REPORTED call*"])


def test_18_variables_that_were_unset_are_unset_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("QISKIT_IBM_TOKEN", raising=False)
    monkeypatch.setenv("QISKIT_IBM_INSTANCE", "mine")
    with FakeRuntime("fake_manila"):
        assert os.environ["QISKIT_IBM_TOKEN"]
    assert "QISKIT_IBM_TOKEN" not in os.environ
    assert os.environ["QISKIT_IBM_INSTANCE"] == "mine"


def test_19_nothing_is_used_up_by_an_earlier_run() -> None:
    @FakeRuntime("fake_manila", executor=Instantly())
    def test() -> int:
        service = QiskitRuntimeService()
        service._run("sampler", PARAMS, {"backend": service.backend("fake_manila")})
        return len(service.jobs())

    assert [test(), test(), test()] == [1, 1, 1]

    fault = faults.http_error(404)
    for _ in range(2):
        with FakeRuntime("fake_manila") as fake:
            fake.inject(fault, on="list_jobs")
            with pytest.raises(Exception, match="404"):
                fake.service().jobs()
