"""What the service refuses: limits of the device, angles, QPY versions, unknown options."""

from __future__ import annotations

import base64
import io
import math
import zlib
from typing import Any

import numpy as np
import pytest
from qiskit import QuantumCircuit, qpy
from qiskit.circuit import Parameter

from pytest_qiskit_fakeruntime.execute import Engine
from pytest_qiskit_fakeruntime.execute.devices import machine_of
from pytest_qiskit_fakeruntime.execute.rules import Limits
from pytest_qiskit_fakeruntime.world.execution import JobFailed, Rejected, Task

from ..capabilities import OPTIONS_MODEL, needs
from .jobs import bell, device, estimator, sampler, task


def refusal(engine: Engine, job: Task) -> Rejected:
    """How the service answers, which a job that runs all the same fails with as well."""
    with pytest.raises(Rejected) as rejected:
        engine.check(job)
    with pytest.raises(JobFailed) as failed:
        engine.run(job)
    assert (failed.value.code, failed.value.reason) == (rejected.value.code, rejected.value.message)
    return rejected.value


def test_limits_are_those_of_the_configuration() -> None:
    limits = machine_of(device("fake_fez").snapshot).limits

    assert (limits.qubits, limits.shots) == (156, 100_000)
    assert limits.rep_delay == pytest.approx((0.0, 500e-6))
    assert limits.angles == {"rzz": (0.0, math.pi / 2)}
    assert Limits.of({"n_qubits": 3, "simulator": True}).angles == {}


def test_too_many_executions(engine: Engine) -> None:
    error = refusal(engine, sampler([(bell(), None, 90_000)] * 120))

    assert "too many executions (10800000 > 10000000)" in error.message


@pytest.mark.parametrize("delay", [600e-6, 1])
def test_repetition_delay_of_another_device(engine: Engine, delay: float) -> None:
    error = refusal(engine, sampler([bell()], options={"execution": {"rep_delay": delay}}))

    assert error.code == 8030
    assert str(delay) in error.message


@pytest.mark.parametrize("version", [10, 12, 18])
def test_qpy_version_that_the_service_does_not_read(engine: Engine, version: int) -> None:
    file = io.BytesIO()
    qpy.dump(bell(), file, version=13)
    data = bytearray(file.getvalue())
    data[6] = version
    job = sampler([bell()])
    circuit = {
        "__type__": "QuantumCircuit",
        "__value__": base64.b64encode(zlib.compress(bytes(data))).decode(),
    }
    broken = task("sampler", {**job.params, "pubs": [[circuit, None, 10]]})

    with pytest.raises(Rejected, match=f"QPY version {version}|cannot be decoded"):
        engine.check(broken)


@needs(OPTIONS_MODEL)
@pytest.mark.parametrize(
    ("make", "options", "name"),
    [
        (sampler, {"twirlling": {}}, "options.twirlling"),
        (sampler, {"twirling": {"strategy": "some"}}, "options.twirling.strategy"),
        (sampler, {"dynamical_decoupling": {"sequence_type": "Z"}}, "sequence_type"),
        (estimator, {"resilience": {"zne": {"amplifier": "hope"}}}, "amplifier"),
        (estimator, {"default_shots": -1}, "options.default_shots"),
    ],
)
def test_options_that_the_service_does_not_have(
    engine: Engine, make: Any, options: dict[str, Any], name: str
) -> None:
    pub = bell() if make is sampler else (bell(), "IIIZZ")

    error = refusal(engine, make([pub], options=options))

    assert error.code == 1208
    assert name in error.message


def fractional(angle: Any) -> QuantumCircuit:
    circuit = QuantumCircuit(2, 2)
    circuit.rzz(angle, 0, 1)
    circuit.measure([0, 1], [0, 1])
    return circuit


@pytest.fixture
def heron(engine: Engine) -> Any:
    """A device with fractional gates, on two qubits."""
    from qiskit.circuit import IfElseOp, Measure
    from qiskit.circuit.library import RXGate, RZGate, RZZGate, SXGate
    from qiskit.transpiler import InstructionProperties, Target

    from pytest_qiskit_fakeruntime.execute.devices import snapshot_of
    from pytest_qiskit_fakeruntime.world.devices import Device

    target = Target(num_qubits=2)
    single = {(q,): InstructionProperties(error=1e-3, duration=3e-8) for q in range(2)}
    for gate in (RXGate(Parameter("a")), RZGate(Parameter("a")), SXGate(), Measure()):
        target.add_instruction(gate, dict(single))
    pair = {(0, 1): InstructionProperties(error=1e-2, duration=6e-8)}
    target.add_instruction(RZZGate(Parameter("a")), pair)
    target.add_instruction(IfElseOp, name="if_else")
    return Device("ibm_tiny", snapshot_of(target)[1])


@pytest.mark.parametrize("angle", [0.0, 0.3, math.pi / 2])
def test_angle_of_a_fractional_gate(engine: Engine, heron: Any, angle: float) -> None:
    engine.run(sampler([(fractional(angle), None, 10)], heron))


@pytest.mark.parametrize("angle", [-0.1, 1.6, math.pi])
def test_angle_that_a_fractional_gate_cannot_have(engine: Engine, heron: Any, angle: float) -> None:
    free = fractional(Parameter("a"))
    inner = QuantumCircuit(2, 2)
    inner.measure(0, 0)
    with inner.if_test((inner.clbits[0], True)):
        inner.rzz(angle, 0, 1)
    bound = [fractional(angle), (free, np.array([[0.1], [angle]])), inner]
    for pub in bound:
        job = sampler([pub], heron)
        engine.check(job)
        with pytest.raises(JobFailed, match="rzz is not supported at the angle") as error:
            engine.run(job)
        assert error.value.code == 1517


def test_dynamic_circuit_on_a_device_without_control_flow(engine: Engine) -> None:
    circuit = QuantumCircuit(5, 1)
    circuit.measure(0, 0)
    with circuit.while_loop((circuit.clbits[0], True)):
        circuit.measure(0, 0)

    with pytest.raises(JobFailed, match=r"instruction while_loop .* is not supported") as error:
        engine.run(sampler([circuit]))
    assert error.value.code == 1517
