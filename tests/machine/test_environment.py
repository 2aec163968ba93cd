"""Our variables become ZenML's, and what other distributions' hooks do is done before a look."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import pytest

from kitaru_iac.errors import NotConnectedError
from kitaru_iac.machine.environment import apply_environment, given_as, project
from kitaru_iac.machine.home import config_home
from kitaru_iac.machine.init_hooks import Hook, installed_hooks
from kitaru_iac.machine.known_secrets import known_secrets
from kitaru_iac.machine.store_choice import require_whole
from kitaru_iac.machine.store_location import RestStore, default_database, store_location
from kitaru_iac.notices import AddressShortened, VariableIgnored

SERVER = "https://kitaru.example.com"
UUID = "11111111-2222-3333-4444-555555555555"
OURS = {"KITARU_SERVER_URL": SERVER, "KITARU_AUTH_TOKEN": "ZENKEY_ours"}


@pytest.fixture(autouse=True)
def restored(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is applied here is taken back; nothing is kept from before."""
    monkeypatch.setattr(os, "environ", dict(os.environ))


def applied(**given: str) -> list[str]:
    os.environ.update(given)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", VariableIgnored)
        warnings.simplefilter("always", AddressShortened)
        apply_environment()
        apply_environment()  # the second time there is nothing to say
    return [str(warning.message) for warning in told]


def login_of(**given: str) -> tuple[str, str | None, str | None]:
    applied(**given)
    store = store_location({}, os.environ)
    assert isinstance(store, RestStore)
    return store.url, store.login.token, str(store.login.api_key or "") or None


@pytest.mark.parametrize("blank", ["", " ", "\n"])
def test_a_blank_variable_is_an_unset_one(blank: str) -> None:
    names = ("VERIFY_SSL", "HTTP_TIMEOUT", "TYPE", "API_TOKEN", "USERNAME", "PASSWORD")
    more = {f"ZENML_STORE_{name}": blank for name in names}
    applied(**OURS, **more, ZENML_LOCAL_STORES_PATH=blank, ZENML_ACTIVE_STACK_ID=blank)
    store = store_location({}, os.environ)
    assert isinstance(store, RestStore)
    assert (store.verify, store.timeout) == (True, 30)
    assert default_database(os.environ).is_relative_to(config_home())


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"ZENML_STORE_URL": "https://other", "ZENML_STORE_API_KEY": "ZENKEY_other"},
        {"ZENML_STORE_API_TOKEN": "token"},
        {"ZENML_STORE_USERNAME": "u", "ZENML_STORE_PASSWORD": "p"},
        {"ZENML_STORE_TYPE": "sql"},
        {"KITARU_SERVER_URL": f" {SERVER}/\n", "KITARU_AUTH_TOKEN": "ZENKEY_ours\n"},
        {"KITARU_SERVER_URL": f"{SERVER}/api/v1?page=1", "ZENML_STORE_URL": f"{SERVER}/api"},
    ],
)
def test_a_server_and_its_key_hold_whatever_zenmls_variables_say(more: dict[str, str]) -> None:
    assert login_of(**OURS | more) == (SERVER, None, "ZENKEY_ours")
    assert os.environ["ZENML_STORE_API_KEY"] == os.environ["KITARU_AUTH_TOKEN"]
    assert "ZENKEY_ours" in known_secrets()


def test_what_is_more_than_an_address_is_said_once() -> None:
    (said,) = applied(KITARU_SERVER_URL=f"{SERVER}/api/v1", KITARU_AUTH_TOKEN="ZENKEY_ours")
    assert said == f"KITARU_SERVER_URL holds more than the server's address: {SERVER} is used."
    assert os.environ["KITARU_SERVER_URL"] == os.environ["ZENML_STORE_URL"] == SERVER


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({}, []),
        ({"ZENML_STORE_URL": f"{SERVER}/"}, []),
        ({"ZENML_STORE_API_KEY": "x"}, ["ZENML_STORE_API_KEY is ignored: KITARU_AUTH_TOKEN"]),
        ({"ZENML_STORE_URL": "https://o"}, ["ZENML_STORE_URL is ignored: KITARU_SERVER_URL"]),
        ({"KITARU_PROJECT": "a", "ZENML_ACTIVE_PROJECT_ID": UUID}, ["ZENML_ACTIVE_PROJECT_ID is"]),
    ],
)
def test_what_is_ignored_is_said_once(more: dict[str, str], told: list[str]) -> None:
    got = applied(**OURS | more)
    assert [line[: len(start)] for line, start in zip(got, told, strict=True)] == told


