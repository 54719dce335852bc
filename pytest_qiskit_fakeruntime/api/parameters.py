"""Query parameters, read as the service reads them."""

from __future__ import annotations

from datetime import datetime

from ..world.clock import parse_moment
from ..world.world import Refusal
from .message import Request


def flag_of(request: Request, name: str) -> bool | None:
    """A boolean in any case (clients send ``true``, ``False`` and ``True``)."""
    return {"true": True, "false": False}.get((request.param(name) or "").lower())


def number_of(request: Request, name: str, least: int, most: int | None, default: int) -> int:
    """A number; one that is out of range, or none, is the default."""
    text = request.param(name)
    if text is None or not text.isdecimal():
        return default
    number = int(text)
    return number if number >= least and (most is None or number <= most) else default


def moment_of(request: Request, name: str) -> datetime | None:
    """A date-time.

    Raises:
        Refusal: If it cannot be read.
    """
    text = request.param(name)
    if text is None:
        return None
    try:
        return parse_moment(text)
    except ValueError:
        raise Refusal("validation", why=f"{name}: {text!r} is not a date-time") from None
