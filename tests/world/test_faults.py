"""Which fault strikes which request."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from pytest_qiskit_fakeruntime.world.faults import RUNTIME, Fault, FaultPlan, Injection


def fault(name: str = "f") -> Fault:
    return Fault(name, lambda request, real: real())


@pytest.fixture
def plan() -> FaultPlan:
    return FaultPlan()


def put(plan: FaultPlan, name: str = "f", on: str = "create_job", **how: Any) -> Injection:
    return plan.inject(Injection(fault(name), on, **how))


def strikes(plan: FaultPlan, *requests: Any, operation: str = "create_job") -> str:
    """Names of the faults that strike these requests, ``-`` where none does."""
    taken = [plan.take(operation, True, request) for request in requests]
    return "".join("-" if not one else one[0].name for one in taken)


def test_nothing_happens_unless_injected(plan: FaultPlan) -> None:
    assert strikes(plan, 1, 2) == "--"
    assert plan.missed == []


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        pytest.param({}, "f-----", id="once"),
        pytest.param({"times": 2}, "ff----", id="twice"),
        pytest.param({"times": None}, "ffffff", id="for ever"),
        pytest.param({"after": 2}, "--f---", id="after two"),
        pytest.param({"after": 1, "times": 2}, "-ff---", id="after one, twice"),
        pytest.param({"when": lambda n: n % 2}, "-f----", id="when"),
        pytest.param({"when": lambda n: n % 2, "times": None}, "-f-f-f", id="when, for ever"),
        pytest.param({"when": lambda n: n % 2, "after": 1}, "---f--", id="after one such"),
    ],
)
def test_fault_strikes_when_it_was_told(
    plan: FaultPlan, how: dict[str, Any], expected: str
) -> None:
    put(plan, **how)

    assert strikes(plan, 0, 1, 2, 3, 4, 5) == expected


def test_fault_strikes_its_operation_only(plan: FaultPlan) -> None:
    put(plan, on="get_job")

    assert strikes(plan, 1, operation="create_job") == "-"
    assert strikes(plan, 1, operation="get_job") == "f"


@pytest.mark.parametrize(
    ("operation", "of_runtime", "struck"),
    [("list_jobs", True, True), ("get_token", False, False), ("search_resources", False, False)],
)
def test_runtime_stands_for_every_operation_of_the_runtime_api(
    plan: FaultPlan, operation: str, of_runtime: bool, struck: bool
) -> None:
    put(plan, on=RUNTIME)

    assert bool(plan.take(operation, of_runtime, None)) == struck


def test_faults_strike_in_the_order_of_their_injection(plan: FaultPlan) -> None:
    put(plan, "a", times=2)
    put(plan, "b", on=RUNTIME)
    put(plan, "c")

    assert strikes(plan, 1, 2, 3, 4, 5) == "aabc-"


def test_fault_that_waits_lets_the_next_one_strike(plan: FaultPlan) -> None:
    put(plan, "a", after=1)
    put(plan, "b")

    assert strikes(plan, 1, 2, 3) == "ba-"


def test_fault_that_came_to_pass_is_not_missed(plan: FaultPlan) -> None:
    injection = put(plan)
    assert plan.missed == [injection]

    strikes(plan, 1)

    assert plan.missed == []
    assert injection.spent


@pytest.mark.parametrize(
    ("how", "requests", "missed"),
    [
        pytest.param({"times": 3}, 2, True, id="not often enough"),
        pytest.param({"times": None}, 0, True, id="for ever, never"),
        pytest.param({"times": None}, 1, False, id="for ever, once"),
        pytest.param({"optional": True}, 0, False, id="optional"),
        pytest.param({"after": 2}, 2, True, id="still waiting"),
    ],
)
def test_missed_faults(plan: FaultPlan, how: dict[str, Any], requests: int, missed: bool) -> None:
    put(plan, **how)

    strikes(plan, *range(requests))

    assert bool(plan.missed) == missed


@pytest.mark.parametrize(
    ("times", "before", "missed"),
    [
        pytest.param(None, 0, True, id="never came to pass"),
        pytest.param(None, 2, False, id="for ever, came to pass"),
        pytest.param(5, 2, False, id="some of five times"),
        pytest.param(1, 0, True, id="once, never"),
    ],
)
def test_removed_fault_strikes_no_more_and_is_missed_if_it_never_did(
    plan: FaultPlan, times: int | None, before: int, missed: bool
) -> None:
    injection = put(plan, times=times)
    strikes(plan, *range(before))

    plan.remove(injection)

    assert strikes(plan, 1, 2) == "--"
    assert (injection.fired, injection.times) == (before, times)
    assert plan.missed == ([injection] if missed else [])


def test_predicate_that_fails_leaves_the_plan_usable(plan: FaultPlan) -> None:
    put(plan, "a", when=lambda request: request["key"])

    with pytest.raises(KeyError):
        strikes(plan, {})
    assert strikes(plan, {"key": True}) == "a"


def test_exactly_as_many_as_asked_for_strike_among_threads(plan: FaultPlan) -> None:
    injection = put(plan, times=137, after=20)

    with ThreadPoolExecutor(16) as pool:
        struck = list(pool.map(lambda n: plan.take("create_job", True, n), range(1000)))

    assert sum(map(bool, struck)) == injection.fired == 137


def test_fault_is_shown_by_its_name() -> None:
    assert repr(fault("http_error(503)")) == "http_error(503)"
