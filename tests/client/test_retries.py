"""The client's own retry policy, driven by what the fake answers."""

from __future__ import annotations

import time

import pytest
from qiskit_ibm_runtime.api.exceptions import RequestsApiError

from pytest_qiskit_fakeruntime import FakeRuntime, faults


def test_short_outage_is_never_noticed(fake_runtime: FakeRuntime) -> None:
    service = fake_runtime.service()
    fake_runtime.inject(faults.http_error(503), on="list_jobs", times=2)
    began, skipped = time.monotonic(), fake_runtime.clock.skipped

    assert service.jobs() == []

    assert [call.status for call in fake_runtime.calls["list_jobs"]] == [503, 503, 200]
    assert fake_runtime.clock.skipped - skipped == 1.0  # urllib3: 0 s, then 0.5 * 2 s
    assert time.monotonic() - began < 1.0


@pytest.mark.parametrize("status", [500, 502, 503, 504, 520, 521, 522, 524])
def test_lasting_outage_ends_as_over_a_socket(fake_runtime: FakeRuntime, status: int) -> None:
    service = fake_runtime.service()
    fake_runtime.inject(faults.http_error(status), on="list_jobs", times=None)

    with pytest.raises(RequestsApiError, match=f"too many {status} error responses") as error:
        service.jobs()

    assert error.value.status_code == -1
    assert len(fake_runtime.calls["list_jobs"]) == 6


@pytest.mark.parametrize("fault", [faults.outage(), faults.disconnect(), faults.timeout()])
def test_broken_connection_is_the_client_s_error(
    fake_runtime: FakeRuntime, fault: faults.Fault
) -> None:
    service = fake_runtime.service()
    fake_runtime.inject(fault, on="list_jobs", times=None)

    with pytest.raises(RequestsApiError) as error:
        service.jobs()

    assert error.value.status_code == -1


def test_keyboard_interrupt_in_the_middle_of_a_request(fake_runtime: FakeRuntime) -> None:
    service = fake_runtime.service()
    fake_runtime.inject(faults.raises(KeyboardInterrupt), on="list_jobs", after=1)

    assert service.jobs() == []
    with pytest.raises(KeyboardInterrupt):
        service.jobs()
    assert service.jobs() == []
