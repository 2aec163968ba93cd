"""The table of faces is complete, and what it names is there."""

from __future__ import annotations

import inspect
import re

import kitaru_iac
from kitaru_iac.cli.commands import paths
from kitaru_iac.mcp.server import TOOLS
from tests.docs.markdown import ROOT

PAGE = (ROOT / "docs" / "reference" / "faces.md").read_text()
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if line.startswith("| ") and not line.startswith(("| ---", "| Command"))
]


def _named(column: int) -> set[str]:
    return {name for row in ROWS for name in re.findall(r"`([^`]+)`", row[column])}


def test_every_command_is_in_the_table() -> None:
    assert all(len(row) == 4 for row in ROWS)
    assert _named(0) == {*paths(), "stack delete --infra"}


def test_every_function_is_in_the_table() -> None:
    names = [name for name in kitaru_iac.__all__ if not name.startswith("_")]
    functions = {f"{name}()" for name in names if not inspect.isclass(getattr(kitaru_iac, name))}
    assert _named(1) == functions
    for name in (
        *("Applied", "CheckReport", "Copied", "Deleted", "Exported"),
        *("Outcome", "PlannedStacks", "Renamed"),
        *("StackDrift", "StackHealth", "StackPlan", "StackView"),
    ):
        assert hasattr(getattr(kitaru_iac, name), "to_dict")


def test_every_tool_is_in_the_table() -> None:
    named = {name for name in _named(2) if not name.startswith("kitaru://")}
    assert named == {entry.name for entry in TOOLS}


def test_every_resource_and_function_of_the_pulumi_package_is_in_the_table() -> None:
    from kitaru_iac.pulumi.plugin.schema import schema

    package = schema()
    parts = {*package["resources"], *(f"{name}()" for name in package["functions"])}
    named = {
        part.removeprefix("kitaru:").removeprefix("index:").replace(":", ".") for part in parts
    }
    assert named <= _named(3)
    assert {name for name in _named(3) if name[0] != "p" and name != "url"} <= named
