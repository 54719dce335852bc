"""Where the installed client keeps what we reuse of it.

The client has moved its codecs between releases. This table is the only place that knows:
names on the left, the modules they were found in on the right, newest first.
"""

from __future__ import annotations

import functools
from importlib import import_module
from typing import Any

CLIENT = "qiskit_ibm_runtime"

HOMES: dict[str, tuple[str, ...]] = {
    "RuntimeEncoder": ("json", "utils.json", "utils"),
    "RuntimeDecoder": ("json", "utils.json", "utils"),
    "BackendEncoder": ("fake_provider.backend_encoder", "fake_provider.utils.backend_encoder"),
    "BackendProperties": ("models", "models.backend_properties"),
    "QasmBackendConfiguration": ("models", "models.backend_configuration"),
    "configuration_from_server_data": ("utils.backend_decoder",),
    "properties_from_server_data": ("utils.backend_decoder",),
    "convert_to_target": ("utils.backend_converter",),
    "DoubleSliceSpan": ("execution_span",),
    "ExecutionSpans": ("execution_span",),
    "QUANTUM_PROGRAM_PARAMS_CONVERTERS": (
        "quantum_program.params_converters",
        "quantum_program.converters",
    ),
    "ResultDecoder": ("decoders.result_decoder", "utils.result_decoder", "program"),
    "DEFAULT_DECODERS": ("decoders.defaults", "utils.default_decoders", "constants"),
    "broadcast_sample": ("fake_provider.executor.broadcast_sample",),
}
"""Modules of the client, below `CLIENT`, in which each name has lived."""


class Lacking(LookupError):
    """The installed client has no such thing: it is older than the feature."""


@functools.cache
def find(name: str) -> Any:
    """A class, function or table of the installed client.

    Args:
        name: One of `HOMES`.

    Raises:
        Lacking: If this release of the client does not have it.
    """
    for home in HOMES[name]:
        path = f"{CLIENT}.{home}"
        try:
            module = import_module(path)
        except ModuleNotFoundError as error:
            # Only the client's own module may be missing; anything else is a broken install.
            if error.name is None or not path.startswith(error.name):
                raise
            continue
        if hasattr(module, name):
            return getattr(module, name)
    raise Lacking(f"the installed {CLIENT} has no {name}")


@functools.cache
def result_model(schema_version: str) -> Any:
    """The schema model of an ``executor`` result.

    Args:
        schema_version: As the client wrote it, such as ``v2.0``.
    """
    number = schema_version.removeprefix("v").replace(".", "_")
    module = import_module(f"ibm_quantum_schemas.executor.version_{number}")
    return module.QuantumProgramResultModel


@functools.cache
def options_model(program_id: str) -> Any:
    """IBM's published model of the options of a ``sampler`` or ``estimator`` job.

    Raises:
        Lacking: If the schemas that are installed do not have it.
    """
    try:
        module = import_module(f"ibm_quantum_schemas.{program_id}.version_0_1")
    except ModuleNotFoundError as error:
        raise Lacking(f"ibm_quantum_schemas has no model of {program_id}") from error
    return module.OptionsModel


@functools.cache
def extrapolation() -> Any:
    """The client's own post-processing of zero-noise extrapolation.

    Raises:
        Lacking: If ``qiskit-mitigation`` is not installed or does not have it.
    """
    try:
        module = import_module("qiskit_mitigation.zne.extrapolation")
    except ModuleNotFoundError as error:
        raise Lacking("qiskit_mitigation is not installed") from error
    if not hasattr(module, "_process_extrapolated_expectation_values"):
        raise Lacking("this qiskit_mitigation keeps its extrapolation elsewhere")
    return module._process_extrapolated_expectation_values


def has_mitigation() -> bool:
    """Whether `extrapolation` is there."""
    try:
        extrapolation()
    except Lacking:
        return False
    return True


def decoders(program_id: str) -> list[Any]:
    """The client's chain of result decoders for a program."""
    try:
        table = find("DEFAULT_DECODERS")
    except Lacking:
        table = {}
    chain = table.get(program_id) or find("ResultDecoder")
    return list(chain) if isinstance(chain, (list, tuple)) else [chain]
