"""The whole of IBM Quantum as one function from request to response."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from ..errors import UnmatchedRequest
from ..world.calls import Call
from ..world.clock import Clock
from ..world.execution import Rejected
from ..world.faults import Fault
from ..world.world import Refusal, World
from . import backends, catalog, errors, iam, instances, jobs, sessions, system
from .auth import Authenticator
from .hosts import Target, is_ibm, target_of
from .message import Request, Response
from .routing import Context, Operation, Router
from .versions import KNOWN, OLDEST

ROUTER = Router(
    operation
    for resource in (iam, catalog, instances, backends, jobs, sessions, system)
    for operation in resource.OPERATIONS
)
"""Every operation that is served."""

UNMATCHED = "unmatched"
"""How the log calls a request for an operation that is not served."""


class Endpoint:
    """Answers requests on behalf of every host of the service.

    Args:
        world: The state behind it.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self._authenticator = Authenticator(world)
        world.calls.known = frozenset((*ROUTER.names, UNMATCHED))

    @property
    def clock(self) -> Clock:
        """The service's time."""
        return self.world.clock

    def owns(self, host: str) -> bool:
        """Whether a host is one of IBM Quantum's, which nothing must contact."""
        return is_ibm(host)

    def serves(self, request: Request) -> bool:
        """Whether a request is for us, and so must never leave the process."""
        return target_of(request) is not None

    def handle(self, request: Request) -> Response:
        """Answer a request, and write the exchange down.

        Raises:
            UnmatchedRequest: If it asks for an operation that is not served.
            NoResponse: If an injected fault breaks the connection.
        """
        target = target_of(request)
        found = ROUTER.find(request.method, target) if target else None
        if target is None or found is None:
            raise self._unmatched(request, target)
        operation, parts = found
        runtime = operation.service == "runtime"
        faults = self.world.faults.take(operation.name, runtime, request)

        def answer() -> Response:
            return self._answer(operation, parts, target, request)

        told = ", ".join(fault.name for fault in faults) or None
        try:
            response = self._disturbed(faults, request, answer)
        except BaseException as problem:
            self._record(operation.name, request, None, problem, told)
            raise
        self._record(operation.name, request, response, None, told)
        return response

    def _disturbed(
        self, faults: list[Fault], request: Request, answer: Callable[[], Response]
    ) -> Response:
        """The answer, after what the faults do to the service and to it."""
        give = answer
        for fault in faults:
            if fault.change is not None:
                fault.change(self.world, request)
            if fault.answer is not None:
                give = partial(fault.answer, request, answer)
        delay = sum(fault.delay for fault in faults)
        return replace(give(), delay=delay) if delay else give()

    def _unmatched(self, request: Request, target: Target | None) -> UnmatchedRequest:
        nearest = ROUTER.nearest(request.method, target) if target else None
        error = UnmatchedRequest(request.method, request.bare_url, nearest)
        self._record(UNMATCHED, request, None, error)
        return error

    def _answer(
        self, operation: Operation, parts: dict[str, str], target: Target, request: Request
    ) -> Response:
        trace = self.world.ids.uuid("trace")
        try:
            version = request.headers.get("ibm-api-version", OLDEST)
            if operation.service == "runtime" and version not in KNOWN:
                raise Refusal("unknown_version", version=version, known=", ".join(KNOWN))
            caller = user = None
            if not operation.open and operation.service == "runtime":
                self.world.settle()
                caller = self._authenticator.caller(request, target.region)
            elif not operation.open:
                user = self._authenticator.user(request)
            context = Context(caller, parts, version, trace, user)
            return operation.handler(self.world, request, context)
        except Refusal as refusal:
            return errors.of_refusal(refusal, trace)
        except Rejected as rejected:
            return errors.of_rejection(rejected, trace)

    def _record(
        self,
        operation: str,
        request: Request,
        response: Response | None,
        error: BaseException | None,
        fault: str | None = None,
    ) -> None:
        now = self.world.clock.now
        self.world.calls.record(Call(operation, request, response, now, error, fault))
