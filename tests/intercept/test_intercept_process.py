"""The environment, the account file, time; and all of it together."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import ibm_cloud_sdk_core
import pytest
import requests
from qiskit_ibm_runtime import QiskitRuntimeService
from qiskit_ibm_runtime.accounts import management

from pytest_qiskit_fakeruntime.errors import UsageError
from pytest_qiskit_fakeruntime.intercept import Interception
from pytest_qiskit_fakeruntime.intercept.sandbox import Sandbox
from pytest_qiskit_fakeruntime.intercept.waiting import VirtualWaiting

IBM = "https://quantum.cloud.ibm.com/api/v1/jobs"

HOSTILE = {
    "QISKIT_IBM_TOKEN": "real-token",
    "QISKIT_IBM_URL": "https://evil.example",
    "IAM_URL": "https://evil.example",
    "IAM_APIKEY": "evil",
    "GLOBAL_SEARCH_URL": "https://evil.example",
    "GLOBAL_CATALOG_URL": "https://evil.example",
    "RESOURCE_CONTROLLER_URL": "https://evil.example",
    "VCAP_SERVICES": "{}",
    "QISKIT_FUNCTIONS_EXPERIMENTAL": "1",
    "QISKIT_FUNCTIONS_IDENTIFIER": "evil",
    "QE_CUSTOM_CLIENT_APP_HEADER": "evil",
    "USAGE_DATA_OPT_OUT": "False",
}


def test_credentials_are_there_and_stray_settings_are_not(patch, credentials):
    for name, value in HOSTILE.items():
        patch.setenv(name, value)
    patch.delenv("QISKIT_IBM_INSTANCE", raising=False)
    patch.setenv("QISKIT_IBM_RUNTIME_LOG_LEVEL", "ERROR")
    before = dict(os.environ)
    with Sandbox(credentials):
        assert credentials.items() <= os.environ.items()
        assert os.environ["USAGE_DATA_OPT_OUT"] == "True"
        assert os.environ["QISKIT_IBM_RUNTIME_LOG_LEVEL"] == "ERROR"
        assert not (HOSTILE.keys() - credentials - {"USAGE_DATA_OPT_OUT"}) & os.environ.keys()
        os.environ["QISKIT_IBM_TOKEN"] = "changed by the test"
        os.environ["THE_TESTS_OWN"] = "stays"
        os.environ.pop("USAGE_DATA_OPT_OUT")
    assert os.environ.pop("THE_TESTS_OWN") == "stays"
    assert dict(os.environ) == before


def test_a_variable_may_be_given(credentials):
    with Sandbox({**credentials, "QISKIT_IBM_URL": "https://my.cloud"}):
        assert os.environ["QISKIT_IBM_URL"] == "https://my.cloud"


@pytest.mark.parametrize("place", ["cwd", "home", "named"])
def test_a_hostile_credentials_file_is_not_read(place, patch, tmp_path):
    (tmp_path / "ibm-credentials.env").write_text("GLOBAL_SEARCH_URL=https://evil.example\n")
    (tmp_path / "empty").mkdir()
    patch.chdir(tmp_path if place == "cwd" else tmp_path / "empty")
    patch.setenv("HOME", str(tmp_path if place == "home" else tmp_path / "empty"))
    if place == "named":
        patch.setenv("IBM_CREDENTIALS_FILE", str(tmp_path / "ibm-credentials.env"))
    assert ibm_cloud_sdk_core.read_external_sources("global_search")
    with Sandbox({}):
        assert ibm_cloud_sdk_core.read_external_sources("global_search") == {}
    assert ibm_cloud_sdk_core.read_external_sources("global_search")


def test_accounts_are_saved_in_a_file_of_our_own():
    real = management._DEFAULT_ACCOUNT_CONFIG_JSON_FILE
    with Sandbox({}):
        file = Path(management._DEFAULT_ACCOUNT_CONFIG_JSON_FILE)
        assert str(file) != real
        assert not file.parent.exists()
        assert QiskitRuntimeService.saved_accounts() == {}
        QiskitRuntimeService.save_account(token="t", name="mine")
        assert QiskitRuntimeService.saved_accounts()["mine"]["token"] == "t"
        assert QiskitRuntimeService.delete_account(name="mine")
        assert file.exists()
    assert not file.parent.exists()
    assert real == management._DEFAULT_ACCOUNT_CONFIG_JSON_FILE


def test_the_sandbox_is_left_as_found_when_the_body_raises(credentials):
    before = dict(os.environ)
    with pytest.raises(ZeroDivisionError), Sandbox(credentials):
        QiskitRuntimeService.saved_accounts()[1 / 0]
    assert dict(os.environ) == before


def test_the_sandbox_is_left_as_found_when_it_cannot_be_entered(credentials):
    before = dict(os.environ)
    with pytest.raises(TypeError), Sandbox({**credentials, "QISKIT_IBM_URL": 3}):
        pass
    assert dict(os.environ) == before


# ---- waiting ------------------------------------------------------------------------------


def test_the_client_waits_by_the_clock_and_the_user_does_not(endpoint):
    from ibm_cloud_sdk_core.token_managers import token_manager
    from qiskit_ibm_runtime import runtime_job_v2

    with VirtualWaiting(endpoint.clock):
        for module in (runtime_job_v2, token_manager):
            module.time.sleep(1800)
            assert module.time.time() == endpoint.clock.time()
            assert module.time.monotonic is time.monotonic
        assert time.sleep is not endpoint.clock.advance
        assert token_manager.TokenManager._get_current_time() == int(endpoint.clock.time())
    assert endpoint.clock.skipped == 3600


def test_no_module_of_theirs_waits_without_our_knowing():
    """If a new release sleeps elsewhere, this names the module."""
    from pytest_qiskit_fakeruntime.intercept.waiting import _WAITING

    waiting = set()
    for package in ("qiskit_ibm_runtime", "ibm_cloud_sdk_core"):
        folder = Path(sys.modules[package].__file__).parent
        for file in folder.rglob("*.py"):
            if "time.sleep(" in (text := file.read_text()) or "from time import" in text:
                parts = file.relative_to(folder.parent).with_suffix("").parts
                waiting.add(".".join(parts))
    assert "qiskit_ibm_runtime.runtime_job_v2" in waiting  # it does find them
    assert waiting <= set(_WAITING)


# ---- all of it -----------------------------------------------------------------------------


def test_start_and_stop(endpoint, credentials):
    interception = Interception(endpoint, credentials)
    interception.requests_mock.register_uri("GET", "https://x.org", text="early")
    interception.stop()  # not running: nothing to do
    for _ in range(2):
        interception.start()
        with pytest.raises(UsageError, match="already"):
            interception.start()
        assert requests.get(IBM).json()["by"] == "ours"
        assert requests.get("https://x.org").text == "early"
        assert os.environ["QISKIT_IBM_TOKEN"] == "fake-token"
        interception.stop()
        interception.stop()


def test_fakes_stop_in_reverse_order(endpoint, new_endpoint):
    outer, inner = Interception(endpoint, {}), Interception(new_endpoint("inner"), {})
    outer.start()
    inner.start()
    with pytest.raises(UsageError, match="reverse order"):
        outer.stop()
    assert requests.get(IBM).json()["by"] == "inner"
    inner.stop()
    assert requests.get(IBM).json()["by"] == "ours"
    outer.stop()


def test_fakes_that_were_left_running_are_stopped(new_endpoint):
    fakes = [Interception(new_endpoint(name), {}) for name in ("outer", "one", "two")]
    for fake in fakes:
        fake.start()
    outer = fakes[0]
    assert [fake.answers for fake in fakes] == [False, False, True]
    assert outer.stop_abandoned() == 2
    assert [fake.answers for fake in fakes] == [True, False, False]
    assert requests.get(IBM).json()["by"] == "outer"
    assert outer.stop_abandoned() == 0
    outer.stop()
    assert outer.stop_abandoned() == 0
    assert not outer.answers


@pytest.mark.parametrize("part", ["requests.RequestsInterception", "waiting.VirtualWaiting"])
def test_what_was_done_is_undone_if_starting_fails(part, endpoint, credentials, patch):
    def fail(self):
        raise KeyboardInterrupt

    patch.setattr(f"pytest_qiskit_fakeruntime.intercept.{part}.__enter__", fail)
    interception = Interception(endpoint, credentials)
    with pytest.raises(KeyboardInterrupt):
        interception.start()
    assert os.environ.get("QISKIT_IBM_TOKEN") != "fake-token"
    patch.undo()
    interception.start()
    interception.stop()


def test_importing_loads_nothing_heavy():
    code = (
        "import sys, pytest_qiskit_fakeruntime.intercept\n"
        "heavy = {'requests', 'httpx', 'requests_mock', 'respx', 'qiskit', 'urllib3'}\n"
        "sys.exit(str(heavy & sys.modules.keys()) if heavy & sys.modules.keys() else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_works_with_an_unwritable_home(tmp_path):
    """In a process of its own: the client looks for the home directory on import."""
    home = tmp_path / "home"
    home.mkdir()
    code = (
        "from pytest_qiskit_fakeruntime.intercept.sandbox import Sandbox\n"
        "from pytest_qiskit_fakeruntime.intercept.waiting import VirtualWaiting\n"
        "with Sandbox({}):\n"
        "    from qiskit_ibm_runtime import QiskitRuntimeService as Service\n"
        "    from qiskit_ibm_runtime.api import session\n"
        "    Service.save_account(token='t')\n"
        "    assert Service.saved_accounts()\n"
        "assert session.CLIENT_APPLICATION\n"  # evaluated before we opted out
    )
    env = {**os.environ, "HOME": str(home)}
    env.pop("USAGE_DATA_OPT_OUT", None)
    home.chmod(0o555)
    subprocess.run([sys.executable, "-c", code], check=True, env=env, cwd=Path.cwd())
    # samplomatic, which some releases need, notes there that it has warned of its being beta.
    assert {path.name for path in home.iterdir()} <= {".local"}
