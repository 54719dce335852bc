"""Instances: what they have used and what they may use."""

from __future__ import annotations

from typing import Any

from ..world.world import World
from .message import Request, Response
from .routing import Context, Operation


def get_usage(world: World, request: Request, context: Context) -> Response:
    """``GET /instances/usage``: QPU time of the instance, in seconds.

    Limit and allocation are left out where there is none: the client fails on a null.
    Differs from the service: there is no ``usage_period`` yet.
    """
    instance = context.by.instance
    limit, allocation = instance.usage_limit_seconds, instance.usage_allocation_seconds
    usage: dict[str, Any] = {
        "instance_id": instance.crn,
        "plan_id": instance.plan_details.id,
        "usage_consumed_seconds": round(instance.usage_consumed_seconds),
    }
    if allocation is not None:
        usage["usage_allocation_seconds"] = allocation
    if isinstance(limit, (int, float)):
        usage["usage_limit_seconds"] = limit
        usage["usage_limit_reached"] = instance.usage_consumed_seconds >= limit
    return Response.of_json(usage)


OPERATIONS = (Operation("get_usage", "runtime", "GET", "/instances/usage", get_usage),)
