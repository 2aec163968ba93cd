"""No function is longer or more tangled than can be read at once, but for a reason."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import kitaru_iac

# Reads the sources, and runs none of them.
pytestmark = pytest.mark.no_cover

PACKAGE = Path(kitaru_iac.__file__).parent
ROOT = Path(__file__).parents[1]
CODE = (PACKAGE, ROOT / "programs", ROOT / "scripts", ROOT / "tools")

#: Lines of a function, without its docstring. Ruff counts the branches (`max-complexity`).
LIMIT = 60

#: Functions that are longer, and why. An entry goes when its function has become shorter.
LONG = {
    "kitaru_iac/cli/_flags.py:flags": "a table of flags, which scripts/generate writes",
    "kitaru_iac/cli/stack_delete.py:delete": "a table of flags, and one statement below it",
    "kitaru_iac/clouds/aws/provision/bucket.py:__init__": "one resource after the other",
}


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Each function of a module, with its lines."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            text = node.body[0]
            is_docstring = isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
            lines = _lines(node) - (_lines(text) if is_docstring else 0)
            yield node.name, lines


def _lines(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def modules() -> Iterator[tuple[Path, Path]]:
    return ((folder, path) for folder in CODE for path in sorted(folder.rglob("*.py")))


def test_a_long_function_has_a_reason() -> None:
    long = {
        f"{path.relative_to(folder.parent)}:{name}"
        for folder, path in modules()
        for name, lines in functions(path)
        if lines > LIMIT
    }
    assert long - set(LONG) == set(), "cut them"
    assert set(LONG) - long == set(), "these are short now: delete their entries"


def test_no_function_is_excepted_from_the_limit_of_branches() -> None:
    assert [p for _, p in modules() if re.search(r"noqa:.*\b(C901|C90)\b", p.read_text())] == []


def test_lines_are_counted_without_the_docstring(tmp_path: Path) -> None:
    path = tmp_path / "x.py"
    path.write_text('def f():\n    """One.\n\n    Two.\n    """\n    a = 1\n    return a\n')
    assert list(functions(path)) == [("f", 3)]
    path.write_text("class C:\n    async def f(\n        self,\n    ):\n        return 1\n")
    assert list(functions(path)) == [("f", 4)]
