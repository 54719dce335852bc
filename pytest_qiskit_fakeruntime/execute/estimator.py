"""The ``estimator`` program: expectation values with their standard errors, for every PUB.

Observables are sampled, as on a device: products that agree on every qubit share one
measurement of ``ceil(1 / precision**2)`` shots, and the standard error is that of the mean.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from . import codec, observables, rules
from .circuits import Reduced, has_free_delay, reduce
from .methods import Method
from .problem import INVALID_BODY, Problem
from .program import Run
from .resilience import (
    DEFAULTS,
    LEVELS,
    Resilience,
    extrapolate,
    fold,
    overhead,
    readout_reliability,
)
from .script import per_pub, values_of
from .simulate import Source, sample_reduced

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from qiskit.circuit import QuantumCircuit
    from qiskit.primitives.containers.estimator_pub import EstimatorPub

    from .devices import Machine

DEFAULT_PRECISION = 0.015625
DEFAULT_RESILIENCE_LEVEL = 1
RANDOMIZATIONS = 32


@dataclass(frozen=True)
class Estimates:
    """Expectation values of one PUB.

    Attributes:
        evs: Expectation values, of the PUB's shape.
        stds: Their standard errors, of the same shape.
        shots: Shots per measurement.
        methods: The simulation methods that were used.
        fields: Further arrays of the result, by name.
        resilience: What the mitigation says about itself.
    """

    evs: NDArray[np.float64]
    stds: NDArray[np.float64]
    shots: int
    methods: list[Method]
    fields: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    resilience: Mapping[str, Any] = field(default_factory=dict)

    @property
    def data(self) -> dict[str, NDArray[np.float64]]:
        """The arrays of the result, by name."""
        main = {"evs": self.evs, "stds": self.stds, "ensemble_standard_error": self.stds}
        return {**main, **self.fields}

    @property
    def documents(self) -> list[dict[str, Any]]:
        """How it was simulated, for the result's metadata; each way once."""
        return [method.document for method in dict.fromkeys(self.methods)]


