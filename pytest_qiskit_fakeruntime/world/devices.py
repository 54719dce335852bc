"""Devices: a snapshot under a name, and the state that the service adds to it."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, ValuesView
from datetime import datetime
from typing import Any, NamedTuple

from . import calibration
from .clock import UTC
from .hints import did_you_mean
from .snapshots import Catalogue, Snapshot, UnknownDevice


class DeviceStatus(NamedTuple):
    """What a device's status means.

    Attributes:
        operational: Whether the device accepts jobs.
        listed: What ``GET /backends`` calls it.
        reason: Why.
        runs: Whether jobs leave its queue.
    """

    operational: bool
    listed: str
    reason: str
    runs: bool = True


STATUSES: Mapping[str, DeviceStatus] = {
    "online": DeviceStatus(True, "online", "available"),
    "internal": DeviceStatus(True, "online", "internal"),
    "dedicated": DeviceStatus(True, "online", "dedicated"),
    "paused": DeviceStatus(True, "paused", "paused", runs=False),
    "maintenance": DeviceStatus(False, "paused", "maintenance", runs=False),
    "reserved": DeviceStatus(True, "paused", "reserved"),
    "offline": DeviceStatus(False, "offline", "offline", runs=False),
}
"""Device statuses by name."""


class Device:
    """A quantum computer of the fake service.

    Attributes:
        name: The name it is served under.
        snapshot: Its configuration and its newest calibration.
        noise: Whether its jobs are simulated with the calibration's noise; ``None`` leaves
            the choice to the run.
    """

    __slots__ = ("_queue_length", "_status", "earlier", "name", "noise", "snapshot")

    def __init__(
        self,
        name: str,
        snapshot: Snapshot,
        *,
        queue_length: int = 0,
        status: str = "online",
        noise: bool | None = None,
    ) -> None:
        self.name = name
        self.snapshot = snapshot
        self.queue_length = queue_length
        self.status = status
        self.noise = noise
        self.earlier: list[Snapshot] = []

    @property
    def queue_length(self) -> int:
        """Jobs that other people have waiting here."""
        return self._queue_length

    @queue_length.setter
    def queue_length(self, value: int) -> None:
        if not value >= 0:
            raise ValueError(f"queue_length={value!r}: give a number of jobs")
        self._queue_length = value

    def __repr__(self) -> str:
        return f"<Device {self.name!r}, {self.num_qubits} qubits, {self.status}>"

    @property
    def status(self) -> str:
        """One of `STATUSES`."""
        return self._status

    @status.setter
    def status(self, value: str) -> None:
        if value not in STATUSES:
            hint = did_you_mean(value, STATUSES)
            raise ValueError(
                f"{value!r} is not a device status; choose from {', '.join(STATUSES)}.{hint}"
            )
        self._status = value

    @property
    def operational(self) -> bool:
        """Whether the device takes jobs at all."""
        return STATUSES[self._status].operational

    @property
    def num_qubits(self) -> int:
        """Number of qubits."""
        return int(self.snapshot.summary["qubits"] or 0)

    @property
    def configuration(self) -> dict[str, Any]:
        """The device's configuration (a copy of the top level, under the device's name)."""
        return {**self.snapshot.configuration_document, "backend_name": self.name}

    @property
    def properties(self) -> dict[str, Any] | None:
        """The device's calibration, or ``None`` if it has none."""
        document = self.snapshot.properties_document
        return None if document is None else {**document, "backend_name": self.name}

    def configuration_json(self) -> bytes:
        """Body of ``GET /backends/{name}/configuration``: the packaged text, renamed."""
        return self.snapshot.configuration_json(self.name)

    def properties_json(self, before: datetime | None = None) -> bytes:
        """Body of ``GET /backends/{name}/properties``: the packaged text, renamed.

        Args:
            before: The newest calibration that is not younger than this; ``{}`` if there is
                none so old.
        """
        for snapshot in (self.snapshot, *self.earlier):
            calibrated = snapshot.calibrated
            if before is None or calibrated is None or calibrated <= before:
                return snapshot.properties_json(self.name)
        return b"{}"

    def edit(
        self,
        *,
        configuration: Callable[[dict[str, Any]], None] | None = None,
        properties: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        """Change the device's data by functions that edit a copy of it in place."""
        self.snapshot = self._edited(configuration, properties)

    def _edited(
        self,
        configuration: Callable[[dict[str, Any]], None] | None,
        properties: Callable[[dict[str, Any]], None] | None,
    ) -> Snapshot:
        conf = copy.deepcopy(self.snapshot.configuration_document)
        props = copy.deepcopy(self.snapshot.properties_document) or {}
        if configuration is not None:
            configuration(conf)
        if properties is not None:
            properties(props)
        return Snapshot.from_documents(conf, props or None, f"edited {self.snapshot.source}")

    def calibrate(
        self,
        change: Callable[[dict[str, Any]], None] | None = None,
        *,
        at: datetime | None = None,
        **values: Any,
    ) -> None:
        """Change the device's calibration, or add one of another date.

        Examples::

            device.calibrate(qubit=3, t1=20e-6, t2=15e-6, readout_error=0.2)
            device.calibrate(gate="cz", qubits=(3, 4), error=0.1, duration=68e-9)
            device.calibrate(qubit=7, operational=False)

        Args:
            change: Edits a copy of the present calibration in place: the body of
                ``GET /backends/{name}/properties``.
            at: When the device was calibrated so. Left out, the present calibration is
                changed; given, it stays, and the device has one more. The newest is the
                present one.
            values: ``qubit``, or ``gate`` and ``qubits``, and what is true of it from now on;
                seconds and hertz. See `calibration.edit`.

        Raises:
            TypeError: If there is nothing of such a name.
            ValueError: If a value is out of range, or there is no such qubit or gate.
        """
        by_name = calibration.edit(**values) if values else None

        def edit(properties: dict[str, Any]) -> None:
            for one in (change, by_name):
                if one is not None:
                    one(properties)
            if at is not None:
                properties["last_update_date"] = at.isoformat()

        calibrated = self._edited(None, edit)
        if at is None:
            self.snapshot = calibrated
            return
        oldest = datetime.min.replace(tzinfo=UTC)
        self.snapshot, *self.earlier = sorted(
            (calibrated, self.snapshot, *self.earlier),
            key=lambda snapshot: snapshot.calibrated or oldest,
            reverse=True,
        )


class Devices(Mapping[str, Device]):
    """The devices of the service by name.

    Args:
        catalogue: The snapshots to serve them from.
        names: The devices to start with, in order. ``None`` for the whole catalogue, and
            then every IBM name is understood as well, without being listed.
    """

    def __init__(self, catalogue: Catalogue, names: Iterable[str] | None = None) -> None:
        self.catalogue = catalogue
        self._lock = threading.Lock()
        self.every = names is None
        self._listed: dict[str, Device] = {}
        self._unlisted: dict[str, Device] = {}
        self.removed: set[str] = set()
        for name in catalogue if names is None else names:
            self.add(name)

    def __getitem__(self, name: str) -> Device:
        device = self._listed.get(name) or self._unlisted.get(name)
        if device is not None:
            return device
        alias = name.startswith(("ibm_", "ibmq_"))
        if not self.every or not alias or name in self.removed:
            raise UnknownDevice(name, self._listed)
        with self._lock:
            return self._unlisted.setdefault(name, Device(name, self.catalogue[name]))

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._listed))

    def __len__(self) -> int:
        return len(self._listed)

    def values(self) -> ValuesView[Device]:
        """The devices listed now: other threads may add and remove meanwhile."""
        return self._listed.copy().values()

    def runs(self, name: str) -> bool:
        """Whether jobs leave the queue of a device. They do if it has been retired: to fail."""
        device = self.get(name)
        return device is None or STATUSES[device.status].runs

    def all(self) -> list[Device]:
        """The devices that are listed, and those that were asked for by another name."""
        return [*self._listed.values(), *self._unlisted.values()]

    @property
    def aliases(self) -> list[str]:
        """IBM names that are understood although they are not listed."""
        if not self.every:
            return []
        taken = self._listed.keys() | self.removed
        return [name for name in self.catalogue.aliases if name not in taken]

    def add(self, name: str, snapshot: Snapshot | None = None, **state: Any) -> Device:
        """Add a device, or replace the one of that name.

        Args:
            name: Name to serve it under; one of the catalogue unless ``snapshot`` is given.
            snapshot: Configuration and calibration to serve it with.
            state: ``queue_length``, ``status``, ``noise``.

        Raises:
            UnknownDevice: If there is no snapshot of that name.
        """
        device = Device(name, snapshot or self.catalogue[name], **state)
        with self._lock:
            self._listed[name] = device
            self.removed.discard(name)
        return device

    def remove(self, name: str) -> None:
        """Take a device away, as when it is retired. Other names of its snapshot stay.

        Raises:
            UnknownDevice: If there is no device of that name.
        """
        known = self[name].name
        with self._lock:
            self._listed.pop(known, None)
            self._unlisted.pop(known, None)
            self.removed.add(known)
