"""What the service refuses before any qubit is touched. The limits are data, per device.

Differs / undocumented: the service tells nobody all of its limits. These are the documented
ones (executions of a job, QPY versions, angles of fractional gates), what the device's own
configuration says (shots, qubits, repetition delay), and the payload models that IBM publishes.
"""

from __future__ import annotations

import base64
import functools
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from . import client
from .problem import (
    INVALID_BODY,
    NOT_ISA,
    REPETITION_DELAY,
    TOO_FEW_SHOTS,
    TOO_MANY_EXECUTIONS,
    TOO_MANY_QUBITS,
    TOO_MANY_SHOTS,
    Problem,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from qiskit.circuit import QuantumCircuit

QPY_VERSIONS = range(13, 18)
"""Versions of QPY that the service reads in ``sampler`` and ``estimator`` jobs."""

ANGLES: Mapping[str, tuple[float, float]] = {"rzz": (0.0, math.pi / 2)}
"""Angles that a fractional gate can have, in radians, both bounds included."""

_QPY_HEADER = 7
_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Limits:
    """What a device takes.

    Attributes:
        qubits: Qubits of a circuit.
        shots: Shots of one PUB.
        executions: Shots over all PUBs and parameter values of a job.
        rep_delay: Shortest and longest delay between shots, in seconds, if it can be chosen.
        angles: Angles that a gate can have, in radians.
        levels: Measurement levels: 1 for the signal, 2 for bits.
    """

    qubits: int
    shots: int = 100_000
    executions: int = 10_000_000
    rep_delay: tuple[float, float] | None = None
    angles: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    levels: tuple[int, ...] = (2,)

    @classmethod
    def of(cls, configuration: Mapping[str, Any]) -> Limits:
        """The limits of a device.

        Args:
            configuration: Body of ``GET /backends/{name}/configuration``.
        """
        simulator = bool(configuration.get("simulator"))
        dynamic = configuration.get("dynamic_reprate_enabled")
        microseconds = configuration.get("rep_delay_range") if dynamic else None
        return cls(
            qubits=int(configuration["n_qubits"]),
            shots=int(configuration.get("max_shots") or cls.shots),
            rep_delay=(microseconds[0] * 1e-6, microseconds[1] * 1e-6) if microseconds else None,
            angles={} if simulator else ANGLES,
            levels=tuple(configuration.get("meas_levels") or cls.levels),
        )

    def check(self, circuit: QuantumCircuit, shots: int) -> None:
        """Hold a circuit and its shots against the device.

        Raises:
            Problem: If it does not take them.
        """
        if shots > self.shots:
            raise Problem(TOO_MANY_SHOTS, f"Too many shots given ({shots} > {self.shots}).")
        if shots < 1:
            raise Problem(TOO_FEW_SHOTS, f"Too few shots given ({shots} < 1).")
        if circuit.num_qubits > self.qubits:
            raise Problem(
                TOO_MANY_QUBITS,
                f"The circuit has {circuit.num_qubits} qubits, but the backend has only "
                f"{self.qubits}.",
            )

    def check_executions(self, executions: int) -> None:
        """Hold the size of a job against the device.

        Raises:
            Problem: If it is too large.
        """
        if executions > self.executions:
            raise Problem(
                TOO_MANY_EXECUTIONS,
                f"The job has too many executions ({executions} > {self.executions}).",
                "Use fewer shots or parameter values, or several jobs.",
            )

    def check_rep_delay(self, seconds: Any) -> None:
        """Hold the delay between shots against the device.

        Raises:
            Problem: If the device cannot wait so long or so shortly.
        """
        if seconds is None or self.rep_delay is None:
            return
        low, high = self.rep_delay
        if not (isinstance(seconds, (int, float)) and low <= seconds <= high):
            raise Problem(
                REPETITION_DELAY,
                f"Repetition delay ({seconds}) is not supported.",
                f"Use {low:g} to {high:g} seconds.",
            )

    def check_angles(self, circuit: QuantumCircuit, values: NDArray[np.float64]) -> None:
        """Hold the angles of fractional gates against the device.

        Args:
            circuit: The circuit, or the body of a control-flow instruction.
            values: Parameter values, shape ``(points, parameters)``, in the circuit's order.

        Raises:
            Problem: If a gate cannot have such an angle.
        """
        for inst in circuit.data:
            op = inst.operation
            for block in getattr(op, "blocks", ()):
                known = [list(circuit.parameters).index(p) for p in block.parameters]
                self.check_angles(block, values[:, known])
            if op.name not in self.angles or not op.params:
                continue
            low, high = self.angles[op.name]
            angles = numbers(op.params[0], circuit, values)
            wrong = angles[(angles < low - _TOLERANCE) | (angles > high + _TOLERANCE)]
            if wrong.size:
                raise Problem(
                    NOT_ISA,
                    f"The instruction {op.name} is not supported at the angle {wrong[0]:.6g}: "
                    f"it must be between {low:g} and {high:.6g}.",
                    "Fold the angle with the FoldRzzAngle pass of qiskit_ibm_runtime.",
                )


def numbers(
    expression: Any, circuit: QuantumCircuit, values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Values of a gate's parameter, shape ``(points,)``, or ``(1,)`` if it is a number.

    Args:
        expression: The parameter.
        circuit: Whose parameters it is made of.
        values: Their values, shape ``(points, parameters)``.
    """
    parameters = getattr(expression, "parameters", ())
    if not parameters:
        return np.array([float(expression)])
    order = {parameter: column for column, parameter in enumerate(circuit.parameters)}
    columns = values[:, [order[p] for p in parameters]]
    slopes = [expression.gradient(p) for p in parameters]
    if all(isinstance(slope, (int, float)) for slope in slopes):
        origin = float(expression.bind(dict.fromkeys(parameters, 0.0)))
        linear: NDArray[np.float64] = columns @ np.array(slopes, float) + origin
        return linear
    rows = (dict(zip(parameters, row, strict=True)) for row in columns.tolist())
    return np.array([float(expression.bind(row)) for row in rows])


def check_payload(program_id: str, params: Mapping[str, Any]) -> None:
    """Look at a ``sampler`` or ``estimator`` job as it was sent.

    Raises:
        Problem: If its circuits are in a QPY version that the service does not read, or its
            options are not those of IBM's published model of them.
    """
    for index, pub in enumerate(params.get("pubs") or ()):
        circuit = pub[0] if isinstance(pub, (list, tuple)) and pub else None
        version = _qpy_version(circuit)
        if version is not None and version not in QPY_VERSIONS:
            raise Problem(
                INVALID_BODY,
                f"The circuit of pub {index} is in QPY version {version}; supported versions are "
                f"{QPY_VERSIONS[0]} to {QPY_VERSIONS[-1]}.",
            )
    model = _options_model(program_id)
    if model is None:
        return
    from pydantic import ValidationError

    try:
        model.model_validate(params.get("options") or {})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, ("options", *first["loc"])))
        raise Problem(INVALID_BODY, f"The option {where} is not valid: {first['msg']}.") from error


@functools.cache
def _options_model(program_id: str) -> Any:
    try:
        return client.options_model(program_id)
    except client.Lacking:
        return None


def _qpy_version(circuit: Any) -> int | None:
    """Version in the header of an encoded circuit; ``None`` where there is no header."""
    text = circuit.get("__value__") if isinstance(circuit, Mapping) else None
    if not isinstance(text, str):
        return None
    try:
        header = zlib.decompressobj().decompress(base64.b64decode(text), _QPY_HEADER)
    except (ValueError, zlib.error):
        return None  # the decoder will say so better
    return header[6] if len(header) == _QPY_HEADER and header[:6] == b"QISKIT" else None
