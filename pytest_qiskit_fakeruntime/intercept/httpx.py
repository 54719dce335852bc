"""Interception of httpx, synchronous and asynchronous.

httpx asks ``_transport_for_url`` who carries a request, from ``_send_single_request``. respx
(both of its strategies), pytest-httpx and mounted transports all work there or below it;
we step in just above, by running httpx's own ``_send_single_request`` on a view of the
client whose transport is ours. So we get our hosts and they theirs, whoever started first,
and httpx keeps doing the rest: cookies, streams, logging.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property, wraps
from typing import TYPE_CHECKING, Any

import httpx

from ..api.message import NoResponse, Request
from ..errors import OUTLIVED, FakeRuntimeStopped, UnmatchedRequest
from .patches import Patches, Replacement, noting
from .transport import Transport

if TYPE_CHECKING:
    import respx

    from . import Endpoint

_NAME = "_send_single_request"

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


class StoppedError(FakeRuntimeStopped, httpx.ConnectError):
    """`FakeRuntimeStopped`, as httpx raises it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self),)


class HttpxInterception(Transport):
    """Serves an endpoint to httpx while started.

    Args:
        endpoint: What answers.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint, _patches)

    @cached_property
    def router(self) -> respx.MockRouter:
        """The user's own routes, for any host. A route that matches wins over ours."""
        import respx

        return respx.MockRouter(assert_all_called=False)

    @property
    def in_use(self) -> bool:
        """Whether there are routes of the user's."""
        return "router" in vars(self) and bool(self.router.routes)

    def retire(self, made: Any) -> None:
        """Let a client refuse the hosts that this fake served, unless another fake runs."""

        def send(request: httpx.Request) -> Any:
            if not _patches.users and self.has_served(_probe(request)):
                stopped = StoppedError(f"{request.url} was not requested: {OUTLIVED}")
                stopped.request = request
                raise stopped
            return getattr(type(made), _NAME)(made, request)

        vars(made)[_NAME] = send

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


def _probe(request: httpx.Request) -> Request:
    """The request but for its body, which may not have been read."""
    return Request.of(request.method, str(request.url), request.headers.items())


def _carrier(client: Any, request: httpx.Request) -> _Exchange | None:
    probe = _probe(request)
    chosen = None
    for fake in _patches.users:
        if fake.serves(probe):
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


def _wanted() -> Iterator[Replacement]:
    for owner in (httpx.Client, httpx.AsyncClient):
        yield owner, _NAME, _diverting(vars(owner)[_NAME])
        yield noting(owner, _patches)


_patches: Patches[HttpxInterception] = Patches(_wanted)
