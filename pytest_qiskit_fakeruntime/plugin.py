"""The pytest plugin: fixtures, markers, options. Loads nothing heavy until a test needs it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from qiskit_ibm_runtime import IBMBackend, QiskitRuntimeService

    from .options import Options
    from .runtime import FakeRuntime

MARKERS = (
    "fake_backend(*names, queue_length=0, status='online', noise=None, each=False): devices of "
    "the fake IBM Quantum that this test runs against; with each=True it runs once per device.",
    "fake_runtime(**options): options of the fake IBM Quantum for this test: seed, noise, plan, "
    "instances, usage_limit_seconds, start_time, polls, seconds, hold, sleep, allow_unmatched, "
    "executor.",
)
WIDER = ("class_fake_runtime", "module_fake_runtime", "session_fake_runtime")

_FAKE = pytest.StashKey["FakeRuntime"]()
_RUN = pytest.StashKey["FakeRuntime"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the command line and of the ini file."""
    group = parser.getgroup("fakeruntime", "fake IBM Quantum")
    group.addoption(
        "--fake-runtime",
        action="store_true",
        default=None,
        help="give every test of the run a fake IBM Quantum",
    )
    group.addoption(
        "--fake-runtime-seed",
        metavar="SEED",
        default=None,
        help="seed of the fake IBM Quantum, instead of one derived from each test's id",
    )
    parser.addini("fake_runtime", "give every test a fake IBM Quantum", "bool", default=False)
    parser.addini("fake_runtime_backends", "devices of the fake IBM Quantum", "args", default=[])
    parser.addini(
        "fake_runtime_instances",
        "instances of the account, a line each: name=research plan=premium region=eu-de",
        "linelist",
        default=[],
    )
    parser.addini("fake_runtime_seed", "seed of the fake IBM Quantum", default=None)
    for name, unit in (("polls", "polls"), ("seconds", "virtual seconds")):
        parser.addini(
            f"fake_runtime_{name}",
            f"how many {unit} a job queues, and how many it runs: two numbers",
            "args",
            default=[],
        )
    parser.addini("fake_runtime_noise", "simulate the devices' noise", "bool", default=True)


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers, and start the fake of the whole run if it is asked for."""
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    asked = config.getoption("--fake-runtime")
    if config.getini("fake_runtime") if asked is None else asked:
        config.pluginmanager.register(_WholeRun(config), "fakeruntime-whole-run")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test once per device where a marker says ``each=True``."""
    names = [
        name
        for mark in metafunc.definition.iter_markers("fake_backend")
        if mark.kwargs.get("each")
        for name in mark.args
    ]
    if names:
        if "fake_runtime" not in metafunc.fixturenames:
            metafunc.fixturenames.append("fake_runtime")
        metafunc.parametrize("fake_runtime", names, indirect=True, ids=names)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let a marker alone start the fake, and check what markers say."""
    for item in items:
        fixtures = getattr(item, "fixturenames", None)
        if fixtures is None:
            continue
        marked = [*item.iter_markers("fake_backend"), *item.iter_markers("fake_runtime")]
        if marked:
            _check_marks(item)
        if marked or "fake_runtime" in fixtures:
            _set_up_first(item, fixtures)


def _set_up_first(item: Any, fixtures: list[str]) -> None:
    """Start the fake before the test's other fixtures, but for those of wider scope.

    A ``monkeypatch.setenv`` inside the fake is then undone inside it, and a fixture that
    opens a service finds the fake whatever the order of the test's arguments.
    """
    if "fake_runtime" in fixtures:
        fixtures.remove("fake_runtime")
    known = item._fixtureinfo.name2fixturedefs
    wider = [name for name in fixtures if name in known and known[name][-1].scope != "function"]
    fixtures.insert(fixtures.index(wider[-1]) + 1 if wider else 0, "fake_runtime")


def _check_marks(item: pytest.Item) -> None:
    from .errors import UsageError
    from .execute.catalogue import load_catalogue
    from .world.snapshots import UnknownDevice

    try:
        options = _options_of(item)
        for backend in options.backends or ():
            load_catalogue()[backend.name]
    except (UsageError, UnknownDevice) as error:
        raise pytest.UsageError(f"{item.nodeid}: {error}") from None
    for mark in item.iter_markers("fake_backend"):
        if not mark.args:
            raise pytest.UsageError(
                f"{item.nodeid}: fake_backend names no device; "
                'write for example @pytest.mark.fake_backend("fake_manila")'
            )


def _options_of_run(config: pytest.Config) -> Options:
    from .options import Options, parse_instances, parse_numbers

    layer: dict[str, Any] = {"noise": config.getini("fake_runtime_noise")}
    if names := config.getini("fake_runtime_backends"):
        layer["backends"] = names
    if lines := config.getini("fake_runtime_instances"):
        layer["instances"] = parse_instances(lines)
    for name, kind in (("polls", int), ("seconds", float)):
        if words := config.getini(f"fake_runtime_{name}"):
            layer[name] = parse_numbers(f"fake_runtime_{name}", words, kind)
    seed = config.getoption("--fake-runtime-seed") or config.getini("fake_runtime_seed")
    if seed:
        layer["seed"] = int(seed) if seed.lstrip("-").isdigit() else seed
    return Options().but(**layer)


def _options_of(node: Any, only: str | None = None) -> Options:
    """The options of a test (or a class, a module, the session): ini, command line, markers.

    Args:
        node: Collected node.
        only: The one device of a test that runs once per device.
    """
    from .errors import UsageError
    from .options import backend_options

    options = _options_of_run(node.config)
    for mark in reversed(list(node.iter_markers("fake_runtime"))):
        if mark.args:
            raise UsageError(
                f"fake_runtime takes keywords only, not {mark.args[0]!r}; "
                "devices are named by fake_backend"
            )
        options = options.but(**mark.kwargs)
    backends = [
        backend
        for mark in reversed(list(node.iter_markers("fake_backend")))
        for backend in backend_options(
            mark.args, {k: v for k, v in mark.kwargs.items() if k != "each"}
        )
    ]
    if only is not None:
        backends = [backend for backend in backends if backend.name == only][-1:]
    if backends:
        options = options.but(backends=backends)
    if options.seed is None:
        options = options.but(seed=node.nodeid)
    return options


def _run_fake(node: Any, only: str | None = None) -> Iterator[FakeRuntime]:
    """Give a fake to a node for as long as it lasts."""
    from .errors import UsageError
    from .runtime import FakeRuntime

    config: pytest.Config = node.config
    if not config.pluginmanager.has_plugin("fakeruntime-report"):
        config.pluginmanager.register(_Report(), "fakeruntime-report")
    try:
        options = _options_of(node, only)
        fake = FakeRuntime(**vars(options))
    except UsageError as error:
        raise pytest.UsageError(f"{node.nodeid}: {error}") from None
    outer = config.stash.get(_RUN, None)
    if outer is not None:
        fake.inherit(outer)
    node.stash[_FAKE] = fake
    fake.start()
    try:
        yield fake
    finally:
        fake.stop()
    if not node.stash.get(_FAILED, False):
        fake.check()


@pytest.fixture
def fake_runtime(request: pytest.FixtureRequest) -> Iterator[FakeRuntime]:
    """The fake IBM Quantum of this test: a started `FakeRuntime`.

    If the test also asks for the fake of its class, its module or the session, it is that one.
    """
    for name in WIDER:
        if name in request.fixturenames:
            request.node.stash[_FAKE] = wider = request.getfixturevalue(name)
            yield wider
            return
    yield from _run_fake(request.node, getattr(request, "param", None))


@pytest.fixture(scope="class")
def class_fake_runtime(request: pytest.FixtureRequest) -> Iterator[FakeRuntime]:
    """One fake IBM Quantum for all tests of a class, which share its state."""
    yield from _run_fake(request.node)


@pytest.fixture(scope="module")
def module_fake_runtime(request: pytest.FixtureRequest) -> Iterator[FakeRuntime]:
    """One fake IBM Quantum for all tests of a module, which share its state."""
    yield from _run_fake(request.node)


@pytest.fixture(scope="session")
def session_fake_runtime(request: pytest.FixtureRequest) -> Iterator[FakeRuntime]:
    """One fake IBM Quantum for the whole run, whose tests share its state."""
    yield from _run_fake(request.node)


@pytest.fixture
def fake_runtime_service(fake_runtime: FakeRuntime) -> QiskitRuntimeService:
    """A real `QiskitRuntimeService`, opened on this test's fake IBM Quantum."""
    return fake_runtime.service()


