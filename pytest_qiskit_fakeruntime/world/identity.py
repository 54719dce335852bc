"""Identifiers and seeds, all from one seed: same seed, same names, in any process."""

from __future__ import annotations

import base64
import hashlib
import threading
import uuid
from collections import Counter


class Identities:
    """Hands out job ids, session ids, traces and random seeds in a fixed order.

    Args:
        seed: The seed of the whole service.
    """

    def __init__(self, seed: int | str) -> None:
        self.seed = seed
        self.counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def digest(self, purpose: str, number: int = 0) -> bytes:
        """32 bytes that belong to the ``number``-th thing of this purpose."""
        return hashlib.sha256(f"{self.seed}/{purpose}/{number}".encode()).digest()

    def _next(self, purpose: str) -> bytes:
        with self._lock:
            self.counts[purpose] += 1
            number = self.counts[purpose]
        return self.digest(purpose, number)

    def job_id(self, purpose: str = "job") -> str:
        """Twenty characters, like the xids that the service gives to jobs."""
        return "d" + base64.b32hexencode(self._next(purpose)).decode().lower()[:19]

    def uuid(self, purpose: str) -> str:
        """A UUID, as the service gives to sessions and traces."""
        return str(uuid.UUID(bytes=self._next(purpose)[:16], version=4))

    def job_seed(self, number: int) -> int:
        """The seed of the ``number``-th job, a 31-bit integer."""
        return int.from_bytes(self.digest("job-seed", number)[:4], "big") >> 1
