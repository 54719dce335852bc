"""Jobs of the past, and the whole state in a file."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from qiskit_ibm_runtime import Session
from qiskit_ibm_runtime.exceptions import RuntimeInvalidStateError, RuntimeJobFailureError

from pytest_qiskit_fakeruntime import FakeRuntime, UsageError, faults

from .conftest import SAMPLERS, Lab, bell, isa, make, submit

pytestmark = pytest.mark.fake_backend("fake_manila")

LAST_WEEK = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)


def test_counts_of_last_week(fake_runtime: FakeRuntime) -> None:
    fake_runtime.jobs.add(
        {"00": 510, "11": 490}, created=timedelta(days=7), tags=["nightly"], id="d0old"
    )
    service = fake_runtime.service()

    [job] = service.jobs(
        job_tags=["nightly"], created_before=datetime.now() - timedelta(days=6, hours=12)
    )

    assert job.job_id() == "d0old"
    assert job.result()[0].data.meas.get_counts() == {"00": 510, "11": 490}
    assert (job.status(), job.tags, job.backend().name) == ("DONE", ["nightly"], "fake_manila")
    assert job.usage() == 2
    assert service.jobs(created_after=datetime.now() - timedelta(days=6)) == []


def test_inputs_and_results_of_the_client(fake_runtime: FakeRuntime) -> None:
    service = fake_runtime.service()
    backend = service.backend("fake_manila")
    circuit = isa(bell(), backend)
    result = make(SAMPLERS[0], backend).run([circuit], shots=50).result()
    old = fake_runtime.jobs.add(
        result, inputs={"pubs": [(circuit, None, 50)], "version": 2}, created=LAST_WEEK
    )

    job = service.job(old.id)

    assert job.result()[0].data.meas.get_counts() == result[0].data.meas.get_counts()
    assert job.inputs["pubs"][0][0] == circuit
    assert old.circuits == [circuit]
    assert job.creation_date == LAST_WEEK
    assert fake_runtime.jobs.last.created > LAST_WEEK


def test_jobs_that_came_to_nothing(fake_runtime: FakeRuntime) -> None:
    add, service = fake_runtime.jobs.add, fake_runtime.service()
    failed = add(status="Failed", reason="The fridge is warm.", code=5203)
    cancelled = add(status="Cancelled")
    retired = add(backend="ibm_gone", program="estimator", result={"answer": 42})

    with pytest.raises(RuntimeJobFailureError, match="Error code 5203; The fridge is warm"):
        service.job(failed.id).result()
    with pytest.raises(RuntimeInvalidStateError):
        service.job(cancelled.id).result()
    assert service.job(cancelled.id).metrics()["timestamps"]["running"] is None
    assert service.job(retired.id).result() == {"answer": 42}
    assert {job.job_id() for job in service.jobs(pending=False)} == set(fake_runtime.jobs)
    assert fake_runtime.instances[fake_runtime.credentials["instance"]].usage_consumed_seconds == 0


@pytest.mark.fake_runtime(instances=["one", "two"])
def test_job_of_a_colleague_in_another_instance(fake_runtime: FakeRuntime) -> None:
    old = fake_runtime.jobs.add(api_key="a-colleague", instance="two")

    assert fake_runtime.service(instance="one").jobs() == []
    [job] = fake_runtime.service(instance="two").jobs()
    assert job.job_id() == old.id
    assert old.user != fake_runtime.jobs.add().user


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ({"status": "Queued"}, "choose from Completed, Failed, Cancelled"),
        ({"created": LAST_WEEK, "finished": LAST_WEEK - timedelta(1)}, "not in this order"),
        ({"created": timedelta(-1)}, "not in this order"),
        ({"instance": "nobody's"}, "there is local"),
        ({"colour": "red"}, "a job has no 'colour'; it has id, status, .*, qpu_seconds"),
        ({"stauts": "Failed"}, "Did you mean 'status'"),
    ],
)
def test_job_that_cannot_have_been(
    fake_runtime: FakeRuntime, what: dict[str, Any], text: str
) -> None:
    with pytest.raises(UsageError, match=text):
        fake_runtime.jobs.add(**what)


def test_id_is_given_once(fake_runtime: FakeRuntime) -> None:
    fake_runtime.jobs.add(id="d0old")

    with pytest.raises(UsageError, match="there is such a job"):
        fake_runtime.jobs.add(id="d0old")


# ---- files -----------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The state of a service to which a lot has happened."""
    path = tmp_path / "fake.json"
    with FakeRuntime(
        "fake_manila", "ibm_fez", executor=Lab(), plan="premium", start_time=LAST_WEEK, seed=3
    ) as fake:
        fake.backends["fake_manila"].queue_length = 7
        fake.backends["fake_manila"].calibrate(
            lambda properties: properties["qubits"][0][0].update(value=11.0)
        )
        fake.backends["ibm_fez"].calibrate(at=datetime(2025, 1, 1))
        fake.add_instance("europe", plan="flex", region="eu-de", tags=["lab"])
        service = fake.service(instance="local")
        submit(service, job_tags=["done"])
        fake.jobs.add({"0": 1}, id="d0old")
        fake.inject(faults.queue(seconds=90))
        submit(service, job_tags=["waits"])
        session = Session(backend=service.backend("ibm_fez"))
        session._run("sampler", {})
        fake.clock.advance(10)
        fake.save(path)
    return path


def test_file_brings_everything_back(file: Path) -> None:
    fake = FakeRuntime.load(file, executor=Lab())
    with fake:
        service = fake.service(instance="local")
        backend = service.backend("fake_manila")

        assert backend.status().pending_jobs == 8
        assert backend.properties().t1(0) == pytest.approx(11e-6)
        assert service.backend("ibm_fez").properties(datetime=datetime(2025, 2, 1)) is not None
        assert {one["name"] for one in service.instances()} == {"local", "europe"}
        assert fake.clock.now == LAST_WEEK + timedelta(seconds=10)
        [waits] = service.jobs(job_tags=["waits"])
        assert waits.status() == "QUEUED"
        assert waits.result() == {}
        assert service.job("d0old").result()[0].data.meas.get_counts() == {"0": 1}
        [session] = fake.sessions.values()
        assert (session.state, Session.from_id(session.id, service).status()[:2]) == (
            "inactive",
            "Pe",
        )
        submit(service)
    assert len({*fake.jobs}) == 5


def test_saving_what_was_loaded_gives_the_same_file(file: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.json"

    FakeRuntime.load(file).save(again)

    assert json.loads(again.read_text()) == json.loads(file.read_text())
    assert again.read_text().startswith('{\n "format": "pytest-qiskit-fakeruntime",\n "version": 1')


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "not readable as JSON"),
        ('{"jobs": []}', "was not written by"),
        ("[1, 2]", "was not written by"),
        ('{"format": "pytest-qiskit-fakeruntime", "version": 99}', "has version 99"),
        ('{"format": "pytest-qiskit-fakeruntime", "version": 1}', "is damaged"),
    ],
)
def test_foreign_or_damaged_file(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "other.json"
    path.write_text(text)

    with pytest.raises(UsageError, match=complaint):
        FakeRuntime.load(path)


@pytest.mark.parametrize("key", ["jobs", "clock", "devices", "instances", "sessions"])
def test_file_with_something_missing(file: Path, key: str) -> None:
    document = json.loads(file.read_text())
    del document[key]
    file.write_text(json.dumps(document))

    with pytest.raises(UsageError, match=f"is damaged.*{key}"):
        FakeRuntime.load(file)
