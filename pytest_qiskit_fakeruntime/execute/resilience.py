"""Error mitigation of the ``estimator`` program, as far as a simulation can honestly do it.

* Measurement mitigation divides each measured factor by the reliability of its qubit's readout.
  The service learns that from calibration circuits; here it is known from the calibration.
* Zero-noise extrapolation folds the two-qubit gates and lets ``qiskit-mitigation`` extrapolate.
* Probabilistic error cancellation has the statistics of the real one with a perfectly learned
  noise model: the gates' noise is gone, and every shot counts with a random sign and the
  sampling overhead as its weight, which widens the standard error accordingly.
* Twirling of gates replaces the gates' noise by its Pauli twirl.

What has no effect is told in the result's metadata under ``no_effect``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from . import client
from .noise import inverse_cost, label_of, readout_probability

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from qiskit.circuit import QuantumCircuit

    from .circuits import Reduced
    from .codec import Options
    from .devices import Machine

LEVELS: Mapping[int, Mapping[str, bool]] = {
    0: {"measure_mitigation": False, "zne_mitigation": False},
    1: {"measure_mitigation": True, "zne_mitigation": False},
    2: {"measure_mitigation": True, "zne_mitigation": True},
}
"""What each resilience level switches on."""

DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "dynamical_decoupling": {
        "enable": False,
        "sequence_type": "XX",
        "extra_slack_distribution": "middle",
        "scheduling_method": "alap",
    },
    "twirling": {
        "enable_gates": False,
        "enable_measure": True,
        "num_randomizations": "auto",
        "shots_per_randomization": "auto",
        "interleave_randomizations": True,
        "strategy": "active-accum",
    },
    "resilience": {"measure_mitigation": True, "zne_mitigation": False, "pec_mitigation": False},
}
"""Options that the result's metadata repeats, as the service fills them in."""

NOISE_FACTORS = (1.0, 3.0, 5.0)
EXTRAPOLATORS = ("exponential", "linear")
MAX_OVERHEAD = 100.0
PAULI = "Z"
"""Tells the extrapolation that a value lies between -1 and 1."""

SPARED = {"gate_folding_front": lambda n: range(n), "gate_folding_back": lambda n: range(n)[::-1]}
"""In which order gates are folded where not all of them are; at random otherwise."""


@dataclass(frozen=True)
class Resilience:
    """What an ``estimator`` job asks for.

    Attributes:
        measure: Measurement mitigation.
        factors: Noise factors of zero-noise extrapolation; ``(1,)`` without it.
        extrapolators: Its models, in order of preference.
        targets: Noise factors at which they are evaluated besides 0.
        amplifier: How it amplifies noise.
        pec: Probabilistic error cancellation.
        max_overhead: Largest sampling overhead of it; ``None`` for any.
        twirl_gates: Twirling of gates.
        decoupling: Dynamical decoupling.
    """

    measure: bool
    factors: tuple[float, ...]
    extrapolators: tuple[str, ...]
    targets: tuple[float, ...]
    amplifier: str
    pec: bool
    max_overhead: float | None
    twirl_gates: bool
    decoupling: bool

    @classmethod
    def of(cls, options: Options, level: int) -> Resilience:
        """What the options say, and where they do not, the level."""

        def on(name: str) -> bool:
            return bool(options.get("resilience", name, default=LEVELS[level].get(name, False)))

        zne = on("zne_mitigation") and client.has_mitigation()
        factors = tuple(options.get("resilience", "zne", "noise_factors", default=NOISE_FACTORS))
        named = options.get("resilience", "zne", "extrapolator", default=EXTRAPOLATORS)
        targets = options.get("resilience", "zne", "extrapolated_noise_factors", default="auto")
        return cls(
            measure=on("measure_mitigation"),
            factors=factors if zne else (1.0,),
            extrapolators=(named,) if isinstance(named, str) else tuple(named),
            targets=(0.0, *factors) if targets == "auto" else tuple(targets),
            amplifier=options.get("resilience", "zne", "amplifier", default="gate_folding"),
            pec=on("pec_mitigation"),
            max_overhead=options.get("resilience", "pec", "max_overhead", default=MAX_OVERHEAD),
            twirl_gates=bool(options.get("twirling", "enable_gates")),
            decoupling=bool(options.get("dynamical_decoupling", "enable")),
        )

    @property
    def extrapolates(self) -> bool:
        """Whether there is zero-noise extrapolation."""
        return len(self.factors) > 1

    def machine(self, machine: Machine, pec: bool) -> Machine:
        """The device as this job sees it."""
        return machine.variant(twirled=self.twirl_gates, perfect_gates=pec)

    def no_effect(self, options: Options, level: int) -> dict[str, str]:
        """Options that were accepted and do nothing, and why."""
        wants_zne = options.get(
            "resilience", "zne_mitigation", default=LEVELS[level]["zne_mitigation"]
        )
        reasons = {
            "dynamical_decoupling": "the simulated noise has no memory to decouple from"
            if self.decoupling
            else "",
            "zne_mitigation": "qiskit-mitigation is not installed"
            if wants_zne and not client.has_mitigation()
            else "",
            "zne.amplifier": "noise was amplified by gate folding"
            if self.extrapolates and self.amplifier == "pea"
            else "",
        }
        return {name: reason for name, reason in reasons.items() if reason}


