"""The environment and the account file that the client sees."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
import warnings
from collections.abc import Mapping
from contextlib import ExitStack

# What the client or the IBM SDK would read, and what must not find its way into a test.
_STRAY = (
    "QISKIT_IBM_TOKEN",
    "QISKIT_IBM_INSTANCE",
    "QISKIT_IBM_CHANNEL",
    "QISKIT_IBM_URL",
    "QISKIT_FUNCTIONS_EXPERIMENTAL",
    "QISKIT_FUNCTIONS_IDENTIFIER",
    "QISKIT_IBM_RUNTIME_CUSTOM_CLIENT_APP_HEADER",
    "QE_CUSTOM_CLIENT_APP_HEADER",
    "VCAP_SERVICES",
)
_STRAY_PREFIXES = ("IAM_", "GLOBAL_SEARCH", "GLOBAL_CATALOG", "RESOURCE_CONTROLLER")

_FIXED = {
    # Saves the client the inspection of the whole stack at each request: 9 ms under pytest.
    "USAGE_DATA_OPT_OUT": "True",
    # Named, so that the SDK looks for `ibm-credentials.env` neither here nor at home.
    "IBM_CREDENTIALS_FILE": os.devnull,
}

_ACCOUNT_FILE = "_DEFAULT_ACCOUNT_CONFIG_JSON_FILE"


class Sandbox:
    """Gives the client these credentials and an account file of its own, and nothing else.

    Restored at the end are exactly the variables that were set or removed at the beginning;
    the user's own changes to others stay. Proxy settings are left alone: what we intercept
    never gets as far as a proxy.

    Args:
        environ: The credentials to be found in the environment.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._stack = ExitStack()

    def __enter__(self) -> Sandbox:
        # First of all: on import the client decides, once and for all, about usage headers.
        with warnings.catch_warnings():
            # What some releases say of themselves and of qiskit when they are imported.
            warnings.simplefilter("ignore")
            from qiskit_ibm_runtime.accounts import management

        with ExitStack() as stack:
            wanted = {**_FIXED, **self._environ}
            stray = [name for name in os.environ if name.startswith(_STRAY_PREFIXES)]
            for name in {*_STRAY, *stray, *wanted}:
                stack.callback(_set, name, os.environ.get(name))
                _set(name, wanted.get(name))

            # The client makes directory and file on first use; most tests need neither.
            folder = os.path.join(tempfile.gettempdir(), f"fake-runtime-{secrets.token_hex(16)}")
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            stack.callback(setattr, management, _ACCOUNT_FILE, getattr(management, _ACCOUNT_FILE))
            setattr(management, _ACCOUNT_FILE, os.path.join(folder, "qiskit-ibm.json"))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


def _set(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value
