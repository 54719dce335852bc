"""Tests, threads and processes do not see each other's state."""

from __future__ import annotations

import json
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from qiskit.providers.exceptions import QiskitBackendNotFoundError

from pytest_qiskit_fakeruntime import (
    FakeRuntime,
    FakeRuntimeStopped,
    FakeRuntimeWarning,
    Outcome,
    Task,
    UsageError,
)

QUIET = ("-p", "no:asyncio", "-p", "no:benchmark", "-p", "no:cacheprovider")

SUITE = """
    import pytest
    from pytest_qiskit_fakeruntime import Outcome

    class Instantly:
        def check(self, task): return 1
        def run(self, task): return Outcome('{"seed": %d}' % task.seed, 1)

    pytestmark = [
        pytest.mark.fake_backend("fake_manila"), pytest.mark.fake_runtime(executor=Instantly())
    ]

    def submit(service):
        return service._run("sampler", {"pubs": []}, {"backend": service.backend("fake_manila")})

    @pytest.mark.parametrize("number", range(12))
    def test_one_job_each(number, fake_runtime_service):
        submit(fake_runtime_service)
        assert len(fake_runtime_service.jobs()) == 1

    class TestShared:
        def test_first(self, class_fake_runtime, fake_runtime_service):
            submit(fake_runtime_service)
            assert len(class_fake_runtime.jobs) >= 1

        def test_own(self, fake_runtime):
            assert len(fake_runtime.jobs) == 0

    def test_module(module_fake_runtime, fake_runtime):
        assert fake_runtime is module_fake_runtime
    """
NUMBER = 15


@pytest.mark.slow
@pytest.mark.parametrize("dist", ["load", "loadscope", "loadfile", "loadgroup", "worksteal"])
def test_xdist(pytester: pytest.Pytester, dist: str) -> None:
    pytester.makepyfile(SUITE)

    result = pytester.runpytest("-n4", f"--dist={dist}", "-p", "no:randomly", *QUIET)

    result.assert_outcomes(passed=NUMBER)


@pytest.mark.slow
def test_random_order(pytester: pytest.Pytester) -> None:
    pytest.importorskip("pytest_randomly")
    pytester.makepyfile(SUITE)
    for seed in range(20):
        result = pytester.runpytest(f"--randomly-seed={seed}", *QUIET)
        result.assert_outcomes(passed=NUMBER)


@pytest.mark.slow
def test_results_do_not_depend_on_order_or_process(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        SUITE.replace("== 1\n", "== 1\n        print('RESULT', number, JOB.result())\n", 1).replace(
            "        submit(fake_runtime_service)\n        assert",
            "        JOB = submit(fake_runtime_service)\n        assert",
            1,
        )
    )

    def results(*args: str) -> list[str]:
        lines = pytester.runpytest_subprocess("-rP", *args, *QUIET).stdout.lines
        return sorted(line for line in lines if line.startswith("RESULT"))

    alone = results("-p", "no:randomly", "-k", "one_job_each")
    assert len(alone) == 12
    assert len({line.split("seed")[1] for line in alone}) == 12
    assert results("-n2", "-p", "no:randomly") == alone


def test_asynchronous_tests(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import asyncio
        import pytest

        @pytest.mark.anyio
        @pytest.mark.fake_backend("fake_manila")
        async def test_tasks(fake_runtime_service):
            async def names():
                return await asyncio.to_thread(fake_runtime_service.backends)
            found = await asyncio.gather(*[names() for _ in range(8)])
            assert {one.name for several in found for one in several} == {"fake_manila"}

        @pytest.fixture
        def anyio_backend():
            return "asyncio"
        """
    )
    pytester.runpytest("-p", "no:randomly", *QUIET).assert_outcomes(passed=1)


@pytest.mark.slow
def test_pytest_asyncio(pytester: pytest.Pytester) -> None:
    pytest.importorskip("pytest_asyncio")
    pytester.makeini(
        "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n"
    )
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture
        async def names(fake_runtime_service):
            return [backend.name for backend in fake_runtime_service.backends()]

        @pytest.mark.fake_backend("fake_manila")
        async def test_it(names):
            assert names == ["fake_manila"]
        """
    )
    pytester.runpytest_subprocess("-p", "no:benchmark").assert_outcomes(passed=1)


