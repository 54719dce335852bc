"""Queues and job control, through the client."""

from __future__ import annotations

import itertools
import pickle
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from qiskit_ibm_runtime import Batch
from qiskit_ibm_runtime.exceptions import (
    RuntimeInvalidStateError,
    RuntimeJobFailureError,
    RuntimeJobMaxTimeoutError,
    RuntimeJobTimeoutError,
)

from pytest_qiskit_fakeruntime import FakeRuntime, UsageError, faults
from pytest_qiskit_fakeruntime.errors import JobStuck
from pytest_qiskit_fakeruntime.world import dispatch

from ..capabilities import USAGE_HAS_STATUS
from .conftest import Lab, submit, watch

pytestmark = pytest.mark.fake_backend("fake_manila", "fake_lima")


@pytest.fixture
def lab(fake_runtime: FakeRuntime) -> Lab:
    fake_runtime.world.executor = executor = Lab()
    return executor


@pytest.fixture
def service(fake_runtime: FakeRuntime, lab: Lab) -> Any:
    return fake_runtime.service()


# ---- progression -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("polls", "seen"), [((0, 0), "DDDD"), ((2, 1), "QQRD"), ((0, 2), "RRDD"), ((3, 0), "QQQD")]
)
def test_polls(fake_runtime: FakeRuntime, polls: tuple[int, int], seen: str) -> None:
    with FakeRuntime("fake_manila", polls=polls, executor=Lab()) as fake:
        assert watch(submit(fake.service()), 4) == seen


@pytest.mark.fake_runtime(polls=(2, 1))
def test_other_requests_do_not_count_as_polls(service: Any) -> None:
    job = submit(service)
    for _ in range(5):
        service.usage()
        service.backend("fake_manila").status()
        job.metrics()

    assert watch(job, 4) == "QQRD"


@pytest.mark.fake_runtime(polls=(2, 1))
def test_several_jobs_run_one_after_the_other(service: Any) -> None:
    jobs = [submit(service) for _ in range(3)]

    rounds = ["".join(job.status()[0] for job in jobs) for _ in range(4)]

    # The second job starts as soon as somebody has seen the first one run.
    assert rounds == ["QQQ", "QQQ", "RRR", "DDD"]
    timestamps = [job.metrics()["timestamps"] for job in jobs]
    for before, after in itertools.pairwise(timestamps):
        assert before["running"] < before["finished"] <= after["running"]


@pytest.mark.fake_runtime(polls=(2, 1))
def test_last_job_can_be_waited_for_first(service: Any) -> None:
    jobs = [submit(service) for _ in range(3)]

    jobs[2].wait_for_final_state()

    assert watch(jobs[2], 1) + watch(jobs[0], 1) + watch(jobs[1], 1) == "DDD"


@pytest.mark.fake_runtime(polls=(1, 1))
def test_lists_are_polls_too(service: Any) -> None:
    submit(service)

    pending = [len(service.jobs(pending=True)) for _ in range(4)]

    assert pending == [1, 1, 0, 0]


@pytest.mark.fake_runtime(seconds=(90, 10))
def test_seconds(fake_runtime: FakeRuntime, service: Any) -> None:
    job = submit(service)

    assert watch(job, 2) == "QQ"
    fake_runtime.clock.advance(90)
    assert watch(job, 2) == "RR"
    fake_runtime.clock.advance(10)
    assert watch(job, 2) == "DD"


@pytest.mark.fake_runtime(seconds=(90, 10))
def test_moments_are_those_at_which_things_happened(
    fake_runtime: FakeRuntime, service: Any
) -> None:
    jobs = [submit(service), submit(service), submit(service, "fake_lima")]
    fake_runtime.clock.advance(24 * 3600)

    first, second, elsewhere = (fake_runtime.jobs[job.job_id()] for job in jobs)

    assert first.running_at - first.created == timedelta(seconds=90)
    assert first.finished_at - first.running_at == timedelta(seconds=10)
    assert second.running_at == first.finished_at
    assert elsewhere.running_at - elsewhere.created == timedelta(seconds=90)
    assert (
        jobs[0]
        .metrics()["timestamps"]["running"]
        .startswith(f"{first.running_at:%Y-%m-%dT%H:%M:%S}")
    )


def test_queue_of_one_job_keeps_the_next_ones_waiting(
    fake_runtime: FakeRuntime, service: Any, lab: Lab
) -> None:
    fake_runtime.inject(faults.queue(seconds=60))
    first, second, elsewhere = submit(service), submit(service), submit(service, "fake_lima")

    assert watch(first, 1) + watch(second, 1) + watch(elsewhere, 1) == "QQD"
    assert service.backend("fake_manila").status().pending_jobs == 2
    assert service.backend("fake_lima").status().pending_jobs == 0
    second.result()
    assert lab.ran == [job.job_id() for job in (elsewhere, first, second)]
    assert service.backend("fake_manila").status().pending_jobs == 0


