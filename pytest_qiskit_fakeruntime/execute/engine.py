"""The engine: who runs the jobs of the fake service."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..world.execution import JobFailed, Outcome, Task
from .problem import INTERNAL, NO_PROGRAM, Problem
from .quiet import quiet

if TYPE_CHECKING:
    from .program import Program

PROGRAMS: Mapping[str, tuple[str, str]] = {
    "sampler": ("sampler", "Sampling"),
    "estimator": ("estimator", "Estimation"),
    "executor": ("quantum_program", "Execution"),
}
"""Module and class of each program, by the id that clients use. Loaded when first needed."""


WAITING = 16
"""Jobs whose decoded form is kept from their submission until they run."""


class _Checked:
    """Programs that were read when their job was submitted, until it runs."""

    def __init__(self) -> None:
        self._programs: dict[int, tuple[Mapping[str, Any], Any, Program]] = {}
        self._lock = threading.Lock()

    def keep(self, task: Task, program: Program) -> None:
        with self._lock:
            while len(self._programs) >= WAITING:
                del self._programs[next(iter(self._programs))]
            # The params are kept with it: as long as they live, nothing else has their id.
            self._programs[id(task.params)] = (task.params, task.device.snapshot, program)

    def take(self, task: Task) -> Program | None:
        with self._lock:
            params, snapshot, program = self._programs.pop(id(task.params), (None, None, None))
        same = params is task.params and snapshot is task.device.snapshot
        return program if same else None


class Engine:
    """Runs the service's programs on Aer, with the noise of the device.

    It keeps nothing between jobs but what it has learnt of the devices, and may be used from
    many threads at once. The same task gives the same bytes.
    """

    def __init__(self) -> None:
        self._checked = _Checked()

    @quiet
    def check(self, task: Task) -> float:
        """Look at a job when it is submitted.

        Returns:
            An estimate of its QPU time, in seconds.

        Raises:
            Rejected: If the service would refuse it.
        """
        from .codec import seconds_for

        try:
            program = read(task)
            self._checked.keep(task, program)
            return seconds_for(program.executions)
        except Problem as problem:
            raise problem.rejected() from problem

    @quiet
    def run(self, task: Task) -> Outcome:
        """Run a job to its end, in the calling thread.

        Raises:
            JobFailed: If the job ends as Failed.
        """
        from qiskit.exceptions import QiskitError

        from .codec import seconds_for, span
        from .devices import machine_of
        from .program import Run
        from .simulate import Source

        try:
            program = self._checked.take(task) or read(task)
            seconds = seconds_for(program.executions)
            seed = task.seed if program.seed is None else program.seed
            source = Source(machine_of(task.device.snapshot), task.noise, seed)
            result, notes = program.run(Run(source, *span(task.started, seconds)))
        except Problem as problem:
            raise problem.failed() from problem
        except QiskitError as error:
            # What qiskit itself finds wrong with a circuit when it looks at its instructions.
            raise JobFailed(INTERNAL, f"Internal error: {error}") from error
        return Outcome(result, seconds, {**notes, "seed": seed})


def read(task: Task) -> Program:
    """What a job asks for, read and found valid.

    Raises:
        Problem: If the service would refuse it.
    """
    from .devices import machine_of

    if task.program_id not in PROGRAMS:
        raise Problem(
            NO_PROGRAM,
            f"Program not found: {task.program_id}.",
            f"Use one of: {', '.join(sorted(PROGRAMS))}.",
            status=404,
        )
    module, name = PROGRAMS[task.program_id]
    parser: Any = getattr(import_module(f".{module}", __package__), name)
    machine = machine_of(task.device.snapshot)
    program: Program = parser.parse(task.params, machine)
    machine.limits.check_executions(program.executions)
    return program
