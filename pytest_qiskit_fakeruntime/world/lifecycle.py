"""What may happen to a job and to a session, as tables.

Theory of operation: a state is a row, an event a column, and the cell says where the event
leads. What is not in the table cannot happen: the state stays and `IllegalTransition` says
so. A row without events is terminal. Everything that changes a state goes through `step`;
nothing else in the package knows which states follow which.
"""

from __future__ import annotations

from collections.abc import Mapping

JOB: Mapping[str, Mapping[str, str]] = {
    "Queued": {"start": "Running", "cancel": "Cancelled", "fail": "Failed"},
    "Running": {
        "complete": "Completed",
        "fail": "Failed",
        "cancel": "Cancelled",
        "time_out": "Cancelled",
    },
    "Completed": {},
    "Failed": {},
    "Cancelled": {},
}
"""Job states by event (contract: job state machine)."""

SESSION: Mapping[str, Mapping[str, str]] = {
    "open": {"activate": "active", "close": "closed"},
    "active": {"activate": "active", "deactivate": "inactive", "close": "closed"},
    "inactive": {"activate": "active", "close": "closed"},
    "closed": {},
}
"""Session states by event (contract: session state machine)."""

PENDING = frozenset(state for state, events in JOB.items() if events)
"""Job states in which something can still happen."""


class IllegalTransition(Exception):
    """An event that the state does not allow. The state has not changed."""

    def __init__(self, kind: str, state: str, event: str) -> None:
        super().__init__(kind, state, event)
        self.kind = kind
        self.state = state
        self.event = event

    def __str__(self) -> str:
        return f"a {self.kind} that is {self.state} cannot {self.event.replace('_', ' ')}"


def step(table: Mapping[str, Mapping[str, str]], kind: str, state: str, event: str) -> str:
    """Where ``event`` leads from ``state``.

    Raises:
        IllegalTransition: If the table does not allow it.
    """
    try:
        return table[state][event]
    except KeyError:
        raise IllegalTransition(kind, state, event) from None