@pytest.mark.fake_backend("fake_manila", queue_length=2)
@pytest.mark.fake_runtime(hold=True)
def test_least_busy_follows_our_own_queue(fake_runtime: FakeRuntime, service: Any) -> None:
    assert service.least_busy().name == "fake_lima"
    for _ in range(3):
        submit(service, "fake_lima")

    assert fake_runtime.service().least_busy().name == "fake_manila"
    fake_runtime.jobs.release()
    assert fake_runtime.service().least_busy().name == "fake_lima"


def test_jobs_of_an_active_session_go_first(
    fake_runtime: FakeRuntime, service: Any, lab: Lab
) -> None:
    backend = service.backend("fake_manila")
    batch = Batch(backend=backend)
    batch._run("sampler", {})
    lab.ran.clear()
    fake_runtime.inject(faults.queue(seconds=60), times=3)
    outside, inside, later = submit(service), batch._run("sampler", {}), submit(service)

    fake_runtime.clock.advance(60)
    service.usage()

    assert lab.ran == [job.job_id() for job in (inside, outside, later)]


def test_device_that_pauses_keeps_its_jobs(fake_runtime: FakeRuntime, service: Any) -> None:
    fake_runtime.backends["fake_lima"].status = "paused"
    with pytest.warns(UserWarning, match="paused"):
        job = submit(service, "fake_lima")

    assert watch(job, 3) == "QQQ"
    fake_runtime.clock.advance(3600)
    assert watch(job, 1) == "Q"
    fake_runtime.backends["fake_lima"].status = "online"
    assert watch(job, 1) == "D"
    assert job.metrics()["timestamps"]["running"] > job.metrics()["timestamps"]["created"]


def test_device_that_is_retired_fails_its_jobs(fake_runtime: FakeRuntime, service: Any) -> None:
    fake_runtime.jobs.hold()
    job = submit(service, "fake_lima")
    fake_runtime.backends.remove("fake_lima")
    fake_runtime.jobs.release()

    with pytest.raises(RuntimeJobFailureError, match="1004"):
        job.result()


# ---- by hand ---------------------------------------------------------------------------


def test_job_is_started_and_finished_by_hand(
    fake_runtime: FakeRuntime, service: Any, lab: Lab
) -> None:
    fake_runtime.jobs.hold()
    job = submit(service)

    assert (watch(job, 3), lab.ran) == ("QQQ", [])
    fake_runtime.jobs.last.start()
    assert (watch(job, 3), lab.ran) == ("RRR", [job.job_id()])
    told = job.metrics()["usage"].get("status")
    assert told == ("pending" if USAGE_HAS_STATUS else None)
    fake_runtime.jobs.last.finish()
    assert (job.status(), job.result(), lab.ran) == ("DONE", {}, [job.job_id()])


@pytest.mark.parametrize("way", ["finish", "release"])
def test_time_of_the_simulation_does_not_delay_what_is_done_by_hand(
    fake_runtime: FakeRuntime, service: Any, lab: Lab, way: str
) -> None:
    run = lab.run
    lab.run = lambda task: (fake_runtime.clock.advance(5), run(task))[1]  # type: ignore[method-assign]
    fake_runtime.jobs.hold()
    job = submit(service)
    fake_runtime.jobs.last.start()

    fake_runtime.jobs.release() if way == "release" else fake_runtime.jobs.last.finish()

    assert job.status() == "DONE"


def test_queued_job_is_finished_at_once(fake_runtime: FakeRuntime, service: Any, lab: Lab) -> None:
    fake_runtime.jobs.hold()
    job = submit(service)

    fake_runtime.jobs.last.finish()

    assert (job.status(), lab.ran) == ("DONE", [job.job_id()])


@pytest.mark.parametrize("running", [False, True])
def test_job_fails_by_hand(fake_runtime: FakeRuntime, service: Any, running: bool) -> None:
    fake_runtime.jobs.hold()
    job = submit(service)
    if running:
        fake_runtime.jobs.last.start()

    fake_runtime.jobs.last.fail("The fridge is warm.", 5203)

    with pytest.raises(RuntimeJobFailureError, match="Error code 5203; The fridge is warm"):
        job.result()
    assert job.usage() == 0


def test_job_is_cancelled_by_hand(fake_runtime: FakeRuntime, service: Any, lab: Lab) -> None:
    fake_runtime.jobs.hold()
    job = submit(service)

    fake_runtime.jobs.last.cancel()

    assert (job.status(), lab.ran) == ("CANCELLED", [])
    with pytest.raises(RuntimeInvalidStateError, match="Job was cancelled"):
        job.result()


@pytest.mark.parametrize("action", ["start", "finish", "fail", "cancel"])
def test_job_that_has_ended_is_left_alone(
    fake_runtime: FakeRuntime, service: Any, action: str
) -> None:
    submit(service)

    with pytest.raises(UsageError, match="a job that is Completed cannot"):
        getattr(fake_runtime.jobs.last, action)()
    assert fake_runtime.jobs.last.status == "Completed"


def test_running_job_is_not_started_again(
    fake_runtime: FakeRuntime, service: Any, lab: Lab
) -> None:
    fake_runtime.jobs.hold()
    submit(service)
    fake_runtime.jobs.last.start()

    with pytest.raises(UsageError, match="a job that is Running cannot start"):
        fake_runtime.jobs.last.start()
    assert len(lab.ran) == 1


