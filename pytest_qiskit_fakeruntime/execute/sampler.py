"""The ``sampler`` program: bits of every classical register, for every PUB."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from . import client, codec, rules
from .problem import INVALID_BODY, TOO_FEW_SHOTS, Problem
from .program import Run
from .readout import check_level, measured
from .script import per_pub, registers_of
from .simulate import sample

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from qiskit.circuit import QuantumCircuit
    from qiskit.primitives.containers.sampler_pub import SamplerPub

    from .devices import Machine

DEFAULT_SHOTS = 4096

Registers = list[dict[str, Any]]
"""For each PUB the bits of its registers, each of shape ``(*pub.shape, shots, size)``."""


@dataclass(frozen=True)
class Sampling:
    """A valid ``sampler`` job.

    Attributes:
        pubs: Its PUBs, each with its shots.
        options: Its options.
        qiskit: Whether the result is to be in the client's encoding, or in plain JSON.
    """

    pubs: tuple[SamplerPub, ...]
    options: codec.Options
    qiskit: bool

    @classmethod
    def parse(cls, params: Mapping[str, Any], machine: Machine) -> Sampling:
        """Read a job as it was submitted.

        Raises:
            Problem: If the service would refuse it.
        """
        decoded = codec.decode(params)
        options = codec.Options(decoded.get("options") or {})
        options.check_seed()
        rules.check_payload("sampler", params)
        machine.limits.check_rep_delay(options.get("execution", "rep_delay"))
        check_level(options.get("execution", "meas_type", default="classified"), machine.limits)
        default = decoded.get("shots") or options.get("default_shots", default=DEFAULT_SHOTS)
        pubs = []
        for index, raw in enumerate(decoded["pubs"]):
            circuit = codec.circuit_of(raw[0], index)
            pubs.append(_pub(index, [circuit, *raw[1:]], default))
            machine.limits.check(circuit, pubs[-1].shots)
        return cls(tuple(pubs), options, bool(decoded.get("support_qiskit")))

    @property
    def executions(self) -> int:
        """Shots over all PUBs and parameter values."""
        return int(sum(pub.shots * pub.parameter_values.size for pub in self.pubs))

    @property
    def seed(self) -> int | None:
        """The job's ``simulator.seed_simulator``."""
        return self.options.seed

    def run(self, run: Run) -> tuple[str, Mapping[str, Any]]:
        """Sample every PUB. See `program.Program.run`."""
        registers, ways = [], []
        twirled = bool(self.options.get("twirling", "enable_gates"))
        source = replace(run.source, machine=run.source.machine.variant(twirled=twirled))
        for index, pub in enumerate(self.pubs):
            values = codec.point_values(pub)
            shots = sample(source, pub.circuit, values, pub.shots, [index])
            shape = (*pub.shape, pub.shots)
            level = self.options.get("execution", "meas_type", default="classified")
            registers.append(
                {
                    name: measured(level, bits, run.source.stream(index, number, 1))
                    for number, (name, bits) in enumerate(
                        split(shots.bits, pub.circuit, shape).items()
                    )
                }
            )
            ways.append(shots.documents)
        return self._encode(registers, ways, run), {"simulation": ways}

    def scripted(self, result: Any, run: Run) -> str:
        """The encoded result that a script's plain data make. See `script`."""
        entries = per_pub(result, len(self.pubs), is_single)
        registers = [
            registers_of(
                entry, {r.name: r.size for r in pub.circuit.cregs}, pub.shape, pub.shots, index
            )
            for index, (entry, pub) in enumerate(zip(entries, self.pubs, strict=True))
        ]
        return self._encode(registers, [[] for _ in registers], run)

    def _encode(self, registers: Registers, ways: list[Any], run: Run) -> str:
        build = self._qiskit_form if self.qiskit else self._plain_form
        return codec.encode(build(registers, ways, run))

    def _qiskit_form(self, registers: Registers, ways: list[Any], run: Run) -> Any:
        from qiskit.primitives.containers import (
            BitArray,
            DataBin,
            PrimitiveResult,
            SamplerPubResult,
        )

        results = [
            SamplerPubResult(
                DataBin(
                    **{
                        name: BitArray.from_bool_array(array, order="little")
                        if array.dtype == bool
                        else array
                        for name, array in data.items()
                    },
                    shape=pub.shape,
                ),
                metadata={"circuit_metadata": pub.circuit.metadata or {}, "simulation": way},
            )
            for pub, data, way in zip(self.pubs, registers, ways, strict=True)
        ]
        slices = {
            index: (
                codec.shape_of((*pub.shape, pub.shots)),
                slice(0, pub.parameter_values.size),
                slice(0, pub.shots),
            )
            for index, pub in enumerate(self.pubs)
        }
        span = client.find("DoubleSliceSpan")(run.start, run.stop, slices)
        spans = client.find("ExecutionSpans")([span])
        return PrimitiveResult(
            results, metadata={"execution": {"execution_spans": spans}, "version": 2}
        )

    def _plain_form(self, registers: Registers, ways: list[Any], run: Run) -> Any:
        return {
            "results": [
                {
                    "data": {name: _plain(array) for name, array in data.items()},
                    "metadata": {
                        "circuit_metadata": pub.circuit.metadata or {},
                        "simulation": way,
                    },
                }
                for pub, data, way in zip(self.pubs, registers, ways, strict=True)
            ],
            "metadata": {"version": 2},
        }


