"""In an environment with the real `kitaru` 0.21, both commands see one world.

What both need is installed and compiled once on a machine; over it each run lays two environments
with nothing in them but the two, installed in either order. The two differ in the command `kitaru`
alone, so what does not ask for that is shown where theirs came last. A run takes a minute. What
cannot be installed is a failure, not a skip.
"""

from __future__ import annotations

import fcntl
import hashlib
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
from tests.homes import Home, clean_environment
from tests.servers.zenml import ZenMLServer
from tests.warm.client import run_folder

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


def _base() -> Path:
    """The packages of an environment with what both need, and neither of them."""
    lock = ROOT / "requirements.lock"
    digest = hashlib.sha256(lock.read_bytes() + (ROOT / "pyproject.toml").read_bytes()).hexdigest()
    place = _CACHE / f"beside-{OTHER}-{sys.version_info.minor}-{digest[:8]}"
    _CACHE.mkdir(parents=True, exist_ok=True)
    with (_CACHE / f"{place.name}.lock").open("w") as waiting:
        fcntl.flock(waiting, fcntl.LOCK_EX)
        if not place.exists():
            made = place.with_name(f"{place.name}.new")
            shutil.rmtree(made, ignore_errors=True)
            _run(_uv(), "venv", "--quiet", "--python", sys.executable, str(made))
            there = ("--quiet", "--python", str(made / "bin/python"))
            _run(_uv(), "pip", "install", *there, "-c", str(lock), OTHER, _ours())
            _run(_uv(), "pip", "uninstall", *there, "kitaru", "kitaru-iac")
            # As scripts/compile does: each command would compile ZenML anew.
            compile_all = ("-m", "compileall", "-q", "-j", "2", str(made / "lib"))
            subprocess.run([sys.executable, *compile_all], check=False, capture_output=True)
            made.rename(place)
    return next(place.glob("lib/python*/site-packages"))


def _installed(order: str) -> Path:
    """The environment of this run with both, the one that `order` says installed last."""
    place = run_folder() / f"beside-{order.replace(' ', '-')}"
    with place.with_suffix(".lock").open("w") as waiting:
        fcntl.flock(waiting, fcntl.LOCK_EX)  # another worker may be at it
        if not place.exists():
            made = place.with_suffix(".new")
            _run(_uv(), "venv", "--quiet", "--relocatable", "--python", sys.executable, str(made))
            (packages,) = made.glob("lib/python*/site-packages")
            (packages / "base.pth").write_text(f"{_base()}\n")
            there = ("--quiet", "--no-deps", "--compile-bytecode")
            both = [OTHER, _ours()]
            for package in both if order == "ours last" else reversed(both):
                _run(_uv(), "pip", "install", *there, "--python", str(made / "bin/python"), package)
            made.rename(place)
    return place


@pytest.fixture(params=["ours last", "theirs last"])
def both(request: pytest.FixtureRequest, template_home: Home, tmp_path: Path) -> Both:
    home = tmp_path / "home"
    for config in (
        home / ".config/kitaru",
        home / "z",
    ):  # `home / "k"` is made by the first command
        _copy_settings(template_home.config, config)
    return Both(_installed(request.param) / "bin", home)


#: For what is the same in both orders.
LAST = pytest.mark.parametrize("both", ["theirs last"], indirect=True)


def _copy_settings(old: Path, new: Path) -> None:
    """Put a local store that ZenML has made at another place."""
    shutil.copytree(old, new)
    settings = new / "config.yaml"
    settings.write_text(settings.read_text().replace(f"{old}/", f"{new}/"))


def _names(listing: str) -> set[str]:
    return {item["name"] for item in json.loads(listing)["items"]}


