"""Where the fake meets the process: HTTP libraries, environment, account file, time.

Nothing outside this package touches any of them, and this module imports none of them: a
test run that never starts a fake pays nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import ExitStack
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from ..errors import NetworkBlocked, UsageError

if TYPE_CHECKING:
    import requests_mock
    import respx

    from ..api.message import Request, Response
    from ..world.clock import Clock
    from .httpx import HttpxInterception
    from .requests import RequestsInterception


class Endpoint(Protocol):
    """What answers the requests that the transports intercept."""

    @property
    def clock(self) -> Clock:
        """The clock that waiting moves."""

    def owns(self, host: str) -> bool:
        """Tell whether a host is IBM's, and so must not be contacted."""

    def serves(self, request: Request) -> bool:
        """Tell whether the request goes to one of our hosts, whatever its method or path."""

    def handle(self, request: Request) -> Response:
        """Answer a request.

        Raises:
            NoResponse: The connection breaks; transports raise what their library raises.
            UnmatchedRequest: We do not serve the operation; likewise.
        """


_started: list[Interception] = []
_lock = threading.Lock()


class Interception:
    """Everything of the process that a fake borrows, from `start` to `stop`.

    Fakes nest: the one started last answers. They stop in reverse order.

    Args:
        endpoint: What answers.
        environ: The credentials that the client shall find in the environment.
        virtual_sleep: Whether the whole process sleeps by the fake's clock, not only the client.

    Attributes:
        blocked: What was about to reach IBM by ways that we do not answer.
    """

    def __init__(
        self, endpoint: Endpoint, environ: Mapping[str, str], *, virtual_sleep: bool = False
    ) -> None:
        self._endpoint = endpoint
        self._virtual_sleep = virtual_sleep
        self._environ = environ
        self._stack: ExitStack | None = None
        self.blocked: list[NetworkBlocked] = []

    @cached_property
    def _requests(self) -> RequestsInterception:
        from .requests import RequestsInterception

        return RequestsInterception(self._endpoint)

    @cached_property
    def _httpx(self) -> HttpxInterception:
        from .httpx import HttpxInterception

        return HttpxInterception(self._endpoint)

    @property
    def requests_mock(self) -> requests_mock.Adapter:
        """The `requests_mock.Adapter` for the user's own routes; they win over ours."""
        return self._requests.adapter

    @property
    def respx(self) -> respx.MockRouter:
        """The `respx.MockRouter` for the user's own routes; they win over ours."""
        return self._httpx.router

    def start(self) -> None:
        """Borrow the process; what was done is undone if any of it fails.

        Raises:
            UsageError: If it has been started already.
        """
        from .accounts import Accounts
        from .certificates import LateCertificates
        from .guard import Guard
        from .sandbox import Sandbox
        from .waiting import VirtualWaiting

        with _lock:
            if self._stack is not None:
                raise UsageError("this fake has already been started; stop it first")
            with ExitStack() as stack:
                stack.enter_context(Sandbox(self._environ))
                stack.enter_context(Accounts())
                stack.enter_context(LateCertificates())
                stack.enter_context(VirtualWaiting(self._endpoint.clock, self._virtual_sleep))
                stack.enter_context(Guard(self._judge))
                stack.enter_context(self._httpx)
                stack.enter_context(self._requests)
                self._stack = stack.pop_all()
            _started.append(self)

    def _judge(self, host: str) -> NetworkBlocked | None:
        if not self._endpoint.owns(host):
            return None
        error = NetworkBlocked(host, ibm=True)
        self.blocked.append(error)
        return error

    @property
    def answers(self) -> bool:
        """Whether it is running, and no fake that was started later is."""
        return bool(_started) and _started[-1] is self

    def stop_abandoned(self) -> int:
        """Stop the fakes that were started later and are still running; say how many."""
        abandoned = 0
        while self in _started and not self.answers:
            _started[-1].stop()
            abandoned += 1
        return abandoned

    def stop(self) -> None:
        """Give everything back. Stopping a fake that is not running does nothing.

        Raises:
            UsageError: If a fake that was started later is still running.
        """
        with _lock:
            if self._stack is None:
                return
            if _started[-1] is not self:
                raise UsageError(
                    "a fake that was started later is still running; stop the fakes in "
                    "reverse order (nested `with` blocks do)"
                )
            stack, self._stack = self._stack, None
            _started.pop()
            stack.close()
