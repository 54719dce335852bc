"""Tests that a user might write for `lab.py`."""

from __future__ import annotations

import pytest

from pytest_qiskit_fakeruntime import FakeRuntime, faults

from . import lab


@pytest.mark.fake_backend("fake_manila", "ibm_torino", "ibm_fez", each=True)
def test_ghz_on_each_device():
    counts = lab.measure_ghz(3)

    assert sum(counts.values()) == 1000
    assert counts["000"] + counts["111"] > 600


@pytest.mark.fake_backend("fake_manila")
@pytest.mark.fake_runtime(noise=False)
def test_ghz_without_noise():
    assert set(lab.measure_ghz(4)) == {"0000", "1111"}


@pytest.mark.fake_backend("ibm_torino", queue_length=3)
@pytest.mark.fake_backend("ibm_fez", queue_length=8)
@pytest.mark.fake_backend("ibm_kyiv", status="maintenance")
def test_the_shortest_queue_is_chosen():
    assert lab.choose_backend(100).name == "ibm_torino"


@pytest.mark.fake_backend("fake_manila")
def test_a_short_outage_goes_unnoticed(fake_runtime: FakeRuntime):
    fake_runtime.inject(faults.http_error(503), on="create_job", times=2)

    assert lab.measure_ghz(2, shots=10)
    assert len(fake_runtime.calls["create_job"]) == 3


@pytest.mark.fake_backend("fake_manila")
def test_old_jobs_are_dropped(fake_runtime: FakeRuntime):
    for _ in range(3):
        lab.measure_ghz(2, shots=10)

    assert lab.drop_old_jobs(keep=1) == 2
    assert len(fake_runtime.jobs) == 1
