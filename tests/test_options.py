"""Options: defaults, values, layers, and what is said of wrong ones."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timezone
from typing import Any

import pytest

from pytest_qiskit_fakeruntime.errors import UsageError
from pytest_qiskit_fakeruntime.options import (
    BACKEND_KEYWORDS,
    OPTION_NAMES,
    BackendOptions,
    Options,
    backend_options,
    parse_instances,
    parse_numbers,
)
from pytest_qiskit_fakeruntime.world.accounts import DEFAULT_CRN, Instance
from pytest_qiskit_fakeruntime.world.progress import Progress, Wait

MINE = "crn:v1:bluemix:public:quantum-computing:us-east:a/local:mine::"
LOW = "crn:v1:bluemix:public:quantum-computing:us-east:a/account:low::"


class Runner:
    def run(self, task: Any) -> Any: ...


def test_defaults() -> None:
    options = Options()

    assert options.backends is None
    assert options.seed is None
    assert options.noise is True
    assert options.plan == "open"
    assert options.instances is None
    assert options.usage_limit_seconds == "plan"
    assert options.start_time is None
    assert options.allow_unmatched is False
    assert options.executor is None


def test_options_are_frozen_and_keyword_only() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Options().seed = 3  # type: ignore[misc]
    with pytest.raises(TypeError):
        Options(())  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        BackendOptions(name="a").name = "b"  # type: ignore[misc]
    with pytest.raises(TypeError):
        BackendOptions("a")  # type: ignore[misc]


def test_later_layer_wins_and_the_earlier_is_unchanged() -> None:
    first = Options().but(seed=1, noise=False)
    second = first.but(seed=2)

    assert (first.seed, second.seed, second.noise) == (1, 2, False)
    assert second.but() == second


GOOD = [
    {"seed": 0},
    {"seed": -1},
    {"seed": "text"},
    {"seed": None},
    {"noise": False},
    {"plan": "premium"},
    {"usage_limit_seconds": 0},
    {"usage_limit_seconds": 60},
    {"usage_limit_seconds": None},
    {"usage_limit_seconds": "plan"},
    {"start_time": datetime(2026, 1, 1, tzinfo=timezone.utc)},
    {"allow_unmatched": True},
    {"executor": Runner()},
    {"polls": (0, 0)},
    {"polls": (2, 1)},
    {"seconds": (0.5, 3)},
    {"seconds": None},
    {"hold": True},
    {"sleep": "virtual"},
    {"backends": None},
    {"instances": None},
    {"instances": []},
]


@pytest.mark.parametrize("values", GOOD, ids="-".join)
def test_good_value_is_kept(values: dict[str, Any]) -> None:
    options = Options().but(**values)
    for name, value in values.items():
        assert getattr(options, name) == (tuple(value) if isinstance(value, list) else value)


BAD = {
    "unknown": ({"sed": 1}, "no option 'sed'; the options are .*Did you mean 'seed'"),
    "far off": ({"xyzzy": 1}, r"no option 'xyzzy'; the options are [^?]*executor\.$"),
    "seed float": ({"seed": 1.5}, r"^seed=1.5: give an integer or a string$"),
    "seed bool": ({"seed": True}, "^seed=True: give an integer"),
    "noise": ({"noise": 1}, "^noise=1: give True or False$"),
    "allow": ({"allow_unmatched": "yes"}, "^allow_unmatched='yes': give True or False$"),
    "plan": ({"plan": "premum"}, "^plan='premum': choose from open, .*Did you mean 'premium'"),
    "plan type": ({"plan": None}, "^plan=None: choose from"),
    "limit": ({"usage_limit_seconds": -1}, "^usage_limit_seconds=-1: give seconds, None, or"),
    "limit text": ({"usage_limit_seconds": "x"}, "^usage_limit_seconds='x'"),
    "time": ({"start_time": "2026"}, "^start_time='2026': give a datetime$"),
    "hold": ({"hold": 1}, "^hold=1: give True or False$"),
    "sleep": ({"sleep": "virtua"}, "^sleep='virtua': choose from client, virtual.*'virtual'"),
    "one poll": ({"polls": (1,)}, r"^polls=\(1,\): give two numbers, \(queued, running\)$"),
    "poll": ({"polls": 1}, "^polls=1: give two numbers"),
    "three polls": ({"polls": (1, 1, 1)}, "^polls=.*: give two numbers"),
    "no poll": ({"polls": {1: 1, 2: 2}}, "^polls=.*: give two numbers"),
    "half a poll": ({"polls": (1, 0.5)}, "^polls=.*: give two numbers"),
    "negative poll": ({"polls": (-1, 0)}, "^polls=.*: give two numbers"),
    "second": ({"seconds": ("1", 0)}, "^seconds=.*: give two numbers"),
    "negative second": ({"seconds": (0, -0.5)}, "^seconds=.*: give two numbers"),
    "executor": ({"executor": object()}, r"^executor=.*: it has no run\(\)"),
    "one dict": ({"instances": {"name": "a"}}, "^instances=.*: give a list of instances$"),
    "one text": ({"instances": "a"}, "give a list of instances"),
    "one instance": ({"instances": Instance()}, "give a list of instances"),
    "number": ({"instances": [3]}, "^instances: give a name, a dict or an Instance, not 3$"),
    "field": ({"instances": [{"nam": "a"}]}, "has no 'nam'; it has .*Did you mean 'name'"),
    "bad plan": ({"instances": [{"plan": "opn"}]}, "^instances: 'opn' is not a plan.*'open'"),
    "bad crn": ({"instances": [{"crn": "x"}]}, "^instances: 'x' is not the CRN"),
    "twice": ({"instances": [{"crn": MINE}, "b", {"crn": MINE}]}, "two have the CRN crn:.*:mine"),
    "plan twice": ({"instances": ["a"], "plan": "flex"}, "^plan='flex' is for the one default"),
    "again": ({"instances": ["a"], "plan": "premium"}, "^plan='premium' is for the one default"),
    "thrice": ({"instances": [{"crn": LOW}] * 3}, "two have the CRN crn:.*:low"),
    "device": ({"backends": [3]}, "^a device is named by a string such as 'fake_manila', not 3$"),
    "nameless": ({"backends": [""]}, "^a device is named by a string"),
}


@pytest.mark.parametrize("row", BAD)
def test_bad_value_is_a_usage_error_that_says_so(row: str) -> None:
    values, message = BAD[row]
    with pytest.raises(UsageError, match=message):
        Options().but(**values)


def test_backends_are_described_by_name_or_in_full() -> None:
    full = BackendOptions(name="ibm_fez", queue_length=3)

    assert Options().but(backends=["fake_manila", full]).backends == (
        BackendOptions(name="fake_manila"),
        full,
    )
    assert Options().but(backends=[]).backends == ()


def test_marker_describes_devices() -> None:
    described = backend_options(
        ["fake_manila", "ibm_fez"], {"queue_length": 2, "status": "paused", "noise": False}
    )

    assert [one.name for one in described] == ["fake_manila", "ibm_fez"]
    assert [one.state for one in described] == [
        {"queue_length": 2, "status": "paused", "noise": False}
    ] * 2
    assert BackendOptions(name="a").state == {
        "queue_length": 0,
        "status": "online",
        "noise": None,
    }
    assert BACKEND_KEYWORDS == ("queue_length", "status", "noise")


BAD_BACKENDS = {
    "keyword": ({"queue": 1}, "no keyword 'queue'; it takes .*, each.*Did you mean 'queue_length'"),
    "far off": ({"xyzzy": 1}, r"no keyword 'xyzzy'; it takes queue_length, status, noise, each\.$"),
    "negative": ({"queue_length": -1}, "^queue_length=-1: give a number of jobs$"),
    "bool": ({"queue_length": True}, "^queue_length=True"),
    "text": ({"queue_length": "1"}, "^queue_length='1'"),
    "status": ({"status": "onlin"}, "^status='onlin': choose from online, .*'online'"),
    "status type": ({"status": None}, "^status=None"),
    "noise": ({"noise": 0}, "^noise=0: give True or False$"),
}


@pytest.mark.parametrize("row", BAD_BACKENDS)
def test_bad_device_is_a_usage_error_that_says_so(row: str) -> None:
    keywords, message = BAD_BACKENDS[row]
    with pytest.raises(UsageError, match=message):
        backend_options(["fake_manila"], keywords)


def test_progress_is_none_unless_told_otherwise() -> None:
    assert Options().progress == Progress(Wait(0, 0.0, held=False), Wait(0, 0.0, held=False))
    assert Options(polls=(2, 1), seconds=(0.5, 3.0), hold=True).progress == Progress(
        Wait(2, 0.5, held=True), Wait(1, 3.0, held=True)
    )


def test_numbers_in_an_ini_file() -> None:
    assert parse_numbers("k", ["2", "0.5"], float) == (2.0, 0.5)
    with pytest.raises(UsageError, match=r"^k: .*'two'"):
        parse_numbers("k", ["two"], float)


def test_account_is_one_instance_unless_told_otherwise() -> None:
    [instance] = Options().but(plan="flex", usage_limit_seconds=9).account

    assert (instance.crn, instance.plan, instance.usage_limit_seconds) == (DEFAULT_CRN, "flex", 9)
    assert Options().account[0].usage_limit_seconds == 600


def test_instances_are_described_by_name_by_dict_or_in_full() -> None:
    given = ["a", {"crn": MINE, "archived": True}, {"crn": LOW, "api_keys": ["k"]}, Instance()]

    made = Options().but(instances=given).account

    assert [one.crn for one in made[1:3]] == [MINE, LOW]
    assert (made[0].name, made[1].archived, made[2].api_keys) == ("a", True, ["k"])


def test_account_is_made_anew_each_time() -> None:
    options = Options().but(instances=["a", {"name": "b", "tags": ["x"]}, Instance(name="c")])

    first, second = options.account, options.account
    first[1].tags.append("y")
    first[1].usage_consumed_seconds = 5

    assert [one.name for one in first] == ["a", "b", "c"]
    assert (second[1].tags, second[1].usage_consumed_seconds) == (["x"], 0)


def test_instances_in_an_ini_file() -> None:
    lines = [
        "name=research plan=premium tags=lab,chip,",
        "name=europe region=eu-de devices=ibm_fez usage_limit_seconds=60",
        "name=old archived=true usage_consumed_seconds=1.5 usage_allocation_seconds=7",
        "name=new archived=no",
    ]

    assert parse_instances(lines) == [
        {"name": "research", "plan": "premium", "tags": ["lab", "chip"]},
        {
            "name": "europe",
            "region": "eu-de",
            "devices": ["ibm_fez"],
            "usage_limit_seconds": 60,
        },
        {
            "name": "old",
            "archived": True,
            "usage_consumed_seconds": 1.5,
            "usage_allocation_seconds": 7,
        },
        {"name": "new", "archived": False},
    ]
    with pytest.raises(UsageError, match="fake_runtime_instances: 'research' in 'research plan"):
        parse_instances(["research plan=open"])
    with pytest.raises(UsageError, match=r"'usage_limit_seconds=lots' in .*: invalid literal"):
        parse_instances(["usage_limit_seconds=lots"])


def test_names_of_the_options() -> None:
    assert OPTION_NAMES[:3] == ("backends", "seed", "noise")