def test_doctests_and_subtests(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        documented='''
        def names():
            """Names of devices.

            >>> "fake_manila" in names()
            True
            """
            from qiskit_ibm_runtime import QiskitRuntimeService

            return [backend.name for backend in QiskitRuntimeService().backends()]
        '''
    )
    pytester.makeini("[pytest]\nfake_runtime_backends = fake_manila fake_lima\n")
    result = pytester.runpytest("--doctest-modules", "--fake-runtime", *QUIET)
    result.assert_outcomes(passed=1)


@pytest.mark.skipif(not hasattr(pytest, "Subtests"), reason="this pytest has no subtests")
def test_subtests(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import unittest
        from qiskit_ibm_runtime import QiskitRuntimeService
        from pytest_qiskit_fakeruntime import FakeRuntime

        def test_it(subtests, fake_runtime):
            for name in ("fake_manila", "fake_lima"):
                with subtests.test(name):
                    assert fake_runtime.backends[name].num_qubits == 5

        @FakeRuntime("fake_manila", "fake_lima")
        class Case(unittest.TestCase):
            def test_it(self):
                for backend in QiskitRuntimeService().backends():
                    with self.subTest(backend.name):
                        self.assertEqual(backend.num_qubits, 5)
        """
    )
    assert pytester.runpytest("-p", "no:randomly", *QUIET).ret == 0


class Echo:
    """Gives every job its own params back."""

    def check(self, task: Task) -> float:
        return 1.0

    def run(self, task: Task) -> Outcome:
        return Outcome(json.dumps({"params": dict(task.params)}), qpu_seconds=0.01)


def test_threads_lose_and_cross_nothing() -> None:
    threads, jobs = 32, 50
    with FakeRuntime("fake_manila", executor=Echo()) as fake:

        def work(number: int) -> set[str]:
            service = fake.service()
            backend = service.backend("fake_manila")
            found = set()
            for turn in range(jobs):
                mark = f"{number}/{turn}"
                job = service._run("sampler", {"mark": mark}, {"backend": backend})
                assert job.result() == {"params": {"mark": mark}}
                found.add(job.job_id())
            return found

        with ThreadPoolExecutor(threads) as pool:
            ids = [one for found in pool.map(work, range(threads)) for one in found]

        assert len(set(ids)) == len(fake.jobs) == threads * jobs
        assert {job.status for job in fake.jobs.values()} == {"Completed"}


def test_request_does_not_wait_for_somebody_else_s_job() -> None:
    running, release = threading.Event(), threading.Event()

    class Slow(Echo):
        def run(self, task: Task) -> Outcome:
            running.set()
            if not release.wait(30):
                raise TimeoutError("nobody could ask while the job ran")
            return super().run(task)

    with FakeRuntime("fake_manila", executor=Slow()) as fake:
        service, other = fake.service(), fake.service()
        backend = service.backend("fake_manila")
        worker = threading.Thread(
            target=lambda: service._run("sampler", {}, {"backend": backend}), daemon=True
        )
        worker.start()
        assert running.wait(30)

        [job] = other.jobs()
        assert job.status() == "RUNNING"
        assert other.backend("fake_manila").status().pending_jobs == 1

        release.set()
        worker.join()
        assert other.job(job.job_id()).status() == "DONE"


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_fork_after_the_start(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import multiprocessing
        import os
        import pytest

        def child(service, answer):
            backend = service.backend("fake_lima")
            answer.put((os.getpid(), backend.num_qubits, len(service.jobs())))

        @pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
        def test_it(fake_runtime, fake_runtime_service):
            context = multiprocessing.get_context("fork")
            answer = context.Queue()
            process = context.Process(target=child, args=(fake_runtime_service, answer))
            process.start()
            pid, qubits, jobs = answer.get(timeout=60)
            process.join()
            assert process.exitcode == 0
            assert pid != os.getpid()
            assert (qubits, jobs) == (5, 0)
            assert fake_runtime_service.jobs() == []
        """
    )
    result = pytester.runpytest_subprocess("-W", "error", "-p", "no:randomly", *QUIET)
    result.assert_outcomes(passed=1)


