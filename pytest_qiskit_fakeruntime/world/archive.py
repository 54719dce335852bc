"""The whole state of a service as one plain document, and back.

A document holds dates as text and everything else as JSON has it. What the classes of the
state look like is read off their annotations, so that nothing can be forgotten here.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Union, get_args, get_origin, get_type_hints

from .accounts import Accounts, Instance
from .clock import Clock, parse_moment, rfc3339
from .devices import Device, Devices
from .jobs import Job
from .progress import Progress
from .sessions import Session
from .snapshots import Catalogue, Snapshot
from .world import World


def document_of(world: World) -> dict[str, Any]:
    """The state of a service."""
    world.settle()
    with world.lock:
        return {
            "clock": {"start": _plain(world.clock.start), "skipped": world.clock.skipped},
            "identities": {"seed": world.ids.seed, "counts": dict(world.ids.counts)},
            "noise": world.noise,
            "progress": _plain(world.progress),
            "submitted": world.submitted,
            "invalid_keys": sorted(world.accounts.invalid_keys),
            "instances": [_plain(one) for one in world.accounts.instances.values()],
            "every_device": world.devices.every,
            "removed_devices": sorted(world.devices.removed),
            "devices": [_device(one, world.devices.catalogue) for one in world.devices.all()],
            "sessions": [_plain(one) for one in world.sessions.values()],
            "jobs": [_plain(_waiting(one)) for one in world.jobs.values()],
        }


def restore(document: Mapping[str, Any], world: World) -> None:
    """Give a new service the state that another one had.

    Raises:
        KeyError, TypeError, ValueError: If the document is damaged.
    """
    clock = document["clock"]
    world.clock = Clock(_revive(datetime, clock["start"]) if clock["start"] else None)
    world.clock.advance(clock["skipped"])
    world.ids.seed = document["identities"]["seed"]
    world.ids.counts.update(document["identities"]["counts"])
    world.noise, world.submitted = document["noise"], document["submitted"]
    world.progress = _revive(Progress, document["progress"])
    world.accounts = Accounts(_revive(list[Instance], document["instances"]))
    world.accounts.invalid_keys.update(document["invalid_keys"])
    catalogue = world.devices.catalogue
    world.devices = Devices(catalogue, None if document["every_device"] else ())
    for saved in document["devices"]:
        _add_device(world.devices, saved)
    for name in document["removed_devices"]:
        world.devices.remove(name)
    for session in _revive(list[Session], document["sessions"]):
        world.sessions[session.id] = session
    for job in _revive(list[Job], document["jobs"]):
        world.jobs.add(job)


def _waiting(job: Job) -> Job:
    """A job that a thread is busy with has to be run again elsewhere."""
    if not job.executing:
        return job
    return dataclasses.replace(job, status="Queued", running_at=None, executing=False)


# ---- devices ---------------------------------------------------------------------------


def _device(device: Device, catalogue: Catalogue) -> dict[str, Any]:
    packaged = next(
        (name for name in (device.name, *catalogue) if _is(device.snapshot, catalogue, name)), None
    )
    return {
        "name": device.name,
        "queue_length": device.queue_length,
        "status": device.status,
        "noise": device.noise,
        "snapshot": packaged or _snapshot(device.snapshot),
        "earlier": [_snapshot(one) for one in device.earlier],
    }


def _is(snapshot: Snapshot, catalogue: Catalogue, name: str) -> bool:
    try:
        return catalogue[name] is snapshot
    except KeyError:
        return False


def _snapshot(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "source": snapshot.source,
        "configuration": snapshot.configuration_document,
        "properties": snapshot.properties_document,
    }


def _add_device(devices: Devices, saved: Mapping[str, Any]) -> None:
    given = saved["snapshot"]
    snapshot = devices.catalogue[given] if isinstance(given, str) else _snapshot_from(given)
    state = {name: saved[name] for name in ("queue_length", "status", "noise")}
    device = devices.add(saved["name"], snapshot, **state)
    device.earlier = [_snapshot_from(one) for one in saved["earlier"]]


def _snapshot_from(saved: Mapping[str, Any]) -> Snapshot:
    return Snapshot.from_documents(saved["configuration"], saved["properties"], saved["source"])


# ---- dataclasses -----------------------------------------------------------------------


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return rfc3339(value)
    if dataclasses.is_dataclass(value):
        return {one.name: _plain(getattr(value, one.name)) for one in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return value


def _revive(hint: Any, value: Any) -> Any:
    """A value of the annotated type from its plain form."""
    if value is None:
        return None
    kind, parts = get_origin(hint), get_args(hint)
    if kind in (Union, types.UnionType):
        chosen = [part for part in parts if part is not type(None)]
        return _revive(chosen[0], value) if len(chosen) == 1 else value
    if hint is datetime:
        return parse_moment(value)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        hints = get_type_hints(hint)
        return hint(**{name: _revive(hints[name], one) for name, one in value.items()})
    if kind is tuple and parts[-1] is not Ellipsis:
        return tuple(_revive(part, one) for part, one in zip(parts, value, strict=True))
    if kind in (list, tuple):
        return kind(_revive(parts[0], one) for one in value)
    return value
