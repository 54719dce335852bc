"""Sessions and batches."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from . import lifecycle

INTERACTIVE_TTL = 60
"""Seconds a session may idle before it loses its turn (contract, section 6.2)."""


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
        state: One of `lifecycle.SESSION`.
        accepting_jobs: Whether jobs may still be submitted to it.
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
    closed_at: datetime | None = None
    last_job_started: datetime | None = None
    last_job_completed: datetime | None = None
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
        self.state = state
        self.state_reason = reason
        self.timestamps.append((f"{state}/{reason}" if reason else state, now))
        if state == "active" and self.activated_at is None:
            self.activated_at = now
        if state == "closed":
            self.closed_at = now
            self.accepting_jobs = False

    def elapsed(self) -> float | None:
        """Usage in seconds, ``None`` while it goes on.

        A dedicated session is charged from its first job to its end, a batch for the QPU
        time of its jobs.
        """
        if self.state != "closed":
            return None
        if self.mode == "batch":
            return self.qpu_seconds
        if self.activated_at is None or self.closed_at is None:
            return 0.0
        return (self.closed_at - self.activated_at).total_seconds()

    def active_ttl(self, now: datetime) -> int:
        """Seconds it may still stay active."""
        if self.activated_at is None:
            return self.max_ttl
        left = self.activated_at + timedelta(seconds=self.max_ttl) - now
        return max(int(left.total_seconds()), 0)
