"""Interception of `requests`.

Theory of operation
-------------------
``Session.send`` asks ``self.get_adapter(url)`` who shall carry a request. That question is
the narrowest place where every request passes, so we answer it: with an `Exchange` (see
`exchange`), which hands what is for no fake to whom it would have gone without us.

A plain function on the class would lose against ``requests_mock.Mocker``, which puts a
``get_adapter`` into the *session's* ``__dict__`` for each request and leaves one there when
it stops. A *data descriptor* is consulted before an instance's ``__dict__``. `_GetAdapter`
is one: it keeps what others set on a session where they set it, and honours it for
every request but ours. So it makes no difference who started first.

``Session.__init__`` is wrapped as well, to know the sessions made under a fake: after
`RequestsInterception.stop` they still hold that fake's credentials, and must neither
present them to IBM nor reach it. Only these sessions, and only for hosts that the fake
served, refuse to work once no fake is left (`FakeRuntimeStopped`); no other trace remains.

There is no lock on the way of a request: a slow answer delays nobody else.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from functools import partialmethod
from types import MethodType
from typing import TYPE_CHECKING, Any

import requests
import requests_mock
from requests.adapters import BaseAdapter
from requests.auth import AuthBase

from ..errors import OUTLIVED, FakeRuntimeStopped
from .exchange import Exchange, message_of
from .patches import Patches, Replacement, noting
from .transport import Transport

if TYPE_CHECKING:
    from . import Endpoint

_NAME = "get_adapter"


class RequestsInterception(Transport):
    """Serves an endpoint to `requests` while started.

    Args:
        endpoint: What answers.

    Attributes:
        adapter: The user's own routes, for any host. A route that matches wins over ours.
            Its history holds the requests that were offered to these routes.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint, _patches)
        self.adapter = _Routes(case_sensitive=True)

    def retire(self, made: requests.Session) -> None:
        """Let a session refuse the hosts that this fake served."""
        adapters = vars(made).get("adapters", {})
        adapters.update({prefix: _Retired(old, self) for prefix, old in adapters.items()})
        if isinstance(vars(made).get("auth"), AuthBase):
            # It comes before the adapter, and would fetch a token from IBM with our API key.
            made.auth = _RetiredAuth(made.auth, self)


class _Routes(requests_mock.Adapter):
    """A `requests_mock.Adapter` that knows whether anybody uses it.

    It has the short forms of a `requests_mock.Mocker`: ``get(url, json=...)`` and so on.
    """

    in_use = False

    get = partialmethod(requests_mock.Adapter.register_uri, "GET")
    post = partialmethod(requests_mock.Adapter.register_uri, "POST")
    put = partialmethod(requests_mock.Adapter.register_uri, "PUT")
    patch = partialmethod(requests_mock.Adapter.register_uri, "PATCH")
    delete = partialmethod(requests_mock.Adapter.register_uri, "DELETE")

    def add_matcher(self, matcher: Any) -> None:
        self.in_use = True
        super().add_matcher(matcher)


class _GetAdapter:
    """Stands in for the ``get_adapter`` of a session class."""

    def __init__(self, original: Any) -> None:
        self.original = original

    def __get__(self, session: requests.Session | None, owner: type) -> Any:
        if session is None:
            return _bind(self.original, None, owner)
        # `super().get_adapter` ignores what is set on the instance, and so must we.
        outermost = _defining(type(session)) is self
        own = vars(session).get(_NAME) if outermost else None
        # A MethodType because requests_mock would bind anything else once more.
        return MethodType(_Choice(self.original, own), session)

    def __set__(self, session: requests.Session, value: Any) -> None:
        choice = getattr(value, "__func__", None)
        if isinstance(choice, _Choice):  # somebody puts back what we gave: store what it hid
            value = choice.own
        if value is None:
            vars(session).pop(_NAME, None)
        else:
            vars(session)[_NAME] = value

    def __delete__(self, session: requests.Session) -> None:
        try:
            del vars(session)[_NAME]
        except KeyError:
            raise AttributeError(_NAME) from None


class _Choice:
    """Chooses the adapter for a URL.

    Args:
        original: What the class defined.
        own: What the session itself had set, if anything.
    """

    __slots__ = ("original", "own")

    def __init__(self, original: Any, own: Any) -> None:
        self.original = original
        self.own = own

    def __call__(self, session: requests.Session, url: str) -> BaseAdapter:
        mounted = _bind(self.original, session, type(session))
        adapter: BaseAdapter = mounted(url)
        beyond: BaseAdapter = self.own(url) if self.own else adapter
        running = _patches.users
        return Exchange(running, adapter, beyond) if running else beyond


def _bind(function: Any, session: requests.Session | None, owner: type) -> Any:
    return function.__get__(session, owner) if hasattr(function, "__get__") else function


def _defining(owner: type) -> Any:
    return next(vars(base)[_NAME] for base in owner.__mro__ if _NAME in vars(base))


def _overriding(owner: Any) -> Iterator[Any]:
    """All classes from ``owner`` downwards that define ``get_adapter`` themselves."""
    if _NAME in vars(owner):
        yield owner
    for heir in owner.__subclasses__():
        yield from _overriding(heir)


def _wanted() -> Iterator[Replacement]:
    session: Any = requests.Session
    for owner in _overriding(session):
        yield owner, _NAME, _GetAdapter(vars(owner)[_NAME])
    yield noting(session, _patches)


_patches: Patches[RequestsInterception] = Patches(_wanted)


# ---- after the stop -------------------------------------------------------------------


class StoppedError(FakeRuntimeStopped, requests.ConnectionError):
    """`FakeRuntimeStopped`, as `requests` raises it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self),)


class _Wrapper:
    """Passes for what it wraps; in another process it is that."""

    def __init__(self, wrapped: Any, fake: RequestsInterception) -> None:
        self._wrapped = wrapped
        self._fake = fake

    def _check(self, request: requests.PreparedRequest) -> None:
        if self._fake.has_served(message_of(request)):
            raise StoppedError(f"{request.url} was not requested: {OUTLIVED}")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._wrapped, name)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return type(self)(deepcopy(self._wrapped, memo), self._fake)

    def __reduce__(self) -> tuple[Any, ...]:
        return _same, (self._wrapped,)


class _Retired(_Wrapper, BaseAdapter):
    """An adapter that refuses the hosts of a fake that has stopped."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        self._check(request)
        return self._wrapped.send(request, *args, **kwargs)

    def close(self) -> None:
        self._wrapped.close()


class _RetiredAuth(_Wrapper, AuthBase):
    """Credentials that are not presented to the hosts of a fake that has stopped."""

    def __call__(self, request: requests.PreparedRequest) -> Any:
        self._check(request)
        return self._wrapped(request)


def _same(thing: Any) -> Any:
    return thing
