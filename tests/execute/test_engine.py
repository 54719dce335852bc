from __future__ import annotations

import base64
import math
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.transpiler import generate_preset_pass_manager
from qiskit_aer import AerSimulator

from pytest_qiskit_fakeruntime.execute import Engine
from pytest_qiskit_fakeruntime.execute.devices import machine_of, snapshot_of
from pytest_qiskit_fakeruntime.world.devices import Device
from pytest_qiskit_fakeruntime.world.execution import JobFailed, Outcome, Rejected, Task
from pytest_qiskit_fakeruntime.world.snapshots import Snapshot

from ..capabilities import OPTIONS_MODEL, find, needs
from .jobs import bell, decode, estimator, sampler, task

GARBAGE = {"__type__": "QuantumCircuit", "__value__": "bm90IGEgY2lyY3VpdA=="}
NOT_QPY = base64.b64encode(zlib.compress(b"QISKIT but not really")).decode()
PARAMETRIC = QuantumCircuit(5, 1)
PARAMETRIC.rz(Parameter("a"), 0)
PARAMETRIC.measure(0, 0)


def named(name: str) -> QuantumCircuit:
    circuit = QuantumCircuit(5)
    from qiskit import ClassicalRegister

    circuit.add_register(ClassicalRegister(1, name))
    return circuit


@pytest.mark.parametrize(
    ("program", "params", "code", "message"),
    [
        ("teleport", {}, 1213, "Program not found: teleport"),
        ("sampler", {}, 1208, "no pubs"),
        ("sampler", {"pubs": []}, 1208, "no pubs"),
        ("sampler", {"pubs": {}}, 1208, "no pubs"),
        ("sampler", {"pubs": [7]}, 1208, "Pub 0 must be a list"),
        ("sampler", {"pubs": [[]]}, 1208, "Pub 0 must be a list"),
        ("sampler", {"pubs": [[7]]}, 1208, "does not start with a circuit"),
        ("sampler", {"pubs": [[GARBAGE]]}, 1208, "cannot be decoded"),
        ("sampler", {"pubs": [[{**GARBAGE, "__value__": NOT_QPY}]]}, 1208, "cannot be decoded"),
        ("sampler", {"pubs": [["OPENQASM 2.0; nonsense"]]}, 1603, "OpenQASM of pub 0"),
        ("sampler", {"pubs": [["OPENQASM 3.0; nonsense"]]}, 1603, "OpenQASM of pub 0"),
        ("sampler", {"pubs": [[bell(), [], 0]]}, 6001, r"Too few shots given \(0 < 1\)"),
        ("sampler", {"pubs": [[bell(), [], -4]]}, 6001, "Too few shots"),
        ("sampler", {"pubs": [[bell(), [], "many"]]}, 1208, "Pub 0 is not valid"),
        ("sampler", {"pubs": [[bell(), [], 10**7]]}, 6000, "Too many shots"),
        ("sampler", {"pubs": [[bell(), [1.0, 2.0], 10]]}, 1208, "Pub 0 is not valid"),
        ("sampler", {"pubs": [[bell(), [], 1, 2]]}, 1208, "Pub 0 is not valid"),
        ("sampler", {"pubs": [[PARAMETRIC]]}, 1208, "Pub 0 is not valid"),
        ("sampler", {"pubs": [[bell(6)]]}, 1109, "6 qubits, but the backend has only 5"),
        ("sampler", {"pubs": [[named("keys")]]}, 1208, "keys"),
        ("sampler", {"pubs": [[bell()]], "options": 3}, 1208, "options must be an object"),
        (
            "sampler",
            {"pubs": [[bell()]], "options": {"default_shots": "a"}},
            1208,
            "Pub 0 is not valid|default_shots",
        ),
        (
            "sampler",
            {"pubs": [[bell()]], "options": {"simulator": {"seed_simulator": -1}}},
            1208,
            "seed_simulator",
        ),
        (
            "sampler",
            {"pubs": [[bell()]], "options": {"execution": {"meas_type": "guessed"}}},
            1208 if find(OPTIONS_MODEL) else 8009,  # the model of the options, or the device
            "meas_type",
        ),
        ("estimator", {"pubs": [[bell()]]}, 1208, "no observables"),
        ("estimator", {"pubs": [[bell(), {"ZZ": 1}]]}, 1208, "Pub 0 is not valid"),
        ("estimator", {"pubs": [[bell(), {"IIIQQ": 1}]]}, 1208, "Pub 0 is not valid"),
        ("estimator", {"pubs": [[bell(), {"IIIZZ": 1}, [], -1]]}, 1208, "Pub 0 is not valid"),
        ("estimator", {"pubs": [[bell(), {"IIIZZ": 1}, [], 0]]}, 1208, "Pub 0 is not valid"),
        ("estimator", {"pubs": [[bell(), {"IIIZZ": 1}, [], 1e-6]]}, 6000, "Too many shots"),
        (
            "estimator",
            {"pubs": [[bell(), {"IIIZZ": 1}]], "options": {"default_shots": "x"}},
            1208,
            "default_shots",
        ),
        (
            "estimator",
            {"pubs": [[bell(), {"IIIZZ": 1}]], "resilience_level": 9},
            1208,
            "resilience_level",
        ),
    ],
)
def test_bad_input_is_told_at_both_moments(
    engine: Engine, program: str, params: dict[str, Any], code: int, message: str
) -> None:
    check_bad_input(engine, program, params, code, message)


