from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Parameter
from qiskit.primitives import BitArray
from qiskit.primitives.containers import PrimitiveResult, SamplerPubResult

from pytest_qiskit_fakeruntime.execute import Engine
from pytest_qiskit_fakeruntime.execute.devices import machine_of
from pytest_qiskit_fakeruntime.execute.simulate import Source, sample

from .jobs import STARTED, bell, device, sampler, task

Result = Callable[[Any], Any]


def rabi(name: str = "theta") -> QuantumCircuit:
    """P(1) = cos(theta / 2) ** 2."""
    circuit = QuantumCircuit(5)
    circuit.sx(2)
    circuit.rz(Parameter(name), 2)
    circuit.sx(2)
    register = ClassicalRegister(1, "out")
    circuit.add_register(register)
    circuit.measure(2, register[0])
    return circuit


def test_result_is_what_the_service_sends(result: Result) -> None:
    circuit = bell()
    circuit.metadata = {"name": "bell"}
    got = result(sampler([circuit, (circuit, None, 123)]))
    assert isinstance(got, PrimitiveResult)
    assert all(isinstance(pub, SamplerPubResult) for pub in got)
    assert isinstance(got[0].data.c, BitArray)
    assert [pub.data.c.num_shots for pub in got] == [4096, 123]
    assert got[0].metadata == {
        "circuit_metadata": {"name": "bell"},
        "simulation": [{"method": "density_matrix", "num_qubits": 2}],
    }
    assert got.metadata["version"] == 2
    spans = got.metadata["execution"]["execution_spans"]
    assert spans.start == STARTED
    assert spans.stop > STARTED
    assert spans[0].size == 4096 + 123
    assert spans[0].mask(1).shape == (123,)


def test_registers_of_any_kind(result: Result) -> None:
    quantum = QuantumRegister(5, "q")
    one, two, three = (
        ClassicalRegister(size, name) for size, name in ((1, "alpha"), (9, "βeta"), (2, "c 3"))
    )
    circuit = QuantumCircuit(quantum, one, two, three)
    circuit.x([1, 3])
    circuit.measure(1, one[0])
    circuit.measure(3, two[8])
    circuit.measure(0, three[1])
    got = result(sampler([(circuit, None, 10)], noise=False))[0].data
    assert got["alpha"].get_counts() == {"1": 10}
    assert got["βeta"].get_counts() == {"100000000": 10}
    assert got["c 3"].get_counts() == {"00": 10}
    assert got["βeta"].array.shape == (10, 2)


def test_parameters_of_any_shape(result: Result) -> None:
    angles = np.linspace(0, np.pi, 6).reshape(2, 3)
    got = result(sampler([(rabi(), angles[..., None], 4000)], noise=False))[0].data.out
    assert got.shape == (2, 3)
    share = got.bitcount().mean(axis=-1)
    # Five standard deviations of 4,000 shots: at most 0.04.
    assert share == pytest.approx(np.cos(angles / 2) ** 2, abs=0.04)


def test_equal_points_get_shots_of_their_own(result: Result) -> None:
    bound = rabi().assign_parameters([np.pi / 2])
    got = result(sampler([(rabi(), [[np.pi / 2]] * 3, 500), (bound, None, 500)], noise=False))
    arrays = [*got[0].data.out.array, got[1].data.out.array]
    assert all(not np.array_equal(a, b) for i, a in enumerate(arrays) for b in arrays[:i])


def test_bindings_without_parameters_keep_their_shape(result: Result) -> None:
    circuit = bell()
    got = result(sampler([(circuit, np.zeros((3, 0)), 50)]))[0].data.c
    assert got.shape == (3,)
    assert not np.array_equal(got.array[0], got.array[1])


def test_parametric_delay() -> None:
    # Not as a job: the QPY of qiskit 2.6 loses parameters of delays.
    circuit = QuantumCircuit(5, 1)
    circuit.x(0)
    circuit.delay(Parameter("t"), 0)
    circuit.measure(0, 0)
    source = Source(machine_of(device("fake_manila").snapshot), True, 1)
    values = np.array([[0.0], [400_000.0], [4_000_000.0]])
    ones = sample(source, circuit, values, 1000, [0]).bits.sum(axis=(1, 2))
    assert ones[0] > 900
    assert ones[0] > ones[1] > ones[2]


