"""Session and Batch, as context managers and by hand."""

from __future__ import annotations

from typing import Any

import pytest
from qiskit_ibm_runtime import Batch, Session
from qiskit_ibm_runtime.exceptions import IBMInputValueError, IBMRuntimeError

from pytest_qiskit_fakeruntime import FakeRuntime

from .conftest import SAMPLERS, bell, isa, make

pytestmark = [
    pytest.mark.fake_backend("fake_manila"),
    pytest.mark.fake_runtime(plan="premium"),
]


@pytest.mark.parametrize(("kind", "mode"), [(Session, "dedicated"), (Batch, "batch")])
def test_session_holds_its_jobs_and_closes_at_the_end(
    fake_runtime: FakeRuntime, kind: Any, mode: str
) -> None:
    service = fake_runtime.service()
    backend = service.backend("fake_manila")
    circuit = isa(bell(), backend)

    with kind(backend=backend, max_time="10m") as session:
        assert session.status() == "Pending"
        sampler = make(SAMPLERS[0], session)
        jobs = [sampler.run([circuit], shots=10) for _ in range(3)]
        assert session.status() == "In progress, accepting new jobs"
        details = session.details()

    assert [job.status() for job in jobs] == ["DONE"] * 3
    assert {job.session_id for job in jobs} == {session.session_id}
    assert len(service.jobs(session_id=session.session_id)) == 3
    assert (details["mode"], details["max_time"]) == (mode, 600)
    assert session.status() == "Closed"
    assert session.usage() is not None
    assert fake_runtime.sessions[session.session_id].state == "closed"


def test_job_in_a_closed_session_is_refused(fake_runtime: FakeRuntime) -> None:
    backend = fake_runtime.service().backend("fake_manila")
    session = Session(backend=backend)
    sampler = make(SAMPLERS[0], session)
    fake_runtime.world.close_session(fake_runtime.sessions[session.session_id])

    with pytest.raises(IBMRuntimeError, match="1217"):
        sampler.run([isa(bell(), backend)])


def test_session_is_found_by_id(fake_runtime: FakeRuntime) -> None:
    service = fake_runtime.service()
    session = Session(backend=service.backend("fake_manila"))

    again = Session.from_id(session.session_id, service)

    assert again.details()["id"] == session.session_id
    with pytest.raises(IBMInputValueError, match="execution mode"):
        Batch.from_id(session.session_id, service)
    session.cancel()
    assert again.status() == "Closed"


@pytest.mark.fake_runtime(plan="open")
def test_open_plan_has_no_sessions_but_batches(fake_runtime: FakeRuntime) -> None:
    backend = fake_runtime.service().backend("fake_manila")

    with pytest.raises(Exception, match="1352"):
        Session(backend=backend)
    with Batch(backend=backend) as batch:
        assert batch.session_id
