"""The certificates of the IBM SDK, which it reads from a file for each client that it makes.

That takes longer than all requests of a new service together, and under a fake nobody needs
them. `LateCertificates` lets them be read when a connection does.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

from .patches import Patches, Replacement

_MAKER = "create_urllib3_context"


class LateCertificates:
    """While entered, the SDK's TLS contexts read certificates on first use."""

    def __enter__(self) -> LateCertificates:
        _patches.add(self)
        return self

    def __exit__(self, *_: object) -> None:
        _patches.remove(self)


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


def _late(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def make(*args: Any, **kwargs: Any) -> Any:
        context = original(*args, **kwargs)
        if type(context) is _LateContext.__base__:  # else somebody has other plans with it
            context.__class__ = _LateContext
        return context

    return make


def _wanted() -> Iterator[Replacement]:
    from ibm_cloud_sdk_core import http_adapter

    yield http_adapter, _MAKER, _late(getattr(http_adapter, _MAKER))


_patches: Patches[LateCertificates] = Patches(_wanted)
