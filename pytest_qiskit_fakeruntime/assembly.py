"""How the service is put together from its options."""

from __future__ import annotations

import functools

from .errors import UsageError
from .execute.catalogue import load_catalogue
from .options import Options
from .world.accounts import Accounts
from .world.clock import Clock
from .world.devices import Devices
from .world.execution import Executor, Outcome, Task
from .world.snapshots import UnknownDevice
from .world.world import World


class LazyEngine:
    """The engine of `execute/`, loaded when the first job arrives: it needs qiskit and Aer."""

    @staticmethod
    @functools.cache
    def _loaded() -> Executor:
        from .execute.engine import Engine

        return Engine()

    def check(self, task: Task) -> float:
        """Look at a job when it is submitted."""
        return self._loaded().check(task)

    def run(self, task: Task) -> Outcome:
        """Run a job to its end."""
        return self._loaded().run(task)


def build(options: Options) -> World:
    """The service that the options describe.

    Raises:
        UsageError: If there is no snapshot of a device's name.
    """
    catalogue = load_catalogue()
    listed = options.backends
    try:
        devices = Devices(catalogue, None if listed is None else ())
        for backend in listed or ():
            devices.add(backend.name, **backend.state)
    except UnknownDevice as error:
        raise UsageError(str(error)) from None
    return World(
        devices=devices,
        accounts=Accounts(options.account),
        executor=options.executor or LazyEngine(),
        clock=Clock(options.start_time),
        seed=0 if options.seed is None else options.seed,
        noise=options.noise,
        progress=options.progress,
    )
