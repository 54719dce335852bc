"""The circuits that are measured."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from qiskit import QuantumCircuit
from qiskit.transpiler import CouplingMap


def bell() -> QuantumCircuit:
    return ghz(2)


def ghz(num_qubits: int) -> QuantumCircuit:
    circuit = QuantumCircuit(num_qubits)
    circuit.h(0)
    for qubit in range(num_qubits - 1):
        circuit.cx(qubit, qubit + 1)
    circuit.measure_all()
    return circuit


def clifford(num_qubits: int, depth: int, seed: int = 1) -> QuantumCircuit:
    """Layers of random one-qubit Clifford gates and of cz between neighbours."""
    rng = np.random.default_rng(seed)
    circuit = QuantumCircuit(num_qubits)
    for layer in range(depth):
        for qubit in range(num_qubits):
            getattr(circuit, rng.choice(["h", "s", "x", "sx", "z", "y"]))(qubit)
        for qubit in range(layer % 2, num_qubits - 1, 2):
            circuit.cz(qubit, qubit + 1)
    circuit.measure_all()
    return circuit


def kicked_ising(coupling: Any, num_qubits: int, steps: int, angle: float = 0.7) -> QuantumCircuit:
    """Trotter steps of rx on every qubit and rzz(-pi/2) on every edge of a device."""
    edges = sorted({(min(e), max(e)) for e in CouplingMap(coupling) if max(e) < num_qubits})
    layers: list[list[tuple[int, int]]] = []
    for edge in edges:
        free = (one for one in layers if all(set(edge).isdisjoint(other) for other in one))
        home = next(free, None)
        if home is None:
            layers.append([edge])
        else:
            home.append(edge)
    circuit = QuantumCircuit(num_qubits)
    for _ in range(steps):
        circuit.rx(angle, range(num_qubits))
        for layer in layers:
            for edge in layer:
                circuit.rzz(-math.pi / 2, *edge)
    circuit.measure_all()
    return circuit
