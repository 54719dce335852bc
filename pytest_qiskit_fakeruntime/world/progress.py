"""How long a job waits and runs, and how it ends, where that is not left to chance."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Wait:
    """What has to happen before a job leaves a state. All of it, if several things are given.

    Attributes:
        polls: How often a client has to have seen the job in this state.
        seconds: How long the job has to have been in it, in the service's time.
        held: Whether it stays until somebody lets it go.
    """

    polls: int = 0
    seconds: float = 0.0
    held: bool = False

    @property
    def nothing(self) -> bool:
        """Whether there is nothing to wait for."""
        return self == NO_WAIT


NO_WAIT = Wait()
HELD = Wait(held=True)


@dataclass(frozen=True)
class Progress:
    """What a job waits for in the queue, and while it runs."""

    queued: Wait = NO_WAIT
    running: Wait = NO_WAIT

    def but_held(self, held: bool) -> Progress:
        """The same, except for whether somebody has to let the job go."""
        return Progress(replace(self.queued, held=held), replace(self.running, held=held))


IMMEDIATE = Progress()
"""A job runs when it is submitted, and has ended before the answer is sent."""

BY_HAND = Progress(HELD, HELD)
"""A job is started and finished by the test."""


@dataclass(frozen=True)
class Ending:
    """How a job ends.

    Attributes:
        event: Event of `lifecycle.JOB`.
        reason: Why, for people.
        code: Why, as a code.
        solution: What to do about it.
        qpu_seconds: What is charged; ``None`` for what the job used.
        text: What is answered when the result is asked for.
    """

    event: str = "complete"
    reason: str | None = None
    code: int | None = None
    solution: str | None = None
    qpu_seconds: float | None = None
    text: str | None = None


def ran_too_long(seconds: float) -> Ending:
    """The end of a job at its maximum execution time."""
    return Ending(
        "time_out",
        f"Job ran longer than its maximum execution time of {seconds:g} seconds.",
        1305,
        "Raise max_execution_time, or split the job.",
        seconds,
    )
