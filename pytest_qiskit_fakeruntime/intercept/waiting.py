"""The client and the IBM SDK wait by the fake's clock."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..world.clock import Clock

# Every module of theirs that sleeps or measures time (client 0.41 to 0.51): polling for a
# job's end; expiry and refresh of tokens. They all say `import time`.
_WAITING = (
    "qiskit_ibm_runtime.runtime_job",
    "qiskit_ibm_runtime.runtime_job_v2",
    "ibm_cloud_sdk_core.token_managers.token_manager",
)


class ClockTime:
    """The module `time`, except that ``time`` and ``sleep`` are the clock's."""

    def __init__(self, clock: Clock) -> None:
        self.time = clock.time
        self.sleep = clock.advance

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


class VirtualWaiting:
    """Lets the client's own waiting move the clock instead of taking time.

    The client must have been imported.

    Args:
        clock: Whose time it is.
        everybody: Whether the same goes for all the rest of the process: `time.sleep` then
            moves the clock, and `time.time` and `time.monotonic` follow. Who imported
            those functions by name beforehand is not concerned, nor is `asyncio.sleep`.
    """

    def __init__(self, clock: Clock, everybody: bool = False) -> None:
        self._clock = clock
        self._time = ClockTime(clock)
        self._everybody = everybody
        self._stack = ExitStack()

    def __enter__(self) -> VirtualWaiting:
        with ExitStack() as stack:
            for name in _WAITING:
                module: Any = sys.modules.get(name)
                if hasattr(module, "time"):
                    _replace(stack, module, "time", self._time)
            if self._everybody:
                self._replace_time(stack)
            self._stack = stack.pop_all()
        return self

    def _replace_time(self, stack: ExitStack) -> None:
        clock, real_time, real_monotonic = self._clock, time.time, time.monotonic
        begun = clock.skipped
        _replace(stack, clock, "real_time", real_time)
        _replace(stack, time, "sleep", clock.advance)
        _replace(stack, time, "time", lambda: real_time() + clock.skipped - begun)
        _replace(stack, time, "monotonic", lambda: real_monotonic() + clock.skipped - begun)

    def __exit__(self, *_: object) -> None:
        self._stack.close()


def _replace(stack: ExitStack, owner: Any, name: str, value: Any) -> None:
    stack.callback(setattr, owner, name, getattr(owner, name))
    setattr(owner, name, value)
