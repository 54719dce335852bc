"""Jobs as a test wants to see them: decoded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .errors import UsageError
from .world.hints import did_you_mean
from .world.jobs import Job, JobFilter
from .world.lifecycle import IllegalTransition
from .world.progress import Ending

if TYPE_CHECKING:
    from .world.world import World


class JobPanel:
    """One job of the fake service, from the service's side."""

    def __init__(self, job: Job, world: World) -> None:
        self._job = job
        self._world = world

    def __getattr__(self, name: str) -> Any:
        return getattr(self._job, name)

    def __repr__(self) -> str:
        return f"<Job {self._job.id}: {self._job.program_id} on {self._job.backend}, {self.status}>"

    @property
    def status(self) -> str:
        """``Queued``, ``Running``, ``Completed``, ``Failed`` or ``Cancelled``."""
        self._world.settle()
        return self._job.status

    def start(self) -> None:
        """Take the job out of the queue; it runs until `finish` or `fail`.

        Raises:
            UsageError: If it does not wait in the queue.
        """
        self._by_hand(self._world.dispatcher.start_by_hand)

    def finish(self) -> None:
        """Let the job run to its end.

        Raises:
            UsageError: If it has ended already.
        """
        self._by_hand(self._world.dispatcher.finish_by_hand)

    def fail(self, reason: str = "Internal error.", code: int = 1500, solution: str = "") -> None:
        """End the job as Failed.

        Args:
            reason: What went wrong, for people.
            code: IBM's error code.
            solution: What to do about it.

        Raises:
            UsageError: If it has ended already.
        """
        ending = Ending("fail", reason, code, solution, 0.0)
        self._by_hand(lambda job: self._world.dispatcher.end_by_hand(job, ending))

    def cancel(self) -> None:
        """End the job as Cancelled, as the service or somebody else would.

        Raises:
            UsageError: If it has ended already.
        """
        ending = Ending("cancel", qpu_seconds=0.0)
        self._by_hand(lambda job: self._world.dispatcher.end_by_hand(job, ending))

    def _by_hand(self, do: Callable[[Job], None]) -> None:
        try:
            do(self._job)
        except IllegalTransition as error:
            raise UsageError(f"job {self._job.id}: {error}") from None

    @property
    def params(self) -> Mapping[str, Any]:
        """What the client sent, still in its encoding."""
        return self._job.submission.params

    @property
    def options(self) -> Mapping[str, Any]:
        """The options that the client sent. What is not in here was not set."""
        options: Mapping[str, Any] = self.params.get("options", {})
        return options

    @property
    def inputs(self) -> Any:
        """What the client sent, decoded by the client's own decoder."""
        from .execute.codec import decode_inputs

        return decode_inputs(self._job.program_id, self.params)

    @property
    def circuits(self) -> list[Any]:
        """The circuits of the job, in order."""
        from .execute.codec import circuits_of

        return circuits_of(self._job.program_id, self.params)

    @property
    def result(self) -> Any:
        """The result as the client decodes it; ``None`` if there is none."""
        self._world.settle()
        if self._job.result is None:
            return None
        from .execute.codec import decode_result

        return decode_result(self._job.program_id, self._job.result)


class JobsPanel(Mapping[str, JobPanel]):
    """Every job the service holds, by id, oldest first."""

    def __init__(self, world: World) -> None:
        self._world = world

    def __getitem__(self, job_id: str) -> JobPanel:
        self._world.settle()
        return JobPanel(self._world.jobs[job_id], self._world)

    def __iter__(self) -> Iterator[str]:
        return iter(self._world.jobs)

    def __len__(self) -> int:
        return len(self._world.jobs)

    def __repr__(self) -> str:
        return f"<Jobs: {', '.join(map(repr, self.values())) or 'none'}>"

    def hold(self) -> None:
        """Let every job that is submitted from now on wait until it is let go.

        `release` lets all of them go; ``job.start()``, ``job.finish()`` and ``job.fail()``
        move one.
        """
        self._world.progress = self._world.progress.but_held(True)

    def release(self) -> None:
        """Let every held job go, in order, and hold no more.

        They then behave as if they had never been held: by ``polls`` and ``seconds``, if those
        options were given.
        """
        self._world.progress = self._world.progress.but_held(False)
        for job in self._world.jobs.pending():
            self._world.dispatcher.release(job)

    @property
    def last(self) -> JobPanel:
        """The job that was submitted last.

        Raises:
            LookupError: If there is none.
        """
        if not len(self):
            raise LookupError("no job has been submitted to the fake service")
        return self[max(self._world.jobs.values(), key=lambda job: (job.number, job.created)).id]

    def add(
        self, result: Any = None, *, inputs: Mapping[str, Any] | None = None, **what: Any
    ) -> JobPanel:
        """Put a job of the past into the service, as if it had been submitted then.

        Args:
            result: Its result: a `PrimitiveResult`, counts (``{"00": 510, "11": 490}``), plain
                data, or the text that the service would send.
            inputs: Its inputs, with the client's objects or in their encoding.
            what: Whatever else is known of it; see `world.seeding.PastJob`.

        Raises:
            UsageError: If it cannot have been so.
        """
        from .execute.past import encode_inputs, encode_result
        from .world.seeding import KNOWN, PastJob

        for name in what:
            if name not in KNOWN:
                hint = did_you_mean(name, KNOWN)
                raise UsageError(
                    f"jobs.add: a job has no {name!r}; it has {', '.join(KNOWN)}.{hint}"
                )
        try:
            past = PastJob(
                inputs=encode_inputs(inputs) if inputs else {},
                result=encode_result(result),
                **what,
            )
            job = past.add_to(self._world)
        except (TypeError, ValueError) as error:
            raise UsageError(f"jobs.add: {error}") from None
        return JobPanel(job, self._world)

    def filter(
        self,
        *,
        instance: str | None = None,
        backend: str | None = None,
        program: str | None = None,
        pending: bool | None = None,
        tags: tuple[str, ...] = (),
        session_id: str | None = None,
        created_after: datetime | None = None,
        created_before: datetime | None = None,
    ) -> list[JobPanel]:
        """The jobs that fit, oldest first; the filters are those of ``service.jobs()``."""
        wanted = JobFilter(
            instance,
            backend,
            program,
            pending,
            tuple(tags),
            session_id,
            created_after,
            created_before,
        )
        self._world.settle()
        return [JobPanel(job, self._world) for job in self._world.jobs.matching(wanted)]
