"""Jobs: submit, list, look at, cancel, delete."""

from __future__ import annotations

from typing import Any

from ..errors import JobStuck
from ..world.clock import rfc3339
from ..world.jobs import Job, JobFilter
from ..world.world import Refusal, World
from . import schemas
from .message import Request, Response
from .parameters import flag_of, moment_of, number_of
from .routing import Context, Operation
from .versions import metrics_of, usage_of

PAGE = 200
"""Jobs in a page unless asked otherwise, and the most there can be."""

NO_CONTENT = Response(204)


def create_job(world: World, request: Request, context: Context) -> Response:
    """``POST /jobs``: submit a job.

    Differs from the service: submissions per minute are not limited. Undocumented: an unknown
    backend or program answers 404 (the client reports both as a program that was not found).
    """
    submission = schemas.read(schemas.JobBody, request).submission()
    client, caller = _client_of(request)
    job = world.submit(context.by, submission, client=client, caller=caller)
    document: dict[str, Any] = {"id": job.id, "backend": job.backend}
    if job.session_id:
        document["session_id"] = job.session_id
    if job.private:
        document["private"] = True
    if submission.calibration_id:
        document["calibration_id"] = submission.calibration_id
    return Response.of_json(document)


def _client_of(request: Request) -> tuple[str | None, str | None]:
    """What ``X-Qx-Client-Application`` says: the client's packages, and the calling code."""
    told, _, rest = request.headers.get("x-qx-client-application", "").partition("/")
    if not told:  # the user has opted out of telling the packages
        return None, rest or None
    packages, _, caller = rest.partition("/")
    return packages or None, caller or None


def list_jobs(world: World, request: Request, context: Context) -> Response:
    """``GET /jobs``: the instance's jobs, newest first, in pages.

    ``limit`` and ``offset`` out of range fall back to their defaults, as documented.
    Undocumented: ``count`` is the number of jobs that the filters leave. On a page past the
    end it is the page's offset: the client asks again and again until it has ``count`` jobs,
    and would never stop.
    """
    jobs = world.jobs.matching(_filter_of(request, context))
    if (request.param("sort") or "DESC").upper() != "ASC":
        jobs.reverse()
    limit = number_of(request, "limit", 1, PAGE, PAGE)
    offset = number_of(request, "offset", 0, None, 0)
    page = jobs[offset : offset + limit]
    with_params = flag_of(request, "exclude_params") is False
    answer = Response.of_json(
        {
            "jobs": [_job(job, context, with_params) for job in page],
            "count": len(jobs) if page else max(len(jobs), offset),
            "limit": limit,
            "offset": offset,
        }
    )
    for job in page:
        world.dispatcher.count_poll(job)
    return answer


def _filter_of(request: Request, context: Context) -> JobFilter:
    return JobFilter(
        instance=context.by.instance.crn,
        backend=request.param("backend"),
        program=request.param("program"),
        pending=flag_of(request, "pending"),
        tags=tuple(request.query.get("tags", ())),
        session_id=request.param("session_id"),
        created_after=moment_of(request, "created_after"),
        created_before=moment_of(request, "created_before"),
    )


def get_job(world: World, request: Request, context: Context) -> Response:
    """``GET /jobs/{id}``: a job, with its parameters unless ``exclude_params`` is true.

    Differs from the service: a client that would poll for ever is stopped.

    Raises:
        JobStuck: If so.
    """
    job = world.job(context.by.instance, context["id"])
    if (why := world.dispatcher.stuck(job)) is not None:
        raise JobStuck(job.id, why)
    answer = Response.of_json(_job(job, context, flag_of(request, "exclude_params") is not True))
    world.dispatcher.count_poll(job)
    return answer


def _job(job: Job, context: Context, with_params: bool) -> dict[str, Any]:
    shown = job.shown or job.status
    state = {
        "status": shown,
        "reason": job.reason,
        "reason_code": job.reason_code,
        "reason_solution": job.reason_solution,
    }
    status = "Cancelled - Ran too long" if job.ran_too_long else shown
    cost = job.submission.cost
    document: dict[str, Any] = {
        "id": job.id,
        "backend": job.backend,
        "state": {k: v for k, v in state.items() if v is not None},
        "status": status,
        "program": {"id": job.program_id},
        "created": rfc3339(job.created),
        "cost": context.by.instance.plan_details.max_cost if cost is None else cost,
        "user_id": job.user,
        "tags": job.tags,
        "usage": usage_of(job, context.version),
        "estimated_running_time_seconds": job.estimated_seconds,
    }
    optional = {
        "session_id": job.session_id,
        "runtime": job.submission.runtime,
        "calibration_id": job.submission.calibration_id,
        "private": True if job.private else None,
    }
    document.update({k: v for k, v in optional.items() if v is not None})
    if with_params:
        document["params"] = {} if job.private else job.submission.params
    return document


def delete_job(world: World, request: Request, context: Context) -> Response:
    """``DELETE /jobs/{id}``: delete a job that has ended, and its data.

    Undocumented: a job that has not ended answers 400.
    """
    world.delete(world.job(context.by.instance, context["id"]))
    return NO_CONTENT


def get_job_results(world: World, request: Request, context: Context) -> Response:
    """``GET /jobs/{id}/results``: the results, or the error text of a job that failed.

    A job without results answers 204. Undocumented: so does the second reading of a private
    job's results.
    """
    job = world.job(context.by.instance, context["id"])
    if job.status == "Failed":
        return Response.of_text(job.result or f"{job.reason} (error code {job.reason_code})")
    result = world.take_result(job)
    return NO_CONTENT if result is None else Response.of_raw_json(result.encode())


def get_job_logs(world: World, request: Request, context: Context) -> Response:
    """``GET /jobs/{id}/logs``: current programs write none, and the service answers 404."""
    job = world.job(context.by.instance, context["id"])
    raise Refusal("logs_not_found", id=job.id)


def get_job_metrics(world: World, request: Request, context: Context) -> Response:
    """``GET /jobs/{id}/metrics``: moments and QPU time, in the shape of the API version."""
    job = world.job(context.by.instance, context["id"])
    return Response.of_json(metrics_of(job, context.version))


def cancel_job(world: World, request: Request, context: Context) -> Response:
    """``POST /jobs/{id}/cancel``: cancel a job; 409 if it has ended."""
    world.cancel(world.job(context.by.instance, context["id"]))
    return NO_CONTENT


def replace_job_tags(world: World, request: Request, context: Context) -> Response:
    """``PUT /jobs/{id}/tags``: replace the tags of a job. The answer must be exactly 204."""
    job = world.job(context.by.instance, context["id"])
    tags = schemas.read(schemas.TagsBody, request).tags
    schemas.check_tags(tags)
    job.tags = tags
    return NO_CONTENT


OPERATIONS = (
    Operation("create_job", "runtime", "POST", "/jobs", create_job),
    Operation("list_jobs", "runtime", "GET", "/jobs", list_jobs),
    Operation("get_job", "runtime", "GET", "/jobs/{id}", get_job),
    Operation("delete_job", "runtime", "DELETE", "/jobs/{id}", delete_job),
    Operation("get_job_results", "runtime", "GET", "/jobs/{id}/results", get_job_results),
    Operation("get_job_logs", "runtime", "GET", "/jobs/{id}/logs", get_job_logs),
    Operation("get_job_metrics", "runtime", "GET", "/jobs/{id}/metrics", get_job_metrics),
    Operation("cancel_job", "runtime", "POST", "/jobs/{id}/cancel", cancel_job),
    Operation("replace_job_tags", "runtime", "PUT", "/jobs/{id}/tags", replace_job_tags),
)
