"""Who may use the service: accounts, their API keys and their instances."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from .hints import did_you_mean

DEFAULT_ACCOUNT = "local"
DEFAULT_CRN = "crn:v1:bluemix:public:quantum-computing:us-east:a/local::local"
DEFAULT_API_KEY = "fake-runtime-api-key"

USAGE_PERIOD = timedelta(days=28)
"""For how long QPU time counts against the limit of an instance (contract, section 6.4)."""


def user_of(api_key: str) -> str:
    """The id of the user behind an API key."""
    return f"IBMid-{hashlib.sha256(api_key.encode()).hexdigest()[:10].upper()}"


REGIONS = ("us-east", "eu-de")
"""Where the service is (contract, section 1.7)."""


@dataclass(frozen=True)
class Plan:
    """What belongs to a plan of the service.

    Attributes:
        id: The plan's id in the Global Catalog.
        title: Its display name there.
        pricing: Its pricing type there.
        sessions: Whether dedicated sessions are allowed.
        max_ttl: Longest life of a session, in seconds.
        max_cost: Longest execution of a job, in seconds.
        usage_limit_seconds: QPU time per period, in seconds; ``None`` for no limit.
    """

    id: str
    title: str
    pricing: str
    sessions: bool = True
    max_ttl: int = 28800
    max_cost: int = 10800
    usage_limit_seconds: int | None = None


PLANS: Mapping[str, Plan] = {
    "open": Plan("850b9a8a-0000-4000-8000-000000000001", "Open", "free", False, 600, 600, 600),
    "pay-as-you-go": Plan("850b9a8a-0000-4000-8000-000000000002", "Pay-as-you-go", "paygo"),
    "flex": Plan("850b9a8a-0000-4000-8000-000000000003", "Flex", "subscription"),
    "premium": Plan("850b9a8a-0000-4000-8000-000000000004", "Premium", "subscription"),
    "on-prem": Plan("850b9a8a-0000-4000-8000-000000000005", "On-Prem", "subscription"),
}
"""Plans by name (contract, Global Catalog). The ids are ours; IBM's are not public facts."""


class InvalidCRN(ValueError):
    """Text that is not the CRN of an instance of the service."""

    def __init__(self, crn: str) -> None:
        super().__init__(crn)
        self.crn = crn

    def __str__(self) -> str:
        return (
            f"{self.crn!r} is not the CRN of a quantum instance; it looks like "
            "crn:v1:bluemix:public:quantum-computing:<region>:a/<account>:<instance>::"
        )


@dataclass(frozen=True)
class CRN:
    """A Cloud Resource Name of a quantum instance.

    Attributes:
        text: As written.
        region: ``us-east``, ``eu-de``, ...
        account: The account's id, without ``a/``.
    """

    text: str
    region: str
    account: str

    @classmethod
    def parse(cls, text: str) -> CRN:
        """Read a CRN.

        Raises:
            InvalidCRN: If it is none, or of another service.
        """
        fields = text.split(":")
        valid = (
            len(fields) >= 9
            and fields[0] == "crn"
            and fields[4] == "quantum-computing"
            and fields[6].startswith("a/")
        )
        if not valid:
            raise InvalidCRN(text)
        return cls(text, fields[5], fields[6].removeprefix("a/"))


