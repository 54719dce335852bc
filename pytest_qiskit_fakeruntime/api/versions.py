"""API versions, and what of a body depends on them.

Source: ``GET /versions`` of the service and IBM's versioning page, 2026.
"""

from __future__ import annotations

from typing import Any

from ..world.clock import rfc3339
from ..world.jobs import Job

VERSIONS: tuple[dict[str, str], ...] = (
    {"version": "2024-01-01", "status": "deprecated", "sunset_date": "2027-01-01"},
    {"version": "2025-01-01", "status": "deprecated", "sunset_date": "2027-01-01"},
    {"version": "2025-05-01", "status": "deprecated", "sunset_date": "2027-01-01"},
    {"version": "2026-02-01", "status": "deprecated", "sunset_date": "2027-02-01"},
    {"version": "2026-02-15", "status": "deprecated", "sunset_date": "2027-02-15"},
    {"version": "2026-03-15", "status": "deprecated"},
    {"version": "2026-04-15", "status": "live"},
)
KNOWN = tuple(version["version"] for version in VERSIONS)
OLDEST = KNOWN[0]

DEVICES_ARE_OBJECTS = "2025-01-01"
CHARGE_TIME = "2026-03-15"
EXECUTION_TIME_AT_ROOT = "2026-04-15"


def usage_of(job: Job, version: str) -> dict[str, Any]:
    """The ``usage`` of a job as this version writes it, in seconds."""
    if version < CHARGE_TIME:
        return {"quantum_seconds": job.qpu_seconds, "seconds": job.qpu_seconds}
    usage: dict[str, Any] = {
        "qpu_charge_time_seconds": job.qpu_seconds,
        "status": "pending" if job.pending else "complete",
    }
    if version < EXECUTION_TIME_AT_ROOT and not job.pending:
        usage["circuits_execution_time_ns"] = _execution_time_ns(job)
    return usage


def metrics_of(job: Job, version: str) -> dict[str, Any]:
    """The metrics of a job as this version writes them."""
    moments = {
        "created": job.created,
        "running": job.running_at,
        "finished": job.finished_at,
    }
    metrics: dict[str, Any] = {
        "timestamps": {k: None if v is None else rfc3339(v) for k, v in moments.items()},
        "usage": usage_of(job, version),
    }
    if version < CHARGE_TIME:
        metrics["bss"] = {"seconds": job.qpu_seconds}
    if version >= EXECUTION_TIME_AT_ROOT and not job.pending:
        metrics["circuits_execution_time_ns"] = _execution_time_ns(job)
    if job.client:
        metrics["qiskit_version"] = job.client
    if job.caller:
        metrics["caller"] = job.caller
    return metrics


def _execution_time_ns(job: Job) -> int:
    return round(job.qpu_seconds * 1e9)
