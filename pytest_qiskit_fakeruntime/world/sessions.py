"""Sessions and batches."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from . import lifecycle

INTERACTIVE_TTL = 60
"""Seconds a session may idle before it loses its turn (contract, section 6.2)."""

IDLE_TTL = 1800
"""Seconds without jobs after which a session is closed."""


@dataclass
class Session:
    """A session as the service holds it.

    Attributes:
        id: A UUID.
        mode: ``dedicated`` or ``batch``.
        backend: Name of its device; ``None`` until the first job decides it.
        instance: CRN it was opened in.
        user: Id of the user who opened it.
        max_ttl: Longest life, in seconds.
        created: When it was opened.
        interactive_ttl: Seconds it may idle before it becomes inactive.
        state: One of `lifecycle.SESSION`.
        state_reason: Why it is in that state.
        accepting_jobs: Whether jobs may still be submitted to it.
        activated_at: When it became active first.
        active_since: When it became active last, while it is.
        active_seconds: Seconds for which it has been active, up to the last time it ceased to.
        closed_at: When it was closed.
        last_job_started: When a job of it started last.
        last_job_completed: When a job of it ended last.
        idle_since: When a job of it ended last, whether it had run or not.
        qpu_seconds: QPU time of its jobs.
        timestamps: Every state it went through, as the service writes it, and when.
    """

    id: str
    mode: str
    backend: str | None
    instance: str
    user: str
    max_ttl: int
    created: datetime
    interactive_ttl: int = INTERACTIVE_TTL
    state: str = "open"
    state_reason: str | None = None
    accepting_jobs: bool = True
    activated_at: datetime | None = None
    active_since: datetime | None = None
    active_seconds: float = 0.0
    closed_at: datetime | None = None
    last_job_started: datetime | None = None
    last_job_completed: datetime | None = None
    idle_since: datetime | None = None
    qpu_seconds: float = 0.0
    timestamps: list[tuple[str, datetime]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.timestamps:
            self.timestamps = [("open/session_created", self.created)]

    def step(self, event: str, now: datetime, reason: str | None = None) -> None:
        """Let something happen to the session.

        Raises:
            IllegalTransition: If its state does not allow it.
        """
        state = lifecycle.step(lifecycle.SESSION, "session", self.state, event)
        if state == self.state:
            return
        if self.active_since is not None:
            self.active_seconds += (now - self.active_since).total_seconds()
            self.active_since = None
        self.state = state
        self.state_reason = reason
        self.timestamps.append((f"{state}/{reason}" if reason else state, now))
        if state == "active":
            self.active_since = now
            self.activated_at = self.activated_at or now
        if state == "closed":
            self.closed_at = now
            self.accepting_jobs = False

    def due(self, busy: bool) -> tuple[datetime, str, str] | None:
        """What time will do to it next: when, which event, and for what reason.

        Args:
            busy: Whether it has jobs that have not ended.
        """
        if self.state == "closed":
            return None
        last = max(filter(None, (self.idle_since, self.activated_at)), default=self.created)
        limits = [
            (self.activated_at, self.max_ttl, "close", "session_closed_by_max_ttl"),
            (last, IDLE_TTL, "close", "session_closed_by_idle_ttl"),
            (last, self.interactive_ttl, "deactivate", "session_inactivated_by_interactive_ttl"),
        ][: 1 if busy else 3 if self.state == "active" else 2]
        return min(
            (
                (begin + timedelta(seconds=seconds), event, reason)
                for begin, seconds, event, reason in limits
                if begin is not None
            ),
            default=None,
        )

    def elapsed(self) -> float | None:
        """Usage in seconds, ``None`` while it goes on.

        A dedicated session is charged for the time for which it was active, a batch for the
        QPU time of its jobs.
        """
        if self.state != "closed":
            return None
        return self.qpu_seconds if self.mode == "batch" else self.active_seconds

    def active_ttl(self, now: datetime) -> int:
        """Seconds it may still stay active."""
        if self.activated_at is None:
            return self.max_ttl
        left = self.activated_at + timedelta(seconds=self.max_ttl) - now
        return max(int(left.total_seconds()), 0)
