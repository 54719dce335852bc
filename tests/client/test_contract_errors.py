"""Every row of the contract's sections 5.2 (status to exception) and 5.3 (state to exception)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from ibm_cloud_sdk_core import ApiException
from qiskit.providers.exceptions import QiskitBackendNotFoundError
from qiskit_ibm_runtime import Session
from qiskit_ibm_runtime.accounts.exceptions import InvalidAccountError
from qiskit_ibm_runtime.api.exceptions import RequestsApiError
from qiskit_ibm_runtime.exceptions import (
    IBMInputValueError,
    IBMNotAuthorizedError,
    IBMRuntimeError,
    RuntimeInvalidStateError,
    RuntimeJobFailureError,
    RuntimeJobMaxTimeoutError,
    RuntimeJobNotFound,
    RuntimeJobTimeoutError,
    RuntimeProgramNotFound,
)

from pytest_qiskit_fakeruntime import FakeRuntime, faults

from ..capabilities import (
    ASKS_FOR_UNLISTED,
    CATALOG_MAY_FAIL,
    UNUSABLE_DEVICE_IS_NONE,
    USAGE_CHECK,
    needs,
)
from .conftest import Lab

pytestmark = [
    pytest.mark.fake_backend("fake_manila"),
    pytest.mark.fake_runtime(plan="premium", hold=True),
]

STATUSES = (401, 404, 409, 418, 429, 500, 503)
"""Of 4xx and 5xx, those that the table tells apart, and others."""

RETRIED = (500, 503)
NEVER_RETRIED = ("update_session",)
"""PATCH: urllib3 does not take it for idempotent, so the client's own text for 503 is seen."""

NOTHING = None
"""Stands for: no exception."""


class Setting:
    """A service with a job in the queue and a session."""

    def __init__(self, fake: FakeRuntime) -> None:
        fake.world.executor = Lab('{"answer": 42}')
        self.fake = fake
        self.service = fake.service()
        self.backend = self.service.backend("fake_manila")
        self.job = self.run()
        self.session = Session(backend=self.backend)

    def run(self) -> Any:
        return self.service._run("sampler", {}, {"backend": self.backend})

    @property
    def id(self) -> str:
        return str(self.job.job_id())

    def result(self) -> Any:
        self.fake.jobs.last.finish()
        return self.job.result()


@pytest.fixture
def at(fake_runtime: FakeRuntime) -> Setting:
    return Setting(fake_runtime)


Expected = tuple[type[Exception], str] | None


def row(
    operation: str,
    call: Callable[[Setting], Any],
    otherwise: Expected,
    **by_status: Expected,
) -> Any:
    """One row: what a call raises by status, and what it raises otherwise."""
    special = {401: (IBMNotAuthorizedError, "401"), **{int(k[1:]): v for k, v in by_status.items()}}
    return operation, call, otherwise, special


