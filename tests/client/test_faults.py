"""Everything that goes wrong on the real service, through the client."""

from __future__ import annotations

import pickle
import time
from typing import Any

import pytest
import requests
from qiskit.providers.exceptions import QiskitBackendNotFoundError
from qiskit_ibm_runtime import Session
from qiskit_ibm_runtime.accounts.exceptions import InvalidAccountError
from qiskit_ibm_runtime.api.exceptions import RequestsApiError
from qiskit_ibm_runtime.exceptions import (
    IBMNotAuthorizedError,
    IBMRuntimeError,
    RuntimeInvalidStateError,
    RuntimeJobFailureError,
    RuntimeJobMaxTimeoutError,
    RuntimeJobTimeoutError,
)

from pytest_qiskit_fakeruntime import FakeRuntime, UsageError, faults
from pytest_qiskit_fakeruntime.world.world import Refusal

from .conftest import Lab, submit, usage_warning, watch

pytestmark = pytest.mark.fake_backend("fake_manila", "fake_lima")


@pytest.fixture
def lab(fake_runtime: FakeRuntime) -> Lab:
    fake_runtime.world.executor = executor = Lab()
    return executor


@pytest.fixture
def service(fake_runtime: FakeRuntime, lab: Lab) -> Any:
    return fake_runtime.service()


# ---- jobs ------------------------------------------------------------------------------


def test_job_fails(fake_runtime: FakeRuntime, service: Any, lab: Lab) -> None:
    fake_runtime.inject(faults.job_fails("The fridge is warm.", 5203))
    job = submit(service)

    with pytest.raises(RuntimeJobFailureError, match="Error code 5203; The fridge is warm"):
        job.result()
    assert lab.ran == []
    assert job.usage() == 0
    assert submit(service).status() == "DONE"


def test_job_runs_too_long(fake_runtime: FakeRuntime, service: Any) -> None:
    fake_runtime.inject(faults.job_runs_too_long())
    job = submit(service, max_execution_time=20)

    with pytest.raises(RuntimeJobMaxTimeoutError):
        job.result()
    assert job.usage() == 20


def test_job_is_cancelled(fake_runtime: FakeRuntime, service: Any) -> None:
    fake_runtime.inject(faults.job_is_cancelled())
    job = submit(service)

    with pytest.raises(RuntimeInvalidStateError, match="Job was cancelled"):
        job.result()


@pytest.mark.parametrize(
    ("status", "seen"), [("QUEUED", "QQQ"), ("running", "RRR"), ("Pondering", "PPP")]
)
def test_job_stays(fake_runtime: FakeRuntime, service: Any, status: str, seen: str) -> None:
    fake_runtime.inject(faults.stays(status))
    job = submit(service)

    assert watch(job, 3) == seen
    with pytest.raises(RuntimeJobTimeoutError):
        job.result(timeout=10)
    assert submit(service).status() == "DONE"  # it is in nobody's way


def test_faults_of_a_job_add_up(fake_runtime: FakeRuntime, service: Any, lab: Lab) -> None:
    fake_runtime.inject(faults.queue(polls=2))
    fake_runtime.inject(faults.job_fails())
    job = submit(service)

    assert watch(job, 3) == "QQE"


def test_fault_of_the_second_job_on_one_device(fake_runtime: FakeRuntime, service: Any) -> None:
    fake_runtime.inject(faults.job_fails(), after=1, when=lambda job: job.backend == "fake_lima")

    ends = [submit(service, name).status() for name in ("fake_lima", "fake_manila", "fake_lima")]

    assert ends == ["DONE", "DONE", "ERROR"]


def test_job_fault_is_not_used_up_by_a_job_that_is_refused(
    fake_runtime: FakeRuntime, service: Any
) -> None:
    fake_runtime.inject(faults.job_fails())
    fake_runtime.backends["fake_lima"].status = "offline"

    with pytest.raises(IBMRuntimeError, match="1004"):
        submit(service, "fake_lima")
    assert submit(service).status() == "ERROR"


def test_result_is_missing(fake_runtime: FakeRuntime, service: Any) -> None:
    fake_runtime.inject(faults.missing_result())

    assert submit(service).result() is None


def test_result_is_truncated(fake_runtime: FakeRuntime, service: Any) -> None:
    fake_runtime.inject(faults.truncated(1), on="get_job_results")

    assert submit(service).result() == "{"  # the client hands on what it cannot read


# ---- answers ---------------------------------------------------------------------------