def test_a_key_of_another_server_is_not_sent_to_ours() -> None:
    applied(KITARU_SERVER_URL=SERVER, ZENML_STORE_URL="https://o", ZENML_STORE_API_KEY="theirs")
    with pytest.raises(NotConnectedError):
        store_location({}, os.environ)
    assert "ZENML_STORE_API_KEY" not in os.environ


@pytest.mark.parametrize(
    ("given", "config", "words"),
    [
        ({"KITARU_SERVER_URL": SERVER}, {}, "nothing to log in with"),
        ({"KITARU_SERVER_URL": SERVER, "KITARU_AUTH_TOKEN": " "}, {}, "nothing to log in with"),
        ({"KITARU_AUTH_TOKEN": "k"}, {}, "nothing says for which server"),
        ({"KITARU_AUTH_TOKEN": "k"}, {"store": {"url": "sqlite:////x"}}, "for which server"),
        ({"KITARU_SERVER_URL": "kitaru.example.com", "KITARU_AUTH_TOKEN": "k"}, {}, "address"),
        ({"KITARU_SERVER_URL": "https:///x", "KITARU_AUTH_TOKEN": "k"}, {}, "address"),
    ],
)
def test_half_a_connection_is_refused(given: dict, config: dict, words: str) -> None:
    applied(**given)
    with pytest.raises(NotConnectedError, match=words) as caught:
        store_location(config, os.environ)
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("given", "config"),
    [
        ({"KITARU_AUTH_TOKEN": "k"}, {"store": {"type": "rest", "url": SERVER}}),
        ({"KITARU_AUTH_TOKEN": "k", "ZENML_STORE_URL": SERVER}, {}),
        ({"KITARU_SERVER_URL": SERVER, "ZENML_STORE_API_KEY": "k"}, {}),
        ({"KITARU_SERVER_URL": " ", "KITARU_AUTH_TOKEN": ""}, {}),
    ],
)
def test_a_connection_may_be_completed_elsewhere(given: dict, config: dict) -> None:
    applied(**given)
    require_whole(config, os.environ)


def test_a_login_that_is_kept_completes_a_url() -> None:
    config_home().mkdir(parents=True)
    (config_home() / "credentials.yaml").write_text(
        f"{SERVER}:\n  url: {SERVER}\n  api_key: ZENKEY_kept\n"
    )
    assert login_of(KITARU_SERVER_URL=SERVER)[2] == "ZENKEY_kept"


def test_a_project_is_given_to_zenml_by_its_id_only() -> None:
    applied(KITARU_PROJECT=f"{UUID}\n")
    assert os.environ["ZENML_ACTIVE_PROJECT_ID"] == UUID
    applied(KITARU_PROJECT="research")
    assert "ZENML_ACTIVE_PROJECT_ID" not in os.environ
    assert project(os.environ) == "research"


def test_errors_name_the_variable_that_was_set() -> None:
    assert given_as("ZENML_STORE_URL") == "ZENML_STORE_URL"
    applied(**OURS)
    assert given_as("ZENML_STORE_URL") == "KITARU_SERVER_URL"


# -- hooks -----------------------------------------------------------------------------------------


def install(site: Path, folder: str, entries: str) -> None:
    info = site / folder
    info.mkdir(parents=True)
    (info / "entry_points.txt").write_text(entries)


KNOWN = "[console_scripts]\nkitaru = kitaru.cli:cli\n\n[zenml.init_hooks]\nkitaru={}\n"
_021 = KNOWN.format("kitaru_init_hook:init")