@dataclass(frozen=True)
class Estimation:
    """A valid ``estimator`` job.

    Attributes:
        pubs: Its PUBs, each with its precision.
        options: Its options.
        resilience_level: 0, 1 or 2.
        qiskit: Whether the result is to be in the client's encoding, or in plain JSON.
    """

    pubs: tuple[EstimatorPub, ...]
    options: codec.Options
    resilience_level: int
    qiskit: bool

    @classmethod
    def parse(cls, params: Mapping[str, Any], machine: Machine) -> Estimation:
        """Read a job as it was submitted.

        Raises:
            Problem: If the service would refuse it.
        """
        decoded = codec.decode(params)
        options = codec.Options(decoded.get("options") or {})
        options.check_seed()
        rules.check_payload("estimator", params)
        machine.limits.check_rep_delay(options.get("execution", "rep_delay"))
        given = decoded.get("resilience_level")
        level = DEFAULT_RESILIENCE_LEVEL if given is None else given
        if not isinstance(level, int) or level not in LEVELS:
            raise Problem(INVALID_BODY, f"resilience_level must be 0, 1 or 2, not {level!r}.")
        default = decoded.get("precision") or _default_precision(options)
        pubs = []
        for index, raw in enumerate(decoded["pubs"]):
            circuit = codec.circuit_of(raw[0], index)
            pubs.append(_pub(index, [circuit, *raw[1:]], default))
            machine.limits.check(circuit, shots_for(pubs[-1].precision))
        return cls(tuple(pubs), options, level, bool(decoded.get("support_qiskit")))

    @property
    def executions(self) -> int:
        """Shots over all PUBs, parameter values and measurement bases."""
        total = 0
        for pub in self.pubs:
            terms = [
                t
                for i in np.ndindex(pub.observables.shape)
                for t in observables.terms_of(pub.observables[i])
            ]
            bases = max(len(observables.group(terms)), 1)
            total += shots_for(pub.precision) * pub.parameter_values.size * bases
        return total

    @property
    def seed(self) -> int | None:
        """The job's ``simulator.seed_simulator``."""
        return self.options.seed

    def run(self, run: Run) -> tuple[str, Mapping[str, Any]]:
        """Estimate every PUB. See `program.Program.run`."""
        wanted = Resilience.of(self.options, self.resilience_level)
        estimates = [estimate(run.source, pub, i, wanted) for i, pub in enumerate(self.pubs)]
        return self._encode(estimates), {"simulation": [e.documents for e in estimates]}

    def scripted(self, result: Any, run: Run) -> str:
        """The encoded result that a script's plain data make. See `script`."""
        single = isinstance(result, (Mapping, int, float)) or np.ndim(result) > 1
        entries = per_pub(result, len(self.pubs), lambda one: single and one is result)
        return self._encode(
            [
                Estimates(*values_of(entry, pub.shape, index), shots_for(pub.precision), [])
                for index, (entry, pub) in enumerate(zip(entries, self.pubs, strict=True))
            ]
        )

    def _encode(self, estimates: list[Estimates]) -> str:
        build = self._qiskit_form if self.qiskit else self._plain_form
        return codec.encode(build(estimates))

    def _qiskit_form(self, estimates: list[Estimates]) -> Any:
        from qiskit.primitives.containers import DataBin, PrimitiveResult, PubResult

        results = [
            PubResult(
                DataBin(**e.data, shape=e.evs.shape),
                metadata=self._pub_metadata(pub, e),
            )
            for pub, e in zip(self.pubs, estimates, strict=True)
        ]
        return PrimitiveResult(results, metadata=self._metadata())

    def _plain_form(self, estimates: list[Estimates]) -> Any:
        return {
            "results": [
                {
                    "data": {name: codec.as_lists(array) for name, array in e.data.items()},
                    "metadata": self._pub_metadata(pub, e),
                }
                for pub, e in zip(self.pubs, estimates, strict=True)
            ],
            "metadata": self._metadata(),
        }

    def _pub_metadata(self, pub: EstimatorPub, estimates: Estimates) -> dict[str, Any]:
        twirls = self.options.get("twirling", "num_randomizations", default="auto")
        return {
            "shots": estimates.shots,
            "target_precision": pub.precision,
            "circuit_metadata": pub.circuit.metadata or {},
            "resilience": dict(estimates.resilience),
            "simulation": estimates.documents,
            "num_randomizations": RANDOMIZATIONS if twirls == "auto" else twirls,
        }

    def _metadata(self) -> dict[str, Any]:
        level = {"resilience": LEVELS[self.resilience_level]}
        metadata: dict[str, Any] = {
            key: {**defaults, **level.get(key, {}), **self._given(key, defaults)}
            for key, defaults in DEFAULTS.items()
        }
        idle = Resilience.of(self.options, self.resilience_level).no_effect(
            self.options, self.resilience_level
        )
        return {**metadata, **({"no_effect": idle} if idle else {}), "version": 2}

    def _given(self, key: str, defaults: Mapping[str, Any]) -> dict[str, Any]:
        given = {name: self.options.get(key, name) for name in defaults}
        return {name: value for name, value in given.items() if value is not None}


def shots_for(precision: float) -> int:
    """Shots that a precision takes."""
    # A precision of 1/64 must give 4096 shots, not 4097.
    return math.ceil(round(1.0 / precision**2, 6))


