"""Shots of a circuit: reduced, taken apart, and each part by the method that suits it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from . import aer, frames, methods, noise, transfer
from .circuits import Reduced, has_free_delay, reduce
from .clusters import bundles
from .methods import Method

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from qiskit.circuit import QuantumCircuit

    from .devices import Machine

STABILIZER_GATES = frozenset(
    [
        *("id", "x", "y", "z", "h", "s", "sdg", "sx", "sxdg", "pauli", "rz"),
        *("cx", "cy", "cz", "ecr", "swap", "measure", "reset", "barrier", "store"),
        *("if_else", "for_loop", "while_loop", "switch_case", "break_loop", "continue_loop"),
    ]
)
"""Instructions that Aer's stabilizer simulation takes as they are."""

PARTS = frozenset({"measure", "reset", "barrier"})
"""What Pauli frames can pass through besides gates."""


@dataclass(frozen=True)
class Source:
    """Where shots come from.

    Attributes:
        machine: The device.
        noise: Whether its noise applies.
        seed: Seed of every random number of the job.
    """

    machine: Machine
    noise: bool
    seed: int

    @property
    def noisy(self) -> bool:
        """Whether there is any noise."""
        return self.noise and self.machine.calibrated

    def stream(self, *path: int) -> int:
        """The seed of one part of the job: a non-negative 32-bit number."""
        return int(np.random.SeedSequence([self.seed, *path]).generate_state(1)[0])


@dataclass(frozen=True)
class Shots:
    """What was measured.

    Attributes:
        bits: Classical bits, shape ``(points, shots, clbits)``.
        methods: How, for each independent part of the circuit.
    """

    bits: NDArray[np.bool_]
    methods: tuple[Method, ...]

    @property
    def documents(self) -> list[dict[str, Any]]:
        """How it was simulated, for the result's metadata; each way once."""
        return [method.document for method in dict.fromkeys(self.methods)]


def sample(
    source: Source,
    circuit: QuantumCircuit,
    values: NDArray[np.float64],
    shots: int,
    path: Sequence[int],
) -> Shots:
    """Run a circuit of the device at several parameter points.

    Args:
        source: Device, noise and seed.
        circuit: The circuit on the device's qubits.
        values: Parameter values, shape ``(points, parameters)``, in the circuit's order.
        shots: Shots per point.
        path: Place of this circuit in the job, which tells its random numbers.

    Raises:
        Problem: If the circuit is not ISA or cannot be simulated.
    """
    source.machine.limits.check_angles(circuit, values)
    if has_free_delay(circuit):
        parts = [
            sample(source, circuit.assign_parameters(row), values[:0, :0].reshape(1, 0), shots, p)
            for row, p in ((row, [*path, index]) for index, row in enumerate(values))
        ]
        bits = np.concatenate([part.bits for part in parts])
        return Shots(bits, tuple(method for part in parts for method in part.methods))
    reduced = reduce(circuit, source.machine)
    order = {parameter: column for column, parameter in enumerate(circuit.parameters)}
    columns = [order[p] for p in reduced.circuit.parameters]
    return sample_reduced(source, reduced, values[:, columns], shots, path)


def sample_reduced(
    source: Source,
    reduced: Reduced,
    values: NDArray[np.float64],
    shots: int,
    path: Sequence[int],
) -> Shots:
    """Like `sample`, for a circuit that has been cut down to its qubits.

    Args:
        source: Device, noise and seed.
        reduced: The circuit.
        values: Shape ``(points, parameters)``, for the parameters of the reduced circuit.
        shots: Shots per point.
        path: Place of this circuit in the job.
    """
    bits = np.zeros((len(values), shots, reduced.circuit.num_clbits), bool)
    if not reduced.measured or not len(values):
        return Shots(bits, ())
    order = {parameter: column for column, parameter in enumerate(reduced.circuit.parameters)}
    methods = []
    for number, bundle in enumerate(bundles(reduced)):
        columns = [order[p] for p in bundle.reduced.circuit.parameters]
        seed = source.stream(*path, number)
        part, method = _sample_bundle(source, bundle.reduced, values[:, columns], shots, seed)
        # Bits that a bundle only carries along are zero in it.
        bits[..., bundle.clbits] |= part
        methods.append(method)
    return Shots(bits, tuple(methods))


