"""Ways in which the service can misbehave, to be given to `FakeRuntime.inject`.

Each function makes one fault. ``fake.inject(http_error(503), times=2)`` answers the next two
runtime requests with status 503; ``on="create_job"`` picks the operation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from .api import errors as wire
from .api.message import NoResponse, Request, Response
from .world.faults import JOB, Fault
from .world.jobs import Job
from .world.progress import HELD, NO_WAIT, Ending, Progress, Wait, ran_too_long
from .world.world import World

__all__ = [
    "Fault",
    "disconnect",
    "http_error",
    "invalid_api_key",
    "malformed_json",
    "outage",
    "raises",
    "rate_limit",
    "timeout",
]

_TRACE = "00000000-0000-4000-8000-000000000000"
_TEXTS = {
    401: (1201, "Authentication failed."),
    403: (1200, "You are not authorized to perform this action."),
    404: (1216, "Not found."),
    429: (1202, "Too many requests received."),
    503: (1999, "The service is in maintenance."),
}


def _answer(name: str, make: Callable[[], Response]) -> Fault:
    def answer(request: Request, real: Callable[[], Response]) -> Response:
        return make()

    return Fault(name, answer)


def _raise(name: str, make: Callable[[], BaseException]) -> Fault:
    def answer(request: Request, real: Callable[[], Response]) -> Response:
        raise make()

    return Fault(name, answer)


def http_error(status: int, *, code: int | None = None, message: str | None = None) -> Fault:
    """Answer with an error status and a body in IBM's form.

    Args:
        status: HTTP status, 400 to 599.
        code: IBM's error code; one that fits the status if left out.
        message: Text of the error.

    Raises:
        ValueError: If the status is not that of an error.
    """
    if not 400 <= status <= 599:
        raise ValueError(f"http_error({status}): an error has a status from 400 to 599")
    usual_code, usual_message = _TEXTS.get(status, (1000, "API Internal error."))
    response = wire.body(
        status, code or usual_code, message or usual_message, "Try again later.", _TRACE
    )
    return _answer(f"http_error({status})", lambda: response)


def invalid_api_key(key: str | None = None) -> Fault:
    """IAM does not know the API key (400, BXNIM0415E).

    Args:
        key: The only key it does not know; left out, it knows none.
    """
    unknown = wire.of_iam("BXNIM0415E", "Provided API key could not be found.", _TRACE)

    def answer(request: Request, real: Callable[[], Response]) -> Response:
        return unknown if key in (None, request.form.get("apikey")) else real()

    return Fault(f"invalid_api_key({key or ''})", answer, on="get_token")


def rate_limit(retry_after: float | None = 2) -> Fault:
    """Answer 429, with ``Retry-After`` in seconds unless that is ``None``."""
    response = wire.body(429, 1202, "Too many requests received.", "Try again later.", _TRACE)
    extra = {} if retry_after is None else {"Retry-After": f"{retry_after:g}"}
    slowed = Response(429, response.body, {**response.headers, **extra})
    return _answer(f"rate_limit({retry_after})", lambda: slowed)


def outage() -> Fault:
    """Nobody listens: the connection is refused."""
    return _raise("outage()", lambda: NoResponse("refused"))


def disconnect() -> Fault:
    """The connection closes before the answer comes."""
    return _raise("disconnect()", lambda: NoResponse("disconnect"))


def timeout() -> Fault:
    """No answer comes in time."""
    return _raise("timeout()", lambda: NoResponse("timeout"))


def malformed_json(text: str = '{"jobs": [') -> Fault:
    """Answer 200 with a body that is not JSON."""
    return _answer("malformed_json()", lambda: Response.of_raw_json(text.encode()))


def raises(error: BaseException | type[BaseException]) -> Fault:
    """Raise an exception in the middle of the request, such as `KeyboardInterrupt`."""

    def make() -> BaseException:
        return error() if isinstance(error, type) else error

    return _raise(f"raises({error!r})", make)


# ---- jobs ------------------------------------------------------------------------------


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


def job_fails(reason: str = "Internal error.", code: int = 1500, solution: str = "") -> Fault:
    """The job ends as Failed instead of being executed.

    Args:
        reason: What went wrong, for people.
        code: IBM's error code.
        solution: What to do about it.
    """
    return _ends(f"job_fails({code})", Ending("fail", reason, code, solution, 0.0))


def job_runs_too_long() -> Fault:
    """The job is stopped at its maximum execution time (code 1305), and charged for it."""

    def change(world: World, job: Job) -> None:
        job.ending = ran_too_long(world.time_limit(job))

    return Fault("job_runs_too_long()", on=JOB, change=change)


def job_is_cancelled() -> Fault:
    """The service cancels the job, for no reason that it tells."""
    return _ends("job_is_cancelled()", Ending("cancel", qpu_seconds=0.0))


def __getattr__(name: str) -> Any:
    import difflib

    near = difflib.get_close_matches(name, __all__, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise AttributeError(f"there is no fault {name!r}.{hint}")