@pytest.fixture
def fake_runtime_backend(
    request: pytest.FixtureRequest,
    fake_runtime: FakeRuntime,
    fake_runtime_service: QiskitRuntimeService,
) -> IBMBackend:
    """The client's `IBMBackend` of the first device that the test names."""
    if not fake_runtime.options.backends:
        raise pytest.UsageError(
            f"{request.node.nodeid}: fake_runtime_backend needs to know which device; "
            'write for example @pytest.mark.fake_backend("fake_manila")'
        )
    return fake_runtime_service.backend(fake_runtime.options.backends[0].name)


_FAILED = pytest.StashKey[bool]()


class _Report:
    """Registered with the first fake of a run, so that other runs pay nothing for it."""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Any:
        fake = item.stash.get(_FAKE, None)
        report = yield
        if fake is not None and report.failed:
            from . import reporting

            item.stash[_FAILED] = True
            report.sections.append((reporting.TITLE, reporting.report(fake)))
        return report


class _WholeRun:
    """Registered if every test of the run is to have a fake.

    The fake of the run is there from collection on, for services that modules and wider
    fixtures open. Each test runs on one of its own that begins with the run's jobs and
    sessions, so that tests do not see each other.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        from .errors import UsageError
        from .runtime import FakeRuntime

        try:
            options = _options_of_run(self._config)
            if options.seed is None:
                options = options.but(seed="run")
            self._config.stash[_RUN] = FakeRuntime(**vars(options)).start()
        except UsageError as error:
            raise pytest.UsageError(str(error)) from None

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        fake = self._config.stash.get(_RUN, None)
        if fake is not None:
            fake.stop()

    @pytest.fixture(autouse=True)
    def _fake_runtime_for_every_test(self, fake_runtime: FakeRuntime) -> None:
        """Ask for the test's own fake."""
