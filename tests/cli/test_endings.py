"""A signal at any moment of a command's life, from its first line to Python's last one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from kitaru_iac.cli.main import run
from kitaru_iac.cli.short import Call

#: Sends itself a signal at a moment, and runs the command. ``import X``: when X is imported.
STRUCK = """
import atexit, builtins, importlib.abc, os, sys

name, moment = sys.argv.pop(1), sys.argv.pop(1)

def strike(kill=os.kill, pid=os.getpid(), number={"SIGINT": 2, "SIGTERM": 15}[name]):
    kill(pid, number)

class Importing(importlib.abc.MetaPathFinder):
    def find_spec(self, module, path=None, target=None):
        if moment == f"import {module}":
            sys.meta_path.remove(self)
            strike()

class Stream:
    def __init__(self, inner): self._inner = inner
    def __getattr__(self, name): return getattr(self._inner, name)
    def write(self, text):
        if moment in ("said", "reporting"):
            self._inner.write(text)
            self._inner.flush()
            strike()
        return self._inner.write(text)

class Last:
    def __del__(self, strike=strike): strike()

sys.meta_path.insert(0, Importing())
if moment == "reporting":
    sys.stderr = Stream(sys.stderr)
from kitaru_iac.cli import main
if moment == "said":
    flush, run = sys.stdout.flush, main.run
    def ran(*args, **more):
        code = run(*args, **more)
        sys.stdout.flush()
        from kitaru_iac.machine import termination
        end = termination.end_with
        termination.end_with = lambda code: (end(code), strike())
        return code
    main.run = ran
code = main.main()
if moment == "at exit":
    atexit.register(strike)
if moment == "finalizing":
    builtins.last = Last()
sys.exit(code)
"""

#: A command, and a module that it imports.
COMMANDS = {
    "stack list": "kitaru_iac.cli.reading",
    "stack use dev": "kitaru_iac.cli.reading",
    "stack create dev": "kitaru_iac.cli.creating",
    "stack apply dev": "kitaru_iac.cli.applying",
    "stack delete dev": "kitaru_iac.cli.deleting",
    "stack clean": "kitaru_iac.cli.stack_clean",
    "stack verify dev": "kitaru_iac.cli.stack_verify",
    "status": "kitaru_iac.connection.status",
    "login http://127.0.0.1:9": "kitaru_iac.connection.login",
    "logout": "kitaru_iac.connection.login",
    "init": "kitaru_iac.connection.login",
    "doctor": "kitaru_iac.doctor",
}


def struck(home: Path, signals: str, moment: str, command: str) -> subprocess.CompletedProcess[str]:
    import os

    env = {k: v for k, v in os.environ.items() if k != "PYTHONSTARTUP"}
    return subprocess.run(
        [sys.executable, "-c", STRUCK, signals, moment, *command.split(), "-o", "json"],
        env=env,
        cwd=home,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


def is_told(done: subprocess.CompletedProcess[str]) -> None:
    assert (done.returncode, done.stdout) == (130, ""), done.stderr
    assert json.loads(done.stderr)["error"]["code"] == "interrupted"


@pytest.mark.parametrize("command", COMMANDS)
def test_while_a_command_is_imported(home: Path, command: str) -> None:
    name = "SIGINT" if len(command) % 2 else "SIGTERM"
    is_told(struck(home, name, f"import {COMMANDS[command]}", command))
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("module", ["kitaru_iac.callbacks", "kitaru_iac.machine.environment"])
def test_in_the_first_lines(home: Path, name: str, module: str) -> None:
    is_told(struck(home, name, f"import {module}", "status"))


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("moment", ["said", "at exit", "finalizing"])
def test_what_is_done_is_done(home: Path, name: str, moment: str) -> None:
    done = struck(home, name, moment, "status")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["item"]["connected"]


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_an_error_is_reported_once(home: Path, name: str) -> None:
    done = struck(home, name, "reporting", "stack show nothing --limit x")
    assert (done.returncode, done.stdout) == (64, "")
    assert json.loads(done.stderr)["error"]["code"] == "usage_error"


def test_while_a_class_is_made(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Python 3.11 turns what strikes in ``__set_name__`` into a `RuntimeError`."""

    class Struck:
        def __set_name__(self, owner: type, name: str) -> None:
            raise KeyboardInterrupt

    def make() -> None:
        type("Made", (), {"attribute": Struck()})

    monkeypatch.setattr("kitaru_iac.cli.short.understood", lambda words: Call(make, writes=False))
    assert run(["stack", "list"], "kitaru") == 130
    assert capsys.readouterr().err == "Error: Interrupted.\n"