def test_hooks_are_those_that_importlib_finds(tmp_path: Path) -> None:
    from importlib.metadata import distributions

    first, second = tmp_path / "first", tmp_path / "second"
    install(first, "kitaru-0.21.3.dist-info", _021)
    install(second, "kitaru-0.9.dist-info", KNOWN.format("old:init"))  # hidden by the first
    install(second, "Some.Thing-1.dist-info", "# no\n[zenml.init_hooks] \na = b.c:d\n")
    install(second, "other-2.egg-info", "[x]\nzenml.init_hooks = a:b\n")
    path = [str(first), str(second), str(tmp_path / "nowhere")]
    theirs = {
        entry.value
        for dist in distributions(path=path)
        if "0.9" not in str(getattr(dist, "_path", ""))
        for entry in dist.entry_points
        if entry.group == "zenml.init_hooks"
    }
    found = installed_hooks(path)
    assert {hook.value for hook in found} == theirs == {"kitaru_init_hook:init", "b.c:d"}
    assert Hook("kitaru", "0.21.3", "kitaru_init_hook:init") in found
    assert [hook.is_known for hook in found] == [True, False]
    install(second, "late-1.dist-info", "[zenml.init_hooks]\na = late:init\n")
    assert "late:init" in {hook.value for hook in installed_hooks(path)}


@pytest.mark.parametrize(
    ("version", "given", "home", "folder"),
    [
        ("0.21.0", {}, "~/.config/kitaru", ".kitaru"),
        ("0.21.0", {"XDG_CONFIG_HOME": "/xdg"}, "/xdg/kitaru", ".kitaru"),
        ("0.21.0", {"ZENML_CONFIG_PATH": "/z"}, "/z", ".kitaru"),
        ("0.21.0", {"KITARU_CONFIG_PATH": " /k\n", "ZENML_CONFIG_PATH": "/z"}, "/k", ".kitaru"),
        ("0.21.0", {"ZENML_REPOSITORY_DIRECTORY_NAME": ".x"}, "~/.config/kitaru", ".x"),
        ("0.27.2", {}, "~/.config/zenml", None),
    ],
)
def test_the_hook_of_the_other_kitaru_is_followed(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    version: str,
    given: dict[str, str],
    home: str,
    folder: str | None,
) -> None:
    install(tmp_path, f"kitaru-{version}.dist-info", _021 if folder else "[console_scripts]\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("ZENML_CONFIG_PATH", "XDG_CONFIG_HOME"):
        os.environ.pop(name, None)
    applied(**given)
    assert config_home() == Path(home.replace("~", os.environ["HOME"]))
    assert os.environ.get("ZENML_REPOSITORY_DIRECTORY_NAME") == folder


class _Noted(dict[str, str]):
    """What was written to it or taken out, by name."""

    written: tuple[str, ...] = ()

    def __setitem__(self, name: str, text: str) -> None:
        self.written += (name,)
        super().__setitem__(name, text)

    def __delitem__(self, name: str) -> None:
        self.written += (name,)
        super().__delitem__(name)

    def pop(self, name: str, *default: Any) -> Any:
        self.written += (name,)
        return super().pop(name, *default)


@pytest.mark.parametrize(
    ("given", "kept", "written"),
    [
        (UUID, UUID, []),  # else it would come back after a block of another thread has ended
        (f" {UUID}\n", UUID, ["ZENML_ACTIVE_STACK_ID"]),
        (" ", None, ["ZENML_ACTIVE_STACK_ID"]),
        (None, None, []),  # else what such a block has just set would be gone
    ],
)
def test_a_variable_is_written_only_where_it_becomes_another(
    monkeypatch: pytest.MonkeyPatch, given: str | None, kept: str | None, written: list[str]
) -> None:
    noted = _Noted(os.environ)
    if given is not None:
        dict.__setitem__(noted, "ZENML_ACTIVE_STACK_ID", given)
    noted.written = ()
    monkeypatch.setattr(os, "environ", noted)
    apply_environment()
    assert noted.get("ZENML_ACTIVE_STACK_ID") == kept
    assert [name for name in noted.written if name == "ZENML_ACTIVE_STACK_ID"] == written
