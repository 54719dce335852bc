"""Ways in which the service can misbehave, to be given to `FakeRuntime.inject`.

Each function makes one fault. ``fake.inject(http_error(503), times=2)`` answers the next two
runtime requests with status 503; ``on="create_job"`` picks the operation.
"""

from __future__ import annotations

from typing import Any

from ..world.faults import Fault
from .answers import (
    disconnect,
    forbidden,
    hook,
    html_page,
    http_error,
    invalid_api_key,
    latency,
    malformed_json,
    missing_result,
    outage,
    raises,
    rate_limit,
    timeout,
    token_expired,
    truncated,
)
from .jobs import job_fails, job_is_cancelled, job_runs_too_long, queue, stays
from .service import (
    backend_offline,
    backend_retired,
    maintenance,
    no_backends,
    quota_exceeded,
    session_closed,
)

__all__ = [
    "Fault",
    "backend_offline",
    "backend_retired",
    "disconnect",
    "forbidden",
    "hook",
    "html_page",
    "http_error",
    "invalid_api_key",
    "job_fails",
    "job_is_cancelled",
    "job_runs_too_long",
    "latency",
    "maintenance",
    "malformed_json",
    "missing_result",
    "no_backends",
    "outage",
    "queue",
    "quota_exceeded",
    "raises",
    "rate_limit",
    "session_closed",
    "stays",
    "timeout",
    "token_expired",
    "truncated",
]


def __getattr__(name: str) -> Any:
    from ..world.hints import did_you_mean

    raise AttributeError(f"there is no fault {name!r}.{did_you_mean(name, __all__)}")
