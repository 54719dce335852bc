"""How the service is put together from its options."""

from __future__ import annotations

from .errors import UsageError
from .execute.catalogue import load_catalogue
from .options import Options
from .world.accounts import Accounts
from .world.clock import Clock
from .world.devices import Devices
from .world.execution import Executor
from .world.snapshots import UnknownDevice
from .world.world import World


def build(options: Options, executor: Executor) -> World:
    """The service that the options describe.

    Args:
        options: What it is told.
        executor: Whoever runs its jobs.

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
        executor=executor,
        clock=Clock(options.start_time),
        seed=0 if options.seed is None else options.seed,
        noise=options.noise,
        progress=options.progress,
    )
