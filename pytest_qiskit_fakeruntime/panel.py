"""Jobs as a test wants to see them: decoded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .world.jobs import Job, JobFilter

if TYPE_CHECKING:
    from .world.world import World


class JobPanel:
    """One job of the fake service, from the service's side."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def __getattr__(self, name: str) -> Any:
        return getattr(self._job, name)

    def __repr__(self) -> str:
        return f"<Job {self._job.id}: {self._job.program_id} on {self._job.backend}, {self.status}>"

    @property
    def status(self) -> str:
        """``Queued``, ``Running``, ``Completed``, ``Failed`` or ``Cancelled``."""
        return self._job.status

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
        if self._job.result is None:
            return None
        from .execute.codec import decode_result

        return decode_result(self._job.program_id, self._job.result)


class JobsPanel(Mapping[str, JobPanel]):
    """Every job the service holds, by id, oldest first."""

    def __init__(self, world: World) -> None:
        self._world = world

    def __getitem__(self, job_id: str) -> JobPanel:
        return JobPanel(self._world.jobs[job_id])

    def __iter__(self) -> Iterator[str]:
        return iter(self._world.jobs)

    def __len__(self) -> int:
        return len(self._world.jobs)

    def __repr__(self) -> str:
        return f"<Jobs: {', '.join(map(repr, self.values())) or 'none'}>"

    @property
    def last(self) -> JobPanel:
        """The job that was submitted last.

        Raises:
            LookupError: If there is none.
        """
        if not len(self):
            raise LookupError("no job has been submitted to the fake service")
        return self[list(self)[-1]]

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
        return [JobPanel(job) for job in self._world.jobs.matching(wanted)]
