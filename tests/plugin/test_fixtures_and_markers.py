"""Fixtures, markers and options, in runs of pytest of their own."""

from __future__ import annotations

import pytest

from .conftest import like_ours


@pytest.fixture(autouse=True)
def strict(pytester: pytest.Pytester, pytestconfig: pytest.Config) -> None:
    """Every run is strict, and warnings are errors."""
    pytester.makeini(
        "[pytest]\naddopts = --strict-markers --strict-config -p no:randomly -p no:cacheprovider\n"
        "asyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n"
        + like_ours(pytestconfig)
    )


def passes(pytester: pytest.Pytester, code: str, *args: str, **outcomes: int) -> pytest.RunResult:
    pytester.makepyfile(code)
    result = pytester.runpytest(*args)
    result.assert_outcomes(**(outcomes or {"passed": 1}))
    return result


def test_fixtures(pytester: pytest.Pytester) -> None:
    passes(
        pytester,
        """
        import pytest

        @pytest.mark.fake_backend("fake_manila")
        def test_it(fake_runtime, fake_runtime_service, fake_runtime_backend):
            assert list(fake_runtime.backends) == ["fake_manila"]
            assert type(fake_runtime_service).__name__ == "QiskitRuntimeService"
            assert fake_runtime_backend.name == "fake_manila"
            assert fake_runtime_backend.service is fake_runtime_service
        """,
    )


def test_marker_alone_starts_the_fake(pytester: pytest.Pytester) -> None:
    passes(
        pytester,
        """
        import pytest
        from qiskit_ibm_runtime import QiskitRuntimeService

        @pytest.mark.fake_backend("fake_manila", "ibm_fez")
        def test_it():
            names = [backend.name for backend in QiskitRuntimeService().backends()]
            assert names == ["fake_manila", "ibm_fez"]
        """,
    )


def test_nearest_option_wins_and_devices_add_up(pytester: pytest.Pytester) -> None:
    passes(
        pytester,
        """
        import pytest

        pytestmark = [
            pytest.mark.fake_runtime(seed=1, plan="flex"), pytest.mark.fake_backend("fake_lima")
        ]

        @pytest.mark.fake_runtime(seed=2)
        @pytest.mark.fake_backend("fake_manila", queue_length=3)
        class TestClass:
            @pytest.mark.fake_runtime(seed=3)
            @pytest.mark.fake_backend("ibm_fez", status="paused")
            def test_function(self, fake_runtime):
                assert (fake_runtime.options.seed, fake_runtime.options.plan) == (3, "flex")
                assert list(fake_runtime.backends) == ["fake_lima", "fake_manila", "ibm_fez"]
                assert fake_runtime.backends["fake_manila"].queue_length == 3
                assert fake_runtime.backends["ibm_fez"].status == "paused"

            def test_class(self, fake_runtime):
                assert fake_runtime.options.seed == 2
                assert list(fake_runtime.backends) == ["fake_lima", "fake_manila"]

        def test_module(fake_runtime):
            assert fake_runtime.options.seed == 1
        """,
        passed=3,
    )


def test_ini_and_command_line(pytester: pytest.Pytester) -> None:
    pytester.makeini(
        """
        [pytest]
        addopts = -p no:asyncio
        fake_runtime_backends = fake_manila fake_lima
        fake_runtime_instances =
            name=research plan=premium tags=lab,chip
            name=europe plan=flex region=eu-de usage_limit_seconds=60
        fake_runtime_seed = 5
        fake_runtime_noise = false
        """
    )
    code = """
        import pytest

        def test_ini(fake_runtime):
            assert list(fake_runtime.backends) == ["fake_manila", "fake_lima"]
            assert [one.name for one in fake_runtime.instances.values()] == ["research", "europe"]
            assert [one.tags for one in fake_runtime.instances.values()] == [["lab", "chip"], []]
            assert fake_runtime.options.noise is False
            assert fake_runtime.options.seed == {seed}

        @pytest.mark.fake_runtime(seed=9)
        @pytest.mark.fake_backend("ibm_fez")
        def test_marker(fake_runtime):
            assert fake_runtime.options.seed == 9
            assert list(fake_runtime.backends) == ["ibm_fez"]
        """
    passes(pytester, code.format(seed=5), passed=2)
    passes(pytester, code.format(seed=6), "--fake-runtime-seed=6", passed=2)


