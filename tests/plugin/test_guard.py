"""Nothing leaves the process, whatever library sends it."""

from __future__ import annotations

import http.client
import pickle
import socket
import urllib.request

import pytest
import urllib3

from pytest_qiskit_fakeruntime import FakeRuntime, NetworkBlocked

IBM = "quantum.cloud.ibm.com"


def by_urllib3() -> None:
    urllib3.PoolManager().request("GET", f"https://{IBM}/api/v1/jobs")


def by_http_client() -> None:
    http.client.HTTPSConnection(IBM).request("GET", "/api/v1/jobs")


def by_urllib() -> None:
    urllib.request.urlopen(f"https://{IBM}/api/v1/jobs")


def by_socket() -> None:
    with socket.socket() as connection:
        connection.connect((IBM, 443))


def by_asyncio() -> None:
    import asyncio

    asyncio.run(asyncio.open_connection(IBM, 443))


def by_look_up() -> None:
    socket.gethostbyname(f"iam.{IBM}")


@pytest.mark.parametrize(
    "send", [by_urllib3, by_http_client, by_urllib, by_socket, by_asyncio, by_look_up]
)
def test_ibm_is_out_of_reach_of_every_library(send) -> None:
    fake = FakeRuntime("fake_manila").start()
    try:
        with pytest.raises(NetworkBlocked, match="answers what goes through requests and httpx"):
            send()
    finally:
        fake.stop()

    with pytest.raises(NetworkBlocked):  # also if the test had swallowed it
        fake.check()


def test_guard_is_gone_when_the_fake_is() -> None:
    before = socket.getaddrinfo, vars(socket.socket).get("connect")
    with FakeRuntime("fake_manila"), FakeRuntime("fake_lima"):
        assert socket.getaddrinfo is not before[0]

    assert (socket.getaddrinfo, vars(socket.socket).get("connect")) == before


def test_error_survives_pickling() -> None:
    error = pickle.loads(pickle.dumps(NetworkBlocked("host", ibm=True)))

    assert (str(error), error.host) == (str(NetworkBlocked("host", ibm=True)), "host")


BLOCKED = """
    import asyncio, socket, threading
    import pytest, requests
    from pytest_qiskit_fakeruntime import NetworkBlocked

    @pytest.mark.parametrize("host", ["example.com", "93.184.216.34", "2606:2800:220:1::1"])
    def test_other_hosts_are_blocked(host):
        with pytest.raises(NetworkBlocked, match=host + " was not contacted"):
            socket.create_connection((host, 80))

    def test_requests_is_not_retried():
        with pytest.raises(NetworkBlocked, match="example.com.* Hosts on this machine stay open"):
            requests.get("https://example.com")

    def test_datagrams():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            with pytest.raises(NetworkBlocked):
                sender.sendto(b"x", ("8.8.8.8", 53))

    def test_loopback_server_and_asyncio():
        async def talk():
            async def answer(reader, writer):
                writer.write(await reader.readline())
                await writer.drain()
                writer.close()
                await writer.wait_closed()
            server = await asyncio.start_server(answer, "127.0.0.1", 0)
            port = server.sockets[0].getsockname()[1]
            async with server:
                reader, writer = await asyncio.open_connection("localhost", port)
                writer.write(b"hello\\n")
                line = await reader.readline()
                writer.close()
                await writer.wait_closed()
                return line
        assert asyncio.run(talk()) == b"hello\\n"

    def test_fake_works(fake_runtime_service):
        assert fake_runtime_service.jobs() == []
    """


@pytest.mark.loopback
@pytest.mark.parametrize("how", ["option", "ini"])
def test_whole_network_can_be_blocked(pytester: pytest.Pytester, how: str) -> None:
    if how == "ini":
        pytester.makeini("[pytest]\nfake_runtime_block_network = true\n")
    pytester.makepyfile(BLOCKED)

    args = ["--fake-runtime-block-network"] if how == "option" else []
    result = pytester.runpytest("-p", "no:randomly", "-p", "no:asyncio", "-W", "error", *args)

    result.assert_outcomes(passed=7)


@pytest.mark.loopback
@pytest.mark.parametrize(
    ("option", "fixture", "host", "told_once_more"),
    [
        ("--fake-runtime-block-network", "", "192.0.2.1", 0),
        ("--fake-runtime", "", IBM, 3),
        ("-q", "session_fake_runtime", IBM, 1),
    ],
)
def test_plugin_that_resets_sockets_after_each_test_opens_nothing(
    pytester: pytest.Pytester, option: str, fixture: str, host: str, told_once_more: int
) -> None:
    pytester.makeconftest(
        """
        import socket

        connect = socket.socket.connect

        def pytest_runtest_teardown():  # as pytest-socket does
            socket.socket.connect = connect
        """
    )
    pytester.makepyfile(
        f"""
        import pytest, socket
        from pytest_qiskit_fakeruntime import NetworkBlocked

        @pytest.mark.parametrize("n", range(3))
        def test_it(n, {fixture}):
            with socket.socket() as one, pytest.raises(NetworkBlocked):
                one.connect(("{host}", 80))
        """
    )
    result = pytester.runpytest("-p", "no:randomly", "-p", "no:asyncio", "-p", "no:socket", option)

    result.assert_outcomes(passed=3, errors=told_once_more)


def test_network_is_open_without_the_option(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import socket

        def test_it():
            assert "fakeruntime" not in socket.getaddrinfo.__code__.co_filename
        """
    )
    pytester.runpytest("-p", "no:randomly", "-p", "no:asyncio").assert_outcomes(passed=1)