def estimate(source: Source, pub: EstimatorPub, index: int, wanted: Resilience) -> Estimates:
    """Expectation values of one PUB, by sampling.

    Args:
        source: Device, noise and seed.
        pub: The PUB, with its precision.
        index: Its place in the job, which tells its random numbers.
        wanted: The error mitigation.
    """
    source.machine.limits.check_angles(pub.circuit, codec.point_values(pub))
    weight, said = 1.0, {}
    if wanted.pec and source.noisy:
        cost = overhead(reduce(pub.circuit, source.machine), source.machine)
        allowed = wanted.max_overhead is None or cost <= wanted.max_overhead
        weight = math.sqrt(cost) if allowed else 1.0
        said = {"pec": {"sampling_overhead": cost, "applied": allowed}}
    machine = wanted.machine(source.machine, pec=weight > 1)
    scaled = []
    for step, factor in enumerate(wanted.factors):
        rng = np.random.default_rng(source.stream(index, step))
        circuit = fold(pub.circuit, factor, wanted.amplifier, rng) if factor > 1 else pub.circuit
        scaled.append(
            _sampled(replace(source, machine=machine), pub, circuit, [index, step], wanted, weight)
        )
    first = replace(scaled[0], resilience=said)
    return _extrapolated(scaled, first, wanted, pub) if wanted.extrapolates else first


def _extrapolated(
    scaled: list[Estimates], first: Estimates, wanted: Resilience, pub: EstimatorPub
) -> Estimates:
    """The values at zero noise, and what they were made of."""
    evs, stds = (np.stack([getattr(e, n) for e in scaled], -1) for n in ("evs", "stds"))
    shape = first.evs.shape
    flat = (array.reshape(-1, array.shape[-1]) for array in (evs, stds))
    found = [
        extrapolate(wanted, *row)
        for row in zip(*flat, *observables.ranges(pub.observables, pub.shape), strict=True)
    ]
    tried = (*shape, len(wanted.extrapolators), len(wanted.targets))
    return replace(
        first,
        evs=np.array([one[0] for one in found]).reshape(shape),
        stds=np.array([one[1] for one in found]).reshape(shape),
        methods=[method for e in scaled for method in e.methods],
        fields={
            "evs_noise_factors": evs,
            "stds_noise_factors": stds,
            "ensemble_stds_noise_factors": stds,
            "evs_extrapolated": np.array([one[3] for one in found]).reshape(tried),
            "stds_extrapolated": np.array([one[4] for one in found]).reshape(tried),
        },
        resilience={
            **first.resilience,
            "zne": {"extrapolator": [one[2] for one in found] if shape else found[0][2]},
        },
    )


def _sampled(
    source: Source,
    pub: EstimatorPub,
    circuit: QuantumCircuit,
    path: list[int],
    wanted: Resilience,
    weight: float,
) -> Estimates:
    """Expectation values of a PUB's observables in a circuit that is the PUB's own, or folded.

    Args:
        source: Device, noise and seed.
        pub: The PUB.
        circuit: The circuit.
        path: Place of it in the job.
        wanted: The error mitigation.
        weight: How much each shot counts, with a random sign that leaves the mean as it is.
    """
    shots = shots_for(pub.precision)
    # Which point and which observable each element of the PUB takes.
    points = np.arange(pub.parameter_values.size).reshape(pub.parameter_values.shape)
    labels = np.arange(pub.observables.size).reshape(pub.observables.shape)
    points, labels = (a.reshape(-1) for a in np.broadcast_arrays(points, labels))
    sums = [observables.terms_of(pub.observables[i]) for i in np.ndindex(*pub.observables.shape)]
    groups = observables.group(term for terms in sums for term in terms)
    values = codec.point_values(pub)
    constants = np.array([terms.get((), 0.0) for terms in sums])
    evs = constants[labels].astype(float) if len(labels) else np.zeros(0)
    variances = np.zeros(len(labels))
    methods: list[Method] = []
    for number, home in enumerate(groups):
        wants = [e for e, label in enumerate(labels) if not home.terms.isdisjoint(sums[label])]
        needed = sorted({int(points[e]) for e in wants})
        if not needed:
            continue
        way = [*path, number]
        bits, how = _measure(source, circuit, home, values[needed], shots, way)
        methods.extend(how)
        mitigated = wanted.measure and source.noisy
        reliability = readout_reliability(source.machine, home.qubits) if mitigated else {}
        rng = np.random.default_rng(source.stream(*way, 1))
        signs = 1 - 2 * (rng.random(bits.shape[:2]) > (1 + 1 / weight) / 2)
        at = {point: row for row, point in enumerate(needed)}
        for element in wants:
            row = at[points[element]]
            per_shot = observables.per_shot(sums[labels[element]], home, bits[row], reliability)
            per_shot = per_shot * signs[row] * weight
            evs[element] += per_shot.mean()
            variances[element] += per_shot.var() / shots
    return Estimates(evs.reshape(pub.shape), np.sqrt(variances).reshape(pub.shape), shots, methods)


