"""One table of operations, and how a request finds its row."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from ..world.world import Caller, World
from .message import Request, Response

if TYPE_CHECKING:
    from .hosts import Target


@dataclass(frozen=True)
class Context:
    """What a handler knows besides the request.

    Attributes:
        caller: Who asks; ``None`` for operations without authentication.
        parts: What stood in the braces of the path.
        version: API version the request speaks.
        trace: Id of this exchange.
        user: Id of the user who asks, where there are credentials.
    """

    caller: Caller | None
    parts: dict[str, str]
    version: str
    trace: str
    user: str | None = None

    @property
    def by(self) -> Caller:
        """Who asks, for operations that need to know."""
        if self.caller is None:
            raise LookupError("this operation takes no credentials, so nobody is known to ask")
        return self.caller

    def __getitem__(self, part: str) -> str:
        return self.parts[part]


Handler = Callable[[World, Request, Context], Response]


@dataclass(frozen=True)
class Operation:
    """One operation of one service.

    Attributes:
        name: What it is called; as in IBM's OpenAPI, but for suffixes that mean nothing.
        service: Service it belongs to (see `hosts.Target`).
        method: HTTP method.
        path: Path with ``{parts}``.
        handler: Does it.
        open: Whether it needs no credentials.
    """

    name: str
    service: str
    method: str
    path: str
    handler: Handler
    open: bool = False

    def match(self, segments: list[str]) -> dict[str, str] | None:
        """What stands in the braces, if a path of as many segments is this operation's."""
        template = self.path.strip("/").split("/")
        parts = {}
        for pattern, segment in zip(template, segments, strict=True):
            if pattern.startswith("{"):
                if not segment:
                    return None
                parts[pattern.strip("{}")] = segment
            elif pattern != segment:
                return None
        return parts


class Router:
    """Finds the operation that a request asks for."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self.operations = list(operations)
        self._by_shape: dict[tuple[str, str, int], list[Operation]] = {}
        for operation in self.operations:
            shape = (operation.service, operation.method, operation.path.strip("/").count("/"))
            self._by_shape.setdefault(shape, []).append(operation)

    @property
    def names(self) -> list[str]:
        """The names of all operations."""
        return [operation.name for operation in self.operations]

    def find(self, method: str, target: Target) -> tuple[Operation, dict[str, str]] | None:
        """The operation and what stands in the braces of its path."""
        path = target.path.strip("/")
        for operation in self._by_shape.get((target.service, method, path.count("/")), ()):
            parts = operation.match([unquote(segment) for segment in path.split("/")])
            if parts is not None:
                return operation, parts
        return None

    def nearest(self, method: str, target: Target) -> str | None:
        """The operation that resembles a request most, for messages."""
        wanted = f"{method} {target.path}"
        written = {
            f"{operation.method} {operation.path}": operation.name
            for operation in self.operations
            if operation.service == target.service
        }
        near = difflib.get_close_matches(wanted, written, n=1, cutoff=0.5)
        return f"{written[near[0]]} ({near[0]})" if near else None
