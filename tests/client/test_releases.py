"""What the installed release of the client sends, against what is known of that release.

A release that is not in the table yet is held against the newest that is.
"""

from __future__ import annotations

import base64
import re
import zlib
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

import pytest
from qiskit import qpy
from qiskit_ibm_runtime import QiskitRuntimeService, Session
from qiskit_ibm_runtime.exceptions import IBMInputValueError

from pytest_qiskit_fakeruntime import FakeRuntime

from ..capabilities import find
from .conftest import SAMPLERS, bell, isa, make, run_executor

LISTING = ("list_backends",)
SUBMITTING = ("get_backend_status", "create_job")


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What one family of releases does; each line of `FAMILIES` says what it changed."""

    opening: tuple[str, ...] = ()
    backend: tuple[str, ...] = ("get_token", *LISTING, "get_backend_configuration")
    target: tuple[str, ...] = ("get_backend_properties",)
    first_run: tuple[str, ...] = SUBMITTING
    executor_run: tuple[str, ...] = ()
    schema: str | None = None
    result: tuple[str, ...] = ("get_job", "get_job_results")
    job: tuple[str, ...] = ("get_job", *LISTING)
    job_query: str = ""
    properties: tuple[str, ...] = ("get_backend_properties",)
    session: tuple[str, ...] = ("get_token", "create_session")
    session_again: tuple[str, ...] = ("get_session", "get_session", *LISTING)
    listing_query: str = ""
    api_version: str = "2025-05-01"
    qpy_cap: int = 14
    usage: tuple[str, ...] = ("quantum_seconds", "seconds")
    foreign_instance_is_refused: bool = True
    fractional_is_refused: bool = True
    archived_plan_is_an_error: bool = False


V041 = Facts(
    foreign_instance_is_refused=False, fractional_is_refused=False, archived_plan_is_an_error=True
)
V043 = replace(
    V041,
    opening=("get_token", "search_resources", "get_catalog_entry"),
    job=("get_job",),
    job_query="exclude_params=true",
    properties=("get_job_metrics", "get_backend_properties"),
    foreign_instance_is_refused=True,
)
V045 = replace(
    V043,
    first_run=("get_usage", *SUBMITTING),
    fractional_is_refused=True,
    archived_plan_is_an_error=False,
)
V046 = replace(V045, executor_run=("get_usage", *LISTING, *SUBMITTING), schema="v0.2", qpy_cap=17)
V047 = replace(V046, schema="v1.0")
V048 = replace(
    V047,
    # Neither run nor session has the token that the devices were listed with.
    first_run=("get_token", "get_usage", *SUBMITTING),
    executor_run=(*LISTING, "get_usage", *SUBMITTING),
    schema="v1.1",
    api_version="2026-04-15",
    usage=("qpu_charge_time_seconds", "status"),
)
V049 = replace(
    V048,
    first_run=("get_usage", *SUBMITTING),
    schema="v2.0",
    session=("create_session",),
)
V051 = replace(
    V049,
    opening=(*V049.opening, "get_token", *LISTING),
    backend=(*LISTING, "get_backend_configuration"),
    listing_query="include_mocks=True",
)
FAMILIES: dict[tuple[int, int], Facts] = {
    (0, 41): V041,
    (0, 43): V043,
    (0, 45): V045,
    (0, 46): V046,
    (0, 47): V047,
    (0, 48): V048,
    (0, 49): V049,
    (0, 51): V051,
}
"""By the first release of the family."""

RELEASE = tuple(int(part) for part in re.findall(r"\d+", version("qiskit-ibm-runtime"))[:2])
FACTS = FAMILIES[max(first for first in FAMILIES if first <= RELEASE)]

QPY_OF_QISKIT = getattr(qpy, "QPY_VERSION", None) or qpy.common.QPY_VERSION


class Watch:
    """The operations that were called since somebody last asked."""

    def __init__(self, fake: FakeRuntime) -> None:
        self.fake = fake
        self.seen = 0

    def calls(self) -> tuple[str, ...]:
        operations = tuple(self.fake.calls.operations)[self.seen :]
        self.seen += len(operations)
        return operations

    def query(self, operation: str) -> str:
        return str(self.fake.calls[operation][-1].request.url).partition("?")[2]


@pytest.fixture
def watch() -> Any:
    with FakeRuntime("fake_manila", plan="premium") as fake:
        yield Watch(fake)


def test_opening_and_finding_a_device(watch: Watch) -> None:
    service = watch.fake.service()
    assert watch.calls() == FACTS.opening
    backend = service.backend("fake_manila")
    assert watch.calls() == FACTS.backend
    assert watch.query("list_backends") == FACTS.listing_query
    assert backend.target.num_qubits == 5
    assert watch.calls() == FACTS.target


def test_running_a_job_and_finding_it_again(watch: Watch) -> None:
    service = watch.fake.service()
    backend = service.backend("fake_manila")
    circuit = isa(bell(), backend)
    watch.calls()
    job = make(SAMPLERS[0], backend).run([circuit], shots=10)
    assert watch.calls() == FACTS.first_run
    job.result()
    assert watch.calls() == FACTS.result
    again = service.job(job.job_id())
    assert watch.calls() == FACTS.job
    assert watch.query("get_job") == FACTS.job_query
    assert again.usage() == pytest.approx(2.0035)
    usage = watch.fake.calls["get_job_metrics"][-1].response.json["usage"]
    assert tuple(sorted(usage)) == FACTS.usage
    watch.calls()
    again.properties()
    assert watch.calls() == FACTS.properties


def test_payload_and_headers(watch: Watch) -> None:
    backend = watch.fake.service().backend("fake_manila")
    job = make(SAMPLERS[0], backend).run([isa(bell(), backend)], shots=10)
    sent = watch.fake.calls["create_job"][-1].request
    circuit = base64.b64decode(sent.json["params"]["pubs"][0][0]["__value__"])
    assert zlib.decompress(circuit)[6] == min(FACTS.qpy_cap, QPY_OF_QISKIT)
    assert sent.headers["ibm-api-version"] == FACTS.api_version
    assert sent.headers["authorization"].startswith("Bearer ")
    assert sent.host == "quantum.cloud.ibm.com"
    job.result()
    result = watch.fake.calls["get_job_results"][-1].response.json
    spans = result["__value__"]["metadata"]["execution"]["execution_spans"]
    assert spans["__type__"] == "ExecutionSpans"


def test_executor(watch: Watch) -> None:
    assert (find("qiskit_ibm_runtime.Executor") is None) == (FACTS.schema is None)
    backend = watch.fake.service().backend("fake_manila")
    circuit = isa(bell(), backend)
    make(SAMPLERS[0], backend).run([circuit], shots=1)
    watch.calls()
    job = run_executor(backend, circuit, None, 5)
    assert watch.calls() == FACTS.executor_run
    assert watch.fake.jobs.last.params["schema_version"] == FACTS.schema
    assert job.result()[0]["meas"].shape == (5, 2)


def test_sessions(watch: Watch) -> None:
    service = watch.fake.service()
    backend = service.backend("fake_manila")
    watch.calls()
    with Session(backend=backend) as session:
        assert watch.calls() == FACTS.session
    assert watch.calls() == ("update_session",)
    Session.from_id(session.session_id, service)
    assert watch.calls() == FACTS.session_again


def test_instance_of_another_account(watch: Watch) -> None:
    foreign = "crn:v1:bluemix:public:quantum-computing:us-east:a/other:x::"

    def names() -> list[str]:
        return [backend.name for backend in watch.fake.service(instance=foreign).backends()]

    if FACTS.foreign_instance_is_refused:
        with pytest.raises(IBMInputValueError, match="does not have access"):
            names()
    else:
        assert names() == []


def test_fractional_gates_on_a_device_that_has_none(watch: Watch) -> None:
    service = watch.fake.service()

    if FACTS.fractional_is_refused:
        with pytest.raises(IBMInputValueError, match="fractional"):
            service.backend("fake_manila", use_fractional_gates=True)
    else:
        assert service.backend("fake_manila", use_fractional_gates=True).name == "fake_manila"


def test_instance_on_an_archived_plan() -> None:
    def plans() -> list[str]:
        return [one["plan"] for one in QiskitRuntimeService(instance="old").instances()]

    with FakeRuntime(instances=[{"name": "old", "plan": "flex", "archived": True}]):
        if FACTS.archived_plan_is_an_error:
            with pytest.raises(Exception, match="403"):
                plans()
        else:
            assert plans() == ["unknown"]
