"""Every command against every bad manner of a server: in time, in words, and no token elsewhere."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from kitaru_iac.cli.commands import paths
from kitaru_iac.gateway.watch import Watch
from tests.cli.conftest import Kitaru, Result
from tests.doubles.rude_server import MANNERS, STACK, RudeServer

TOKEN = "tok-kept-on-this-machine"
KEY = "ZENKEY_sent"
#: Without these the file counts as half written.
WHOLE = {"user_id": STACK, "active_project_id": STACK, "analytics_opt_in": False}
#: Seconds for each answer, as the store is told.
PATIENCE = 1

#: A command, and how many of its requests are answered well before the manner.
COMMANDS = {
    "list": (["stack", "list"], 0),
    "list, later": (["stack", "list", "--limit", "1"], 1),
    "current": (["stack", "current"], 0),
    "show": (["stack", "show", "default"], 0),
    "show, later": (["stack", "show"], 2),
    "use": (["stack", "use", "default"], 0),
    "create": (["stack", "create", "dev"], 0),
    "status": (["status"], 0),
    "status, later": (["status"], 1),
    "status, last": (["status"], 2),
    "login": (["login", "{url}", "--api-key", "env:KEY", "--timeout", "1"], 0),
    "login, later": (["login", "{url}", "--api-key", "env:KEY", "--timeout", "1"], 1),
    "login, last": (["login", "{url}", "--api-key", "env:KEY", "--timeout", "1"], 2),
}

#: Answered at their end only: with these commands, whose patience can be said.
SLOW = {
    name for name in MANNERS if "byte by byte" in name or name.startswith(("headers w", "cont"))
}
#: Of HTTP itself, or of the words in a document: what reads them is the same for all commands.
ALIKE = {
    *("two lengths", "a length, and chunks", "more than its length", "HTTP/2", "a reset", "a part"),
    *("a header without an end of its line", "not modified", "UTF-16", "times that are none"),
    *("a name without an end", "a version without an end", "a version for a terminal"),
}
FEW = {"list", "show, later", "create", "login", "login, last"}
#: All others, which ask and write through what `create` does: the server says well what it is.
OTHERS = {
    "create, later": (["stack", "create", "dev"], 1),
    "apply": (["stack", "apply", "dev", "--yes"], 1),
    "preview": (["stack", "preview", "dev"], 1),
    "delete": (["stack", "delete", "default", "--recursive", "--yes"], 1),
    "clean": (["stack", "clean", "--yes"], 1),
    "rename": (["stack", "rename", "default", "other"], 1),
    "logout": (["logout"], 0),
    "adopt": (["stack", "adopt", "default", "--yes"], 1),
    "copy": (["stack", "copy", "default", "other"], 1),
    "drift": (["stack", "drift"], 0),
    "drift, later": (["stack", "drift", "default"], 1),
    "export": (["stack", "export", "default"], 1),
    "health": (["stack", "health"], 0),
    "infra list": (["infra", "list"], 0),
    "doctor": (["doctor"], 0),
}
#: Commands that no server is asked for, or whose way to one is that of another.
ELSEWHERE = {
    "stack verify": "show, with a name",
    "stack policy": "none",
    "stack schema": "none",
    "stack new-repo": "none",
    "infra delete": "infra list",
    "init": "none but the active stack's",
    "run": "current",
    "mcp": "those of the tools' commands",
    "ci preview": "preview",
    "ci apply": "apply",
    "ci verify": "none",
    "ci drift": "drift",
    "ci pulumi-preview": "the plugin's",
    "ci pulumi-up": "the plugin's",
    "ci pulumi-drift": "the plugin's",
}
#: Of each kind some, and what is different for a listing.
KINDS = (
    *("redirect to another port", "redirect that keeps the method", "redirect in a circle"),
    *("silence", "busy", "busy for a year", "hanging up", "random bytes", "a status that is none"),
    *(
        "a length of a terabyte",
        "a body without an end",
        "brackets",
        "a number of a million digits",
    ),
    *("a login page", "a page of an error", "nothing", "no content", "half an answer"),
    *("not a number", "not UTF-8", "half a character", "a key twice", "null", "a list"),
    *("a mapping of nothing", "numbers for texts", "items that are none"),
    *("a total without a measure", "pages that repeat", "pages without an end"),
    *("fewer than were counted", "ids that are none"),
    *("what was sent", "names for a terminal", "ids that are paths"),
    *("status 401", "status 403", "status 404", "status 409", "status 422", "status 500"),
)
#: Documents in the right form: how a command ends follows from what it does with them.
PLAUSIBLE = {"what was sent", "names for a terminal", "ids that are paths"}
#: Whoever refuses a request in this way is there, and says what was wrong with it.
REFUSED = {"status 422": 1}
#: What ends well whatever the server does: it asks nothing, or tells what it met.
CALM = {"logout", "doctor"}

CASES = [
    (manner, command)
    for manner in MANNERS
    for command in COMMANDS
    if manner not in SLOW | ALIKE or command in FEW
]


def test_no_command_is_forgotten() -> None:
    asked = [words for words, _ in (COMMANDS | OTHERS).values()]
    forgotten = {
        path
        for path in paths()
        if not any(words[: path.count(" ") + 1] == path.split() for words in asked)
    }
    assert forgotten == set(ELSEWHERE)


@pytest.fixture
def home(
    isolated: None, without_zenml: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(tmp_path))
    monkeypatch.setenv("KEY", KEY)
    monkeypatch.chdir(tmp_path)
    # Pauses before a read is sent again have their own tests: tests/gateway/test_http.py.
    monkeypatch.setattr(Watch, "sleep", lambda *_: None)
    return tmp_path


def connect(home: Path, url: str) -> None:
    """Write what ZenML writes at a login."""
    store = {"type": "rest", "url": url, "http_timeout": PATIENCE}
    config = {"store": store, "version": "0.98.0", "active_stack_id": STACK, **WHOLE}
    (home / "config.yaml").write_text(json.dumps(config))
    kept = {url: {"url": url, "api_token": {"access_token": TOKEN}}}
    (home / "credentials.yaml").write_text(json.dumps(kept))
    (home / "credentials.yaml").chmod(0o600)


@pytest.mark.parametrize(("manner", "command"), CASES)
def test_a_rude_server(manner: str, command: str, home: Path, kitaru: Kitaru) -> None:
    words, polite = COMMANDS[command]
    done, server = meet(manner, words, polite, home, kitaru)
    said = done.out + done.err
    not_there = manner.startswith(("names ", "a name ", "ids ")) and any(
        words in said for words in ("No stack has the name", "the store does not know ZenML's")
    )
    assert done.code in (0, 1, 4, 5, 6, 64 if not_there else 0), said
    if done.code:
        assert server.url in said or command.startswith("status") or not_there, said


@pytest.mark.parametrize("command", OTHERS)
def test_the_others_meet_each_kind(command: str, home: Path, kitaru: Kitaru) -> None:
    words, polite = OTHERS[command]
    for manner in KINDS:
        if (manner, command) == ("what was sent", "doctor"):  # which sends nothing
            continue
        done, server = meet(manner, words, polite, home, kitaru)
        case = (manner, done.code, done.out + done.err)
        assert len(server.asked) > polite or command == "logout", case
        if command in CALM:
            assert done.code == 0, case
        elif manner in PLAUSIBLE:
            assert done.code in (0, 1, 4, 6, 64), case
        else:
            assert done.code == REFUSED.get(manner, 6), case
            assert server.url in done.out + done.err, case


def meet(
    manner: str, words: list[str], polite: int, home: Path, kitaru: Kitaru
) -> tuple[Result, RudeServer]:
    """Run a command against a server; it ends in time, and in words that hide what is secret."""
    with RudeServer("nothing") as other, RudeServer(manner, polite, other.url) as server:
        connect(home, server.url)
        before = time.monotonic()
        done = kitaru(*(word.format(url=server.url) for word in words))
        took = time.monotonic() - before
    said = done.out + done.err
    for word in ("Traceback", "bug in kitaru", "\x1b", TOKEN, KEY):
        assert word not in said, (manner, said)
    assert other.asked == [], manner
    assert took < 15 + PATIENCE * (len(server.asked) + 1), (manner, said)
    return done, server
