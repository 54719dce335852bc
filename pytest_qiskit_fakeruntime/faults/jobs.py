"""What becomes of a job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ..world.faults import JOB, Fault
from ..world.jobs import Job
from ..world.progress import HELD, NO_WAIT, Ending, Progress, Wait, ran_too_long
from ..world.world import World


def _of_job(name: str, change: Callable[[Job], None]) -> Fault:
    return Fault(name, on=JOB, change=lambda world, job: change(job))


def _ends(name: str, ending: Ending) -> Fault:
    def change(job: Job) -> None:
        job.ending = ending

    return _of_job(name, change)


def queue(*, polls: int = 0, seconds: float = 0) -> Fault:
    """The job waits in the queue.

    Args:
        polls: How many polls see it there.
        seconds: How long, in the service's time.

    Raises:
        ValueError: If it would not wait at all.
    """
    if polls <= 0 and seconds <= 0:
        raise ValueError(f"queue(polls={polls}, seconds={seconds}): give one of them")

    def change(job: Job) -> None:
        job.progress = replace(job.progress, queued=Wait(polls, seconds))

    return _of_job(f"queue(polls={polls}, seconds={seconds})", change)


def stays(status: str = "QUEUED") -> Fault:
    """The job stays as it is for ever.

    Args:
        status: ``QUEUED`` or ``RUNNING``, or any text that clients shall be shown instead of
            a status.
    """

    def change(job: Job) -> None:
        running = status.upper() == "RUNNING"
        job.progress = Progress(NO_WAIT if running else HELD, HELD)
        if status.upper() not in ("QUEUED", "RUNNING"):
            job.shown = status

    return _of_job(f"stays({status!r})", change)


def job_fails(
    reason: str | None = "Internal error.",
    code: int | None = 1500,
    solution: str = "",
    *,
    text: str | None = None,
) -> Fault:
    """The job ends as Failed instead of being executed.

    Args:
        reason: What went wrong, for people; ``None`` for none.
        code: IBM's error code; ``None`` for none.
        solution: What to do about it.
        text: What the service answers when its result is asked for, such as a traceback.
    """
    ending = Ending("fail", reason, code, solution, 0.0, text)
    return _ends(f"job_fails({code})", ending)


def job_runs_too_long() -> Fault:
    """The job is stopped at its maximum execution time (code 1305), and charged for it."""

    def change(world: World, job: Job) -> None:
        job.ending = ran_too_long(world.time_limit(job))

    return Fault("job_runs_too_long()", on=JOB, change=change)


def job_is_cancelled() -> Fault:
    """The service cancels the job, for no reason that it tells."""
    return _ends("job_is_cancelled()", Ending("cancel", qpu_seconds=0.0))