def readout_reliability(machine: Machine, qubits: Sequence[int]) -> dict[int, float]:
    """By how much a measured Pauli of each qubit shrinks through readout errors."""
    return {qubit: 1 - 2 * readout_probability(machine, qubit) for qubit in qubits}


def overhead(reduced: Reduced, machine: Machine) -> float:
    """The sampling overhead of cancelling all noise of a circuit's gates: gamma squared."""
    circuit, gamma = reduced.circuit, 1.0
    for inst in circuit.data:
        if inst.operation.name in ("barrier", "measure"):
            continue
        spots = tuple(reduced.qubits[circuit.find_bit(q).index] for q in inst.qubits)
        gamma *= inverse_cost(machine, label_of(inst.operation), spots)
    return gamma**2


def fold(
    circuit: QuantumCircuit, factor: float, amplifier: str, rng: np.random.Generator
) -> QuantumCircuit:
    """A circuit whose two-qubit gates are followed by their inverse and themselves.

    Args:
        circuit: The circuit; what is inside control flow stays as it is.
        factor: How often the two-qubit gates are to occur, on average, as a multiple.
        amplifier: Which gates are folded if not all of them are equally often.
        rng: Which gates, if at random.
    """
    gates = [i for i, inst in enumerate(circuit.data) if _foldable(inst)]
    whole, rest = divmod(round((factor - 1) / 2 * len(gates)), max(len(gates), 1))
    order = SPARED.get(amplifier, rng.permutation)(len(gates))
    chosen = {gates[int(i)] for i in list(order)[:rest]}
    out = circuit.copy_empty_like()
    for index, inst in enumerate(circuit.data):
        out.append(inst)
        if _foldable(inst):
            for _ in range(whole + (index in chosen)):
                out.append(inst.operation.inverse(), inst.qubits)
                out.append(inst)
    return out


def _foldable(inst: Any) -> bool:
    return len(inst.qubits) == 2 and hasattr(inst.operation, "__array__")


def extrapolate(
    wanted: Resilience,
    evs: NDArray[np.float64],
    stds: NDArray[np.float64],
    middle: float,
    reach: float,
) -> tuple[float, float, str, NDArray[np.float64], NDArray[np.float64]]:
    """The value without noise of one element, by the client's own post-processing.

    The service extrapolates each Pauli product by itself. Here it is their sum, shifted and
    scaled to lie between -1 and 1, so that the standard error knows how products of one
    measurement vary together.

    Args:
        wanted: Factors and extrapolators.
        evs: Values, shape ``(factors,)``.
        stds: Their standard errors, of the same shape.
        middle: The observable's constant term.
        reach: How far from it the value can be.

    Returns:
        Value, standard error, the extrapolator that was taken, and what each of them gave,
        with its standard error, shape ``(extrapolators, targets)``.
    """
    if not reach or not stds.any():
        # Nothing varies, so there is nothing that a curve could be fitted to.
        shape = (len(wanted.extrapolators), len(wanted.targets))
        return float(evs[0]), 0.0, "fallback", np.full(shape, evs[0]), np.zeros(shape)
    found: tuple[Any, ...] = client.extrapolation()(
        (evs - middle) / reach,
        stds / reach,
        PAULI,
        wanted.factors,
        list(wanted.extrapolators),
        list(wanted.targets),
    )
    value, std, name, values, errors = found
    return (
        float(middle + reach * value),
        float(reach * std),
        str(name),
        middle + reach * values,
        reach * errors,
    )
