"""A small endpoint, and a guard that nothing is left behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from typing import Any

import pytest
import qiskit_ibm_runtime  # noqa: F401  its first import changes much: not ours to compare

from pytest_qiskit_fakeruntime.api.message import Request, Response
from pytest_qiskit_fakeruntime.intercept import Interception
from pytest_qiskit_fakeruntime.world.clock import Clock

CREDENTIALS = {
    "QISKIT_IBM_TOKEN": "fake-token",
    "QISKIT_IBM_INSTANCE": "crn:v1:bluemix:public:quantum-computing:us-east:a/local::local",
    "QISKIT_IBM_CHANNEL": "ibm_quantum_platform",
}


class SmallEndpoint:
    """Answers for ``*.cloud.ibm.com`` (or ``host``) with its name and what it was sent."""

    def __init__(self, name: str = "ours", host: str = "cloud.ibm.com") -> None:
        self.name = name
        self.host = host
        self.clock = Clock(datetime(2026, 1, 1, tzinfo=timezone.utc))
        self.pauses: list[float] = []
        self.seen: list[Request] = []
        self.script: list[Any] = []
        self.handler: Callable[[Request], Response] = self.echo
        advance = self.clock.advance

        def note(seconds: float) -> None:
            self.pauses.append(seconds)
            advance(seconds)

        self.clock.advance = note  # type: ignore[method-assign]

    def owns(self, host: str) -> bool:
        return host.endswith(self.host)

    def serves(self, request: Request) -> bool:
        return request.host.endswith(self.host) or request.headers.get("for") == self.name

    def handle(self, request: Request) -> Response:
        self.seen.append(request)
        if self.script:
            step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
            if isinstance(step, BaseException):
                raise step
            return step
        return self.handler(request)

    def echo(self, request: Request) -> Response:
        return Response.of_json(
            {"by": self.name, "method": request.method, "body": request.body.decode()}
        )


@pytest.fixture
def patch() -> Iterator[pytest.MonkeyPatch]:
    """Like monkeypatch, but undone before the guards look."""
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture
def new_endpoint() -> type[SmallEndpoint]:
    return SmallEndpoint


@pytest.fixture
def endpoint() -> SmallEndpoint:
    return SmallEndpoint()


@pytest.fixture
def credentials() -> dict[str, str]:
    return dict(CREDENTIALS)


@pytest.fixture
def interception(endpoint: SmallEndpoint, credentials: dict[str, str]) -> Iterator[Interception]:
    interception = Interception(endpoint, credentials)
    interception.start()
    yield interception
    interception.stop()
