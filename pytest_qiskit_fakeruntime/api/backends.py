"""Backends: the list, and what there is to know about one."""

from __future__ import annotations

from typing import Any

from ..world.devices import STATUSES, Device
from ..world.world import World
from .message import Request, Response
from .parameters import moment_of
from .routing import Context, Operation
from .versions import DEVICES_ARE_OBJECTS


def list_backends(world: World, request: Request, context: Context) -> Response:
    """``GET /backends``: the devices of the instance.

    Before version 2025-01-01 ``devices`` is a list of names.

    Differs from the service: where the fake serves every snapshot, a client that asks with
    ``include_mocks`` (0.51) is also told the IBM names of the snapshots (``ibm_fez`` for
    ``fake_fez``), marked as mocks. The client finds those by name and leaves them out of
    ``backends()`` and ``least_busy()``. ``performance_metrics`` and ``wait_time_seconds`` are
    not served.
    """
    devices = world.visible_devices(context.by.instance)
    if context.version < DEVICES_ARE_OBJECTS:
        return Response.of_json({"devices": [device.name for device in devices]})
    waiting = world.waiting()
    listed = [_entry(device, waiting[device.name]) for device in devices]
    if (request.param("include_mocks") or "").lower() == "true":
        listed += [
            {**_entry(world.devices[name], waiting[name]), "class": "mock"}
            for name in world.devices.aliases
            if context.by.instance.has_device(name)
        ]
    return Response.of_json({"devices": listed})


def _entry(device: Device, waiting: int) -> dict[str, Any]:
    status = STATUSES[device.status]
    summary = device.snapshot.summary
    entry = {
        "name": device.name,
        "status": {"name": status.listed, "reason": status.reason},
        "queue_length": device.queue_length + waiting,
        "qubits": summary["qubits"],
        "is_simulator": device.snapshot.properties is None,
        "processor_type": summary["processor_type"],
    }
    if summary["clops"] is not None:
        entry["clops"] = {"type": "hardware", "value": summary["clops"]}
    return entry


def get_backend_configuration(world: World, request: Request, context: Context) -> Response:
    """``GET /backends/{id}/configuration``: the packaged document under the device's name.

    Undocumented: a ``calibration_id`` is accepted and changes nothing.
    """
    device = world.device(context.by.instance, context["id"])
    return Response.of_raw_json(device.configuration_json())


def get_backend_properties(world: World, request: Request, context: Context) -> Response:
    """``GET /backends/{id}/properties``: the packaged calibration; ``{}`` if there is none.

    Undocumented: ``{}`` is also the answer if there is none as old as ``updated_before`` asks
    for, and a ``calibration_id`` changes nothing.
    """
    device = world.device(context.by.instance, context["id"])
    return Response.of_raw_json(device.properties_json(moment_of(request, "updated_before")))


def get_backend_status(world: World, request: Request, context: Context) -> Response:
    """``GET /backends/{id}/status``: whether it takes jobs, and how many wait."""
    device = world.device(context.by.instance, context["id"])
    status = STATUSES[device.status]
    return Response.of_json(
        {
            "state": status.operational,
            "status": "active" if device.status == "online" else device.status,
            "message": status.reason,
            "length_queue": world.queue_length(device),
            "backend_version": device.configuration.get("backend_version", ""),
        }
    )


def get_backend_defaults(world: World, request: Request, context: Context) -> Response:
    """``GET /backends/{id}/defaults``: pulse defaults, which the service no longer has."""
    world.device(context.by.instance, context["id"])
    return Response.of_json(None)


OPERATIONS = (
    Operation("list_backends", "runtime", "GET", "/backends", list_backends),
    *(
        Operation(handler.__name__, "runtime", "GET", f"/backends/{{id}}/{document}", handler)
        for document, handler in {
            "configuration": get_backend_configuration,
            "properties": get_backend_properties,
            "status": get_backend_status,
            "defaults": get_backend_defaults,
        }.items()
    ),
)
