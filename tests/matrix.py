"""The matrix of releases: each run writes down how it went, and the README shows it.

A plugin of pytest, ``-p tests.matrix``, that leaves a record in the directory that the
environment variable ``MATRIX`` names; and a command, ``python -m tests.matrix``, that makes
the README's table of these records.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
BEGIN, END = "<!-- matrix -->\n", "<!-- /matrix -->\n"
HEAD = "| qiskit-ibm-runtime | Python | qiskit | result |\n|---|---|---|---|\n"
COUNTED = ("passed", "skipped", "failed", "error")
BEGAN = pytest.StashKey[float]()


def pytest_configure(config: Any) -> None:
    config.stash[BEGAN] = time.time()


def pytest_terminal_summary(terminalreporter: Any, config: Any) -> None:
    directory = os.environ.get("MATRIX")
    if not directory:
        return
    record = {
        "client": version("qiskit-ibm-runtime"),
        "python": platform.python_version(),
        "qiskit": version("qiskit"),
        "seconds": round(time.time() - config.stash[BEGAN]),
        **{kind: len(terminalreporter.stats.get(kind, ())) for kind in COUNTED},
    }
    name = os.environ.get("TOX_ENV_NAME") or "-".join(map(str, list(record.values())[:3]))
    Path(directory).mkdir(parents=True, exist_ok=True)
    Path(directory, f"{name}.json").write_text(json.dumps(record) + "\n", encoding="utf-8")


def rows(records: list[dict[str, Any]]) -> list[str]:
    """The lines of the table, by client, Python and qiskit."""

    def place(record: dict[str, Any]) -> list[list[int]]:
        return [_numbers(record[key]) for key in ("client", "python", "qiskit")]

    return [
        "| {client} | {python} | {qiskit} | {result} |\n".format(
            **{**one, "python": one["python"].rpartition(".")[0]}, result=_result(one)
        )
        for one in sorted(records, key=place)
    ]


def table(text: str) -> str:
    """The part of the README between the markers."""
    return text.partition(BEGIN)[2].partition(END)[0]


def main(directory: str) -> None:
    """Put the records of a directory into the README."""
    files = sorted(Path(directory).glob("*.json"))
    records = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    before, _, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    README.write_text(
        before + BEGIN + HEAD + "".join(rows(records)) + END + after, encoding="utf-8"
    )


def _result(record: dict[str, Any]) -> str:
    return ", ".join(f"{record[kind]} {kind}" for kind in COUNTED if record[kind])


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(".") if part.isdigit()]


if __name__ == "__main__":
    main(*sys.argv[1:])
