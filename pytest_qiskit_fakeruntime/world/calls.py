"""The log of every exchange, by the name of the operation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .hints import did_you_mean


@dataclass(frozen=True)
class Call:
    """One exchange between a client and the service.

    Attributes:
        operation: Name of the operation, such as ``create_job``.
        request: What was asked.
        response: What was answered; ``None`` if the connection broke.
        error: What was raised instead of an answer.
        at: When, in the service's time.
        fault: The injected fault that made the answer, if one did.
    """

    operation: str
    request: Any
    response: Any
    at: datetime
    error: BaseException | None = None
    fault: str | None = None

    @property
    def status(self) -> int | None:
        """HTTP status of the answer."""
        return None if self.response is None else int(self.response.status)

    def __repr__(self) -> str:
        answer = self.status if self.error is None else type(self.error).__name__
        return f"<Call {self.operation}: {self.request.method} {self.request.path} -> {answer}>"


class Calls:
    """Every exchange in order: ``calls["create_job"][-1].request.json``.

    Attributes:
        known: Names of the operations there are; another one is an error.
    """

    def __init__(self) -> None:
        self._calls: list[Call] = []
        self.known: frozenset[str] = frozenset()

    def __getitem__(self, operation: str) -> list[Call]:
        if self.known and operation not in self.known:
            hint = did_you_mean(operation, self.known)
            names = ", ".join(sorted(self.known))
            raise LookupError(f"there is no operation {operation!r}; there are {names}.{hint}")
        return [call for call in list(self._calls) if call.operation == operation]

    def __iter__(self) -> Iterator[Call]:
        return iter(list(self._calls))

    def __len__(self) -> int:
        return len(self._calls)

    def __repr__(self) -> str:
        return f"<Calls: {', '.join(self.operations) or 'none'}>"

    @property
    def operations(self) -> list[str]:
        """The names of the operations, in order."""
        return [call.operation for call in self]

    def record(self, call: Call) -> None:
        """Write down an exchange."""
        self._calls.append(call)

    def clear(self) -> None:
        """Forget what was written down so far."""
        self._calls.clear()
