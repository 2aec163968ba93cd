from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = """
import pytest

def test_good():
    pass

@pytest.mark.skipif({condition}, reason={reason!r})
def test_skipped():
    pass

@pytest.mark.xfail(strict=True)
def test_expected_failure():
    assert False
"""


def run(
    tmp_path: Path, *options: str, ci: bool, reason: str = "no luck", condition: bool = True
) -> subprocess.CompletedProcess[str]:
    (tmp_path / "test_it.py").write_text(TESTS.format(reason=reason, condition=condition))
    root = str(Path(__file__).parents[2])
    environment = os.environ | {"PYTHONPATH": root, "KITARU_CI": "1" if ci else "0"}
    environment.pop("PYTEST_ADDOPTS", None)
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # none is needed but xdist
    command = [sys.executable, "-m", "pytest", "-p", "tests.plugins.no_silent_skips", *options]
    return subprocess.run(
        [*command, "--rootdir", ".", "-c", os.devnull, "."],
        cwd=tmp_path,
        check=False,
        env=environment,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("options", [(), ("-p", "xdist", "-n", "1")])
def test_a_skip_fails_the_run_in_ci(tmp_path: Path, options: tuple[str, ...]) -> None:
    done = run(tmp_path, *options, ci=True)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "test_it.py::test_skipped: no luck" in done.stdout


def test_a_skip_is_fine_elsewhere(tmp_path: Path) -> None:
    assert run(tmp_path, ci=False).returncode == 0


def test_no_skip_is_fine_in_ci(tmp_path: Path) -> None:
    assert run(tmp_path, ci=True, condition=False).returncode == 0


def test_a_documented_reason_is_fine_in_ci(tmp_path: Path) -> None:
    assert run(tmp_path, ci=True, reason="not on this platform: Windows").returncode == 0


def test_a_skipped_module_fails_the_run_in_ci(tmp_path: Path) -> None:
    (tmp_path / "test_other.py").write_text("import pytest\npytest.importorskip('no_such')\n")
    done = run(tmp_path, ci=True, condition=False)
    assert done.returncode == 1
    assert "no_such" in done.stdout
