"""Sessions and batches: open, look at, close."""

from __future__ import annotations

from typing import Any

from ..world.clock import rfc3339
from ..world.sessions import Session
from ..world.world import World
from . import schemas
from .message import Request, Response
from .routing import Context, Operation


def create_session(world: World, request: Request, context: Context) -> Response:
    """``POST /sessions``: open a session or a batch.

    A dedicated session is refused on a plan that has none (code 1352). ``max_ttl`` is capped
    at the plan's maximum.
    """
    body = schemas.read(schemas.SessionBody, request)
    session = world.open_session(context.by, body.mode, body.backend, body.max_ttl)
    return Response.of_json(_session(world, session))


def get_session(world: World, request: Request, context: Context) -> Response:
    """``GET /sessions/{id}``: a session."""
    return Response.of_json(_session(world, world.session(context.by.instance, context["id"])))


def _session(world: World, session: Session) -> dict[str, Any]:
    document: dict[str, Any] = {
        "id": session.id,
        "backend_name": session.backend,
        "mode": session.mode,
        "interactive_ttl": session.interactive_ttl,
        "max_ttl": session.max_ttl,
        "active_ttl": session.active_ttl(world.clock.now),
        "state": session.state,
        "accepting_jobs": session.accepting_jobs,
        "user_id": session.user,
        "elapsed_time": session.elapsed(),
        "timestamps": [
            {"status": status, "timestamp": rfc3339(at)} for status, at in session.timestamps
        ],
    }
    if session.state_reason:
        document["state_reason"] = session.state_reason
    moments = {
        "started_at": session.created,
        "activated_at": session.activated_at,
        "closed_at": session.closed_at,
        "last_job_started": session.last_job_started,
        "last_job_completed": session.last_job_completed,
    }
    document.update({name: rfc3339(at) for name, at in moments.items() if at is not None})
    return document


def update_session(world: World, request: Request, context: Context) -> Response:
    """``PATCH /sessions/{id}``: take no more jobs; the session closes once it is empty.

    Saying that jobs are accepted again does not reopen a closed session.
    """
    session = world.session(context.by.instance, context["id"])
    world.accept_jobs(session, schemas.read(schemas.SessionPatch, request).accepting_jobs)
    return Response(204)


def close_session(world: World, request: Request, context: Context) -> Response:
    """``DELETE /sessions/{id}/close``: end a session; its queued jobs will not run."""
    world.close_session(world.session(context.by.instance, context["id"]))
    return Response(204)


OPERATIONS = (
    Operation("create_session", "runtime", "POST", "/sessions", create_session),
    Operation("get_session", "runtime", "GET", "/sessions/{id}", get_session),
    Operation("update_session", "runtime", "PATCH", "/sessions/{id}", update_session),
    Operation("close_session", "runtime", "DELETE", "/sessions/{id}/close", close_session),
)
