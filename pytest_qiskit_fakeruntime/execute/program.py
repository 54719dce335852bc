"""What every program of the service has in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from .simulate import Source


@dataclass(frozen=True)
class Run:
    """The circumstances in which a program runs.

    Attributes:
        source: Device, noise and seed.
        start: When it starts, in UTC.
        stop: When it stops, in UTC.
    """

    source: Source
    start: datetime
    stop: datetime


class Program(Protocol):
    """A job that has been read and found valid."""

    @property
    def executions(self) -> int:
        """How often a circuit is executed, over all shots and parameter values."""

    @property
    def seed(self) -> int | None:
        """The seed that the job asks for."""

    def run(self, run: Run) -> tuple[str, Mapping[str, Any]]:
        """Run it.

        Returns:
            The encoded result, and notes on how it came about.

        Raises:
            Problem: If a circuit cannot be run.
        """

    def scripted(self, result: Any, run: Run) -> str:
        """The encoded result that the plain data of a script make.

        Raises:
            UsageError: If they do not fit the job.
        """
