"""How the service says no: every refusal as a row of status, code and text.

The bodies have the shape of the live service (``errors[]`` with an integer ``code``,
``message``, ``solution`` and ``more_info``, and a ``trace``). Codes and statuses follow IBM's
error registry and what was seen live; where neither says anything, the row's comment does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from ..world.execution import Rejected
from ..world.world import Refusal
from .message import Response

MORE_INFO = "https://cloud.ibm.com/apidocs/quantum-computing#error-handling"


@dataclass(frozen=True)
class Row:
    """One way to say no."""

    status: int
    code: int
    message: str
    solution: str


ROWS: Mapping[str, Row] = {
    "not_authenticated": Row(
        401, 1201, "Authentication failed: {why}.", "Verify that the API key or token is valid."
    ),
    "not_authorized": Row(
        403,
        1200,
        "You are not authorized to use the instance {crn}.",
        "Verify that your account has access to the instance.",
    ),
    "instance_not_found": Row(
        404,
        1279,
        "Instance not found in this region: {crn}.",
        "Verify the CRN, and that the region of the URL is the region of the instance.",
    ),
    "job_not_found": Row(
        404,
        1291,
        "Job not found. Job ID: {id}",
        "Verify that the job ID is right and that you have access to it.",
    ),
    # Undocumented: the client's own maximum polling aside, only the status is known (409).
    "job_not_cancellable": Row(
        409, 3208, "Job {id} cannot be cancelled: it is {status}.", "Only pending jobs can be."
    ),
    # Undocumented: 400 is the only status of the operation that fits.
    "job_not_terminal": Row(
        400,
        3214,
        "Job {id} cannot be deleted: it is {status}.",
        "Cancel the job, or wait until it has ended.",
    ),
    "logs_not_found": Row(404, 1291, "Logs not found. Job ID: {id}", "Current programs have none."),
    "backend_not_found": Row(
        404, 1216, "Backend {name} not found.", "Verify the name of the backend."
    ),
    "backend_reserved": Row(
        423, 1233, "Backend {name} is reserved.", "Choose another backend, or try again later."
    ),
    # Undocumented. Not a 503: the client would try again five times, and then hide the text.
    "backend_unavailable": Row(
        400,
        1004,
        "The backend is not available: {name} does not accept jobs.",
        "Choose another backend, or try again later.",
    ),
    "session_not_found": Row(
        404, 1216, "Session not found. Session ID: {id}", "Verify the ID of the session."
    ),
    "session_closed": Row(
        400, 1217, "Session has been closed.", "Open a new session, with a longer max_time."
    ),
    # Undocumented.
    "session_of_other_backend": Row(
        400,
        1208,
        "The session belongs to backend {session}, the job to {job}.",
        "Submit the job to the backend of the session.",
    ),
    "session_not_in_plan": Row(
        400,
        1352,
        "You are not authorized to run a session when using the {plan} plan.",
        "Use job or batch mode, or an instance of a plan that has sessions.",
    ),
    "validation": Row(400, 1208, "{why}", "Correct the request."),
    "too_many_tags": Row(400, 1204, "{why}", "A job has at most 8 tags."),
    "tag_too_long": Row(400, 1205, "{why}", "A tag has at most 86 characters."),
    # Undocumented: how the service answers a version it does not know.
    "unknown_version": Row(
        400, 1208, "IBM-API-Version {version} is not supported.", "Use one of: {known}."
    ),
}
"""Refusals by kind."""


def of_refusal(refusal: Refusal, trace: str) -> Response:
    """The answer to a request that the service refuses."""
    row = ROWS[refusal.kind]
    return body(
        row.status,
        row.code,
        row.message.format(**refusal.facts),
        row.solution.format(**refusal.facts),
        trace,
    )


def of_rejection(rejected: Rejected, trace: str) -> Response:
    """The answer to a job that the executor refuses."""
    return body(rejected.status, rejected.code, rejected.message, rejected.solution, trace)


def body(status: int, code: int, message: str, solution: str, trace: str) -> Response:
    """An error in the shape of the live service."""
    error = {"code": code, "message": message, "solution": solution, "more_info": MORE_INFO}
    return Response.of_json({"errors": [error], "trace": trace}, status)


def of_iam(code: str, message: str, trace: str, status: int = 400) -> Response:
    """An error in the shape of IAM (`POST /identity/token`)."""
    document = {"errorCode": code, "errorMessage": message, "context": {"requestId": trace}}
    return Response(status, json.dumps(document).encode(), {"Content-Type": "application/json"})