def test_held_jobs_are_released_in_order(fake_runtime: FakeRuntime, service: Any, lab: Lab) -> None:
    fake_runtime.jobs.hold()
    ids = [submit(service).job_id() for _ in range(5)]

    fake_runtime.jobs.release()

    assert lab.ran == ids
    assert watch(submit(service), 1) == "D"


@pytest.mark.fake_runtime(polls=(1, 1))
def test_released_job_progresses_as_the_run_has_it(fake_runtime: FakeRuntime, service: Any) -> None:
    fake_runtime.jobs.hold()
    job = submit(service)
    assert watch(job, 3) == "QQQ"

    fake_runtime.jobs.release()

    assert watch(job, 3) == "RDD"  # it has been seen in the queue already
    assert watch(submit(service), 3) == "QRD"


def test_cancelled_job_never_runs(fake_runtime: FakeRuntime, service: Any, lab: Lab) -> None:
    fake_runtime.jobs.hold()
    job, other = submit(service), submit(service)

    job.cancel()
    fake_runtime.jobs.release()

    assert lab.ran == [other.job_id()]
    assert service.job(job.job_id()).status() == "CANCELLED"
    assert service.job(job.job_id()).metrics()["timestamps"]["running"] is None
    assert job.usage() == 0
    with pytest.raises(RuntimeInvalidStateError, match="cannot be cancelled"):
        job.cancel()


def test_running_job_that_is_cancelled_is_charged_for_its_time(
    fake_runtime: FakeRuntime, service: Any
) -> None:
    fake_runtime.jobs.hold()
    job = submit(service)
    fake_runtime.jobs.last.start()
    fake_runtime.clock.advance(1)
    job.cancel()

    assert job.usage() == pytest.approx(1, abs=0.5)
    assert fake_runtime.usage == pytest.approx(1, abs=0.5)


def test_job_is_executed_once_whoever_looks(
    fake_runtime: FakeRuntime, service: Any, lab: Lab
) -> None:
    fake_runtime.inject(faults.queue(seconds=60), times=10)
    jobs = [submit(service) for _ in range(10)]
    fake_runtime.clock.advance(60)

    with ThreadPoolExecutor(8) as pool:
        ends = list(pool.map(lambda job: job.result(), jobs * 4))

    assert ends == [{}] * 40
    assert sorted(lab.ran) == sorted(job.job_id() for job in jobs)


# ---- time limits -----------------------------------------------------------------------


def test_job_that_exceeds_its_own_limit(service: Any, lab: Lab) -> None:
    lab.seconds = 50.0
    job = submit(service, max_execution_time=30)

    with pytest.raises(RuntimeJobMaxTimeoutError, match="longer than its maximum execution time"):
        job.result()
    assert "ran longer than maximum execution time" in job.error_message()
    assert job.usage() == 30


@pytest.mark.fake_runtime(seconds=(0, 3600))
def test_job_that_exceeds_the_limit_of_the_plan(fake_runtime: FakeRuntime, service: Any) -> None:
    job = submit(service)
    fake_runtime.clock.advance(599)
    assert job.status() == "RUNNING"
    fake_runtime.clock.advance(1)

    assert job.status() == "ERROR"
    ended = fake_runtime.jobs.last
    assert (ended.reason_code, ended.qpu_seconds) == (1305, 600)
    assert ended.finished_at - ended.running_at == timedelta(seconds=600)


# ---- waiting ---------------------------------------------------------------------------


def test_stuck_job_times_out_at_once(fake_runtime: FakeRuntime, service: Any) -> None:
    fake_runtime.inject(faults.stays("QUEUED"))
    job = submit(service)
    began, before = time.monotonic(), fake_runtime.clock.time()

    with pytest.raises(RuntimeJobTimeoutError, match="600"):
        job.result(timeout=600)

    assert fake_runtime.clock.time() - before == pytest.approx(600, abs=2)
    assert time.monotonic() - began < 30  # on a busy machine, too


def test_job_that_ends_after_the_timeout_can_be_had_later(
    fake_runtime: FakeRuntime, service: Any
) -> None:
    fake_runtime.inject(faults.queue(seconds=700))
    job = submit(service)

    with pytest.raises(RuntimeJobTimeoutError):
        job.result(timeout=600)
    assert job.result(timeout=600) == {}


@pytest.mark.parametrize("why", ["held", "usage limit", "not running"])
def test_client_that_would_wait_for_ever_is_stopped(
    fake_runtime: FakeRuntime, service: Any, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "STUCK_POLLS", 100)
    fake_runtime.jobs.hold()
    job = submit(service)
    if why == "usage limit":
        fake_runtime.instances[fake_runtime.credentials["instance"]].use_up()
    if why == "not running":
        fake_runtime.backends["fake_manila"].status = "paused"
    if why != "held":
        fake_runtime.jobs.release()

    with pytest.raises(JobStuck, match=why) as error:
        job.result()

    assert str(pickle.loads(pickle.dumps(error.value))) == str(error.value)
