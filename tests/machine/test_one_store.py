"""Whatever variables and settings say: all commands mean one store, or refuse."""

from __future__ import annotations

import itertools
import os
import warnings
from collections.abc import Iterator
from typing import NamedTuple

import pytest
import yaml

from kitaru_iac import doctor
from kitaru_iac.connection.status import status
from kitaru_iac.errors import NotConnectedError
from kitaru_iac.machine.environment import apply_environment
from kitaru_iac.machine.home import config_home
from kitaru_iac.machine.settings import read_global
from kitaru_iac.machine.store_choice import chosen_url, require_whole
from kitaru_iac.machine.store_location import RestStore, default_database, server_of, store_location
from kitaru_iac.machine.unreadable import UnreadableError
from kitaru_iac.notices import VariableIgnored
from tests.homes import Home

# Nobody listens there, and the refusal comes at once.
A, B = "http://127.0.0.1:9", "http://127.0.0.1:19"
FILE = "sqlite:////nowhere/zenml.db"
#: What each of them may say; the first is nothing.
KITARU_URL = (None, A, f"{A}/\n", " ")
KITARU_KEY = (None, "ours")
ZENML_URL = (None, "", A, B, FILE, "kitaru.example.com")
ZENML_TYPE = (None, "rest", "sql", " ")
ZENML_KEY = (None, "theirs")
SAVED = (None, A, B, "local")


class Case(NamedTuple):
    kitaru_url: str | None
    kitaru_key: str | None
    zenml_url: str | None
    zenml_type: str | None
    zenml_key: str | None
    saved: str | None


CASES = [
    Case(*values)
    for values in itertools.product(KITARU_URL, KITARU_KEY, ZENML_URL, ZENML_TYPE, ZENML_KEY, SAVED)
]


def rule(case: Case) -> tuple[str, str | None] | None:
    """Which store is meant, and which key it is asked with; None for a contradiction.

    The documented precedence (docs/reference/environment.md), in the fewest words.
    """
    ours = (case.kitaru_url or "").strip().rstrip("/")
    url, kind, key = case.zenml_url, (case.zenml_type or "").strip(), case.zenml_key
    if ours:
        if url and url != ours:
            key = None  # it is another server's
        key = case.kitaru_key or key or (f"of {ours}" if case.saved == ours else None)
        return (ours, key) if key else None
    key = case.kitaru_key or key
    if url == "kitaru.example.com" or (kind and not url):
        return None
    if url and kind and kind != ("sql" if url == FILE else "rest"):
        return None
    store = url or (case.saved if case.saved in (A, B) else "local")
    if store in (FILE, "local"):
        return None if key else (store, None)
    return store, key or (f"of {store}" if case.saved == store else None)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An environment of this test's own; the home has no store yet."""
    monkeypatch.setattr(os, "environ", dict(os.environ))
    config_home().mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VariableIgnored)
        yield


def save(saved: str | None) -> None:
    """Let the machine be logged in to a server, be set up with the local store, or neither."""
    settings: dict[str, object] = {"version": "0.98.0", "user_id": "0" * 32}
    logins: dict[str, object] = {}
    if saved == "local":
        settings["store"] = {"type": "sql", "url": f"sqlite:///{default_database(os.environ)}"}
    elif saved:
        settings["store"] = {"type": "rest", "url": saved}
        logins[saved] = {"url": saved, "api_key": f"of {saved}"}
    for name, content in (("config", settings), ("credentials", logins)):
        (config_home() / f"{name}.yaml").write_text(yaml.safe_dump(content))


def enter(case: Case, fresh: dict[str, str]) -> None:
    """Set the variables, as a command finds and applies them."""
    os.environ.clear()
    os.environ.update(fresh)
    given = {
        "KITARU_SERVER_URL": case.kitaru_url,
        "KITARU_AUTH_TOKEN": case.kitaru_key,
        "ZENML_STORE_URL": case.zenml_url,
        "ZENML_STORE_TYPE": case.zenml_type,
        "ZENML_STORE_API_KEY": case.zenml_key,
    }
    os.environ.update({name: value for name, value in given.items() if value is not None})
    apply_environment()


def found() -> tuple[str, str | None]:
    """The store that commands open, and the key that they ask it with."""
    config = read_global()
    require_whole(config, os.environ)
    try:
        store = store_location(config, os.environ)
    except UnreadableError:  # it is made by the first command
        url = chosen_url(config, os.environ)
        return ("local" if url is None else url), None
    assert isinstance(store, RestStore), store
    return store.url, str(store.login.api_key) if store.login.api_key else None


@pytest.mark.parametrize("saved", SAVED)
def test_every_combination_is_one_store_or_refused(world: None, saved: str | None) -> None:
    fresh = dict(os.environ)
    save(saved)
    default = f"sqlite:///{default_database(os.environ)}"
    wrong = []
    for case in (case for case in CASES if case.saved == saved):
        enter(case, fresh)
        wanted = rule(case)
        try:
            url, key = found()
        except NotConnectedError as error:
            got = None if error.remedy else ("refused without a remedy", None)
        else:
            got = ("local" if url == default else url, key)
        if got != wanted:
            wrong.append((case, got, wanted))
    assert wrong == []


@pytest.mark.parametrize("saved", SAVED)
def test_what_is_shown_is_what_is_meant(world: None, saved: str | None) -> None:
    """`status` and `doctor` name the store that commands work with, or say the contradiction."""
    fresh = dict(os.environ)
    save(saved)
    wrong = []
    cases = [case for case in CASES if case.saved == saved and " " not in case]
    assert len(cases) == 216
    for case in cases:
        enter(case, fresh)
        wanted = rule(case)
        told, checked = status(timeout=1), doctor._store()
        if wanted is None:
            fine = not told.connected and told.remedy and checked.status == "warn"
        else:
            url = f"sqlite:///{default_database(os.environ)}" if wanted[0] == "local" else wanted[0]
            shown = "local (SQLite, in" if wanted[0] == "local" and not saved else url
            fine = told.url == url and shown in checked.detail
            server = server_of(read_global(), os.environ)
            fine = fine and (server.url if server else None) == (url if "http" in url else None)
        if not fine:
            wrong.append((case, told.url, told.error, checked.detail))
    assert wrong == []


@pytest.mark.parametrize(
    "given",
    [
        {"ZENML_STORE_TYPE": "rest"},
        {"ZENML_STORE_TYPE": "sql", "ZENML_STORE_URL": A},
        {"ZENML_STORE_URL": "kitaru.example.com"},
        {"ZENML_STORE_API_KEY": "ZENKEY_forgotten"},
        {"KITARU_AUTH_TOKEN": "ZENKEY_forgotten"},
    ],
    ids="+".join,
)
def test_no_command_works_on_another_store(home: Home, given: dict[str, str]) -> None:
    from tests.stacks.interrupts import rows

    before = rows(home.database)
    commands = (
        ("stack", "create", "dev"),
        ("stack", "list"),
        ("stack", "current"),
        ("stack", "show", "default"),
        ("stack", "preview", "dev"),
        ("stack", "apply", "dev", "--yes"),
        ("stack", "use", "default"),
        ("stack", "delete", "default"),
        ("stack", "export", "default"),
        ("status",),
        ("init",),
    )
    for command in commands if "ZENML_STORE_API_KEY" in given else commands[:1]:
        done = home.kitaru(*command, "-o", "json", **given)
        assert (done.returncode, "ZENKEY" in done.stderr) == (6, False), (command, done)
    assert rows(home.database) == before
