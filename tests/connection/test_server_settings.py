"""What a login and a logout write: files that are taken again, and what is active by them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from kitaru_iac.connection import files, login, server_settings
from kitaru_iac.connection.active import write_active
from kitaru_iac.connection.status import status
from kitaru_iac.errors import KitaruError, NotAllowedError, NotConnectedError
from kitaru_iac.machine import locks, settings
from kitaru_iac.machine.bound_home import bound_environment
from kitaru_iac.machine.server_login import forget_login, remember_key
from kitaru_iac.machine.settings import read_global, read_logins, read_whole
from tests.gateway.web import LittleServer

ID = "abcdabcd-0000-4000-8000-000000000001"
OTHER = "abcdabcd-0000-4000-8000-000000000002"
NOWHERE = "abcdabcd-0000-4000-8000-000000000009"
STACKS = {ID: "default", OTHER: "prod"}
PROJECTS = {ID: "theirs", OTHER: "ours"}
DENIED = (403, {"detail": ["IllegalOperationError", "Insufficient permissions"]})


def answering(path: str) -> tuple[int, Any]:
    """A server with two stacks and two projects, found by id or name."""
    kind, _, rest = path.removeprefix("/api/v1/").partition("?")[0].partition("/")
    if kind == "info":
        return 200, {"version": "0.98.0", "auth_scheme": "OAUTH2_PASSWORD_BEARER", "id": ID}
    if kind == "login":
        return 200, {"access_token": "given-for-a-key"}
    if kind == "current-user":
        return 200, {"id": ID, "name": "me", "body": {"default_project_id": ID}}
    known = {"stacks": STACKS, "projects": PROJECTS}[kind]
    found = [
        {"id": uuid, "name": name, **FORM}
        for uuid, name in known.items()
        if rest in (uuid, name) or (not rest and (uuid in path or name in path))
    ]
    if rest:
        return (200, found[0]) if found else (404, {"detail": ["KeyError", "none"]})
    return 200, {"items": found, "total": len(found), "total_pages": 1}


FORM = {
    "body": {"created": "2026-01-01T00:00:00", "updated": "2026-01-01T00:00:00"},
    "metadata": {"components": {}, "labels": {}, "description": "", "stack_spec_path": None},
    "resources": {"user": None},
}


@pytest.fixture
def home(isolated: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(settings, "_PATIENCE", 0)
    return tmp_path


def denying(*paths: str) -> Callable[[str], tuple[int, Any]]:
    return lambda path: DENIED if any(one in path for one in paths) else answering(path)


def log_in(url: str, **more: Any) -> Any:
    return login.login(url, api_key="ZENKEY_a", **more)


# -- files that were written by hand ---------------------------------------------------------------

BY_HAND = {
    "lines": "store:\n  type: rest\n  url: {}\n",
    "braces": '{{"store": {{"type": "rest", "url": "{}"}}}}',
    "as ZenML's": "analytics_opt_in: false\nstore:\n  type: rest\n  url: {}\n  verify_ssl: true\n",
    "a version": "version: 0.98.0\nanalytics_opt_in: no\nstore: {{type: rest, url: '{}'}}\n",
    "a version that is a number": "version: 0.98\nstore: {{type: rest, url: '{}'}}\n",
    "an id that is none": '{{"user_id": "me", "store": {{"type": "rest", "url": "{}"}}}}',
}


def connect(url: str, verify_ssl: bool | str = True) -> None:
    log_in(url, verify_ssl=verify_ssl)


WRITES: dict[str, Callable[[str], object]] = {
    "login": connect,
    "login with a bundle": lambda url: connect(url, "-----BEGIN CERTIFICATE-----\nabc\n"),
    "logout": lambda url: login.logout(),
    "an id": lambda url: server_settings.installation_id(),
    "use": lambda url: write_active(OTHER, "global"),
}


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("text", BY_HAND)
def test_what_is_written_over_a_file_by_hand_is_taken_again(
    home: Path, text: str, write: str
) -> None:
    with LittleServer(answering) as web:
        (home / "config.yaml").write_text(BY_HAND[text].format(web.url))
        assert read_global()["store"]["url"] == web.url
        WRITES[write](web.url)
        found = read_global()
        assert found["store"]["type"] == ("sql" if write == "logout" else "rest")
        assert found.get("active_stack_id") in (None, ID, OTHER)
        own = server_settings.installation_id()
        WRITES[write](web.url)
        assert server_settings.installation_id() == own


def test_a_run_in_a_home_of_its_own_takes_a_file_by_hand(home: Path) -> None:
    (home / "config.yaml").write_text(BY_HAND["braces"].format("https://a"))
    copy = Path(bound_environment(ID, "prod")["ZENML_CONFIG_PATH"]) / "config.yaml"
    found = read_whole(copy, "global")
    assert (found["store"]["url"], found["active_stack_id"]) == ("https://a", ID)


def test_logins_by_hand_are_taken_again(home: Path) -> None:
    by_hand = {"https://a": {"api_key": "one"}, "https://b": {"api_key": "two"}}
    (home / "credentials.yaml").write_text(json.dumps(by_hand))
    forget_login("https://a")
    assert read_logins() == {"https://b": {"api_key": "two", "url": "https://b"}}


# -- a login that fails ----------------------------------------------------------------------------


def test_a_failed_login_leaves_what_another_shell_has_written(home: Path) -> None:
    (home / "config.yaml").write_text(BY_HAND["a version"].format("https://old"))
    before = (home / "config.yaml").read_text()

    def meanwhile(path: str) -> tuple[int, Any]:
        if "/stacks" in path:
            remember_key("https://b", "two", None)
            return 503, ""
        return answering(path)

    with LittleServer(meanwhile) as web, pytest.raises(NotConnectedError):
        log_in(web.url)
    assert list(read_logins()) == ["https://b"]
    assert (home / "config.yaml").read_text() == before


@pytest.mark.parametrize("was_there", [True, False])
def test_what_was_written_is_put_back_unless_others_wrote_it_since(
    home: Path, was_there: bool
) -> None:
    def write(by_others: str | None = None) -> None:
        with files.files_restored_on_failure():
            remember_key("https://a", "another", None)
            if by_others:
                (home / "credentials.yaml").write_text(by_others)
            raise KitaruError("no")

    if was_there:
        remember_key("https://a", "one", None)
    before = dict(read_logins())
    with pytest.raises(KitaruError, match="The connection is unchanged"):
        write()
    assert dict(read_logins()) == before
    assert (home / "credentials.yaml").exists() is was_there
    with pytest.raises(KitaruError, match="Not put back"):
        write('{"https://b": {"url": "https://b"}}')
    assert list(read_logins()) == ["https://b"]


def test_what_a_link_leads_to_is_put_back_under_the_lock_of_its_name(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link, file = home / "credentials.yaml", home / "elsewhere.yaml"
    link.symlink_to(file)
    file.write_text(before := json.dumps({"https://a": {"url": "https://a", "api_key": "one"}}))
    locked: list[str] = []

    @contextmanager
    def noted(*names: str) -> Iterator[None]:
        locked.extend(names)
        yield

    def write() -> None:
        with files.files_restored_on_failure():
            remember_key("https://a", "another", None)
            raise KitaruError("no")

    monkeypatch.setattr(locks, "sole_writer", noted)
    with pytest.raises(KitaruError):
        write()
    assert locked == [str(link)] * 2
    assert link.is_symlink()
    assert file.read_text() == before


# -- no login on this disk -------------------------------------------------------------------------


def test_where_no_login_is_kept_the_key_has_to_come_by_a_variable(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISABLE_CREDENTIALS_DISK_CACHING", "true")
    with LittleServer(answering) as web:
        with pytest.raises(NotAllowedError, match="no login is kept") as refused:
            log_in(web.url)
        assert "KITARU_AUTH_TOKEN" in str(refused.value.remedy)
        assert not list(home.iterdir())
        monkeypatch.setenv("ZENML_STORE_API_KEY", "ZENKEY_a")
        assert log_in(web.url).user == "me"
        assert status().connected
    assert not (home / "credentials.yaml").exists()


# -- rights that a key lacks -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "denied",
    [(f"/stacks/{OTHER}",), (f"/projects/{OTHER}",), ("/projects",), ("/stacks/", "/projects/")],
)
def test_a_key_that_may_not_read_the_active_stack_or_project_logs_in(
    home: Path, denied: tuple[str, ...]
) -> None:
    with LittleServer(denying(*denied)) as web:
        kept = {"active_stack_id": OTHER, "active_project_id": OTHER, "version": "0.98.0"}
        store = {"type": "rest", "url": web.url}
        (home / "config.yaml").write_text(json.dumps({**kept, "store": store, "user_id": ID}))
        done = log_in(web.url)
        hidden = "/stacks" in denied[0]
        assert done.active_stack == ("default" if hidden else "prod")
        assert read_global()["active_stack_id"] == (ID if hidden else OTHER)
        assert status().connected


def test_a_status_of_a_stack_that_may_not_be_read_is_connected(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LittleServer(denying("/stacks")) as web:
        monkeypatch.setenv("ZENML_STORE_URL", web.url)
        monkeypatch.setenv("ZENML_STORE_API_KEY", "ZENKEY_a")
        monkeypatch.setenv("ZENML_ACTIVE_STACK_ID", OTHER)
        found = status()
    assert (found.connected, found.active_stack, found.scope) == (True, None, "environment")
    assert "you may not read" in str(found.warnings[0])


@pytest.mark.parametrize("denied", ["/current-user", "/stacks"])
def test_without_a_right_the_remedy_is_not_the_same_login(home: Path, denied: str) -> None:
    with LittleServer(denying(denied)) as web, pytest.raises(NotAllowedError) as refused:
        log_in(web.url)
    assert "Insufficient permissions" in str(refused.value)
    assert "Ask for the permission" in str(refused.value.remedy)
    assert not (home / "credentials.yaml").exists()


# -- what is active --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("named", "active", "scope", "warned"),
    [
        ("prod", "prod", "environment", 0),
        (OTHER.upper(), "prod", "environment", 0),
        ("prodigal", "default", "default", 1),
    ],
)
def test_a_status_knows_an_active_stack_by_its_name(
    home: Path, monkeypatch: pytest.MonkeyPatch, named: str, active: str, scope: str, warned: int
) -> None:
    with LittleServer(answering) as web:
        monkeypatch.setenv("ZENML_STORE_URL", web.url)
        monkeypatch.setenv("ZENML_STORE_API_KEY", "ZENKEY_a")
        monkeypatch.setenv("ZENML_ACTIVE_STACK_ID", named)
        found = status()
    assert (found.active_stack, found.scope, len(found.warnings)) == (active, scope, warned)


@pytest.mark.parametrize(("named", "project"), [(OTHER, "ours"), (None, "theirs"), (NOWHERE, None)])
def test_inside_a_repository_its_project_is_the_active_one(
    home: Path, named: str | None, project: str | None
) -> None:
    (home / ".zen").mkdir()
    content = {"active_project_id": named, "active_stack_id": None}
    (home / ".zen" / "config.yaml").write_text(json.dumps(content) + "\n")
    with LittleServer(answering) as web:
        for found in (log_in(web.url), status()):
            assert found.project == project
            assert _absent(found) == ([f"{home} names"] if named == NOWHERE else [])
        assert read_global()["active_project_id"] == ID
        assert log_in(web.url, project="theirs").project == "theirs"
        assert status().project == "theirs"


def test_a_project_of_the_environment_is_not_taken_for_another_one(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZENML_ACTIVE_PROJECT_ID", NOWHERE)
    with LittleServer(answering) as web:
        for found in (log_in(web.url), status()):
            assert (found.project, _absent(found)) == (None, ["The environment names"])


def test_a_project_that_the_server_fails_to_tell_is_not_one_that_is_not_there(home: Path) -> None:
    failing = [False]

    def answer(path: str) -> tuple[int, Any]:
        return (500, "") if failing[0] and "/projects/" in path else answering(path)

    with LittleServer(answer) as web:
        log_in(web.url, project="ours")
        before = (home / "config.yaml").read_text()
        failing[0] = True
        with pytest.raises(NotConnectedError):
            log_in(web.url)
        found = status()
    assert (found.connected, found.project, found.warnings) == (False, None, ())
    assert (home / "config.yaml").read_text() == before


def _absent(found: Any) -> list[str]:
    """Who names a project that is not there, by a login or a status."""
    said = [str(one) for one in found.warnings if one.code == "no_active_project"]
    assert all(f"'{NOWHERE}'" in one for one in said)
    return [one.partition(" the project")[0] for one in said]
