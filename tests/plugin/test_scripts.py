"""Canned results, through the real client."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Parameter
from qiskit.primitives.containers import BitArray, DataBin, PrimitiveResult, SamplerPubResult
from qiskit_ibm_runtime import EstimatorV2, SamplerV2

from pytest_qiskit_fakeruntime import FakeRuntime, UsageError

from ..client.conftest import ESTIMATORS, SAMPLERS, make

pytestmark = [
    pytest.mark.fake_backend("fake_manila"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


def circuit(*registers: int, parameter: bool = False) -> QuantumCircuit:
    made = QuantumCircuit(
        QuantumRegister(5), *(ClassicalRegister(n, f"c{i}") for i, n in enumerate(registers))
    )
    if parameter:
        made.rz(Parameter("a"), 0)
    made.measure(range(made.num_clbits), range(made.num_clbits))
    return made


def test_counts(fake_runtime: FakeRuntime, fake_runtime_backend: Any) -> None:
    fake_runtime.script({"10": 3, "01": 1})

    result = SamplerV2(fake_runtime_backend).run([circuit(2)], shots=4).result()

    assert result[0].data.c0.get_counts() == {"10": 3, "01": 1}
    assert fake_runtime.jobs.last.notes["simulation"] == "script"


def test_bitstrings_by_register_and_pub(
    fake_runtime: FakeRuntime, fake_runtime_backend: Any
) -> None:
    fake_runtime.script([{"c0": ["10", "00"], "c1": {"1": 2}}, ["111", "000"]])

    result = SamplerV2(fake_runtime_backend).run([circuit(2, 1), circuit(3)], shots=2).result()

    assert result[0].data.c0.get_bitstrings() == ["10", "00"]
    assert result[0].data.c1.get_bitstrings() == ["1", "1"]
    assert result[1].data.c0.get_bitstrings() == ["111", "000"]


def test_shape_of_the_parameters(fake_runtime: FakeRuntime, fake_runtime_backend: Any) -> None:
    fake_runtime.script({"c0": [{"0": 2}, {"1": 2}, ["0", "1"]]})
    pub = (circuit(1, parameter=True), np.zeros((3, 1)))

    data = SamplerV2(fake_runtime_backend).run([pub], shots=2).result()[0].data

    assert data.c0.shape == (3,)
    assert data.c0.get_bitstrings(2) == ["0", "1"]


def test_expectation_values(fake_runtime: FakeRuntime, fake_runtime_backend: Any) -> None:
    bare = QuantumCircuit(5)
    fake_runtime.script([{"evs": [0.5, -0.5], "stds": 0.01}, 0.25], program="estimator")

    result = EstimatorV2(fake_runtime_backend).run([(bare, ["ZIIII", "IIIIZ"]), (bare, "ZIIII")])

    first, second = result.result()
    assert first.data.evs.tolist() == [0.5, -0.5]
    assert first.data.stds.tolist() == [0.01, 0.01]
    assert float(second.data.evs) == 0.25


@pytest.mark.parametrize("twirl", [False, True])
def test_client_side_sampler(
    fake_runtime: FakeRuntime, fake_runtime_backend: Any, twirl: bool
) -> None:
    sampler = make(SAMPLERS[1], fake_runtime_backend)
    fake_runtime.script({"00": 60, "11": 40})
    sampler.options.twirling.enable_measure = twirl
    sampler.options.twirling.num_randomizations = 4
    sampler.options.twirling.shots_per_randomization = 25

    result = sampler.run([circuit(2)], shots=100).result()

    assert result[0].data.c0.get_counts() == {"00": 60, "11": 40}


def test_client_side_estimator_says_what_to_do(
    fake_runtime: FakeRuntime, fake_runtime_backend: Any
) -> None:
    estimator = make(ESTIMATORS[1], fake_runtime_backend)
    fake_runtime.script(0.5, program="estimator")

    with pytest.raises(UsageError, match="raw bits"):
        estimator.run([(QuantumCircuit(5), "ZIIII")])


def test_result_object_and_function(fake_runtime: FakeRuntime, fake_runtime_backend: Any) -> None:
    bits = BitArray.from_counts({"1": 3})
    whole = PrimitiveResult([SamplerPubResult(DataBin(c0=bits))], {"version": 2})
    seen = []

    def answer(job: Any) -> Any:
        seen.append((job.program, job.backend, len(job.pubs)))
        return [{"0": pub.shots} for pub in job.pubs]

    fake_runtime.script(whole)
    fake_runtime.script(answer, backend="fake_manila")
    sampler = SamplerV2(fake_runtime_backend)

    assert sampler.run([circuit(1)]).result()[0].data.c0.get_counts() == {"1": 3}
    assert sampler.run([circuit(1)], shots=7).result()[0].data.c0.get_counts() == {"0": 7}
    assert seen == [("sampler", "fake_manila", 1)]


@pytest.mark.parametrize(
    ("result", "message"),
    [
        ({"00": 5}, "has 5 shots, but the job asks for 4"),
        ({"000": 4}, "has 2 bits, which '000' does not fit"),
        ([{"00": 4}, {"00": 4}], "the job has 1 PUBs, the script is for 2"),
        ({"c0": 4}, "has to be counts or bitstrings, not 4"),
    ],
)
def test_wrong_shape(
    fake_runtime: FakeRuntime, fake_runtime_backend: Any, result: Any, message: str
) -> None:
    fake_runtime.script(result)

    with pytest.raises(UsageError, match=message):
        SamplerV2(fake_runtime_backend).run([circuit(2)], shots=4)


def test_two_registers_have_to_be_named(
    fake_runtime: FakeRuntime, fake_runtime_backend: Any
) -> None:
    fake_runtime.script({"00": 4})

    with pytest.raises(UsageError, match="registers c0, c1"):
        SamplerV2(fake_runtime_backend).run([circuit(1, 1)], shots=4)


def test_wrong_names(fake_runtime: FakeRuntime) -> None:
    with pytest.raises(UsageError, match="Did you mean 'sampler'"):
        fake_runtime.script({}, program="samplr")
    with pytest.raises(UsageError, match="Did you mean 'fake_manila'"):
        fake_runtime.script({}, backend="fake_manilla")


def test_script_that_nobody_reads_fails_the_test() -> None:
    with (
        pytest.raises(UsageError, match="no job took the scripted result"),
        FakeRuntime("fake_manila") as fake,
    ):
        fake.script({"0": 1})
