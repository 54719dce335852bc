from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from qiskit import QuantumCircuit, QuantumRegister
from qiskit.circuit import Parameter
from qiskit_ibm_runtime.fake_provider import FakeManilaV2

from pytest_qiskit_fakeruntime.execute import Engine, client
from pytest_qiskit_fakeruntime.execute.quantum_program import randomise
from pytest_qiskit_fakeruntime.execute.release import release
from pytest_qiskit_fakeruntime.world.execution import JobFailed, Rejected, Task

from ..capabilities import find, load, needs
from .jobs import STARTED, bell, decode, device, task

EXECUTOR = "qiskit_ibm_runtime.quantum_program.QuantumProgram"
OPTIONS = "qiskit_ibm_runtime.options_models.ExecutorOptions"
PREPARE_SAMPLER = "qiskit_ibm_runtime.executor_sampler.prepare.prepare"
PREPARE_ESTIMATOR = "qiskit_ibm_runtime.executor_estimator.prepare.prepare"
BROADCAST = "qiskit_ibm_runtime.fake_provider.executor.broadcast_sample.broadcast_sample"

VERSIONS = list(client.schemas())
QuantumProgram: Any = find(EXECUTOR)
has_executor = needs(EXECUTOR)


def executor(
    program: Any,
    options: Any = None,
    *,
    version: str | None = None,
    noise: bool = True,
    role: str | None = None,
    seed: int = 7,
) -> Task:
    program._semantic_role = role
    options = options or (find(OPTIONS) or load("qiskit_ibm_runtime.options.ExecutorOptions"))()
    model = client.schemas()[version or VERSIONS[-1]].encode(program, options)
    params = json.loads(json.dumps(model.model_dump(mode="json")))
    return Task("job", "executor", params, device("fake_manila"), seed, noise, STARTED)


def rotation() -> QuantumCircuit:
    circuit = QuantumCircuit(5, 3)
    circuit.sx(0)
    circuit.rz(Parameter("a"), 0)
    circuit.sx(0)
    circuit.x(1)
    circuit.measure([0, 1], [0, 2])
    return circuit


@has_executor
@pytest.mark.parametrize("version", VERSIONS)
def test_circuit_items_of_every_schema(engine: Engine, version: str) -> None:
    program = QuantumProgram(shots=50, passthrough_data=None)
    program.append_circuit_item(bell())
    program.append_circuit_item(
        rotation(), circuit_arguments=np.array([[[0.0], [np.pi]]] * 2, dtype=float)
    )
    job = executor(program, version=version, noise=False)
    assert engine.check(job) == pytest.approx(2 + 0.00035 * 50 * 5)
    got = decode("executor", engine.run(job).result)
    assert got[0]["c"].shape == (50, 2)
    assert got[0]["c"].dtype == bool
    assert np.array_equal(got[0]["c"][:, 0], got[0]["c"][:, 1])
    assert got[1]["c"].shape == (2, 2, 50, 3)
    assert got[1]["c"][:, 0].all(axis=(0, 1)).tolist() == [True, False, True]
    assert got[1]["c"][:, 1].any(axis=(0, 1)).tolist() == [False, False, True]
    (span,) = got.metadata.chunk_timing
    assert span.start == STARTED
    assert span.stop > STARTED
    assert [(part.idx_item, part.size) for part in span.parts] == [(0, 1), (1, 4)]


@has_executor
def test_samplex_items(engine: Engine) -> None:
    from samplomatic import Twirl, build

    circuit = QuantumCircuit(5, 2)
    with circuit.box([Twirl()]):
        circuit.sx(0)
        circuit.rz(Parameter("a"), 0)
        circuit.cx(0, 1)
    with circuit.box([Twirl()]):
        circuit.measure([0, 1], [0, 1])
    template, samplex = build(circuit)
    isa = QuantumCircuit(QuantumRegister(5), *template.cregs)
    isa.compose(template, qubits=range(template.num_qubits), inplace=True)
    program = QuantumProgram(shots=20)
    program.append_samplex_item(
        isa,
        samplex=samplex,
        samplex_arguments={"parameter_values": np.array([[0.1], [0.2]])},
        shape=(30, 2),
    )
    job = executor(program, noise=False)
    got = decode("executor", engine.run(job).result)[0]
    assert got["c"].shape == (30, 2, 20, 2)
    flips = got["measurement_flips.c"]
    assert flips.shape == (30, 2, 1, 2)
    assert flips.any()
    bits = got["c"] ^ flips
    # sx, then rz and cx: both qubits always agree.
    assert np.array_equal(bits[..., 0], bits[..., 1])
    assert engine.run(job) == engine.run(job)


