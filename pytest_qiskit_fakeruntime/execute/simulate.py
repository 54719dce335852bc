"""Shots of a circuit: which simulation method, within which limits, and its bits."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .circuits import Reduced, has_free_delay, reduce
from .clusters import bundles
from .noise import noise_model
from .problem import CANNOT_RUN, SIMULATOR, Problem

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from qiskit.circuit import QuantumCircuit

    from .devices import Machine

CLIFFORD_GATES = frozenset(
    [
        *("id", "x", "y", "z", "h", "s", "sdg", "sx", "sxdg", "pauli"),
        *("cx", "cy", "cz", "ecr", "swap", "measure", "reset", "barrier", "store"),
        *("if_else", "for_loop", "while_loop", "switch_case", "break_loop", "continue_loop"),
    ]
)
"""Instructions that Aer's stabilizer simulation takes as they are."""

DENSITY_MATRIX_QUBITS = 11
TRAJECTORY_QUBITS = 14
STATEVECTOR_QUBITS = 24
MAX_BOND = 256
GATE_OPERATIONS = 1e4
"""What Aer does per gate and shot of a matrix product state, whatever its size: about 9 us."""
MAX_OPERATIONS = 2e11
"""Most floating-point operations that a matrix product state may cost: about two minutes."""
MAX_MEMORY_MB = 4096


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

    def stream(self, *path: int) -> int:
        """The seed of one part of the job: a non-negative 32-bit number."""
        return int(np.random.SeedSequence([self.seed, *path]).generate_state(1)[0])


@dataclass(frozen=True)
class Shots:
    """What was measured.

    Attributes:
        bits: Classical bits, shape ``(points, shots, clbits)``.
        method: Aer's simulation method.
        qubits: Qubits of the device that took part.
    """

    bits: NDArray[np.bool_]
    method: str
    qubits: tuple[int, ...]


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
    if has_free_delay(circuit):
        parts = [
            sample(source, circuit.assign_parameters(row), values[:0, :0].reshape(1, 0), shots, p)
            for row, p in ((row, [*path, index]) for index, row in enumerate(values))
        ]
        bits = np.concatenate([part.bits for part in parts])
        return Shots(bits, parts[0].method, parts[0].qubits)
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
        return Shots(bits, "none", reduced.qubits)
    order = {parameter: column for column, parameter in enumerate(reduced.circuit.parameters)}
    methods = set()
    for number, bundle in enumerate(bundles(reduced)):
        columns = [order[p] for p in bundle.reduced.circuit.parameters]
        seed = source.stream(*path, number)
        part, method = _sample_bundle(source, bundle.reduced, values[:, columns], shots, seed)
        # Bits that a bundle only carries along are zero in it.
        bits[..., bundle.clbits] |= part
        methods.add(method)
    return Shots(bits, "+".join(sorted(methods)), reduced.qubits)


def _sample_bundle(
    source: Source, reduced: Reduced, values: NDArray[np.float64], shots: int, seed: int
) -> tuple[NDArray[np.bool_], str]:
    """Bits, shape ``(points, shots, clbits)``, and the method that was chosen."""
    noisy = source.noise and source.machine.calibrated
    method = _small_method(reduced, noisy, shots)
    if method is not None:
        binds = {p: values[:, i] for i, p in enumerate(reduced.circuit.parameters)}
        circuits = [reduced.circuit] * (1 if binds else len(values))
        return _aer(source, circuits, [binds], method, reduced, noisy, shots, seed), method
    bound = [reduced.circuit.assign_parameters(row) for row in values]
    if all(_make_clifford(circuit) for circuit in bound):
        method = "stabilizer"
    else:
        method = "matrix_product_state"
        _check_affordable(reduced, (shots if noisy or reduced.dynamic else 1) * len(values))
    return _aer(source, bound, [], method, reduced, noisy, shots, seed), method


def _small_method(reduced: Reduced, noisy: bool, shots: int) -> str | None:
    """The exact method for a circuit of few qubits; ``None`` if it has too many."""
    qubits = len(reduced.qubits)
    # A density matrix is worth its square where one of them serves all shots.
    if noisy and not reduced.dynamic and qubits <= DENSITY_MATRIX_QUBITS and 2**qubits <= shots:
        return "density_matrix"
    if not noisy and not reduced.dynamic:
        return "statevector" if qubits <= STATEVECTOR_QUBITS else None
    if qubits > TRAJECTORY_QUBITS:
        return None
    entangled = _product_cost(reduced) > 12.0 * 2**qubits * len(reduced.circuit.data)
    return "statevector" if entangled else "matrix_product_state"