def test_each_runs_once_per_device(pytester: pytest.Pytester) -> None:
    result = passes(
        pytester,
        """
        import pytest

        @pytest.mark.fake_backend("fake_manila", "fake_lima", each=True)
        def test_marker_only():
            pass

        @pytest.mark.fake_backend("fake_manila", "fake_lima", queue_length=2, each=True)
        def test_fixture(fake_runtime_backend, fake_runtime):
            assert list(fake_runtime.backends) == [fake_runtime_backend.name]
            assert fake_runtime_backend.status().pending_jobs == 2
        """,
        "-v",
        passed=4,
    )
    result.stdout.fnmatch_lines(["*test_marker_only[[]fake_manila[]] PASSED*"])
    result.stdout.fnmatch_lines(["*test_fixture[[]fake_lima[]] PASSED*"])


WRONG = {
    "device": ('fake_backend("fake_manilla")', "*test_it*no device 'fake_manilla'*fake_manila*"),
    "ibm name": ('fake_backend("ibm_fes")', "*test_it*no device 'ibm_fes'*ibm_fez*"),
    "nothing": ("fake_backend()", "*test_it*names no device*"),
    "number": ("fake_backend(5)", "*test_it*named by a string*"),
    "keyword": (
        'fake_backend("fake_manila", que_length=1)',
        "*test_it*no keyword 'que_length'*Did you mean 'queue_length'*",
    ),
    "length": ('fake_backend("fake_manila", queue_length=-1)', "*test_it*queue_length=-1*"),
    "status": ('fake_backend("fake_manila", status="onlin")', "*test_it*'onlin'*'online'*"),
    "option": ("fake_runtime(sed=1)", "*test_it*no option 'sed'*Did you mean 'seed'*"),
    "value": ("fake_runtime(noise=1)", "*test_it*noise=1*True or False*"),
    "seed": ("fake_runtime(seed=1.5)", "*test_it*seed=1.5*"),
    "plan": ('fake_runtime(plan="premum")', "*test_it*'premum'*'premium'*"),
    "limit": ("fake_runtime(usage_limit_seconds=-1)", "*test_it*usage_limit_seconds=-1*"),
    "instance": (
        'fake_runtime(instances=[{"nam": "x"}])',
        "*test_it*no 'nam'*Did you mean 'name'*",
    ),
    "instance plan": (
        'fake_runtime(instances=[{"plan": "opn"}])',
        "*test_it*'opn'*Did you mean 'open'*",
    ),
    "positional": ('fake_runtime("fake_manila")', "*test_it*keywords only*fake_backend*"),
    "executor": ("fake_runtime(executor=3)", "*test_it*executor=3*Executor*"),
}


@pytest.mark.parametrize("row", WRONG)
def test_wrong_marker_fails_the_one_test_and_says_what_to_do(
    pytester: pytest.Pytester, row: str
) -> None:
    mark, message = WRONG[row]
    pytester.makepyfile(
        f"import pytest\n\n@pytest.mark.{mark}\ndef test_it():\n    pass\n\n"
        "def test_other():\n    pass\n"
    )

    result = pytester.runpytest()

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines([f"usage error in {message}"])
    assert "plugin.py" not in result.stdout.str()


def test_each_adds_to_the_other_marks(pytester: pytest.Pytester) -> None:
    passes(
        pytester,
        """
        import pytest

        @pytest.mark.fake_backend("ibm_torino")
        class TestClass:
            @pytest.mark.fake_backend("fake_manila", "fake_lima", "fake_lima", each=True)
            def test_it(self, fake_runtime, fake_runtime_backend):
                assert list(fake_runtime.backends)[1:] == ["ibm_torino"]
                assert fake_runtime_backend.name in ("fake_manila", "fake_lima")
        """,
        passed=2,
    )


