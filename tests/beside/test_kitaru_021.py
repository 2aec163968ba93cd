"""In an environment with the real `kitaru` 0.21, both commands see one world.

Costs ten seconds for the environment, once on a machine, and a minute for a run. An environment
that cannot be built is a failure, not a skip.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from kitaru_iac.cli.commands import TREE
from kitaru_iac.cli.passthrough import COMMANDS
from tests.docs.markdown import ROOT
from tests.homes import clean_environment

OTHER = "kitaru==0.21.0"
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kitaru-iac" / "tests"


def _ours() -> str:
    """What is installed of us: the checkout, or the wheel where the tests run away from it."""
    if (ROOT / "kitaru_iac").is_dir():
        return str(ROOT)
    (wheel,) = (ROOT.parent / "dist").glob("*.whl")
    return str(wheel)


def _run(*argv: str, **options: object) -> str:
    done = subprocess.run(  # type: ignore[call-overload]
        argv, check=False, capture_output=True, text=True, **options
    )
    assert done.returncode == 0, f"{argv}\n{done.stdout}{done.stderr}"
    return str(done.stdout)


def _uv() -> str:
    found = shutil.which("uv") or shutil.which("uv", path=ROOT / ".cache/uv/bin")
    if found is None:
        folder = _CACHE / "uv"
        _run(sys.executable, "-m", "venv", str(folder))
        _run(str(folder / "bin/pip"), "install", "--quiet", "uv>=0.8")
        found = str(folder / "bin/uv")
    return found


@dataclass(frozen=True)
class Both:
    """An environment with both distributions, and a home in it."""

    bin: Path
    home: Path

    def ours(self, *words: str, **more: str) -> str:
        return self.run("kitaru-iac", *words, **more)

    def theirs(self, *words: str, **more: str) -> str:
        call = self.home / "theirs.py"  # its own script may be ours by now
        call.write_text("from kitaru.cli import cli\n\ncli()\n")
        return self.run("python", str(call), *words, **more)

    def run(self, name: str, *words: str, **more: str) -> str:
        env = {**clean_environment(), "HOME": str(self.home), "ZENML_ANALYTICS_OPT_IN": "false"}
        env = {**env, "PATH": f"{self.bin}:/usr/bin:/bin", **more}
        env.pop("XDG_CONFIG_HOME", None)
        return _run(str(self.bin / name), *words, env=env, cwd=self.home)


@pytest.fixture(params=["ours last", "theirs last"])
def both(request: pytest.FixtureRequest, tmp_path: Path) -> Both:
    uv, place = _uv(), _CACHE / f"beside-{OTHER}-{sys.version_info.minor}"
    python = str(place / "bin/python")
    install = (uv, "pip", "install", "--quiet", "--python", python)
    _CACHE.mkdir(parents=True, exist_ok=True)
    with place.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            made = place.with_name(f"{place.name}.new")
            shutil.rmtree(made, ignore_errors=True)
            _run(uv, "venv", "--quiet", "--python", sys.executable, str(made))
            inside = ("--python", str(made / "bin/python"), "-c", str(ROOT / "requirements.lock"))
            _run(uv, "pip", "install", "--quiet", *inside, OTHER, _ours())
            made.rename(place)
        packages = [OTHER, _ours()]
        for package in packages if request.param == "ours last" else reversed(packages):
            _run(*install, "--no-deps", "--reinstall", package)
    (tmp_path / "home").mkdir()
    return Both(place / "bin", tmp_path / "home")


def _names(listing: str) -> set[str]:
    return {item["name"] for item in json.loads(listing)["items"]}


@pytest.mark.slow
@pytest.mark.store
def test_both_see_one_world(both: Both, request: pytest.FixtureRequest) -> None:
    elsewhere = {
        "ours last": {"KITARU_CONFIG_PATH": str(both.home / "k")},
        "theirs last": {"ZENML_CONFIG_PATH": str(both.home / "z")},
    }[request.node.callspec.params["both"]]
    both.ours("stack", "create", "dev", "--no-activate")
    both.theirs("stack", "create", "theirs")
    assert _names(both.ours("stack", "list", "-o", "json")) == {"default", "dev", "theirs"}
    assert "theirs" in both.ours("stack", "current")
    both.ours("stack", "create", "other", **elsewhere)
    assert "other" in both.theirs("stack", "list", **elsewhere)
    assert "other" not in both.ours("stack", "list")
    gone = both.ours("stack", "delete", "theirs", "--recursive", "--force")
    assert "Deleted component: theirs (sandbox)" in gone
    assert "Kept" not in gone


@pytest.mark.slow
def test_the_command_is_the_last_ones(both: Both, request: pytest.FixtureRequest) -> None:
    is_ours = request.node.callspec.params["both"] == "ours last"
    assert both.run("kitaru", "--version").startswith("kitaru-iac") is is_ours
    found = {f["id"]: f for f in json.loads(both.ours("doctor", "-o", "json"))["items"]}
    assert found["command"]["status"] == ("ok" if is_ours else "warn")
    assert ("kitaru 0.21.0" in found["command"]["detail"]) is not is_ours
    page = both.ours("--help")
    assert all(f"  {name} " in page for name in COMMANDS)


@pytest.mark.slow
def test_the_commands_that_are_handed_over_are_all_that_it_has(both: Both) -> None:
    ask = "from kitaru.cli import app; print(*[n for n in app if not n.startswith('-')])"
    assert set(both.run("python", "-c", ask).split()) - set(TREE) == set(COMMANDS)
