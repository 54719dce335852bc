"""Several users, several instances, none at all."""

from __future__ import annotations

from typing import Any

import pytest
from qiskit_ibm_runtime.exceptions import IBMInputValueError, IBMRuntimeError

from pytest_qiskit_fakeruntime import FakeRuntime

from ..capabilities import FOREIGN_INSTANCE_IS_REFUSED
from .conftest import Lab, submit

pytestmark = pytest.mark.fake_backend("fake_manila")


@pytest.mark.fake_runtime(
    instances=[
        {"name": "ours", "plan": "premium", "api_keys": ["our-key"]},
        {"name": "theirs", "plan": "flex", "region": "eu-de", "api_keys": ["their-key"]},
    ]
)
def test_users_have_their_own_instances(fake_runtime: FakeRuntime) -> None:
    fake_runtime.world.executor = Lab()
    ours = fake_runtime.service(token="our-key")
    theirs = fake_runtime.service(token="their-key")

    assert [one["name"] for one in ours.instances()] == ["ours"]
    assert [one["name"] for one in theirs.instances()] == ["theirs"]
    job = submit(theirs)
    assert ours.jobs() == []
    assert theirs.jobs()[0].job_id() == job.job_id()
    assert fake_runtime.calls["create_job"][0].request.host == "eu-de.quantum.cloud.ibm.com"
    if FOREIGN_INSTANCE_IS_REFUSED:
        with pytest.raises(IBMInputValueError, match="does not have access"):
            fake_runtime.service(token="our-key", instance=theirs.active_instance())
    else:
        assert (
            fake_runtime.service(token="our-key", instance=theirs.active_instance()).backends()
            == []
        )


@pytest.mark.fake_runtime(instances=[])
def test_account_without_instances(fake_runtime: FakeRuntime) -> None:
    with pytest.raises(IBMInputValueError, match="No matching instances found"):
        fake_runtime.service()


@pytest.mark.fake_runtime(instances=["lab", {"name": "lab", "region": "eu-de"}])
def test_instances_of_one_name_are_all_used(fake_runtime: FakeRuntime) -> None:
    service = fake_runtime.service(instance="lab")

    assert len(fake_runtime.instances) == 2
    assert {one["name"] for one in service.instances()} == {"lab"}


@pytest.mark.parametrize(
    ("tags", "code"), [(["t"] * 9, "1204"), (["t" * 87], "1205")], ids=["too many", "too long"]
)
def test_limits_of_tags(fake_runtime: FakeRuntime, tags: list[str], code: str) -> None:
    fake_runtime.world.executor = Lab()
    service: Any = fake_runtime.service()

    with pytest.raises(IBMRuntimeError, match=code):
        submit(service, job_tags=tags)