def test_each_is_refused_for_a_test_case(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import unittest, pytest

        class Case(unittest.TestCase):
            @pytest.mark.fake_backend("fake_manila", "fake_lima", each=True)
            def test_it(self):
                pass
        """
    )
    pytester.runpytest().stdout.fnmatch_lines(["*each=True needs a test function*"])


def test_marker_that_comes_too_late_for_a_wider_fake_says_so(pytester: pytest.Pytester) -> None:
    result = passes(
        pytester,
        """
        import pytest

        @pytest.mark.fake_backend("fake_manila")
        class TestClass:
            def test_right(self, class_fake_runtime):
                assert list(class_fake_runtime.backends) == ["fake_manila"]

            @pytest.mark.fake_runtime(plan="premium")
            def test_wrong(self, class_fake_runtime):
                pass
        """,
        passed=1,
        errors=1,
    )
    result.stdout.fnmatch_lines(["*fake_runtime comes too late for class_fake_runtime*"])


def test_fake_that_a_test_left_running_is_stopped_and_told(pytester: pytest.Pytester) -> None:
    result = passes(
        pytester,
        """
        import os
        from pytest_qiskit_fakeruntime import FakeRuntime

        TOKEN = os.environ.get("QISKIT_IBM_TOKEN")

        def test_forgetful(fake_runtime):
            FakeRuntime("fake_lima").start()

        def test_next():
            assert os.environ.get("QISKIT_IBM_TOKEN") == TOKEN
        """,
        passed=2,
        errors=1,
    )
    result.stdout.fnmatch_lines(["*1 FakeRuntime was started and never stopped*"])


@pytest.mark.slow
def test_wrong_marker_under_xdist(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        def test_right(): pass

        @pytest.mark.fake_backend("fake_manilla")
        def test_wrong(): pass
        """
    )
    result = pytester.runpytest("-n2")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*no device 'fake_manilla'*fake_manila*"])


@pytest.mark.parametrize("where", ["conftest.py", "deep/down/conftest.py"])
def test_whole_run_covers_services_opened_by_conftests(
    pytester: pytest.Pytester, where: str
) -> None:
    path = pytester.path / where
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        "from qiskit_ibm_runtime import QiskitRuntimeService\n"
        "SERVICE = QiskitRuntimeService(channel='ibm_quantum_platform', token='REAL')\n"
    )
    (path.parent / "test_it.py").write_text(
        "def test_it(request):\n"
        "    from qiskit_ibm_runtime import QiskitRuntimeService\n"
        "    assert QiskitRuntimeService().jobs() == []\n"
    )

    result = pytester.runpytest("--fake-runtime", str(path.parent / "test_it.py"))

    result.assert_outcomes(passed=1)