API: Expected = (RequestsApiError, "Error")
ROWS = {
    "run": row(
        "create_job",
        Setting.run,
        (IBMRuntimeError, "Failed to run program: "),
        _404=(RuntimeProgramNotFound, "404"),
    ),
    "service.job": row(
        "get_job",
        lambda at: at.service.job(at.id),
        (IBMRuntimeError, "Failed to retrieve job: "),
        _404=(RuntimeJobNotFound, "Job not found: "),
    ),
    "service.jobs": row("list_jobs", lambda at: at.service.jobs(), API),
    "job.status": row("get_job", lambda at: at.job.status(), API),
    "job.result": row("get_job_results", Setting.result, API),
    "job.update_tags": row("replace_job_tags", lambda at: at.job.update_tags(["t"]), API),
    "backend.status": row("get_backend_status", lambda at: at.backend.status(), API),
    "service.usage": row("get_usage", lambda at: at.service.usage(), API),
    "usage inside run": row("get_usage", Setting.run, API),
    "properties": row(
        "get_backend_properties", lambda at: at.backend.properties(refresh=True), API
    ),
    "session create": row("create_session", lambda at: Session(backend=at.backend), API),
    "session details": row("get_session", lambda at: at.session.details(), API),
    "session cancel": row("close_session", lambda at: at.session.cancel(), API),
    "job.logs": row(
        "get_job_logs",
        lambda at: at.job.logs(),
        (IBMRuntimeError, "Failed to get job logs: "),
        _404=NOTHING,
    ),
    "job.metrics": row(
        "get_job_metrics",
        lambda at: at.job.metrics(),
        (IBMRuntimeError, "Failed to get job metadata: "),
    ),
    "job.usage": row(
        "get_job_metrics",
        lambda at: at.job.usage(),
        (IBMRuntimeError, "Failed to get job metadata: "),
    ),
    "job.cancel": row(
        "cancel_job",
        lambda at: at.job.cancel(),
        (IBMRuntimeError, "Failed to cancel job: "),
        _409=(RuntimeInvalidStateError, "Job cannot be cancelled: "),
    ),
    "service.delete_job": row(
        "delete_job",
        lambda at: at.service.delete_job(at.id),
        (IBMRuntimeError, "Failed to delete job: "),
        _404=(RuntimeJobNotFound, "404"),
    ),
    "session close": row(
        "update_session",
        lambda at: at.session.close(),
        (IBMRuntimeError, "Error closing session: "),
        _404=NOTHING,
    ),
    "Session.from_id": row(
        "get_session",
        lambda at: Session.from_id(at.session.session_id, at.service),
        API,
        _404=(IBMInputValueError, "Session not found: "),
    ),
}
MARKS = {"usage inside run": [needs(USAGE_CHECK)]}
CELLS = [
    pytest.param(name, status, id=f"{name} {status}", marks=MARKS.get(name, []))
    for name in ROWS
    for status in STATUSES
]


@pytest.mark.parametrize(("name", "status"), CELLS)
def test_status_becomes_the_exception(
    fake_runtime: FakeRuntime, at: Setting, name: str, status: int
) -> None:
    operation, call, otherwise, special = ROWS[name]
    expected = special.get(status, otherwise)
    before = len(fake_runtime.calls[operation])
    fake_runtime.inject(faults.http_error(status, message="Of no avail."), operation, times=None)

    if expected is NOTHING:
        assert not call(at)
    else:
        kind, text = expected
        with pytest.raises(kind) as error:
            call(at)
        told = str(error.value)
        assert type(error.value) is kind
        assert told.lstrip("'\"").startswith(text) or text in ("Error", "401", "404")
        retried = status in RETRIED and operation not in NEVER_RETRIED
        if kind is RequestsApiError:
            assert error.value.status_code == (-1 if retried else status)
        if retried:
            assert f"too many {status} error responses" in told
        elif kind is not RuntimeJobNotFound:
            assert "Of no avail." in told
    tried = len(fake_runtime.calls[operation]) - before
    assert tried >= (6 if status in RETRIED and operation not in NEVER_RETRIED else 1)


@pytest.mark.parametrize("status", STATUSES)
def test_list_of_devices_is_swallowed(fake_runtime: FakeRuntime, status: int) -> None:
    fake_runtime.inject(faults.http_error(status), on="list_backends", times=None)

    service = fake_runtime.service()

    assert service.backends() == []
    if ASKS_FOR_UNLISTED:
        assert service.backend("fake_manila").name == "fake_manila"
    else:
        with pytest.raises(QiskitBackendNotFoundError):
            service.backend("fake_manila")


@pytest.mark.parametrize("status", STATUSES)
def test_configuration_makes_the_device_unusable(
    fake_runtime: FakeRuntime, at: Setting, status: int
) -> None:
    fake_runtime.inject(faults.http_error(status), on="get_backend_configuration", times=None)
    service = fake_runtime.service()

    with pytest.raises(QiskitBackendNotFoundError):
        service.backend("fake_manila")
    if UNUSABLE_DEVICE_IS_NONE:
        at.fake.jobs.last.finish()  # the client waits for the end before it looks again
        with pytest.raises(QiskitBackendNotFoundError):
            service.job(at.id).backend()
    else:
        assert type(service.job(at.id).backend()).__name__ == "IBMRetiredBackend"


