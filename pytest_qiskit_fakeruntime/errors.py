"""The errors that are ours: each says what happened, where, and what to do.

What the fake service answers when it refuses something is not here but in `api.errors`:
that is IBM's to say.
"""

from __future__ import annotations

from typing import Any


class FakeRuntimeError(Exception):
    """Base of every error of this package.

    They hold their message and plain data only, so they survive pickling (pytest-xdist).
    """


class FakeRuntimeWarning(UserWarning):
    """Something is not as it should be, where no error is possible or none would be seen.

    The client's release is not a tested one, or a client that outlived its fake wants a token.
    """


class UsageError(FakeRuntimeError):
    """A marker, an option, a fixture or a call was used wrongly."""


class JobStuck(FakeRuntimeError):
    """A client polls and polls for a job that only the test can let go.

    Attributes:
        job_id: The job.
        why: What it waits for.
    """

    def __init__(self, job_id: str, why: str) -> None:
        super().__init__(job_id, why)
        self.job_id = job_id
        self.why = why

    def __str__(self) -> str:
        return (
            f"job {self.job_id} was polled thousands of times and will never end: "
            f"{self.why}. Give result(timeout=...), or let another thread or faults.hook() help it."
        )


OUTLIVED = (
    "this client was made under a fake IBM Quantum that has stopped. Make a new "
    "QiskitRuntimeService, or let the fake run for longer (module_fake_runtime, "
    "session_fake_runtime)."
)


class FakeRuntimeStopped(FakeRuntimeError):
    """A client that was made under a fake is used after that fake has stopped."""


class UnmatchedRequest(FakeRuntimeError):
    """A request went to an IBM host for an operation that the fake does not serve.

    Raised in the code under test as a ``requests.ConnectionError`` (or an
    ``httpx.ConnectError``), and once more when the test ends, so that a broad ``except`` in
    the code under test cannot hide it.

    Attributes:
        method: HTTP method.
        url: Where the request went.
        nearest: The operation that resembles it most, if any.
    """

    def __init__(self, method: str, url: str, nearest: str | None = None) -> None:
        self.method = method
        self.url = url
        self.nearest = nearest
        hint = f" The nearest operation is {nearest}." if nearest else ""
        message = (
            f"the fake IBM Quantum serves no {method} {url}.{hint} The request was not sent. "
            "Answer it yourself with fake_runtime.requests_mock, or let it be with "
            "@pytest.mark.fake_runtime(allow_unmatched=True)."
        )
        super().__init__(message)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild_unmatched, (self.method, self.url, self.nearest)


class NetworkBlocked(FakeRuntimeError):
    """Something was about to leave the process that must not.

    Not an `OSError`, so that no library takes it for a network that is down, and tries again.

    Attributes:
        host: Where it was going.
        ibm: Whether that is a host of IBM Quantum, which is out of bounds while a fake runs,
            rather than any host at all (``--fake-runtime-block-network``).
    """

    def __init__(self, host: str, ibm: bool) -> None:
        self.host = host
        self.ibm = ibm
        reason = (
            "while a fake IBM Quantum runs, nothing is sent to the real one. The fake answers "
            "what goes through requests and httpx (and so the whole of qiskit-ibm-runtime); "
            "this came through another library, such as urllib3, http.client or aiohttp. Send "
            "it with one of the two, or outside the fake."
            if ibm
            else "the network is blocked by --fake-runtime-block-network (or the ini key "
            "fake_runtime_block_network). Hosts on this machine stay open."
        )
        super().__init__(f"{host} was not contacted: {reason}")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.host, self.ibm)


def _rebuild_unmatched(method: str, url: str, nearest: str | None) -> UnmatchedRequest:
    return UnmatchedRequest(method, url, nearest)
