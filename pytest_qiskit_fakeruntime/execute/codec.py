"""Jobs as JSON: what the client sent, and what it is sent back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from . import client
from .problem import INVALID_BODY, QASM, Problem
from .quiet import quiet

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from qiskit.circuit import QuantumCircuit

OVERHEAD_SECONDS = 2.0
SECONDS_PER_EXECUTION = 0.00035


@dataclass(frozen=True)
class Options:
    """The options of a job, which may leave out any level.

    Attributes:
        values: The options as they were sent.
    """

    values: Mapping[str, Any]

    def get(self, *path: str, default: Any = None) -> Any:
        """The option at this path; ``default`` where it is absent or ``None``."""
        value: Any = self.values
        for key in path:
            value = value.get(key) if isinstance(value, Mapping) else None
        return default if value is None else value

    @property
    def seed(self) -> int | None:
        """The job's ``simulator.seed_simulator``."""
        seed: int | None = self.get("simulator", "seed_simulator")
        return seed

    def check_seed(self) -> None:
        """Look at the job's seed.

        Raises:
            Problem: If it is no seed.
        """
        seed: Any = self.seed
        if seed is not None and (not isinstance(seed, int) or seed < 0):
            raise Problem(INVALID_BODY, f"seed_simulator must be 0 or more, but is {seed!r}.")


def decode(params: Mapping[str, Any]) -> dict[str, Any]:
    """The params of a ``sampler`` or ``estimator`` job, with the client's objects in them.

    Raises:
        Problem: If they are not what the client would have sent.
    """
    try:
        decoded: dict[str, Any] = _decoded(params)
    except Exception as error:
        # The decoder runs qiskit's QPY reader on foreign bytes: it may raise anything.
        raise Problem(INVALID_BODY, f"The job's params cannot be decoded: {error}") from error
    pubs = decoded.get("pubs")
    if not isinstance(pubs, list) or not pubs:
        raise Problem(INVALID_BODY, "The job's params have no pubs: 'pubs' must be a list.")
    if not isinstance(decoded.get("options") or {}, dict):
        raise Problem(INVALID_BODY, "The job's options must be an object.")
    for index, pub in enumerate(pubs):
        if not isinstance(pub, (list, tuple)) or not pub:
            raise Problem(INVALID_BODY, f"Pub {index} must be a list that starts with a circuit.")
    return decoded


def circuit_of(text_or_circuit: Any, index: int) -> QuantumCircuit:
    """The circuit of a PUB, which REST users may send as OpenQASM.

    Raises:
        Problem: If it is none.
    """
    from qiskit import qasm2, qasm3
    from qiskit.circuit import QuantumCircuit

    if isinstance(text_or_circuit, QuantumCircuit):
        return text_or_circuit
    if not isinstance(text_or_circuit, str):
        raise Problem(INVALID_BODY, f"Pub {index} does not start with a circuit.")
    version2 = "OPENQASM 2" in text_or_circuit
    try:
        if version2:
            return qasm2.loads(
                text_or_circuit, custom_instructions=qasm2.LEGACY_CUSTOM_INSTRUCTIONS
            )
        return qasm3.loads(text_or_circuit)
    except Exception as error:
        # Both parsers raise errors of their own, and of the packages that they need.
        raise Problem(QASM, f"The OpenQASM of pub {index} cannot be parsed: {error}") from error


def seconds_for(executions: int) -> float:
    """QPU time of a job, in seconds, by the number of times that a circuit is executed."""
    return OVERHEAD_SECONDS + SECONDS_PER_EXECUTION * executions


def span(started: datetime, seconds: float) -> tuple[datetime, datetime]:
    """Start and stop of an execution in UTC."""
    start = started if started.tzinfo else started.replace(tzinfo=timezone.utc)
    start = start.astimezone(timezone.utc)
    return start, start + timedelta(seconds=seconds)


def encode(value: Any) -> str:
    """A result as the service writes it, in the client's encoding."""
    return json.dumps(value, cls=client.find("RuntimeEncoder"))


def as_lists(array: Any) -> Any:
    """An array as nested lists of Python numbers; a number if it has no axes."""
    return array.tolist()


def shape_of(shape: Sequence[int]) -> tuple[int, ...]:
    """A shape of plain integers, which JSON can hold."""
    return tuple(int(size) for size in shape)


def point_values(pub: Any) -> NDArray[np.float64]:
    """Parameter values of a PUB, shape ``(points, parameters)``, in the circuit's order."""
    bindings, parameters = pub.parameter_values, pub.circuit.parameters
    # Without parameters the shape of the bindings is all that tells how many points there are.
    values: NDArray[np.float64] = bindings.as_array(parameters).reshape(
        bindings.size, len(parameters)
    )
    return values


@quiet
def decode_inputs(program_id: str, params: Mapping[str, Any]) -> Any:
    """What a client sent, as the client itself would show it (``job.inputs``).

    Args:
        program_id: The program of the job.
        params: Its params as they were submitted.

    Returns:
        A dict of the client's objects; for an ``executor`` job its ``QuantumProgram`` and
        options.
    """
    if program_id != "executor":
        return _decoded(params)
    schema = client.schemas()[params["schema_version"]]
    program, options = schema.decode(schema.params.model_validate(dict(params)))
    return {**params, "quantum_program": program, "options": options}


@quiet
def circuits_of(program_id: str, params: Mapping[str, Any]) -> list[QuantumCircuit]:
    """The circuits of a job, in order.

    Args:
        program_id: The program of the job.
        params: Its params as they were submitted.
    """
    inputs = decode_inputs(program_id, params)
    if program_id == "executor":
        return [item.circuit for item in inputs["quantum_program"].items]
    if "pubs" in inputs:
        return [circuit_of(pub[0], index) for index, pub in enumerate(inputs["pubs"])]
    return list(inputs.get("circuits", []))


@quiet
def decode_result(program_id: str, result: str) -> Any:
    """A result as the client decodes it (``job.result()``).

    Args:
        program_id: The program of the job.
        result: Body of ``GET /jobs/{id}/results``.
    """
    value: Any = result
    for decoder in client.decoders(program_id):
        if value is result or decoder.is_applicable(value):
            value = decoder.decode(value)
    return value


def _decoded(params: Mapping[str, Any]) -> Any:
    return json.loads(json.dumps(dict(params)), cls=client.find("RuntimeDecoder"))
