"""The rules of the house, read off the source."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import pytest_qiskit_fakeruntime

HOUSE = Path(pytest_qiskit_fakeruntime.__file__).parent
NAME = HOUSE.name
MODULES = sorted(str(path.relative_to(HOUSE)) for path in HOUSE.rglob("*.py"))

HTTP = {"requests", "httpx", "httpcore", "respx", "requests_mock", "urllib3"}
QISKIT = {"qiskit", "qiskit_aer", "qiskit_ibm_runtime", "ibm_quantum_schemas", "samplomatic"}
HEAVY = {*HTTP, *QISKIT, "pydantic", "numpy", "jwt"} - {"urllib3"}

EXCEPTIONS = {
    # The user's service object is the client's.
    ("runtime.py", "qiskit_ibm_runtime"),
    # Where the client looks for the account file.
    ("intercept/sandbox.py", "qiskit_ibm_runtime.accounts"),
    # What the client keeps of a token.
    ("intercept/accounts.py", "qiskit_ibm_runtime.accounts.account"),
}
"""Imports that break a rule on purpose. All of them are inside functions."""


def tree(module: str) -> ast.Module:
    return ast.parse((HOUSE / module).read_text(encoding="utf-8"))


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Every node that is there when the program runs."""
    yield node
    for child in ast.iter_child_nodes(node):
        if is_type_checking(child):
            assert isinstance(child, ast.If)
            for other in child.orelse:
                yield from nodes(other)
        else:
            yield from nodes(child)


