"""The figures of the engine, through the real client. Run by name: ``pytest tests/bench``.

Ratios are taken in one process, our jobs and those of local testing mode in turn.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit.library import efficient_su2
from qiskit.circuit.random import random_circuit
from qiskit.transpiler import generate_preset_pass_manager
from qiskit_ibm_runtime import SamplerV2
from qiskit_ibm_runtime.fake_provider import FakeFez, FakeManilaV2, FakeSherbrooke

from pytest_qiskit_fakeruntime import FakeRuntime

from .circuits import bell, clifford, ghz, kicked_ising

pytestmark = pytest.mark.filterwarnings("ignore")  # of local testing mode

LOCAL = {"fake_manila": FakeManilaV2, "fake_sherbrooke": FakeSherbrooke, "ibm_fez": FakeFez}


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeRuntime]:
    with FakeRuntime(*LOCAL, seed=1) as started:
        yield started


def isa(backend: Any, circuit: QuantumCircuit) -> QuantumCircuit:
    return generate_preset_pass_manager(1, backend=backend, seed_transpiler=1).run(circuit)


def job(backend: Any, pubs: list[Any], shots: int) -> Callable[[], Any]:
    """``run()`` to the decoded result."""
    return lambda: SamplerV2(backend).run(pubs, shots=shots).result()


def seconds(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def report(benchmark: Any, **figures: Any) -> None:
    benchmark.extra_info.update(figures)
    print(f"\n{benchmark.name}: {json.dumps(figures)}")


@pytest.mark.parametrize(
    ("name", "factor", "rounds"),
    [("fake_manila", 8, 7), ("fake_sherbrooke", 80, 3), ("ibm_fez", 400, 2)],
)
def test_bell(benchmark: Any, fake: FakeRuntime, name: str, factor: int, rounds: int) -> None:
    backend = fake.service().backend(name)
    circuit = isa(backend, bell())
    ours = job(backend, [circuit], 4096)
    theirs = job(LOCAL[name](), [circuit], 4096)
    ours()
    theirs()
    fast, slow = [], []
    for _ in range(rounds):
        fast += [seconds(ours) for _ in range(10)]
        slow.append(seconds(theirs))
    benchmark.pedantic(ours, rounds=10)
    ratio = median(slow) / median(fast)
    report(benchmark, ours_ms=1e3 * median(fast), local_ms=1e3 * median(slow), ratio=ratio)
    assert ratio >= factor


COLD = """
import time, warnings
warnings.simplefilter("ignore")
from qiskit.transpiler import generate_preset_pass_manager
from qiskit_ibm_runtime import SamplerV2
from qiskit_ibm_runtime.fake_provider import FakeFez
from pytest_qiskit_fakeruntime import FakeRuntime
from tests.bench.circuits import bell

def seconds(backend):
    start = time.perf_counter()
    SamplerV2(backend).run([circuit], shots=4096).result()
    return time.perf_counter() - start

with FakeRuntime("ibm_fez", seed=1) as fake:
    backend = fake.service().backend("ibm_fez")
    circuit = generate_preset_pass_manager(1, backend=backend).run(bell())
    ours = seconds(backend)
