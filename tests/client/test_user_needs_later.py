"""What real test suites do by hand: jobs, results, old jobs, sessions, usage, the network.

The numbers are those of our list. What the plugin is told is at most two lines per test.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import requests
from dateutil.parser import isoparse
from qiskit.providers.exceptions import QiskitBackendNotFoundError
from qiskit.quantum_info import SparsePauliOp
from qiskit_ibm_runtime import Batch, QiskitRuntimeService, Session
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
)

from pytest_qiskit_fakeruntime import FakeRuntime, faults

from ..capabilities import UNUSABLE_DEVICE_IS_NONE, USAGE_CHECK, USAGE_HAS_STATUS, needs
from .conftest import ESTIMATORS, SAMPLERS, bell, ghz, isa, make, run_executor, usage_warning

pytestmark = pytest.mark.fake_backend("fake_manila")


def submit(service: Any, **options: Any) -> Any:
    """The code under test, in short."""
    backend = service.backend("fake_manila")
    sampler = make(SAMPLERS[0], backend)
    sampler.options.environment.job_tags = options.pop("tags", [])
    return sampler.run([isa(bell(), backend)], shots=20, **options)


# ---- jobs, progress and end ------------------------------------------------------------


@pytest.mark.fake_runtime(polls=(2, 1))
def test_15_a_sequence_of_states_per_poll(fake_runtime_service: Any) -> None:
    job = submit(fake_runtime_service)

    assert [job.status() for _ in range(4)] == ["QUEUED", "QUEUED", "RUNNING", "DONE"]


@pytest.mark.fake_runtime(seconds=(60, 5))
def test_15_a_sequence_of_states_per_clock(fake_runtime: FakeRuntime) -> None:
    job, seen = submit(fake_runtime.service()), []
    for seconds in (30, 32, 5):
        seen.append(job.status())
        fake_runtime.clock.advance(seconds)

    assert [*seen, job.status()] == ["QUEUED", "QUEUED", "RUNNING", "DONE"]


@pytest.mark.fake_runtime(seconds=(3600, 0), sleep="virtual")
def test_16_a_long_queue_with_heartbeat(fake_runtime_service: Any) -> None:
    import time

    job, beats = submit(fake_runtime_service), 0
    while not job.in_final_state():
        time.sleep(300)
        beats += 1

    moments = {name: isoparse(text) for name, text in job.metrics()["timestamps"].items()}
    assert beats == 12
    assert moments["running"] - moments["created"] == timedelta(hours=1)


def test_17_job_ends_in_error(fake_runtime: FakeRuntime) -> None:
    fake_runtime.inject(faults.job_fails("The circuit is too deep.", 8057))

    with pytest.raises(RuntimeJobFailureError, match="Error code 8057; The circuit is too deep"):
        submit(fake_runtime.service()).result()


def test_17_job_runs_too_long(fake_runtime: FakeRuntime) -> None:
    fake_runtime.inject(faults.job_runs_too_long())

    with pytest.raises(RuntimeJobMaxTimeoutError, match="1305"):
        submit(fake_runtime.service()).result()


def test_18_job_is_cancelled_by_the_server(fake_runtime: FakeRuntime) -> None:
    fake_runtime.inject(faults.job_is_cancelled())

    assert submit(fake_runtime.service()).status() == "CANCELLED"


def test_18_cancel_is_refused(fake_runtime_service: Any) -> None:
    with pytest.raises(RuntimeInvalidStateError):
        submit(fake_runtime_service).cancel()


def test_18_cancel_raises(fake_runtime: FakeRuntime) -> None:
    fake_runtime.inject(faults.http_error(500), on="cancel_job", times=None)

    with pytest.raises(IBMRuntimeError, match="Failed to cancel job"):
        submit(fake_runtime.service()).cancel()


@pytest.mark.fake_runtime(hold=True)
def test_19_ctrl_c_while_waiting_cancels_the_job(fake_runtime: FakeRuntime) -> None:
    fake_runtime.inject(faults.raises(KeyboardInterrupt), on="get_job", after=4)
    job = submit(fake_runtime.service())
    try:
        job.result()
    except KeyboardInterrupt:
        job.cancel()

    assert fake_runtime.jobs.last.status == "Cancelled"


def test_20_waiting_times_out_and_the_job_ends_later(fake_runtime: FakeRuntime) -> None:
    fake_runtime.inject(faults.queue(seconds=900))
    job = submit(fake_runtime.service())

    with pytest.raises(RuntimeJobTimeoutError):
        job.result(timeout=600)
    assert job.result(timeout=600)[0].data.meas.num_shots == 20


def test_21_submitted_once_though_the_first_answer_was_lost(fake_runtime: FakeRuntime) -> None:
    fake_runtime.inject(faults.latency(1000), on="create_job")
    service = fake_runtime.service()
    with pytest.raises(IBMRuntimeError):
        submit(service, tags=["run-1"])

    if not service.jobs(job_tags=["run-1"]):  # the guard under test
        submit(service, tags=["run-1"])
    assert len(fake_runtime.jobs) == 1


def test_21_nothing_is_sent_when_it_is_refused(fake_runtime: FakeRuntime) -> None:
    backend = fake_runtime.service().backend("fake_manila")
    with pytest.raises(IBMInputValueError):
        make(SAMPLERS[0], backend).run([bell()])  # not ISA: the client itself refuses it

    assert not fake_runtime.calls["create_job"]


def test_22_what_was_sent(fake_runtime: FakeRuntime) -> None:
    submit(fake_runtime.service(), tags=["ours"])

    job = fake_runtime.jobs.last
    assert (job.tags, job.private, job.inputs["pubs"][0][2]) == (["ours"], False, 20)
    assert "resilience_level" not in job.options


# ---- results ---------------------------------------------------------------------------


def test_23_counts_of_a_real_device_are_replayed(fake_runtime: FakeRuntime) -> None:
    job = fake_runtime.jobs.add({"00": 481, "11": 519})

    result = fake_runtime.service().job(job.id).result()
    assert result[0].data.meas.get_counts() == {"00": 481, "11": 519}


def test_24_registers_of_other_names(fake_runtime: FakeRuntime) -> None:
    from qiskit.primitives import BitArray, DataBin, PrimitiveResult, SamplerPubResult

    bits = DataBin(alice=BitArray.from_counts({"0": 9}), bob=BitArray.from_counts({"1": 9}))
    job = fake_runtime.jobs.add(PrimitiveResult([SamplerPubResult(bits)]))

    data = fake_runtime.service().job(job.id).result()[0].data
    assert (data.alice.get_counts(), data.bob.get_counts()) == ({"0": 9}, {"1": 9})


@pytest.mark.parametrize(
    ("fault", "result"), [(faults.missing_result(), None), (faults.truncated(3), '{"m')]
)
def test_25_empty_or_truncated_result(
    fake_runtime: FakeRuntime, fault: faults.Fault, result: Any
) -> None:
    fake_runtime.inject(fault, on="get_job_results")
    job = fake_runtime.jobs.add({"metadata": 1})

    assert fake_runtime.service().job(job.id).result() == result


def test_25_expired_result(fake_runtime: FakeRuntime) -> None:
    fake_runtime.inject(faults.http_error(404), on="get_job_results")

    with pytest.raises(RequestsApiError, match="404"):
        submit(fake_runtime.service()).result()


def test_25_private_result_is_read_once(fake_runtime: FakeRuntime) -> None:
    job_id = fake_runtime.jobs.add({"00": 1}, private=True).id

    job = fake_runtime.service().job(job_id)
    assert job.result()[0].data.meas.num_shots == 1
    assert job.result() is None


def test_26_expectation_values_and_errors(fake_runtime: FakeRuntime) -> None:
    from qiskit.primitives import DataBin, PrimitiveResult, PubResult

    pub = PubResult(DataBin(evs=-1.13, stds=0.02))
    job = fake_runtime.jobs.add(PrimitiveResult([pub, pub]), program="estimator")

    data = fake_runtime.service().job(job.id).result()[1].data
    assert (float(data.evs), float(data.stds)) == (-1.13, 0.02)


@pytest.mark.fake_backend("fake_manila", noise=False)
def test_26_several_pubs_in_one_job(fake_runtime_service: Any) -> None:
    backend = fake_runtime_service.backend("fake_manila")
    circuit = isa(ghz(2).remove_final_measurements(inplace=False), backend)
    observables = [SparsePauliOp(p).apply_layout(circuit.layout) for p in ("ZZ", "XX")]

    result = make(ESTIMATORS[0], backend).run([(circuit, one) for one in observables]).result()
    assert [round(float(pub.data.evs), 1) for pub in result] == [1.0, 1.0]


@pytest.mark.fake_runtime(seed=27)
def test_27_results_are_noisy_and_the_same_every_time(fake_runtime: FakeRuntime) -> None:
    counts = [submit(fake_runtime.service()).result()[0].data.meas.get_counts()]
    with FakeRuntime("fake_manila", seed=27) as again:
        counts.append(submit(again.service()).result()[0].data.meas.get_counts())

    assert counts[0] == counts[1]


def test_28_executor(fake_runtime_service: Any) -> None:
    backend = fake_runtime_service.backend("fake_manila")

    result = run_executor(backend, isa(bell(), backend), None, shots=30).result()
    assert result[0]["meas"].shape == (30, 2)


# ---- old jobs and lists ----------------------------------------------------------------


def test_29_job_of_another_process(fake_runtime: FakeRuntime) -> None:
    fake_runtime.jobs.add({"00": 1}, id="d0yesterday", created=timedelta(days=1), qpu_seconds=7)

    job = fake_runtime.service().job("d0yesterday")
    assert (job.status(), job.backend().name, job.usage()) == ("DONE", "fake_manila", 7)
    assert job.result()[0].data.meas.num_shots == 1


@pytest.mark.fake_runtime(hold=True)
def test_30_lists(fake_runtime: FakeRuntime) -> None:
    fake_runtime.jobs.add(created=timedelta(days=7), tags=["old"], api_key="a-colleague")
    service = fake_runtime.service()
    submit(service, tags=["new"])

    assert len(service.jobs()) == 2
    assert len(service.jobs(pending=True)) == len(service.jobs(job_tags=["new"])) == 1
    assert len(service.jobs(created_before=datetime.now() - timedelta(days=1))) == 1
    assert service.jobs(limit=1, skip=1)[0].tags == ["old"]


def test_31_tags_and_delete(fake_runtime: FakeRuntime) -> None:
    job = fake_runtime.jobs.add(tags=["old"])

    service = fake_runtime.service()
    assert service.job(job.id).update_tags(["new"]) == ["new"]
    service.delete_job(job.id)
    with pytest.raises(RuntimeJobNotFound):
        service.job(job.id)


def test_31_delete_is_forbidden(fake_runtime: FakeRuntime) -> None:
    fake_runtime.inject(faults.forbidden(), on="delete_job")
    job = fake_runtime.jobs.add()

    with pytest.raises(IBMRuntimeError, match="403"):
        fake_runtime.service().delete_job(job.id)


# ---- sessions and batches --------------------------------------------------------------


@pytest.mark.fake_runtime(plan="premium")
def test_32_one_session_for_many_jobs(fake_runtime: FakeRuntime) -> None:
    service = fake_runtime.service()
    backend = service.backend("fake_manila")
    with Session(backend=backend, max_time="1h") as session:
        for _ in range(3):
            make(SAMPLERS[0], session).run([isa(bell(), backend)], shots=10)

    assert {job.session_id for job in fake_runtime.jobs.values()} == {session.session_id}
    assert Session.from_id(session.session_id, service).details()["max_time"] == 3600
    assert fake_runtime.sessions[session.session_id].state == "closed"


@pytest.mark.fake_runtime(plan="premium")
def test_33_expired_session_is_opened_again(fake_runtime: FakeRuntime) -> None:
    fake_runtime.inject(faults.session_closed(), after=1)
    backend = fake_runtime.service().backend("fake_manila")
    session, circuit = Session(backend=backend), isa(bell(), backend)
    for _ in range(3):
        try:
            make(SAMPLERS[0], session).run([circuit], shots=10)
        except IBMRuntimeError:  # the recovery under test
            session = Session(backend=backend)
            make(SAMPLERS[0], session).run([circuit], shots=10)

    assert len(fake_runtime.sessions) == 2
    assert len(fake_runtime.jobs) == 3


@pytest.mark.fake_runtime(plan="premium", hold=True)
def test_33_session_is_closed_with_jobs_queued(fake_runtime: FakeRuntime) -> None:
    backend = fake_runtime.service().backend("fake_manila")
    session = Session(backend=backend)
    job = make(SAMPLERS[0], session).run([isa(bell(), backend)])

    session.cancel()
    assert (job.status(), session.status()) == ("CANCELLED", "Closed")


@pytest.mark.fake_runtime(plan="open")
def test_34_sessions_are_refused_on_the_open_plan(fake_runtime_service: Any) -> None:
    with pytest.raises(RequestsApiError, match="1352"):
        Session(backend=fake_runtime_service.backend("fake_manila"))
    assert Batch(backend=fake_runtime_service.backend("fake_manila")).session_id


# ---- usage, limits, network ------------------------------------------------------------


@pytest.mark.fake_runtime(usage_limit_seconds=100)
def test_35_remaining_consumed_limit(fake_runtime: FakeRuntime) -> None:
    fake_runtime.instances[fake_runtime.credentials["instance"]].usage_consumed_seconds = 40

    usage = fake_runtime.service().usage()
    assert usage["usage_consumed_seconds"] == 40
    assert (usage["usage_limit_seconds"], usage["usage_remaining_seconds"]) == (100, 60)


def test_35_over_the_limit(fake_runtime: FakeRuntime) -> None:
    fake_runtime.inject(faults.quota_exceeded())

    service = fake_runtime.service()
    assert service.usage()["usage_limit_reached"]
    with usage_warning("usage limit"):
        job = submit(service)
    assert job.status() == "QUEUED"


@needs(USAGE_CHECK)
def test_35_no_usage_known_no_submission(fake_runtime: FakeRuntime) -> None:
    fake_runtime.inject(faults.http_error(404), on="get_usage")

    with pytest.raises(RequestsApiError):
        submit(fake_runtime.service())
    assert len(fake_runtime.jobs) == 0


@pytest.mark.fake_runtime(hold=True)
def test_36_usage_is_pending_then_final(fake_runtime: FakeRuntime) -> None:
    job = submit(fake_runtime.service())
    told = ("pending", "complete") if USAGE_HAS_STATUS else (None, None)
    assert (job.usage(), job.metrics()["usage"].get("status")) == (0, told[0])
    fake_runtime.jobs.release()

    assert job.metrics()["usage"].get("status") == told[1]
    assert job.usage() > 2


def test_36_metrics_raise(fake_runtime: FakeRuntime) -> None:
    fake_runtime.inject(faults.http_error(404), on="get_job_metrics")

    with pytest.raises(IBMRuntimeError, match="Failed to get job metadata"):
        submit(fake_runtime.service()).metrics()


@pytest.mark.fake_runtime(polls=(3, 0))
@pytest.mark.parametrize("operation", ["get_job", "get_job_results", "get_job_metrics"])
def test_37_network_drops_at_one_request(fake_runtime: FakeRuntime, operation: str) -> None:
    fake_runtime.inject(faults.disconnect(), on=operation)

    job = submit(fake_runtime.service())
    assert job.result() is not None  # one lost answer: the client tries again
    assert job.metrics()["usage"]


def test_37_errors_until_the_retries_are_used_up(fake_runtime: FakeRuntime) -> None:
    fake_runtime.inject(faults.http_error(500), on="get_job", times=6)
    job = submit(fake_runtime.service())

    with pytest.raises(RequestsApiError, match="too many 500"):
        job.status()
    assert job.status() == "DONE"


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (faults.rate_limit(retry_after=None), "429"),
        (faults.http_error(413), "413"),
        (faults.html_page(403), "403"),
    ],
)
def test_38_too_many_too_large_forbidden(
    fake_runtime: FakeRuntime, fault: faults.Fault, text: str
) -> None:
    fake_runtime.inject(fault, on="create_job")

    with pytest.raises(IBMRuntimeError, match=text):
        submit(fake_runtime.service())


def test_38_maintenance(fake_runtime: FakeRuntime) -> None:
    fake_runtime.inject(faults.http_error(503), times=None)

    with pytest.raises(requests.RequestException):
        requests.get("https://quantum.cloud.ibm.com/api/v1/versions").raise_for_status()


def test_38_expired_token(fake_runtime: FakeRuntime) -> None:
    service = fake_runtime.service()
    fake_runtime.inject(faults.token_expired())

    with pytest.raises(IBMNotAuthorizedError, match="the token has expired"):
        service.jobs()


def test_14_retired_device_of_an_old_job(fake_runtime: FakeRuntime) -> None:
    fake_runtime.jobs.add(id="d0old", backend="ibm_retired")
    job = QiskitRuntimeService().job("d0old")

    if UNUSABLE_DEVICE_IS_NONE:
        with pytest.raises(QiskitBackendNotFoundError):
            job.backend()
    else:
        assert job.backend().name == "ibm_retired"
