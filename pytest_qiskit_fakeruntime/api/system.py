"""What the API says about itself. None of it needs credentials."""

from __future__ import annotations

from ..world.world import World
from .message import Request, Response
from .routing import Context, Operation
from .versions import VERSIONS


def get_versions(world: World, request: Request, context: Context) -> Response:
    """``GET /versions``: the versions of the API."""
    return Response.of_json({"versions": list(VERSIONS)})


def get_information(world: World, request: Request, context: Context) -> Response:
    """``GET /``: what this is. Undocumented; the service's own text is not known."""
    return Response.of_json(
        {"name": "Qiskit Runtime API", "version": VERSIONS[-1]["version"], "fake": True}
    )


def get_health(world: World, request: Request, context: Context) -> Response:
    """``GET /health``: whether the service is up. Undocumented."""
    return Response.of_json({"status": "ok"})


OPERATIONS = (
    Operation("get_versions", "runtime", "GET", "/versions", get_versions, open=True),
    Operation("get_information", "runtime", "GET", "/", get_information, open=True),
    Operation("get_health", "runtime", "GET", "/health", get_health, open=True),
)