def test_options_for_shots_and_seed(engine: Engine, result: Result) -> None:
    options = {"default_shots": 77, "simulator": {"seed_simulator": 5}}
    first = engine.run(sampler([bell()], options=options, seed=1))
    assert first.result == engine.run(sampler([bell()], options=options, seed=2)).result
    assert result(sampler([bell()], options=options))[0].data.c.num_shots == 77


def test_nothing_measured(result: Result) -> None:
    circuit = QuantumCircuit(5, 2)
    circuit.x(0)
    assert result(sampler([(circuit, None, 5)]))[0].data.c.get_counts() == {"00": 5}
    empty = QuantumCircuit(5)
    assert len(result(sampler([empty]))[0].data) == 0


def test_feed_forward_with_everything(result: Result) -> None:
    circuit = QuantumCircuit(5, 3)
    circuit.x(0)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], True)) as otherwise:
        circuit.x(1)
    with otherwise:
        circuit.x(2)
    with circuit.switch(circuit.cregs[0]) as case, case(1):
        circuit.x(3)
    with circuit.for_loop(range(3)):
        circuit.x(1)
    circuit.reset(0)
    circuit.measure([0, 3, 1], [0, 1, 2])
    got = result(sampler([(circuit, None, 20)], noise=False))[0].data.c
    assert got.get_counts() == {"010": 20}


def test_a_parameter_in_a_body(result: Result) -> None:
    circuit = QuantumCircuit(5, 1)
    angle = Parameter("angle")
    with circuit.for_loop(range(2)):
        circuit.sx(0)
        circuit.rz(angle, 0)
    circuit.measure(0, 0)
    got = result(sampler([(circuit, [[0.0], [np.pi]], 100)], noise=False))[0].data.c
    assert got.bitcount().sum(axis=-1).tolist() == [100, 0]


def test_plain_form(engine: Engine) -> None:
    params = {"pubs": [[bell(), [], 6], [rabi(), [[0.0], [0.0]], 3]], "version": 2}
    body = json.loads(engine.run(task("sampler", params, noise=False)).result)
    first, second = body["results"]
    assert first["data"]["c"]["num_bits"] == 2
    assert len(first["data"]["c"]["samples"]) == 6
    assert set(first["data"]["c"]["samples"]) <= {"0x0", "0x3"}
    assert second["data"]["out"]["samples"] == [["0x1"] * 3] * 2


def test_openqasm_without_qiskit(engine: Engine) -> None:
    text = 'OPENQASM 2.0; include "qelib1.inc"; qreg q[5]; creg c[1]; x q[0]; measure q[0] -> c[0];'
    body = json.loads(engine.run(task("sampler", {"pubs": [[text, None, 2]]}, noise=False)).result)
    assert body["results"][0]["data"]["c"]["samples"] == ["0x1", "0x1"]


@pytest.mark.parametrize(("kind", "shape"), [("kerneled", (500, 2)), ("avg_kerneled", (2,))])
def test_signals(result: Result, kind: str, shape: tuple[int, ...]) -> None:
    job = sampler([(bell(), None, 500)], options={"execution": {"meas_type": kind}})
    register = result(sampler([(bell(), None, 500)]))[0].data.c
    # What BitArray.to_bool_array(order="little") does, which qiskit 1.4 does not have.
    bits = np.unpackbits(register.array, axis=-1)[..., ::-1][..., : register.num_bits]

    signals = result(job)[0].data.c

    assert signals.shape == shape
    if kind == "kerneled":
        assert np.array_equal(signals.real > 0, bits)
    else:
        # The mean lies between the states, where the share of ones puts it; the noise of the
        # signal adds 0.3 / sqrt(500), of which this is five.
        assert np.abs(signals.real - (2 * bits.mean(axis=0) - 1)).max() < 0.07


def test_twirled_gates_have_pauli_noise(result: Result) -> None:
    """Relaxation leads to 0, its twirl to 0 and 1 alike."""
    circuit = QuantumCircuit(5, 1)
    dt = machine_of(device("fake_manila").snapshot).target.dt
    circuit.x(0)
    circuit.delay(16 * round(2e-3 / dt / 16), 0)
    circuit.measure(0, 0)
    shares = []
    for twirl in (False, True):
        options = {"twirling": {"enable_gates": twirl}}
        counts = result(sampler([(circuit, None, 10_000)], options=options))[0].data.c.get_counts()
        shares.append(counts.get("1", 0) / 10_000)

    # 2 ms are more than ten times T1; readout errors are below 0.1.
    assert shares[0] < 0.1
    assert shares[1] == pytest.approx(0.5, abs=5 * 0.005)
