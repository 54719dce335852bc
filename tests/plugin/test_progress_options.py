"""How jobs progress, said in the ini file, by a marker, or by a call."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_qiskit_fakeruntime import FakeRuntime, UsageError

from .conftest import like_ours

ARGUMENTS = ("-pno:randomly", "-pno:asyncio")

SUITE = """
    import pytest

    class Done:
        def check(self, task):
            return 1.0

        def run(self, task):
            from pytest_qiskit_fakeruntime import Outcome
            return Outcome("{}", 1.0)

    def watch(fake):
        fake.world.executor = Done()
        service = fake.service()
        job = service._run("sampler", {}, {"backend": service.backend("fake_manila")})
        return "".join(job.status()[0] for _ in range(4))

    def test_ini(fake_runtime):
        assert watch(fake_runtime) == "QQRD"

    @pytest.mark.fake_runtime(polls=(0, 1))
    def test_marker_wins(fake_runtime):
        assert watch(fake_runtime) == "RDDD"

    @pytest.mark.fake_runtime(hold=True)
    def test_hold(fake_runtime):
        assert watch(fake_runtime) == "QQQQ"
"""


def test_ini_and_marker(pytester: pytest.Pytester, pytestconfig: pytest.Config) -> None:
    pytester.makeini(
        "[pytest]\nfake_runtime_polls = 2 1\nfake_runtime_seconds = 0 0\n"
        "fake_runtime_backends = fake_manila\n" + like_ours(pytestconfig)
    )
    pytester.makepyfile(SUITE)

    pytester.runpytest(*ARGUMENTS).assert_outcomes(passed=3)


@pytest.mark.parametrize(
    ("ini", "text"),
    [("fake_runtime_polls = two", "fake_runtime_polls:"), ("fake_runtime_polls = 2", "polls=(2,)")],
)
def test_wrong_ini_is_a_usage_error(pytester: pytest.Pytester, ini: str, text: str) -> None:
    pytester.makeini(f"[pytest]\n{ini}")
    pytester.makepyfile("def test_it(fake_runtime): pass")

    result = pytester.runpytest(*ARGUMENTS)

    result.stdout.fnmatch_lines([f"*{text.replace('[', '[[]')}*"])


@pytest.mark.parametrize(
    "options",
    [
        {"polls": 2},
        {"polls": (1,)},
        {"polls": (-1, 0)},
        {"polls": (1.5, 0)},
        {"seconds": ("1", 0)},
        {"hold": 1},
        {"sleep": "virtuell"},
    ],
)
def test_wrong_values_are_usage_errors(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        FakeRuntime(**options)
