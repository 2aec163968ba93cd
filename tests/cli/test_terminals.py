"""Questions to a person, and a person's Ctrl-C."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time

from tests.cli.terminals import on_terminal
from tests.homes import Home


def test_apply_asks_on_a_terminal_and_does_nothing_without_a_yes(home: Home):
    seen = on_terminal(home, "stack", "apply", "dev", answers=(("[y/N]", "n\n"),))
    assert seen.code == 1
    assert "create" in seen.text
    assert seen.text.rstrip().endswith("Nothing was changed.")
    assert "dev" not in home.kitaru("stack", "list").stdout


def test_apply_does_it_after_a_yes(home: Home):
    seen = on_terminal(home, "stack", "apply", "dev", answers=(("[y/N]", "y\n"),))
    assert seen.code == 0
    assert "Applied stack: dev" in seen.text
    assert "dev" in home.kitaru("stack", "list").stdout


def test_nobody_is_asked_where_nobody_is(home: Home):
    done = home.kitaru("stack", "apply", "dev")
    assert done.returncode == 1
    assert "--yes" in done.stderr
    assert done.stdout == ""
    error = json.loads(home.kitaru("stack", "apply", "dev", "-o", "json").stderr)["error"]
    assert error["type"] == "ConfirmationNeeded"
    assert "dev" not in home.kitaru("stack", "list").stdout


def test_a_key_is_asked_for_without_showing_it(home: Home):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    seen = on_terminal(
        home,
        *("login", f"http://127.0.0.1:{port}", "--api-key", "prompt"),
        answers=(("API key:", "very-secret\n"),),
    )
    assert seen.code == 6
    assert "very-secret" not in seen.text


def test_no_key_is_asked_for_where_nobody_is(home: Home):
    done = home.kitaru("login", "http://127.0.0.1:9", "--api-key", "prompt")
    assert done.returncode == 1
    assert "env:NAME" in done.stderr


def _interrupted(home: Home, *more: str) -> tuple[int, str, str]:
    """Begin a login to a server that never answers, and interrupt it."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        process = subprocess.Popen(
            [sys.executable, "-m", "kitaru_iac.cli.main", "login", url, "--timeout", "200", *more],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            env=home.environment(),
            cwd=home.path,
        )
        silent.settimeout(120)
        connection, _ = silent.accept()
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        connection.close()
    return process.returncode, out, err


def test_ctrl_c_is_one_line_and_130(home: Home):
    assert _interrupted(home) == (130, "", "Error: Interrupted.\n")


def test_ctrl_c_is_a_document_where_one_was_asked_for(home: Home):
    code, out, err = _interrupted(home, "-o", "json")
    assert (code, out) == (130, "")
    assert json.loads(err)["error"] == {
        "code": "interrupted",
        "message": "Interrupted",
        "type": "Interrupted",
    }
