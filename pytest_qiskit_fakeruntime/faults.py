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
from .world.faults import JOB, RUNTIME, Fault
from .world.jobs import Job
from .world.progress import HELD, NO_WAIT, Ending, Progress, Wait, ran_too_long
from .world.world import World

__all__ = [
    "Fault",
    "backend_offline",
    "backend_retired",
    "disconnect",
    "forbidden",
    "hook",
    "html_page",
    "http_error",
    "invalid_api_key",
    "job_fails",
    "job_is_cancelled",
    "job_runs_too_long",
    "latency",
    "maintenance",
    "malformed_json",
    "missing_result",
    "no_backends",
    "outage",
    "queue",
    "quota_exceeded",
    "raises",
    "rate_limit",
    "session_closed",
    "stays",
    "timeout",
    "token_expired",
    "truncated",
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


def hook(function: Callable[[Request], object]) -> Fault:
    """Call a function in the middle of the request, which is answered all the same.

    Args:
        function: Takes the request.
    """
    name = getattr(function, "__name__", repr(function))
    return Fault(f"hook({name})", change=lambda world, request: function(request))


def latency(seconds: float) -> Fault:
    """The answer takes its time: the clock's, not yours.

    It comes too late if the client has set a shorter timeout; what was asked for is done.

    Raises:
        ValueError: If ``seconds`` is negative.
    """
    if seconds < 0:
        raise ValueError(f"latency({seconds}): give seconds")
    return Fault(f"latency({seconds:g})", delay=seconds)


def _rewrite(name: str, change: Callable[[Response], Response], on: str = RUNTIME) -> Fault:
    return Fault(name, lambda request, real: change(real()), on)


def truncated(length: int | None = None) -> Fault:
    """The body of the answer breaks off.

    Args:
        length: Bytes that are left; half of them if left out.
    """

    def cut(answer: Response) -> Response:
        return replace(answer, body=answer.body[: len(answer.body) // 2][:length])

    return _rewrite(f"truncated({'' if length is None else length})", cut)


def html_page(status: int = 502) -> Fault:
    """Answer with a web page, as a proxy on the way does."""
    text = f"<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>"
    return _answer(f"html_page({status})", lambda: Response.of_text(text, status, "text/html"))


def missing_result() -> Fault:
    """The job has ended, but its result is not there (204)."""
    return _rewrite("missing_result()", lambda real: Response(204), on="get_job_results")


# ---- accounts, devices, sessions -------------------------------------------------------


def token_expired() -> Fault:
    """The service takes the client's token for expired (401)."""
    response = wire.body(
        401, 1201, "Authentication failed: the token has expired.", "Get a new token.", _TRACE
    )
    return _answer("token_expired()", lambda: response)


def forbidden() -> Fault:
    """The user may not do this (403)."""
    response = wire.body(403, 1200, _TEXTS[403][1], "Ask the owner of the instance.", _TRACE)
    return _answer("forbidden()", lambda: response)


def quota_exceeded(*, refuse: bool = False) -> Fault:
    """The instance has used up its QPU time, from the next request on.

    Jobs that are submitted then wait in the queue until there is time again, as the client's
    own warning says.

    Args:
        refuse: Refuse the next job (409) instead, as IBM's OpenAPI document has it.
    """
    if refuse:
        response = wire.body(409, 1200, "The usage limit is reached.", "Wait.", _TRACE)
        return replace(_answer("quota_exceeded(refuse=True)", lambda: response), on="create_job")

    def change(world: World, request: Request) -> None:
        for instance in world.accounts.concerned(request.headers.get("service-crn")):
            limit = instance.usage_limit_seconds
            instance.usage_limit_seconds = 600 if limit is None else limit
            instance.use_up()

    return Fault("quota_exceeded()", change=change)


def no_backends() -> Fault:
    """The instance has no devices, from the next listing on."""

    def change(world: World, request: Request) -> None:
        for instance in world.accounts.concerned(request.headers.get("service-crn")):
            instance.devices = []

    return Fault("no_backends()", on="list_backends", change=change)


def _of_devices(name: str, backend: str | None, change: Callable[[World, str], None]) -> Fault:
    def strike(world: World, request: Request) -> None:
        for one in list(world.devices) if backend is None else [backend]:
            change(world, one)

    return Fault(f"{name}({backend or ''})", change=strike)


def _status(status: str) -> Callable[[World, str], None]:
    def change(world: World, name: str) -> None:
        world.devices[name].status = status

    return change


def backend_offline(backend: str | None = None) -> Fault:
    """A device goes offline at the next request, and stays so.

    Args:
        backend: Its name; left out, all of them.
    """
    return _of_devices("backend_offline", backend, _status("offline"))


def maintenance(backend: str | None = None) -> Fault:
    """The maintenance of a device begins at the next request.

    For the maintenance of the whole service there is ``http_error(503)``.

    Args:
        backend: Its name; left out, all of them.
    """
    return _of_devices("maintenance", backend, _status("maintenance"))


def backend_retired(backend: str | None = None) -> Fault:
    """A device is retired at the next request: nobody finds it any more.

    Args:
        backend: Its name; left out, all of them.
    """
    return _of_devices("backend_retired", backend, lambda world, name: world.devices.remove(name))


def session_closed(reason: str = "session_closed_by_max_ttl") -> Fault:
    """The session closes just before the next job is submitted to it (400, code 1217).

    Args:
        reason: The ``state_reason`` of the session.
    """

    def named(request: Request) -> str | None:
        try:
            asked: Any = request.json
        except ValueError:
            return None
        return asked.get("session_id") if isinstance(asked, dict) else None

    def change(world: World, request: Request) -> None:
        session = world.sessions.get(named(request) or "")
        if session is not None:
            world.close_session(session, reason)

    return Fault(
        "session_closed()",
        on="create_job",
        change=change,
        fits=lambda request: named(request) is not None,
    )


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


def __getattr__(name: str) -> Any:
    import difflib

    near = difflib.get_close_matches(name, __all__, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise AttributeError(f"there is no fault {name!r}.{hint}")
