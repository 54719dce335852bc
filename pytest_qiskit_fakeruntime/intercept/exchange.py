"""One request of `requests` and its answer, as if urllib3 and a socket had been in between.

urllib3 retries *below* the adapter, by the policy that the mounted adapter carries, and
``HTTPAdapter.send`` then translates urllib3's errors. `Exchange` does both, with the policy
of the adapter that is really mounted; only the pauses are virtual.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from dataclasses import replace
from email.utils import mktime_tz, parsedate_tz
from http.client import RemoteDisconnected
from http.client import responses as REASONS
from io import BytesIO
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import requests
import urllib3
from requests.adapters import BaseAdapter, HTTPAdapter
from requests_mock import NoMockAddress
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    InvalidHeader,
    MaxRetryError,
    NewConnectionError,
    ProtocolError,
    ReadTimeoutError,
    ResponseError,
)
from urllib3.util.retry import Retry

from ..api.message import NoResponse, Request, Response
from ..errors import UnmatchedRequest

if TYPE_CHECKING:
    from ..world.clock import Clock
    from .requests import RequestsInterception

_real = HTTPAdapter()


class UnmatchedRequestError(UnmatchedRequest, requests.ConnectionError):
    """`UnmatchedRequest`, as `requests` raises it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.method, self.url, self.nearest)


class Exchange(BaseAdapter):
    """Carries requests for one URL.

    Whether a request is for a fake may depend on its headers, so it is decided on sending.

    Args:
        fakes: The running fakes, the one started last at the end.
        mounted: The adapter that is really mounted; the retry policy is its.
        beyond: Who carries a request that is for none of the fakes.
    """

    def __init__(
        self, fakes: tuple[RequestsInterception, ...], mounted: BaseAdapter, beyond: BaseAdapter
    ) -> None:
        self._fakes = fakes
        self._mounted = mounted
        self._beyond = beyond

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Any = None,
    ) -> requests.Response:
        """Send a request like ``HTTPAdapter.send``."""
        options = {
            "stream": stream,
            "timeout": timeout,
            "verify": verify,
            "cert": cert,
            "proxies": proxies,
        }
        message = message_of(request)
        for fake in reversed(self._fakes):
            if fake.serves(message):
                return self._persist(fake, request, options, _with_body(message, request.body))
            if fake.adapter.in_use:
                with suppress(NoMockAddress):
                    return self._persist(fake, request, options, None)
        return self._beyond.send(request, **options)

    def close(self) -> None:
        """Close nothing: there is no connection."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._beyond, name)

    def _persist(
        self,
        fake: RequestsInterception,
        request: requests.PreparedRequest,
        options: dict[str, Any],
        message: Request | None,
    ) -> requests.Response:
        """Try as often as the mounted adapter's policy allows.

        The steps and their order are those of urllib3's ``urlopen``.
        """
        retries: Retry = getattr(self._mounted, "max_retries", None) or Retry(0, read=False)
        method, target, pool = str(request.method), request.path_url, None
        while True:
            response = silence = None
            try:
                response = self._attempt(fake, request, options, message)
            except NoResponse as broken:
                silence = broken
                patience = _read_timeout(options["timeout"])
                if silence.kind == "timeout" and patience:
                    fake.endpoint.clock.advance(patience)
            if response is not None:
                response.raw.retries = retries
                if not _wants_retry(retries, method, response):
                    return response

            pool = pool or urllib3.connection_from_url(str(request.url))
            raw = None if response is None else response.raw
            error = silence and _broken(silence, pool, target, options["timeout"])
            try:
                retries = retries.increment(method, target, response=raw, error=error, _pool=pool)
                seconds = _pause(retries, raw, fake.endpoint.clock)
            except MaxRetryError as exhausted:
                if response is not None and not retries.raise_on_status:
                    return response
                raise _translated(exhausted, request) from exhausted
            except HTTPError as failure:
                raise _translated(failure, request) from failure
            if seconds:
                fake.endpoint.clock.advance(seconds)

    def _attempt(
        self,
        fake: RequestsInterception,
        request: requests.PreparedRequest,
        options: dict[str, Any],
        message: Request | None,
    ) -> requests.Response:
        """One try: the user's routes first, then (given a message) the endpoint."""
        if message is None:
            return self._own(fake.adapter.send(request, **options))
        if fake.adapter.in_use:
            with suppress(NoMockAddress):
                return self._own(fake.adapter.send(request, **options))
        try:
            answer = fake.endpoint.handle(message)
        except UnmatchedRequest as miss:
            unmatched = UnmatchedRequestError(miss.method, miss.url, miss.nearest)
            unmatched.request = request
            raise unmatched from None
        if answer.delay:
            patience = _read_timeout(options["timeout"])
            if patience is not None and patience < answer.delay:
                raise NoResponse("timeout")
            fake.endpoint.clock.advance(answer.delay)
        return self._own(_response(request, answer))

    def _own(self, response: Any) -> requests.Response:
        response.connection = self  # what an auth hook sends again must come back to us
        own: requests.Response = response
        return own


