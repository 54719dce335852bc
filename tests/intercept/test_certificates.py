"""The IBM SDK's certificates are read late, but they are read."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from typing import Any

import pytest
from ibm_cloud_sdk_core.http_adapter import SSLHTTPAdapter

from pytest_qiskit_fakeruntime import FakeRuntime


def context_of(adapter: SSLHTTPAdapter) -> ssl.SSLContext:
    context: ssl.SSLContext = adapter.poolmanager.connection_pool_kw["ssl_context"]
    return context


def certificates_in(context: ssl.SSLContext) -> int:
    """How many there are at the moment, asked in a way that reads none."""
    return ssl.SSLContext.cert_store_stats(context)["x509_ca"]


@pytest.mark.parametrize(
    "use",
    [
        lambda context: context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="a"),
        lambda context: context.cert_store_stats(),
        lambda context: context.get_ca_certs(),
    ],
)
def test_certificates_are_there_when_they_matter(use: Callable[[Any], Any]) -> None:
    usual = context_of(SSLHTTPAdapter())
    with FakeRuntime("fake_manila"):
        late = context_of(SSLHTTPAdapter())

    assert certificates_in(usual) > 0 == certificates_in(late)
    use(late)
    assert certificates_in(late) == certificates_in(usual)
    assert (late.verify_mode, late.check_hostname) == (usual.verify_mode, usual.check_hostname)
    assert late.minimum_version == usual.minimum_version


def test_connection_reads_them() -> None:
    with FakeRuntime("fake_manila"):
        late = context_of(SSLHTTPAdapter())
    left, right = socket.socketpair()
    with left, right, late.wrap_socket(left, server_hostname="a", do_handshake_on_connect=False):
        assert certificates_in(late) > 0


def test_foreign_context_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    class Foreign(ssl.SSLContext):
        pass

    monkeypatch.setattr(
        "ibm_cloud_sdk_core.http_adapter.create_urllib3_context",
        lambda: Foreign(ssl.PROTOCOL_TLS_CLIENT),
    )
    with FakeRuntime("fake_manila"):
        assert certificates_in(context_of(SSLHTTPAdapter())) > 0