print(ours, seconds(FakeFez()))
"""


def test_first_job_on_a_cold_device(benchmark: Any) -> None:
    """A fresh process: imports of the engine, decoding of the device and the job."""

    def run() -> str:
        return subprocess.run(
            [sys.executable, "-c", COLD], capture_output=True, text=True, check=True
        ).stdout

    ours, local = map(float, benchmark.pedantic(run, rounds=1).split())
    report(benchmark, ours_s=ours, local_s=local, ratio=local / ours)
    assert local / ours >= 20


@pytest.mark.parametrize("circuit", [ghz(100), clifford(100, 20)], ids=["ghz-100", "clifford-100"])
def test_large_clifford_circuits(benchmark: Any, fake: FakeRuntime, circuit: Any) -> None:
    backend = fake.service().backend("ibm_fez")
    work = job(backend, [isa(backend, circuit)], 1000)
    result = benchmark.pedantic(work, rounds=3, warmup_rounds=1)
    assert result[0].data.meas.num_shots == 1000
    report(benchmark, seconds=benchmark.stats["median"])
    assert benchmark.stats["median"] <= 3


@pytest.mark.parametrize("name", ["fake_sherbrooke", "ibm_fez"])
def test_kicked_ising(benchmark: Any, fake: FakeRuntime, name: str) -> None:
    backend = fake.service().backend(name)
    circuit = isa(backend, kicked_ising(backend.coupling_map, 127, 5))
    result = benchmark.pedantic(job(backend, [circuit], 1000), rounds=1)
    [how] = result[0].metadata["simulation"]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    report(benchmark, seconds=benchmark.stats["median"], peak_gib=peak, **how)
    assert how["method"] == "matrix_product_state"
    assert how["max_bond_dimension"] >= 16


def test_many_pubs_and_bindings(benchmark: Any, fake: FakeRuntime) -> None:
    backend = fake.service().backend("fake_manila")
    ansatz = efficient_su2(5, reps=2)
    ansatz.measure_all()
    circuit = isa(backend, ansatz)
    values = np.random.default_rng(1).uniform(0, 6, (50, circuit.num_parameters))
    job(backend, [(circuit, values)], 1024)()
    fast, slow = [], []
    for _ in range(2):
        fast.append(seconds(job(backend, [(circuit, values)] * 100, 1024)))
        # A tenth of the job, which is in favour of local testing mode.
        slow.append(10 * seconds(job(FakeManilaV2(), [(circuit, values)] * 10, 1024)))
    benchmark.pedantic(job(backend, [(circuit, values)] * 100, 1024), rounds=1)
    ratio = median(slow) / median(fast)
    report(benchmark, ours_s=median(fast), local_s=median(slow), ratio=ratio)
    assert ratio >= 10


def test_cost_grows_linearly_with_the_bindings(benchmark: Any, fake: FakeRuntime) -> None:
    backend = fake.service().backend("fake_manila")
    ansatz = efficient_su2(5, reps=2)
    ansatz.measure_all()
    circuit = isa(backend, ansatz)
    values = np.random.default_rng(1).uniform(0, 6, (1000, circuit.num_parameters))
    sizes = (10, 100, 1000)
    jobs = {size: job(backend, [(circuit, values[:size])], 1024) for size in sizes}
    times: dict[int, list[float]] = {size: [] for size in sizes}
    for _ in range(5):
        for size in sizes:
            times[size].append(seconds(jobs[size]))
    benchmark.pedantic(jobs[1000], rounds=1)
    best = {size: min(found) for size, found in times.items()}
    report(benchmark, **{f"{size}_bindings_s": found for size, found in best.items()})
    # Ten times the bindings take at most ten times as long, and some noise of the machine.
    assert best[1000] <= 12 * best[100]
    assert best[100] <= 12 * best[10]


HOPELESS = """
import json, resource, sys, time
from qiskit import qpy
from qiskit_ibm_runtime import SamplerV2
from pytest_qiskit_fakeruntime import FakeRuntime

with FakeRuntime("ibm_fez", seed=1) as fake, open(sys.argv[1], "rb") as file:
    [circuit] = qpy.load(file)
    backend = fake.service().backend("ibm_fez")
    start = time.perf_counter()
    job = SamplerV2(backend).run([circuit], shots=1000)
    status, reason = job.status(), job.error_message()
    took = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
print(json.dumps([status, reason, took, peak]))
"""


def test_what_cannot_be_simulated_fails_soon(
    benchmark: Any, fake: FakeRuntime, tmp_path: Any
) -> None:
    from qiskit import qpy

    circuit = random_circuit(40, 40, max_operands=2, seed=1)
    circuit.measure_all()
    path = tmp_path / "circuit.qpy"
    with path.open("wb") as file:
        qpy.dump(isa(fake.service().backend("ibm_fez"), circuit), file)

    def run() -> str:
        return subprocess.run(
            [sys.executable, "-c", HOPELESS, str(path)], capture_output=True, text=True, check=True
        ).stdout

    status, reason, took, peak = json.loads(benchmark.pedantic(run, rounds=1))
    report(benchmark, seconds=took, peak_gib=peak)
    assert status == "ERROR"
    assert "too many to simulate" in reason
    assert took < 10
    assert peak < 4
