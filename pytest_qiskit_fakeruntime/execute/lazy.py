"""The engine, before it is needed."""

from __future__ import annotations

import functools

from ..world.execution import Executor, Outcome, Task


class LazyEngine:
    """The `engine.Engine` of this process, loaded when the first job arrives.

    It needs qiskit and Aer, which a test without jobs does not.
    """

    @staticmethod
    @functools.cache
    def _loaded() -> Executor:
        from .engine import Engine

        return Engine()

    def check(self, task: Task) -> float:
        """Look at a job when it is submitted. See `world.execution.Executor`."""
        return self._loaded().check(task)

    def run(self, task: Task) -> Outcome:
        """Run a job to its end. See `world.execution.Executor`."""
        return self._loaded().run(task)
