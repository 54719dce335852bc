"""Misbehaviour on command: which faults wait for whom, and which of them came to pass."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

RUNTIME = "runtime"
"""Stands for every operation of the runtime API (not IAM, search or catalog)."""

JOB = "job"
"""Stands for a job that the service has accepted."""


@dataclass(frozen=True)
class Fault:
    """One way in which the service can misbehave.

    Attributes:
        name: What it is called, as in `pytest_qiskit_fakeruntime.faults`.
        answer: Makes the answer that is given instead of the real one: called with the
            request and with a function that gives the real answer. It may raise.
        on: The operation it concerns unless told otherwise.
        change: Changes the service: called with the world, and with the request (or the job)
            that it strikes. A fault that has no ``answer`` of its own leaves that to others.
        fits: Which requests (or jobs) it can strike at all.
        delay: Seconds that the answer takes.
    """

    name: str
    answer: Callable[[Any, Callable[[], Any]], Any] | None = None
    on: str = RUNTIME
    change: Callable[[Any, Any], object] | None = None
    fits: Callable[[Any], bool] | None = None
    delay: float = 0.0

    def __repr__(self) -> str:
        return self.name


@dataclass(eq=False)
class Injection:
    """A fault that was put in place.

    Attributes:
        fault: What will happen.
        on: The operation it waits for, or `RUNTIME`.
        times: How often; ``None`` until it is removed.
        after: How many requests of that operation pass unharmed first.
        when: Which requests it is for; ``None`` for all.
        optional: Whether it may go unused.
        fired: How often it came to pass.
        removed: Whether it was taken away again.
    """

    fault: Fault
    on: str
    times: int | None = 1
    after: int = 0
    when: Callable[[Any], bool] | None = None
    optional: bool = False
    fired: int = 0
    removed: bool = False
    _passed: int = field(default=0, repr=False)

    @property
    def spent(self) -> bool:
        """Whether nothing is left of it."""
        return self.removed or (self.times is not None and self.fired >= self.times)

    def strike(self) -> bool:
        """Whether it strikes now; it is for this request."""
        if self.spent:
            return False
        if self._passed < self.after:
            self._passed += 1
            return False
        self.fired += 1
        return True

    @property
    def missed(self) -> bool:
        """Whether it should have come to pass and did not, or not as often as it was told."""
        due = 1 if self.times is None or self.removed else self.times
        return not self.optional and self.fired < due


class FaultPlan:
    """The faults in place, in the order they were injected."""

    def __init__(self) -> None:
        self._injections: list[Injection] = []
        self._lock = threading.Lock()

    def inject(self, injection: Injection) -> Injection:
        """Put a fault in place."""
        with self._lock:
            self._injections.append(injection)
        return injection

    def remove(self, injection: Injection) -> None:
        """Take a fault away; it then counts as come to pass if it ever did."""
        with self._lock:
            injection.removed = True

    def take(self, operation: str, of_runtime: bool, subject: Any) -> list[Fault]:
        """The faults that strike this request (or this job), in order.

        Of those that have an answer of their own only the first strikes. Conditions are asked
        outside the lock: they are the user's, and may do as they please.
        """
        struck: list[Fault] = []
        for injection in list(self._injections):
            fault = injection.fault
            meant = injection.on == operation or (injection.on == RUNTIME and of_runtime)
            answered = fault.answer is not None and any(one.answer for one in struck)
            if injection.spent or not meant or answered:
                continue
            if all(is_for(subject) for is_for in (fault.fits, injection.when) if is_for):
                with self._lock:
                    if injection.strike():
                        struck.append(fault)
        return struck

    @property
    def missed(self) -> list[Injection]:
        """The faults that should have come to pass and did not."""
        return [injection for injection in self._injections if injection.missed]
