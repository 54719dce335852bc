"""What the installed client and qiskit can do, found by looking, not by their versions."""

from __future__ import annotations

import importlib
import inspect
from typing import Any

import pytest


def find(path: str) -> Any:
    """A thing of theirs by its dotted path; ``None`` where the release has none."""
    parts = path.split(".")
    for depth in range(len(parts), 0, -1):
        name = ".".join(parts[:depth])
        try:
            found: Any = importlib.import_module(name)
        except ModuleNotFoundError as error:
            # Only what we look for may be missing: anything else is a broken install.
            if error.name is None or not name.startswith(error.name):
                raise
            continue
        for attribute in parts[depth:]:
            found = getattr(found, attribute, None)
        return found
    return None


def load(path: str) -> Any:
    """A thing of theirs; the test is skipped where the release has none."""
    found = find(path)
    if found is None:
        pytest.skip(f"the installed release has no {path}")
    return found


def takes(path: str, parameter: str) -> bool:
    """Whether a function of theirs has a parameter of this name."""
    found = find(path)
    return found is not None and parameter in inspect.signature(found).parameters


def says(path: str, text: str) -> bool:
    """Whether the source of a thing of theirs contains a text: for what has no name."""
    found = find(path)
    return found is not None and text in inspect.getsource(found)


def needs(path: str, parameter: str | None = None) -> pytest.MarkDecorator:
    """Skip where the release does not have this thing, or this parameter of it."""
    there = find(path) is not None if parameter is None else takes(path, parameter)
    wanted = path if parameter is None else f"{path}({parameter}=...)"
    return pytest.mark.skipif(not there, reason=f"the installed release has no {wanted}")


USAGE_CHECK = "qiskit_ibm_runtime.QiskitRuntimeService._check_instance_usage"
"""Asks for the usage of the instance before each job."""

OPTIONS_MODEL = "ibm_quantum_schemas.sampler.version_0_1.OptionsModel"
"""IBM's model of the options; without it nobody can tell whether they are valid."""

EXTRAPOLATION = "qiskit_mitigation.zne.extrapolation._process_extrapolated_expectation_values"
"""The client's own, without which zero-noise extrapolation has no effect."""

_HEADERS = find("qiskit_ibm_runtime.api.rest.base.RestAdapterBase._HEADER_API_VERSION") or {}
USAGE_HAS_STATUS = _HEADERS.get("IBM-API-Version", "") >= "2026-03-15"
"""Whether the version of the API that the client asks for tells if the usage is final."""

FOREIGN_INSTANCE_IS_REFUSED = says(
    "qiskit_ibm_runtime.QiskitRuntimeService.__init__", "does not have access"
)
_LISTING = "qiskit_ibm_runtime.accounts.account.CloudAccount.list_instances"
CATALOG_MAY_FAIL = not says(_LISTING, "get_catalog_entry") or says(_LISTING, "except (ApiException")
"""Old clients do not catch what the catalog of plans answers; new ones ask it elsewhere."""

_SERVICE = "qiskit_ibm_runtime.QiskitRuntimeService"
ASKS_FOR_UNLISTED = takes(f"{_SERVICE}._create_backend_obj", "cache") and not takes(
    f"{_SERVICE}.backends", "include_mocks"
)
"""Whether a device that is not in the list of devices is asked for all the same."""
UNUSABLE_DEVICE_IS_NONE = says(f"{_SERVICE}._decode_job", "_create_backend_obj") and says(
    f"{_SERVICE}._create_backend_obj", "return None"
)
"""Whether a job on a device that cannot be used has no device, instead of a retired one."""
