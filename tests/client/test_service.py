"""Opening the service, and finding instances and devices."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from qiskit.providers.exceptions import QiskitBackendNotFoundError
from qiskit_ibm_runtime import QiskitRuntimeService
from qiskit_ibm_runtime.accounts.exceptions import InvalidAccountError
from qiskit_ibm_runtime.exceptions import IBMInputValueError

from pytest_qiskit_fakeruntime import FakeRuntime, UsageError, faults

from ..capabilities import needs
from .conftest import SAMPLERS, bell, isa, make

MINE = "crn:v1:bluemix:public:quantum-computing:us-east:a/local:mine::"
SNIPPET: dict[str, Any] = {
    "channel": "ibm_quantum_platform",
    "token": "test-token",
    "url": "http://localhost:8000",
    "instance": "crn:v1:bluemix:public:quantum-computing:us-east:a/local::local",
    "verify": False,
}


def packaged_devices() -> int:
    import qiskit_ibm_runtime.fake_provider as provider

    directory = Path(provider.__file__).parent / "backends"
    return len(list(directory.glob("*/conf_*.json")))


def test_service_with_an_account_url_lists_every_device() -> None:
    with FakeRuntime() as fake:
        service = QiskitRuntimeService(**SNIPPET)
        names = {backend.name for backend in service.backends()}

    assert len(names) == packaged_devices()
    assert {"fake_manila", "fake_sherbrooke", "fake_fez"} <= names
    assert {call.request.host for call in fake.calls["list_backends"]} == {"quantum.localhost"}
    assert fake.calls["get_token"][0].request.form["apikey"] == "test-token"


def test_service_with_an_account_url_runs_a_job() -> None:
    with FakeRuntime():
        backend = QiskitRuntimeService(**SNIPPET).backend("fake_manila")
        job = make(SAMPLERS[0], backend).run([isa(bell(), backend)], shots=10)

        assert job.result()[0].data.meas.num_shots == 10


# Releases that know mock devices look for what is not listed; others take the list's word.
@needs("qiskit_ibm_runtime.QiskitRuntimeService._run", "dry_run")
def test_ibm_name_finds_the_snapshot_without_being_listed(fake_runtime: FakeRuntime) -> None:
    service = fake_runtime.service()

    assert service.backend("ibm_fez").num_qubits == 156
    assert service.backend("ibm_fez").name == "ibm_fez"
    assert "ibm_fez" not in {backend.name for backend in service.backends(min_num_qubits=150)}


def test_listing_parses_no_device(fake_runtime: FakeRuntime) -> None:
    fake_runtime.service().backend("fake_manila")  # before 0.51 it lists when it is first asked

    assert fake_runtime.calls["list_backends"]
    parsed = {call.request.path for call in fake_runtime.calls["get_backend_configuration"]}
    assert [path for path in parsed if "fake_manila" not in path] == []


def test_hostile_surroundings_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hostile = "https://evil.example.org"
    (tmp_path / "ibm-credentials.env").write_text(
        f"GLOBAL_SEARCH_URL={hostile}\nGLOBAL_CATALOG_URL={hostile}\n"
    )
    (tmp_path / ".qiskit").mkdir()
    account = tmp_path / ".qiskit" / "qiskit-ibm.json"
    account.write_text('{"default-ibm-quantum-platform": {"token": "real", "url": "x"}}')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("QISKIT_IBM_TOKEN", "real-token")
    monkeypatch.setenv("QISKIT_IBM_URL", hostile)
    monkeypatch.setenv("QISKIT_IBM_INSTANCE", "real-instance")
    monkeypatch.setenv("QISKIT_IBM_CHANNEL", "ibm_cloud")
    monkeypatch.setenv("IAM_URL", hostile)
    monkeypatch.setenv("GLOBAL_SEARCH_URL", hostile)
    monkeypatch.setenv("IBM_CREDENTIALS_FILE", str(tmp_path / "ibm-credentials.env"))
    monkeypatch.setenv("VCAP_SERVICES", '{"global-search": [{"credentials": {"url": "x"}}]}')
    monkeypatch.setenv("QISKIT_FUNCTIONS_EXPERIMENTAL", "1")

    with FakeRuntime("fake_manila") as fake:
        service = QiskitRuntimeService()
        assert [backend.name for backend in service.backends()] == ["fake_manila"]
        assert service.active_account()["token"] == fake.credentials["token"]
        assert QiskitRuntimeService.saved_accounts() == {}

    assert {call.request.host for call in fake.calls} <= {
        "iam.cloud.ibm.com",
        "api.global-search-tagging.cloud.ibm.com",
        "globalcatalog.cloud.ibm.com",
        "quantum.cloud.ibm.com",
    }
    assert "real" in account.read_text()


def test_saved_account_is_kept_for_the_time_of_the_fake(fake_runtime: FakeRuntime) -> None:
    QiskitRuntimeService.save_account(
        channel="ibm_quantum_platform",
        token="saved-token",
        instance=fake_runtime.credentials["instance"],
        name="mine",
    )

    service = QiskitRuntimeService(name="mine")

    assert service.active_account()["token"] == "saved-token"
    assert list(QiskitRuntimeService.saved_accounts()) == ["mine"]
    assert QiskitRuntimeService.delete_account(name="mine")


def test_invalid_key_cannot_open_the_service(fake_runtime: FakeRuntime) -> None:
    fake_runtime.world.accounts.invalid_keys.add("wrong")

    with pytest.raises(InvalidAccountError, match="Unable to retrieve instances"):
        fake_runtime.service(token="wrong", instance="local")


def test_token_appears_in_no_log(
    fake_runtime: FakeRuntime, client_log: pytest.LogCaptureFixture
) -> None:
    client_log.set_level(logging.DEBUG)
    service = fake_runtime.service(token="recognisable-secret")
    with pytest.raises(QiskitBackendNotFoundError):
        service.backend("nothing")

    assert client_log.text
    assert "recognisable-secret" not in client_log.text


@pytest.mark.fake_runtime(
    instances=[
        {"name": "free", "plan": "open"},
        {"name": "research", "plan": "premium", "tags": ["lab"], "devices": ["fake_fez"]},
        {"name": "europe", "plan": "flex", "region": "eu-de"},
    ]
)
def test_several_instances(fake_runtime: FakeRuntime) -> None:
    def opened(**kwargs: Any) -> str:
        crn = QiskitRuntimeService(
            channel="ibm_quantum_platform", token="t", **kwargs
        ).active_instance()
        return fake_runtime.instances[crn].name

    plans = {one["name"]: one["plan"] for one in fake_runtime.service().instances()}
    assert plans == {"free": "open", "research": "premium", "europe": "flex"}
    assert opened(instance="research") == "research"
    assert opened(tags=["lab"]) == "research"
    assert opened(region="eu-de") == "europe"
    assert opened(plans_preference=["premium"]) == "research"
    with pytest.raises(IBMInputValueError, match="not a valid instance name"):
        opened(instance="nobody")
    with pytest.raises(IBMInputValueError, match="No matching instances"):
        opened(plans_preference=["on-prem"])
    research = fake_runtime.service(instance="research")
    assert [backend.name for backend in research.backends()] == ["fake_fez"]


@pytest.mark.fake_backend("fake_manila", queue_length=9)
@pytest.mark.fake_backend("fake_lima", queue_length=2)
@pytest.mark.fake_backend("fake_quito", status="maintenance")
@pytest.mark.fake_backend("ibm_fez", queue_length=5)
def test_least_busy(fake_runtime: FakeRuntime) -> None:
    service = fake_runtime.service()

    assert service.least_busy().name == "fake_lima"
    assert service.least_busy(min_num_qubits=100).name == "ibm_fez"
    assert service.least_busy(filters=lambda b: b.name == "fake_manila").name == "fake_manila"
    fake_runtime.backends["fake_lima"].queue_length = 100
    assert fake_runtime.service().least_busy(operational=True).name == "ibm_fez"
    with pytest.raises(QiskitBackendNotFoundError):
        service.least_busy(min_num_qubits=1000)


@pytest.mark.fake_backend("fake_manila", "fake_lima")
def test_filters_and_changes_of_state(fake_runtime: FakeRuntime) -> None:
    service = fake_runtime.service()
    assert [b.name for b in service.backends(filters=lambda b: "lima" in b.name)] == ["fake_lima"]
    assert service.backends(min_num_qubits=6) == []
    with pytest.raises(QiskitBackendNotFoundError):
        service.backend("ibm_nowhere")

    backend = service.backend("fake_manila")
    assert backend.status().operational
    fake_runtime.backends["fake_manila"].status = "offline"
    fake_runtime.backends["fake_manila"].queue_length = 3
    status = backend.status()
    assert (status.operational, status.status_msg, status.pending_jobs) == (False, "offline", 3)


def test_data_of_a_device_is_the_packaged_data(fake_runtime: FakeRuntime) -> None:
    from qiskit_ibm_runtime.fake_provider import FakeManilaV2

    backend, packaged = fake_runtime.service().backend("fake_manila"), FakeManilaV2()

    for qubit in range(5):
        served, original = (
            {name: value for name, (value, _) in one.properties().qubit_property(qubit).items()}
            for one in (backend, packaged)
        )
        assert served == original
    assert backend.configuration().n_qubits == 5
    assert backend.target.operation_names >= {"cx", "rz", "sx", "x"}
    for name in ("cx", "sx", "measure"):
        for qubits, instruction in backend.target[name].items():
            assert instruction.error == packaged.target[name][qubits].error
    assert backend.coupling_map == packaged.coupling_map


def test_fractional_gates_are_there_when_asked_for(fake_runtime: FakeRuntime) -> None:
    service = fake_runtime.service()

    assert "rzz" not in service.backend("fake_fractional").target.operation_names
    fractional = service.backend("fake_fractional", use_fractional_gates=True)
    assert {"rx", "rzz"} <= set(fractional.target.operation_names)


def test_broken_configuration_makes_one_device_unusable(fake_runtime: FakeRuntime) -> None:
    fake_runtime.inject(
        faults.http_error(404),
        on="get_backend_configuration",
        when=lambda r: "lima" in r.path,
        times=None,  # client 0.50 asks twice
    )

    with pytest.raises(QiskitBackendNotFoundError):
        fake_runtime.service().backend("fake_lima")


@pytest.mark.fake_backend("fake_manila")
def test_devices_of_one_s_own(fake_runtime: FakeRuntime) -> None:
    from qiskit.providers.fake_provider import GenericBackendV2

    fake_runtime.add_backend(GenericBackendV2(3, seed=1), name="three", queue_length=4)
    fake_runtime.add_backend("ibm_torino")
    service = fake_runtime.service()

    backend = service.backend("three")
    assert (backend.num_qubits, backend.status().pending_jobs) == (3, 4)
    job = make(SAMPLERS[0], backend).run([isa(bell(), backend)], shots=10)
    assert job.result()[0].data.meas.num_shots == 10
    assert service.backend("ibm_torino").num_qubits == 133


def test_usage_and_instance_are_told(fake_runtime: FakeRuntime) -> None:
    service = fake_runtime.service()

    assert service.active_instance() == fake_runtime.credentials["instance"]
    assert service.usage()["usage_consumed_seconds"] == 0
    assert service.usage()["usage_remaining_seconds"] == 600


def test_instances_failing(fake_runtime: FakeRuntime) -> None:
    fake_runtime.inject(faults.http_error(500), on="search_resources", times=None)

    with pytest.raises(InvalidAccountError):
        fake_runtime.service().instances()


def test_wrong_name_of_an_operation_is_an_error(fake_runtime: FakeRuntime) -> None:
    with pytest.raises(LookupError, match="Did you mean 'create_job'"):
        fake_runtime.calls["creat_job"]
    with pytest.raises(Exception, match="Did you mean 'create_job'"):
        fake_runtime.inject(faults.outage(), on="creat_job")


def test_wrong_values_are_refused(fake_runtime: FakeRuntime) -> None:
    device = fake_runtime.backends["fake_manila"]

    with pytest.raises(ValueError, match="number of jobs"):
        device.queue_length = -3
    with pytest.raises(AttributeError):
        device.queue = 3  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="Did you mean 'online'"):
        device.status = "onlin"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"instances": {"name": "a"}}, "give a list"),
        ({"instances": "name=a"}, "give a list"),
        ({"instances": [{"crn": MINE}, {"crn": MINE}]}, "two have the CRN"),
        ({"instances": [{"region": "mars"}]}, "not a region"),
        ({"instances": [{"name": "a"}], "plan": "premium"}, "each its own plan"),
    ],
)
def test_instances_that_make_no_sense_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        FakeRuntime(**options)


def test_class_name_of_a_device_finds_the_device() -> None:
    with pytest.raises(UsageError, match="Did you mean fake_manila"):
        FakeRuntime("FakeManilaV2")


def test_outer_fake_cannot_open_a_service_that_the_inner_would_answer() -> None:
    with (
        FakeRuntime("fake_manila") as outer,
        FakeRuntime("fake_lima"),
        pytest.raises(UsageError, match="answers in its place"),
    ):
        outer.service()


def test_short_forms_of_requests_mock(fake_runtime: FakeRuntime) -> None:
    import requests

    fake_runtime.requests_mock.get("https://example.com/a", json={"b": 1})

    assert requests.get("https://example.com/a").json() == {"b": 1}