def is_single(entry: Any) -> bool:
    """Whether a script is that of one PUB: counts, registers or bitstrings."""
    return isinstance(entry, Mapping) or (bool(entry) and all(isinstance(w, str) for w in entry))


def split(
    bits: NDArray[np.bool_], circuit: QuantumCircuit, shape: tuple[int, ...]
) -> dict[str, NDArray[np.bool_]]:
    """The bits of each classical register.

    Args:
        bits: Bits of the whole circuit, shape ``(points, shots, clbits)``.
        circuit: Whose registers.
        shape: Shape of the points and the shots.

    Returns:
        For each register an array of shape ``(*shape, register size)``, lowest bit first.
    """
    places = {
        register.name: [circuit.find_bit(bit).index for bit in register]
        for register in circuit.cregs
    }
    return {name: bits[..., at].reshape(*shape, len(at)) for name, at in places.items()}


def _plain(array: NDArray[Any]) -> dict[str, Any]:
    if array.dtype == bool:
        return {"samples": _hexadecimal(array), "num_bits": array.shape[-1]}
    pairs = np.stack([array.real, array.imag], -1)
    return {"samples": codec.as_lists(pairs), "num_bits": array.shape[-1]}


def _hexadecimal(bits: NDArray[np.bool_]) -> Any:
    if bits.ndim > 2:
        return [_hexadecimal(part) for part in bits]
    return [hex(sum(1 << i for i in np.flatnonzero(row).tolist())) for row in bits]


def _pub(index: int, raw: list[Any], default: Any) -> SamplerPub:
    from qiskit.exceptions import QiskitError
    from qiskit.primitives.containers import DataBin
    from qiskit.primitives.containers.sampler_pub import SamplerPub

    given = raw[2] if len(raw) > 2 and raw[2] is not None else default
    if isinstance(given, int) and not isinstance(given, bool) and given < 1:
        raise Problem(TOO_FEW_SHOTS, f"Too few shots given ({given} < 1).")
    if len(raw) > 3:
        raise Problem(INVALID_BODY, f"Pub {index} is not valid: it has {len(raw)} elements.")
    try:
        # No shots at all still has to become a PUB of its own shape.
        pub = SamplerPub.coerce((*raw[:2], *[None] * (2 - len(raw[:2])), given))
        DataBin(**{register.name: None for register in pub.circuit.cregs}, shape=())
    except (QiskitError, TypeError, ValueError) as error:
        raise Problem(INVALID_BODY, f"Pub {index} is not valid: {error}") from error
    return pub
