"""Interception of httpx, synchronous and asynchronous.

httpx asks ``_transport_for_url`` who carries a request, from ``_send_single_request``. respx
(both of its strategies), pytest-httpx and mounted transports all work there or below it;
we step in just above, by running httpx's own ``_send_single_request`` on a view of the
client whose transport is ours. So we get our hosts and they theirs, whoever started first,
and httpx keeps doing the rest: cookies, streams, logging.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cached_property, wraps
from typing import TYPE_CHECKING, Any

import httpx

from ..api.message import NoResponse, Request
from ..errors import UnmatchedRequest

if TYPE_CHECKING:
    import respx

    from . import Endpoint

_NAME = "_send_single_request"

_running: tuple[HttpxInterception, ...] = ()
_replaced: list[tuple[type, Any, Any]] = []
_lock = threading.RLock()

_BREAKS: dict[str, tuple[type[httpx.TransportError], str]] = {
    "refused": (httpx.ConnectError, "[Errno 111] Connection refused"),
    "disconnect": (
        httpx.RemoteProtocolError,
        "Server disconnected without sending a response.",
    ),
    "timeout": (httpx.ReadTimeout, "The read operation timed out"),
}


class UnmatchedRequestError(UnmatchedRequest, httpx.ConnectError):
    """`UnmatchedRequest`, as httpx raises it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.method, self.url, self.nearest)


class HttpxInterception:
    """Serves an endpoint to httpx while started.

    Args:
        endpoint: What answers.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    @cached_property
    def router(self) -> respx.MockRouter:
        """The user's own routes, for any host. A route that matches wins over ours."""
        import respx

        return respx.MockRouter(assert_all_called=False)

    @property
    def in_use(self) -> bool:
        """Whether there are routes of the user's."""
        return "router" in vars(self) and bool(self.router.routes)

    def start(self) -> None:
        """Intercept from now on."""
        global _running
        with _lock:
            if not _running:
                _install()
            _running = (*_running, self)

    def stop(self) -> None:
        """Intercept no longer; fakes may stop in any order."""
        global _running
        with _lock:
            _running = tuple(other for other in _running if other is not self)
            if not _running:
                _uninstall()

    def __enter__(self) -> HttpxInterception:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer a request whose body has been read."""
        message = Request.of(
            request.method, str(request.url), request.headers.items(), request.content
        )
        patience = request.extensions.get("timeout", {}).get("read")
        try:
            answer = self.endpoint.handle(message)
            if patience is not None and patience < answer.delay:
                raise NoResponse("timeout")
            self.endpoint.clock.advance(answer.delay)
        except NoResponse as silence:
            if silence.kind == "timeout" and patience:
                self.endpoint.clock.advance(patience)
            if silence.kind not in _BREAKS:
                raise
            error, text = _BREAKS[silence.kind]
            raise error(text, request=request) from silence
        except UnmatchedRequest as miss:
            unmatched = UnmatchedRequestError(miss.method, miss.url, miss.nearest)
            unmatched.request = request
            raise unmatched from None
        body = b"" if request.method == "HEAD" else answer.body
        return httpx.Response(
            answer.status,
            headers=dict(answer.headers),
            stream=httpx.ByteStream(body),  # unread, as from a socket
            request=request,
            extensions={"http_version": b"HTTP/1.1"},
        )


class _Exchange(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Carries one request.

    Args:
        fake: Whose routes are tried, and who answers otherwise.
        beyond: Who carries a request that no route matches. Left out, the fake does.
    """

    def __init__(self, fake: HttpxInterception, beyond: Any) -> None:
        self._fake = fake
        self._beyond = beyond

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        if self._fake.in_use:
            try:
                return self._fake.router.handler(request)
            except _no_route():
                pass
        if self._beyond is not None:
            response: httpx.Response = self._beyond.handle_request(request)
            return response
        return self._fake.answer(request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        if self._fake.in_use:
            try:
                return await self._fake.router.async_handler(request)
            except _no_route():
                pass
        if self._beyond is not None:
            response: httpx.Response = await self._beyond.handle_async_request(request)
            return response
        return self._fake.answer(request)


def _no_route() -> tuple[type[BaseException], ...]:
    from respx.models import AllMockedAssertionError, PassThrough

    return AllMockedAssertionError, PassThrough


class _View:
    """A client, but for its transport."""

    def __init__(self, client: Any, transport: Any) -> None:
        self._client = client
        self._carrier = transport

    def _transport_for_url(self, url: httpx.URL) -> Any:
        return self._carrier

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


def _carrier(client: Any, request: httpx.Request) -> _Exchange | None:
    probe = Request.of(request.method, str(request.url), request.headers.items())
    chosen = None
    for fake in _running:
        if fake.endpoint.serves(probe):
            chosen = _Exchange(fake, beyond=None)
        elif fake.in_use:
            chosen = _Exchange(fake, chosen or client._transport_for_url(request.url))
    return chosen


def _diverting(original: Callable[..., Any]) -> Callable[..., Any]:
    # One for both kinds of client: of the asynchronous one we pass the coroutine on.
    @wraps(original)
    def send(client: Any, request: httpx.Request) -> Any:
        carrier = _carrier(client, request)
        return original(client if carrier is None else _View(client, carrier), request)

    return send


def _install() -> None:
    for owner in (httpx.Client, httpx.AsyncClient):
        old = vars(owner)[_NAME]
        new = _diverting(old)
        _replaced.append((owner, old, new))
        setattr(owner, _NAME, new)


def _uninstall() -> None:
    while _replaced:
        owner, old, new = _replaced.pop()
        if vars(owner).get(_NAME) is new:  # else somebody patched on top of us, and undoes it
            setattr(owner, _NAME, old)
