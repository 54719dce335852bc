"""Canned results: what a test says a job returns, instead of a simulation.

A script is plain data, checked against the PUBs of the job that it is for:

* for a sampler, per PUB: counts (``{"00": 512, "11": 488}``) or bitstrings (``["00", "11"]``)
  of the only register, or a dict of those by register; nested lists of them, of the PUB's
  shape, where it has one;
* for an estimator, per PUB: expectation values, or ``{"evs": ..., "stds": ...}``;
* a result object, or the text of a saved result;
* a function of the job (`ScriptedJob`) that gives one of these.

With a single PUB the list around it may be left out.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..world.execution import Executor, Outcome, Task
from ..world.hints import did_you_mean

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PROGRAMS = ("sampler", "estimator", "executor")
"""Programs that can be scripted."""

ROLES: Mapping[str | None, str] = {"sampler_v2": "sampler", "estimator_v2": "estimator"}
"""What an ``executor`` job of a client-side primitive is, by its semantic role."""


@dataclass(frozen=True)
class ScriptedJob:
    """What a scripted function gets to see of a job.

    Attributes:
        program: Id of its program.
        backend: Name of its device.
        pubs: Its PUBs; the items of its quantum program for ``executor``.
        params: What the client sent, still in its encoding.
    """

    program: str
    backend: str
    pubs: Sequence[Any]
    params: Mapping[str, Any]


@dataclass(eq=False)
class Script:
    """A canned result for one job.

    Attributes:
        result: Plain data, a result object, or a function of the job.
        program: ``sampler``, ``estimator`` or ``executor``.
        backend: Name of the device, if it matters.
        read: Whether a job has taken it.
    """

    result: Any
    program: str = "sampler"
    backend: str | None = None
    read: bool = field(default=False, repr=False)

    def fits(self, task: Task) -> bool:
        """Whether a job is of this kind."""
        role = ROLES.get((task.params.get("quantum_program") or {}).get("semantic_role"))
        right = self.program in (task.program_id, role)
        return right and self.backend in (None, task.device.name)


class ScriptedExecutor:
    """Answers the jobs that a script is for, in the order of the scripts.

    Args:
        executor: Whoever runs all others. It checks scripted jobs as well.
    """

    def __init__(self, executor: Executor) -> None:
        self.executor = executor
        self.scripts: list[Script] = []
        self._lock = threading.Lock()

    @property
    def unread(self) -> list[Script]:
        """Scripts that no job has taken."""
        return [script for script in self.scripts if not script.read]

    def add(self, script: Script, devices: Collection[str]) -> Script:
        """Put a script behind the others.

        Args:
            script: The script.
            devices: Names of the devices there are.

        Raises:
            UsageError: If there is no such program or device.
        """
        wanted: list[tuple[str, str, Collection[str]]] = [("program", script.program, PROGRAMS)]
        if script.backend is not None:
            wanted.append(("backend", script.backend, devices))
        for name, value, known in wanted:
            if value not in known:
                hint = did_you_mean(value, known)
                raise UsageError(f"script({name}={value!r}): choose from {', '.join(known)}.{hint}")
        self.scripts.append(script)
        return script

    def complain(self) -> None:
        """Say so if a script was for nothing.

        Raises:
            UsageError: If no job has taken it.
        """
        if self.unread:
            raise UsageError(
                f"no job took the scripted result {', '.join(map(repr, self.unread))}: "
                "no such job ran, or its program or device is another"
            )

    def check(self, task: Task) -> float:
        """Look at a job when it is submitted. See `world.execution.Executor`."""
        return self.executor.check(task)

    def run(self, task: Task) -> Outcome:
        """Run a job to its end. See `world.execution.Executor`.

        Raises:
            UsageError: If its script is not of its shape.
        """
        with self._lock:
            script = next((one for one in self.unread if one.fits(task)), None)
            if script is not None:
                script.read = True
        return self.executor.run(task) if script is None else _perform(script, task)


def _perform(script: Script, task: Task) -> Outcome:
    from . import codec
    from .devices import machine_of
    from .engine import read
    from .program import Run
    from .simulate import Source

    program: Any = read(task)
    seconds = codec.seconds_for(program.executions)
    source = Source(machine_of(task.device.snapshot), task.noise, task.seed)
    run = Run(source, *codec.span(task.started, seconds))
    result = script.result
    if callable(result):
        pubs = getattr(program, "pubs", None) or program.program.items
        result = result(ScriptedJob(task.program_id, task.device.name, pubs, task.params))
    if isinstance(result, str):
        text = result
    elif _is_plain(result):
        text = program.scripted(result, run)
    else:
        text = codec.encode(result)
    return Outcome(text, seconds, {"simulation": "script"})


def _is_plain(result: Any) -> bool:
    # A `PrimitiveResult` can be iterated over as well.
    return not hasattr(result, "metadata") and isinstance(result, (Mapping, Real, Iterable))


def per_pub(result: Any, count: int, single: Callable[[Any], bool]) -> list[Any]:
    """A script as a list with one entry for each PUB.

    Args:
        result: The script.
        count: How many PUBs there are.
        single: Whether a script is that of a PUB rather than a list of them.

    Raises:
        UsageError: If it has another number of PUBs.
    """
    entries = [result] if count == 1 and single(result) else result
    if single(entries) or not isinstance(entries, Sequence) or len(entries) != count:
        got = 1 if single(entries) else len(entries)
        raise UsageError(f"script: the job has {count} PUBs, the script is for {got}")
    return list(entries)


def registers_of(
    entry: Any, sizes: Mapping[str, int], shape: tuple[int, ...], shots: int, index: int
) -> dict[str, NDArray[np.bool_]]:
    """The bits that a sampler's script gives a PUB.

    Args:
        entry: Its part of the script.
        sizes: Bits of each register.
        shape: Shape of the PUB.
        shots: Shots that it asks for.
        index: Its place in the job.

    Returns:
        For each register an array of shape ``(*shape, shots, size)``, lowest bit first.

    Raises:
        UsageError: If it does not fit the PUB.
    """
    if not (isinstance(entry, Mapping) and entry and set(entry) <= set(sizes)):
        if len(sizes) != 1:
            names = ", ".join(sizes) or "none"
            raise UsageError(
                f"script: PUB {index} has the registers {names}: give a dict of counts by register"
            )
        entry = {next(iter(sizes)): entry}
    missing = [name for name in sizes if name not in entry]
    if missing:
        raise UsageError(f"script: PUB {index} lacks the registers {', '.join(missing)}")
    return {
        name: _bits(entry[name], size, shape, shots, f"register {name!r} of PUB {index}")
        for name, size in sizes.items()
    }


def _bits(
    value: Any, size: int, shape: tuple[int, ...], shots: int, where: str
) -> NDArray[np.bool_]:
    import numpy as np

    if shape:
        if not isinstance(value, (list, tuple)) or len(value) != shape[0]:
            raise UsageError(f"script: {where} has to be nested lists of counts, of shape {shape}")
        return np.stack([_bits(part, size, shape[1:], shots, where) for part in value])
    words = [w for w, n in value.items() for _ in range(n)] if isinstance(value, Mapping) else value
    if not isinstance(words, Sequence) or not all(isinstance(word, str) for word in words):
        raise UsageError(f"script: {where} has to be counts or bitstrings, not {value!r}")
    bare = [word.replace(" ", "") for word in words]
    wrong = next((w for w in bare if len(w) != size or not set(w) <= {"0", "1"}), None)
    if wrong is not None:
        raise UsageError(f"script: {where} has {size} bits, which {wrong!r} does not fit")
    if len(bare) != shots:
        raise UsageError(
            f"script: {where} has {len(bare)} shots, but the job asks for {shots}: "
            f"run it with shots={len(bare)}"
        )
    return np.array([[bit == "1" for bit in reversed(word)] for word in bare], bool).reshape(
        shots, size
    )


def values_of(
    entry: Any, shape: tuple[int, ...], index: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Expectation values and standard errors that an estimator's script gives a PUB.

    Args:
        entry: Its part of the script.
        shape: Shape of the PUB.
        index: Its place in the job.

    Raises:
        UsageError: If it does not fit the PUB.
    """
    import numpy as np

    named = entry if isinstance(entry, Mapping) else {"evs": entry}
    if "evs" not in named or not set(named) <= {"evs", "stds"}:
        raise UsageError(f"script: PUB {index} takes evs and stds, not {', '.join(named)}")
    evs = np.asarray(named["evs"], float)
    stds = np.asarray(named.get("stds", 0.0), float)
    if evs.shape != shape or stds.shape not in ((), shape):
        raise UsageError(
            f"script: PUB {index} has the shape {shape}, the script {evs.shape} "
            f"(standard errors {stds.shape})"
        )
    return evs, np.broadcast_to(stds, shape).copy()
