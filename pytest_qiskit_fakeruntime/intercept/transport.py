"""What the interceptions of HTTP libraries have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, TypeVar

from ..api.message import Request
from .patches import Made, Patches

if TYPE_CHECKING:
    from . import Endpoint

Self = TypeVar("Self", bound="Transport")


class Transport(ABC):
    """Serves an endpoint to an HTTP library while started.

    What the library makes for its users in the meantime holds a fake's credentials. It goes on
    under another fake that runs when this one stops, or else is retired: it then works for
    every host but those that were the fake's.

    Args:
        endpoint: What answers.
        patches: How the library is made to ask.

    Attributes:
        made: The sessions or clients that were made under this fake.
    """

    def __init__(self, endpoint: Endpoint, patches: Patches[Any]) -> None:
        self.endpoint = endpoint
        self.made = Made()
        self._patches = patches
        self._hosts: set[str] = set()

    def start(self) -> None:
        """Intercept from now on."""
        self._patches.add(self)

    def stop(self) -> None:
        """Intercept no longer; fakes may stop in any order."""
        self._patches.remove(self)
        self.made.hand_over(self._patches.users, self.retire)

    def __enter__(self: Self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def serves(self, request: Request) -> bool:
        """Tell whether the endpoint serves a request, and remember the host if so."""
        served = self.endpoint.serves(request)
        if served:
            self._hosts.add(request.host)
        return served

    def has_served(self, request: Request) -> bool:
        """Tell whether a request is one that this fake, now stopped, would have got."""
        return request.host in self._hosts or self.endpoint.serves(request)

    @abstractmethod
    def retire(self, made: Any) -> None:
        """Let what was made under this fake refuse the hosts that it served."""