def message_of(request: requests.PreparedRequest) -> Request:
    """The request as we pass it on; the body only if it can be read any number of times."""
    fields: Any = request.headers.items()
    headers = [
        (name, value.decode("latin-1") if isinstance(value, bytes) else value)
        for name, value in fields
    ]
    body: Any = request.body
    lasting = body if isinstance(body, (bytes, str)) else None
    return Request.of(str(request.method), str(request.url), headers, lasting)


def _with_body(message: Request, body: Any) -> Request:
    """Read a body that is a stream, once: it may have to be sent again."""
    if body is None or isinstance(body, (bytes, str)):
        return message
    whole = body.read() if hasattr(body, "read") else body
    chunks = [whole] if isinstance(whole, (str, bytes, bytearray, memoryview)) else whole
    content = (chunk.encode() if isinstance(chunk, str) else bytes(chunk) for chunk in chunks)
    return replace(message, body=b"".join(content))


class _Body(BytesIO):
    """A body that closes when it has been read, like that of http.client; urllib3 waits for it."""

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        if size is None or size < 0 or len(data) < size:
            self.close()
        return data


def _response(request: requests.PreparedRequest, answer: Response) -> requests.Response:
    headers = urllib3.HTTPHeaderDict(answer.headers)
    raw = urllib3.HTTPResponse(
        body=_Body(b"" if request.method == "HEAD" else answer.body),
        headers=headers,
        status=answer.status,
        version=11,
        reason=REASONS.get(answer.status, ""),
        preload_content=False,
        decode_content=False,
        original_response=_cookie_source(headers),
    )
    return _real.build_response(request, raw)


def _cookie_source(headers: urllib3.HTTPHeaderDict) -> Any:
    """What `requests` takes cookies from: the response of http.client, so far as it looks."""
    if "Set-Cookie" not in headers:
        return None
    return SimpleNamespace(msg=headers, close=lambda: None, isclosed=lambda: False)


def _wants_retry(retries: Retry, method: str, response: requests.Response) -> bool:
    retry_after = bool(response.headers.get("Retry-After"))
    return retries.is_retry(method, response.status_code, retry_after)


def _pause(retries: Retry, raw: Any, clock: Clock) -> float:
    """The seconds that ``retries.sleep(raw)`` would sleep."""
    respects = retries.respect_retry_after_header and raw is not None
    return (respects and _retry_after(retries, raw, clock)) or retries.get_backoff_time()


def _retry_after(retries: Retry, raw: Any, clock: Clock) -> float | None:
    """What ``Retry-After`` asks for. A date is one of the service, so its clock counts."""
    header = raw.headers.get("Retry-After", "")
    date = None if header.strip().isdecimal() else parsedate_tz(header)
    return retries.get_retry_after(raw) if date is None else max(mktime_tz(date) - clock.time(), 0)


# ---- errors ---------------------------------------------------------------------------


def _broken(silence: NoResponse, pool: Any, target: str, timeout: Any) -> HTTPError:
    """What urllib3 makes of a broken connection.

    Raises:
        NoResponse: If it broke in a way that we do not know.
    """
    if silence.kind == "refused":
        refusal = ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
        connection = pool.ConnectionCls(pool.host, pool.port)
        return NewConnectionError(connection, f"Failed to establish a new connection: {refusal}")
    if silence.kind == "disconnect":
        hangup = RemoteDisconnected("Remote end closed connection without response")
        return ProtocolError("Connection aborted.", hangup)
    if silence.kind == "timeout":
        patience = _read_timeout(timeout)
        return ReadTimeoutError(pool, target, f"Read timed out. (read timeout={patience})")
    raise silence


def _read_timeout(timeout: Any) -> Any:
    """How long a request waits for its answer, by what `requests` was told."""
    read = getattr(timeout, "read_timeout", timeout)
    return read[1] if isinstance(read, tuple) else read


_EXHAUSTED: tuple[tuple[type[Exception], type[requests.RequestException]], ...] = (
    (NewConnectionError, requests.ConnectionError),  # before its base class, which is the next
    (ConnectTimeoutError, requests.ConnectTimeout),
    (ResponseError, requests.exceptions.RetryError),
)
_AT_ONCE: tuple[tuple[type[Exception], type[requests.RequestException]], ...] = (
    (ProtocolError, requests.ConnectionError),
    (ReadTimeoutError, requests.ReadTimeout),
    (InvalidHeader, requests.exceptions.InvalidHeader),
)


def _translated(error: HTTPError, request: requests.PreparedRequest) -> Exception:
    """What ``HTTPAdapter.send`` makes of an error of urllib3."""
    if isinstance(error, MaxRetryError):
        for kind, exception in _EXHAUSTED:
            if isinstance(error.reason, kind):
                return exception(error, request=request)
        return requests.ConnectionError(error, request=request)
    for kind, exception in _AT_ONCE:
        if isinstance(error, kind):
            return exception(error, request=request)
    return error
