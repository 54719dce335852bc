"""A request and a response, free of any HTTP library."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit


@dataclass(frozen=True)
class Request:
    """One HTTP request as it would go over the wire.

    Attributes:
        method: In capitals.
        url: Complete, with the query.
        headers: By lower-case name.
        body: As sent.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @classmethod
    def of(
        cls,
        method: str,
        url: str,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes | str | None = None,
    ) -> Request:
        """Build a request from what HTTP libraries hold."""
        content = body.encode() if isinstance(body, str) else body or b""
        return cls(method.upper(), url, {k.lower(): v for k, v in headers}, content)

    @cached_property
    def _parts(self) -> Any:
        return urlsplit(self.url)

    @property
    def host(self) -> str:
        """Host name, lower case, without the port."""
        return str(self._parts.hostname or "")

    @cached_property
    def path(self) -> str:
        """Path, decoded."""
        return unquote(self.raw_path)

    @property
    def raw_path(self) -> str:
        """Path as written, in which an encoded slash is none."""
        return str(self._parts.path)

    @property
    def bare_url(self) -> str:
        """The URL without what may be secret: user, password, query and fragment."""
        netloc = self._parts.netloc.rpartition("@")[2]
        return str(self._parts._replace(netloc=netloc, query="", fragment="").geturl())

    @cached_property
    def query(self) -> Mapping[str, list[str]]:
        """Query parameters; each may occur several times."""
        query: dict[str, list[str]] = {}
        for key, value in parse_qsl(self._parts.query, keep_blank_values=True):
            query.setdefault(key, []).append(value)
        return query

    def param(self, name: str, default: str | None = None) -> str | None:
        """The last value of a query parameter."""
        return self.query.get(name, [default])[-1]

    @cached_property
    def form(self) -> Mapping[str, str]:
        """The body as an HTML form."""
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))

    @cached_property
    def json(self) -> Any:
        """The body as JSON.

        Raises:
            ValueError: If it is not JSON.
        """
        return json.loads(self.body)


@dataclass(frozen=True)
class Response:
    """One HTTP response as it would come over the wire.

    Attributes:
        status: HTTP status.
        body: As sent.
        headers: By name.
        delay: Seconds after which it comes, in the service's time.
    """

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0

    @classmethod
    def of_json(cls, document: Any, status: int = 200) -> Response:
        """A response that carries a JSON document."""
        return cls.of_raw_json(json.dumps(document).encode(), status)

    @classmethod
    def of_raw_json(cls, body: bytes, status: int = 200) -> Response:
        """A response that carries JSON text."""
        return cls(status, body, {"Content-Type": "application/json; charset=utf-8"})

    @classmethod
    def of_text(cls, text: str, status: int = 200, kind: str = "text/plain") -> Response:
        """A response that carries text."""
        return cls(status, text.encode(), {"Content-Type": f"{kind}; charset=utf-8"})

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class NoResponse(Exception):
    """The connection breaks instead of an answer coming back.

    Attributes:
        kind: ``refused`` (nobody listens), ``disconnect`` (closed before the answer) or
            ``timeout`` (no answer in time). Transports raise what their library raises then.
    """

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind
