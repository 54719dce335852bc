"""What we cost: a run that does not use us, a test that does, a request.

Run by name: ``pytest tests/bench/test_costs.py -s``. Both sides of each comparison are
measured in turn, so that what else the machine does falls on both.
"""

from __future__ import annotations

import io
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from pytest_qiskit_fakeruntime import FakeRuntime

OURS = ["-p", "pytest_qiskit_fakeruntime.plugin"]
RUN = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
ENVIRON = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
"""No other plugins: only ours comes and goes."""


def seconds(call: Callable[[], Any]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def cpu_seconds(call: Callable[[], Any]) -> float:
    """What processes that are started cost, whatever else the machine does."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    call()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def in_turn(
    first: Callable[[], Any],
    second: Callable[[], Any],
    rounds: int,
    measure: Callable[[Callable[[], Any]], float] = seconds,
) -> tuple[float, float]:
    """The least of both, in seconds, measured alternately: what is above it is not theirs."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        times[0].append(measure(first))
        times[1].append(measure(second))
    return min(times[0]), min(times[1])


def pytest_run(folder: Path, *args: str) -> Callable[[], Any]:
    command = [*RUN, *args, str(folder)]
    return lambda: subprocess.run(command, capture_output=True, check=True, env=ENVIRON)


def test_start_up_of_a_run_that_does_not_use_us(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("def test_it(): pass\n")

    without, with_us = (pytest_run(tmp_path, "--collect-only", *args) for args in ([], OURS))
    bare, ours = in_turn(without, with_us, 25, cpu_seconds)

    print(f"\nstart-up: {bare * 1e3:.1f} ms bare, {(ours - bare) * 1e3:+.1f} ms with us")
    assert ours - bare < 0.100


def test_idle_cost_of_a_test_that_does_not_use_us(tmp_path: Path) -> None:
    number = 2000
    (tmp_path / "test_it.py").write_text(
        f"import pytest\n@pytest.mark.parametrize('n', range({number}))\ndef test_it(n): pass\n"
    )

    bare, ours = in_turn(pytest_run(tmp_path), pytest_run(tmp_path, *OURS), 11, cpu_seconds)

    print(f"\nidle: {(ours - bare) / number * 1e6:+.1f} us per test (start-up included)")
    assert (ours - bare) / number < 150e-6  # a busy machine varies by 100 ms


def test_start_and_stop() -> None:
    def use() -> None:
        with FakeRuntime("fake_manila"):
            pass

    use()
    cost = statistics.quantiles([seconds(use) for _ in range(200)], n=4)[0]

    print(f"\nFakeRuntime start and stop: {cost * 1e3:.2f} ms")
    assert cost < 2e-3


def test_service() -> None:
    with FakeRuntime("fake_manila") as fake:
        fake.service()
        cost = statistics.quantiles([seconds(fake.service) for _ in range(50)], n=4)[0]

    print(f"\nservice(): {cost * 1e3:.1f} ms")
    assert cost < 60e-3


class Floor(HTTPAdapter):
    """Answers from memory: what `requests` itself costs."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        response = requests.Response()
        response.status_code = 200
        response.raw = io.BytesIO(b'{"status": "ok"}')
        response.request, response.url = request, str(request.url)
        return response


@pytest.fixture
def floor() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.mount("https://", Floor())
        yield session


def test_request(floor: requests.Session) -> None:
    url = "https://quantum.cloud.ibm.com/api/v1/health"
    with requests.Session() as plain, FakeRuntime("fake_manila"):

        def ours() -> None:
            for _ in range(50):
                plain.get(url).json()

        def theirs() -> None:
            for _ in range(50):
                floor.get("https://example.com/").json()

        low, high = in_turn(theirs, ours, 40)

    print(f"\nrequest: {high / 50 * 1e6:.0f} us, {high / low:.2f}x an in-memory adapter")
    assert high / low < 2.0