def test_wrong_ini_is_a_usage_error(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nfake_runtime = true\nfake_runtime_backends = fake_manilla\n")
    pytester.makepyfile("def test_it(): pass")

    result = pytester.runpytest()

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*no device 'fake_manilla'*"])


def test_backend_fixture_without_a_name_says_so(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(fake_runtime_backend): pass")

    pytester.runpytest().stdout.fnmatch_lines(["usage error*needs to know which device*"])


def test_wider_fixtures_share_their_state(pytester: pytest.Pytester) -> None:
    passes(
        pytester,
        """
        import pytest

        def test_first(module_fake_runtime, fake_runtime_service, fake_runtime):
            assert fake_runtime is module_fake_runtime
            fake_runtime_service._account
            fake_runtime.backends["fake_lima"].queue_length = 7

        def test_second(module_fake_runtime):
            assert module_fake_runtime.backends["fake_lima"].queue_length == 7

        class TestClass:
            def test_third(self, class_fake_runtime, module_fake_runtime):
                assert class_fake_runtime is not module_fake_runtime

        def test_fourth(fake_runtime):
            assert fake_runtime.backends["fake_lima"].queue_length == 0
        """,
        passed=4,
    )


UNCHANGED = """
    from qiskit_ibm_runtime import QiskitRuntimeService
    import pytest

    SERVICE = QiskitRuntimeService()

    @pytest.fixture(scope="module")
    def backend():
        return SERVICE.backend("fake_fez")

    @pytest.fixture(scope="module")
    def job(backend):
        return SERVICE._run("sampler", {"pubs": []}, {"backend": backend})

    class Instantly:
        def check(self, task): return 1
        def run(self, task):
            from pytest_qiskit_fakeruntime import Outcome
            return Outcome("{}", 1)

    def test_one(backend):
        assert backend.num_qubits == 156
        SERVICE.save_account(token="t", channel="ibm_quantum_platform")
        assert len(SERVICE.saved_accounts()) == 1

    def test_two():
        assert SERVICE.saved_accounts() == {}
        assert QiskitRuntimeService().backend("fake_manila").num_qubits == 5
    """


@pytest.mark.parametrize("how", ["option", "ini"])
def test_suite_that_knows_nothing_of_us_runs_unchanged(pytester: pytest.Pytester, how: str) -> None:
    if how == "ini":
        pytester.makeini("[pytest]\naddopts = -p no:asyncio\nfake_runtime = true\n")
    passes(pytester, UNCHANGED, *(["--fake-runtime"] if how == "option" else []), passed=2)


def test_tests_of_a_whole_run_do_not_see_each_other(pytester: pytest.Pytester) -> None:
    passes(
        pytester,
        """
        import pytest
        from qiskit_ibm_runtime import QiskitRuntimeService
        from pytest_qiskit_fakeruntime import Outcome

        class Instantly:
            def check(self, task): return 1
            def run(self, task): return Outcome("{}", 1)

        pytestmark = pytest.mark.fake_runtime(executor=Instantly())
        SERVICE = QiskitRuntimeService()

        @pytest.mark.parametrize("number", range(20))
        def test_it(number):
            SERVICE._run("sampler", {}, {"backend": SERVICE.backend("fake_manila")})
            assert len(SERVICE.jobs()) == 1
        """,
        "--fake-runtime",
        passed=20,
    )


def test_seed_follows_from_the_test_s_id(pytester: pytest.Pytester) -> None:
    code = """
        def test_one(fake_runtime):
            print("seed:", fake_runtime.options.seed, fake_runtime.world.ids.job_id())

        def test_two(fake_runtime):
            print("seed:", fake_runtime.options.seed, fake_runtime.world.ids.job_id())
        """
    lines = []
    for _ in range(2):
        result = passes(pytester, code, "-s", passed=2)
        lines.append([line for line in result.stdout.lines if "seed:" in line])

    assert lines[0] == lines[1]
    assert len(set(lines[0])) == 2


def test_unittest_and_coroutines(pytester: pytest.Pytester) -> None:
    passes(
        pytester,
        """
        import unittest
        import pytest
        from qiskit_ibm_runtime import QiskitRuntimeService
        from pytest_qiskit_fakeruntime import FakeRuntime

        @pytest.mark.fake_backend("fake_manila")
        class Marked(unittest.TestCase):
            def test_it(self):
                assert QiskitRuntimeService().backends()[0].name == "fake_manila"

        @FakeRuntime("fake_lima")
        class Decorated(unittest.TestCase):
            def setUp(self):
                self.service = QiskitRuntimeService()

            def test_it(self):
                assert self.service.backends()[0].name == "fake_lima"

        @FakeRuntime("fake_quito")
        class Async(unittest.IsolatedAsyncioTestCase):
            async def test_it(self):
                assert QiskitRuntimeService().backends()[0].name == "fake_quito"

        @pytest.mark.fake_backend("fake_manila")
        async def test_async(fake_runtime_service):
            assert fake_runtime_service.backends()[0].name == "fake_manila"

        @FakeRuntime("fake_lima")
        async def test_async_decorated():
            assert QiskitRuntimeService().backends()[0].name == "fake_lima"

        @FakeRuntime("fake_lima")
        def test_decorated():
            assert QiskitRuntimeService().backends()[0].name == "fake_lima"
        """,
        passed=6,
    )


def test_failing_test_shows_the_requests_without_credentials(pytester: pytest.Pytester) -> None:
    result = passes(
        pytester,
        """
        def test_it(fake_runtime):
            service = fake_runtime.service(token="recognisable-secret")
            service.backend("fake_manila")
            assert False, "on purpose"
        """,
        failed=1,
    )

    result.stdout.fnmatch_lines(
        [
            "*- fake IBM Quantum -*",
            "seed *, * requests, 0 jobs",
            "GET *quantum.cloud.ibm.com/api/v1/backends/fake_manila/configuration -> 200",
        ]
    )
    report = result.stdout.str().split("fake IBM Quantum -")[1]
    assert "recognisable-secret" not in report
    assert "Bearer" not in report


def test_unmatched_request_fails_the_test_even_if_it_was_swallowed(
    pytester: pytest.Pytester,
) -> None:
    result = passes(
        pytester,
        """
        import pytest, requests
        URL = "https://quantum.cloud.ibm.com/api/v1/jobz?token=secret"

        def test_swallowed(fake_runtime):
            try:
                requests.get(URL)
            except Exception:
                pass

        @pytest.mark.fake_runtime(allow_unmatched=True)
        def test_allowed(fake_runtime):
            with pytest.raises(requests.ConnectionError, match="list_jobs"):
                requests.get(URL)

        def test_failed_anyway(fake_runtime):
            requests.get(URL)
        """,
        passed=2,
        failed=1,
        errors=1,
    )
    result.stdout.fnmatch_lines(["*ERROR at teardown of test_swallowed*"])
    result.stdout.fnmatch_lines(["*serves no GET *jobz. The nearest operation is list_jobs*"])


def test_fault_that_never_came_to_pass_fails_the_test(pytester: pytest.Pytester) -> None:
    result = passes(
        pytester,
        """
        from pytest_qiskit_fakeruntime import faults

        def test_it(fake_runtime):
            fake_runtime.inject(faults.http_error(503), on="create_job", times=2)

        def test_optional(fake_runtime):
            fake_runtime.inject(faults.http_error(503), optional=True)

        def test_failing(fake_runtime):
            fake_runtime.inject(faults.http_error(503))
            assert False
        """,
        passed=2,
        failed=1,
        errors=1,
    )
    result.stdout.fnmatch_lines(["*http_error(503) on create_job came to pass 0 of 2 times*"])


def test_nothing_is_left_after_a_failure_anywhere(pytester: pytest.Pytester) -> None:
    passes(
        pytester,
        """
        import os
        import pytest, requests

        BEFORE = dict(os.environ), dict(vars(requests.Session))

        def unchanged():
            now = dict(os.environ)
            now.pop("PYTEST_CURRENT_TEST")
            before = {k: v for k, v in BEFORE[0].items() if k != "PYTEST_CURRENT_TEST"}
            return now == before and dict(vars(requests.Session)) == BEFORE[1]

        @pytest.fixture
        def fails_in_setup(fake_runtime):
            raise RuntimeError("set-up")

        @pytest.fixture
        def fails_in_teardown(fake_runtime):
            yield
            raise RuntimeError("tear-down")

        def test_setup(fails_in_setup): pass
        def test_1(): assert unchanged()
        def test_call(fake_runtime): raise RuntimeError("call")
        def test_2(): assert unchanged()
        def test_teardown(fails_in_teardown): pass
        def test_3(): assert unchanged()
        """,
        passed=4,
        failed=1,
        errors=2,
    )


@pytest.mark.slow
def test_xdist(pytester: pytest.Pytester) -> None:
    passes(
        pytester,
        """
        import pytest, requests

        @pytest.mark.parametrize("number", range(6))
        @pytest.mark.fake_backend("fake_manila")
        def test_it(number, fake_runtime_backend):
            assert fake_runtime_backend.num_qubits == 5

        def test_unmatched(fake_runtime):
            requests.get("https://quantum.cloud.ibm.com/api/v1/nothing")
        """,
        "-n2",
        passed=6,
        failed=1,
    )


def test_handler_bug_surfaces_in_the_test(pytester: pytest.Pytester) -> None:
    result = passes(
        pytester,
        """
        import pytest

        class Broken:
            def check(self, task): return 1
            def run(self, task): raise ZeroDivisionError("a bug in the executor")

        @pytest.mark.fake_backend("fake_manila")
        @pytest.mark.fake_runtime(executor=Broken())
        def test_it(fake_runtime_service, fake_runtime_backend):
            fake_runtime_service._run("sampler", {}, {"backend": fake_runtime_backend})
        """,
        failed=1,
    )
    result.stdout.fnmatch_lines(["*ZeroDivisionError: a bug in the executor*"])


def test_plugin_says_what_it_offers(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest("--markers")
    result.stdout.fnmatch_lines(
        ["@pytest.mark.fake_backend(*names*", "@pytest.mark.fake_runtime(*"]
    )
    result = pytester.runpytest("--fixtures")
    result.stdout.fnmatch_lines(["fake_runtime_service*", "*fake_runtime_backend*"])
    result = pytester.runpytest("--help")
    result.stdout.fnmatch_lines(["*fake IBM Quantum:*", "*--fake-runtime *"])
