"""The server belongs to a stack's identity: whoever connects elsewhere is refused, not believed."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from pulumi.runtime.proto import provider_pb2 as p

from kitaru_iac.errors import KitaruError
from kitaru_iac.gateway.identity import StoreIdentity
from kitaru_iac.gateway.in_process import InProcess
from kitaru_iac.pulumi.plugin import place, settings
from kitaru_iac.pulumi.plugin.wire import read
from tests.gateway.web import LittleServer
from tests.homes import Home, ready_home
from tests.pulumi import stored
from tests.pulumi.driver import Engine, Refused, Wanted
from tests.pulumi.protocol import URN, running_plugin, struct


@pytest.fixture
def elsewhere(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that lets this machine be connected to another store, or to one not made yet."""

    other = ready_home(home, tmp_path / "other")
    stamp(other)

    def connect(*, made: bool = True) -> None:
        if made:
            monkeypatch.setenv("ZENML_CONFIG_PATH", str(other.config))
        else:
            monkeypatch.setattr(place, "_local_is_meant", True)  # `kitaru:url local`
            monkeypatch.setenv("ZENML_CONFIG_PATH", str(tmp_path / "bare"))

    return connect


def stamp(home: Home) -> None:
    """Give a copied store an id of its own, as one that ZenML has made has."""
    import sqlite3
    from contextlib import closing
    from uuid import uuid4

    with closing(sqlite3.connect(home.database)) as database:
        database.execute("UPDATE server_settings SET id = ?", (uuid4().hex,))
        database.commit()


DEV = {"dev": Wanted({"name": "dev"})}
CHANGED = {"dev": Wanted({"name": "dev", "artifactStore": "/tmp/elsewhere"})}


@pytest.mark.parametrize("made", [True, False], ids=["another", "none yet"])
def test_another_server_is_never_taken_for_the_stacks_own(
    home: Home, elsewhere: Any, made: bool
) -> None:
    """Not "unchanged", not "gone", not "deleted"; the stack is where it was."""
    engine = Engine()
    engine.up(DEV)
    before = engine.export()
    elsewhere(made=made)
    for run in (
        lambda: engine.up(DEV),
        lambda: engine.up(DEV, preview=True),
        lambda: engine.up(CHANGED),
        lambda: engine.up(CHANGED, preview=True),
        engine.refresh,
        lambda: engine.refresh(preview=True),
        engine.destroy,
    ):
        with pytest.raises(Refused) as refused:
            run()
        assert "is on another server" in str(refused.value)
        assert str(home.database) in str(refused.value)
        assert f"pulumi state delete '{engine.urn('dev')}'" in str(refused.value)
    assert engine.state == before
    os.environ["ZENML_CONFIG_PATH"] = str(home.config)
    assert engine.up(DEV) == {"dev": "same"}
    assert "dev" in stored.names()
    engine.destroy()
    assert stored.names() == {"default"}


HERE, AWAY = "1" * 32, "2" * 32
FILE, MYSQL = "/stores/zenml.db", "mysql://host/zenml"


@pytest.mark.parametrize(
    ("state", "found", "refused"),
    [
        ((HERE, FILE), StoreIdentity(HERE, FILE), None),
        ((HERE, FILE), StoreIdentity(HERE, "/moved.db"), None),
        ((HERE, FILE), StoreIdentity(AWAY, FILE), "is on another"),
        ((HERE, FILE), StoreIdentity(None, FILE, is_made=False), "is on another"),
        ((HERE, FILE), StoreIdentity(None, FILE), "may be on another"),
        ((HERE, FILE), StoreIdentity(None, MYSQL), "may be on another"),
        # A store that only ZenML opens says no id: its address is what there is.
        ((None, MYSQL), StoreIdentity(None, MYSQL), None),
        ((None, MYSQL), StoreIdentity(None, "mysql://other/zenml"), "may be on another"),
        ((None, MYSQL), StoreIdentity(HERE, FILE), "may be on another"),
        ((None, MYSQL), StoreIdentity(None, FILE, is_made=False), "may be on another"),
        ((None, MYSQL), StoreIdentity(HERE, MYSQL), None),
        ((None, None), StoreIdentity(HERE, FILE), None),
        ((None, None), StoreIdentity(None, MYSQL), None),
    ],
)
def test_a_stack_is_spoken_of_only_where_it_is_known_to_be(
    monkeypatch: pytest.MonkeyPatch,
    state: tuple[str | None, str | None],
    found: StoreIdentity,
    refused: str | None,
) -> None:
    monkeypatch.setattr(place, "here", lambda: found)
    given = read(struct(name="dev", serverId=state[0], server=state[1]))
    if refused is None:
        place.require_own(given, "id", URN)
        return
    with pytest.raises(KitaruError) as error:
        place.require_own(given, "id", URN)
    assert error.value.what.startswith(f"Stack 'dev' {refused} server than")
    assert str(state[1]) in str(error.value.why)
    assert found.shown in str(error.value.why)
    place.require_own(None, "", URN)


