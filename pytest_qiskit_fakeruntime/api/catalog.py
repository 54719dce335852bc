"""What the client asks of IBM Cloud to find its instances: search, catalog, resources."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from ..world.accounts import CRN, PLANS, Instance
from ..world.world import World
from . import schemas
from .message import Request, Response
from .routing import Context, Operation

RESOURCE_ID = "b6049020-80f4-11eb-a0f7-e35ec9b4054f"
"""Id of the quantum service in IBM Cloud."""


def _page(request: Request, cursor: Any, default: int) -> tuple[int, int]:
    """Where a page begins and how long it is; nonsense falls back to the beginning."""
    limit, start = request.param("limit") or "", str(cursor or "")
    return (
        int(start) if start.isdecimal() else 0,
        int(limit) if limit.isdecimal() and int(limit) > 0 else default,
    )


def search_resources(world: World, request: Request, context: Context) -> Response:
    """``POST /v3/resources/search`` of Global Search: the instances of the account.

    Differs from the service: the query is not interpreted; the answer is always the account's
    quantum instances. An instance without devices has no ``extensions``, and the client skips
    it as one without allocation.
    """
    asked = schemas.read(schemas.SearchBody, request) if request.body else schemas.SearchBody()
    start, limit = _page(request, asked.search_cursor, 100)
    instances = world.accounts.of(context.user or "")
    page = instances[start : start + limit]
    document: dict[str, Any] = {"items": [_item(one) for one in page], "limit": limit}
    if start + limit < len(instances):
        document["search_cursor"] = str(start + limit)
    return Response.of_json(document)


def _item(instance: Instance) -> dict[str, Any]:
    extensions = {"allocation": True} if instance.devices != [] else {}
    return {
        "crn": instance.crn,
        "name": instance.name,
        "tags": instance.tags,
        "service_plan_unique_id": _plan_id(instance),
        "doc": {"extensions": extensions},
    }


def _plan_id(instance: Instance) -> str:
    return f"{'archived-' if instance.archived else ''}{instance.plan_details.id}"


def get_catalog_entry(world: World, request: Request, context: Context) -> Response:
    """``GET /api/v1/{id}`` of the Global Catalog: name and pricing of a plan.

    The catalog answers 403 for archived plans and 404 for those it does not know.
    """
    asked = context["id"]
    for plan in PLANS.values():
        if plan.id == asked:
            return Response.of_json(
                {
                    "id": plan.id,
                    "kind": "plan",
                    "overview_ui": {"en": {"display_name": plan.title}},
                    "metadata": {"pricing": {"type": plan.pricing}},
                }
            )
    status = 403 if asked.startswith("archived-") else 404
    return Response.of_json({"message": f"Entry {asked} is not available."}, status)


def list_resource_instances(world: World, request: Request, context: Context) -> Response:
    """``GET /v2/resource_instances`` of the Resource Controller, by ``name``."""
    name = request.param("name")
    wanted = [one for one in world.accounts.of(context.user or "") if name in (None, one.name)]
    start, limit = _page(request, request.param("start"), 100)
    page = wanted[start : start + limit]
    following = {"start": start + limit, "limit": limit, **({"name": name} if name else {})}
    more = start + limit < len(wanted)
    return Response.of_json(
        {
            "rows_count": len(page),
            "next_url": f"/v2/resource_instances?{urlencode(following)}" if more else None,
            "resources": [
                {
                    "id": one.crn,
                    "crn": one.crn,
                    "name": one.name,
                    "region_id": one.region,
                    "account_id": CRN.parse(one.crn).account,
                    "resource_id": RESOURCE_ID,
                    "resource_plan_id": one.plan_details.id,
                    "state": "active",
                }
                for one in page
            ],
        }
    )


OPERATIONS = (
    Operation("search_resources", "search", "POST", "/v3/resources/search", search_resources),
    Operation("get_catalog_entry", "catalog", "GET", "/api/v1/{id}", get_catalog_entry),
    Operation(
        "list_resource_instances",
        "resource-controller",
        "GET",
        "/v2/resource_instances",
        list_resource_instances,
    ),
)
