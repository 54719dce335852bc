"""The certificates of the IBM SDK, which it reads from a file for each client that it makes.

That takes longer than all requests of a new service together, and under a fake nobody needs
them. `LateCertificates` lets them be read when a connection does.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any


class LateCertificates:
    """While entered, the SDK's TLS contexts read certificates on first use."""

    def __enter__(self) -> LateCertificates:
        from ibm_cloud_sdk_core import http_adapter

        self._module: Any = http_adapter
        self._make: Callable[..., Any] = self._module.create_urllib3_context

        def make(*args: Any, **kwargs: Any) -> Any:
            context = self._make(*args, **kwargs)
            if type(context) is _LateContext.__base__:  # else somebody has other plans with it
                context.__class__ = _LateContext
            return context

        self._module.create_urllib3_context = make
        return self

    def __exit__(self, *_: object) -> None:
        self._module.create_urllib3_context = self._make


class _LateContext(ssl.SSLContext):
    """Notes what certificates it shall read, and reads them when they matter."""

    def load_verify_locations(self, *args: Any, **kwargs: Any) -> None:
        vars(self).setdefault("_noted", []).append((args, kwargs))

    def _read(self) -> None:
        for args, kwargs in vars(self).pop("_noted", ()):
            super().load_verify_locations(*args, **kwargs)

    def wrap_socket(self, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
        self._read()
        return super().wrap_socket(*args, **kwargs)

    def wrap_bio(self, *args: Any, **kwargs: Any) -> ssl.SSLObject:
        self._read()
        return super().wrap_bio(*args, **kwargs)

    def cert_store_stats(self) -> dict[str, int]:
        self._read()
        return super().cert_store_stats()

    def get_ca_certs(self, *args: Any, **kwargs: Any) -> Any:
        self._read()
        return super().get_ca_certs(*args, **kwargs)
