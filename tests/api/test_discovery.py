"""How a client finds its way in: token, instances, plans, devices, versions."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any
from urllib.parse import quote

import jwt
import pytest

from pytest_qiskit_fakeruntime.api.versions import KNOWN
from pytest_qiskit_fakeruntime.execute.catalogue import load_catalogue
from pytest_qiskit_fakeruntime.world.accounts import DEFAULT_CRN, PLANS, Instance
from pytest_qiskit_fakeruntime.world.devices import Devices
from pytest_qiskit_fakeruntime.world.snapshots import Catalogue, Snapshot

from .conftest import START, Service, make_world, queued

SEARCH = "https://api.global-search-tagging.cloud.ibm.com/v3/resources/search"
CATALOG = "https://globalcatalog.cloud.ibm.com/api/v1"
CONTROLLER = "https://resource-controller.cloud.ibm.com/v2/resource_instances"
RUNTIME = "https://quantum.cloud.ibm.com/api/v1"


def signed_in(service: Service) -> dict[str, str]:
    return {"Authorization": f"Bearer {service.sign_in()}"}


def with_instances(*instances: Instance) -> Service:
    return Service(make_world("fake_manila", instances=list(instances)))


# --- IAM


def test_token_is_a_jwt_with_whole_seconds_of_the_service_s_clock(service: Service) -> None:
    service.world.clock.advance(86_400.75)

    claims = jwt.decode(service.sign_in(), options={"verify_signature": False})

    assert isinstance(claims["iat"], int)
    assert isinstance(claims["exp"], int)
    assert claims["iat"] == int(START.timestamp()) + 86_400
    assert claims["exp"] - claims["iat"] == 3600


def test_answer_with_the_token_has_the_form_of_iam(service: Service) -> None:
    body = "grant_type=urn%3Aibm%3Aparams%3Aoauth%3Agrant-type%3Aapikey&apikey=k&response_type=x"

    answer = service.raw("POST", "https://iam.cloud.ibm.com/identity/token", body=body).json

    assert {**answer, "access_token": ""} == {
        "access_token": "",
        "refresh_token": "not_supported",
        "token_type": "Bearer",
        "expires_in": 3600,
        "expiration": int(START.timestamp()) + 3600,
        "scope": "ibm openid",
    }


def test_users_differ_by_key_and_stay_the_same(service: Service) -> None:
    tokens = [service.sign_in(key) for key in ("one", "two", "one")]
    users = [jwt.decode(t, options={"verify_signature": False})["sub"] for t in tokens]

    assert users[0] == users[2] != users[1]


# --- Global Search


@pytest.mark.parametrize("url", [SEARCH, f"{CATALOG}/x", CONTROLLER])
def test_ibm_cloud_wants_credentials(service: Service, url: str) -> None:
    assert service.raw("POST" if url == SEARCH else "GET", url).status == 401


def test_search_tells_what_the_client_reads() -> None:
    instance = Instance(name="research", crn=DEFAULT_CRN, plan="flex", tags=["mine"])
    service = with_instances(instance)

    answer = service.raw("POST", f"{SEARCH}?limit=100", signed_in(service), {"query": "x"}).json

    (item,) = answer["items"]
    assert item == {
        "crn": DEFAULT_CRN,
        "name": "research",
        "tags": ["mine"],
        "service_plan_unique_id": PLANS["flex"].id,
        "doc": item["doc"],
    }
    assert item["doc"]["extensions"]
    assert "search_cursor" not in answer


@pytest.mark.parametrize("total", [0, 1, 99, 100, 101, 250])
def test_search_pages_by_cursor_until_there_is_none(total: int) -> None:
    instances = [Instance(name=f"i{number}") for number in range(total)]
    service = with_instances(*(instances or [Instance()]))
    if not instances:
        service.world.accounts.instances.clear()
    headers, names, cursor, pages = signed_in(service), [], None, 0

    while pages == 0 or cursor:
        body = {"query": "x", **({"search_cursor": cursor} if cursor else {})}
        answer = service.raw("POST", f"{SEARCH}?limit=100", headers, body).json
        names += [item["name"] for item in answer["items"]]
        cursor, pages = answer.get("search_cursor"), pages + 1

    assert names == [f"i{number}" for number in range(total)]
    assert pages == max(1, -(-total // 100))


@pytest.mark.parametrize(
    ("query", "body", "status"),
    [
        pytest.param("", None, 200, id="no body"),
        pytest.param("?limit=0", {}, 200, id="no page"),
        pytest.param("?limit=%C2%B2", {"search_cursor": "²"}, 200, id="superscript digits"),
        pytest.param("", {"search_cursor": "nonsense"}, 200, id="unknown cursor"),
        pytest.param("", "{", 400, id="not JSON"),
        pytest.param("", [], 400, id="a list"),
        pytest.param("", {"search_cursor": 3}, 400, id="cursor is a number"),
    ],
)
def test_search_takes_or_refuses_every_body(
    service: Service, query: str, body: Any, status: int
) -> None:
    assert service.raw("POST", SEARCH + query, signed_in(service), body).status == status


def test_instance_without_devices_has_no_extensions() -> None:
    service = with_instances(Instance(name="empty", devices=[]), Instance(name="full"))

    items = service.raw("POST", SEARCH, signed_in(service), {}).json["items"]

    assert [bool(item["doc"]["extensions"]) for item in items] == [False, True]


# --- Global Catalog


@pytest.mark.parametrize(
    ("plan", "title", "pricing"),
    [
        ("open", "Open", "free"),
        ("pay-as-you-go", "Pay-as-you-go", "paygo"),
        ("flex", "Flex", "subscription"),
        ("premium", "Premium", "subscription"),
        ("on-prem", "On-Prem", "subscription"),
    ],
)
def test_catalog_tells_name_and_pricing_of_a_plan(
    service: Service, plan: str, title: str, pricing: str
) -> None:
    entry = service.raw("GET", f"{CATALOG}/{PLANS[plan].id}", signed_in(service)).json

    assert entry["overview_ui"]["en"]["display_name"] == title
    assert entry["metadata"]["pricing"]["type"] == pricing


def test_catalog_refuses_archived_plans_and_does_not_know_others() -> None:
    service = with_instances(Instance(archived=True))
    headers = signed_in(service)
    (item,) = service.raw("POST", SEARCH, headers, {}).json["items"]

    archived = service.raw("GET", f"{CATALOG}/{item['service_plan_unique_id']}", headers)
    unknown = service.raw("GET", f"{CATALOG}/no-such-plan", headers)

    assert (archived.status, unknown.status) == (403, 404)


# --- Resource Controller


def test_resource_controller_finds_instances_by_name() -> None:
    one, two = Instance(name="one"), Instance(name="two")
    service = with_instances(one, two)
    headers = signed_in(service)

    found = service.raw("GET", f"{CONTROLLER}?name=two", headers).json
    everything = service.raw("GET", CONTROLLER, headers).json
    nothing = service.raw("GET", f"{CONTROLLER}?name=three", headers).json

    assert (found["rows_count"], found["resources"][0]["crn"]) == (1, two.crn)
    assert [row["crn"] for row in everything["resources"]] == [one.crn, two.crn]
    assert (nothing["rows_count"], nothing["resources"]) == (0, [])


def test_resource_controller_pages_by_the_next_url_and_keeps_the_name() -> None:
    crns = [f"crn:v1:bluemix:public:quantum-computing:us-east:a/local:{n}::" for n in range(5)]
    service = with_instances(*(Instance(name="same", crn=crn) for crn in crns), Instance(name="x"))
    headers, found = signed_in(service), []
    following = "/v2/resource_instances?name=same&limit=2"

    while following:
        url = f"https://resource-controller.cloud.ibm.com{following}"
        answer = service.raw("GET", url, headers).json
        found += [row["crn"] for row in answer["resources"]]
        following = answer["next_url"]

    assert found == crns


# --- the list of devices


def test_oldest_version_lists_names(service: Service) -> None:
    expected = {"devices": ["fake_manila", "ibm_fez"]}

    assert service.ask("GET", "/backends", IBM_API_Version="2024-01-01").json == expected


@pytest.mark.parametrize("version", KNOWN[1:])
def test_other_versions_list_objects(service: Service, version: str) -> None:
    manila, fez = service.ask("GET", "/backends", IBM_API_Version=version).json["devices"]

    assert manila == {
        "name": "fake_manila",
        "status": {"name": "online", "reason": "available"},
        "queue_length": 0,
        "qubits": 5,
        "is_simulator": False,
        "processor_type": manila["processor_type"],
    }
    assert (fez["name"], fez["qubits"]) == ("ibm_fez", 156)
    assert fez["processor_type"]["family"] == "Heron"


@pytest.mark.parametrize(
    ("status", "operational", "name", "reason"),
    [
        ("online", True, "online", "available"),
        ("internal", True, "online", "internal"),
        ("dedicated", True, "online", "dedicated"),
        ("paused", True, "paused", "paused"),
        ("maintenance", False, "paused", "maintenance"),
        ("reserved", True, "paused", "reserved"),
        ("offline", False, "offline", "offline"),
    ],
)
def test_status_of_a_device_in_list_and_detail(
    service: Service, status: str, operational: bool, name: str, reason: str
) -> None:
    service.world.devices["fake_manila"].status = status

    entry = service.ask("GET", "/backends").json["devices"][0]
    detail = service.ask("GET", "/backends/fake_manila/status").json

    assert entry["status"] == {"name": name, "reason": reason}
    assert (detail["state"], detail["message"]) == (operational, reason)
    assert detail["status"] == {"online": "active"}.get(status, status)


def test_queue_is_other_people_s_jobs_and_ours(service: Service) -> None:
    service.world.devices["fake_manila"].queue_length = 7
    queued(service, "j1")
    queued(service, "j2", backend="ibm_fez")
    service.submit()

    devices = service.ask("GET", "/backends").json["devices"]
    status = service.ask("GET", "/backends/fake_manila/status").json

    assert [device["queue_length"] for device in devices] == [8, 1]
    assert status["length_queue"] == 8


def everything() -> Service:
    """A service of the whole catalogue, freshly read."""
    service = Service(make_world())
    service.world.devices = Devices(
        Catalogue(
            {
                name: Snapshot(snapshot.configuration, snapshot.properties, snapshot.source)
                for name, snapshot in load_catalogue().items()
            }
        )
    )
    return service


def names(service: Service, query: str = "") -> dict[str, Any]:
    devices = service.ask("GET", f"/backends{query}").json["devices"]
    return {device["name"]: device.get("class") for device in devices}


def test_whole_catalogue_is_listed_under_its_own_names() -> None:
    assert set(names(everything())) == set(load_catalogue())


@pytest.mark.parametrize("value", ["True", "true"])
def test_ibm_names_are_mocks_for_those_who_ask(value: str) -> None:
    found = names(everything(), f"?include_mocks={value}")

    assert found["fake_fez"] is None
    assert found["ibm_fez"] == "mock"
    assert len(found) == 2 * len(load_catalogue())


@pytest.mark.parametrize("query", ["", "?include_mocks=False"])
def test_ibm_names_are_not_listed_for_others(query: str) -> None:
    assert "ibm_fez" not in names(everything(), query)


def test_no_ibm_names_where_the_devices_were_chosen(service: Service) -> None:
    assert names(service, "?include_mocks=True") == {"fake_manila": None, "ibm_fez": None}


def test_ibm_name_that_is_not_listed_is_served() -> None:
    service = everything()

    assert service.ask("GET", "/backends/ibm_fez/configuration").json["backend_name"] == "ibm_fez"
    assert service.submit(backend="ibm_fez")


def test_instance_sees_its_own_devices_only() -> None:
    instance = Instance(crn=DEFAULT_CRN, plan="premium", devices=["ibm_fez"])
    service = Service(make_world("fake_manila", "ibm_fez", instances=[instance]))

    assert names(service) == {"ibm_fez": None}
    assert service.ask("GET", "/backends/fake_manila/status").status == 404


def test_list_says_of_every_snapshot_what_its_configuration_says() -> None:
    service = everything()

    for entry in service.ask("GET", "/backends").json["devices"]:
        document = load_catalogue()[entry["name"]].configuration_document
        told = {"qubits": entry["qubits"], "processor_type": entry["processor_type"]}
        assert told == {
            "qubits": document["n_qubits"],
            "processor_type": document.get("processor_type"),
        }
        clops = document.get("clops_h")  # one snapshot says "None"
        expected = clops if isinstance(clops, (int, float)) else None
        assert entry.get("clops", {}).get("value") == expected


def parsed(service: Service) -> set[str]:
    """Snapshots of which a document has been parsed."""
    return {
        name
        for name, snapshot in service.world.devices.catalogue.items()
        if snapshot._cache.keys() & {"configuration", "properties"}
    }


def test_discovery_parses_no_device() -> None:
    service = everything()

    names(service)
    names(service, "?include_mocks=True")

    assert parsed(service) == set()


@pytest.mark.parametrize("document", ["configuration", "properties"])
def test_documents_are_served_as_they_are_packaged(document: str) -> None:
    service = everything()

    service.ask("GET", f"/backends/ibm_fez/{document}")

    assert parsed(service) == set()


def test_status_parses_the_one_device() -> None:
    service = everything()

    service.ask("GET", "/backends/ibm_fez/status")

    assert parsed(service) == {"fake_fez"}


# --- one device


@pytest.mark.parametrize("name", ["ibm_fez", "fake_manila"])
@pytest.mark.parametrize("document", ["configuration", "properties"])
def test_document_of_a_device_is_the_snapshot_under_its_name(
    service: Service, name: str, document: str
) -> None:
    snapshot = load_catalogue()[name]
    packaged = getattr(snapshot, f"{document}_document")

    answer = service.ask("GET", f"/backends/{name}/{document}")

    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.json == {**packaged, "backend_name": name}


@pytest.mark.parametrize(
    "query", ["?calibration_id=slow_gates", "?updated_before=2030-01-01T00:00:00Z"]
)
def test_query_that_the_present_calibration_meets(service: Service, query: str) -> None:
    with_query = service.ask("GET", f"/backends/ibm_fez/properties{query}")

    assert with_query.body == service.ask("GET", "/backends/ibm_fez/properties").body


@pytest.mark.parametrize(
    ("before", "t1"),
    [
        ("2010-01-01T00:00:00Z", None),
        ("2012-01-01T00:00:00Z", None),
        ("2015-01-01T00:00:00.5Z", 1.0),
        ("2015-01-02T00:00:00+00:00", 1.0),
        ("2018-06-01", 2.0),
    ],
)
def test_calibration_by_date(service: Service, before: str, t1: float | None) -> None:
    device = service.world.devices["fake_manila"]
    for value, year in ((2.0, 2018), (1.0, 2015)):

        def change(properties: dict[str, Any], value: float = value) -> None:
            properties["qubits"][0][0]["value"] = value

        device.calibrate(change, at=datetime(year, 1, 1, tzinfo=timezone.utc))

    answer = service.ask(
        "GET", f"/backends/fake_manila/properties?updated_before={quote(before)}"
    ).json

    assert (answer["qubits"][0][0]["value"] if answer else None) == t1
    packaged = load_catalogue()["fake_manila"].properties_document
    present = service.ask("GET", "/backends/fake_manila/properties").json
    assert packaged is not None
    assert present["qubits"] == packaged["qubits"]


def test_device_without_calibration_answers_an_empty_object(service: Service) -> None:
    conf = load_catalogue()["fake_manila"].configuration_document
    service.world.devices.add("sim", Snapshot.from_documents(conf, None, "test"))

    assert service.ask("GET", "/backends/sim/properties").text == "{}"
    assert names(service)["sim"] is None
    entry = service.ask("GET", "/backends").json["devices"][-1]
    assert entry["is_simulator"] is True


def test_device_whose_data_give_no_version_has_a_status(service: Service) -> None:
    service.world.devices["fake_manila"].edit(configuration=lambda c: c.pop("backend_version"))

    assert service.ask("GET", "/backends/fake_manila/status").json["backend_version"] == ""


def test_pulse_defaults_are_null(service: Service) -> None:
    answer = service.ask("GET", "/backends/ibm_fez/defaults")

    assert (answer.status, json.loads(answer.text)) == (200, None)


# --- usage of the instance


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        pytest.param({"usage_limit_seconds": None}, {}, id="none"),
        pytest.param(
            {"usage_limit_seconds": 600},
            {"usage_limit_seconds": 600, "usage_limit_reached": False},
            id="limit",
        ),
        pytest.param(
            {"usage_limit_seconds": 9.5},
            {"usage_limit_seconds": 9.5, "usage_limit_reached": False},
            id="limit with a fraction",
        ),
        pytest.param(
            {"usage_limit_seconds": None, "usage_allocation_seconds": 50},
            {"usage_allocation_seconds": 50},
            id="allocation",
        ),
        pytest.param(
            {"usage_limit_seconds": 3, "usage_allocation_seconds": 50},
            {
                "usage_limit_seconds": 3,
                "usage_allocation_seconds": 50,
                "usage_limit_reached": True,
                "time_available_at": "2026-10-10T10:00:00Z",
            },
            id="both, and reached",
        ),
    ],
)
def test_usage_tells_limits_only_where_there_are(
    limits: dict[str, Any], told: dict[str, Any]
) -> None:
    instance = Instance(crn=DEFAULT_CRN, plan="premium", **limits)
    service = Service(make_world("fake_manila", instances=[instance]))
    service.submit()

    assert service.ask("GET", "/instances/usage").json == {
        "instance_id": DEFAULT_CRN,
        "plan_id": PLANS["premium"].id,
        "usage_consumed_seconds": 3,
        "usage_period": {
            "start_time": "2026-08-15T10:00:00Z",
            "end_time": "2026-09-12T10:00:00Z",
        },
        **told,
    }


def test_open_plan_brings_its_limit() -> None:
    service = with_instances(Instance(crn=DEFAULT_CRN))

    assert service.ask("GET", "/instances/usage").json["usage_limit_seconds"] == 600


# --- what needs no credentials


def test_versions_are_told_to_everybody(service: Service) -> None:
    answer = service.raw("GET", f"{RUNTIME}/versions")

    assert tuple(version["version"] for version in answer.json["versions"]) == KNOWN
    assert answer.json["versions"][-1]["status"] == "live"


@pytest.mark.parametrize("path", ["", "/", "/health"])
def test_root_and_health_need_no_credentials(service: Service, path: str) -> None:
    assert service.raw("GET", RUNTIME + path).status == 200
