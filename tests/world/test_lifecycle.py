"""The tables of states."""

from __future__ import annotations

import pickle
from datetime import datetime, timezone
from itertools import product

import pytest

from pytest_qiskit_fakeruntime.world import lifecycle
from pytest_qiskit_fakeruntime.world.jobs import Job, Submission
from pytest_qiskit_fakeruntime.world.lifecycle import IllegalTransition
from pytest_qiskit_fakeruntime.world.sessions import Session

NOW = datetime(2026, 9, 12, tzinfo=timezone.utc)
TABLES = {"job": lifecycle.JOB, "session": lifecycle.SESSION}
EVENTS = {
    kind: sorted({event for row in table.values() for event in row})
    for kind, table in TABLES.items()
}
CELLS = [
    pytest.param(kind, state, event, id=f"{kind}: {state} {event}")
    for kind, table in TABLES.items()
    for state, event in product(table, EVENTS[kind])
]


def make(kind: str, state: str) -> Job | Session:
    if kind == "job":
        job = Job("j", Submission("sampler", "fake_manila"), "crn", "me", NOW, 0)
        job.status = state
        return job
    session = Session("s", "batch", None, "crn", "me", 60, NOW)
    session.state = state
    return session


def state_of(thing: Job | Session) -> str:
    return thing.status if isinstance(thing, Job) else thing.state


@pytest.mark.parametrize("kind", TABLES)
def test_table_is_closed(kind: str) -> None:
    table = TABLES[kind]

    assert {target for row in table.values() for target in row.values()} <= table.keys()


@pytest.mark.parametrize(
    ("kind", "terminal"),
    [("job", {"Completed", "Failed", "Cancelled"}), ("session", {"closed"})],
)
def test_terminal_states_have_no_events(kind: str, terminal: set[str]) -> None:
    assert {state for state, row in TABLES[kind].items() if not row} == terminal


@pytest.mark.parametrize(("kind", "start"), [("job", "Queued"), ("session", "open")])
def test_every_state_can_be_reached(kind: str, start: str) -> None:
    reached, new = set(), {start}
    while new:
        reached |= new
        new = {target for state in new for target in TABLES[kind][state].values()} - reached

    assert reached == TABLES[kind].keys()


@pytest.mark.parametrize(("kind", "state", "event"), CELLS)
def test_cell_leads_where_it_says_and_nothing_else_happens(
    kind: str, state: str, event: str
) -> None:
    thing, target = make(kind, state), TABLES[kind][state].get(event)
    before = repr(thing)

    if target is None:
        with pytest.raises(IllegalTransition) as raised:
            thing.step(event, NOW)
        assert repr(thing) == before
        assert (raised.value.state, raised.value.event) == (state, event)
    else:
        thing.step(event, NOW)
        assert state_of(thing) == target


def test_unknown_event_is_illegal() -> None:
    with pytest.raises(IllegalTransition, match="a job that is Queued cannot fly away"):
        make("job", "Queued").step("fly_away", NOW)


def test_illegal_transition_survives_pickling() -> None:
    error = IllegalTransition("job", "Failed", "time_out")

    copy = pickle.loads(pickle.dumps(error))

    assert (str(copy), vars(copy)) == (str(error), vars(error))


@pytest.mark.parametrize("state", lifecycle.JOB)
def test_pending_is_what_can_still_change(state: str) -> None:
    job = make("job", state)
    assert isinstance(job, Job)

    assert job.pending == (state in ("Queued", "Running"))
