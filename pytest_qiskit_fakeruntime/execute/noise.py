"""The noise of exactly the instructions that occur, from the device's calibration.

The physics is that of Aer's ``NoiseModel.from_backend``: depolarisation and T1/T2
relaxation per gate, relaxation per delay, symmetric readout errors. The errors come from
Aer's own functions, asked about one instruction at a time and remembered per device.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from qiskit.circuit import Instruction, QuantumCircuit
    from qiskit_aer.noise import NoiseModel, QuantumError

    from .circuits import Reduced
    from .devices import Machine

MODELS = 64
"""Noise models that are kept per device."""


@dataclass(frozen=True)
class PauliError:
    """An error that is a Pauli operator by chance, the first of them the identity.

    Attributes:
        probabilities: Of each operator, shape ``(operators,)``.
        x: Whether it flips the bit of each qubit, shape ``(operators, qubits)``.
        z: Whether it flips the phase of each qubit, of the same shape.
    """

    probabilities: NDArray[np.float64]
    x: NDArray[np.bool_]
    z: NDArray[np.bool_]


def noise_model(reduced: Reduced, machine: Machine, *, pauli: bool = False) -> NoiseModel | None:
    """The noise of one circuit.

    Args:
        reduced: The circuit, cut down to its qubits.
        machine: The device.
        pauli: Replace each error by its Pauli twirl, which a stabilizer simulation needs.

    Returns:
        The noise model on the circuit's own qubits; ``None`` for a device without noise.
    """
    if not machine.calibrated:
        return None
    pauli = pauli or machine.twirled
    key = (reduced.qubits, reduced.sites, pauli)
    if len(machine.models) >= MODELS:
        machine.models.clear()
    if key not in machine.models:
        machine.models[key] = _model(reduced, machine, pauli)
    model: NoiseModel = machine.models[key]
    return model


def _model(reduced: Reduced, machine: Machine, pauli: bool) -> NoiseModel:
    from qiskit_aer.noise import NoiseModel

    # Aer wants gates that it knows among them, even where only measurements occur.
    model = NoiseModel(basis_gates=sorted({"id", "rz", "sx", "cx"} | {n for n, _ in reduced.sites}))
    for name, places in sorted(reduced.sites):
        qubits = tuple(reduced.qubits[place] for place in places)
        if name == "measure":
            error = _remembered(machine, _readout_error, name, qubits)
            if error is not None:
                model.add_readout_error(error, places)
            continue
        error = _remembered(machine, _twirled if pauli else _error, name, qubits)
        if error is not None:
            model.add_quantum_error(error, name, places)
    document = model.to_dict(serializable=True)
    # Aer asks for it whenever it runs, which takes it longer than a small circuit.
    model.to_dict = lambda serializable=False: document
    return model


def label_of(op: Instruction) -> str:
    """The name under which the noise of an instruction of a reduced circuit is known."""
    label = str(op.label or "")
    return label if _delay(label) is not None else str(op.name)


def pauli_error(machine: Machine, name: str, qubits: tuple[int, ...]) -> PauliError | None:
    """The Pauli twirl of an instruction's error; ``None`` if it has none.

    Args:
        machine: The device.
        name: The instruction, or the label of a delay.
        qubits: The device's qubits.
    """
    error: PauliError | None = _remembered(machine, _pauli_error, name, qubits)
    return error


def transfer_error(
    machine: Machine, name: str, qubits: tuple[int, ...]
) -> NDArray[np.float64] | None:
    """The Pauli transfer matrix of an instruction's error; ``None`` if it has none.

    Args:
        machine: The device.
        name: The instruction, or the label of a delay.
        qubits: The device's qubits.
    """
    error: NDArray[np.float64] | None = _remembered(machine, _transfer_error, name, qubits)
    return error


def inverse_cost(machine: Machine, name: str, qubits: tuple[int, ...]) -> float:
    """By how much cancelling the Pauli-twirled noise of an instruction weighs each shot.

    That is the sum of the magnitudes of the quasi-probabilities of the inverse channel.
    """
    cost: float = _remembered(machine, _inverse_cost, name, qubits)
    return cost


def realization(reduced: Reduced, machine: Machine, rng: np.random.Generator) -> QuantumCircuit:
    """One realisation of the Pauli-twirled noise of a circuit's gates, as gates of its own.

    Args:
        reduced: The circuit, bound and without control flow.
        machine: The device.
        rng: Which realisation.
    """
    from qiskit.circuit.library import XGate, YGate, ZGate

    paulis = {(True, False): XGate(), (True, True): YGate(), (False, True): ZGate()}
    out = reduced.circuit.copy_empty_like()
    for inst in reduced.circuit.data:
        out.append(inst.operation, inst.qubits, inst.clbits, copy=False)
        if inst.operation.name in ("barrier", "measure"):
            continue
        places = [reduced.circuit.find_bit(q).index for q in inst.qubits]
        spots = tuple(reduced.qubits[place] for place in places)
        error = pauli_error(machine, label_of(inst.operation), spots)
        if error is None or rng.random() < error.probabilities[0]:
            continue
        rest = error.probabilities[1:]
        which = 1 + int(rng.choice(len(rest), p=rest / rest.sum()))
        for place, x, z in zip(places, error.x[which], error.z[which], strict=True):
            if x or z:
                out.append(paulis[bool(x), bool(z)], [place], copy=False)
    return out


def misread_probabilities(reduced: Reduced, machine: Machine) -> NDArray[np.float64]:
    """How likely each classical bit is read wrong, shape ``(clbits,)``."""
    circuit = reduced.circuit
    probabilities = np.zeros(circuit.num_clbits)
    for inst in circuit.data:
        if inst.operation.name == "measure":
            place = circuit.find_bit(inst.qubits[0]).index
            at = circuit.find_bit(inst.clbits[0]).index
            probabilities[at] = readout_probability(machine, reduced.qubits[place])
    return probabilities


def readout_probability(machine: Machine, qubit: int) -> float:
    """How likely it is that a measured bit is read wrong, 0 or 1 alike."""
    return float(getattr(_properties(machine, "measure", (qubit,)), "error", None) or 0.0)


def _remembered(
    machine: Machine, make: Callable[..., Any], name: str, qubits: tuple[int, ...]
) -> Any:
    # Two threads may both make the same error; either one will do.
    key = (make, name, qubits)
    if key not in machine.errors:
        machine.errors[key] = make(machine, name, qubits)
    return machine.errors[key]


def _readout_error(machine: Machine, name: str, qubits: tuple[int, ...]) -> Any:
    from qiskit_aer.noise import ReadoutError

    error = readout_probability(machine, qubits[0])
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


def _transfer_error(
    machine: Machine, name: str, qubits: tuple[int, ...]
) -> NDArray[np.float64] | None:
    from qiskit.quantum_info import PTM

    error = _error(machine, name, qubits)
    if error is None:
        return None
    matrix = PTM(error.to_quantumchannel()).data.real
    return np.diag(np.diag(matrix)) if machine.twirled else matrix


def _inverse_cost(machine: Machine, name: str, qubits: tuple[int, ...]) -> float:
    error = pauli_error(machine, name, qubits)
    if error is None:
        return 1.0
    x, z = error.x.astype(int), error.z.astype(int)
    signs = 1 - 2 * ((x @ z.T + z @ x.T) % 2)
    inverse = signs @ (1 / (signs @ error.probabilities)) / len(signs)
    return float(np.abs(inverse).sum())


def _twirled(machine: Machine, name: str, qubits: tuple[int, ...]) -> QuantumError | None:
    """The Pauli twirl of `_error`, for Aer."""
    from qiskit_aer import noise

    error = pauli_error(machine, name, qubits)
    if error is None:
        return None
    # Pauli labels name the last qubit first.
    letters = np.array(list("IXZY"))[error.x[:, ::-1] + 2 * error.z[:, ::-1]]
    labels = ["".join(row) for row in letters]
    return noise.pauli_error(list(zip(labels, error.probabilities.tolist(), strict=True)))


def _pauli_error(machine: Machine, name: str, qubits: tuple[int, ...]) -> PauliError | None:
    """The Pauli twirl of `_error`, in closed form.

    Relaxation for a time t twirls to X and Y with probability (1 - e1)/4 each and Z with
    (1 + e1 - 2 e2)/4, where e1 = exp(-t/T1) and e2 = exp(-t/T2). The depolarisation on top
    makes up the difference to the gate's average error, as Aer does it.
    """
    properties = _properties(machine, name, qubits)
    delay = _delay(name)
    seconds = delay if delay is not None else getattr(properties, "duration", None) or 0.0
    infidelity = getattr(properties, "error", None) or 0.0
    relaxations = [_relaxation(*_relaxation_times(machine, q), seconds) for q in qubits]
    probabilities = np.array([math.prod(ps) for ps in product(*relaxations)])
    dim = 2 ** len(qubits)
    fidelity = (dim * probabilities[0] + 1) / (dim + 1)
    if 1 - fidelity < infidelity:
        excess = min(infidelity, dim / (dim + 1)) - (1 - fidelity)
        depolarised = min(dim * excess / (dim * fidelity - 1), dim**2 / (dim**2 - 1))
        probabilities = (1 - depolarised) * probabilities + depolarised / dim**2
    if probabilities[0] >= 1.0:
        return None
    letters = np.array(list(product(range(4), repeat=len(qubits))))
    return PauliError(probabilities, np.isin(letters, (1, 2)), np.isin(letters, (2, 3)))


def _relaxation(t1: float, t2: float, seconds: float) -> tuple[float, float, float, float]:
    e1, e2 = math.exp(-seconds / t1), math.exp(-seconds / t2)
    flip = (1 - e1) / 4
    phase = (1 + e1 - 2 * e2) / 4
    return (1 - 2 * flip - phase, flip, flip, phase)


def _relaxation_times(machine: Machine, qubit: int) -> tuple[float, float]:
    known = machine.target.qubit_properties
    physics = known[qubit] if known and not machine.perfect_gates else None
    t1 = getattr(physics, "t1", None) or math.inf
    t2 = getattr(physics, "t2", None) or 2 * t1
    return t1, min(t2, 2 * t1)


def _delay(name: str) -> float | None:
    kind, _, seconds = name.partition(":")
    return float(seconds) if kind == "delay" else None


def _properties(machine: Machine, name: str, qubits: tuple[int, ...]) -> Any:
    if machine.perfect_gates and name != "measure":
        return None
    if name not in machine.target.operation_names:
        return None
    table = machine.target[name]
    return table.get(qubits) if table else None