def _sample_bundle(
    source: Source, reduced: Reduced, values: NDArray[np.float64], shots: int, seed: int
) -> tuple[NDArray[np.bool_], Method]:
    """Bits, shape ``(points, shots, clbits)``, and how they came about."""
    noisy = source.noisy
    machine = source.machine if noisy else None
    method = methods.small(reduced, noisy, shots)
    if method and method.name == "density_matrix":
        return transfer.sample_states(reduced, values, machine, shots, seed), method
    circuits, binds = [reduced.circuit] * len(values), None
    if reduced.circuit.num_parameters:
        circuits = [reduced.circuit]
        binds = {p: values[:, i] for i, p in enumerate(reduced.circuit.parameters)}
    if method is None:
        bound = [reduced.circuit.assign_parameters(row) for row in values]
        method = methods.clifford(reduced, noisy)
        if method and not reduced.branches and all(map(_passes_frames, bound)):
            return _frames(reduced, bound, method, machine, shots, seed), method
        if method and all(map(_make_stabilizer, bound)):
            circuits, binds = bound, None
        else:
            method = methods.general(reduced, noisy, shots, len(values))
        if method.realizations and machine:
            return _realized(reduced, bound, method, machine, shots, seed), method
    model = noise.noise_model(reduced, machine, pauli=method.twirled) if machine else None
    return aer.run(circuits, method, shots, seed, model, binds), method


def _frames(
    reduced: Reduced,
    bound: list[QuantumCircuit],
    method: Method,
    machine: Machine | None,
    shots: int,
    seed: int,
) -> NDArray[np.bool_]:
    """Shots of Clifford circuits: one sample from Aer, the others by Pauli frames."""
    plain = [frames.reference_circuit(circuit) for circuit in bound]
    references = aer.run(plain, method, 1, seed)[:, 0]
    seeds = np.random.SeedSequence(seed).generate_state(len(bound))
    return np.stack(
        [
            frames.sample_frames(
                replace(reduced, circuit=circuit), reference, machine, shots, int(own)
            )
            for circuit, reference, own in zip(bound, references, seeds, strict=True)
        ]
    )


def _realized(
    reduced: Reduced,
    bound: list[QuantumCircuit],
    method: Method,
    machine: Machine,
    shots: int,
    seed: int,
) -> NDArray[np.bool_]:
    """Shots that share a few realisations of the noise."""
    rng = np.random.default_rng(seed)
    count = method.realizations or 1
    circuits = [
        noise.realization(replace(reduced, circuit=circuit), machine, rng)
        for circuit in bound
        for _ in range(count)
    ]
    bits = aer.run(circuits, method, math.ceil(shots / count), seed)
    width = bits.shape[-1]
    # One shot of each realisation after the other, so that all have their share.
    shared = bits.reshape(len(bound), count, -1, width).swapaxes(1, 2)
    taken = shared.reshape(len(bound), -1, width)[:, :shots]
    misread = noise.misread_probabilities(reduced, machine)
    return taken ^ (rng.random(taken.shape) < misread)


def _passes_frames(circuit: QuantumCircuit) -> bool:
    return all(
        inst.operation.name in PARTS or frames.is_clifford(inst.operation) for inst in circuit.data
    )


def _make_stabilizer(circuit: QuantumCircuit) -> bool:
    """Whether Aer can run a bound circuit on stabilizer states.

    Rounds its angles to what they are meant to be.
    """
    for index, inst in enumerate(circuit.data):
        op = frames.rounded(inst.operation)
        if op.name not in STABILIZER_GATES or (op.name == "rz" and not frames.is_clifford(op)):
            return False
        if not all(_make_stabilizer(block) for block in getattr(op, "blocks", ())):
            return False
        if op is not inst.operation:
            circuit.data[index] = inst.replace(operation=op)
    return True
