"""Where the installed client keeps what we reuse of it.

The client has moved its codecs between releases. This table is the only place that knows:
names on the left, the modules they were found in on the right, newest first.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any

from .release import release

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
    "ResultDecoder": ("decoders.result_decoder", "utils.result_decoder"),
    "DEFAULT_DECODERS": ("decoders.defaults", "constants"),
}
"""Modules of the client, below `CLIENT`, in which each name has lived."""


SCHEMAS = "ibm_quantum_schemas.executor"
CONVERTERS = "quantum_program.converters"
_FROM = "quantum_program_from_"
_TO = "quantum_program_to_"


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
        module = _module(home)
        if hasattr(module, name):
            return getattr(module, name)
    raise Lacking(f"{CLIENT} {release()}, which is installed, has no {name}")


@dataclass(frozen=True)
class Schema:
    """A version of the ``executor`` program's payload that the installed client speaks.

    Attributes:
        params: Model of the params.
        result: Model of the result.
        decode: Makes the client's ``QuantumProgram`` and options of the params' model.
        encode: The other way.
    """

    params: Any
    result: Any
    decode: Callable[[Any], tuple[Any, Any]]
    encode: Callable[[Any, Any], Any]


@functools.cache
def schemas() -> Mapping[str, Schema]:
    """The payloads of ``executor`` that the installed client speaks, oldest first (``v2.0``).

    Releases name their converters by the version, ``quantum_program_from_2_0``, and so do the
    schemas. There are none before client 0.46.
    """
    converters = _module(CONVERTERS)
    found = {}
    for name in sorted(vars(converters) if converters else ()):
        if name.startswith(_FROM):
            number = name.removeprefix(_FROM)
            models = import_module(f"{SCHEMAS}.version_{number}")
            found[f"v{number.replace('_', '.')}"] = Schema(
                models.ParamsModel,
                models.QuantumProgramResultModel,
                getattr(converters, name),
                getattr(converters, f"{_TO}{number}"),
            )
    return found


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
    chain = find("DEFAULT_DECODERS").get(program_id) or find("ResultDecoder")
    chain = list(chain) if isinstance(chain, (list, tuple)) else [chain]
    # Before 0.48 nobody is asked whether he is applicable: the last one does it all.
    return chain if hasattr(chain[-1], "is_applicable") else chain[-1:]


def _module(home: str) -> ModuleType | None:
    path = f"{CLIENT}.{home}"
    try:
        return import_module(path)
    except ModuleNotFoundError as error:
        # Only the client's own module may be missing; anything else is a broken install.
        if error.name is None or not path.startswith(error.name):
            raise
        return None
