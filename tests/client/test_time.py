"""Waiting costs no time, whoever waits, and whatever else plays with time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import freezegun
import pytest
import time_machine
from qiskit_ibm_runtime import Session
from qiskit_ibm_runtime.exceptions import IBMRuntimeError, RuntimeJobTimeoutError

from pytest_qiskit_fakeruntime import FakeRuntime, faults

from .conftest import Lab, submit

pytestmark = pytest.mark.fake_backend("fake_manila")

JOB: dict[str, Any] = {
    "program_id": "sampler",
    "backend_name": "fake_manila",
    "params": {},
    "image": None,
    "log_level": None,
    "session_id": None,
}
NEW_YEAR = datetime(2026, 1, 1, tzinfo=timezone.utc)


@pytest.fixture(autouse=True)
def no_real_sleep(request: pytest.FixtureRequest) -> Iterator[None]:
    """Nobody in the process sleeps for real."""

    def sleep(seconds: float) -> None:
        raise AssertionError(f"somebody sleeps for {seconds} s")

    mark = request.node.get_closest_marker("fake_runtime")
    with pytest.MonkeyPatch.context() as patch:
        if mark is None or mark.kwargs.get("sleep") != "virtual":
            patch.setattr(time, "sleep", sleep)
        # What the two libraries leave behind themselves.
        patch.setattr(time, "tzname", time.tzname)
        patch.setattr(time, "clock", None, raising=False)
        yield


@pytest.fixture
def lab(fake_runtime: FakeRuntime) -> Lab:
    fake_runtime.world.executor = executor = Lab()
    return executor


@pytest.fixture
def service(fake_runtime: FakeRuntime, lab: Lab) -> Any:
    return fake_runtime.service()


@pytest.mark.fake_runtime(plan="premium")
def test_a_thousand_polls_a_hundred_jobs_and_three_hours_of_a_session(
    fake_runtime: FakeRuntime, service: Any, lab: Lab
) -> None:
    backend = service.backend("fake_manila")
    client = service._active_api_client
    began = time.thread_time()  # the machine may be busy with other things

    fake_runtime.inject(faults.stays("QUEUED"))
    stuck = submit(service)
    with pytest.raises(RuntimeJobTimeoutError):
        stuck.result(timeout=510)  # every half a second

    fake_runtime.inject(faults.queue(seconds=90), times=100)
    jobs = [client.program_run(**JOB)["id"] for _ in range(100)]
    fake_runtime.clock.advance(90)
    assert client.job_get(jobs[-1])["state"]["status"] == "Completed"

    session = Session(backend=backend, max_time="3h")
    session._run("sampler", {})
    fake_runtime.clock.advance(3 * 3600)
    assert session.status() == "Closed"

    took = time.thread_time() - began
    polls = len(fake_runtime.calls["get_job"])
    assert polls >= 1000
    assert lab.ran[:100] == jobs
    print(f"{took:.3f} s")  # noqa: T201  shown with -s
    # 0.7 to 1.1 s, of which 0.8 are requests and the client themselves. Old clients poll every
    # tenth of a second: they are allowed as much per poll.
    assert took < 2.0 * max(1.0, polls / 1200)


@pytest.mark.parametrize("tick", [False, True])
def test_time_machine(tick: bool) -> None:
    with time_machine.travel(NEW_YEAR, tick=tick):
        _everything_that_waits()


def test_freezegun() -> None:
    with freezegun.freeze_time(NEW_YEAR):
        _everything_that_waits()


@pytest.mark.parametrize(
    "freeze",
    [
        lambda: freezegun.freeze_time(NEW_YEAR),
        lambda: time_machine.travel(NEW_YEAR, tick=False),
    ],
    ids=["freezegun", "time-machine"],
)
def test_time_is_frozen_while_a_fake_runs(
    fake_runtime: FakeRuntime, service: Any, freeze: Any
) -> None:
    service.jobs()
    with freeze():
        assert service.jobs() == []
        assert submit(fake_runtime.service()).result() == {}
        assert fake_runtime.jobs.last.created == NEW_YEAR
    assert service.jobs() != []


def _everything_that_waits() -> None:
    """Polling, back-off, tokens that expire, tokens that are refused: none of it hangs."""
    with FakeRuntime("fake_manila", executor=Lab()) as fake:
        service = fake.service()
        fake.inject(faults.queue(seconds=90))
        assert submit(service).result() == {}
        fake.inject(faults.stays())
        with pytest.raises(RuntimeJobTimeoutError):
            submit(service).result(timeout=600)
        fake.inject(faults.http_error(503), on="list_jobs", times=3)
        assert len(service.jobs()) == 2
        assert abs(fake.clock.now - NEW_YEAR) < timedelta(hours=1)

        tokens = len(fake.calls["get_token"])
        fake.clock.advance(2 * 3600)
        assert len(service.jobs()) == 2
        assert len(fake.calls["get_token"]) > tokens

        fake.clock.advance(2 * 3600)
        refused = fake.inject(faults.invalid_api_key(), times=None)
        for _ in range(2):  # the second time, the SDK waits for a minute
            with pytest.warns(UserWarning, match="API Key will be used instead"):
                service.jobs()
        fake.world.faults.remove(refused)
        assert len(service.jobs()) == 2


def test_token_expires_by_the_clock(fake_runtime: FakeRuntime, service: Any) -> None:
    tokens = len(fake_runtime.calls["get_token"])
    for _ in range(10):
        fake_runtime.clock.advance(1800)
        service.jobs()

    assert 4 <= len(fake_runtime.calls["get_token"]) - tokens <= 10
    assert all(call.status == 200 for call in fake_runtime.calls["list_jobs"])


def test_time_sleep_of_the_user_is_left_alone(fake_runtime: FakeRuntime) -> None:
    skipped = fake_runtime.clock.skipped

    with pytest.raises(AssertionError, match="somebody sleeps"):
        time.sleep(60)
    assert fake_runtime.clock.skipped == skipped


@pytest.mark.fake_runtime(sleep="virtual")
def test_time_sleep_of_the_user_is_virtual_if_asked(
    fake_runtime: FakeRuntime, service: Any
) -> None:
    fake_runtime.inject(faults.queue(seconds=3600))
    job = submit(service)
    began, begun, now = time.time(), time.monotonic(), fake_runtime.clock.now

    while not job.in_final_state() and time.time() - began < 7200:
        time.sleep(600)

    assert job.status() == "DONE"
    assert time.time() - began == pytest.approx(3600, abs=5)
    assert time.monotonic() - begun == pytest.approx(3600, abs=5)
    assert (fake_runtime.clock.now - now).total_seconds() == pytest.approx(3600, abs=5)


def test_sleep_of_the_user_is_real_unless_asked() -> None:
    real = time.sleep, time.time, time.monotonic
    with FakeRuntime("fake_manila"):
        assert (time.sleep, time.time, time.monotonic) == real


def test_virtual_sleep_begins_anew_with_each_start() -> None:
    fake = FakeRuntime("fake_manila", sleep="virtual")
    with fake:
        time.sleep(1e6)
    real = time.time(), time.monotonic()
    with fake:
        assert time.time() == pytest.approx(real[0], abs=60)
        assert time.monotonic() == pytest.approx(real[1], abs=60)


def test_virtual_sleep_ends_with_the_fake() -> None:
    real = time.sleep, time.time, time.monotonic
    with FakeRuntime("fake_manila", sleep="virtual"), FakeRuntime(sleep="virtual") as inner:
        time.sleep(1e6)
        assert inner.clock.skipped >= 1e6
    assert (time.sleep, time.time, time.monotonic) == real


@pytest.mark.fake_runtime(plan="premium")
def test_session_expires_in_the_middle_of_a_loop(fake_runtime: FakeRuntime, service: Any) -> None:
    session, opened = Session(backend=service.backend("fake_manila"), max_time="1h"), 1
    for _ in range(6):
        try:
            session._run("sampler", {})
        except IBMRuntimeError:
            session, opened = Session(backend=service.backend("fake_manila"), max_time="1h"), 2
            session._run("sampler", {})
        fake_runtime.clock.advance(900)

    assert opened == 2
    assert len(fake_runtime.jobs) == 6
