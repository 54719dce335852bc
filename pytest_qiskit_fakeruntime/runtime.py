"""`FakeRuntime`: an IBM Quantum that is there between `start` and `stop`, and its controls."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from . import saved
from .api.endpoint import ROUTER, UNMATCHED, Endpoint
from .assembly import build
from .decorator import Decorated, decorate
from .errors import NetworkBlocked, UnmatchedRequest, UsageError
from .execute.lazy import LazyEngine
from .execute.release import check_release
from .execute.script import Script, ScriptedExecutor
from .intercept import Interception
from .options import BackendOptions, Options
from .panel import JobsPanel
from .world.accounts import DEFAULT_API_KEY, Instance
from .world.calls import Calls
from .world.clock import Clock
from .world.devices import Device, Devices
from .world.faults import JOB, RUNTIME, Fault, Injection
from .world.hints import did_you_mean
from .world.sessions import Session
from .world.snapshots import UnknownDevice

if TYPE_CHECKING:
    import requests_mock
    import respx
    from qiskit_ibm_runtime import QiskitRuntimeService

SAVED = ("seed", "sleep", "allow_unmatched")
"""Options that are not part of the service's state."""


class FakeRuntime:
    """An IBM Quantum inside this process, for the real, unpatched client.

    Use it as a context manager, also asynchronously, or as a decorator of functions,
    coroutines and `unittest.TestCase` classes; under pytest the fixture ``fake_runtime``
    gives one to every test that asks.

    Example::

        with FakeRuntime("fake_manila", seed=7) as fake:
            service = QiskitRuntimeService()

    Args:
        backends: Names of the devices; none for every snapshot of the fake provider.
        options: See `options.Options`: ``seed``, ``noise``, ``plan``, ``instances``, ...

    Raises:
        UsageError: If a name, an option or a value is wrong.
    """

    def __init__(self, *backends: str | BackendOptions, **options: Any) -> None:
        if backends:
            options["backends"] = (*(options.get("backends") or ()), *backends)
        self.options = Options().but(**options)
        self._scripted = ScriptedExecutor(self.options.executor or LazyEngine())
        self.world = build(self.options, self._scripted)
        self._endpoint = Endpoint(self.world)
        self._interception: Interception | None = None
        self._blocked: list[NetworkBlocked] = []

    def __repr__(self) -> str:
        state = "started" if self._interception else "stopped"
        return f"<FakeRuntime, {len(self.backends)} backends, {len(self.jobs)} jobs, {state}>"

    def start(self) -> FakeRuntime:
        """Begin to answer for IBM Quantum, and point the environment at the fake.

        Warns:
            FakeRuntimeWarning: Once per process, if the client's release is not a tested one.

        Raises:
            UsageError: If it has been started already.
        """
        if self._interception is not None:
            raise UsageError("this FakeRuntime has already been started; stop it first")
        check_release()
        interception = Interception(
            self._endpoint,
            {
                "QISKIT_IBM_CHANNEL": self.credentials["channel"],
                "QISKIT_IBM_TOKEN": self.credentials["token"],
                "QISKIT_IBM_INSTANCE": self.credentials["instance"],
            },
            virtual_sleep=self.options.sleep == "virtual",
        )
        interception.start()
        self._interception = interception
        self._blocked = interception.blocked
        return self

    def stop(self) -> None:
        """Stop answering, and put everything back as it was. Its state can still be read."""
        if self._interception is not None:
            self._interception.stop()
            self._interception = None

    def stop_with_abandoned(self) -> None:
        """Stop, and before that every fake that was started later and never stopped.

        Raises:
            UsageError: If there was one; everything has been put back nevertheless.
        """
        abandoned = self._interception.stop_abandoned() if self._interception else 0
        self.stop()
        if abandoned:
            raise UsageError(
                f"{abandoned} FakeRuntime was started and never stopped; "
                "use `with FakeRuntime(...):`"
            )

    def __enter__(self) -> FakeRuntime:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        if error is None:
            self.check()

    async def __aenter__(self) -> FakeRuntime:
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.__exit__(kind, error, trace)

    def __call__(self, decorated: Decorated) -> Decorated:
        """Run a function, a coroutine or every test of a `TestCase` inside a fresh fake."""
        return decorate(decorated, self._again)

    def _again(self) -> FakeRuntime:
        return type(self)(**{name: getattr(self.options, name) for name in vars(self.options)})

    def check(self) -> None:
        """Complain about what the code under test may have hidden.

        Raises:
            UnmatchedRequest: If a request went to an operation that is not served.
            NetworkBlocked: If something else was about to reach IBM.
            UsageError: If an injected fault never came to pass.
        """
        if self._blocked:
            raise self._blocked[0]
        unmatched = self.unmatched
        if unmatched and not self.options.allow_unmatched:
            raise unmatched[0]
        self._scripted.complain()
        missed = self.world.faults.missed
        if missed:
            told = "; ".join(
                f"{one.fault} on {one.on} came to pass {one.fired} of {one.times or 'any'} times"
                for one in missed
            )
            happened = Counter(self.calls.operations)
            seen = ", ".join(f"{name} ({count})" for name, count in happened.items()) or "none"
            raise UsageError(
                f"an injected fault never came to pass: {told}. The operations that did happen: "
                f"{seen}. If that is all right, inject it with optional=True."
            )

    @property
    def unmatched(self) -> list[UnmatchedRequest]:
        """The requests that went to an operation that is not served."""
        errors = (call.error for call in self.calls[UNMATCHED])
        return [error for error in errors if isinstance(error, UnmatchedRequest)]

    @property
    def credentials(self) -> dict[str, str]:
        """``channel``, ``token`` and ``instance`` of the account, ready for ``**``."""
        return {
            "channel": "ibm_quantum_platform",
            "token": DEFAULT_API_KEY,
            "instance": next(iter(self.world.accounts.instances), ""),
        }

    def service(self, **kwargs: Any) -> QiskitRuntimeService:
        """A new `QiskitRuntimeService`, opened with this account's credentials.

        Args:
            kwargs: What the client's constructor takes, instead of the account's own.

        Raises:
            UsageError: If the fake has not been started.
        """
        if self._interception is None:
            raise UsageError(
                "this FakeRuntime is not started: use `with FakeRuntime() as fake:` "
                "(or the fixture fake_runtime)"
            )
        if not self._interception.answers:
            raise UsageError(
                "another FakeRuntime was started after this one and answers in its place; "
                "stop it first, or ask it for the service"
            )
        from qiskit_ibm_runtime import QiskitRuntimeService

        if kwargs:
            kwargs = {"channel": self.credentials["channel"], **kwargs}
            kwargs.setdefault("token", self.credentials["token"])
        return QiskitRuntimeService(**kwargs)

    @property
    def backends(self) -> Devices:
        """The devices by name; set ``queue_length``, ``status`` and ``noise`` on them."""
        return self.world.devices

    def add_backend(self, source: Any, name: str | None = None, **state: Any) -> Device:
        """Add a device.

        Args:
            source: A name of the catalogue, or a ``BackendV2``, ``GenericBackendV2``,
                ``AerSimulator`` or ``Target`` to serve.
            name: Name to serve it under; its own if left out.
            state: ``queue_length``, ``status``, ``noise``.

        Raises:
            UsageError: If there is no snapshot of that name, or no device can be made of it.
        """
        if isinstance(source, str):
            checked = _checked(BackendOptions, name=source, **state)
            snapshot = _known(self.world.devices, source)
            return self.world.devices.add(name or source, snapshot, **checked.state)
        from .execute.devices import snapshot_of

        own_name, snapshot = snapshot_of(source)
        checked = _checked(BackendOptions, name=name or own_name, **state)
        return self.world.devices.add(checked.name, snapshot, **checked.state)

    @property
    def instances(self) -> dict[str, Instance]:
        """The account's instances by CRN."""
        return self.world.accounts.instances

    def add_instance(self, name: str, **details: Any) -> Instance:
        """Add an instance: ``plan``, ``region``, ``tags``, ``devices``, limits."""
        return self.world.accounts.add(
            Options().but(instances=[{"name": name, **details}]).account[0]
        )

    @property
    def jobs(self) -> JobsPanel:
        """Every job the service holds."""
        return JobsPanel(self.world)

    @property
    def sessions(self) -> dict[str, Session]:
        """Every session and batch by id."""
        self.world.settle()
        return self.world.sessions

    @property
    def calls(self) -> Calls:
        """Every exchange, by operation: ``calls["create_job"][-1].request.json``."""
        return self.world.calls

    @property
    def clock(self) -> Clock:
        """The service's time: ``now``, ``advance(seconds)``."""
        return self.world.clock

    @property
    def usage(self) -> float:
        """QPU seconds that the jobs would have cost."""
        self.world.settle()
        return sum(job.qpu_seconds for job in self.world.jobs.values())

    def inject(
        self,
        fault: Fault,
        on: str | None = None,
        *,
        times: int | None = 1,
        after: int = 0,
        when: Callable[[Any], bool] | None = None,
        optional: bool = False,
    ) -> Injection:
        """Make the service misbehave.

        Args:
            fault: What will happen; see `pytest_qiskit_fakeruntime.faults`.
            on: Operation it happens to, such as ``create_job``; the fault's usual one if left
                out: for most any operation of the runtime API. A fault of jobs happens to the
                next job.
            times: How often; ``None`` until the end of the test.
            after: How many such requests (or jobs) pass unharmed first.
            when: Takes a request (for faults of jobs: the job) and says whether the fault is
                for it.
            optional: Whether the test may end without it having come to pass.

        Raises:
            UsageError: If there is no such operation, or a number makes no sense.
        """
        if not isinstance(fault, Fault):
            raise UsageError(f"inject({fault!r}): give a fault, such as faults.http_error(503)")
        where = on or fault.on
        if fault.on == JOB and where != JOB:
            raise UsageError(f"inject({fault}, on={on!r}): it happens to jobs; leave on= out")
        if where not in (RUNTIME, JOB) and where not in ROUTER.names:
            hint = did_you_mean(where, ROUTER.names)
            raise UsageError(f"on={where!r}: choose from {', '.join(ROUTER.names)}.{hint}")
        if (times is not None and times < 1) or after < 0:
            raise UsageError(f"inject(times={times}, after={after}): count from 1, and from 0")
        return self.world.faults.inject(Injection(fault, where, times, after, when, optional))

    def script(self, result: Any, program: str = "sampler", backend: str | None = None) -> Script:
        """Give the next job that fits a canned result instead of a simulation.

        Args:
            result: Plain data (counts or bitstrings per register and PUB, or expectation values
                with standard errors), a result object, or a function of the job that gives
                one of these. See `execute.script`.
            program: ``sampler`` or ``estimator``, old or client-side, or ``executor``.
            backend: Only a job on this device.

        Raises:
            UsageError: If there is no such program or device.
        """
        return self._scripted.add(Script(result, program, backend), self.backends)

    @property
    def requests_mock(self) -> requests_mock.Adapter:
        """The requests-mock adapter, for routes of your own."""
        return self._running.requests_mock

    @property
    def respx(self) -> respx.MockRouter:
        """The respx router, for routes of your own."""
        return self._running.respx

    @property
    def _running(self) -> Interception:
        if self._interception is None:
            raise UsageError("this FakeRuntime is not started")
        return self._interception

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the whole state into one readable file: devices, instances, jobs, sessions."""
        saved.save(self.world, {name: getattr(self.options, name) for name in SAVED}, Path(path))

    @classmethod
    def load(cls, path: str | os.PathLike[str], **options: Any) -> FakeRuntime:
        """A new fake, not yet started, with the state that `save` has written.

        Args:
            path: The file.
            options: ``executor``, ``sleep`` and ``allow_unmatched``, if they shall differ.

        Raises:
            UsageError: If the file is another one, damaged, or of a newer version.
        """
        document = saved.read(Path(path))
        fake = cls(**{**document.get("options", {}), **options})
        saved.apply(document, fake.world, Path(path))
        return fake

    def inherit(self, outer: FakeRuntime) -> None:
        """Begin with the jobs and sessions of another fake; what is done here stays here."""
        for job in outer.world.jobs.values():
            self.world.jobs.add(replace(job, tags=list(job.tags)))
        for session in outer.world.sessions.values():
            copy = replace(session)
            copy.timestamps = list(session.timestamps)
            self.world.sessions[session.id] = copy


def _checked(kind: type[BackendOptions], **values: Any) -> BackendOptions:
    try:
        return kind(**values)
    except TypeError as error:
        raise UsageError(f"add_backend: {error}") from None


def _known(devices: Devices, name: str) -> Any:
    try:
        return devices.catalogue[name]
    except UnknownDevice as error:
        raise UsageError(str(error)) from None
