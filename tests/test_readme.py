"""Every block of the README is a test module that passes, in a strict run."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from pytest_examples import CodeExample, find_examples

from pytest_qiskit_fakeruntime.api.endpoint import ROUTER, UNMATCHED
from pytest_qiskit_fakeruntime.world.seeding import KNOWN

from .capabilities import load
from .plugin.conftest import like_ours  # imports what an inner run cannot import twice

ROOT = Path(__file__).parent.parent
EXAMPLES = [one for one in find_examples(str(ROOT / "README.md")) if one.prefix == "python"]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: f"line-{one.start_line}")
def test_block(
    example: CodeExample, pytester: pytest.Pytester, pytestconfig: pytest.Config
) -> None:
    for name in _imported(example.source):
        load(name)
    pytester.makeini("[pytest]\n" + like_ours(pytestconfig))
    pytester.makepyfile(example.source)

    result = pytester.runpytest("--strict-markers", "-pno:randomly", "-pno:asyncio")

    outcomes = result.parseoutcomes()
    assert outcomes.get("passed", 0) > 0
    assert set(outcomes) == {"passed"}


def _imported(source: str) -> list[str]:
    """What a block imports of the client, by dotted path."""
    return [
        f"{node.module}.{alias.name}"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("qiskit_ibm")
        for alias in node.names
    ]


def test_every_operation_is_listed() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    listed = text.split("<!-- operations -->")[1].split("<!-- /operations -->")[0]

    assert re.findall(r"`(\w+)`", listed) == [*ROUTER.names, UNMATCHED]


def test_all_that_can_be_said_of_a_past_job_is_listed() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = text.split("| `jobs.add(...)` |")[1].split("\n\n")[0].splitlines()[2:]

    listed = [name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])]
    assert sorted(listed) == sorted(KNOWN)


def test_there_are_blocks() -> None:
    assert len(EXAMPLES) > 10