@needs("qiskit_ibm_runtime.quantum_program.QuantumProgram")
@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "schema_version 'None'"),
        ({"schema_version": "v9.9"}, "'v9.9' is not one of v0.1"),
        ({"schema_version": "v0.2"}, "cannot be decoded"),
        (
            {"schema_version": "v0.2", "quantum_program": {"shots": 1}, "options": {}},
            "cannot be decoded",
        ),
    ],
)
def test_bad_quantum_program_is_told_at_both_moments(
    engine: Engine, params: dict[str, Any], message: str
) -> None:
    check_bad_input(engine, "executor", params, 1208, message)


def check_bad_input(
    engine: Engine, program: str, params: dict[str, Any], code: int, message: str
) -> None:
    job = task(program, params)
    with pytest.raises(Rejected, match=message) as rejected:
        engine.check(job)
    assert rejected.value.code == code
    with pytest.raises(JobFailed, match=message) as failed:
        engine.run(job)
    assert failed.value.code == code


def test_not_isa_fails_when_it_runs(engine: Engine) -> None:
    circuit = QuantumCircuit(5, 1)
    circuit.h(3)
    circuit.measure(3, 0)
    for job in (
        sampler([circuit]),
        estimator([(circuit.remove_final_measurements(inplace=False), "Z" * 5)]),
        sampler([bell(at=(0, 4))]),
    ):
        assert engine.check(job) > 2
        with pytest.raises(JobFailed, match=r"(h on qubits \(3\)|cx on qubits \(0, 4\))") as error:
            engine.run(job)
        assert error.value.code == 1517


def test_estimate(engine: Engine) -> None:
    assert engine.check(sampler([(bell(), None, 1000)])) == pytest.approx(2.35)
    two = estimator([(bell(), ["IIIZZ", "IIIXX"])])
    assert engine.check(two) == pytest.approx(2 + 0.00035 * 2 * 4096)
    assert engine.run(two).qpu_seconds == engine.check(two)


@pytest.fixture(scope="module")
def jobs() -> list[Task]:
    circuit = QuantumCircuit(5, 2)
    circuit.sx(0)
    circuit.rz(Parameter("a"), 0)
    circuit.sx(0)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], True)):
        circuit.x(1)
    circuit.measure(1, 1)
    angles = np.linspace(0, 3, 3)[:, None]
    return [
        sampler([(circuit, angles, 200), bell()]),
        estimator([(bell().remove_final_measurements(inplace=False), ["IIIZZ", "IIIXY"])]),
    ]


def test_same_task_same_bytes(engine: Engine, jobs: list[Task]) -> None:
    for job in jobs:
        first = engine.run(job)
        assert Engine().run(job) == first
        assert engine.run(replace(job, seed=8)).result != first.result


@pytest.mark.slow
def test_many_threads_at_once(engine: Engine, jobs: list[Task]) -> None:
    expected = [engine.run(job).result for job in jobs]
    with ThreadPoolExecutor(32) as pool:
        results = list(pool.map(lambda i: engine.run(jobs[i % 2]).result, range(32)))
    assert results == [expected[i % 2] for i in range(32)]


