"""Measurements as the readout signal itself, before it is classified.

Differs / undocumented: the service's signals have the scale and the angle of the device's
resonators, which nobody publishes. Here a 0 lies around -1 and a 1 around +1, with noise; the sign
of the real part is the classified bit, readout errors included.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .problem import MEASUREMENT_LEVEL, Problem

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .rules import Limits

LEVELS: Mapping[str, int] = {"classified": 2, "kerneled": 1, "avg_kerneled": 1}
"""What a job can ask for, with the measurement level that the device needs for it."""

SPREAD = 0.3
"""Standard deviation of a signal, where the two states are 2 apart."""


def check_level(name: str, limits: Limits) -> None:
    """Look at what kind of measurements a job asks for.

    Raises:
        Problem: If the device does not have it.
    """
    if LEVELS.get(name) not in limits.levels:
        raise Problem(
            MEASUREMENT_LEVEL,
            f"Measurement level {name!r} is not supported on this system.",
            "Use meas_type 'classified'.",
        )


def measured(name: str, bits: NDArray[np.bool_], seed: int) -> NDArray[Any]:
    """The measurements of a register, of the kind that a job asks for.

    Args:
        name: One of `LEVELS`.
        bits: Bits of shape ``(..., shots, size)``.
        seed: Of the random numbers.

    Returns:
        The bits themselves; complex signals of the same shape; or their mean over the shots.
    """
    if name == "classified":
        return bits
    rng = np.random.default_rng(seed)
    real, imaginary = rng.normal(0.0, SPREAD, (2, *bits.shape))
    signals: NDArray[Any] = np.where(bits, 1.0, -1.0) * np.abs(1.0 + real) + 1j * imaginary
    if name == "kerneled":
        return signals
    mean: NDArray[Any] = signals.mean(axis=-2)
    return mean