@dataclass
class Instance:
    """An instance of the service, as the account page of the platform shows it.

    Attributes:
        name: Its name, which need not be unique.
        crn: Its Cloud Resource Name; left out, one is made of region and name.
        plan: One of `PLANS`.
        region: ``us-east`` or ``eu-de``.
        tags: Tags in the resource list; the client compares them in lower case.
        devices: Names of the devices it may use; ``None`` for all.
        usage_limit_seconds: QPU time per period, in seconds. ``"plan"`` takes the plan's.
        usage_allocation_seconds: QPU time that the account allots to it, in seconds.
        usage_consumed_seconds: QPU time used up in this period, in seconds.
        archived: Whether the catalog refuses to tell its plan (403).
        api_keys: The API keys that may use it; ``None`` for all.
        charges: What was consumed when, in this period.
    """

    name: str = "local"
    crn: str = ""
    plan: str = "open"
    region: str = "us-east"
    tags: list[str] = field(default_factory=list)
    devices: list[str] | None = None
    usage_limit_seconds: int | str | None = "plan"
    usage_allocation_seconds: int | None = None
    usage_consumed_seconds: float = 0
    archived: bool = False
    api_keys: list[str] | None = None
    charges: list[tuple[datetime, float]] = field(default_factory=list, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.plan not in PLANS:
            hint = did_you_mean(self.plan, PLANS)
            raise ValueError(f"{self.plan!r} is not a plan; choose from {', '.join(PLANS)}.{hint}")
        if self.region not in REGIONS:
            raise ValueError(f"{self.region!r} is not a region; choose from {', '.join(REGIONS)}.")
        if not self.crn:
            self.crn = self.usual_crn
        self.region = CRN.parse(self.crn).region
        if self.usage_limit_seconds == "plan":
            self.usage_limit_seconds = PLANS[self.plan].usage_limit_seconds

    @property
    def usual_crn(self) -> str:
        """The CRN that it gets unless it is given one."""
        return (
            f"crn:v1:bluemix:public:quantum-computing:{self.region}"
            f":a/{DEFAULT_ACCOUNT}:{self.name}::"
        )

    @property
    def plan_details(self) -> Plan:
        """What belongs to its plan."""
        return PLANS[self.plan]

    def has_device(self, name: str) -> bool:
        """Whether the instance may use a device."""
        return self.devices is None or name in self.devices

    def admits(self, user: str) -> bool:
        """Whether a user may use it."""
        return self.api_keys is None or user in map(user_of, self.api_keys)

    def reckon(self, now: datetime) -> None:
        """Bring the bill up to date: what was set by hand counts from now, old charges no more."""
        by_hand = self.usage_consumed_seconds - sum(seconds for _, seconds in self.charges)
        if by_hand < -1e-6:
            self.charges.clear()
            by_hand = self.usage_consumed_seconds
        if by_hand > 1e-6:
            self.charges.append((now, by_hand))
        lasting = [charge for charge in self.charges if charge[0] > now - USAGE_PERIOD]
        if len(lasting) < len(self.charges):
            self.charges[:] = lasting
            self.usage_consumed_seconds = sum(seconds for _, seconds in lasting)

    def charge(self, seconds: float, at: datetime) -> None:
        """Put QPU time on the bill."""
        self.charges.append((at, seconds))
        self.usage_consumed_seconds += seconds

    def use_up(self) -> None:
        """Use up all there is, but no more."""
        limit = self.usage_limit_seconds
        if isinstance(limit, (int, float)):
            self.usage_consumed_seconds = max(self.usage_consumed_seconds, limit)

    @property
    def limit_reached(self) -> bool:
        """Whether nothing is left."""
        limit = self.usage_limit_seconds
        return isinstance(limit, (int, float)) and self.usage_consumed_seconds >= limit

    @property
    def available_at(self) -> datetime | None:
        """When enough of the charges will be forgotten for jobs to run again."""
        limit, left = self.usage_limit_seconds, self.usage_consumed_seconds
        for at, seconds in sorted(self.charges):
            left -= seconds
            if isinstance(limit, (int, float)) and left < limit:
                return at + USAGE_PERIOD
        return None


class Accounts:
    """The accounts of the service: which key opens which instances.

    Any API key opens the default account, unless it was declared invalid; that is what lets
    a test use whatever token the code under test brings along.
    """

    def __init__(self, instances: Iterable[Instance]) -> None:
        self.instances: dict[str, Instance] = {}
        self.invalid_keys: set[str] = set()
        for instance in instances:
            self.add(instance)

    def add(self, instance: Instance) -> Instance:
        """Add an instance, or replace the one with that CRN.

        Names need not be unique: of those without a CRN of their own, each gets another one.
        """
        usual, number = instance.usual_crn, 2
        while instance.crn.startswith(usual.removesuffix("::")) and instance.crn in self.instances:
            instance.crn = f"{usual.removesuffix('::')}-{number}::"
            number += 1
        self.instances[instance.crn] = instance
        return instance

    def of(self, user: str) -> list[Instance]:
        """The instances that a user may use."""
        return [instance for instance in self.instances.values() if instance.admits(user)]

    def concerned(self, crn: str | None) -> list[Instance]:
        """The instance of a CRN; all of them if there is none such."""
        return [self.instances[crn]] if crn in self.instances else list(self.instances.values())

    def accepts(self, api_key: str) -> bool:
        """Whether an API key is known."""
        return bool(api_key) and api_key not in self.invalid_keys

    @property
    def ids(self) -> set[str]:
        """The ids of the accounts that own the instances."""
        return {CRN.parse(crn).account for crn in self.instances}
