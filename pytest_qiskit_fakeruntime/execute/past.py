"""Inputs and results of jobs of the past, from plain data or from the client's objects."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .codec import encode


def encode_inputs(inputs: Mapping[str, Any]) -> Any:
    """The inputs of a job as the client would send them."""
    return json.loads(encode(dict(inputs)))


def encode_result(result: Any) -> str | None:
    """A result as the service writes it.

    Args:
        result: The client's objects (`PrimitiveResult`), counts of bitstrings, plain data, or
            text, which is taken as it is.
    """
    if result is None or isinstance(result, str):
        return result
    return encode(_of_counts(result) if _are_counts(result) else result)


def _are_counts(value: Any) -> bool:
    return (
        isinstance(value, Mapping)
        and bool(value)
        and all(isinstance(key, str) and not key.strip("01 ") for key in value)
        and all(isinstance(count, int) for count in value.values())
    )


def _of_counts(counts: Mapping[str, int]) -> Any:
    """What a sampler makes of a circuit that ends in ``measure_all``."""
    from qiskit.primitives import BitArray, DataBin, PrimitiveResult, SamplerPubResult

    bits = BitArray.from_counts({key.replace(" ", ""): count for key, count in counts.items()})
    data = DataBin(meas=bits)
    return PrimitiveResult([SamplerPubResult(data)])
