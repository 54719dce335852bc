"""Devices and the snapshots they are served from."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest

from pytest_qiskit_fakeruntime.world.devices import STATUSES, Device, Devices
from pytest_qiskit_fakeruntime.world.snapshots import Catalogue, Snapshot, UnknownDevice


def snapshot(name: str, qubits: int = 5, calibrated: bool = True) -> Snapshot:
    configuration = {"backend_name": name, "n_qubits": qubits, "gates": [{"name": "x"}]}
    properties = {"backend_name": name, "qubits": [[{"name": "T1"}]]} if calibrated else None
    return Snapshot.from_documents(configuration, properties, f"made for {name}")


@pytest.fixture
def catalogue() -> Catalogue:
    return Catalogue({f"fake_{name}": snapshot(name) for name in ("fez", "manila", "oslo")})


@pytest.fixture
def device(catalogue: Catalogue) -> Device:
    return Device("ibm_fez", catalogue["fake_fez"])


# --- the catalogue


@pytest.mark.parametrize("name", ["fake_fez", "ibm_fez", "ibmq_fez"])
def test_snapshot_is_found_by_all_its_names(catalogue: Catalogue, name: str) -> None:
    assert catalogue[name] is catalogue["fake_fez"]
    assert name in catalogue


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        pytest.param("ibm_fes", " Did you mean ibm_fez", id="misspelt"),
        pytest.param("fake_manilla", " Did you mean fake_manila", id="doubled letter"),
        pytest.param("zzzz", "", id="unlike any"),
    ],
)
def test_unknown_name_is_refused_with_the_nearest(
    catalogue: Catalogue, name: str, hint: str
) -> None:
    with pytest.raises(UnknownDevice) as raised:
        catalogue[name]

    assert str(raised.value).startswith(f"there is no device {name!r}.{hint}")


def test_unknown_device_is_a_key_error_that_survives_pickling() -> None:
    error = UnknownDevice("ibm_fes", ["ibm_fez"])

    copy = pickle.loads(pickle.dumps(error))

    assert isinstance(copy, KeyError)
    assert (copy.name, str(copy)) == (error.name, str(error))


# --- the devices of a service


def test_whole_catalogue_is_served_unless_told_otherwise(catalogue: Catalogue) -> None:
    devices = Devices(catalogue)

    assert list(devices) == ["fake_fez", "fake_manila", "fake_oslo"]
    assert devices.aliases == ["ibm_fez", "ibm_manila", "ibm_oslo"]
    assert devices["ibm_fez"].name == "ibm_fez"
    assert len(devices) == 3


def test_chosen_devices_are_served_and_no_others(catalogue: Catalogue) -> None:
    devices = Devices(catalogue, ["ibm_oslo", "fake_fez"])

    assert list(devices) == ["ibm_oslo", "fake_fez"]
    assert devices.aliases == []
    assert "ibm_fez" not in devices


def test_device_not_listed_keeps_its_state(catalogue: Catalogue) -> None:
    devices = Devices(catalogue)
    devices["ibm_fez"].queue_length = 4

    assert devices["ibm_fez"].queue_length == 4
    assert devices["fake_fez"].queue_length == 0


def test_device_is_added_with_its_state(catalogue: Catalogue) -> None:
    devices = Devices(catalogue, ())

    device = devices.add("ibm_fez", queue_length=3, status="paused", noise=False)

    assert devices["ibm_fez"] is device
    assert (device.queue_length, device.status, device.noise) == (3, "paused", False)


def test_device_of_any_name_is_added_with_a_snapshot(catalogue: Catalogue) -> None:
    devices = Devices(catalogue, ())

    devices.add("my lab", snapshot("x", qubits=3))

    assert repr(devices["my lab"]) == "<Device 'my lab', 3 qubits, online>"


def test_device_of_the_same_name_is_replaced_in_its_place(catalogue: Catalogue) -> None:
    devices = Devices(catalogue)
    new = devices.add("fake_fez", status="offline")

    assert devices["fake_fez"] is new
    assert list(devices) == ["fake_fez", "fake_manila", "fake_oslo"]


def test_listed_ibm_name_is_no_alias_any_more(catalogue: Catalogue) -> None:
    devices = Devices(catalogue)
    devices.add("ibm_fez")

    assert devices.aliases == ["ibm_manila", "ibm_oslo"]


def test_unknown_device_cannot_be_added(catalogue: Catalogue) -> None:
    with pytest.raises(UnknownDevice, match="Did you mean ibm_fez"):
        Devices(catalogue, ()).add("ibm_fes")


@pytest.mark.parametrize("name", ["fake_fez", "ibm_fez"])
def test_removed_device_is_gone(catalogue: Catalogue, name: str) -> None:
    devices = Devices(catalogue)

    devices.remove(name)

    assert name not in devices
    assert name not in [*devices, *devices.aliases]
    with pytest.raises(UnknownDevice):
        devices[name]


def test_removed_device_can_be_added_again(catalogue: Catalogue) -> None:
    devices = Devices(catalogue)
    devices.remove("ibm_fez")
    devices.add("ibm_fez")

    assert "ibm_fez" in devices


def test_unknown_device_cannot_be_removed(catalogue: Catalogue) -> None:
    with pytest.raises(UnknownDevice, match="Did you mean fake_fez"):
        Devices(catalogue).remove("fake_fes")


# --- one device


@pytest.mark.parametrize("status", STATUSES)
def test_status_says_whether_jobs_are_taken(device: Device, status: str) -> None:
    device.status = status

    assert device.operational == STATUSES[status][0]


@pytest.mark.parametrize(
    ("status", "hint"),
    [
        pytest.param("onlin", " Did you mean 'online'?", id="misspelt"),
        pytest.param("xyz", "", id="unlike any"),
    ],
)
def test_unknown_status_is_refused_and_the_old_one_stays(
    device: Device, status: str, hint: str
) -> None:
    with pytest.raises(ValueError) as raised:
        device.status = status

    choices = ", ".join(STATUSES)
    assert str(raised.value) == f"{status!r} is not a device status; choose from {choices}.{hint}"
    assert device.status == "online"


def test_documents_carry_the_name_of_the_device(device: Device) -> None:
    assert device.configuration["backend_name"] == "ibm_fez"
    assert json.loads(device.configuration_json())["backend_name"] == "ibm_fez"
    assert json.loads(device.properties_json())["backend_name"] == "ibm_fez"
    assert device.snapshot.configuration_document["backend_name"] == "fez"


def test_device_without_calibration_has_no_properties() -> None:
    device = Device("sim", snapshot("sim", calibrated=False))

    assert device.properties is None
    assert device.properties_json() == b"{}"


def test_edit_changes_this_device_and_nothing_else(device: Device, catalogue: Catalogue) -> None:
    def rename(document: dict[str, Any]) -> None:
        document["gates"][0]["name"] = "y"

    def calibrate(document: dict[str, Any]) -> None:
        document["qubits"][0][0]["value"] = 9

    before = json.dumps(catalogue["fake_fez"].configuration_document)
    device.configuration_json()
    device.edit(configuration=rename, properties=calibrate)

    assert json.loads(device.configuration_json())["gates"] == [{"name": "y"}]
    assert json.loads(device.properties_json())["qubits"] == [[{"name": "T1", "value": 9}]]
    assert json.dumps(catalogue["fake_fez"].configuration_document) == before
    assert catalogue["fake_fez"].properties_document == snapshot("fez").properties_document


def test_edit_of_one_document_leaves_the_other(device: Device) -> None:
    device.edit(configuration=lambda document: document.update(n_qubits=7))

    assert device.num_qubits == 7
    assert device.properties == {"backend_name": "ibm_fez", "qubits": [[{"name": "T1"}]]}


def test_calibration_can_be_given_to_a_device_that_has_none() -> None:
    device = Device("sim", snapshot("sim", calibrated=False))

    device.edit(properties=lambda document: document.update(qubits=[]))

    assert device.properties == {"backend_name": "sim", "qubits": []}


def test_editing_a_device_without_calibration_gives_it_none() -> None:
    device = Device("sim", snapshot("sim", calibrated=False))

    device.edit(configuration=lambda document: None)

    assert device.properties is None


def test_snapshot_reads_its_files_once() -> None:
    reads: list[int] = []

    def read() -> bytes:
        reads.append(1)
        return b'{"n_qubits": 2, "processor_type": null, "clops_h": 1.5}'

    made = Snapshot(read, None, "test")

    assert made.summary == {"qubits": 2, "processor_type": None, "clops": 1.5}
    assert made.configuration_document["n_qubits"] == 2
    assert len(reads) == 1


def test_summary_of_a_configuration_that_says_little() -> None:
    made = Snapshot(lambda: b"{}", None, "test")

    assert made.summary == {"qubits": None, "processor_type": None, "clops": None}
    assert Device("x", made).num_qubits == 0
