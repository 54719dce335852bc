"""Many threads at one service."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event
from typing import Any

from pytest_qiskit_fakeruntime.world.execution import Task

from ..api.conftest import Service, StandIn, make_world, queued

LONG = 30
"""Seconds after which a test gives up. Nobody waits for it while all is well."""


def signed_in(executor: StandIn | None = None) -> Service:
    service = Service(make_world("fake_manila", "ibm_fez", executor=executor))
    service.token = service.sign_in()
    return service


def at_once(threads: int, work: Callable[[int], Any]) -> list[Any]:
    """Do ``work`` in that many threads that begin together."""
    gate = Barrier(threads)

    def begin(number: int) -> Any:
        gate.wait(LONG)
        return work(number)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(begin, range(threads)))


def test_no_job_is_lost_and_no_id_is_given_twice() -> None:
    service = signed_in()

    found = at_once(32, lambda _: [service.submit() for _ in range(50)])

    ids = {job_id for jobs in found for job_id in jobs}
    assert len(ids) == 1600
    assert set(service.world.jobs) == ids
    assert len({job.seed for job in service.world.jobs.values()}) == 1600
    assert service.ask("GET", "/jobs?limit=1").json["count"] == 1600
    assert service.ask("GET", "/instances/usage").json["usage_consumed_seconds"] == 4800
    assert len(service.world.calls["create_job"]) == 1600


def test_same_jobs_get_the_same_ids_and_seeds_whatever_the_order_of_threads() -> None:
    alone, together = signed_in(), signed_in()
    for _ in range(200):
        alone.submit()
    at_once(8, lambda _: [together.submit() for _ in range(25)])

    def pairs(service: Service) -> set[tuple[str, int]]:
        return {(job.id, job.seed) for job in service.world.jobs.values()}

    assert pairs(alone) == pairs(together)


def test_nobody_waits_for_a_running_job() -> None:
    running, release = Event(), Event()

    def block(task: Task) -> None:
        running.set()
        assert release.wait(LONG)

    executor = StandIn(during=block)
    service = signed_in(executor)
    with ThreadPoolExecutor(1) as pool:
        submitted = pool.submit(service.submit)
        try:
            assert running.wait(LONG)
            (job,) = service.ask("GET", "/jobs").json["jobs"]
            others = [
                service.ask("GET", "/backends").status,
                service.ask("GET", f"/jobs/{job['id']}/metrics").status,
                service.ask("POST", "/sessions", {"mode": "batch"}).status,
            ]
            executor.during = None
            second = service.submit()
        finally:
            release.set()
        first = submitted.result(LONG)

    assert job["status"] == "Running"
    assert others == [200, 200, 200]
    assert job["id"] == first
    assert {service.world.jobs[one].status for one in (first, second)} == {"Completed"}


def test_job_is_deleted_once() -> None:
    service = signed_in()
    job_id = service.submit()

    answers = at_once(16, lambda _: service.ask("DELETE", f"/jobs/{job_id}").status)

    assert sorted(answers) == [204] + [404] * 15


def test_job_is_cancelled_once() -> None:
    service = signed_in()
    queued(service, "j1")

    answers = at_once(16, lambda _: service.ask("POST", "/jobs/j1/cancel").status)

    assert sorted(answers) == [204] + [409] * 15


def test_private_results_are_read_once() -> None:
    service = signed_in()
    job_id = service.submit(private=True)

    answers = at_once(16, lambda _: service.ask("GET", f"/jobs/{job_id}/results").status)

    assert sorted(answers) == [200] + [204] * 15


def test_lists_can_be_read_while_jobs_and_devices_come_and_go() -> None:
    service = signed_in()

    def work(number: int) -> list[int]:
        answers = []
        for step in range(25):
            name = f"lab_{number}_{step}"
            service.world.devices.add(name, service.world.devices["fake_manila"].snapshot)
            job_id = service.submit()
            answers.append(service.ask("GET", "/backends").status)
            answers.append(service.ask("DELETE", f"/jobs/{job_id}").status)
            service.world.devices.remove(name)
            answers.append(service.ask("GET", "/jobs").status)
        return answers

    answers = at_once(8, work)

    assert answers == [[200, 204, 200] * 25] * 8
    assert list(service.world.devices) == ["fake_manila", "ibm_fez"]


def test_session_closed_by_one_thread_never_leaves_a_job_of_another_behind() -> None:
    service = signed_in()
    session_id = service.ask("POST", "/sessions", {"mode": "batch"}).json["id"]
    job = {"program_id": "sampler", "backend": "fake_manila", "session_id": session_id}

    def work(number: int) -> list[int]:
        if number == 0:
            return [service.ask("DELETE", f"/sessions/{session_id}/close").status]
        return [service.ask("POST", "/jobs", job).status for _ in range(20)]

    answers = at_once(8, work)

    accepted = sum(status == 200 for statuses in answers[1:] for status in statuses)
    assert {status for statuses in answers for status in statuses} <= {200, 204, 400}
    assert len(service.world.jobs) == accepted
    assert not [one for one in service.world.jobs.values() if one.pending]
