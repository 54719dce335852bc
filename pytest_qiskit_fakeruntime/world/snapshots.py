"""Snapshots: what is known of a device, as the client packages it."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from .clock import parse_moment

_QUBITS = re.compile(rb'"n_qubits"\s*:\s*(\d+)')
_PROCESSOR = re.compile(rb'"processor_type"\s*:\s*(\{[^{}]*\}|null)')
_CLOPS = re.compile(rb'"clops_h"\s*:\s*([0-9.]+|null)')
_NAME = re.compile(rb'"backend_name"\s*:\s*"[^"]*"')
_CALIBRATED = re.compile(rb'"last_update_date"\s*:\s*"([^"]*)"')


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
    def properties_text(self) -> bytes:
        """The calibration as text; ``{}`` if there is none."""
        text: bytes = self._once("properties_text", self.properties or (lambda: b"{}"))
        return text

    def configuration_json(self, name: str) -> bytes:
        """The configuration as text, under another name."""
        return self._renamed(self.configuration_text, "configuration", name)

    def properties_json(self, name: str) -> bytes:
        """The calibration as text, under another name."""
        return self._renamed(self.properties_text, "properties", name)

    def _renamed(self, text: bytes, kind: str, name: str) -> bytes:
        new = b'"backend_name": ' + json.dumps(name).encode()
        rendered: bytes = self._once(f"{kind} of {name}", lambda: _NAME.sub(new, text, count=1))
        return rendered

    @property
    def calibrated(self) -> datetime | None:
        """When the device was calibrated, read without parsing; ``None`` if it never was."""
        found = _CALIBRATED.search(self.properties_text)
        return parse_moment(found[1].decode()) if found else None

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
        document: dict[str, Any] = self._once(
            "properties", lambda: json.loads(self.properties_text)
        )
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


class UnknownDevice(KeyError):
    """No device of that name: neither in the account nor among the snapshots."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        # FakeManilaV2, the class, is fake_manila, the device.
        snake = re.sub(r"^Fake(\w+?)(V2)?$", r"fake_\1", name).lower()
        near = difflib.get_close_matches(snake, list(known), n=3, cutoff=0.5)
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
