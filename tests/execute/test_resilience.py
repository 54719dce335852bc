"""Mitigated values are nearer to the truth, and their standard errors are honest."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp, Statevector

from pytest_qiskit_fakeruntime.execute import Engine
from pytest_qiskit_fakeruntime.execute.resilience import fold
from pytest_qiskit_fakeruntime.world.execution import Task

from ..capabilities import EXTRAPOLATION, find, needs
from .jobs import decode, estimator

Result = Callable[[Task], Any]
CIRCUITS = 20
PRECISION = 0.02


def random_pub(seed: int, depth: int = 4) -> tuple[QuantumCircuit, SparsePauliOp]:
    """A random circuit on four qubits of fake_manila, and a sum of three Paulis."""
    rng = np.random.default_rng(seed)
    circuit = QuantumCircuit(5)
    for _ in range(depth):
        for qubit in range(4):
            circuit.rz(rng.uniform(0, 2 * math.pi), qubit)
            circuit.sx(qubit)
        for qubit in range(int(rng.integers(0, 2)), 3, 2):
            circuit.cx(qubit, qubit + 1)
    labels = ["I" + "".join(rng.choice(list("IXYZ"), 4)) for _ in range(3)]
    return circuit, SparsePauliOp(labels, rng.uniform(-1, 1, 3))


def exact(circuit: QuantumCircuit, observable: SparsePauliOp) -> float:
    return float(Statevector(circuit).expectation_value(observable).real)


def run(engine: Engine, seed: int, level: int = 0, **kwargs: Any) -> tuple[float, float, float]:
    """Value, standard error and truth."""
    circuit, observable = random_pub(seed)
    job = estimator(
        [(circuit, observable, None, PRECISION)], seed=seed, resilience_level=level, **kwargs
    )
    data = decode("estimator", engine.run(job).result)[0].data
    return float(data.evs), float(data.stds), exact(circuit, observable)


def chi_square(found: list[tuple[float, float, float]]) -> float:
    return sum(((value - truth) / std) ** 2 for value, std, truth in found if std > 0)


# Of chi-square with 20 degrees of freedom, 1 in 10,000 values lies beyond 52.4, and 1 in 10,000
# below 3.5.
LOW, HIGH = 3.5, 52.4


def test_standard_errors_are_consistent_with_the_errors(engine: Engine) -> None:
    found = [run(engine, seed, noise=False) for seed in range(CIRCUITS)]

    assert LOW < chi_square(found) < HIGH


def test_error_cancellation_leaves_no_bias_and_an_honest_error(engine: Engine) -> None:
    options = {"resilience": {"pec_mitigation": True, "pec": {"max_overhead": None}}}
    found = [run(engine, seed, 1, options=options) for seed in range(CIRCUITS)]
    plain = [run(engine, seed, 1) for seed in range(CIRCUITS)]

    assert LOW < chi_square(found) < HIGH
    assert np.mean([one[1] for one in found]) > 1.1 * np.mean([one[1] for one in plain])


def test_mitigation_reduces_the_error(engine: Engine) -> None:
    levels = {level: [run(engine, s, level) for s in range(CIRCUITS)] for level in (0, 1, 2)}

    error = {
        level: float(np.mean([abs(value - truth) for value, _, truth in found]))
        for level, found in levels.items()
    }

    # Measured with these seeds: FIGURES.
    assert error[1] < 0.75 * error[0], error
    if find(EXTRAPOLATION):
        assert error[2] < 0.75 * error[1], error
    else:
        assert error[2] == error[1], error


def test_measure_mitigation_removes_readout_errors_alone(engine: Engine) -> None:
    circuit = QuantumCircuit(5)
    observables = [{"ZZZZZ": 1.0}, {"IIII0": 1.0}, {"1IIII": 1.0}]
    job = estimator([(circuit, observables, None, 0.01)], resilience_level=1)
    data = decode("estimator", engine.run(job).result)[0].data

    # Nothing but readout errors happens; five standard errors either way.
    assert np.all(np.abs(data.evs - [1.0, 1.0, 0.0]) < 5 * data.stds)
    assert np.all(data.stds > 0)


@needs(EXTRAPOLATION)
def test_zero_noise_extrapolation_reports_what_the_service_does(result: Result) -> None:
    circuit, observable = random_pub(3)
    options = {
        "resilience": {
            "zne_mitigation": True,
            "zne": {"noise_factors": [1, 2, 3], "extrapolator": ["linear", "exponential"]},
        }
    }
    got = result(estimator([(circuit, [observable] * 2)], options=options))

    data = got[0].data
    assert data.evs.shape == data.stds.shape == (2,)
    assert data.evs_noise_factors.shape == data.stds_noise_factors.shape == (2, 3)
    assert data.ensemble_stds_noise_factors.shape == (2, 3)
    assert data.evs_extrapolated.shape == data.stds_extrapolated.shape == (2, 2, 4)
    assert set(got[0].metadata["resilience"]["zne"]["extrapolator"]) <= {"linear", "exponential"}


@pytest.mark.parametrize(
    ("factor", "amplifier", "gates"),
    [
        (1, "gate_folding", [1, 1, 1]),
        (3, "gate_folding", [3, 3, 3]),
        (5, "pea", [5, 5, 5]),
        (1 + 2 / 3, "gate_folding_front", [3, 1, 1]),
        (3 + 4 / 3, "gate_folding_back", [3, 5, 5]),
    ],
)
def test_folding(factor: float, amplifier: str, gates: list[int]) -> None:
    circuit = QuantumCircuit(4)
    for qubit in range(3):
        circuit.sx(qubit)
        circuit.cx(qubit, qubit + 1)

    folded = fold(circuit, factor, amplifier, np.random.default_rng(0))

    pairs = [folded.find_bit(i.qubits[0]).index for i in folded.data if len(i.qubits) == 2]
    assert [pairs.count(qubit) for qubit in range(3)] == gates
    assert Statevector(folded).equiv(Statevector(circuit))


def test_overhead_above_the_maximum_is_told(result: Result) -> None:
    circuit, observable = random_pub(1)
    options = {"resilience": {"pec_mitigation": True, "pec": {"max_overhead": 1.01}}}
    got = result(estimator([(circuit, observable)], options=options))

    assert got[0].metadata["resilience"]["pec"]["applied"] is False


def test_options_without_effect_are_told(result: Result) -> None:
    circuit, observable = random_pub(1)
    options = {
        "dynamical_decoupling": {"enable": True},
        "resilience": {"zne_mitigation": True, "zne": {"amplifier": "pea"}},
    }
    got = result(estimator([(circuit, observable)], options=options))

    idle = "zne.amplifier" if find(EXTRAPOLATION) else "zne_mitigation"
    assert set(got.metadata["no_effect"]) == {"dynamical_decoupling", idle}
    assert "no_effect" not in result(estimator([(circuit, observable)])).metadata


def test_twirled_gates_have_pauli_noise(result: Result) -> None:
    """Relaxation pulls an excited qubit to 0; its twirl treats 0 and 1 alike."""
    circuit = QuantumCircuit(5)
    circuit.x(0)
    for _ in range(200):
        circuit.cx(1, 2)
        circuit.id(0)
    values = []
    for twirl in (False, True):
        options = {"twirling": {"enable_gates": twirl}}
        job = estimator([(circuit, "IIIIZ", None, 0.01)], options=options, resilience_level=1)
        values.append(float(result(job)[0].data.evs))

    # 200 identity gates: about 4 per cent of T1 and 200 depolarisations, of which the first
    # only goes one way. Five standard errors of 0.01.
    assert abs(values[0]) < 1
    assert abs(values[1]) < 1
    assert values[0] == pytest.approx(values[1], abs=0.25)