# -- which store is meant --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environ", "word"),
    [
        ({"ZENML_STORE_API_KEY": "ZENKEY_x"}, "ZENML_STORE_API_KEY is set, and nothing says"),
        ({"ZENML_STORE_API_TOKEN": "hush"}, "ZENML_STORE_API_TOKEN is set"),
        ({"ZENML_STORE_USERNAME": "me"}, "ZENML_STORE_USERNAME is set"),
        ({"KITARU_AUTH_TOKEN": "ZENKEY_x"}, "KITARU_AUTH_TOKEN is set"),
        ({"CI": "true"}, "A local store on a CI runner is gone with it"),
        ({"CI": "1"}, "A local store on a CI runner is gone with it"),
        ({"TF_BUILD": "True"}, "A local store on a CI runner is gone with it"),
    ],
)
@pytest.mark.parametrize("preview", [True, False], ids=["preview", "up"])
def test_a_local_store_is_not_used_in_the_place_of_a_server(
    home: Home, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], word: str, preview: bool
) -> None:
    for key, value in environ.items():
        monkeypatch.setenv(key, value)
    with pytest.raises(Refused) as refused:
        Engine().up(DEV, preview=preview)
    assert word in str(refused.value)
    assert "KITARU_SERVER_URL" in str(refused.value)
    assert "ZENKEY_x" not in str(refused.value)
    for key in environ:
        monkeypatch.delenv(key)
    assert stored.names() == {"default"}


@pytest.mark.parametrize("environ", [{}, {"CI": "false"}, {"CI": ""}, {"CI": "0"}], ids=str)
def test_a_local_store_that_is_there_is_used_on_a_machine_of_ones_own(
    home: Home, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]
) -> None:
    for key, value in environ.items():
        monkeypatch.setenv(key, value)
    assert Engine().up(DEV, preview=True) == {"dev": "create"}


@pytest.mark.parametrize("preview", [True, False], ids=["preview", "up"])
def test_no_store_is_made_that_nobody_asked_for(
    bare_home: Home, monkeypatch: pytest.MonkeyPatch, preview: bool
) -> None:
    for key, value in bare_home.environment().items():
        monkeypatch.setenv(key, value)
    with pytest.raises(Refused) as refused:
        Engine().up(DEV, preview=preview)
    assert "Nothing says which ZenML server" in str(refused.value)
    assert "pulumi config set kitaru:url local" in str(refused.value)
    assert not bare_home.database.exists()


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"url": "local"}, None),
        ({"url": "local", "verifySsl": "true"}, None),
        ({"url": "local", "apiKey": "ZENKEY_x"}, "apiKey"),
        ({"url": "Local"}, "url"),
    ],
)
def test_a_local_store_is_asked_for_by_name(values: dict[str, str], field: str | None) -> None:
    found = settings.problems(values, frozenset(), shared=False)
    assert [problem.field for problem in found][:1] == ([field] if field else [])


