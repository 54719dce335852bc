"""Aer: circuits in, bits out. In the calling thread, within bounds, the same for every seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .problem import SIMULATOR, Problem

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from qiskit.circuit import QuantumCircuit

    from .methods import Method

MAX_MEMORY_MB = 4096


def run(
    circuits: Sequence[QuantumCircuit],
    method: Method,
    shots: int,
    seed: int,
    noise: Any = None,
    binds: Mapping[Any, NDArray[np.float64]] | None = None,
) -> NDArray[np.bool_]:
    """Simulate circuits of one width.

    Args:
        circuits: The circuits.
        method: How.
        shots: Shots per circuit.
        seed: Seed of the first circuit.
        noise: Aer's noise model.
        binds: Values per parameter, for a single circuit.

    Returns:
        Bits of every circuit and binding, shape ``(experiments, shots, clbits)``.

    Raises:
        Problem: If Aer cannot do it.
    """
    from qiskit.exceptions import QiskitError
    from qiskit_aer import AerSimulator

    # One thread: the random numbers of parallel shots depend on how many threads share them.
    simulator = AerSimulator(
        method=method.name,
        noise_model=noise,
        max_parallel_threads=1,
        max_memory_mb=MAX_MEMORY_MB,
        matrix_product_state_max_bond_dimension=method.bond,
    )
    simulator.set_max_qubits(max(method.qubits, 1))
    options = {"shots": shots, "seed_simulator": seed, "memory": True}
    try:
        # What `simulator.run` would have a thread of its own do, which then stays.
        result = simulator._execute_circuits_job(
            list(circuits), [binds] if binds else None, options
        )
    except (QiskitError, MemoryError, RuntimeError) as error:
        raise Problem(SIMULATOR, f"Error raised when execution on AER failed: {error}") from error
    if not result.success:
        reasons = {str(r.status) for r in result.results if not r.success} or {str(result.status)}
        raise Problem(
            SIMULATOR, f"Error raised when execution on AER failed: {'; '.join(sorted(reasons))}"
        )
    width = circuits[0].num_clbits
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