def _aer(
    source: Source,
    circuits: list[QuantumCircuit],
    binds: list[Mapping[Any, Any]],
    method: str,
    reduced: Reduced,
    noisy: bool,
    shots: int,
    seed: int,
) -> NDArray[np.bool_]:
    """Bits of every circuit and binding, shape ``(experiments, shots, clbits)``."""
    from qiskit.exceptions import QiskitError
    from qiskit_aer import AerSimulator

    noise = noise_model(reduced, source.machine, pauli=method == "stabilizer") if noisy else None
    # One thread: the random numbers of parallel shots depend on how many threads share them.
    simulator = AerSimulator(
        method=method,
        noise_model=noise,
        max_parallel_threads=1,
        max_memory_mb=MAX_MEMORY_MB,
        matrix_product_state_max_bond_dimension=MAX_BOND,
    )
    simulator.set_max_qubits(max(len(reduced.qubits), 1))
    options = {"shots": shots, "seed_simulator": seed, "memory": True}
    try:
        # What `simulator.run` would have a thread of its own do, which then stays.
        result = simulator._execute_circuits_job(
            circuits, binds if binds and binds[0] else None, options
        )
    except (QiskitError, MemoryError, RuntimeError) as error:
        raise Problem(SIMULATOR, f"Error raised when execution on AER failed: {error}") from error
    if not result.success:
        reasons = {str(r.status) for r in result.results if not r.success} or {str(result.status)}
        raise Problem(
            SIMULATOR, f"Error raised when execution on AER failed: {'; '.join(sorted(reasons))}"
        )
    width = reduced.circuit.num_clbits
    return np.stack([_bits(r.data.memory, width) for r in result.results])


def _bits(memory: Sequence[str], width: int) -> NDArray[np.bool_]:
    """Bits of Aer's hexadecimal words, lowest first, shape ``(shots, width)``."""
    size = (width + 7) // 8
    words: dict[str, bytes] = {}
    for word in memory:
        if word not in words:
            words[word] = int(word, 16).to_bytes(size, "little")
    packed = np.frombuffer(b"".join([words[word] for word in memory]), np.uint8)
    rows = np.unpackbits(packed.reshape(-1, size), axis=1, bitorder="little", count=width)
    return rows.astype(bool)


def _make_clifford(circuit: QuantumCircuit) -> bool:
    """Whether a bound circuit is Clifford; rounds its angles to what they are meant to be."""
    for index, inst in enumerate(circuit.data):
        op = inst.operation
        if op.name == "rz":
            turns = float(op.params[0]) / (math.pi / 2)
            if not math.isclose(turns, round(turns), abs_tol=1e-5):
                return False
            circuit.data[index] = inst.replace(operation=type(op)(round(turns) * math.pi / 2))
        elif op.name not in CLIFFORD_GATES or any(
            not _make_clifford(block) for block in getattr(op, "blocks", ())
        ):
            return False
    return True


def _product_cost(reduced: Reduced) -> float:
    """Operations that one run takes as a matrix product state, at most.

    The bond across a cut grows by a factor of at most 2 with each gate of the kind that
    devices have which crosses it. Gates cost something even where there is no entanglement.
    """
    qubits = len(reduced.qubits)
    crossings = np.zeros(max(qubits, 1), int)
    cost = 0.0
    for inst in reduced.circuit.data:
        cost += GATE_OPERATIONS
        if len(inst.qubits) < 2 or inst.operation.name == "barrier":
            continue
        places = [reduced.circuit.find_bit(q).index for q in inst.qubits]
        low, high = min(places), max(places)
        crossings[low:high] += 1
        edge = min(int(crossings[low:high].max()), qubits // 2)
        cost += 60.0 * (high - low) * min(2**edge, MAX_BOND) ** 3
    return cost


def _check_affordable(reduced: Reduced, runs: int) -> None:
    cost = _product_cost(reduced) * runs
    if cost > MAX_OPERATIONS:
        raise Problem(
            CANNOT_RUN,
            f"Failed to run job: {len(reduced.qubits)} entangled qubits are too many to simulate "
            f"(about {cost:.0e} operations for {runs} runs).",
            "Use fewer qubits, fewer shots, a Clifford circuit, or noise=False.",
        )
