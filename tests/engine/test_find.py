from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from kitaru_iac.engine.find import (
    MINIMUM,
    EngineNotFound,
    EngineTooOld,
    EngineUnusable,
    FoundEngine,
    Version,
    find_engine,
    inspect,
)
from kitaru_iac.errors import EngineError


def fake(directory: Path, says: str, *, code: int = 0) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    program = directory / "pulumi"
    program.write_text(f"#!/bin/sh\necho '{says}'\nexit {code}\n")
    program.chmod(0o755)
    return program


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No engine of this machine is in sight."""
    monkeypatch.delenv("KITARU_PULUMI", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("v3.274.1\n", Version(3, 274, 1)),
        ("3.181.0", Version(3, 181, 0)),
        ("v3.182.0-alpha.1731+dirty", Version(3, 182, 0)),
        ("v10.0.0", Version(10, 0, 0)),
        ("", None),
        ("v3.274", None),
        ("dev", None),
    ],
)
def test_reads_a_version(text: str, version: Version | None) -> None:
    assert Version.parse(text) == version


def test_compares_versions_as_numbers() -> None:
    assert Version(3, 99, 9) < MINIMUM < Version(3, 1000, 0) < Version(10, 0, 0)
    assert str(MINIMUM) == "3.181.0"


def test_finds_the_engine_on_path(tmp_path: Path) -> None:
    program = fake(tmp_path / "path", "v3.200.0")
    assert find_engine() == FoundEngine(program, Version(3, 200, 0))


def test_finds_the_engine_of_pulumis_installer(tmp_path: Path) -> None:
    program = fake(tmp_path / "home" / ".pulumi" / "bin", "v3.200.0")
    assert find_engine(tmp_path / "own").path == program


def test_prefers_path_to_the_installer(tmp_path: Path) -> None:
    fake(tmp_path / "home" / ".pulumi" / "bin", "v3.300.0")
    program = fake(tmp_path / "path", "v3.200.0")
    assert find_engine().path == program


def test_takes_the_newest_of_its_own(tmp_path: Path) -> None:
    fake(tmp_path / "own" / "v3.99.0" / "bin", "v3.99.0")
    fake(tmp_path / "own" / "v3.200.0" / "bin", "v3.200.0")
    newest = fake(tmp_path / "own" / "v3.1000.0" / "bin", "v3.1000.0")
    assert find_engine(tmp_path / "own").path == newest


def test_passes_over_an_old_and_a_broken_engine(tmp_path: Path) -> None:
    fake(tmp_path / "path", "v3.180.9")
    fake(tmp_path / "home" / ".pulumi" / "bin", "help!", code=3)
    own = fake(tmp_path / "own" / "bin", "v3.181.0")
    assert find_engine(tmp_path / "own").path == own


def test_the_chosen_engine_decides_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(tmp_path / "path", "v3.200.0")
    chosen = fake(tmp_path / "chosen", "v3.190.0")
    monkeypatch.setenv("KITARU_PULUMI", str(chosen))
    assert find_engine().path == chosen

    fake(tmp_path / "chosen", "v3.100.0")
    with pytest.raises(EngineTooOld):
        find_engine()

    monkeypatch.setenv("KITARU_PULUMI", str(tmp_path / "absent"))
    with pytest.raises(EngineUnusable) as caught:
        find_engine()
    assert caught.value.path == tmp_path / "absent"
    assert caught.value.reason == "No such file or directory"


def test_says_where_it_looked(tmp_path: Path) -> None:
    with pytest.raises(EngineNotFound) as caught:
        find_engine(tmp_path / "own")
    assert caught.value.searched == (
        tmp_path / "path",
        tmp_path / "home" / ".pulumi" / "bin",
        tmp_path / "own",
    )
    assert isinstance(caught.value, EngineError)
    assert "KITARU_PULUMI" in str(caught.value)


def test_says_which_engine_is_too_old(tmp_path: Path) -> None:
    program = fake(tmp_path / "path", "v3.180.0")
    with pytest.raises(EngineTooOld) as caught:
        find_engine()
    assert caught.value.found == FoundEngine(program, Version(3, 180, 0))
    assert caught.value.minimum == MINIMUM


@pytest.mark.parametrize(
    ("says", "code", "reason"),
    [("v3.200.0", 7, "it ended with code 7"), ("hello", 0, "it printed no version")],
)
def test_says_what_a_broken_engine_did(tmp_path: Path, says: str, code: int, reason: str) -> None:
    program = fake(tmp_path / "path", says, code=code)
    with pytest.raises(EngineUnusable) as caught:
        find_engine()
    assert (caught.value.path, caught.value.reason) == (program, reason)


def test_does_not_wait_for_an_engine_that_hangs(tmp_path: Path) -> None:
    program = tmp_path / "pulumi"
    program.write_text("#!/bin/sh\nexec /bin/sleep 30\n")
    program.chmod(0o755)
    with pytest.raises(EngineUnusable) as caught:
        inspect(program, timeout=0.2)
    assert caught.value.reason == "no answer in 0.2 seconds"


def test_a_file_that_is_no_program_is_not_an_engine(tmp_path: Path) -> None:
    fake(tmp_path / "path", "v3.200.0").chmod(0o644)
    with pytest.raises(EngineNotFound):
        find_engine()


def test_importing_it_imports_no_sdk() -> None:
    code = "import sys, kitaru_iac.engine.find; print([m for m in sys.modules if m == 'pulumi'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