@pytest.mark.parametrize("status", STATUSES)
def test_global_search(fake_runtime: FakeRuntime, status: int) -> None:
    fake_runtime.inject(faults.http_error(status), on="search_resources", times=None)

    with pytest.raises(InvalidAccountError, match="Unable to retrieve instances"):
        fake_runtime.service().instances()  # client 0.41 looks no earlier


@pytest.mark.parametrize("status", STATUSES)
def test_global_catalog(fake_runtime: FakeRuntime, status: int) -> None:
    fake_runtime.inject(faults.http_error(status), on="get_catalog_entry", times=None)

    if not CATALOG_MAY_FAIL:
        with pytest.raises(ApiException) as error:
            fake_runtime.service().instances()
        assert error.value.status_code == status
        return
    [instance] = fake_runtime.service().instances()

    assert (instance["plan"], instance["pricing_type"]) == ("unknown", "unknown")


# ---- 5.3 -------------------------------------------------------------------------------

STATES = {
    # state: (fault, status(), error_message(), what result() raises, or its value)
    "Queued": (faults.stays("QUEUED"), "QUEUED", None, (RuntimeJobTimeoutError, "Timed out")),
    "Running": (faults.stays("RUNNING"), "RUNNING", None, (RuntimeJobTimeoutError, "Timed out")),
    "Completed": (faults.queue(polls=1), "DONE", None, {"answer": 42}),
    "Completed, no result": (faults.queue(polls=1), "DONE", None, None),
    "Cancelled": (
        faults.job_is_cancelled(),
        "CANCELLED",
        None,
        (RuntimeInvalidStateError, "Unable to retrieve result for job X. Job was cancelled."),
    ),
    "Cancelled, 1305": (
        faults.job_runs_too_long(),
        "ERROR",
        "Job X ran longer than maximum execution time. Job was cancelled:\n",
        (RuntimeJobMaxTimeoutError, "Error code 1305; Job ran longer than"),
    ),
    "Failed, reason and code": (
        faults.job_fails("The fridge is warm.", 5203),
        "ERROR",
        "Job X has failed:\nError code 5203; The fridge is warm.",
        (
            RuntimeJobFailureError,
            "Unable to retrieve job result. Error code 5203; The fridge is warm.",
        ),
    ),
    "Failed, no reason": (
        faults.job_fails(reason=None, code=None, text="Traceback: it broke"),
        "ERROR",
        "Job X has failed:\nTraceback: it broke",
        (RuntimeJobFailureError, "Traceback: it broke"),
    ),
    "Failed, reason without a code": (
        faults.job_fails("The fridge is warm.", code=None),
        "ERROR",
        "Job X has failed:\nThe fridge is warm.",
        (RuntimeJobFailureError, "Unable to retrieve job result. The fridge is warm."),
    ),
    "unknown text": (
        faults.stays("Pondering"),
        "PONDERING",
        None,
        (RuntimeJobTimeoutError, "Timed out"),
    ),
}


@pytest.mark.fake_runtime(hold=False)
@pytest.mark.parametrize("state", STATES)
def test_state_becomes_the_exception(fake_runtime: FakeRuntime, state: str) -> None:
    fault, status, message, end = STATES[state]
    fake_runtime.world.executor = Lab('{"answer": 42}')
    service = fake_runtime.service()
    fake_runtime.inject(fault)
    if state == "Completed, no result":
        fake_runtime.inject(faults.missing_result())
    job = service._run("sampler", {}, {"backend": service.backend("fake_manila")})
    if state.startswith("Completed"):
        assert job.status() == "QUEUED"

    assert job.status() == status
    told = job.error_message()
    if message is None:
        assert told is None
    else:
        assert told.startswith(message.replace("X", job.job_id(), 1))
    if isinstance(end, tuple):
        kind, text = end
        with pytest.raises(kind, match=re.escape(text.replace("job X", f"job {job.job_id()}"))):
            job.result(timeout=5)
    else:
        assert job.result(timeout=5) == end


def test_logs_of_a_job_that_has_not_ended(
    at: Setting, client_log: pytest.LogCaptureFixture
) -> None:
    assert at.job.logs() == ""
    assert "only available after the job finishes" in client_log.text
