"""What a fake is told: one frozen object, put together from layers.

The layers, weakest first: ini file, command line, markers (module, class, function: the
nearest wins), the call itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from .errors import UsageError
from .world.accounts import PLANS, Instance
from .world.devices import STATUSES
from .world.execution import Executor
from .world.hints import did_you_mean
from .world.progress import Progress, Wait

SLEEPS = ("client", "virtual")
"""Whose sleeping moves the clock: the client's, or everybody's."""


def _fail(message: str) -> UsageError:
    return UsageError(message)


@dataclass(frozen=True, kw_only=True)
class BackendOptions:
    """A device of the account, as ``fake_backend`` describes it.

    Attributes:
        name: A snapshot (``fake_manila``) or an IBM name (``ibm_fez``).
        queue_length: Jobs that other people have waiting there.
        status: ``online``, ``paused``, ``maintenance``, ``offline``, ...
        noise: Whether its jobs are simulated with noise; ``None`` leaves it to the run.
    """

    name: str
    queue_length: int = 0
    status: str = "online"
    noise: bool | None = None

    def __post_init__(self) -> None:
        # Users write these values; what the annotations promise is checked here.
        name: Any = self.name
        length: Any = self.queue_length
        if not isinstance(name, str) or not name:
            raise _fail(f"a device is named by a string such as 'fake_manila', not {name!r}")
        if not isinstance(length, int) or isinstance(length, bool) or length < 0:
            raise _fail(f"queue_length={length!r}: give a number of jobs")
        if self.status not in STATUSES:
            hint = did_you_mean(str(self.status), STATUSES)
            raise _fail(f"status={self.status!r}: choose from {', '.join(STATUSES)}.{hint}")
        if self.noise is not None and not isinstance(self.noise, bool):
            raise _fail(f"noise={self.noise!r}: give True or False")

    @property
    def state(self) -> dict[str, Any]:
        """What `Devices.add` takes besides the name."""
        return {"queue_length": self.queue_length, "status": self.status, "noise": self.noise}


BACKEND_KEYWORDS = tuple(f.name for f in fields(BackendOptions) if f.name != "name")


def backend_options(names: Iterable[str], keywords: Mapping[str, Any]) -> list[BackendOptions]:
    """The devices that ``fake_backend(*names, **keywords)`` describes.

    Raises:
        UsageError: If a keyword or a value is wrong.
    """
    for keyword in keywords:
        if keyword not in BACKEND_KEYWORDS:
            hint = did_you_mean(keyword, BACKEND_KEYWORDS)
            raise _fail(
                f"fake_backend has no keyword {keyword!r}; "
                f"it takes {', '.join(BACKEND_KEYWORDS)}, each.{hint}"
            )
    return [BackendOptions(name=name, **keywords) for name in names]


@dataclass(frozen=True, kw_only=True)
class Options:
    """Everything a fake can be told before it starts.

    Attributes:
        backends: The devices; ``None`` for every snapshot of the fake provider.
        seed: Seed of ids and of every job's random numbers. Left out, pytest derives it from
            the test's id.
        noise: Whether jobs are simulated with the device's noise.
        plan: Plan of the default instance.
        instances: The account's instances, as `Instance` objects, or dicts of their fields.
        usage_limit_seconds: QPU time of the default instance, in seconds; ``"plan"`` takes
            the plan's, ``None`` has no limit.
        start_time: Where time stands still until it is advanced; left out, it is real time.
        polls: How many polls see a job in the queue, and how many see it run: ``(2, 1)``.
        seconds: How long a job queues, and how long it runs, in the service's time.
        hold: Whether jobs wait until the test lets them go (``fake.jobs.release()``).
        sleep: ``"client"``, or ``"virtual"`` to make the `time.sleep` of the code under test
            move the clock as well.
        allow_unmatched: Whether a request that is not served leaves the test unharmed.
        executor: Runs the jobs instead of the engine.
    """

    backends: tuple[BackendOptions, ...] | None = None
    seed: int | str | None = None
    noise: bool = True
    plan: str = "open"
    instances: tuple[Instance, ...] | None = None
    usage_limit_seconds: int | str | None = "plan"
    start_time: datetime | None = None
    polls: tuple[int, int] | None = None
    seconds: tuple[float, float] | None = None
    hold: bool = False
    sleep: str = "client"
    allow_unmatched: bool = False
    executor: Executor | None = None

    def __post_init__(self) -> None:
        for name in ("noise", "allow_unmatched", "hold"):
            if not isinstance(getattr(self, name), bool):
                raise _fail(f"{name}={getattr(self, name)!r}: give True or False")
        if isinstance(self.seed, bool) or not isinstance(self.seed, (int, str, type(None))):
            raise _fail(f"seed={self.seed!r}: give an integer or a string")
        if self.plan not in PLANS:
            hint = did_you_mean(self.plan, PLANS)
            raise _fail(f"plan={self.plan!r}: choose from {', '.join(PLANS)}.{hint}")
        limit = self.usage_limit_seconds
        if limit not in ("plan", None) and (not isinstance(limit, int) or limit < 0):
            raise _fail(f"usage_limit_seconds={limit!r}: give seconds, None, or 'plan'")
        if self.instances is not None and self.plan != "open":
            raise _fail(
                f"plan={self.plan!r} is for the one default instance; "
                "where instances are given, give each its own plan"
            )
        if not isinstance(self.start_time, (datetime, type(None))):
            raise _fail(f"start_time={self.start_time!r}: give a datetime")
        for name, kind in (("polls", int), ("seconds", (int, float))):
            pair: Any = getattr(self, name)
            if pair is not None and not (
                isinstance(pair, (tuple, list))
                and len(pair) == 2
                and all(isinstance(one, kind) and one >= 0 for one in pair)
            ):
                raise _fail(f"{name}={pair!r}: give two numbers, (queued, running)")
        if self.sleep not in SLEEPS:
            hint = did_you_mean(self.sleep, SLEEPS)
            raise _fail(f"sleep={self.sleep!r}: choose from {', '.join(SLEEPS)}.{hint}")
        if self.executor is not None and not callable(getattr(self.executor, "run", None)):
            raise _fail(f"executor={self.executor!r}: it has no run() (see the Executor protocol)")

    def but(self, **changes: Any) -> Options:
        """These options with some changed.

        Raises:
            UsageError: If a name or a value is wrong.
        """
        for name in changes:
            if name not in OPTION_NAMES:
                raise _fail(
                    f"there is no option {name!r}; the options are "
                    f"{', '.join(OPTION_NAMES)}.{did_you_mean(name, OPTION_NAMES)}"
                )
        if changes.get("instances") is not None:
            changes["instances"] = _instances(changes["instances"])
        if changes.get("backends") is not None:
            changes["backends"] = tuple(_backend(one) for one in changes["backends"])
        return replace(self, **changes)

    @property
    def progress(self) -> Progress:
        """What jobs wait for in the queue, and while they run."""
        polls, seconds = self.polls or (0, 0), self.seconds or (0.0, 0.0)
        queued, running = (Wait(polls[state], seconds[state], held=self.hold) for state in (0, 1))
        return Progress(queued, running)

    @property
    def account(self) -> list[Instance]:
        """The instances of the account, made anew: they are changed by what is run on them."""
        if self.instances is not None:
            return [
                replace(instance, tags=list(instance.tags), charges=[])
                for instance in self.instances
            ]
        return [
            Instance(
                crn="crn:v1:bluemix:public:quantum-computing:us-east:a/local::local",
                plan=self.plan,
                usage_limit_seconds=self.usage_limit_seconds,
            )
        ]


OPTION_NAMES = tuple(f.name for f in fields(Options))


def _instances(given: Any) -> tuple[Instance, ...]:
    if isinstance(given, (str, Mapping, Instance)):
        raise _fail(f"instances={given!r}: give a list of instances")
    instances = tuple(_instance(one) for one in given)
    # Those of one name are kept apart when they are taken in; a CRN of one's own is meant.
    crns = [instance.crn for instance in instances if instance.crn != instance.usual_crn]
    for crn in crns:
        if crns.count(crn) > 1:
            raise _fail(f"instances: two have the CRN {crn}; give them CRNs that differ")
    return instances


def _instance(one: Any) -> Instance:
    if isinstance(one, Instance):
        return one
    if isinstance(one, str):
        return Instance(name=one)
    if not isinstance(one, Mapping):
        raise _fail(f"instances: give a name, a dict or an Instance, not {one!r}")
    known = [f.name for f in fields(Instance) if f.name != "charges"]
    for name in one:
        if name not in known:
            raise _fail(
                f"an instance has no {name!r}; it has {', '.join(known)}."
                f"{did_you_mean(name, known)}"
            )
    try:
        return Instance(**one)
    except ValueError as error:
        raise _fail(f"instances: {error}") from None


def _backend(one: Any) -> BackendOptions:
    return one if isinstance(one, BackendOptions) else BackendOptions(name=one)


def parse_instances(lines: Iterable[str]) -> list[dict[str, Any]]:
    """Read instances from the lines of an ini file: ``name=research plan=premium tags=a,b``.

    Raises:
        UsageError: If a line is written otherwise.
    """
    instances = []
    for line in lines:
        fields_of_line: dict[str, Any] = {}
        for word in line.split():
            name, equals, value = word.partition("=")
            if not equals:
                raise _fail(f"fake_runtime_instances: {word!r} in {line!r} is not name=value")
            try:
                fields_of_line[name] = _INI_VALUES.get(name, str)(value)
            except ValueError as error:
                raise _fail(f"fake_runtime_instances: {word!r} in {line!r}: {error}") from None
        instances.append(fields_of_line)
    return instances


def parse_numbers(key: str, words: Iterable[str], kind: type[float]) -> tuple[float, ...]:
    """Read the numbers of an ini value: ``2 1``.

    Raises:
        UsageError: If one is none.
    """
    try:
        return tuple(kind(word) for word in words)
    except ValueError as error:
        raise _fail(f"{key}: {error}") from None


def _words(text: str) -> list[str]:
    return [word for word in text.split(",") if word]


_INI_VALUES: Mapping[str, Any] = {
    "tags": _words,
    "devices": _words,
    "api_keys": _words,
    "usage_limit_seconds": int,
    "usage_allocation_seconds": int,
    "usage_consumed_seconds": float,
    "archived": lambda text: text.lower() in ("1", "true", "yes"),
}
