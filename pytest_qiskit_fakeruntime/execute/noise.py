"""The noise of exactly the instructions that occur, from the device's calibration.

The physics is that of Aer's ``NoiseModel.from_backend``: depolarisation and T1/T2
relaxation per gate, relaxation per delay, symmetric readout errors. The errors come from
Aer's own functions, asked about one instruction at a time and remembered per device.
"""

from __future__ import annotations

import math
from itertools import product
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qiskit_aer.noise import NoiseModel, QuantumError

    from .circuits import Reduced
    from .devices import Machine


def noise_model(reduced: Reduced, machine: Machine, *, pauli: bool = False) -> NoiseModel | None:
    """The noise of one circuit.

    Args:
        reduced: The circuit, cut down to its qubits.
        machine: The device.
        pauli: Replace each error by its Pauli twirl, which a stabilizer simulation needs.

    Returns:
        The noise model on the circuit's own qubits; ``None`` for a device without noise.
    """
    from qiskit_aer.noise import NoiseModel

    if not machine.calibrated:
        return None
    # Aer wants gates that it knows among them, even where only measurements occur.
    model = NoiseModel(basis_gates=sorted({"id", "rz", "sx", "cx"} | {n for n, _ in reduced.sites}))
    for name, places in sorted(reduced.sites):
        qubits = tuple(reduced.qubits[place] for place in places)
        if name == "measure":
            error = _remembered(machine, ("measure", qubits), _readout_error)
            if error is not None:
                model.add_readout_error(error, places)
            continue
        make = _pauli_error if pauli else _error
        error = _remembered(machine, (name, qubits, pauli), make)
        if error is not None:
            model.add_quantum_error(error, name, places)
    return model


def _remembered(machine: Machine, key: Any, make: Any) -> Any:
    # Two threads may both make the same error; either one will do.
    if key not in machine.errors:
        machine.errors[key] = make(machine, *key[:2])
    return machine.errors[key]


def _readout_error(machine: Machine, name: str, qubits: tuple[int, ...]) -> Any:
    from qiskit_aer.noise import ReadoutError

    properties = _properties(machine, name, qubits)
    error = getattr(properties, "error", None)
    return ReadoutError([[1 - error, error], [error, 1 - error]]) if error else None


def _error(machine: Machine, name: str, qubits: tuple[int, ...]) -> QuantumError | None:
    from qiskit.transpiler import Target
    from qiskit_aer.noise import thermal_relaxation_error
    from qiskit_aer.noise.device import basic_device_gate_errors

    if (seconds := _delay(name)) is not None:
        t1, t2 = _relaxation_times(machine, qubits[0])
        relaxes = seconds and min(t1, t2) < math.inf
        return thermal_relaxation_error(t1, t2, seconds) if relaxes else None
    properties = _properties(machine, name, qubits)
    if properties is None:
        return None
    known = machine.target.qubit_properties
    alone = Target(
        num_qubits=len(qubits), qubit_properties=[known[q] for q in qubits] if known else None
    )
    alone.add_instruction(
        machine.target.operation_from_name(name), {tuple(range(len(qubits))): properties}, name
    )
    errors = basic_device_gate_errors(target=alone, thermal_relaxation=bool(known))
    return errors[0][2] if errors else None


def _pauli_error(machine: Machine, name: str, qubits: tuple[int, ...]) -> QuantumError | None:
    """The Pauli twirl of `_error`, in closed form.

    Relaxation for a time t twirls to X and Y with probability (1 - e1)/4 each and Z with
    (1 + e1 - 2 e2)/4, where e1 = exp(-t/T1) and e2 = exp(-t/T2). The depolarisation on top
    makes up the difference to the gate's average error, as Aer does it.
    """
    from qiskit_aer.noise import pauli_error

    properties = _properties(machine, name, qubits)
    delay = _delay(name)
    seconds = delay if delay is not None else getattr(properties, "duration", None) or 0.0
    infidelity = getattr(properties, "error", None) or 0.0
    relaxations = [_relaxation(*_relaxation_times(machine, q), seconds) for q in qubits]
    # Pauli labels name the last qubit first.
    labels = ["".join(reversed(letters)) for letters in product("IXYZ", repeat=len(qubits))]
    probabilities = [math.prod(ps) for ps in product(*relaxations)]
    dim = 2 ** len(qubits)
    fidelity = (dim * probabilities[0] + 1) / (dim + 1)
    if 1 - fidelity < infidelity:
        excess = min(infidelity, dim / (dim + 1)) - (1 - fidelity)
        depolarised = min(dim * excess / (dim * fidelity - 1), dim**2 / (dim**2 - 1))
        probabilities = [(1 - depolarised) * p + depolarised / dim**2 for p in probabilities]
    if probabilities[0] >= 1.0:
        return None
    return pauli_error([(la, p) for la, p in zip(labels, probabilities, strict=True) if p > 0])


def _relaxation(t1: float, t2: float, seconds: float) -> tuple[float, float, float, float]:
    e1, e2 = math.exp(-seconds / t1), math.exp(-seconds / t2)
    flip = (1 - e1) / 4
    phase = (1 + e1 - 2 * e2) / 4
    return (1 - 2 * flip - phase, flip, flip, phase)


def _relaxation_times(machine: Machine, qubit: int) -> tuple[float, float]:
    known = machine.target.qubit_properties
    physics = known[qubit] if known else None
    t1 = getattr(physics, "t1", None) or math.inf
    t2 = getattr(physics, "t2", None) or 2 * t1
    return t1, min(t2, 2 * t1)


def _delay(name: str) -> float | None:
    kind, _, seconds = name.partition(":")
    return float(seconds) if kind == "delay" else None


def _properties(machine: Machine, name: str, qubits: tuple[int, ...]) -> Any:
    if name not in machine.target.operation_names:
        return None
    table = machine.target[name]
    return table.get(qubits) if table else None
