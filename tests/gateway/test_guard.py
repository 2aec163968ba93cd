"""Settings that do not tell which store is meant are refused by every command, and never lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

import kitaru_iac as kitaru
from kitaru_iac.errors import SettingsDamaged
from kitaru_iac.gateway.in_process import InProcess
from kitaru_iac.gateway.installation import activate_stack
from kitaru_iac.gateway.opening import open_gateway, open_reader
from kitaru_iac.machine import settings
from tests.homes import Home

COMMANDS = (
    "stack list",
    "stack current",
    "stack show default",
    "stack create dev",
    "stack apply -f stack.yaml --yes",
    "stack preview dev",
    "stack use default",
    "stack delete default --force --yes",
    "login http://127.0.0.1:9",
    "logout",
    "init",
    "status",
)


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "_PATIENCE", 0.05)


@pytest.fixture
def project(home: Home) -> Path:
    """A description, in a repository of ZenML's."""
    (home.path / ".zen").mkdir()
    (home.path / "stack.yaml").write_text("name: dev\ntype: local\n")
    return home.path


@pytest.mark.parametrize(
    ("damaged", "command"),
    [("global", command) for command in COMMANDS]
    # A login is about no repository.
    + [("repository", command) for command in COMMANDS if not command.startswith("log")],
)
def test_every_command_refuses(home: Home, project: Path, command: str, damaged: str) -> None:
    folder = home.config if damaged == "global" else project / ".zen"
    file = folder / "config.yaml"
    file.write_text("")
    before = home.database.read_bytes()
    done = home.kitaru(*command.split())
    assert done.returncode == 6, done.stderr
    assert f"rm {file}" in done.stderr + done.stdout
    assert done.stdout == "" or command == "status"  # which shows what it could find out
    assert file.read_text() == ""
    assert home.database.read_bytes() == before


def test_an_empty_file_is_refused_where_the_environment_names_the_store(home: Home) -> None:
    """The active stack would be guessed, and ZenML would write the file over."""
    (home.config / "config.yaml").write_text("")
    url = f"sqlite:///{home.database}"
    for command in ("stack list", "stack create dev"):
        assert home.kitaru(*command.split(), ZENML_STORE_URL=url).returncode == 6


def test_zenml_in_this_process_replaces_its_files_in_one_step(home: Home) -> None:
    from zenml.config.global_config import GlobalConfiguration

    InProcess.open()  # a look at a whole store would not load ZenML, nor guard it
    path = home.config / "config.yaml"
    with path.open() as opened:  # whoever had begun to read reads to the end
        old = opened.read(10) + opened.read()
        was = path.stat().st_ino
        GlobalConfiguration().user_email = "me@example.com"
        opened.seek(0)
        assert opened.read() == old
    assert path.stat().st_ino != was
    assert yaml.safe_load(path.read_text())["user_email"] == "me@example.com"
    was = path.stat().st_ino
    GlobalConfiguration()._write_config()  # nothing has changed
    assert path.stat().st_ino == was


@pytest.mark.parametrize("text", ["", "store:\n  type: re"])
def test_zenml_in_this_process_does_not_write_over_what_is_damaged(home: Home, text: str) -> None:
    """What another process left behind while this one had the settings in memory."""
    open_gateway()
    stack = open_reader().active().id
    path = home.config / "config.yaml"
    path.write_text(text)
    with pytest.raises(SettingsDamaged):
        activate_stack(stack)
    assert path.read_text() == text


def test_zenml_in_this_process_does_not_forget_logins_that_are_damaged(home: Home) -> None:
    from zenml.login.credentials_store import CredentialsStore

    open_gateway()
    path = home.config / "credentials.yaml"
    path.write_text("https://a:\n  api_key: ZENKEY_a\n")
    CredentialsStore._clear()
    with pytest.raises(SettingsDamaged):
        CredentialsStore().set_api_key("https://b", "ZENKEY_b")
    assert path.read_text() == "https://a:\n  api_key: ZENKEY_a\n"


def test_a_variable_for_one_command_does_not_become_the_saved_active_stack(home: Home) -> None:
    """ZenML saves what ``ZENML_ACTIVE_STACK_ID`` names when it opens its store."""
    made = home.kitaru("stack", "create", "other", "--no-activate", "--output", "json")
    other = json.loads(made.stdout)["item"]["id"]
    before = (home.config / "config.yaml").read_bytes()
    variable = {"ZENML_ACTIVE_STACK_ID": other}
    for command in ("create dev --no-activate", "apply dev --yes --no-activate", "delete dev"):
        done = home.kitaru("stack", *command.split(), **variable)
        assert done.returncode == 0, done.stderr
        assert (home.config / "config.yaml").read_bytes() == before, command


@pytest.mark.parametrize("saved", [True, False])
def test_news_of_the_stack_that_the_variable_names_do_not_make_it_the_saved_one(
    home: Home, monkeypatch: pytest.MonkeyPatch, *, saved: bool
) -> None:
    """ZenML saves a stack that it takes for the active one whenever it gets to see it newer."""
    from zenml.client import Client
    from zenml.models import StackUpdate
    from zenml.stack import Stack

    other = kitaru.create_stack("other", activate=saved).id
    monkeypatch.setenv("ZENML_ACTIVE_STACK_ID", other)
    path = home.config / "config.yaml"
    before = path.read_bytes()
    client = Client()
    assert (client.active_stack_model.description or "") == ""
    client.update_stack("other", description="one")
    assert str(client.active_stack_model.description) == "one"
    client.zen_store.update_stack(client.active_stack_model.id, StackUpdate(description="two"))
    newer = client.get_stack("other")
    assert newer.updated > client.active_stack_model.updated
    Stack.from_model(newer)
    assert str(client.active_stack_model.description) == "two"
    assert path.read_bytes() == before
    kitaru.use_stack("other")  # and who chooses it, saves it
    assert yaml.safe_load(path.read_text())["active_stack_id"] == other
