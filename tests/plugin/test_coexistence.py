"""Other tools that mock, record, freeze or block: around the fake and inside it, both work."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import requests
import requests_mock
import respx

from pytest_qiskit_fakeruntime import FakeRuntime

URL = "https://example.com/ours"


def use_fake(fake: FakeRuntime) -> None:
    """Everything but a job: IAM, search, catalog, devices, retries."""
    service = fake.service()
    assert [backend.name for backend in service.backends()] == ["fake_manila"]
    assert service.jobs() == []


@contextlib.contextmanager
def with_requests_mock() -> Iterator[Callable[[], None]]:
    with requests_mock.Mocker() as mocker:
        mocker.get(URL, text="theirs")
        yield lambda: check(requests.get(URL).text)


@contextlib.contextmanager
def with_real_http() -> Iterator[Callable[[], None]]:
    with requests_mock.Mocker(real_http=True) as mocker:
        mocker.get(URL, text="theirs")
        yield lambda: check(requests.get(URL).text)


@contextlib.contextmanager
def with_responses() -> Iterator[Callable[[], None]]:
    import responses

    with responses.RequestsMock() as mocker:
        mocker.get(URL, body="theirs")
        yield lambda: check(requests.get(URL).text)


@contextlib.contextmanager
def with_respx() -> Iterator[Callable[[], None]]:
    with respx.mock(assert_all_called=False) as mocker:
        mocker.get(URL).respond(text="theirs")
        yield lambda: check(httpx.get(URL).text)


@contextlib.contextmanager
def with_moto() -> Iterator[Callable[[], None]]:
    moto, boto3 = pytest.importorskip("moto"), pytest.importorskip("boto3")
    with moto.mock_aws():
        client = boto3.client("sts", region_name="us-east-1")

        def call() -> None:
            assert client.get_caller_identity()["Account"] == "123456789012"
            iam = boto3.client("iam", region_name="us-east-1")
            assert iam.list_users()["Users"] == []

        yield call


@contextlib.contextmanager
def with_vcr() -> Iterator[Callable[[], None]]:
    vcr = pytest.importorskip("vcr")
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        cassette = Path(folder) / "tape.yaml"
        cassette.write_text(
            "interactions:\n- request: {body: null, headers: {}, method: GET, uri: '"
            + URL
            + "'}\n  response:\n    body: {string: theirs}\n    headers: {}\n"
            "    status: {code: 200, message: OK}\nversion: 1\n"
        )
        with vcr.use_cassette(str(cassette), record_mode="none", allow_playback_repeats=True):
            yield lambda: check(requests.get(URL).text)


@contextlib.contextmanager
def with_time_machine() -> Iterator[Callable[[], None]]:
    time_machine = pytest.importorskip("time_machine")
    import datetime

    with time_machine.travel(datetime.datetime(2031, 5, 1, tzinfo=datetime.timezone.utc)):
        yield lambda: check(datetime.datetime.now().year, 2031)


@contextlib.contextmanager
def with_frozen_time_machine() -> Iterator[Callable[[], None]]:
    time_machine = pytest.importorskip("time_machine")
    import datetime

    with time_machine.travel("2031-05-01T00:00:00Z", tick=False):
        yield lambda: check(datetime.datetime.now().year, 2031)


@contextlib.contextmanager
def with_freezegun() -> Iterator[Callable[[], None]]:
    freezegun = pytest.importorskip("freezegun")
    import datetime

    with freezegun.freeze_time("2031-05-01"):
        yield lambda: check(datetime.datetime.now().year, 2031)


@contextlib.contextmanager
def with_unittest_mock() -> Iterator[Callable[[], None]]:
    from unittest import mock

    with mock.patch("time.sleep") as sleep:

        def call() -> None:
            import time

            time.sleep(10)
            sleep.assert_called_with(10)

        yield call


def check(found: Any, wanted: Any = "theirs") -> None:
    assert found == wanted


TOOLS = [
    with_requests_mock,
    with_real_http,
    with_responses,
    with_respx,
    with_moto,
    with_vcr,
    with_time_machine,
    with_frozen_time_machine,
    with_freezegun,
    with_unittest_mock,
]


@pytest.mark.parametrize("tool", TOOLS)
def test_tool_around_the_fake(tool: Any) -> None:
    with tool() as use_tool:
        use_tool()
        with FakeRuntime("fake_manila") as fake:
            use_fake(fake)
            use_tool()
            use_fake(fake)
        use_tool()


@pytest.mark.parametrize("tool", TOOLS)
def test_tool_inside_the_fake(tool: Any) -> None:
    with FakeRuntime("fake_manila") as fake:
        use_fake(fake)
        with tool() as use_tool:
            use_tool()
            use_fake(fake)
            use_tool()
        use_fake(fake)


def test_service_made_before_the_tool_goes_on() -> None:
    with FakeRuntime("fake_manila") as fake:
        service = fake.service()
        with requests_mock.Mocker():
            assert service.jobs() == []
        assert service.jobs() == []


PLUGINS = {
    "requests-mock": """
        def test_it(requests_mock, fake_runtime_service):
            requests_mock.get("https://example.com", text="theirs")
            assert requests.get("https://example.com").text == "theirs"
            assert fake_runtime_service.jobs() == []
        """,
    "respx": """
        def test_it(fake_runtime_service, respx_mock):
            respx_mock.get("https://example.com").respond(text="theirs")
            assert httpx.get("https://example.com").text == "theirs"
            assert fake_runtime_service.jobs() == []
        """,
    "pytest-httpx": """
        pytest.importorskip("pytest_httpx")

        def test_it(httpx_mock, fake_runtime_service):
            httpx_mock.add_response(url="https://example.com", text="theirs")
            assert httpx.get("https://example.com").text == "theirs"
            url = "https://quantum.cloud.ibm.com/api/v1/versions"
            assert httpx.get(url).json()["versions"]
            assert fake_runtime_service.jobs() == []
        """,
    "pytest-mock": """
        pytest.importorskip("pytest_mock")

        def test_it(mocker, fake_runtime_service):
            spy = mocker.spy(fake_runtime_service, "jobs")
            assert fake_runtime_service.jobs() == []
            spy.assert_called_once()
        """,
    "pytest-socket": """
        pytest.importorskip("pytest_socket")

        @pytest.mark.disable_socket
        def test_it(fake_runtime_service):
            assert fake_runtime_service.jobs() == []
        """,
    "pytest-recording": """
        pytest.importorskip("pytest_recording")

        @pytest.mark.block_network
        def test_it(fake_runtime_service):
            assert fake_runtime_service.jobs() == []
        """,
    "time-machine": """
        time_machine = pytest.importorskip("time_machine")
        import datetime

        @pytest.mark.time_machine("2031-05-01T00:00:00Z")
        def test_it(fake_runtime_service):
            assert fake_runtime_service.jobs() == []
            assert datetime.datetime.now().year == 2031
        """,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", PLUGINS)
def test_plugin_next_to_ours(pytester: pytest.Pytester, name: str) -> None:
    pytester.makepyfile(
        "import httpx, pytest, requests\n" + __import__("textwrap").dedent(PLUGINS[name])
    )

    result = pytester.runpytest_subprocess("-p", "no:asyncio", "-p", "no:benchmark")

    outcomes = result.parseoutcomes()
    if "skipped" in outcomes:
        pytest.skip(f"{name} is not installed")
    result.assert_outcomes(passed=1)
