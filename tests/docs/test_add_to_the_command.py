"""The guides for the command line work, and say all there is to do."""

from __future__ import annotations

import json
import sys

import pytest

from tests.docs.guide import Followed, follow
from tests.docs.markdown import ROOT
from tests.homes import Home

pytestmark = pytest.mark.slow

_GUIDES = ROOT / "docs" / "contributing"


def kitaru(copy: Followed, home: Home, *words: str) -> tuple[int, str, str]:
    """Run the command of the copy: its exit code, stdout and stderr."""
    done = home.run(
        sys.executable,
        *("-m", "kitaru_iac.cli.main", *words),
        cwd=copy.root,
        PYTHONPATH=str(copy.root),
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def with_format(tmp_path_factory: pytest.TempPathFactory) -> Followed:
    return follow(_GUIDES / "add-an-output-format.md", tmp_path_factory.mktemp("format"))


@pytest.fixture(scope="module")
def with_command(tmp_path_factory: pytest.TempPathFactory) -> Followed:
    return follow(_GUIDES / "add-a-command.md", tmp_path_factory.mktemp("command"))


def test_a_format_is_one_file(with_format: Followed) -> None:
    assert with_format.added == []
    assert set(with_format.changed) == {"kitaru_iac/cli/formats.py"}


def test_every_command_writes_it(with_format: Followed, bare_home: Home) -> None:
    for words in (("stack", "list"), ("stack", "current"), ("doctor",), ("status",)):
        code, out, err = kitaru(with_format, bare_home, *words, "--output", "compact")
        assert (code, err) == (0, ""), words
        assert out.count("\n") == 1, words
        assert json.loads(out)["command"] == ".".join(words)


def test_an_error_is_written_in_it_too(with_format: Followed, bare_home: Home) -> None:
    code, out, err = kitaru(with_format, bare_home, "stack", "show", "none", "-o", "compact")
    assert (code, out) == (4, "")
    assert err.count("\n") == 1
    assert json.loads(err)["error"]["code"] == "stack_not_found"


def test_the_help_names_it(with_format: Followed, bare_home: Home) -> None:
    for words in (("stack", "list"), ("stack", "preview")):
        _, out, _ = kitaru(with_format, bare_home, *words, "--help")
        assert "compact" in out, words
    code, _, err = kitaru(with_format, bare_home, "stack", "list", "-o", "compcat")
    assert code == 64
    assert "compact" in err


def test_a_command_is_a_line_and_a_module(with_command: Followed) -> None:
    assert with_command.added == ["kitaru_iac/cli/stack_count.py"]
    assert with_command.changed == {"kitaru_iac/cli/commands.py": 1}


def test_the_command_works_and_is_in_the_help(with_command: Followed, bare_home: Home) -> None:
    assert kitaru(with_command, bare_home, "stack", "count") == (0, "1\n", "")
    _, out, _ = kitaru(with_command, bare_home, "stack", "count", "-o", "json")
    assert json.loads(out) == {"command": "stack.count", "item": {"stacks": 1}}
    _, overview, _ = kitaru(with_command, bare_home, "stack", "--help")
    assert "Say how many stacks there are." in overview
    code, _, err = kitaru(with_command, bare_home, "stack", "cuont")
    assert code == 64
    assert "count" in err


def test_the_tests_and_the_reference_take_it_from_the_tree(with_command: Followed) -> None:
    shown = with_command.run(
        "from kitaru_iac.cli.commands import paths\n"
        "print(paths().index('stack count') == paths().index('stack list') + 1)\n"
    )
    assert shown == "True\n"
