"""What the libraries say while the fake service uses them is not for the user to hear."""

from __future__ import annotations

import threading
import warnings
from contextlib import ContextDecorator


class Quiet(ContextDecorator):
    """No warnings as long as anyone is inside.

    Aer asks qiskit 1.4 for what is deprecated there, old clients do so with newer qiskits, and
    so on: under ``-W error`` a user's job would fail for it. ``warnings.catch_warnings`` alone
    is not for threads: of two that overlap, the second puts back what the first has set.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._caught = warnings.catch_warnings()

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._caught = warnings.catch_warnings()
                self._caught.__enter__()
                warnings.simplefilter("ignore")
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._caught.__exit__(None, None, None)


quiet = Quiet()
"""``with quiet:``, or ``@quiet``."""
