"""Jobs through the client: look at, list, cancel, tag, delete."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from qiskit_ibm_runtime.exceptions import (
    IBMRuntimeError,
    RuntimeInvalidStateError,
    RuntimeJobNotFound,
)

from pytest_qiskit_fakeruntime import FakeRuntime, JobFailed, Outcome, Task

from ..capabilities import needs
from .conftest import SAMPLERS, bell, isa, make, submit

pytestmark = pytest.mark.fake_backend("fake_manila")


class Instantly:
    """An executor of a user: every job is done at once, with an empty result."""

    def check(self, task: Task) -> float:
        return 1.5

    def run(self, task: Task) -> Outcome:
        if task.params.get("fail"):
            raise JobFailed(1305, "Ran too long.")
        return Outcome("{}", qpu_seconds=2.5)


@pytest.fixture
def many(fake_runtime: FakeRuntime) -> Any:
    """A service with 45 jobs a minute apart; every third is tagged."""
    fake_runtime.world.executor = Instantly()
    service = fake_runtime.service()
    for number in range(45):
        submit(service, job_tags=["third", "all"] if number % 3 == 0 else ["all"])
        fake_runtime.clock.advance(60)
    return service


def test_jobs_are_listed_newest_first_over_several_pages(
    fake_runtime: FakeRuntime, many: Any
) -> None:
    ids = list(fake_runtime.jobs)

    assert [job.job_id() for job in many.jobs(limit=None)] == ids[::-1]
    assert len(fake_runtime.calls["list_jobs"]) == 3
    assert [job.job_id() for job in many.jobs()] == ids[:-11:-1]
    assert [job.job_id() for job in many.jobs(limit=3, skip=2, descending=False)] == ids[2:5]


@pytest.mark.parametrize("skip", [45, 46, 1000])
def test_page_past_the_end_is_empty_and_ends_the_listing(many: Any, skip: int) -> None:
    assert many.jobs(skip=skip) == []
    assert many.jobs(skip=skip, limit=None) == []


def test_every_filter(fake_runtime: FakeRuntime, many: Any) -> None:
    def count(**filters: Any) -> int:
        return len(many.jobs(limit=None, **filters))

    first = fake_runtime.jobs[next(iter(fake_runtime.jobs))].created.astimezone()
    start = datetime.fromtimestamp(first.timestamp())
    assert count(job_tags=["third"]) == 15
    assert count(job_tags=["third", "all"]) == 15
    assert count(job_tags=["other"]) == 0
    assert count(backend_name="fake_manila") == 45
    assert count(backend_name="fake_lima") == 0
    assert count(program_id="sampler") == 45
    assert count(program_id="estimator") == 0
    assert count(pending=True) == 0
    assert count(pending=False) == 45
    assert count(session_id="unknown") == 0
    assert count(created_after=start + timedelta(minutes=40)) <= 6
    assert count(created_before=start + timedelta(minutes=4, seconds=30)) == 5
    assert count(instance=fake_runtime.credentials["instance"]) == 45


def test_job_tells_about_itself(fake_runtime: FakeRuntime) -> None:
    service = fake_runtime.service()
    backend = service.backend("fake_manila")
    sampler = make(SAMPLERS[0], backend)
    sampler.options.environment.job_tags = ["mine"]
    sent = sampler.run([isa(bell(), backend)], shots=100)

    job = service.job(sent.job_id())

    assert job.status() == "DONE"
    assert job.tags == ["mine"]
    assert job.backend().name == "fake_manila"
    assert job.primitive_id == "sampler"
    assert job.session_id is None
    assert abs(job.creation_date - datetime.now().astimezone()) < timedelta(minutes=1)
    assert job.inputs["pubs"][0][0].num_qubits == 5
    assert job.inputs["pubs"][0][2] == 100 or job.inputs["options"].get("default_shots") == 100
    assert job.metrics()["timestamps"]["running"]
    assert job.usage() == pytest.approx(2 + 100 * 0.00035, abs=0.5)
    assert job.usage_estimation["quantum_seconds"] > 0
    assert job.logs() == ""
    assert job.properties().to_dict()["backend_name"] == "fake_manila"
    assert job.result()[0].data.meas.num_shots == 100
    assert job.error_message() is None


def test_what_was_sent_can_be_inspected(fake_runtime: FakeRuntime) -> None:
    backend = fake_runtime.service().backend("fake_manila")
    sampler = make(SAMPLERS[0], backend)
    sampler.options.dynamical_decoupling.enable = True
    circuit = isa(bell(), backend)
    sampler.run([circuit], shots=123).result()

    job = fake_runtime.jobs.last
    assert job.backend == "fake_manila"
    assert job.program_id == "sampler"
    assert job.options["dynamical_decoupling"]["enable"] is True
    assert "twirling" not in job.options
    assert job.circuits == [circuit]
    assert job.result[0].data.meas.num_shots == 123
    assert not job.private
    assert len(fake_runtime.calls["create_job"]) == 1


def test_tags_are_replaced(fake_runtime: FakeRuntime) -> None:
    fake_runtime.world.executor = Instantly()
    job = submit(fake_runtime.service(), job_tags=["old"])

    assert set(job.update_tags(["new", "newer"])) == {"new", "newer"}
    assert set(fake_runtime.jobs.last.tags) == {"new", "newer"}
    assert job.update_tags([]) == []


@needs("qiskit_ibm_runtime.QiskitRuntimeService.delete_job")
def test_deleted_job_is_gone(fake_runtime: FakeRuntime) -> None:
    fake_runtime.world.executor = Instantly()
    service = fake_runtime.service()
    job_id = submit(service).job_id()

    service.delete_job(job_id)

    assert len(fake_runtime.jobs) == 0
    with pytest.raises(RuntimeJobNotFound):
        service.job(job_id)
    with pytest.raises(RuntimeJobNotFound):
        service.delete_job(job_id)


def test_finished_job_cannot_be_cancelled(fake_runtime: FakeRuntime) -> None:
    fake_runtime.world.executor = Instantly()
    job = submit(fake_runtime.service())

    with pytest.raises(RuntimeInvalidStateError, match="cannot be cancelled"):
        job.cancel()


def test_job_in_another_service_object_is_found(fake_runtime: FakeRuntime) -> None:
    fake_runtime.world.executor = Instantly()
    job_id = submit(fake_runtime.service()).job_id()

    assert fake_runtime.service().job(job_id).status() == "DONE"


def test_unknown_program_is_refused(fake_runtime: FakeRuntime) -> None:
    service = fake_runtime.service()
    with pytest.raises(IBMRuntimeError):
        service._run("no-such-program", {}, {"backend": service.backend("fake_manila")})


def test_private_result_is_read_once(fake_runtime: FakeRuntime) -> None:
    service = fake_runtime.service()
    backend = service.backend("fake_manila")
    sampler = make(SAMPLERS[0], backend)
    sampler.options.environment.private = True
    job = sampler.run([isa(bell(), backend)], shots=10)

    assert job.private
    assert job.result()[0].data.meas.num_shots == 10
    assert job.result() is None
    assert service.job(job.job_id()).inputs == {}
