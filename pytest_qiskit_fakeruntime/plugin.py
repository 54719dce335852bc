"""The pytest plugin: fixtures, markers, options. Loads nothing heavy until a test needs it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NoReturn

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
WHOLE_RUN = "fakeruntime-whole-run"
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
    group.addoption(
        "--fake-runtime-block-network",
        action="store_true",
        default=None,
        help="let nothing of the test process leave this machine",
    )
    parser.addini(
        "fake_runtime_block_network",
        "let nothing of the test process leave this machine",
        "bool",
        default=False,
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


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Start the fake of the whole run before the first conftest can open a service."""
    if _is_on(early_config, "fake_runtime", early_config.known_args_namespace):
        _start_whole_run(early_config)


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers, and what was asked for for the whole run."""
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    if _is_on(config, "fake_runtime", config.option):
        _start_whole_run(config)
    if _is_on(config, "fake_runtime_block_network", config.option):
        from .intercept.guard import Guard, outside

        guard = Guard(outside)
        guard.__enter__()
        config.add_cleanup(lambda: guard.__exit__())
        _register(config, _Renewal(), "fakeruntime-renewal")


def _is_on(config: pytest.Config, name: str, arguments: Any) -> bool:
    """A switch that the command line can turn on, and the ini file, too."""
    return bool(getattr(arguments, name, None) or config.getini(name))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test once per device where a marker says ``each=True``."""
    marks = metafunc.definition.iter_markers("fake_backend")
    named = (str(name) for mark in marks if mark.kwargs.get("each") for name in mark.args)
    names = list(dict.fromkeys(named))
    if names:
        if "fake_runtime" not in metafunc.fixturenames:
            metafunc.fixturenames.append("fake_runtime")
        metafunc.parametrize("fake_runtime", names, indirect=True, ids=names)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let a marker alone start the fake, and start it before the test's other fixtures."""
    for item in items:
        fixtures = getattr(item, "fixturenames", None)
        if fixtures is not None and ("fake_runtime" in fixtures or _marks(item)):
            _set_up_first(item, fixtures)


def _marks(node: Any) -> list[pytest.Mark]:
    """Our markers on a test and on what it is part of, the nearest first."""
    return [*node.iter_markers("fake_backend"), *node.iter_markers("fake_runtime")]


def _set_up_first(item: Any, fixtures: list[str]) -> None:
    """Put the fake before the test's other fixtures, but for those of wider scope.

    A ``monkeypatch.setenv`` inside the fake is then undone inside it, and a fixture that
    opens a service finds the fake whatever the order of the test's arguments.
    """
    if "fake_runtime" in fixtures:
        fixtures.remove("fake_runtime")
    known = item._fixtureinfo.name2fixturedefs
    wider = [name for name in fixtures if name in known and known[name][-1].scope != "function"]
    fixtures.insert(fixtures.index(wider[-1]) + 1 if wider else 0, "fake_runtime")


def _options_of_run(config: pytest.Config, arguments: Any = None) -> Options:
    """The options of the ini file and the command line."""
    from .options import Options, parse_instances, parse_numbers

    layer: dict[str, Any] = {"noise": config.getini("fake_runtime_noise")}
    if names := config.getini("fake_runtime_backends"):
        layer["backends"] = names
    if lines := config.getini("fake_runtime_instances"):
        layer["instances"] = parse_instances(lines)
    for name, kind in (("polls", int), ("seconds", float)):
        if words := config.getini(f"fake_runtime_{name}"):
            layer[name] = parse_numbers(f"fake_runtime_{name}", words, kind)
    given = getattr(arguments or config.option, "fake_runtime_seed", None)
    seed = given or config.getini("fake_runtime_seed")
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
    from .options import BackendOptions, backend_options

    options = _options_of_run(node.config)
    for mark in reversed(list(node.iter_markers("fake_runtime"))):
        if mark.args:
            raise UsageError(
                f"fake_runtime takes keywords only, not {mark.args[0]!r}; "
                "devices are named by fake_backend"
            )
        options = options.but(**mark.kwargs)
    backends: list[BackendOptions] = []
    for mark in reversed(list(node.iter_markers("fake_backend"))):
        if not mark.args:
            raise UsageError(
                "fake_backend names no device; "
                'write for example @pytest.mark.fake_backend("fake_manila")'
            )
        each = mark.kwargs.get("each", False)
        if each and only is None:
            raise UsageError("each=True needs a test function; a TestCase cannot be run per device")
        keywords = {name: value for name, value in mark.kwargs.items() if name != "each"}
        described = backend_options(mark.args, keywords)
        if each:
            backends[:0] = [backend for backend in described if backend.name == only]
        else:
            backends += described
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
    _register(config, _Report(), "fakeruntime-report")
    if not isinstance(node, pytest.Item):
        _register(config, _Renewal(), "fakeruntime-renewal")
    try:
        fake = FakeRuntime(**vars(_options_of(node, only)))
    except UsageError as error:
        _fail(node, error)
    outer = config.stash.get(_RUN, None)
    if outer is not None:
        fake.inherit(outer)
    node.stash[_FAKE] = fake
    fake.start()
    try:
        yield fake
    finally:
        fake.stop_with_abandoned()
    if not node.stash.get(_FAILED, False):
        fake.check()


