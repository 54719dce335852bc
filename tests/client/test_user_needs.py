"""What real test suites do by hand, in a line or two. The numbers are those of our list."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from qiskit import ClassicalRegister, QuantumCircuit
from qiskit.providers.exceptions import QiskitBackendNotFoundError
from qiskit_ibm_runtime import QiskitRuntimeService
from qiskit_ibm_runtime.accounts.exceptions import AccountNotFoundError, InvalidAccountError
from qiskit_ibm_runtime.exceptions import IBMInputValueError, IBMNotAuthorizedError

from pytest_qiskit_fakeruntime import FakeRuntime, faults

from .conftest import SAMPLERS, Counts, bell, isa, make


def test_01_what_the_service_was_opened_with(fake_runtime: FakeRuntime) -> None:
    QiskitRuntimeService(channel="ibm_quantum_platform", token="my-token", instance="local")

    assert fake_runtime.calls["get_token"][0].request.form["apikey"] == "my-token"
    crns = {call.request.headers["service-crn"] for call in fake_runtime.calls["list_backends"]}
    assert crns <= {fake_runtime.credentials["instance"]}


@pytest.mark.parametrize("value", ["from-the-environment", "YOUR-TOKEN-HERE"])
def test_02_token_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, fake_runtime: FakeRuntime, value: str
) -> None:
    monkeypatch.setenv("QISKIT_IBM_TOKEN", value)

    QiskitRuntimeService().jobs()

    assert fake_runtime.calls["get_token"][0].request.form["apikey"] == value


@pytest.mark.parametrize("blank", ["", None])
def test_02_blank_token_in_the_environment_is_no_account(
    monkeypatch: pytest.MonkeyPatch, fake_runtime: FakeRuntime, blank: str | None
) -> None:
    if blank is None:
        monkeypatch.delenv("QISKIT_IBM_TOKEN")
    else:
        monkeypatch.setenv("QISKIT_IBM_TOKEN", blank)

    with pytest.raises(AccountNotFoundError):
        QiskitRuntimeService()


def test_03_invalid_token_at_iam(fake_runtime: FakeRuntime) -> None:
    fake_runtime.inject(faults.invalid_api_key("expired-key"), times=None)

    with pytest.raises(InvalidAccountError) as error:
        fake_runtime.service(token="expired-key")
    assert "expired-key" not in str(error.value)
    assert fake_runtime.service(token="good-key")


def test_03_runtime_api_answers_401(fake_runtime: FakeRuntime) -> None:
    service = fake_runtime.service(token="recognisable")
    fake_runtime.inject(faults.http_error(401), on="list_jobs")

    with pytest.raises(IBMNotAuthorizedError) as error:
        service.jobs()
    assert "recognisable" not in str(error.value)
    assert "1201" in str(error.value)


def test_04_accounts_saved_overwritten_and_deleted(
    monkeypatch: pytest.MonkeyPatch, fake_runtime: FakeRuntime
) -> None:
    from qiskit_ibm_runtime.accounts.exceptions import AccountAlreadyExistsError

    monkeypatch.delenv("QISKIT_IBM_TOKEN")
    save = QiskitRuntimeService.save_account
    save(token="one", name="first", channel="ibm_quantum_platform")
    save(token="two", name="second", channel="ibm_quantum_platform", set_as_default=True)
    with pytest.raises(AccountAlreadyExistsError):
        save(token="three", name="first", channel="ibm_quantum_platform")
    save(token="three", name="first", channel="ibm_quantum_platform", overwrite=True)

    assert set(QiskitRuntimeService.saved_accounts()) == {"first", "second"}
    assert QiskitRuntimeService(name="first").active_account()["token"] == "three"
    assert QiskitRuntimeService().active_account()["token"] == "two"
    assert QiskitRuntimeService.delete_account(name="second")


@pytest.mark.fake_runtime(instances=[{"name": "research", "plan": "flex"}])
def test_06_instance_by_name_and_unknown_name(fake_runtime: FakeRuntime) -> None:
    service = fake_runtime.service(instance="research")

    assert [one["plan"] for one in service.instances()] == ["flex"]
    with pytest.raises(IBMInputValueError, match="not a valid instance name"):
        fake_runtime.service(instance="resaerch")


def test_07_network_is_never_contacted(fake_runtime: FakeRuntime) -> None:
    isa_count = bell().count_ops()["h"]

    assert isa_count == 1
    assert len(fake_runtime.calls) == 0


def test_08_token_is_in_no_log_and_no_error(
    fake_runtime: FakeRuntime, client_log: pytest.LogCaptureFixture
) -> None:
    service = fake_runtime.service(token="a-recognisable-token")
    fake_runtime.inject(faults.http_error(500), on="list_jobs", times=None)

    with pytest.raises(Exception, match="500") as error:
        service.jobs()

    assert "a-recognisable-token" not in client_log.text + str(error.value)
    assert "500" in client_log.text


@pytest.mark.fake_backend("ibm_fez", queue_length=30)
@pytest.mark.fake_backend("ibm_torino", queue_length=4)
def test_09_least_busy_follows_the_queues(fake_runtime: FakeRuntime) -> None:
    assert fake_runtime.service().least_busy(operational=True).name == "ibm_torino"


@pytest.mark.fake_backend("fake_manila")
def test_10_none_qualifies_not_found_too_few_qubits(fake_runtime: FakeRuntime) -> None:
    service = fake_runtime.service()

    with pytest.raises(QiskitBackendNotFoundError):
        service.least_busy(min_num_qubits=6)
    with pytest.raises(QiskitBackendNotFoundError):
        service.backend("ibm_fez")
    assert service.backends(min_num_qubits=6) == []


@pytest.mark.fake_backend("fake_manila")
def test_13_history_by_date(fake_runtime: FakeRuntime) -> None:
    def t1(properties: dict[str, Any]) -> None:
        properties["qubits"][0][0]["value"] = 11.0

    fake_runtime.backends["fake_manila"].calibrate(t1, at=datetime(2020, 1, 1, tzinfo=timezone.utc))
    backend = fake_runtime.service().backend("fake_manila")

    assert backend.properties(datetime=datetime(2020, 6, 1)).t1(0) == pytest.approx(11e-6)
    assert backend.properties().t1(0) != pytest.approx(11e-6)
    assert backend.properties(datetime=datetime(2019, 1, 1)) is None


@pytest.mark.fake_backend("fake_manila", "fake_lima")
def test_13_old_dates_fail_and_one_device_has_no_configuration(fake_runtime: FakeRuntime) -> None:
    fake_runtime.inject(
        faults.http_error(500),
        on="get_backend_properties",
        when=lambda request: (request.param("updated_before") or "9") < "2021",
        times=None,
    )
    fake_runtime.inject(
        faults.http_error(404),
        on="get_backend_configuration",
        when=lambda request: "lima" in request.path,
    )
    service = fake_runtime.service()
    backend = service.backend("fake_manila")

    assert backend.properties() is not None
    with pytest.raises(Exception, match="500"):
        backend.properties(datetime=datetime(2020, 1, 1))
    assert [one.name for one in service.backends()] == ["fake_manila"]


@pytest.mark.fake_backend("fake_manila")
def test_22_what_was_sent(fake_runtime: FakeRuntime) -> None:
    backend = fake_runtime.service().backend("fake_manila")
    sampler = make(SAMPLERS[0], backend)
    sampler.options.environment.job_tags = ["ours"]
    circuit = isa(bell(), backend)
    sampler.run([circuit], shots=77)

    job = fake_runtime.jobs.last
    assert job.inputs["pubs"][0][2] == 77 or job.options.get("default_shots") == 77
    assert job.circuits == [circuit]
    assert (job.tags, job.private) == (["ours"], False)
    assert "resilience_level" not in job.params
    assert "twirling" not in job.options
    assert "backend" in fake_runtime.calls["create_job"][-1].request.json


@pytest.mark.fake_backend("fake_manila", noise=False)
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_24_registers_of_any_name(fake_runtime: FakeRuntime, sampler: str) -> None:
    alice, bob = ClassicalRegister(1, "alice"), ClassicalRegister(1, "bob_2")
    circuit = QuantumCircuit(2)
    circuit.add_register(alice, bob)
    circuit.x(1)
    circuit.measure([0, 1], [alice[0], bob[0]])
    backend = fake_runtime.service().backend("fake_manila")

    data = make(sampler, backend).run([isa(circuit, backend)], shots=9).result()[0].data

    assert (data.alice.get_counts(), data.bob_2.get_counts()) == ({"0": 9}, {"1": 9})


@pytest.mark.fake_backend("fake_manila")
def test_27_results_are_noisy_and_the_same_every_time() -> None:
    def counts() -> dict[str, int]:
        with FakeRuntime("fake_manila", seed=27) as fake:
            backend = fake.service().backend("fake_manila")
            job = make(SAMPLERS[0], backend).run([isa(bell(), backend)], shots=2000)
            return dict(job.result()[0].data.meas.get_counts())

    assert counts() == counts()
    assert 0 < 1 - Counts(counts()).probability("00", "11") < 0.2


@pytest.mark.fake_backend("fake_manila")
def test_30_lists_and_other_users_jobs(fake_runtime: FakeRuntime) -> None:
    ours, theirs = fake_runtime.service(), fake_runtime.service(token="a-colleague")
    for service, tags in ((ours, ["a", "b"]), (theirs, ["b"])):
        backend = service.backend("fake_manila")
        sampler = make(SAMPLERS[0], backend)
        sampler.options.environment.job_tags = tags
        sampler.run([isa(bell(), backend)], shots=10)
        fake_runtime.clock.advance(3600)

    assert len(ours.jobs()) == 2
    assert len(ours.jobs(job_tags=["a"])) == 1
    assert len(ours.jobs(job_tags=["b"], program_id="sampler", backend_name="fake_manila")) == 2
    assert len(ours.jobs(pending=True)) == 0
    newest, oldest = ours.jobs(limit=2)
    assert newest.creation_date - oldest.creation_date > timedelta(hours=1)
    assert ours.jobs(descending=False)[0].job_id() == oldest.job_id()
    users = {job.user for job in fake_runtime.jobs.values()}
    assert len(users) == 2


@pytest.mark.fake_backend("fake_manila")
def test_httpx_reaches_the_same_service(fake_runtime: FakeRuntime) -> None:
    import httpx

    backend = fake_runtime.service().backend("fake_manila")
    job = make(SAMPLERS[0], backend).run([isa(bell(), backend)], shots=10)
    headers = {
        "Authorization": "apikey any",
        "Service-CRN": fake_runtime.credentials["instance"],
        "IBM-API-Version": "2026-04-15",
    }

    answer = httpx.get("https://quantum.cloud.ibm.com/api/v1/jobs", headers=headers)

    assert [one["id"] for one in answer.json()["jobs"]] == [job.job_id()]