def test_keyboard_interrupt_at_the_third_poll(fake_runtime: FakeRuntime, service: Any) -> None:
    fake_runtime.inject(faults.stays("QUEUED"))
    fake_runtime.inject(faults.raises(KeyboardInterrupt), on="get_job", after=2)
    job = submit(service)

    try:
        job.result()
    except KeyboardInterrupt:
        job.cancel()

    assert job.status() == "CANCELLED"
    assert len(fake_runtime.calls["get_job"]) == 3


def test_hook_is_called_and_the_request_is_answered(
    fake_runtime: FakeRuntime, service: Any
) -> None:
    fake_runtime.jobs.hold()
    job = submit(service)
    fake_runtime.inject(
        faults.hook(lambda request: fake_runtime.jobs.last.finish()), on="get_job", after=4
    )

    assert job.result() == {}
    assert len(fake_runtime.calls["get_job"]) == 5


def test_latency_moves_the_clock_only(fake_runtime: FakeRuntime, service: Any) -> None:
    fake_runtime.inject(faults.latency(30), on="list_jobs")
    began, skipped = time.monotonic(), fake_runtime.clock.skipped

    assert service.jobs() == []
    assert fake_runtime.clock.skipped - skipped == 30
    assert time.monotonic() - began < 5


def test_latency_goes_with_another_fault(fake_runtime: FakeRuntime, service: Any) -> None:
    fake_runtime.inject(faults.latency(30), on="list_jobs")
    fake_runtime.inject(faults.http_error(404), on="list_jobs")
    skipped = fake_runtime.clock.skipped

    with pytest.raises(RequestsApiError, match="404"):
        service.jobs()
    assert fake_runtime.clock.skipped - skipped == 30
    assert fake_runtime.calls["list_jobs"][0].fault == "latency(30), http_error(404)"


def test_answer_that_comes_too_late(fake_runtime: FakeRuntime, service: Any) -> None:
    fake_runtime.inject(faults.latency(1000), on="create_job")
    skipped = fake_runtime.clock.skipped

    with pytest.raises(IBMRuntimeError, match="Read timed out"):
        submit(service)

    assert fake_runtime.clock.skipped - skipped == 900
    assert len(fake_runtime.jobs) == 1  # it was submitted all the same: mind the second try


def test_timeout_takes_as_long_as_the_client_waits(fake_runtime: FakeRuntime) -> None:
    fake_runtime.inject(faults.timeout(), on="get_versions")
    skipped = fake_runtime.clock.skipped

    with pytest.raises(requests.ReadTimeout):
        requests.get("https://quantum.cloud.ibm.com/api/v1/versions", timeout=7)
    assert fake_runtime.clock.skipped - skipped == 7


@pytest.mark.parametrize(("delay", "skipped"), [(3, 3), (9, 5)])
def test_latency_over_httpx(fake_runtime: FakeRuntime, delay: float, skipped: float) -> None:
    import httpx

    fake_runtime.inject(faults.latency(delay), on="get_versions")
    before = fake_runtime.clock.skipped

    try:
        httpx.get("https://quantum.cloud.ibm.com/api/v1/versions", timeout=5)
    except httpx.ReadTimeout:
        assert delay > 5
    assert fake_runtime.clock.skipped - before == skipped


@pytest.mark.parametrize("fault", [faults.malformed_json(), faults.truncated()])
def test_body_that_cannot_be_read(
    fake_runtime: FakeRuntime, service: Any, fault: faults.Fault
) -> None:
    fake_runtime.inject(fault, on="list_jobs")

    with pytest.raises(requests.JSONDecodeError):
        service.jobs()


def test_web_page_of_a_proxy(fake_runtime: FakeRuntime, service: Any) -> None:
    fake_runtime.inject(faults.html_page(403), on="list_jobs")

    with pytest.raises(RequestsApiError, match="<h1>403</h1>"):
        service.jobs()


# ---- accounts, devices, sessions -------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "error", "text"),
    [
        (faults.token_expired(), IBMNotAuthorizedError, "the token has expired"),
        (faults.forbidden(), RequestsApiError, "403.*not authorized"),
    ],
)
def test_refused_users(
    fake_runtime: FakeRuntime, service: Any, fault: faults.Fault, error: Any, text: str
) -> None:
    fake_runtime.inject(fault)

    with pytest.raises(error, match=text):
        service.jobs()
    assert service.jobs() == []


def test_invalid_api_key(fake_runtime: FakeRuntime) -> None:
    fake_runtime.inject(faults.invalid_api_key())

    with pytest.raises(InvalidAccountError):
        fake_runtime.service().instances()  # client 0.41 looks no earlier


