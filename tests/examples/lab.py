"""Code of a user: it knows nothing of tests, and runs on IBM Quantum as it stands."""

from __future__ import annotations

from qiskit import QuantumCircuit
from qiskit.transpiler import generate_preset_pass_manager
from qiskit_ibm_runtime import QiskitRuntimeService


def ghz(size: int) -> QuantumCircuit:
    """All zeros and all ones at once."""
    circuit = QuantumCircuit(size)
    circuit.h(0)
    for qubit in range(size - 1):
        circuit.cx(qubit, qubit + 1)
    circuit.measure_all()
    return circuit


def choose_backend(qubits: int):  # type: ignore[no-untyped-def]
    """The device with the shortest queue that is large enough."""
    return QiskitRuntimeService().least_busy(min_num_qubits=qubits, operational=True)


def measure_ghz(size: int, shots: int = 1000) -> dict[str, int]:
    """Counts of a GHZ state on the least busy device."""
    from warnings import catch_warnings, simplefilter

    from qiskit_ibm_runtime import SamplerV2

    backend = choose_backend(size)
    circuit = generate_preset_pass_manager(1, backend=backend).run(ghz(size))
    with catch_warnings():
        simplefilter("ignore", DeprecationWarning)  # the client's newest releases say so
        sampler = SamplerV2(mode=backend)
    result = sampler.run([circuit], shots=shots).result()
    counts: dict[str, int] = result[0].data.meas.get_counts()
    return counts


def drop_old_jobs(keep: int) -> int:
    """Delete all finished jobs but the newest, and say how many."""
    service = QiskitRuntimeService()
    old = service.jobs(limit=None, pending=False)[keep:]
    for job in old:
        service.delete_job(job.job_id())
    return len(old)