def test_starts_no_thread(engine: Engine, jobs: list[Task]) -> None:
    import threading

    before = threading.enumerate()
    for job in jobs:
        engine.run(job)
    assert threading.enumerate() == before


def ghz(num_qubits: int, angle: float = math.pi) -> QuantumCircuit:
    circuit = QuantumCircuit(num_qubits)
    circuit.h(0)
    for qubit in range(num_qubits - 1):
        circuit.cx(qubit, qubit + 1)
    circuit.rx(angle, 0)
    circuit.measure_all()
    return circuit


def methods(outcome: Outcome) -> set[str]:
    return {part["method"] for pub in outcome.notes["simulation"] for part in pub}


def on_fez(circuit: QuantumCircuit) -> QuantumCircuit:
    from .jobs import device

    target = machine_of(device("fake_fez").snapshot).target
    return generate_preset_pass_manager(1, target=target, seed_transpiler=1).run(circuit)


@pytest.mark.parametrize(
    ("num_qubits", "angle", "noise", "method"),
    [
        (3, 0.3, True, "density_matrix"),
        (12, 0.3, True, "matrix_product_state"),
        (12, 0.3, False, "statevector"),
        (20, math.pi, True, "stabilizer"),
        (30, 0.3, False, "matrix_product_state"),
    ],
)
def test_method_fits_the_circuit(
    engine: Engine, num_qubits: int, angle: float, noise: bool, method: str
) -> None:
    job = sampler([(on_fez(ghz(num_qubits, angle)), None, 200)], "fake_fez", noise=noise)
    outcome = engine.run(job)
    assert methods(outcome) == {method}
    counts = decode("sampler", outcome.result)[0].data.meas.get_counts()
    assert sum(counts.values()) == 200
    likely = max(counts, key=lambda word: counts[word])
    assert likely[1:-1] in ("0" * (num_qubits - 2), "1" * (num_qubits - 2))


def test_hopeless_circuit_fails_with_a_reason(engine: Engine) -> None:
    rng = np.random.default_rng(0)
    circuit = QuantumCircuit(60, 60)
    for layer in range(60):
        for qubit in range(60):
            circuit.rx(rng.uniform(), qubit)
        for qubit in range(layer % 2, 59, 2):
            circuit.cx(qubit, qubit + 1)
    circuit.measure(range(60), range(60))
    name, snapshot = snapshot_of(AerSimulator())
    wide = {**snapshot.configuration_document, "n_qubits": 100}
    job = sampler([circuit], Device(name, Snapshot.from_documents(wide, None, "test")))
    with pytest.raises(JobFailed, match="60 entangled qubits are too many") as error:
        engine.run(job)
    assert error.value.code == 5203


def test_what_the_simulator_cannot_do_fails_the_job(engine: Engine) -> None:
    from qiskit.circuit import Gate

    circuit = QuantumCircuit(2, 1)
    circuit.append(Gate("mystery", 2, []), [0, 1])
    circuit.measure(0, 0)
    job = sampler([circuit], Device(*snapshot_of(AerSimulator())))
    with pytest.raises(JobFailed, match=r"AER failed.*mystery") as error:
        engine.run(job)
    assert error.value.code == 5204


def test_the_whole_device_measured_at_once(engine: Engine) -> None:
    circuit = QuantumCircuit(156, 156)
    circuit.sx(0)
    circuit.rz(0.3, 0)
    circuit.cz(0, 1)
    circuit.measure(range(156), range(156))
    outcome = engine.run(sampler([(circuit, None, 300)], "fake_fez"))
    bits = decode("sampler", outcome.result)[0].data.c
    assert methods(outcome) == {"density_matrix"}
    # Readout errors alone: of the 155 idle qubits a few per cent are read wrongly.
    assert 0.0 < bits.bitcount().mean() / 156 < 0.1


def test_warnings_of_the_libraries_stay_inside(engine: Engine, jobs: list[Task]) -> None:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        before = list(warnings.filters)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(engine.run, jobs * 8))
        assert list(warnings.filters) == before
