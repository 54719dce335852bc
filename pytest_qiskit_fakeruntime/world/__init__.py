"""The state of the fake service: no HTTP, no qiskit, no pytest."""

from __future__ import annotations
