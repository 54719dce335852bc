"""Every run says which client it had, and a release that nobody tested is warned of once."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import pytest

from pytest_qiskit_fakeruntime import FakeRuntime, FakeRuntimeWarning
from pytest_qiskit_fakeruntime.execute import release

from .. import matrix

if sys.version_info >= (3, 11):
    import tomllib
else:
    tomllib = pytest.importorskip("tomli")

ROOT = Path(__file__).parent.parent.parent
TOX = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["tox"]
RELEASES = [one.removeprefix("v") for one in TOX["env_base"]["client"]["factors"][0]["release"]]
README = matrix.README.read_text(encoding="utf-8")
QUIET = ("-p", "no:asyncio")
USES = "def test_it(fake_runtime): pass"
UNUSED = "def test_it(): pass"
LINE = f"fake IBM Quantum: qiskit-ibm-runtime {release.release()}, seed *"


def test_header_of_a_run_that_is_all_ours(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(UNUSED)

    header = pytester.runpytest(*QUIET, "--fake-runtime", "--fake-runtime-seed=5").stdout.lines

    assert sum(line.startswith("fake IBM Quantum: ") for line in header) == 1
    assert any(line.endswith(f"{release.release()}, seed 5") for line in header)


@pytest.mark.parametrize(
    ("code", "args", "said"), [(USES, ["-v"], True), (USES, [], False), (UNUSED, ["-v"], False)]
)
def test_summary_of_other_runs(
    pytester: pytest.Pytester, code: str, args: list[str], said: bool
) -> None:
    pytester.makepyfile(code)

    lines = pytester.runpytest(*QUIET, *args).stdout

    if said:
        lines.fnmatch_lines([LINE])
    else:
        lines.no_fnmatch_line(LINE)


@pytest.mark.parametrize(
    ("installed", "kind"),
    [("0.40.1", "older"), ("0.52.0rc1", "newer"), ("1.0", "newer"), ("unknown", "older")],
)
def test_untested_release_is_warned_of_once_and_works(
    monkeypatch: pytest.MonkeyPatch, installed: str, kind: str
) -> None:
    monkeypatch.setattr(release, "_said", set())
    monkeypatch.setattr(release, "version", lambda name: installed)

    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        for _ in range(2):
            with FakeRuntime("fake_manila") as fake:
                assert fake.service().backend("fake_manila").num_qubits == 5
    [one] = [one for one in warned if one.category is FakeRuntimeWarning]
    assert f"{installed} is {kind} " in str(one.message)
    assert "0.41 to 0.51" in str(one.message)


@pytest.mark.parametrize("installed", ["0.41.0", "0.44", "0.51.0", "0.51.99", "0.50.0.dev1"])
def test_tested_release_is_not_warned_of(monkeypatch: pytest.MonkeyPatch, installed: str) -> None:
    monkeypatch.setattr(release, "_said", set())
    monkeypatch.setattr(release, "version", lambda name: installed)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        release.check_release()


def test_tested_range_is_that_of_the_matrix() -> None:
    assert tuple(one.rpartition(".")[0] for one in (RELEASES[0], RELEASES[-1])) == release.TESTED


def test_every_release_and_every_python_is_in_the_spread_that_ci_runs() -> None:
    spread = [name.split("-") for name in TOX["labels"]["spread"] if name.startswith("client-")]

    assert {name[1].removeprefix("v") for name in spread} == set(RELEASES)
    assert {name[2] for name in spread} == {"oldest", "newest"}
    assert {name[3] for name in spread} == set(TOX["env_base"]["client"]["factors"][2])


def test_the_table_of_the_readme_is_that_of_the_matrix() -> None:
    rows = [line.strip("| \n").split(" | ") for line in matrix.table(README).splitlines()[2:]]

    assert {row[0] for row in rows} >= set(RELEASES)
    assert {row[1] for row in rows} == {"3.10", "3.11", "3.12", "3.13"}
    assert not [row for row in rows if "failed" in row[3] or "error" in row[3]]