def _measure(
    source: Source,
    circuit: QuantumCircuit,
    home: observables.Group,
    values: NDArray[np.float64],
    shots: int,
    path: list[int],
) -> tuple[NDArray[np.bool_], tuple[Method, ...]]:
    """Bits of a group's qubits, shape ``(points, shots, qubits)``, and how they came about."""
    circuits, rows = [circuit], [values]
    if has_free_delay(circuit):
        circuits = [circuit.assign_parameters(row) for row in values]
        rows = [np.zeros((1, 0))] * len(circuits)
    parts: list[NDArray[np.bool_]] = []
    methods: tuple[Method, ...] = ()
    for step, (one, row) in enumerate(zip(circuits, rows, strict=True)):
        reduced = _measured(reduce(one, source.machine, home.qubits), home)
        order = {parameter: column for column, parameter in enumerate(one.parameters)}
        columns = [order[p] for p in reduced.circuit.parameters]
        result = sample_reduced(source, reduced, row[:, columns], shots, [*path, step])
        parts.append(result.bits[..., circuit.num_clbits :])
        methods = result.methods
    return np.concatenate(parts), methods


def _measured(reduced: Reduced, home: observables.Group) -> Reduced:
    """The circuit with the measurement of a group's qubits at its end.

    The bases are changed by ``rz`` and ``sx``, as on the device, with the noise of ``sx``.
    """
    from qiskit.circuit import Clbit

    circuit = reduced.circuit.copy()
    sites = set(reduced.sites)
    for qubit in home.qubits:
        place = reduced.qubits.index(qubit)
        basis = home.bases[qubit]
        if basis == "X":
            circuit.rz(math.pi / 2, place)
        if basis != "Z":
            circuit.sx(place)
            sites.add(("sx", (place,)))
        bit = Clbit()
        circuit.add_bits([bit])
        circuit.measure(place, bit)
        sites.add(("measure", (place,)))
    return replace(reduced, circuit=circuit, sites=frozenset(sites))


def _default_precision(options: codec.Options) -> float:
    shots = options.get("default_shots", default=0)
    precision = options.get("default_precision", default=DEFAULT_PRECISION)
    for name, value in (("default_shots", shots), ("default_precision", precision)):
        if not isinstance(value, (int, float)) or value < 0:
            raise Problem(INVALID_BODY, f"{name} must be a number above 0, not {value!r}.")
    return 1.0 / math.sqrt(shots) if shots else float(precision)


def _pub(index: int, raw: list[Any], default: float) -> EstimatorPub:
    from qiskit.exceptions import QiskitError
    from qiskit.primitives.containers.estimator_pub import EstimatorPub

    if len(raw) < 2:
        raise Problem(INVALID_BODY, f"Pub {index} has no observables.")
    if len(raw) > 4:
        raise Problem(INVALID_BODY, f"Pub {index} is not valid: it has {len(raw)} elements.")
    given = raw[3] if len(raw) > 3 and raw[3] is not None else default
    try:
        pub = EstimatorPub.coerce((*raw[:3], *[None] * (3 - len(raw[:3])), given))
        if pub.precision is None or not pub.precision > 0:
            raise ValueError(f"precision must be positive, not {pub.precision}")
    except (QiskitError, TypeError, ValueError) as error:
        raise Problem(INVALID_BODY, f"Pub {index} is not valid: {error}") from error
    return pub
