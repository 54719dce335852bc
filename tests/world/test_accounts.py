"""Accounts, instances and plans."""

from __future__ import annotations

import pickle

import pytest

from pytest_qiskit_fakeruntime.world.accounts import (
    CRN,
    DEFAULT_CRN,
    PLANS,
    Accounts,
    Instance,
    InvalidCRN,
)

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
    accounts = Accounts([one, two])

    accounts.charge(two.crn, 2.5)
    accounts.charge(two.crn, 1)

    assert (one.usage_consumed_seconds, two.usage_consumed_seconds) == (0, 3.5)
