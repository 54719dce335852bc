"""Virtual time: real time plus what was skipped."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

UTC = timezone.utc

_FRACTION = re.compile(r"\.(\d+)")


class Clock:
    """The only source of time in the fake service.

    Args:
        start: Where time begins. Left out, the clock follows the real one (or the one
            that freezegun or time-machine put in its place); given, it stands still at
            ``start`` and moves only by `advance`, so that two runs are identical to the
            last timestamp.
    """

    def __init__(self, start: datetime | None = None) -> None:
        if start is not None and start.tzinfo is None:
            start = start.replace(tzinfo=UTC)
        self.start = start
        self._skipped = 0.0
        self.real_time: Callable[[], float] = lambda: time.time()
        """The time outside. Looked up on each call: freezegun may have replaced it."""
        self._lock = threading.Lock()

    @property
    def now(self) -> datetime:
        """The current moment, in UTC."""
        base = self.start or datetime.fromtimestamp(self.real_time(), UTC)
        return base + timedelta(seconds=self._skipped)

    def time(self) -> float:
        """The current moment in seconds since the epoch, like `time.time`."""
        base = self.start.timestamp() if self.start else self.real_time()
        return base + self._skipped

    @property
    def skipped(self) -> float:
        """Seconds that passed without anybody waiting for them."""
        return self._skipped

    def advance(self, seconds: float | timedelta) -> None:
        """Move time forward without waiting.

        Args:
            seconds: By how much: a number of seconds, or a `timedelta`.

        Raises:
            ValueError: If it is negative; time does not run backwards.
        """
        if isinstance(seconds, timedelta):
            seconds = seconds.total_seconds()
        if seconds < 0:
            raise ValueError(f"clock.advance({seconds}): time does not run backwards")
        with self._lock:
            self._skipped += seconds


def rfc3339(moment: datetime) -> str:
    """Write a moment as the service does: UTC, ending in ``Z``, no trailing zeros.

    The service prints Go's RFC3339Nano, which drops the zeros at the end of the fraction.
    """
    moment = moment.astimezone(UTC)
    text = moment.strftime("%Y-%m-%dT%H:%M:%S")
    fraction = f"{moment.microsecond:06d}".rstrip("0")
    return f"{text}.{fraction}Z" if fraction else f"{text}Z"


def parse_moment(text: str) -> datetime:
    """Read a date-time of RFC 3339, or one without an offset, which is then UTC.

    Raises:
        ValueError: If it is none.
    """
    # Python 3.10 reads neither ``Z`` nor a fraction of other than three or six digits.
    even = _FRACTION.sub(lambda match: f".{match[1][:6]:0<6}", text.replace("Z", "+00:00"))
    moment = datetime.fromisoformat(even)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