def _contents(environment: Path) -> dict[str, str]:
    """What two installations put somewhere, without what names the folder or the moment."""
    made = {"RECORD", "direct_url.json", "uv_cache.json"}
    return {
        str(path.relative_to(environment)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in environment.rglob("*")
        if path.is_file() and path.suffix != ".pyc" and path.name not in made
    }


@pytest.mark.slow
def test_the_order_decides_the_command_and_nothing_else() -> None:
    ours, theirs = (_contents(_installed(f"{who} last")) for who in ("ours", "theirs"))
    assert ours.keys() == theirs.keys()
    assert {name for name in ours if ours[name] != theirs[name]} == {"bin/kitaru"}


@pytest.mark.slow
@pytest.mark.store
@pytest.mark.timeout(600)
@LAST
def test_both_see_one_world(both: Both) -> None:
    both.ours("stack", "create", "dev", "--no-activate")
    both.theirs("stack", "create", "theirs")
    assert _names(both.ours("stack", "list", "-o", "json")) == {"default", "dev", "theirs"}
    assert "theirs" in both.ours("stack", "current")
    for variable, folder in (("KITARU_CONFIG_PATH", "k"), ("ZENML_CONFIG_PATH", "z")):
        elsewhere = {variable: str(both.home / folder)}
        both.ours("stack", "create", f"in-{folder}", "--no-activate", **elsewhere)
        assert f"in-{folder}" in both.theirs("stack", "list", **elsewhere)
    assert "in-" not in both.ours("stack", "list")
    gone = both.ours("stack", "delete", "theirs", "--recursive", "--force")
    assert "Deleted component: theirs (sandbox)" in gone
    assert "Kept" not in gone


@pytest.mark.slow
@pytest.mark.server
@LAST
def test_both_find_the_server_that_a_variable_names(both: Both, empty_server: ZenMLServer) -> None:
    job = {"KITARU_SERVER_URL": empty_server.url, "KITARU_AUTH_TOKEN": empty_server.api_key}
    for variable in ("KITARU_CONFIG_PATH", "ZENML_CONFIG_PATH"):
        env = {**job, variable: str(both.home / variable)}
        name = variable.partition("_")[0].lower()
        both.ours("stack", "create", name, "--no-activate", **env)
        assert name in both.theirs("stack", "list", **env)
        assert name in _names(both.ours("stack", "list", "-o", "json", **env))
        assert not list((both.home / variable).rglob("zenml.db"))  # no local store beside
    assert {stack["name"] for stack in empty_server.items("/stacks")} == {
        "default",
        "kitaru",
        "zenml",
    }


@pytest.mark.slow
def test_the_command_is_the_last_ones(both: Both, request: pytest.FixtureRequest) -> None:
    is_ours = request.node.callspec.params["both"] == "ours last"
    assert both.run("kitaru", "--version").startswith("kitaru-iac") is is_ours
    found = {f["id"]: f for f in json.loads(both.ours("doctor", "-o", "json"))["items"]}
    assert found["command"]["status"] == ("ok" if is_ours else "warn")
    assert ("kitaru 0.21.0" in found["command"]["detail"]) is not is_ours
    assert found["flows"]["detail"] == "those of kitaru 0.21.0"
    page = both.ours("--help")
    assert all(f"  {name} " in page for name in COMMANDS)


@pytest.mark.slow
@LAST
def test_the_commands_that_are_handed_over_are_all_that_it_has(both: Both) -> None:
    ask = "from kitaru.cli import app; print(*[n for n in app if not n.startswith('-')])"
    assert set(both.run("python", "-c", ask).split()) - set(TREE) == set(COMMANDS)


FLOW = """
import os
from pathlib import Path
import kitaru
import kitaru_iac
from kitaru import checkpoint

assert kitaru_iac.flow is kitaru.flow and kitaru_iac.configure is kitaru.configure

@checkpoint
def one(n: int) -> int:
    return n + 1

@kitaru_iac.flow(stack="b")
def agent(n: int = 1) -> int:
    return one(n)

@kitaru_iac.flow
def nowhere(n: int = 1) -> int:
    return one(n)

if __name__ == "__main__":
    settings = Path(os.environ["ZENML_CONFIG_PATH"]) / "config.yaml"
    kitaru_iac.create_stack("b", activate=False)
    before = settings.read_bytes()
    handle = agent.run()
    from zenml.client import Client
    def stack(handle): return Client().get_pipeline_run(handle.exec_id).stack.name
    kitaru_iac.create_stack("c", activate=False)
    with kitaru_iac.stack("c"):
        runs = [nowhere.run(), agent.run()]
    kitaru_iac.configure(stack="b")
    with kitaru_iac.stack("c"):
        runs.append(nowhere.run())
    runs.append(nowhere.run())
    print("\\nRESULT", handle.wait(), stack(handle), settings.read_bytes() == before)
    print("\\nBLOCKS", *map(stack, runs))
"""


@pytest.mark.slow
@LAST
def test_its_flows_are_used_and_leave_the_active_stack(both: Both) -> None:
    program = both.home / "program.py"
    program.write_text(FLOW)
    said = both.run("python", str(program), ZENML_CONFIG_PATH=str(both.home / "flows"))
    assert "RESULT 2 b True" in said
    # A block decides where none of its own layers names a stack; its `configure` does.
    assert "BLOCKS c b b b" in said