def _fail(node: Any, error: object) -> NoReturn:
    """Fail a test whose markers are wrong, with the message alone."""
    pytest.fail(f"usage error in {node.nodeid or 'the ini file'}: {error}", pytrace=False)


@pytest.fixture
def fake_runtime(request: pytest.FixtureRequest) -> Iterator[FakeRuntime]:
    """The fake IBM Quantum of this test: a started `FakeRuntime`.

    If the test also asks for the fake of its class, its module or the session, it is that one.
    """
    for name in WIDER:
        if name in request.fixturenames:
            wider = request.getfixturevalue(name)
            own = [
                mark for mark in _marks(request.node) if mark not in _marks(_node_of(request, name))
            ]
            if own:
                _fail(
                    request.node,
                    f"{own[0].name} comes too late for {name}, which was started before; "
                    f"put the marker where that fixture belongs",
                )
            request.node.stash[_FAKE] = wider
            yield wider
            return
    yield from _run_fake(request.node, getattr(request, "param", None))


def _node_of(request: pytest.FixtureRequest, name: str) -> Any:
    """The class, the module or the session that a wider fixture belongs to."""
    kind = {"class": pytest.Class, "module": pytest.Module}.get(name.partition("_")[0])
    found = request.node.getparent(kind) if kind else None
    return found or request.session


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
        _fail(
            request.node,
            "fake_runtime_backend needs to know which device; "
            'write for example @pytest.mark.fake_backend("fake_manila")',
        )
    return fake_runtime_service.backend(fake_runtime.options.backends[0].name)


_FAILED = pytest.StashKey[bool]()


def _register(config: pytest.Config, plugin: object, name: str) -> None:
    """Register a part of this plugin when it is first needed."""
    if not config.pluginmanager.has_plugin(name):
        config.pluginmanager.register(plugin, name)


class _Renewal:
    """Registered where sockets are watched for longer than a test."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        self._renew()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self) -> None:
        self._renew()

    def _renew(self) -> None:
        from .intercept.guard import renew

        renew()


def _headline(config: pytest.Config) -> str:
    """The client's release and the seeds, which are what it takes to repeat a run."""
    from .execute.release import CLIENT, release

    seed = config.getoption("--fake-runtime-seed") or config.getini("fake_runtime_seed")
    return f"fake IBM Quantum: {CLIENT} {release()}, seed {seed or 'of each test from its id'}"


class _Report:
    """Registered with the first fake of a run, so that other runs pay nothing for it."""

    def pytest_terminal_summary(self, terminalreporter: Any, config: pytest.Config) -> None:
        # Where every test has a fake, the header of the run has said it.
        if config.getoption("verbose") > 0 and not config.pluginmanager.has_plugin(WHOLE_RUN):
            terminalreporter.write_line(_headline(config))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Any:
        fake = item.stash.get(_FAKE, None)
        report = yield
        if fake is not None and report.failed:
            from . import reporting

            item.stash[_FAILED] = True
            report.sections.append((reporting.TITLE, reporting.report(fake)))
        return report


def _start_whole_run(config: pytest.Config) -> None:
    """Start the fake of the whole run, unless that has been done.

    It is there from before the first conftest on, for services that conftests, modules and
    wider fixtures open. Each test runs on a fake of its own that begins with the run's jobs
    and sessions, so that tests do not see each other.
    """
    from .errors import UsageError
    from .runtime import FakeRuntime

    if _RUN in config.stash:
        return
    try:
        options = _options_of_run(config, config.known_args_namespace)
        fake = FakeRuntime(**vars(options if options.seed is not None else options.but(seed="run")))
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None
    config.stash[_RUN] = fake.start()
    config.add_cleanup(fake.stop_with_abandoned)
    _register(config, _EveryTest(), WHOLE_RUN)
    _register(config, _Renewal(), "fakeruntime-renewal")


class _EveryTest:
    """Registered if every test of the run is to have a fake."""

    def pytest_report_header(self, config: pytest.Config) -> str:
        return _headline(config)

    @pytest.fixture(autouse=True)
    def _fake_runtime_for_every_test(self, fake_runtime: FakeRuntime) -> None:
        """Ask for the test's own fake."""
