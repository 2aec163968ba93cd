from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

_TESTED = """
def light():
    return 1

def set_up():
    return 2

def called():
    return 3

def one(number):
    return {0: 4}[0]
"""
_TESTS = """
import os
import sys

import pytest
import tested

imported_traced = sys.gettrace() is not None
traced = []

@pytest.fixture
def prepared():
    tested.set_up()

@pytest.mark.store
def test_with_a_store(prepared):
    tested.called()

def test_light():
    tested.light()

@pytest.mark.clouds
@pytest.mark.parametrize("number", range(30))
def test_with_a_cloud(number):
    tested.one(number)

@pytest.mark.parametrize("number", range(21))
def test_of_many_rows(number):
    traced.append(sys.gettrace() is not None)

def test_some_of_the_rows_were_counted():
    assert 0 < sum(traced) < 21

def test_one_worker_counts_what_is_imported():
    assert imported_traced is (os.environ.get("PYTEST_XDIST_WORKER", "gw0") == "gw0")

@pytest.mark.no_cover
def test_of_many_values():
    tested.called()

@pytest.mark.server
def test_last():
    tested.called()
"""


@pytest.mark.parametrize("options", [(), ("-p", "xdist", "-n", "2", "--dist", "each")])
def test_what_runs_foreign_packages_is_not_counted(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    (tmp_path / "tested.py").write_text(_TESTED)
    (tmp_path / "test_it.py").write_text(_TESTS)
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[2]), str(tmp_path)]),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    for outer in ("PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER"):
        environment.pop(outer, None)
    command = [
        *(sys.executable, "-m", "pytest", "-p", "pytest_cov", "-p", "tests.plugins.counted"),
        *(*options, "--cov", "tested", "--cov-branch", "--cov-report", "json"),
        *("--rootdir", ".", "-c", os.devnull, "."),
    ]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    counted = json.loads((tmp_path / "coverage.json").read_text())["files"]["tested.py"]
    assert counted["functions"]["light"]["missing_lines"] == []
    assert counted["functions"]["one"]["missing_lines"] == []
    assert counted["functions"]["set_up"]["executed_lines"] == []
    assert counted["functions"]["called"]["executed_lines"] == []
