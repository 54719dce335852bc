"""Instances: what they have used and what they may use."""

from __future__ import annotations

from typing import Any

from ..world.accounts import USAGE_PERIOD
from ..world.clock import rfc3339
from ..world.world import World
from .message import Request, Response
from .routing import Context, Operation


def get_usage(world: World, request: Request, context: Context) -> Response:
    """``GET /instances/usage``: QPU time of the instance, in seconds.

    Limit and allocation are left out where there is none: the client fails on a null.
    QPU time counts for 28 days. ``time_available_at`` says when enough of it will be forgotten.
    """
    instance, now = context.by.instance, world.clock.now
    instance.reckon(now)
    limit, allocation = instance.usage_limit_seconds, instance.usage_allocation_seconds
    usage: dict[str, Any] = {
        "instance_id": instance.crn,
        "plan_id": instance.plan_details.id,
        "usage_consumed_seconds": round(instance.usage_consumed_seconds),
        "usage_period": {"start_time": rfc3339(now - USAGE_PERIOD), "end_time": rfc3339(now)},
    }
    if allocation is not None:
        usage["usage_allocation_seconds"] = allocation
    if isinstance(limit, (int, float)):
        usage["usage_limit_seconds"] = limit
        usage["usage_limit_reached"] = instance.limit_reached
        if instance.limit_reached and instance.available_at is not None:
            usage["time_available_at"] = rfc3339(instance.available_at)
    return Response.of_json(usage)


OPERATIONS = (Operation("get_usage", "runtime", "GET", "/instances/usage", get_usage),)
