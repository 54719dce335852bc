"""What a failing test shows about the fake service it ran against."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .runtime import FakeRuntime
    from .world.calls import Call
    from .world.jobs import Job

TITLE = "fake IBM Quantum"
LAST = 20
"""Exchanges that are shown; the rest is counted."""


def report(fake: FakeRuntime) -> str:
    """The jobs, the last exchanges and the bill, without any credentials."""
    calls = list(fake.calls)
    lines = [f"seed {fake.options.seed!r}, {len(calls)} requests, {len(fake.jobs)} jobs"]
    lines += [_job(job) for job in fake.world.jobs.values()]
    if len(calls) > LAST:
        lines.append(f"... {len(calls) - LAST} earlier requests")
    lines += [_call(call) for call in calls[-LAST:]]
    usage = sum(job.qpu_seconds for job in fake.world.jobs.values())  # as it is: runs nothing
    if usage:
        lines.append(f"these jobs would have cost {usage:.1f} QPU seconds")
    return "\n".join(lines)


def _job(job: Job) -> str:
    ended = f": {job.reason} (code {job.reason_code})" if job.reason else ""
    return f"job {job.id}: {job.program_id} on {job.backend}, {job.status}{ended}"


def _call(call: Call) -> str:
    request, answer = call.request, call.status
    outcome = str(answer) if call.error is None else type(call.error).__name__
    fault = f" [{call.fault}]" if call.fault else ""
    line = f"{request.method:6} {request.host}{request.path} -> {outcome}{fault}"
    if call.response is not None and call.response.status >= 400:
        line += f" {call.response.text[:300]}"
    return line
