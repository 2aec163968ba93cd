"""`kitaru run`: the command takes its place, runs on the stack, and moves no saved choice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kitaru_iac.machine import bound_home
from tests.homes import Home

#: ZenML alone: in one fork it opens its store to the end, in five others it is killed on the way.
_ZENML_ALONE = """
import os, signal, sys
import zenml.client
assert not any(name.startswith("kitaru") for name in sys.modules)

def opened(die_at, report=None):
    seen = 0
    def hook(event, arguments):
        nonlocal seen
        if event in ("open", "os.rename", "os.mkdir", "sqlite3.connect"):
            seen += 1
            if seen == die_at:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(hook)
    name = zenml.client.Client().active_stack_model.name
    if report is not None:
        os.write(report, f"{seen} {name}".encode())
    os._exit(0)

def forked(die_at, report=None):
    child = os.fork()
    if not child:
        opened(die_at, report)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

reading, writing = os.pipe()
assert forked(-1, writing) == 0
seen, name = os.read(reading, 1000).decode().split()
moments = 0 if "once" in sys.argv else 5
ends = [forked(1 + number * (int(seen) - 1) // 4) for number in range(moments)]
print(name, seen, ends.count(-signal.SIGKILL))
"""


def _settings(home: Home) -> dict[str, bytes]:
    files = [home.config / "config.yaml", home.path / ".zen" / "config.yaml"]
    return {str(path): path.read_bytes() for path in files if path.exists()}


def test_zenml_alone_runs_on_the_stack_and_saves_nothing(home: Home) -> None:
    """In a repository: neither its settings nor the global ones are moved."""
    assert home.kitaru("init").returncode == 0
    assert home.kitaru("stack", "create", "other", "--no-activate").returncode == 0
    program = home.path / "program.py"
    program.write_text(_ZENML_ALONE)
    before = _settings(home)
    assert len(before) == 2
    done = home.kitaru("run", "--stack", "other", "--", sys.executable, "-P", str(program))
    assert done.returncode == 0, done.stderr
    name, seen, killed = done.stdout.split()
    assert (name, killed) == ("other", "5"), done.stdout
    assert int(seen) > 10
    assert _settings(home) == before
    assert home.kitaru("stack", "current").stdout.startswith("Active stack: default")
    shown = json.loads(home.kitaru("stack", "show", "other", "-o", "json").stdout)["item"]
    home.run(sys.executable, str(program), "once", ZENML_ACTIVE_STACK_ID=shown["id"])
    assert _settings(home) != before, "it shows nothing: ZenML would not have saved it anyway"


def test_the_exit_code_the_streams_and_the_variables_are_the_commands_own(home: Home) -> None:
    script = 'read line; echo "$line $KITARU_STACK"; echo err >&2; exit 7'
    done = home.kitaru(
        "run", "-s", "default", "--", "sh", "-c", script, input="in\n", KITARU_STACK="nothing"
    )
    assert (done.returncode, done.stdout, done.stderr) == (7, "in default\n", "err\n")
    words = ("run", "-s", "default", "--", sys.executable, "-c", "import sys; print(sys.argv)")
    done = home.kitaru(*words, "--stack", "x", "--", "-o", "json")
    assert done.stdout.strip() == str(["-c", "--stack", "x", "--", "-o", "json"])


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("-s", "nothing", "--", "true"), 4, "No stack has the name or id 'nothing'"),
        (("-s", "default", "--", "no-such-command"), 127, "no-such-command"),
        (("-s", "default", "--", "{folder}"), 126, "cannot be run"),
        (("-s", "default"), 64, "COMMAND"),
        (("--", "true"), 64, "--stack"),
        (("-s", "default", "--", ""), 64, "empty"),
    ],
)
def test_what_cannot_be_run_is_said(
    home: Home, words: tuple[str, ...], code: int, said: str
) -> None:
    done = home.kitaru("run", *(word.format(folder=home.path) for word in words))
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr


def test_signals_reach_the_command(home: Home) -> None:
    script = 'trap "echo told; exit 9" TERM; echo ready; while :; do sleep 0.05; done'
    words = ("-m", "kitaru_iac.cli.main", "run", "-s", "default", "--", "sh", "-c", script)
    with subprocess.Popen(
        [sys.executable, *words], env=home.environment(), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.read() == "told\n"
    assert process.returncode == 9


def test_a_run_in_a_run_is_bound_to_its_own_stack(home: Home) -> None:
    assert home.kitaru("stack", "create", "other").returncode == 0
    kitaru = f"{sys.executable} -m kitaru_iac.cli.main"
    script = (
        f"{kitaru} run -s default -- {kitaru} stack create third &&"
        f" {kitaru} stack current && {kitaru} stack list -o json"
    )
    done = home.kitaru("run", "-s", "other", "--", "sh", "-c", script)
    assert "Active stack: other" in done.stdout, done.stderr
    assert home.kitaru("stack", "current").stdout.startswith("Active stack: other")
    assert home.kitaru("stack", "show", "third").returncode == 0, "it is in the one store"


def test_homes_that_nobody_holds_are_removed_a_day_later(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = home.config / "kitaru" / "runs"
    first = Path(bound_home.bound_environment("0" * 32, "x")["ZENML_CONFIG_PATH"])
    assert (first / "config.yaml").stat().st_mode & 0o777 == 0o600
    dead, held = runs / "dead", runs / "held"
    for folder in (dead, held):
        folder.mkdir()
        (folder / "local_stores").symlink_to(home.config / "local_stores")
    long_ago = time.time() - 2 * 24 * 3600
    with (held / ".lock").open("w") as lock:
        import fcntl

        fcntl.flock(lock, fcntl.LOCK_EX)
        for folder in (dead, held):
            os.utime(folder, (long_ago, long_ago))
        second = Path(bound_home.bound_environment("0" * 32, "x")["ZENML_CONFIG_PATH"])
        assert {path.name for path in runs.iterdir()} == {first.name, second.name, "held"}
    assert home.database.exists(), "links are removed, and not what they lead to"


def test_status_shows_what_a_run_would_use_and_makes_no_store(home: Home, bare_home: Home) -> None:
    def layers(where: Home, **env: str) -> dict[str, object]:
        done = where.kitaru("status", "--output", "json", **env)
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)["item"]["run_stack"]
        assert len(found["layers"]) == 6
        return {"stack": found["stack"], "source": found["source"]}

    assert layers(home) == {"stack": "default", "source": "active stack"}
    assert layers(home, KITARU_STACK="x") == {"stack": "x", "source": "KITARU_STACK"}
    (home.path / "pyproject.toml").write_text('[tool.kitaru]\nstack = "default"\n')
    assert layers(home) == {"stack": "default", "source": "[tool.kitaru].stack"}
    assert "*  [tool.kitaru].stack  default" in home.kitaru("status").stdout
    done = home.kitaru("status", "--output", "json", KITARU_RETRIES="x")
    assert (done.returncode, json.loads(done.stdout)["item"]["run_stack"]) == (0, None)
    assert layers(bare_home, KITARU_STACK="x") == {"stack": "x", "source": "KITARU_STACK"}
    assert not bare_home.database.exists()
