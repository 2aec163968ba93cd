from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.plugins.quick import is_chosen

_TESTS = """
import pytest

@pytest.mark.parametrize("row", range(200))
def test_long(row):
    pass

@pytest.mark.parametrize("row", range(8))
def test_short(row):
    pass
"""


def _run(folder: Path, **more: str) -> list[str]:
    """The tests that were run."""
    environment = os.environ | {
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    for outer in ("PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER", "TESTS_QUICK"):
        environment.pop(outer, None)
    plain = ("-q", "--rootdir", ".", "-c", os.devnull, "--collect-only")
    command = [sys.executable, "-m", "pytest", "-p", "tests.plugins.quick", *plain, "tests"]
    done = subprocess.run(
        command, cwd=folder, env=environment | more, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return [line for line in done.stdout.splitlines() if "::" in line]


def test_of_a_long_table_some_rows_are_run_and_of_an_edited_file_all(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    file = tmp_path / "tests/test_it.py"
    file.write_text(_TESTS)
    author = ("-c", "user.name=a", "-c", "user.email=a@b")
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "Begin"]):
        subprocess.run(["git", *author, *words], cwd=tmp_path, check=True)
    every = _run(tmp_path)
    assert len(every) == 208
    quick = _run(tmp_path, TESTS_QUICK="1")
    long = [test for test in every if "test_long" in test]
    assert quick == [test for test in every if test not in long or is_chosen(test)]
    assert 8 < len(quick) < 108
    file.write_text(_TESTS + "\n")
    assert _run(tmp_path, TESTS_QUICK="1") == every
