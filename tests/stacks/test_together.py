"""Two at once, other tools beside us, odd processes, and secrets that must not show."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from kitaru_iac.gateway.quiet import quiet
from kitaru_iac.records.stored import Store
from tests.homes import Home
from tests.records.snapshots import everything
from tests.stacks.page import EXAMPLES
from tests.warm.client import Started

SECRET = "planted-SECRET-0f3b9c"
KEYS = f"aws-access-keys:AKIAPLANTED000000000:{SECRET}"


def test_two_creations_of_one_name_at_the_same_moment(any_home: Home) -> None:
    with quiet():
        before = everything(Store.open())
    command = ["-m", "kitaru_iac.cli.main", "stack", "create", "twin", "-o", "json"]
    running = [Started(command, env=any_home.environment(), cwd=any_home.path) for _ in range(2)]
    ended = [process.communicate(timeout=240) for process in running]

    assert sorted(code for code, _, _ in ended) == [0, 5], ended
    error = next(err for code, _, err in ended if code)
    assert json.loads(error)["error"]["type"] == "AlreadyExistsError"
    with quiet():
        after = everything(Store.open())
    made = [record[:2] for record in after["components"] if record not in before["components"]]
    assert made == [("artifact_store", "twin"), ("orchestrator", "twin")]


def test_zenml_shows_and_can_use_what_we_made(home: Home) -> None:
    zenml = str(Path(sys.executable).parent / "zenml")
    assert home.kitaru("stack", "create", "dev").returncode == 0
    shown = home.run(zenml, "stack", "describe", "dev")
    assert shown.returncode == 0, shown.stderr
    said = shown.stdout + shown.stderr  # without a terminal ZenML's tables go to stderr
    assert "dev" in said
    assert "managed" in said
    assert home.run(zenml, "stack", "set", "default").returncode == 0
    assert json.loads(home.kitaru("stack", "current", "-o", "json").stdout)["item"]["name"] == (
        "default"
    )


def test_the_sdk_works_where_the_main_module_is_no_file(home: Home) -> None:
    program = "import kitaru_iac as k; print(k.create_stack('dev')); print(k.list_stacks())"
    done = home.run(sys.executable, "-c", program)
    assert done.returncode == 0, done.stderr
    assert "name='dev'" in done.stdout


@pytest.mark.parametrize("way", ["env", "file", "stdin", "argument"])
def test_no_secret_is_printed_or_written_outside_the_store(home: Home, way: str) -> None:
    argv = [*EXAMPLES["kubernetes"][:3], *EXAMPLES["kubernetes"][3:], "--no-verify"]
    source = {"env": "env:PLANTED", "stdin": "-", "argument": KEYS}.get(way)
    if way == "file":
        (home.path / "keys").write_text(KEYS + "\n")
        (home.path / "keys").chmod(0o600)
        source = f"file:{home.path / 'keys'}"
    given = {"PLANTED": KEYS} if way == "env" else {}
    credentials = ["--credentials", str(source)]
    printed = []
    for command in (
        ["stack", "preview", *argv[2:-1], *credentials],
        ["stack", "preview", *argv[2:-1], *credentials, "-o", "markdown"],
        [*argv, *credentials, "-o", "json"],
        [*argv, *credentials],  # taken
        ["stack", "apply", *argv[2:], *credentials, "--namespace", "ml", "--yes", "--debug"],
        ["stack", "create", "other", *argv[3:-1], *credentials, "--debug"],  # AWS is not there
        ["stack", "create", "bad", *argv[3:], *credentials, "--region", "nowhere"],
    ):
        done = home.kitaru(*command, input=KEYS if way == "stdin" else None, **given)
        printed += [done.stdout, done.stderr]
    for command in (["stack", "show", "prod-k8s"], ["stack", "show", "prod-k8s", "-o", "json"]):
        done = home.kitaru(*command)
        assert done.returncode == 0, done.stderr
        printed += [done.stdout, done.stderr]

    assert [text for text in printed if SECRET in text] == []
    written = [
        path
        for path in home.path.rglob("*")
        if path.is_file() and path.name != "keys" and not path.name.startswith("zenml.db")
        if SECRET.encode() in path.read_bytes()
    ]
    assert written == []
