"""Virtual time."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone

import pytest

from pytest_qiskit_fakeruntime.world.clock import Clock, rfc3339

START = datetime(2026, 9, 12, 10, 0, tzinfo=timezone.utc)


def test_clock_without_start_follows_the_real_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: START.timestamp())
    clock = Clock()

    assert clock.now == START
    assert clock.time() == START.timestamp()


def test_clock_with_start_stands_still() -> None:
    clock = Clock(START)

    assert [clock.now, clock.now] == [START, START]


@pytest.mark.parametrize("start", [None, START])
def test_advance_moves_both_readings(
    start: datetime | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "time", lambda: START.timestamp())
    clock = Clock(start)

    clock.advance(90)
    clock.advance(0.5)
    clock.advance(0)

    assert clock.now == START + timedelta(seconds=90.5)
    assert clock.time() == START.timestamp() + 90.5
    assert clock.skipped == 90.5


def test_time_does_not_run_backwards() -> None:
    clock = Clock(START)

    with pytest.raises(ValueError, match=r"advance\(-1\): time does not run backwards"):
        clock.advance(-1)

    assert clock.now == START


def test_start_without_zone_is_utc() -> None:
    assert Clock(START.replace(tzinfo=None)).now == START


def test_start_in_another_zone_is_the_same_moment() -> None:
    clock = Clock(START.astimezone(timezone(timedelta(hours=5))))

    assert clock.now == START
    assert clock.time() == START.timestamp()


@pytest.mark.parametrize(
    ("microsecond", "written"),
    [
        (0, "2026-09-12T10:00:00Z"),
        (500_000, "2026-09-12T10:00:00.5Z"),
        (15_040, "2026-09-12T10:00:00.01504Z"),
        (1, "2026-09-12T10:00:00.000001Z"),
        (999_999, "2026-09-12T10:00:00.999999Z"),
    ],
)
def test_moment_is_written_without_trailing_zeros(microsecond: int, written: str) -> None:
    assert rfc3339(START.replace(microsecond=microsecond)) == written


def test_moment_in_another_zone_is_written_in_utc() -> None:
    assert rfc3339(START.astimezone(timezone(timedelta(hours=-7)))) == "2026-09-12T10:00:00Z"
