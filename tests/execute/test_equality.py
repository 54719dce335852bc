"""Equal in distribution to Aer with the noise model of the whole device."""

from __future__ import annotations

import functools
import math
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, seed, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel
from qiskit_ibm_runtime.fake_provider import FakeJakartaV2, FakeManilaV2, FakePerth

from pytest_qiskit_fakeruntime.execute.devices import machine_of
from pytest_qiskit_fakeruntime.execute.simulate import Source, sample

from .jobs import counts_of_aer, device, distance, sampling_bound

SHOTS = 100_000
SHOTS_OF_DYNAMIC = 2_000
DEVICES = {"fake_manila": FakeManilaV2, "fake_jakarta": FakeJakartaV2, "fake_perth": FakePerth}
EXAMPLES = 10
"""Circuits per device: 30 in all."""

Step = tuple[str, int, int, float]

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["sx", "x", "rz", "id", "cx", "cx", "delay", "reset", "measure", "if"]),
        st.integers(0, 4),
        st.integers(0, 7),
        st.floats(-math.pi, math.pi, allow_nan=False),
    ),
    min_size=3,
    max_size=16,
)


@functools.cache
def whole(name: str) -> tuple[NoiseModel, Any]:
    backend = DEVICES[name]()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return NoiseModel.from_backend(backend), backend.target


def circuit_of(name: str, steps: list[Step]) -> QuantumCircuit:
    """A circuit of the device's own instructions on at most 5 qubits, measured at the end."""
    target = whole(name)[1]
    # The qubits 0 to 4 are connected on each of the devices.
    pairs = sorted(q for q in target["cx"] if max(q) < 5)
    circuit = QuantumCircuit(target.num_qubits, 6)
    for kind, qubit, pair, angle in steps:
        match kind:
            case "rz":
                circuit.rz(angle, qubit)
            case "cx":
                circuit.cx(*pairs[pair % len(pairs)])
            case "delay":
                circuit.delay(16 * round(1000 * (1 + angle**2)), qubit)
            case "measure":
                circuit.measure(qubit, 5)
            case "if":
                with circuit.if_test((circuit.clbits[5], True)):
                    circuit.x(qubit)
            case _:
                getattr(circuit, kind)(qubit)
    used = {circuit.find_bit(q).index for inst in circuit.data for q in inst.qubits}
    circuit.measure(sorted(used), sorted(used))
    return circuit


def ours(name: str, circuit: QuantumCircuit, shots: int) -> dict[int, int]:
    source = Source(machine_of(device(name).snapshot), True, 11)
    [bits] = sample(source, circuit, np.zeros((1, 0)), shots, [0]).bits
    words, counts = np.unique(bits @ (1 << np.arange(bits.shape[1])), return_counts=True)
    return dict(zip(words.tolist(), counts.tolist(), strict=True))


def of_aer(name: str, circuit: QuantumCircuit, shots: int) -> dict[int, int]:
    # A delay is nothing to Aer's noise model but for the pass that adds relaxation to it.
    from qiskit_aer.noise import RelaxationNoisePass

    noise, target = whole(name)
    qubits = range(target.num_qubits)
    t1s = [target.qubit_properties[q].t1 for q in qubits]
    t2s = [min(target.qubit_properties[q].t2, 2 * t1s[q]) for q in qubits]
    from qiskit.circuit import Delay

    relaxed = RelaxationNoisePass(t1s, t2s, dt=target.dt, op_types=Delay)(circuit)
    simulator = AerSimulator(noise_model=noise, max_parallel_threads=1)
    found = counts_of_aer(simulator, relaxed, shots)
    return {int(word, 2): count for word, count in found.items()}


@pytest.mark.slow
@pytest.mark.parametrize("name", DEVICES)
def test_circuits_have_the_distribution_of_aer(name: str) -> None:
    excesses: list[float] = []

    @seed(20)
    @settings(max_examples=EXAMPLES, deadline=None, database=None, phases=[Phase.generate])
    @given(STEPS)
    def check(steps: list[Step]) -> None:
        circuit = circuit_of(name, steps)
        kinds = {kind for kind, *_ in steps}
        # A shot of its own for each shot costs Aer milliseconds.
        dynamic = not kinds.isdisjoint({"measure", "if", "reset"})
        shots = SHOTS_OF_DYNAMIC if dynamic else SHOTS
        one, other = ours(name, circuit, shots), of_aer(name, circuit, shots)
        outcomes = len(one.keys() | other.keys())
        apart = distance(one, other)
        assert apart < sampling_bound(outcomes, shots)
        excesses.append(apart / math.sqrt(outcomes / (math.pi * shots)))

    check()

    # sqrt(k / (pi N)) is the largest mean that chance allows, so the ratio is below 1 on average.
    assert len(excesses) == EXAMPLES
    assert np.mean(excesses) < 1.1
