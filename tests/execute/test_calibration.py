"""Changes of a calibration, and that the simulation and the client honour them."""

from __future__ import annotations

import math
from typing import Any

import pytest
from qiskit import QuantumCircuit

from pytest_qiskit_fakeruntime.execute import Engine
from pytest_qiskit_fakeruntime.execute.devices import machine_of
from pytest_qiskit_fakeruntime.world.devices import Device
from pytest_qiskit_fakeruntime.world.execution import JobFailed

from .jobs import decode, device, sampler

SHOTS = 10_000
SIGMA = math.sqrt(0.25 / SHOTS)
"""Largest standard deviation of a share of the shots."""


@pytest.fixture
def manila() -> Device:
    return device("fake_manila")


def ones(engine: Engine, on: Device, circuit: QuantumCircuit) -> float:
    """Share of shots in which the first bit is 1."""
    result = decode("sampler", engine.run(sampler([(circuit, None, SHOTS)], on)).result)
    return float(result[0].data.c.get_counts().get("1", 0)) / SHOTS


def test_readout_error(engine: Engine, manila: Device) -> None:
    circuit = QuantumCircuit(5, 1)
    circuit.measure(2, 0)
    manila.calibrate(qubit=2, readout_error=0.3)

    assert ones(engine, manila, circuit) == pytest.approx(0.3, abs=5 * SIGMA)


def test_relaxation_times(engine: Engine, manila: Device) -> None:
    manila.calibrate(qubit=0, t1=10e-6, t2=10e-6)
    manila.calibrate(readout_error=0)
    manila.calibrate(gate="x", qubits=(0,), error=0, duration=0)
    circuit = QuantumCircuit(5, 1)
    circuit.x(0)
    dt = machine_of(manila.snapshot).target.dt
    circuit.delay(round(10e-6 / dt), 0)  # qiskit's QPY loses units other than dt
    circuit.measure(0, 0)

    assert ones(engine, manila, circuit) == pytest.approx(math.exp(-1), abs=5 * SIGMA)


def test_gate_error(engine: Engine, manila: Device) -> None:
    manila.calibrate(readout_error=0)
    manila.calibrate(gate="cx", qubits=(0, 1), error=0.75)
    circuit = QuantumCircuit(5, 1)
    circuit.cx(0, 1)
    circuit.measure(1, 0)

    # An average error of 3/4 is what full depolarisation of two qubits makes.
    assert ones(engine, manila, circuit) > 0.45
    back = QuantumCircuit(5, 1)
    back.cx(2, 1)
    back.measure(1, 0)
    assert ones(engine, manila, back) < 0.05


def test_faulty_qubit_and_gate(engine: Engine, manila: Device) -> None:
    manila.calibrate(qubit=4, operational=False)
    manila.calibrate(gate="cx", qubits=(0, 1), operational=False)
    machine = machine_of(manila.snapshot)

    assert not machine.supports("x", (4,))
    assert not machine.supports("cx", (0, 1))
    assert machine.supports("cx", (1, 2))
    circuit = QuantumCircuit(5, 1)
    circuit.cx(0, 1)
    circuit.measure(0, 0)
    with pytest.raises(JobFailed, match=r"cx on qubits \(0, 1\) is not supported"):
        engine.run(sampler([circuit], manila))


def test_client_sees_it(manila: Device) -> None:
    manila.calibrate(qubit=[0, 1], t1=20e-6, frequency=4.9e9, readout_duration=1e-6)
    manila.calibrate(gate="cx", error=0.125, duration=300e-9)
    target = machine_of(manila.snapshot).target

    assert target.qubit_properties[1].t1 == pytest.approx(20e-6)
    assert target.qubit_properties[1].frequency == pytest.approx(4.9e9)
    assert target.qubit_properties[2].t1 != pytest.approx(20e-6)
    assert target["measure"][(0,)].duration == pytest.approx(1e-6)
    assert {p.error for p in target["cx"].values()} == {0.125}


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ({"qubit": 0, "t_1": 1}, TypeError, "Did you mean 't1'"),
        ({"gate": "cx", "t1": 1}, TypeError, "a gate has error, duration, operational"),
        ({"qubit": 9, "t1": 1}, ValueError, "the device has 5 qubits"),
        ({"qubit": 0, "t1": -1}, ValueError, "must be from"),
        ({"qubit": 0, "readout_error": 2}, ValueError, "from 0 to 1"),
        ({"gate": "cxx", "error": 0.1}, ValueError, "Did you mean 'cx'"),
        (
            {"gate": "cx", "qubits": (0, 4), "error": 0.1},
            ValueError,
            r"none on the qubits \[0, 4\]",
        ),
        ({"gate": "cx", "qubit": 1, "error": 0.1}, TypeError, "say qubits="),
        ({"qubits": (0, 1), "t1": 1}, TypeError, "needs gate="),
    ],
)
def test_mistakes_are_told(
    manila: Device, values: dict[str, Any], error: type[Exception], message: str
) -> None:
    before = manila.snapshot

    with pytest.raises(error, match=message):
        manila.calibrate(**values)

    assert manila.snapshot is before