def test_two_addresses_are_two_servers_only_if_both_answer_and_say_so(
    home: Home, elsewhere: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another server replaces the provider, so that the engine deletes with the former one."""
    from kitaru_iac.errors import NotConnectedError
    from kitaru_iac.gateway import identity

    servers = {"https://a": "1" * 8, "https://a.new": "1" * 8, "https://b": "2" * 8}

    def ask(store: Any, environ: Any) -> StoreIdentity:
        if store.url not in servers:
            raise NotConnectedError("It does not answer")
        return StoreIdentity(servers[store.url], store.url)

    monkeypatch.setattr(identity, "_of_server", ask)
    plugin = Engine().plugin

    def diff(old: str | None, new: str | None) -> tuple[list[str], list[str]]:
        key = {"apiKey": "ZENKEY_x"}
        request = p.DiffRequest(
            urn="urn:pulumi:prod::platform::pulumi:providers:kitaru::there",
            old_inputs=struct(url=old, **key) if old else struct(),
            news=struct(url=new, **key) if new else struct(),
        )
        answer = plugin.call("DiffConfig", request)
        return list(answer.diffs), list(answer.replaces)

    assert diff("https://a", "https://b") == (["url"], ["url"])
    assert diff("https://a", "https://a.new") == (["url"], [])
    assert diff("https://a", "https://a") == ([], [])
    assert diff("https://a", None) == (["url", "apiKey"], ["url"])
    assert diff(None, "https://b") == (["url", "apiKey"], ["url"])
    assert diff("https://gone", "https://b") == (["url"], [])
    assert diff("https://a", "https://gone") == (["url"], [])
    assert diff(None, None) == ([], [])
    # A local store that is not made yet is no server's.
    elsewhere(made=False)
    assert diff("https://a", "local") == (["url"], ["url"])
    assert diff("https://gone", "local") == (["url"], [])
    assert diff("local", "https://a") == (["url"], [])


SERVER = "abcdabcd-0000-4000-8000-000000000001"


@pytest.mark.parametrize("way", ["expired", "socks", "container"])
def test_a_server_that_only_zenml_can_log_in_to_is_still_known_by_its_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """A login of ZenML Pro lives for a while; a state that was written meanwhile has an id."""
    asked: list[str] = []

    def opened() -> Any:
        asked.append("ZenML")
        return SimpleNamespace(place=SimpleNamespace(id=SERVER))

    with LittleServer(lambda _: (200, {"version": "0.98.0", "id": SERVER})) as web:
        url = "http://far.example" if way == "socks" else web.url
        token = {"access_token": "t", "expires_at": "2020-01-01T00:00:00+00:00"}
        login = {"url": url, "workspace_id": SERVER, "api_token": token}
        store = {"store": {"type": "rest", "url": url}}
        (tmp_path / "config.yaml").write_text(yaml.safe_dump(store))
        (tmp_path / "credentials.yaml").write_text(yaml.safe_dump({url: login}))
        monkeypatch.setenv("ZENML_CONFIG_PATH", str(tmp_path))
        monkeypatch.setattr(InProcess, "open", opened)
        if way == "socks":
            monkeypatch.setenv("http_proxy", "socks5://127.0.0.1:9")
        elif way == "container":
            monkeypatch.setenv("ZENML_CONTAINER", "true")
        assert place.here() == StoreIdentity(SERVER, url)
        given = read(struct(name="dev", serverId=SERVER, server=url))
        place.require_own(given, "id", URN)
        assert len(web.asked) == (way == "expired")
    assert asked == ([] if way == "expired" else ["ZenML"])


def test_the_local_store_that_is_asked_for_is_used_whatever_the_machine_is_logged_in_to(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = home.config / "config.yaml"
    own = file.read_text()
    server = {"type": "rest", "url": "http://127.0.0.1:9"}
    logged_in = yaml.safe_dump({**yaml.safe_load(own), "store": server})
    file.write_text(logged_in)
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("ZENML_STORE_API_KEY", "ZENKEY_x")
    with running_plugin() as plugin:
        plugin.Configure(p.ConfigureRequest(args=struct(url="local")))
        made = plugin.Create(
            p.CreateRequest(urn=URN, name="dev", properties=struct(name="dev", activate=True))
        )
        assert made.properties["server"] == str(home.database)
        assert made.properties["serverId"]
    assert file.read_text() == logged_in
    file.write_text(own)
    monkeypatch.delenv("ZENML_STORE_API_KEY")
    assert stored.names() == {"default", "dev"}


def test_the_local_store_that_is_asked_for_is_made_where_there_is_none(
    bare_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key, value in bare_home.environment(CI="true").items():
        monkeypatch.setenv(key, value)
    with running_plugin() as plugin:
        plugin.Configure(p.ConfigureRequest(args=struct(url="local")))
        new = p.CreateRequest(urn=URN, name="dev", properties=struct(name="dev"))
        made = plugin.Create(new)
        assert made.properties["server"] == str(bare_home.database)
        read = p.ReadRequest(id=made.id, urn=URN, inputs=new.properties, properties=made.properties)
        assert plugin.Read(read).properties == made.properties
        delete = p.DeleteRequest(id=made.id, urn=URN, properties=made.properties)
        plugin.Delete(delete)
