"""A distribution named `kitaru` beside us gets the commands that we do not have."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.homes import Home

_MODULE = """
import sys

def main():
    print("theirs:", *sys.argv[1:])
    if sys.argv[1:2] == ["fail"]:
        sys.exit(7)
    if sys.argv[1:2] == ["say"]:
        sys.exit("said")
"""


@pytest.fixture
def beside(tmp_path: Path) -> Path:
    """A folder with such a distribution."""
    site = tmp_path / "site"
    (site / "kitaru").mkdir(parents=True)
    (site / "kitaru" / "__init__.py").write_text("")
    (site / "kitaru" / "other.py").write_text(_MODULE)
    info = site / "kitaru-9.9.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: kitaru\nVersion: 9.9\n")
    (info / "entry_points.txt").write_text("[console_scripts]\nkitaru = kitaru.other:main\n")
    return site


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("deploy my_flow.py --fast", 0, "theirs: deploy my_flow.py --fast\n"),
        ("executions list -o json", 0, "theirs: executions list -o json\n"),
        ("fail", 7, "theirs: fail\n"),
        ("say", 1, "theirs: say\n"),
    ],
)
def test_what_we_do_not_have_is_handed_over(home: Home, beside: Path, line, code, said):
    done = home.kitaru(*line.split(), PYTHONPATH=str(beside))
    assert (done.returncode, done.stdout) == (code, said)


def test_what_we_have_is_ours(home: Home, beside: Path):
    done = home.kitaru("stack", "current", PYTHONPATH=str(beside))
    assert done.stdout.startswith("Active stack: default\n")
    assert home.kitaru("stack", "nope", PYTHONPATH=str(beside)).returncode == 64
    assert "theirs" not in home.kitaru("--help", PYTHONPATH=str(beside)).stdout


def test_without_it_an_unknown_command_is_a_usage_error(home: Home):
    assert home.kitaru("run").returncode == 64


def test_a_folder_of_that_name_is_no_distribution(home: Home):
    (home.path / "kitaru").mkdir()
    assert home.kitaru("run").returncode == 64
