"""One request of a command goes wrong on its way to a real server: all, nothing, or what is left.

Whatever the request and whatever befalls it, the store is as before or as asked for, or the words
say what is left, and the same command completes afterwards. Of each fault one request
is tried, chosen by a fixed seed; ``TESTS_EVERY_REQUEST=1`` tries all of all commands.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from kitaru_iac.gateway import watch
from kitaru_iac.gateway.rest_gateway import RestGateway
from kitaru_iac.gateway.session import Session
from kitaru_iac.machine.server_login import Login
from kitaru_iac.machine.store_location import RestStore
from kitaru_iac.records import recovery
from tests.cli.conftest import Kitaru, Result, without_zenml  # noqa: F401 - a fixture
from tests.servers.faulty import FAULTS, FaultyFront
from tests.servers.zenml import ZenMLServer, copy_database
from tests.stacks.interrupts import contents
from tests.stacks.kills import REMOTE

SEED = 13
EVERY = os.environ.get("TESTS_EVERY_REQUEST") == "1"
#: Seconds that the command waits for an answer where none comes in time.
SHORT = 2
#: Where these befall a request nobody can look afterwards what became of it.
BLIND = {"401 from here on", "no answer from here on"}
#: The server does it when the command has ended, and no word of the command is about that.
AFTERWARDS = "done when nobody waits any more"
ACTIVE = tuple(word for word in REMOTE if word != "--no-activate")
OTHER = ("other", *REMOTE[1:])
IN_PLACE = (*REMOTE[:-1], "aws-access-keys:AKIA2:another", "--namespace", "ml")
#: Of each command: what was run before, and its words.
COMMANDS = {
    "create": ((("create", *OTHER),), ("create", *ACTIVE)),
    "apply in place": (
        (("create", *OTHER), ("create", *REMOTE)),
        ("apply", *IN_PLACE, "--yes"),
    ),
    "apply that replaces": (
        (("create", *OTHER), ("create", "dev", "--no-activate")),
        ("apply", *REMOTE, "--yes"),
    ),
    "delete": (
        (("create", *OTHER), ("create", *REMOTE)),
        ("delete", "dev", "--recursive", "--yes"),
    ),
    "rename": ((("create", *OTHER), ("create", *REMOTE)), ("rename", "dev", "renamed")),
    "use": ((("create", *OTHER), ("create", *REMOTE)), ("use", "dev")),
}
#: A server that has carried out a write, and says that it has not.
REFUSED = {f"{status} after it was done" for status in (409, 404, 403)}
#: These befall writes alone.
OF_WRITES = {*REFUSED, "404"}
WRITING = [command for command in COMMANDS if command != "use"]
CASES = [
    *((WRITING[n % len(WRITING)], fault) for n, fault in enumerate(FAULTS)),
    *(("rename", fault) for fault in sorted(REFUSED)),
    ("use", "no answer from here on"),
]
if EVERY:
    CASES = [
        (command, fault)
        for command in COMMANDS
        for fault in FAULTS
        if command != "use" or fault not in OF_WRITES
    ]
#: Errors that tell somebody what to do next; see docs/reference/errors.md.
TOLD = {
    *("not_connected", "answer_lost", "not_allowed", "registration_failed"),
    *("already_exists", "stack_changed"),
}
#: What is said where all is as before.
AS_BEFORE = ("nothing was left behind", "nothing was changed", "nothing was deleted", "taken back")
#: What is said where all is done.
DONE = (
    *("is written as described", "is registered", "is deleted", "gave no answer"),
    *("was deleted, as the server said", "was renamed to 'renamed', and could not be read back"),
)

pytestmark = [pytest.mark.no_cover, *([pytest.mark.timeout(0)] if EVERY else [])]


@dataclass(frozen=True)
class State:
    """What is there: the store's records, what is in no API, and what this machine works with."""

    records: dict[str, list[Any]]
    ids: list[str] = field(compare=False)
    secrets: list[str]
    active: str


@dataclass(frozen=True)
class Prepared:
    """A command on what it needs: the database before it, and what it does undisturbed."""

    database: Path
    before: State
    after: State
    asked: tuple[str, ...]


