from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pytest_qiskit_fakeruntime.execute import Engine
from pytest_qiskit_fakeruntime.world.execution import Task

from .jobs import decode


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def result(engine: Engine) -> Callable[[Task], Any]:
    """Checks, runs and decodes a task."""

    def run(job: Task) -> Any:
        assert engine.check(job) > 2
        return decode(job.program_id, engine.run(job).result)

    return run