def test_quota_exceeded(fake_runtime: FakeRuntime, service: Any, lab: Lab) -> None:
    fake_runtime.inject(faults.quota_exceeded())

    assert service.usage()["usage_remaining_seconds"] == 0
    with usage_warning("has met its usage limit"):
        job = submit(service)
    with pytest.raises(RuntimeJobTimeoutError):
        job.result(timeout=600)
    assert lab.ran == []
    fake_runtime.clock.advance(28 * 24 * 3600)
    assert job.status() == "DONE"


def test_quota_exceeded_refuses_the_job(fake_runtime: FakeRuntime, service: Any) -> None:
    fake_runtime.inject(faults.quota_exceeded(refuse=True))

    with pytest.raises(IBMRuntimeError, match="409"):
        submit(service)
    assert submit(service).status() == "DONE"


@pytest.mark.parametrize("fault", [faults.backend_offline, faults.maintenance])
def test_device_goes_away(fake_runtime: FakeRuntime, service: Any, fault: Any) -> None:
    fake_runtime.inject(fault("fake_manila"))

    assert fake_runtime.service().least_busy().name == "fake_lima"
    assert not service.backend("fake_manila").status().operational
    with pytest.raises(IBMRuntimeError, match="1004"):
        submit(service)


def test_device_is_retired_under_an_old_job(fake_runtime: FakeRuntime, service: Any) -> None:
    job_id = submit(service).job_id()
    fake_runtime.inject(faults.backend_retired("fake_manila"))

    again = fake_runtime.service()
    assert again.job(job_id).result() == {}
    with pytest.raises(QiskitBackendNotFoundError):
        again.backend("fake_manila")


def test_instance_without_devices(fake_runtime: FakeRuntime, lab: Lab) -> None:
    fake_runtime.inject(faults.no_backends())

    service = fake_runtime.service()
    assert service.backends() == []
    with pytest.raises(QiskitBackendNotFoundError):
        service.least_busy()


@pytest.mark.fake_runtime(plan="premium")
def test_session_closes_before_the_second_job(fake_runtime: FakeRuntime, service: Any) -> None:
    fake_runtime.inject(faults.session_closed(), after=1)
    session = Session(backend=service.backend("fake_manila"))
    submit(service)  # of no session: the fault is not for it
    session._run("sampler", {})

    with pytest.raises(IBMRuntimeError, match="Session has been closed"):
        session._run("sampler", {})
    assert session.status() == "Closed"


# ---- the plan of faults ----------------------------------------------------------------


def test_fault_that_was_not_reached_tells_what_did_happen(fake_runtime: FakeRuntime) -> None:
    with FakeRuntime("fake_manila") as fake:
        missed = fake.inject(faults.job_fails())
        fake.service().jobs()
        with pytest.raises(UsageError) as error:
            fake.check()
        fake.world.faults.remove(missed)
        missed.optional = True

    assert "job_fails(1500) on job came to pass 0 of 1 times" in str(error.value)
    assert f"get_token ({len(fake.calls['get_token'])})" in str(error.value)
    assert "list_jobs (1)" in str(error.value)


def test_operation_of_a_job_fault_is_an_error(fake_runtime: FakeRuntime) -> None:
    with pytest.raises(UsageError, match="it happens to jobs"):
        fake_runtime.inject(faults.job_fails(), on="get_job")


def test_condition_may_use_the_service(fake_runtime: FakeRuntime, service: Any) -> None:
    # It is asked without any lock, so it may even inject and submit.
    def when(request: Any) -> bool:
        fake_runtime.inject(faults.http_error(418), on="list_jobs", optional=True)
        return len(service.usage()) > 0

    fake_runtime.inject(faults.forbidden(), on="list_jobs", when=when)
    with pytest.raises(RequestsApiError, match="403"):
        service.jobs()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: faults.queue(),
        lambda: faults.queue(polls=-1),
        lambda: faults.latency(-1),
        lambda: faults.http_error(200),
    ],
)
def test_numbers_that_make_no_sense(wrong: Any) -> None:
    with pytest.raises(ValueError):
        wrong()


def test_misspelt_fault_is_named() -> None:
    with pytest.raises(AttributeError, match="Did you mean 'job_fails'"):
        faults.job_fail  # noqa: B018


def test_refusal_survives_pickling() -> None:
    refusal = Refusal("job_not_found", id="j1")

    copy = pickle.loads(pickle.dumps(refusal))

    assert (copy.kind, copy.facts) == ("job_not_found", {"id": "j1"})
