"""Tasks as the real client would submit them, results as it would read them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from qiskit import QuantumCircuit
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit_aer import AerSimulator
from qiskit_ibm_runtime import RuntimeEncoder

from pytest_qiskit_fakeruntime.execute import client, load_catalogue
from pytest_qiskit_fakeruntime.world.devices import Device
from pytest_qiskit_fakeruntime.world.execution import Task

STARTED = datetime(2026, 3, 1, 12, 0, tzinfo=timezone.utc)


def device(name: str) -> Device:
    return Device(name, load_catalogue()[name])


def task(
    program: str,
    params: dict[str, Any],
    on: str | Device = "fake_manila",
    *,
    seed: int = 7,
    noise: bool = True,
) -> Task:
    encoded = json.loads(json.dumps(params, cls=RuntimeEncoder))
    where = device(on) if isinstance(on, str) else on
    return Task("job", program, encoded, where, seed, noise, STARTED)


def sampler(pubs: list[Any], on: str | Device = "fake_manila", **kwargs: Any) -> Task:
    options = kwargs.pop("options", {})
    coerced = [SamplerPub.coerce(pub) for pub in pubs]
    params = {"pubs": coerced, "options": options, "version": 2, "support_qiskit": True}
    return task("sampler", params, on, **kwargs)


def estimator(pubs: list[Any], on: str | Device = "fake_manila", **kwargs: Any) -> Task:
    options = kwargs.pop("options", {})
    coerced = [EstimatorPub.coerce(pub) for pub in pubs]
    params = {
        "pubs": coerced,
        "options": options,
        "version": 2,
        "support_qiskit": True,
        "resilience_level": kwargs.pop("resilience_level", 1),
    }
    return task("estimator", params, on, **kwargs)


def decode(program: str, text: str) -> Any:
    value: Any = text
    for decoder in client.decoders(program):
        if value is text or decoder.is_applicable(value):
            value = decoder.decode(value)
    return value


def bell(num_qubits: int = 5, at: tuple[int, int] = (0, 1)) -> QuantumCircuit:
    """A Bell pair in the basis of the devices with cx."""
    circuit = QuantumCircuit(num_qubits, 2)
    a, b = at
    circuit.rz(1.5707963267948966, a)
    circuit.sx(a)
    circuit.rz(1.5707963267948966, a)
    circuit.cx(a, b)
    circuit.barrier()
    circuit.measure([a, b], [0, 1])
    return circuit


def counts_of_aer(simulator: AerSimulator, circuit: QuantumCircuit, shots: int) -> dict[str, int]:
    """Counts of Aer itself, run in this thread: its ``run`` leaves a thread behind."""
    result = simulator._execute_circuits_job([circuit], None, {"shots": shots, "seed_simulator": 5})
    counts: dict[str, int] = result.get_counts()
    return counts


def distance(one: Mapping[Any, int], other: Mapping[Any, int]) -> float:
    """Total-variation distance of two samples of one size."""
    outcomes = one.keys() | other.keys()
    return sum(abs(one.get(o, 0) - other.get(o, 0)) for o in outcomes) / (2 * sum(one.values()))


def sampling_bound(outcomes: int, shots: int, chance: float = 1e-6) -> float:
    """What the distance of two samples of one distribution exceeds by this chance only.

    The mean is at most sqrt(k / (pi N)) for k outcomes and N shots each; McDiarmid's
    inequality, for 2N draws of which each moves it by 1 / N at most, bounds what is added.
    """
    return math.sqrt(outcomes / (math.pi * shots)) + math.sqrt(-math.log(chance) / shots)
