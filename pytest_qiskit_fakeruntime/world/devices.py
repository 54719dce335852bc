"""Devices: a packaged snapshot under a name, and the state that the service adds to it."""

from __future__ import annotations

import copy
import difflib
import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, ValuesView
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

STATUSES: Mapping[str, tuple[bool, str, str]] = {
    # name: (operational, name in GET /backends, reason)
    "online": (True, "online", "available"),
    "internal": (True, "online", "internal"),
    "dedicated": (True, "online", "dedicated"),
    "paused": (True, "paused", "paused"),
    "maintenance": (False, "paused", "maintenance"),
    "reserved": (True, "paused", "reserved"),
    "offline": (False, "offline", "offline"),
}
"""Device statuses by name: is it operational, how ``GET /backends`` calls it, and why."""

_QUBITS = re.compile(rb'"n_qubits"\s*:\s*(\d+)')
_PROCESSOR = re.compile(rb'"processor_type"\s*:\s*(\{[^{}]*\}|null)')
_CLOPS = re.compile(rb'"clops_h"\s*:\s*([0-9.]+|null)')


@dataclass(frozen=True)
class Snapshot:
    """The configuration and calibration of a device, as JSON text.

    The text is kept as it is and parsed only when somebody asks. What ``GET /backends``
    needs is read off the text, so that listing seventy devices parses none of them.

    Attributes:
        configuration: Reads the body of ``GET /backends/{name}/configuration``.
        properties: Reads the body of ``GET /backends/{name}/properties``, or ``None`` for a
            device without calibration data (a simulator).
        source: Where it comes from, for messages.
    """

    configuration: Callable[[], bytes]
    properties: Callable[[], bytes] | None
    source: str
    _cache: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def from_files(cls, configuration: Path, properties: Path | None) -> Snapshot:
        """A snapshot whose two documents lie in files."""
        return cls(
            configuration.read_bytes,
            properties.read_bytes if properties is not None else None,
            str(configuration.parent),
        )

    @classmethod
    def from_documents(
        cls, configuration: Mapping[str, Any], properties: Mapping[str, Any] | None, source: str
    ) -> Snapshot:
        """A snapshot made of two parsed documents."""
        conf = json.dumps(configuration).encode()
        props = json.dumps(properties).encode() if properties is not None else None
        return cls(lambda: conf, None if props is None else lambda: props, source)

    def _once(self, key: str, make: Callable[[], Any]) -> Any:
        if key not in self._cache:
            self._cache[key] = make()
        return self._cache[key]

    @property
    def configuration_text(self) -> bytes:
        """The configuration as text."""
        text: bytes = self._once("configuration_text", self.configuration)
        return text

    @property
    def configuration_document(self) -> dict[str, Any]:
        """The configuration, parsed once. Shared: do not change it."""
        document: dict[str, Any] = self._once(
            "configuration", lambda: json.loads(self.configuration_text)
        )
        return document

    @property
    def properties_document(self) -> dict[str, Any] | None:
        """The calibration, parsed once. Shared: do not change it."""
        if self.properties is None:
            return None
        read = self.properties
        document: dict[str, Any] = self._once("properties", lambda: json.loads(read()))
        return document

    @property
    def summary(self) -> Mapping[str, Any]:
        """What the list of devices says about this one, read without parsing."""
        summary: Mapping[str, Any] = self._once("summary", self._read_summary)
        return summary

    def _read_summary(self) -> Mapping[str, Any]:
        text = self.configuration_text
        qubits, processor, clops = (p.search(text) for p in (_QUBITS, _PROCESSOR, _CLOPS))
        return {
            "qubits": int(qubits[1]) if qubits else None,
            "processor_type": json.loads(processor[1]) if processor else None,
            "clops": json.loads(clops[1]) if clops else None,
        }