def test_nested_fakes_answer_for_themselves() -> None:
    with FakeRuntime("fake_manila") as outer:
        old = outer.service()
        with FakeRuntime("fake_lima") as inner:
            assert [one.name for one in inner.service().backends()] == ["fake_lima"]
            with FakeRuntime("fake_quito") as innermost:
                assert [one.name for one in innermost.service().backends()] == ["fake_quito"]
            assert [one.name for one in inner.service().backends()] == ["fake_lima"]
        assert [one.name for one in old.backends()] == ["fake_manila"]


def test_stopping_out_of_order_is_an_error_that_says_so() -> None:
    outer, inner = FakeRuntime("fake_manila").start(), FakeRuntime("fake_lima").start()
    try:
        with pytest.raises(UsageError, match="reverse order"):
            outer.stop()
        assert inner.service().backends()
    finally:
        inner.stop()
        outer.stop()


def test_starting_twice_is_an_error_and_again_is_not() -> None:
    fake = FakeRuntime("fake_manila")
    with fake:
        with pytest.raises(UsageError, match="already been started"):
            fake.start()
        assert fake.service()
    with pytest.raises(UsageError, match="not started"):
        fake.service()
    with fake:
        assert fake.service().backends()


def test_client_that_outlives_its_fake_is_told_so() -> None:
    from qiskit_ibm_runtime.api.exceptions import RequestsApiError

    with FakeRuntime("fake_manila") as fake:
        service = fake.service()
    with pytest.raises(RequestsApiError, match="has stopped") as error:
        service.jobs()
    assert isinstance(error.value.__cause__, FakeRuntimeStopped)


def test_client_that_outlives_its_fake_gets_no_new_token() -> None:
    with FakeRuntime("fake_manila", instances=["one", "two"]) as fake:
        service = fake.service(instance="one")
    account: Any = service._account

    told = pytest.warns(FakeRuntimeWarning, match="no token: this client was made under a fake")
    with told, pytest.raises((FakeRuntimeStopped, QiskitBackendNotFoundError)):
        service.backend("fake_manila", instance="two")
    with told, pytest.raises(FakeRuntimeStopped, match="has stopped"):
        account.list_instances()
    assert service.active_account()["token"] == fake.credentials["token"]


def test_client_of_an_inner_fake_goes_on_under_the_outer() -> None:
    with FakeRuntime("fake_manila", "fake_lima") as outer:
        with FakeRuntime("fake_lima") as inner:
            service: Any = inner.service()
        assert service.backend("fake_manila").num_qubits == 5
        assert outer.calls["get_backend_configuration"]


@pytest.mark.slow
def test_keyboard_interrupt_leaves_nothing_behind(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        def test_it(fake_runtime):
            raise KeyboardInterrupt
        """
    )
    pytester.makeconftest(
        """
        import os, requests, socket
        BEFORE = dict(vars(requests.Session)), socket.getaddrinfo, dict(os.environ)

        def pytest_unconfigure():
            environ = {k: v for k, v in os.environ.items() if k != "PYTEST_CURRENT_TEST"}
            before = {k: v for k, v in BEFORE[2].items() if k != "PYTEST_CURRENT_TEST"}
            assert (dict(vars(requests.Session)), socket.getaddrinfo) == BEFORE[:2]
            assert environ == before
            print("NOTHING LEFT")
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:randomly", *QUIET)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*NOTHING LEFT*"])


@pytest.mark.slow
@pytest.mark.parametrize(
    "flags", [["-W", "error", "-bb"], ["-X", "dev", "-W", "error"]], ids=["bytes", "devmode"]
)
def test_strict_interpreters(pytester: pytest.Pytester, flags: list[str]) -> None:
    pytester.makepyfile(SUITE)
    command = [sys.executable, *flags, "-m", "pytest", "--strict-markers", "--strict-config"]
    # The client's own dependencies warn on import in some releases: that is before our time.
    command += ["-p", "no:randomly", *QUIET]
    result = pytester.run(*command)
    result.assert_outcomes(passed=NUMBER)