class Bench:
    """A server with a front before it, and a home that is logged in to the front."""

    def __init__(self, server: ZenMLServer, front: FaultyFront, home: Path, kitaru: Kitaru) -> None:
        self.front, self.kitaru = front, kitaru
        self._server, self._home = server, home
        self._token = server.token()
        self._prepared: dict[str, Prepared] = {}
        self._default = next(s["id"] for s in server.items("/stacks") if s["name"] == "default")
        own = RestStore(server.url, Login(self._token))
        self._gateway = RestGateway(Session(own, {}))

    def begin(self, database: Path, patience: int = 30) -> None:
        """Put a database in place, and log in anew on a machine where nothing was run before."""
        copy_database(database, self._server.database)
        shutil.rmtree(self._home, ignore_errors=True)
        self._home.mkdir()
        self.log_in(self._default, patience)

    def log_in(self, active: str, patience: int) -> None:
        """Write what a login writes, with an answer's time."""
        store = {"type": "rest", "url": self.front.url, "http_timeout": patience}
        mine = {"user_id": self._default, "active_project_id": self._default}
        config = {"store": store, "version": "0.98.0", "active_stack_id": active, **mine}
        config["analytics_opt_in"] = False
        (self._home / "config.yaml").write_text(json.dumps(config))
        login = {"api_token": {"access_token": self._token}, "api_key": self._server.api_key}
        kept = {self.front.url: {"url": self.front.url, **login}}
        (self._home / "credentials.yaml").write_text(json.dumps(kept))
        (self._home / "credentials.yaml").chmod(0o600)

    def run(self, *words: str) -> Result:
        """Run one of the commands on stacks."""
        return self.kitaru("stack", *words, "--output", "json")

    def look(self) -> State:
        """See what is there, past the front."""
        active = self.active_id
        with closing(sqlite3.connect(self._server.database, timeout=30)) as database:
            ids = [
                str(row[0])
                for table in ("stack", "stack_component", "service_connector")
                for row in database.execute(f"SELECT id FROM {table} ORDER BY id")
            ]
            names = dict(database.execute("SELECT id, name FROM stack"))
            alone = "SELECT name FROM secret WHERE id NOT IN (SELECT secret_id FROM {})"
            held = "service_connector WHERE secret_id IS NOT NULL"
            secrets = [name for (name,) in database.execute(alone.format(held))]
        name = names.get(active.replace("-", ""), "one that is gone")
        return State(contents(self._gateway), ids, secrets, name)

    @property
    def active_id(self) -> str:
        import yaml

        found = yaml.safe_load((self._home / "config.yaml").read_text())
        return str(found["active_stack_id"])

    def prepared(self, command: str) -> Prepared:
        """The command, run once undisturbed."""
        if command not in self._prepared:
            first, words = COMMANDS[command]
            self._server.reset()
            database = self._home.with_name(f"{command}.db")
            shutil.copyfile(self._server.database, database)
            self.begin(database)
            for line in first:
                assert self.run(*line).code == 0
            copy_database(self._server.database, database)
            before = self.look()
            self.front.begin()
            done = self.run(*words)
            assert done.code == 0, done.err
            asked = tuple(self.front.asked)
            self._prepared[command] = Prepared(database, before, self.look(), asked)
        return self._prepared[command]


@pytest.fixture(scope="module")
def front(zenml_server: ZenMLServer) -> Iterator[FaultyFront]:
    with FaultyFront(int(zenml_server.url.rpartition(":")[2])) as running:
        yield running


@pytest.fixture(scope="module")
def kept() -> dict[str, Any]:
    """What one test leaves for the next."""
    return {}


@pytest.fixture
def bench(
    empty_server: ZenMLServer,
    front: FaultyFront,
    kept: dict[str, Any],
    kitaru: Kitaru,
    without_zenml: None,  # noqa: F811
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Bench:
    if "bench" not in kept:
        kept["home"] = tmp_path_factory.mktemp("faulty") / "zenml"
        kept["bench"] = Bench(empty_server, front, kept["home"], kitaru)
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(kept["home"]))
    monkeypatch.chdir(kept["home"].parent)
    # What the server is busy with is done before anybody looks: `FaultyFront.end` waits for it.
    monkeypatch.setattr(recovery, "_BETWEEN_LOOKS", 0.01)
    monkeypatch.setattr(watch, "_AFTERWARDS", 1.0)
    found: Bench = kept["bench"]
    found.kitaru = kitaru
    return found


def chosen(command: str, fault: str, asked: tuple[str, ...]) -> list[int]:
    """The requests that are tried: one, and rather one that writes."""
    numbers = range(len(asked))
    writes = [n for n in numbers if not asked[n].startswith("GET")]
    if EVERY:
        return writes if fault in OF_WRITES else list(numbers)
    weights = [3 if n in writes else int(fault not in OF_WRITES) for n in numbers]
    return random.Random(f"{SEED} {command} {fault}").choices(numbers, weights)


@pytest.mark.parametrize(("command", "fault"), CASES)
def test_a_request_that_goes_wrong(command: str, fault: str, bench: Bench) -> None:
    found = bench.prepared(command)
    wrong: list[str] = []
    figures: Counter[str] = Counter()
    for at in chosen(command, fault, found.asked):
        came, faults = one(bench, command, fault, at)
        figures[came] += 1
        if fault in REFUSED and came != "done":
            faults = [*faults, f"it was done, and {came} came of it"]
        where = f"{command}, {fault}, request {at}, {found.asked[at]}"
        wrong += [f"{where}: {line}" for line in faults]
    print(f"FIGURES {command}, {fault}: {dict(figures)}")
    assert wrong == []