class Device:
    """A quantum computer of the fake service.

    Attributes:
        name: The name it is served under.
        snapshot: Configuration and calibration it is served with.
        queue_length: Jobs that other people have waiting here.
        noise: Whether its jobs are simulated with the calibration's noise; ``None`` leaves
            the choice to the run.
    """

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
        self._rendered: dict[str, bytes] = {}

    def __repr__(self) -> str:
        return f"<Device {self.name!r}, {self.num_qubits} qubits, {self.status}>"

    @property
    def status(self) -> str:
        """One of `STATUSES`."""
        return self._status

    @status.setter
    def status(self, value: str) -> None:
        if value not in STATUSES:
            near = difflib.get_close_matches(value, STATUSES, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise ValueError(
                f"{value!r} is not a device status; choose from {', '.join(STATUSES)}.{hint}"
            )
        self._status = value

    @property
    def operational(self) -> bool:
        """Whether the device takes jobs at all."""
        return STATUSES[self._status][0]

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
        """Body of ``GET /backends/{name}/configuration``, rendered once."""
        return self._render("configuration", self.configuration)

    def properties_json(self) -> bytes:
        """Body of ``GET /backends/{name}/properties``, rendered once."""
        return self._render("properties", self.properties)

    def _render(self, key: str, document: Mapping[str, Any] | None) -> bytes:
        if key not in self._rendered:
            self._rendered[key] = json.dumps(document or {}).encode()
        return self._rendered[key]

    def use_snapshot(self, snapshot: Snapshot) -> None:
        """Serve this device with other data from now on."""
        self.snapshot = snapshot
        self._rendered = {}

    def edit(
        self,
        *,
        configuration: Callable[[dict[str, Any]], None] | None = None,
        properties: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        """Change the device's data by functions that edit a copy of it in place."""
        conf = copy.deepcopy(self.snapshot.configuration_document)
        props = copy.deepcopy(self.snapshot.properties_document) or {}
        if configuration is not None:
            configuration(conf)
        if properties is not None:
            properties(props)
        source = f"edited {self.snapshot.source}"
        self.use_snapshot(Snapshot.from_documents(conf, props or None, source))


class UnknownDevice(KeyError):
    """No device of that name: neither in the account nor among the snapshots."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        near = difflib.get_close_matches(name, list(known), n=3, cutoff=0.5)
        hint = f" Did you mean {', '.join(near)}?" if near else ""
        super().__init__(name)
        self.name = name
        self.message = f"there is no device {name!r}.{hint}"

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild_unknown_device, (self.name, self.message)


def _rebuild_unknown_device(name: str, message: str) -> UnknownDevice:
    error = UnknownDevice(name, ())
    error.message = message
    return error


class Catalogue(Mapping[str, Snapshot]):
    """Every snapshot that the installed client ships, by name (``fake_fez``).

    ``ibm_fez`` (and ``ibmq_manila``, as the older devices were called) finds the same
    snapshot as ``fake_fez``: it is the name that the real device has.
    """

    def __init__(self, snapshots: Mapping[str, Snapshot]) -> None:
        self._snapshots = snapshots

    def __getitem__(self, name: str) -> Snapshot:
        prefix, _, rest = name.partition("_")
        key = f"fake_{rest}" if prefix in ("ibm", "ibmq") else name
        try:
            return self._snapshots[key]
        except KeyError:
            raise UnknownDevice(name, [*self._snapshots, *self.aliases]) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._snapshots)

    def __len__(self) -> int:
        return len(self._snapshots)

    @property
    def aliases(self) -> Iterator[str]:
        """The IBM names of the snapshots, such as ``ibm_fez``."""
        return (f"ibm_{name.removeprefix('fake_')}" for name in self._snapshots)


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
        self._open = names is None
        self._listed: dict[str, Device] = {}
        self._unlisted: dict[str, Device] = {}
        self._removed: set[str] = set()
        for name in catalogue if names is None else names:
            self.add(name)

    def __getitem__(self, name: str) -> Device:
        device = self._listed.get(name) or self._unlisted.get(name)
        if device is not None:
            return device
        alias = name.startswith(("ibm_", "ibmq_"))
        if not self._open or not alias or name in self._removed:
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

    @property
    def aliases(self) -> list[str]:
        """IBM names that are understood although they are not listed."""
        if not self._open:
            return []
        taken = self._listed.keys() | self._removed
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
            self._removed.discard(name)
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
            self._removed.add(known)
