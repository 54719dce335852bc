"""The ``executor`` program: raw results of the items of a quantum program.

The new client-side primitives are made of it: they send circuits (or samplexes, which
randomise a template circuit) here and do their post-processing themselves.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import UsageError
from . import client, codec
from .problem import INVALID_BODY, NO_PROGRAM, Problem
from .program import Run
from .readout import check_level, measured
from .release import release
from .sampler import is_single, split
from .script import per_pub, registers_of
from .simulate import Source, sample

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .devices import Machine

LABELS_OF_CLIENT = ("passthrough_data", "semantic_role")
"""What the client sends along to find it in the result."""


@dataclass(frozen=True)
class Execution:
    """A valid ``executor`` job.

    Attributes:
        params: Its params as they were sent.
        program: The client's ``QuantumProgram``.
    """

    params: Mapping[str, Any]
    program: Any

    @classmethod
    def parse(cls, params: Mapping[str, Any], machine: Machine) -> Execution:
        """Read a job as it was submitted.

        Raises:
            Problem: If the service would refuse it.
        """
        schemas = client.schemas()
        if not schemas:
            raise Problem(
                NO_PROGRAM,
                f"Program not found: executor. The installed client, {release()}, is "
                "older than this program, and cannot read its jobs.",
                status=404,
            )
        version = str(params.get("schema_version"))
        if version not in schemas:
            raise Problem(
                INVALID_BODY,
                f"schema_version {version!r} is not one of {', '.join(schemas)}, which the "
                f"installed client, {release()}, can read.",
            )
        schema = schemas[version]
        try:
            program, _ = schema.decode(schema.params.model_validate(dict(params)))
        except Exception as error:
            # Pydantic, QPY and samplomatic all read foreign bytes here: they may raise anything.
            raise Problem(
                INVALID_BODY, f"The quantum program cannot be decoded: {error}"
            ) from error
        check_level(_level(params), machine.limits)
        machine.limits.check_rep_delay((params.get("options") or {}).get("rep_delay"))
        for item in program.items:
            machine.limits.check(item.circuit, program.shots)
        return cls(params, program)

    @property
    def executions(self) -> int:
        """Shots over all items and their elements."""
        return int(self.program.shots * sum(_size(item) for item in self.program.items))

    @property
    def seed(self) -> int | None:
        """None: an ``executor`` job cannot ask for a seed."""
        return None

    def run(self, run: Run) -> tuple[str, Mapping[str, Any]]:
        """Run every item. See `program.Program.run`."""
        data, ways = [], []
        for index, item in enumerate(self.program.items):
            tensors, way = self._run_item(run.source, item, index)
            data.append(tensors)
            ways.append(way)
        return self._encode(data, run), {"simulation": ways}

    def scripted(self, result: Any, run: Run) -> str:
        """The encoded result that a script's plain data make. See `script`.

        The bits are those after the client's post-processing: what a samplex flips at random
        is flipped back.
        """
        sent = self.params["quantum_program"]
        if sent.get("semantic_role") == "estimator_v2":
            raise UsageError(
                "script: the client-side Estimator makes its values from raw bits; script "
                "program='executor' with bits per item, or use EstimatorV2 in the code under test"
            )
        role = (sent.get("passthrough_data") or {}).get("post_processor") or {}
        twirled = bool(role.get("twirling")) and sent.get("semantic_role") == "sampler_v2"
        items = self.program.items
        data = []
        for index, (entry, item) in enumerate(
            zip(per_pub(result, len(items), is_single), items, strict=True)
        ):
            shape, shots = _shape(item), self.program.shots
            rounds, rest = (shape[0], shape[1:]) if twirled else (1, shape)
            sizes = {r.name: r.size for r in item.circuit.cregs}
            given = registers_of(entry, sizes, rest, rounds * shots, index)
            flips = self._arguments(run.source, item, index)[1]
            bits = {}
            for name, array in given.items():
                apart = array.reshape(*rest, rounds, shots, sizes[name])
                front = np.moveaxis(apart, len(rest), 0).reshape(*shape, shots, sizes[name])
                bits[name] = front ^ flips.get(f"measurement_flips.{name}", False)
            data.append({**bits, **flips})
        return self._encode(data, run)

    def _run_item(
        self, source: Source, item: Any, index: int
    ) -> tuple[dict[str, NDArray[Any]], list[dict[str, Any]]]:
        circuit, shape = item.circuit, _shape(item)
        values, extra = self._arguments(source, item, index)
        points = values.reshape(math.prod(shape), len(circuit.parameters))
        shots = sample(source, circuit, points, self.program.shots, [index, 1])
        bits = split(shots.bits, circuit, (*shape, self.program.shots))
        level = _level(self.params)
        data = {
            name: measured(level, array, source.stream(index, 2, number))
            for number, (name, array) in enumerate(bits.items())
        }
        return {**data, **extra}, shots.documents

    def _arguments(
        self, source: Source, item: Any, index: int
    ) -> tuple[NDArray[np.float64], dict[str, NDArray[Any]]]:
        """Parameter values of an item, and what else its samplex draws."""
        shape = _shape(item)
        if hasattr(item, "samplex"):
            rng = np.random.default_rng(source.stream(index, 0))
            item.samplex.finalize()
            extra = randomise(item.samplex, item.samplex_arguments, shape, rng)
            return extra.pop("parameter_values", np.zeros((*shape, 0))), extra
        if item.circuit_arguments is not None:
            return np.asarray(item.circuit_arguments, float), {}
        return np.zeros((*shape, 0)), {}

    def _encode(self, data: list[dict[str, NDArray[Any]]], run: Run) -> str:
        model = client.schemas()[self.params["schema_version"]].result
        fields = model.model_fields["data"].annotation.__args__[0].model_fields
        tensor = fields["results"].annotation.__args__[1]
        # In the first version there was no metadata.
        metadata: Any = None if fields["metadata"].annotation is type(None) else {}
        # Models of older versions have fewer fields and ignore the rest.
        document = model.model_validate(
            {
                "data": [
                    {
                        "results": {name: tensor.from_numpy(array) for name, array in item.items()},
                        "metadata": metadata,
                    }
                    for item in data
                ],
                "metadata": {"chunk_timing": [self._chunk(run)]},
            }
        ).model_dump(mode="json")
        # Echoed as they came, not through the models: nothing of them may change.
        program = self.params["quantum_program"]
        document.update({k: program.get(k) for k in LABELS_OF_CLIENT if k in document})
        return json.dumps(document)

    def _chunk(self, run: Run) -> dict[str, Any]:
        sizes = [_size(item) for item in self.program.items]
        ranks = [len(_shape(item)) for item in self.program.items]
        return {
            "start": run.start,
            "stop": run.stop,
            "parts": [
                {
                    "idx_item": index,
                    "size": size,
                    "permutation": list(range(rank)),
                    "element_range": (0, size, 1),
                }
                for index, (size, rank) in enumerate(zip(sizes, ranks, strict=True))
            ],
        }


def _level(params: Mapping[str, Any]) -> str:
    """The kind of measurements asked for. Client 0.46 forgets it in the decoded program."""
    return str(params["quantum_program"].get("meas_level") or "classified")


def randomise(
    samplex: Any, arguments: Any, shape: tuple[int, ...], rng: np.random.Generator
) -> dict[str, NDArray[Any]]:
    """Draw from a samplex for every element of an item.

    Along the axes on which its arguments vary the samplex is asked anew for each of them; along
    the others it randomises.

    Args:
        samplex: The samplex.
        arguments: Its arguments, which broadcast to the shape.
        shape: Shape of the item.
        rng: Source of the randomness.

    Returns:
        The samplex's outputs by name, each of the item's shape and then its own.
    """
    own = arguments.shape
    varied = [size > 1 for size in ((1,) * (len(shape) - len(own)) + own)]
    axes = list(zip(shape, varied, strict=True))
    drawn = tuple(size for size, vary in axes if not vary)
    outputs: dict[str, NDArray[Any]] = {}
    for place in np.ndindex(*(size if vary else 1 for size, vary in axes)):
        at = tuple(p if vary else slice(None) for p, vary in zip(place, varied, strict=True))
        sampled = samplex.sample(
            arguments[place[len(shape) - len(own) :]],
            num_randomizations=math.prod(drawn),
            rng=rng,
        )
        for name, values in dict(sampled).items():
            rest = values.shape[1:]
            output = outputs.setdefault(name, np.empty((*shape, *rest), values.dtype))
            output[at] = values.reshape(*drawn, *rest)
    return outputs


def _shape(item: Any) -> tuple[int, ...]:
    return codec.shape_of(item.shape)


def _size(item: Any) -> int:
    return math.prod(_shape(item))