@needs(BROADCAST)
@pytest.mark.parametrize("shape", [(4, 3), (5, 4, 3), (4, 3, 1)])
def test_randomisation_is_that_of_the_client(shape: tuple[int, ...]) -> None:
    from samplomatic import Twirl, build

    circuit = QuantumCircuit(2, 2)
    with circuit.box([Twirl()]):
        circuit.rz(Parameter("a"), 0)
        circuit.cx(0, 1)
    with circuit.box([Twirl()]):
        circuit.measure([0, 1], [0, 1])
    samplex = build(circuit)[1]
    samplex.finalize()
    angles = {3: np.arange(3.0), 1: np.arange(4.0).reshape(4, 1, 1)}[shape[-1]]
    arguments = samplex.inputs().make_broadcastable().bind(parameter_values=angles[..., None])

    ours = randomise(samplex, arguments, shape, np.random.default_rng(3))
    theirs = load(BROADCAST)(samplex, arguments, shape, np.random.default_rng(3))

    assert ours.keys() == theirs.keys()
    for name, values in theirs.items():
        np.testing.assert_array_equal(ours[name], values)


@has_executor
def test_labels_of_the_client_come_back_untouched(engine: Engine) -> None:
    data = {"a": [1, 2.0, True, None, "x"], "b": {"c": np.arange(3.0)}, "d": {"data": "no tensor"}}
    program = QuantumProgram(shots=1, passthrough_data=data)
    program.append_circuit_item(bell())
    job = executor(program, role="mine")
    body = json.loads(engine.run(job).result)
    assert body["passthrough_data"] == job.params["quantum_program"]["passthrough_data"]
    # Schemas before v1.0 have no role.
    assert body.get("semantic_role", "mine") == "mine"


@needs(PREPARE_SAMPLER, "add_tags")
@pytest.mark.parametrize("twirled", [False, True])
def test_client_side_sampler(engine: Engine, twirled: bool) -> None:
    options = load("qiskit_ibm_runtime.options_models.SamplerOptions")()
    options.twirling.enable_measure = twirled
    options.twirling.enable_gates = twirled
    program, executor_options = load(PREPARE_SAMPLER)(
        [bell(), bell()], options, 640, add_tags=False, backend=FakeManilaV2()
    )
    job = executor(program, executor_options, role="sampler_v2")
    got = decode("executor", engine.run(job).result)
    for pub in got:
        counts = pub.data.c.get_counts()
        assert sum(counts.values()) == 640
        assert counts["00"] + counts["11"] > 500


@needs(PREPARE_ESTIMATOR, "precision")
def test_client_side_estimator(engine: Engine) -> None:
    circuit = bell()
    circuit.remove_final_measurements()
    program, executor_options = load(PREPARE_ESTIMATOR)(
        [(circuit, ["IIIZZ", "IIIXX", "IIIYY"])],
        load("qiskit_ibm_runtime.options_models.EstimatorOptions")(),
        None,
        add_tags=False,
        backend=FakeManilaV2(),
    )
    job = executor(program, executor_options, role="estimator_v2")
    (pub,) = decode("executor", engine.run(job).result)
    # Its readout mitigation leaves gate errors of a few per cent.
    assert pub.data.evs == pytest.approx([1, 1, -1], abs=0.12)


@has_executor
def test_not_isa(engine: Engine) -> None:
    circuit = QuantumCircuit(5, 1)
    circuit.rx(math.pi, 2)
    circuit.measure(2, 0)
    program = QuantumProgram(shots=1)
    program.append_circuit_item(circuit)
    with pytest.raises(JobFailed, match=r"rx on qubits \(2\)"):
        engine.run(executor(program))


@has_executor
@pytest.mark.parametrize(("level", "shape"), [("kerneled", (50, 2)), ("avg_kerneled", (2,))])
def test_signals(engine: Engine, level: str, shape: tuple[int, ...]) -> None:
    program = QuantumProgram(shots=50, meas_level=level)
    program.append_circuit_item(bell())

    signals = decode("executor", engine.run(executor(program)).result)[0]["c"]

    assert signals.shape == shape
    assert signals.dtype == complex


def test_signals_of_a_device_that_only_classifies() -> None:
    from pytest_qiskit_fakeruntime.execute.problem import Problem
    from pytest_qiskit_fakeruntime.execute.readout import check_level
    from pytest_qiskit_fakeruntime.execute.rules import Limits

    with pytest.raises(Problem, match="'kerneled' is not supported") as error:
        check_level("kerneled", Limits(qubits=3))
    assert error.value.code == 8009


@pytest.mark.skipif(bool(VERSIONS), reason="this release of the client has an executor")
def test_client_without_an_executor_says_so(engine: Engine) -> None:
    with pytest.raises(Rejected, match=f"{release()}, is older than this program"):
        engine.check(task("executor", {"schema_version": "v2.0"}))


@has_executor
def test_repetition_delay_of_another_device(engine: Engine) -> None:
    program = QuantumProgram(shots=1)
    program.append_circuit_item(bell())
    job = executor(program)
    late = {**job.params, "options": {**job.params["options"], "rep_delay": 1.0}}

    with pytest.raises(JobFailed, match=r"Repetition delay \(1.0\) is not supported") as error:
        engine.run(replace(job, params=late))
    assert error.value.code == 8030
