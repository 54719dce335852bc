"""What happens to accounts, devices and sessions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ..api import errors as wire
from ..api.message import Request
from ..world.faults import Fault
from ..world.world import World
from .answers import TRACE, answering


def quota_exceeded(*, refuse: bool = False) -> Fault:
    """The instance has used up its QPU time, from the next request on.

    Jobs that are submitted then wait in the queue until there is time again, as the client's
    own warning says.

    Args:
        refuse: Refuse the next job (409) instead, as IBM's OpenAPI document has it.
    """
    if refuse:
        response = wire.body(409, 1200, "The usage limit is reached.", "Wait.", TRACE)
        return replace(answering("quota_exceeded(refuse=True)", lambda: response), on="create_job")

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
