"""A service whose jobs are run by a stand-in, driven without any HTTP library."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

import pytest

from pytest_qiskit_fakeruntime.api.endpoint import Endpoint
from pytest_qiskit_fakeruntime.api.iam import GRANT
from pytest_qiskit_fakeruntime.api.message import Request, Response
from pytest_qiskit_fakeruntime.execute.catalogue import load_catalogue
from pytest_qiskit_fakeruntime.world.accounts import DEFAULT_CRN, Accounts, Instance
from pytest_qiskit_fakeruntime.world.clock import Clock
from pytest_qiskit_fakeruntime.world.devices import Devices
from pytest_qiskit_fakeruntime.world.execution import JobFailed, Outcome, Rejected, Task
from pytest_qiskit_fakeruntime.world.jobs import Job, Submission
from pytest_qiskit_fakeruntime.world.progress import BY_HAND
from pytest_qiskit_fakeruntime.world.world import World

START = datetime(2026, 9, 12, 10, 0, tzinfo=timezone.utc)
BASE = "https://quantum.cloud.ibm.com/api/v1"


@dataclass
class StandIn:
    """An executor without physics: ``params`` say what becomes of the job.

    ``during`` is called while the job runs.
    """

    tasks: list[Task] = field(default_factory=list)
    during: Callable[[Task], object] | None = None

    def check(self, task: Task) -> float:
        if "refuse" in task.params:
            raise Rejected(1208, task.params["refuse"], "Do better.")
        return 4.0

    def run(self, task: Task) -> Outcome:
        self.tasks.append(task)
        if self.during is not None:
            self.during(task)
        if "fail" in task.params:
            raise JobFailed(1517, task.params["fail"], "Transpile.")
        return Outcome(json.dumps({"seed": task.seed}), qpu_seconds=3.0)


class Service:
    """The endpoint, and short ways to ask it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.endpoint = Endpoint(world)
        self.token = ""

    def raw(
        self, method: str, url: str, headers: dict[str, str] | None = None, body: Any = None
    ) -> Response:
        content = json.dumps(body) if isinstance(body, (dict, list)) else body
        return self.endpoint.handle(Request.of(method, url, (headers or {}).items(), content))

    def sign_in(self, api_key: str = "a-key") -> str:
        answer = self.raw(
            "POST",
            "https://iam.cloud.ibm.com/identity/token",
            body=f"grant_type={GRANT}&apikey={api_key}",
        )
        return str(answer.json["access_token"])

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Response:
        self.token = self.token or self.sign_in()
        sent = {
            "Authorization": f"Bearer {self.token}",
            "Service-CRN": DEFAULT_CRN,
            "IBM-API-Version": "2026-04-15",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        return self.raw(method, BASE + path, sent, body)

    def submit(self, **body: Any) -> str:
        job = {"program_id": "sampler", "backend": "fake_manila", "params": {}, **body}
        answer = self.ask("POST", "/jobs", job)
        assert answer.status == 200, answer.text
        return str(answer.json["id"])


def make_world(*names: str, instances: list[Instance] | None = None, **more: Any) -> World:
    return World(
        devices=Devices(load_catalogue(), names or None),
        accounts=Accounts(instances or [Instance(crn=DEFAULT_CRN, plan="premium")]),
        executor=more.pop("executor", None) or StandIn(),
        clock=Clock(START),
        seed=1,
        **more,
    )


def queued(service: Service, job_id: str, **submission: Any) -> Job:
    """A job that waits in the queue: nobody runs it unless the test does."""
    body = {"program_id": "sampler", "backend": "fake_manila", **submission}
    world = service.world
    tags = tuple(body.get("tags", ()))
    job = Job(
        job_id,
        Submission(**{**body, "tags": tags}),
        DEFAULT_CRN,
        "IBMid-1",
        world.clock.now,
        seed=0,
        tags=list(tags),
        progress=BY_HAND,
    )
    world.jobs.add(job)
    return job


@pytest.fixture
def service() -> Service:
    return Service(make_world("fake_manila", "ibm_fez"))


@pytest.fixture
def executor(service: Service) -> StandIn:
    """Who runs the jobs of the service."""
    stand_in = service.world.executor
    assert isinstance(stand_in, StandIn)
    return stand_in


def code(answer: Response) -> int:
    return int(answer.json["errors"][0]["code"])
