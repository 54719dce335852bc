"""Accounts, instances and plans."""

from __future__ import annotations

import pickle
from datetime import datetime, timedelta, timezone

import pytest

from pytest_qiskit_fakeruntime.world.accounts import (
    CRN,
    DEFAULT_CRN,
    PLANS,
    Accounts,
    Instance,
    InvalidCRN,
    user_of,
)

NOW = datetime(2026, 9, 12, tzinfo=timezone.utc)

STAGING = "crn:v1:staging:public:quantum-computing:eu-de:a/0a1b:11111111-2222::"


@pytest.mark.parametrize(
    ("text", "region", "account"),
    [
        pytest.param(DEFAULT_CRN, "us-east", "local", id="default"),
        pytest.param(STAGING, "eu-de", "0a1b", id="staging"),
    ],
)
def test_crn_is_read(text: str, region: str, account: str) -> None:
    assert CRN.parse(text) == CRN(text, region, account)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("my-instance", id="a name"),
        pytest.param("crn:", id="nothing behind crn"),
        pytest.param("ibm-q/open/main", id="classic"),
        pytest.param(DEFAULT_CRN.rpartition(":")[0], id="too short"),
        pytest.param(DEFAULT_CRN.replace("crn:", "arn:"), id="not a crn"),
        pytest.param(DEFAULT_CRN.replace("quantum-computing", "kms"), id="other service"),
        pytest.param(DEFAULT_CRN.replace("a/local", "local"), id="no account"),
    ],
)
def test_text_that_is_no_crn_is_refused(text: str) -> None:
    with pytest.raises(InvalidCRN, match="is not the CRN of a quantum instance; it looks like"):
        CRN.parse(text)


def test_invalid_crn_survives_pickling() -> None:
    error = pickle.loads(pickle.dumps(InvalidCRN("x")))

    assert (error.crn, str(error)) == ("x", str(InvalidCRN("x")))


def test_instance_without_crn_gets_one_of_its_region_and_name() -> None:
    instance = Instance(name="research", region="eu-de")

    assert instance.crn == "crn:v1:bluemix:public:quantum-computing:eu-de:a/local:research::"


def test_region_is_that_of_the_crn() -> None:
    assert Instance(crn=STAGING, region="us-east").region == "eu-de"


def test_instance_with_a_bad_crn_is_refused() -> None:
    with pytest.raises(InvalidCRN):
        Instance(crn="my-instance")


@pytest.mark.parametrize(
    ("plan", "limit"),
    [("open", 600), ("pay-as-you-go", None), ("flex", None), ("premium", None), ("on-prem", None)],
)
def test_plan_brings_its_usage_limit(plan: str, limit: int | None) -> None:
    instance = Instance(plan=plan)

    assert instance.plan_details is PLANS[plan]
    assert instance.usage_limit_seconds == limit


@pytest.mark.parametrize("limit", [None, 0, 10])
def test_usage_limit_of_one_s_own_wins(limit: int | None) -> None:
    assert Instance(plan="open", usage_limit_seconds=limit).usage_limit_seconds == limit


@pytest.mark.parametrize(
    ("plan", "hint"),
    [
        pytest.param("premum", " Did you mean 'premium'?", id="misspelt"),
        pytest.param("xyz", "", id="unlike any"),
    ],
)
def test_unknown_plan_is_refused_with_the_choices(plan: str, hint: str) -> None:
    with pytest.raises(ValueError) as raised:
        Instance(plan=plan)

    assert str(raised.value) == (
        f"'{plan}' is not a plan; choose from open, pay-as-you-go, flex, premium, on-prem.{hint}"
    )


@pytest.mark.parametrize(
    ("devices", "has"), [(None, True), (["ibm_fez"], True), (["ibm_x"], False), ([], False)]
)
def test_device_of_an_instance(devices: list[str] | None, has: bool) -> None:
    assert Instance(devices=devices).has_device("ibm_fez") is has


def test_ids_of_plans_are_unique() -> None:
    assert len({plan.id for plan in PLANS.values()}) == len(PLANS)


def test_any_key_is_accepted_unless_declared_invalid() -> None:
    accounts = Accounts([Instance()])
    accounts.invalid_keys.add("bad")

    assert [accounts.accepts(key) for key in ("good", "bad", "")] == [True, False, False]


def test_instance_of_the_same_crn_is_replaced() -> None:
    accounts = Accounts([Instance(crn=DEFAULT_CRN, name="old")])

    accounts.add(Instance(crn=DEFAULT_CRN, name="new"))

    assert [one.name for one in accounts.instances.values()] == ["new"]


def test_ids_are_those_of_the_owners() -> None:
    assert Accounts([Instance(), Instance(crn=STAGING)]).ids == {"local", "0a1b"}


def test_charge_goes_to_one_instance() -> None:
    one, two = Instance(name="one"), Instance(name="two")

    two.charge(2.5, NOW)
    two.charge(1, NOW)

    assert (one.usage_consumed_seconds, two.usage_consumed_seconds) == (0, 3.5)


def test_usage_is_forgotten_after_28_days() -> None:
    instance = Instance(usage_limit_seconds=10, usage_consumed_seconds=4)
    instance.reckon(NOW)
    instance.charge(5, NOW + timedelta(days=1))
    instance.charge(5, NOW + timedelta(days=2))
    assert instance.limit_reached
    assert instance.available_at == NOW + timedelta(days=29)

    instance.reckon(NOW + timedelta(days=28, seconds=1))
    assert instance.usage_consumed_seconds == 10
    instance.reckon(NOW + timedelta(days=29, seconds=1))
    assert (instance.usage_consumed_seconds, instance.limit_reached) == (5, False)
    instance.usage_consumed_seconds = 12  # by hand
    instance.reckon(NOW + timedelta(days=30, seconds=1))
    assert instance.usage_consumed_seconds == 7
    instance.usage_consumed_seconds = 1
    instance.reckon(NOW + timedelta(days=31))
    assert instance.usage_consumed_seconds == 1


def test_instances_of_one_name_are_kept_apart() -> None:
    accounts = Accounts([Instance(name="lab"), Instance(name="lab"), Instance(name="lab")])

    assert len(accounts.instances) == 3
    assert {one.name for one in accounts.instances.values()} == {"lab"}


def test_instances_of_one_user() -> None:
    ours, everybodys = Instance(name="ours", api_keys=["a", "b"]), Instance(name="everybody's")
    accounts = Accounts([ours, everybodys])

    assert accounts.of(user_of("a")) == [ours, everybodys]
    assert accounts.of(user_of("c")) == [everybodys]
