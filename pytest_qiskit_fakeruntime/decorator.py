"""A fake around functions, coroutines and test cases."""

from __future__ import annotations

import functools
import inspect
import unittest
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from .errors import UsageError

if TYPE_CHECKING:
    from .runtime import FakeRuntime

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def decorate(decorated: Decorated, make: Callable[[], FakeRuntime]) -> Decorated:
    """Run a function, a coroutine or every test of a `TestCase` inside a fresh fake.

    Args:
        decorated: What to run.
        make: Makes the fake.

    Raises:
        UsageError: If it is a class that is no `TestCase`.
    """
    if isinstance(decorated, type):
        _decorate_case(decorated, make)
        return decorated
    if inspect.iscoroutinefunction(decorated):

        @functools.wraps(decorated)
        async def run_async(*args: Any, **kwargs: Any) -> Any:
            async with make():
                return await decorated(*args, **kwargs)

        return run_async  # type: ignore[return-value]

    @functools.wraps(decorated)
    def run(*args: Any, **kwargs: Any) -> Any:
        with make():
            return decorated(*args, **kwargs)

    return run  # type: ignore[return-value]


def _decorate_case(case: Any, make: Callable[[], FakeRuntime]) -> None:
    """Start a fake before ``setUp`` of every test of the class, and stop it after the clean-ups.

    ``run`` is what surrounds all of them, for synchronous and asynchronous cases alike.
    """
    if not issubclass(case, unittest.TestCase):
        raise UsageError(
            f"FakeRuntime decorates functions, coroutines and TestCase classes, not {case!r}; "
            "for other classes use @pytest.mark.fake_runtime()"
        )
    inherited = case.run

    @functools.wraps(inherited)
    def run(self: unittest.TestCase, result: unittest.TestResult | None = None) -> Any:
        with make():
            return inherited(self, result)

    case.run = run
