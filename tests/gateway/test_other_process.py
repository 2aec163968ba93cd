"""A process that has ZenML loaded, while another one logs in, logs out, or chooses a stack."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing, nullcontext
from pathlib import Path

import pytest
import yaml

import kitaru_iac as kitaru
from kitaru_iac.errors import NotConnectedError
from kitaru_iac.gateway.calls import zenml_call
from kitaru_iac.gateway.documents import NewComponent
from kitaru_iac.gateway.in_process import InProcess
from kitaru_iac.gateway.opening import open_gateway
from tests.homes import Home
from tests.servers.zenml import ZenMLServer


def _names(database: Path, table: str = "stack") -> list[str]:
    with closing(sqlite3.connect(database)) as opened:
        return sorted(row[0] for row in opened.execute(f"SELECT name FROM {table}"))


@pytest.fixture
def other(home: Home) -> Path:
    """Another local store; ZenML is loaded here, and has the first one open."""
    other = home.database.with_name("other.db")
    shutil.copyfile(home.database, other)
    kitaru.create_stack("before", activate=False)
    return other


def _choose(home: Home, store: Path) -> None:
    """Let the settings name another store, as another process would."""
    path = home.config / "config.yaml"
    settings = yaml.safe_load(path.read_text())
    settings["store"] = {"type": "sql", "url": f"sqlite:///{store}"}
    path.write_text(yaml.safe_dump(settings))


def test_what_is_written_is_in_the_store_that_is_chosen_by_then(home: Home, other: Path) -> None:
    _choose(home, other)
    kitaru.create_stack("dev")
    assert (_names(home.database), _names(other)) == (["before", "default"], ["default", "dev"])
    settings = yaml.safe_load((home.config / "config.yaml").read_text())
    assert settings["store"]["url"] == f"sqlite:///{other}", "the choice was undone"
    assert kitaru.current_stack().name == "dev"


def test_another_active_stack_and_project_are_not_written_back(home: Home, other: Path) -> None:
    """What ZenML here holds of them is what it once read."""
    path = home.config / "config.yaml"
    assert home.kitaru("stack", "use", "before").returncode == 0
    chosen = yaml.safe_load(path.read_text())
    kitaru.create_stack("dev", activate=False)
    with zenml_call():
        from zenml.config.global_config import GlobalConfiguration

        GlobalConfiguration().user_email = "me@example.com"  # writes all that is held
    assert yaml.safe_load(path.read_text()) == {**chosen, "user_email": "me@example.com"}


def test_a_gateway_keeps_to_the_store_that_it_has_opened(home: Home, other: Path) -> None:
    """A change is made in one store as a whole, whatever others of the process ask meanwhile."""
    gateway = open_gateway()
    assert isinstance(gateway, InProcess)
    _ = gateway.client
    _choose(home, other)
    assert InProcess.open().store.config.url == f"sqlite:///{other}"
    gateway.create_component(NewComponent("orchestrator", "part", "local"))
    assert "part" in _names(home.database, "stack_component")
    assert "part" not in _names(other, "stack_component")


@pytest.mark.parametrize("in_a_block", [False, True])
def test_what_was_looked_at_is_what_is_written(home: Home, other: Path, in_a_block: bool) -> None:
    with kitaru.stack("default") if in_a_block else nullcontext():
        if in_a_block:  # which keeps ZenML to the store that it began with
            _choose(home, other)
            gateway = open_gateway()
        else:
            gateway = open_gateway()
            _choose(home, other)
        with pytest.raises(NotConnectedError, match="another store than the one that was looked"):
            gateway.create_component(NewComponent("orchestrator", "part", "local"))
    for database in (home.database, other):
        assert "part" not in _names(database, "stack_component")


@pytest.mark.server
@pytest.mark.store
def test_a_logout_and_a_login_elsewhere_hold_here(
    home: Home, empty_server: ZenMLServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")

    def in_a_terminal(*words: str) -> None:
        done = home.kitaru(*words, KITARU_API_KEY=empty_server.api_key)
        assert done.returncode == 0, done.stderr

    def settings() -> str:
        return str(yaml.safe_load((home.config / "config.yaml").read_text())["store"]["type"])

    kitaru.create_stack("first")  # on the local store, with ZenML
    in_a_terminal("login", empty_server.url)
    kitaru.create_stack("there")
    assert (settings(), kitaru.current_stack().name) == ("rest", "there")
    assert kitaru.use_stack("default").name == "default"
    with zenml_call():  # ZenML has the server open now
        from zenml.client import Client

        assert Client().get_stack("there").name == "there"
    in_a_terminal("logout")
    kitaru.create_stack("dev")
    assert (settings(), kitaru.current_stack().name) == ("sql", "dev")
    assert _names(home.database) == ["default", "dev", "first"]
    in_a_terminal("login", empty_server.url)
    shown = home.kitaru("stack", "list", "--output", "json")
    assert [row["name"] for row in json.loads(shown.stdout)["items"]] == ["default", "there"]