@pytest.mark.parametrize("fault", ["500", "401 from here on"])
def test_a_creation_that_cannot_be_read_back_goes_on(fault: str, bench: Bench) -> None:
    """It is no other's stack that is there then."""
    asked = bench.prepared("create").asked
    written = max(n for n, request in enumerate(asked) if not request.startswith("GET"))
    came, faults = one(bench, "create", fault, written + 1)
    assert (came, faults) == ("parts", [])  # it is not active yet


@pytest.mark.parametrize("fault", ["409 after it was done", "409"])
def test_what_may_be_another_s_is_left_and_told(fault: str, bench: Bench) -> None:
    """Without a connector of its own nothing tells a new stack from a colleague's."""
    database = bench.prepared("create").database
    words = ("create", "dev", "--no-activate")
    bench.begin(database)
    bench.front.begin()
    assert bench.run(*words).code == 0
    whole = bench.look()
    at = next(n for n, request in enumerate(bench.front.asked) if request.startswith("POST"))
    bench.begin(database)
    bench.front.begin(fault, at)
    done = bench.run(*words)
    bench.front.end()
    error = json.loads(done.err)["error"]
    is_there = fault != "409"
    if is_there:
        assert (done.code, error["code"]) == (5, "already_exists")
        assert "the request was carried out twice" in error["why"]
    else:  # what the server says of a name is not so
        assert (done.code, error["code"]) == (1, "registration_failed")
        assert "nothing was left behind" in error["message"]
    assert bench.run("show", "dev").code == (0 if is_there else 4)
    assert bench.run("apply", "dev", "--yes").code == 0
    assert bench.look().records == whole.records
    assert not any(bench.run("clean", "--yes").document["item"].values())


def one(bench: Bench, command: str, fault: str, at: int) -> tuple[str, list[str]]:
    """Let one request go wrong; what came of it, and what of that is wrong."""
    found = bench.prepared(command)
    words = COMMANDS[command][1]
    in_time = not fault.startswith("no answer") and fault != AFTERWARDS
    bench.begin(found.database, 30 if in_time else SHORT)
    bench.front.begin(fault, at)
    done = bench.run(*words)
    bench.front.end()
    state = bench.look()
    said = told(done, fault)
    if fault != AFTERWARDS:
        said += exact(done, command, fault, found, state)
    came = "done" if done.code == 0 else "all" if state == found.after else "parts"
    if done.code and state == found.before:
        came = "nothing"
    bench.log_in(bench.active_id, 30)
    bench.front.begin()
    again = bench.run(*words)
    fine = {0}
    if state == found.after:
        fine |= {"create": {5}, "delete": {4}, "rename": {4}}.get(command, set())
    if again.code not in fine:
        said.append(f"the first said {done.err}, and the same command {again.err}")
    last = bench.look()
    if (last.records, last.secrets) != (found.after.records, []):
        said.append(f"the first said {done.err}, and the same command left {last}")
    if again.code == 0 and last.active != found.after.active:
        said.append(f"the same command left {last.active} active")
    cleaned = bench.run("clean", "--yes")
    if cleaned.code or any(cleaned.document["item"].values()):
        said.append(f"there was something to clean: {cleaned.out}{cleaned.err}")
    return came, said


def told(done: Result, fault: str) -> list[str]:
    """What is wrong with the words of a command that failed."""
    if done.code == 0:
        return []
    if fault.endswith("expired token"):
        return [f"a token is renewed, and it said {done.err}"]
    try:
        error = json.loads(done.err)["error"]
    except (ValueError, KeyError):
        return [f"no document of ours: {done.err}"]
    wrong = [] if error["code"] in TOLD else [f"the code {error['code']}"]
    if "somebody else" in f"{error['message']} {error.get('why')}":  # nobody else is there
        wrong.append(f"it blames somebody else: {error}")
    return wrong if error.get("remedy") or error.get("why") else [*wrong, f"no advice: {error}"]


def exact(done: Result, command: str, fault: str, found: Prepared, state: State) -> list[str]:
    """What is wrong with what a command says of what is there now."""
    if done.code == 0:
        return [] if state == found.after else [f"it said that all was done: {state}"]
    error = json.loads(done.err)["error"]
    text, left = f"{error['message']} {error.get('why', '')}", error.get("left", [])
    if state == found.before:
        is_blind = fault in BLIND or any("(perhaps)" in line for line in left)
        other = state.ids != found.before.ids
        return [f"as before, and said {left}"] * bool(left and not is_blind) + (
            ["as before, by other ids"] * other
        )
    if any(words in text for words in AS_BEFORE) and not left:
        return [f"it said {text!r}, and there is {state}"]
    if command != "use" and state.records == found.after.records and not left:
        is_said = any(words in text for words in DONE)
        return [] if is_said else [f"it is done, and was said to be {text!r}"]
    if state.records == found.before.records and not state.secrets:
        return []
    return [] if left else [f"it said {error}, and there is {state}"]
