"""Answers that are wrong, late, or do not come at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from email.utils import format_datetime

from ..api import errors as wire
from ..api.message import NoResponse, Request, Response
from ..world.clock import UTC
from ..world.faults import RUNTIME, Fault

TRACE = "00000000-0000-4000-8000-000000000000"
_TEXTS = {
    401: (1201, "Authentication failed."),
    403: (1200, "You are not authorized to perform this action."),
    404: (1216, "Not found."),
    429: (1202, "Too many requests received."),
    503: (1999, "The service is in maintenance."),
}


def answering(name: str, make: Callable[[], Response]) -> Fault:
    """A fault that gives this answer instead of the real one."""

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
        status, code or usual_code, message or usual_message, "Try again later.", TRACE
    )
    return answering(f"http_error({status})", lambda: response)


def invalid_api_key(key: str | None = None) -> Fault:
    """IAM does not know the API key (400, BXNIM0415E).

    Args:
        key: The only key it does not know; left out, it knows none.
    """
    unknown = wire.of_iam("BXNIM0415E", "Provided API key could not be found.", TRACE)

    def answer(request: Request, real: Callable[[], Response]) -> Response:
        return unknown if key in (None, request.form.get("apikey")) else real()

    return Fault(f"invalid_api_key({key or ''})", answer, on="get_token")


def rate_limit(retry_after: float | datetime | None = 2) -> Fault:
    """Answer 429.

    Args:
        retry_after: The header ``Retry-After``: seconds, or a moment by the service's clock;
            ``None`` for none.
    """
    response = wire.body(429, 1202, "Too many requests received.", "Try again later.", TRACE)
    if isinstance(retry_after, datetime):
        told = format_datetime(retry_after.astimezone(UTC), usegmt=True)
    else:
        told = f"{retry_after:g}" if retry_after is not None else ""
    extra = {"Retry-After": told} if told else {}
    slowed = Response(429, response.body, {**response.headers, **extra})
    return answering(f"rate_limit({retry_after})", lambda: slowed)


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
    return answering("malformed_json()", lambda: Response.of_raw_json(text.encode()))


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
    return answering(f"html_page({status})", lambda: Response.of_text(text, status, "text/html"))


def missing_result() -> Fault:
    """The job has ended, but its result is not there (204)."""
    return _rewrite("missing_result()", lambda real: Response(204), on="get_job_results")


def token_expired() -> Fault:
    """The service takes the client's token for expired (401)."""
    response = wire.body(
        401, 1201, "Authentication failed: the token has expired.", "Get a new token.", TRACE
    )
    return answering("token_expired()", lambda: response)


def forbidden() -> Fault:
    """The user may not do this (403)."""
    response = wire.body(403, 1200, _TEXTS[403][1], "Ask the owner of the instance.", TRACE)
    return answering("forbidden()", lambda: response)
