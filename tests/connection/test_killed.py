"""Commands that change settings, killed before each of their writes to the disk."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
import yaml

from tests.homes import Home
from tests.servers.zenml import ZenMLServer

OTHER = "http://127.0.0.1:9"
#: Runs a command once for each write that it makes, and dies before that one; then once more.
#: Prints the exit code of the second run, and whether it was the last: nothing was left to die at.
_PROGRAM = """
import contextlib, io, json, os, shutil, sys

words, home, saved, token = json.loads(sys.argv[1])
from kitaru_iac.cli.main import run
from kitaru_iac.connection.server import Server

def log_in(self, login):  # a server takes a second to check a key
    self.use_token(token)
    return {"access_token": token, "expires_in": None}

Server.log_in = log_in
import kitaru_iac.connection.login, kitaru_iac.connection.active, kitaru_iac.stacks.operations

WRITES = {"os.rename", "os.mkdir", "os.remove", "os.link", "os.chmod"}

def dying(at):
    count = 0
    def hook(event, given):
        nonlocal count
        writes = event in WRITES
        if event == "open" and isinstance(given[0], str):
            writes = bool((given[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
        if writes and str(given[0]).startswith(home):
            if count == at:
                os._exit(99)
            count += 1
    return hook

def forked(at):
    pid = os.fork()
    if pid == 0:
        code = 70
        try:
            if at is not None:
                sys.addaudithook(dying(at))
            out, err = io.StringIO(), io.StringIO()
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                code = run(words, "kitaru")
            if code:
                os.write(2, err.getvalue().encode())
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

at = 0
while True:
    shutil.rmtree(home)
    shutil.copytree(saved, home)
    first = forked(at)
    shutil.copytree(home, f"{saved}-{at}-killed")
    again = forked(None) if first == 99 else None
    shutil.copytree(home, f"{saved}-{at}-after")
    print(json.dumps([first, again]), flush=True)
    if first != 99:
        break
    at += 1
"""


def settings(home: Path) -> tuple[str | None, str | None, list[str]]:
    """The store's address and active stack, as the files say them whole; and the keys kept."""
    file = home / "zenml" / "config.yaml"
    config = yaml.safe_load(file.read_text()) if file.exists() else {}
    assert isinstance(config, dict), file.read_text()
    assert "user_id" in config or not file.exists()
    file = home / "zenml" / "credentials.yaml"
    logins = yaml.safe_load(file.read_text()) if file.exists() else {}
    keys = sorted(url for url, login in logins.items() if login.get("api_key"))
    return (config.get("store") or {}).get("url"), config.get("active_stack_id"), keys


def is_tidy(home: Path, key: str) -> bool:
    """Whether no file but that of the logins holds the key, and nothing half-written is left."""
    files = [path for path in home.rglob("*") if path.is_file()]
    holding = {path.name for path in files if key.encode() in path.read_bytes()}
    hidden = [path.name for path in files if path.name.startswith((".config", ".credentials"))]
    return holding <= {"credentials.yaml"} and not hidden


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("nothing", ["login", "URL"]),
        ("other", ["login", "URL"]),
        ("logged in", ["logout"]),
        ("logged in", ["init", "HOME/project"]),
        ("logged in", ["stack", "use", "dev"]),
        ("a login that was killed", ["logout"]),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_the_same_command_completes_and_no_wrong_store_is_used(
    bare_home: Home, empty_server: ZenMLServer, tmp_path: Path, case: str, words: list[str]
) -> None:
    key = empty_server.api_key
    words = [w.replace("URL", empty_server.url).replace("HOME", str(bare_home.path)) for w in words]
    (bare_home.path / "project").mkdir(parents=True, exist_ok=True)
    prepare(bare_home, empty_server, case)
    saved = tmp_path / "saved"
    shutil.copytree(bare_home.path, saved)
    asked = json.dumps([words, str(bare_home.path), str(saved), empty_server.token()])
    env = {"KITARU_API_KEY": key} if words[0] == "login" else {}
    done = bare_home.run(sys.executable, "-c", _PROGRAM, asked, cwd=tmp_path, **env)
    rounds = [json.loads(line) for line in done.stdout.splitlines()]

    assert rounds[-1] == [0, None], done.stderr
    assert len(rounds) > (0 if case == "a login that was killed" else 3)
    before, wanted = settings(saved), settings(Path(f"{saved}-{len(rounds) - 1}-after"))
    for at, (_, again) in enumerate(rounds[:-1]):
        killed, after = Path(f"{saved}-{at}-killed"), Path(f"{saved}-{at}-after")
        url = settings(killed)[0]
        assert url in (before[0], wanted[0]), f"killed at {at}"
        assert again == 0, f"killed at {at}: {done.stderr}"
        assert settings(after) == wanted, f"killed at {at}"
        assert is_tidy(after, key), f"killed at {at}: {sorted(after.rglob('*'))}"
    assert is_tidy(Path(f"{saved}-{len(rounds) - 1}-after"), key)


def prepare(home: Home, server: ZenMLServer, case: str) -> None:
    """Bring a home into the state before the command."""
    home.config.mkdir(parents=True, exist_ok=True)
    config: dict[str, object] = {"user_id": "11111111-2222-4333-8444-555555555555"}
    config |= {"version": "0.98.0", "analytics_opt_in": False}
    if case == "other":
        config["store"] = {"type": "rest", "url": OTHER}
        (home.config / "credentials.yaml").write_text(
            yaml.safe_dump({OTHER: {"url": OTHER, "api_key": "another"}})
        )
    elif case == "logged in":
        for words in (
            ("login", server.url, "--api-key", "-"),
            ("stack", "create", "dev", "--no-activate"),
        ):
            assert home.kitaru(*words, input=server.api_key).returncode == 0
        return
    elif case == "a login that was killed":
        (home.config / f".credentials.yaml.{'0' * 32}").write_text(server.api_key)
        return
    else:
        return
    (home.config / "config.yaml").write_text(yaml.safe_dump(config))
