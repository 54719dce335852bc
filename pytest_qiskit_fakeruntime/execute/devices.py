"""Devices as qiskit sees them: from JSON to `Target`, and from any backend to JSON."""

from __future__ import annotations

import copy
import functools
import json
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from ..world.snapshots import Snapshot
from . import client
from .quiet import quiet
from .rules import Limits

if TYPE_CHECKING:
    from qiskit.transpiler import Target

UNITS: Mapping[str, float] = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9, "ps": 1e-12}
"""Seconds per unit of time."""

CONTROL_FLOW = ("if_else", "for_loop", "while_loop", "switch_case")

_EPOCH = datetime(2025, 1, 1, tzinfo=timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class Machine:
    """What the simulation needs to know of a device.

    Attributes:
        target: The device with every gate it has, fractional ones included.
        simulator: Whether it is an ideal simulator: any gate, any qubits, no noise.
        num_qubits: Number of qubits.
        limits: What it takes.
        errors: Noise per instruction and qubits, filled by `noise`.
        models: Noise of whole circuits, filled by `noise`.
        twirled: Whether the noise of its gates is Pauli-twirled.
        perfect_gates: Whether only its readout has noise.
    """

    twirled = False
    perfect_gates = False

    def __init__(self, target: Target, configuration: Mapping[str, Any], calibrated: bool) -> None:
        self.target = target
        self.simulator = bool(configuration.get("simulator"))
        self.num_qubits = int(configuration["n_qubits"])
        self.limits = Limits.of(configuration)
        self.calibrated = calibrated
        self.errors: dict[Any, Any] = {}
        self.models: dict[Any, Any] = {}
        self.variants: dict[tuple[bool, bool], Machine] = {}

    def variant(self, *, twirled: bool = False, perfect_gates: bool = False) -> Machine:
        """The same device with less noise, or noise of another kind."""
        if (twirled, perfect_gates) == (self.twirled, self.perfect_gates):
            return self
        other = copy.copy(self)
        other.twirled, other.perfect_gates = twirled, perfect_gates
        other.errors, other.models = {}, {}
        return self.variants.setdefault((twirled, perfect_gates), other)

    def supports(self, name: str, qubits: tuple[int, ...]) -> bool:
        """Whether the instruction exists on these qubits."""
        return self.simulator or self.target.instruction_supported(name, qubits)

    def seconds(self, duration: float, unit: str) -> float:
        """A duration in seconds."""
        if unit == "dt":
            return float(duration * (self.target.dt or 0.0))
        return float(duration * UNITS[unit])


@functools.lru_cache(maxsize=128)
@quiet
def machine_of(snapshot: Snapshot) -> Machine:
    """The machine of a snapshot, built once by the client's own converters."""
    # The converters change the documents they are given, so each gets a fresh copy.
    document = json.loads(snapshot.configuration_text)
    configuration = client.find("configuration_from_server_data")(
        document, use_fractional_gates=None
    )
    if configuration is None:
        raise ValueError(f"the client cannot read the configuration of {snapshot.source}")
    properties = None
    if snapshot.properties_document:
        raw = json.loads(json.dumps(snapshot.properties_document))
        properties = client.find("properties_from_server_data")(raw, use_fractional_gates=None)
    # It warns that instructions which qiskit does not define are left out: so they should be.
    target = client.find("convert_to_target")(configuration, properties)
    return Machine(target, snapshot.configuration_document, properties is not None)


@quiet
def snapshot_of(source: Any) -> tuple[str, Snapshot]:
    """Configuration and calibration of a backend, as the service would send them.

    Args:
        source: A `BackendV2` of any kind (`GenericBackendV2`, a fake backend,
            `AerSimulator`, ...) or a `Target`.

    Returns:
        The name of the device and its data.

    Raises:
        TypeError: If ``source`` is none of these.
    """
    from qiskit.providers import BackendV2
    from qiskit.transpiler import Target

    if hasattr(source, "conf_filename") and hasattr(source, "_conf_dict"):
        return _of_fake_backend(source)
    if isinstance(source, BackendV2):
        name = str(source.name or "fake_backend")
        target = source.target
        # A simulator's qubits are as many as it has memory for.
        num_qubits = target.num_qubits or getattr(source, "num_qubits", None) or 32
    elif isinstance(source, Target):
        name, target = "fake_target", source
        num_qubits = target.num_qubits or 32
    else:
        raise TypeError(
            f"cannot make a device of {type(source).__name__}: give a BackendV2 or a Target"
        )
    configuration = _configuration(name, target, num_qubits)
    properties = _properties(name, target) if not configuration["simulator"] else None
    return name, Snapshot.from_documents(configuration, properties, type(source).__name__)


def _of_fake_backend(source: Any) -> tuple[str, Snapshot]:
    # The files in their own units; `_conf_dict` has been converted already.
    name = str(source.backend_name)
    configuration = source._load_json(source.conf_filename)
    properties = source._load_json(source.props_filename) if source.props_filename else None
    return name, Snapshot.from_documents(configuration, properties, type(source).__name__)


def _configuration(name: str, target: Target, num_qubits: int) -> dict[str, Any]:
    from qiskit.circuit.library import get_standard_gate_name_mapping

    known = get_standard_gate_name_mapping()
    local = {
        op: target.qargs_for_operation_name(op)
        for op in target.operation_names
        if op in known and op != "measure"
    }
    gates = [_gate(op, qargs, known[op].params) for op, qargs in local.items()]
    pairs = sorted({tuple(q) for qargs in local.values() for q in qargs or () if len(q) == 2})
    tied = any(qargs for op, qargs in local.items() if op not in ("delay", "reset"))
    flow = [op for op in CONTROL_FLOW if op in target.operation_names]
    names = [*local, *(["measure"] if "measure" in target.operation_names else [])]
    return {
        "backend_name": name,
        "backend_version": "1.0.0",
        "n_qubits": num_qubits,
        "basis_gates": [op for op in local if op not in ("delay", "reset")],
        "gates": gates,
        "supported_instructions": [*names, *flow],
        "coupling_map": [list(q) for q in pairs] if tied else None,
        "local": False,
        "simulator": not tied,
        "conditional": bool(flow),
        "open_pulse": False,
        "memory": True,
        "max_shots": 100_000,
        "online_date": _EPOCH,
        "dt": None if target.dt is None else target.dt * 1e9,
        "timing_constraints": {
            "granularity": target.granularity,
            "min_length": target.min_length,
            "pulse_alignment": target.pulse_alignment,
            "acquire_alignment": target.acquire_alignment,
        },
    }


def _gate(name: str, qargs: Any, params: Any) -> dict[str, Any]:
    gate: dict[str, Any] = {
        "name": name,
        "parameters": [str(p) for p in params],
        "qasm_def": f"gate {name} q {{ }}",
    }
    if qargs:
        gate["coupling_map"] = [list(q) for q in sorted(qargs)]
    return gate


def _value(name: str, value: float | None, unit: str) -> list[dict[str, Any]]:
    if value is None:
        return []
    return [{"date": _EPOCH, "name": name, "unit": unit, "value": float(value)}]


def _gigahertz(frequency: float | None) -> float | None:
    return None if frequency is None else frequency * 1e-9


def _properties(name: str, target: Target) -> dict[str, Any]:
    # Seconds, as `Target` has them: converting to ns and back would lose the last digit.
    measure = target["measure"] if "measure" in target.operation_names else {}
    qubits = []
    for q in range(target.num_qubits):
        physics = target.qubit_properties[q] if target.qubit_properties else None
        readout = measure.get((q,))
        known = [
            *_value("T1", getattr(physics, "t1", None), "s"),
            *_value("T2", getattr(physics, "t2", None), "s"),
            *_value("frequency", _gigahertz(getattr(physics, "frequency", None)), "GHz"),
            *_value("readout_error", getattr(readout, "error", None), ""),
            *_value("readout_length", getattr(readout, "duration", None), "s"),
        ]
        # The client has no qubit that nothing is known about.
        qubits.append(known or _value("operational", 1, ""))
    gates = [
        {
            "gate": op,
            "name": f"{op}{'_'.join(map(str, qargs))}",
            "qubits": list(qargs),
            "parameters": [
                *_value("gate_error", properties.error, ""),
                *_value("gate_length", properties.duration, "s"),
            ],
        }
        for op in target.operation_names
        if op != "measure"
        for qargs, properties in (target[op] or {}).items()
        if qargs is not None and properties is not None
    ]
    return {
        "backend_name": name,
        "backend_version": "1.0.0",
        "last_update_date": _EPOCH,
        "qubits": qubits,
        "gates": gates,
        "general": [],
    }