def imported(module: str, root: ast.AST | None = None) -> set[str]:
    """What a module imports, by absolute name."""
    package = [NAME, *module.split("/")[:-1]]
    found = set()
    for node in nodes(root or tree(module)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else []
            name = ".".join([*base, *([node.module] if node.module else [])])
            # ``from . import x`` may mean the module x.
            found |= {name} if node.module else {f"{name}.{alias.name}" for alias in node.names}
    return {name for name in found if (module, name) not in EXCEPTIONS}


def foreign(module: str) -> set[str]:
    """Packages that a module imports and that are neither ours nor Python's."""
    tops = {name.partition(".")[0] for name in imported(module)}
    return tops - sys.stdlib_module_names - {NAME}


def ours(module: str) -> set[str]:
    """Modules of the house that a module imports, as ``api.jobs``."""
    prefix = f"{NAME}."
    return {name.removeprefix(prefix) for name in imported(module) if name.startswith(prefix)}


def floor(module: str) -> str:
    return module.partition("/")[0]


def on(*floors: str) -> list[str]:
    return [module for module in MODULES if floor(module) in floors]


def not_on(*floors: str) -> list[str]:
    return [module for module in MODULES if floor(module) not in floors]


@pytest.mark.parametrize("module", on("world"))
def test_world_needs_nothing_but_python(module: str) -> None:
    assert foreign(module) == set()


@pytest.mark.parametrize("module", on("world"))
def test_world_knows_no_other_floor(module: str) -> None:
    assert {name for name in ours(module) if not name.startswith("world")} == set()


@pytest.mark.parametrize("module", on("api"))
def test_api_needs_jwt_and_pydantic_only(module: str) -> None:
    assert foreign(module) <= {"jwt", "pydantic"}


@pytest.mark.parametrize("module", on("api"))
def test_api_knows_the_world_only(module: str) -> None:
    assert {name.partition(".")[0] for name in ours(module)} <= {"api", "world", "errors"}


@pytest.mark.parametrize("module", on("execute"))
def test_execution_knows_the_world_only(module: str) -> None:
    assert {name.partition(".")[0] for name in ours(module)} <= {"execute", "world", "errors"}


@pytest.mark.parametrize("module", on("intercept"))
def test_interception_knows_the_api_only(module: str) -> None:
    floors = {name.partition(".")[0] for name in ours(module)}

    assert floors <= {"intercept", "api", "world", "errors"}


@pytest.mark.parametrize("module", not_on("plugin.py"))
def test_nobody_imports_the_plugin(module: str) -> None:
    assert "plugin" not in {name.partition(".")[0] for name in ours(module)}


@pytest.mark.parametrize("module", on("world", "api", "execute", "intercept", "errors.py"))
def test_nobody_below_imports_the_control_panel(module: str) -> None:
    floors = {name.partition(".")[0] for name in ours(module)}

    assert not floors & {"runtime", "panel", "options", "reporting"}


@pytest.mark.parametrize("module", not_on("execute"))
def test_nobody_but_the_execution_imports_qiskit(module: str) -> None:
    assert not foreign(module) & QISKIT


@pytest.mark.parametrize("module", not_on("intercept"))
def test_nobody_but_the_interception_imports_an_http_library(module: str) -> None:
    assert not foreign(module) & HTTP


@pytest.mark.parametrize("module", not_on("plugin.py"))
def test_nobody_but_the_plugin_imports_pytest(module: str) -> None:
    assert not foreign(module) & {"pytest", "_pytest"}


def test_imports_that_break_a_rule_are_there_and_are_lazy() -> None:
    for module, name in EXCEPTIONS:
        lazy = any(
            isinstance(node, ast.ImportFrom) and node.module == name
            for function in ast.walk(tree(module))
            if isinstance(function, ast.FunctionDef)
            for node in ast.walk(function)
        )
        eager = any(
            isinstance(node, ast.ImportFrom) and node.module == name for node in tree(module).body
        )
        assert (lazy, eager) == (True, False), (module, name)


@pytest.mark.parametrize("module", MODULES)
def test_file_has_at_most_400_lines(module: str) -> None:
    assert len((HOUSE / module).read_text(encoding="utf-8").splitlines()) <= 400


@pytest.mark.parametrize("module", MODULES)
def test_nothing_depends_on_assert(module: str) -> None:
    assert [node.lineno for node in nodes(tree(module)) if isinstance(node, ast.Assert)] == []


@pytest.mark.parametrize("module", MODULES)
def test_everything_public_has_a_docstring(module: str) -> None:
    source = tree(module)
    bare = [] if ast.get_docstring(source) else ["the module"]
    todo: list[ast.Module | ast.ClassDef] = [source]
    while todo:
        for node in todo.pop().body:
            if not isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                continue
            if node.name.startswith("_"):
                continue
            overload = any("setter" in ast.unparse(one) for one in node.decorator_list)
            if ast.get_docstring(node) is None and not overload:
                bare.append(node.name)
            if isinstance(node, ast.ClassDef):
                todo.append(node)

    assert bare == []


@pytest.mark.parametrize("word", ["Manager", "Helper", "utils", "helpers", "common", "misc"])
def test_names_say_what_things_are(word: str) -> None:
    named = [
        f"{module}: {node.name}"
        for module in MODULES
        for node in nodes(tree(module))
        if isinstance(node, ast.ClassDef) and word in node.name
    ]

    assert named == []
    assert [module for module in MODULES if Path(module).stem == word] == []


def loaded(statement: str) -> set[str]:
    """The heavy packages that are loaded after a statement in a fresh interpreter."""
    code = f"{statement}\nimport sys\nprint(*sorted(m for m in sys.modules if '.' not in m))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(out.stdout.split()) & HEAVY


@pytest.mark.parametrize(
    ("statement", "allowed"),
    [
        pytest.param(f"import {NAME}", set(), id="package"),
        pytest.param(f"import {NAME}.plugin", set(), id="plugin"),
        pytest.param(f"from {NAME} import UsageError, Task, Outcome", set(), id="light names"),
        pytest.param(f"import {NAME}.world.world", set(), id="world"),
        pytest.param(f"import {NAME}.api.endpoint", {"jwt", "pydantic"}, id="api"),
        pytest.param(f"import {NAME}.execute.catalogue", set(), id="catalogue"),
    ],
)
def test_import_loads_nothing_heavy(statement: str, allowed: set[str]) -> None:
    assert loaded(statement) <= allowed
