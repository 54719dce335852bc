"""IBM Quantum's HTTP API, sans-IO: a handler is ``(World, Request) -> Response``."""

from __future__ import annotations
