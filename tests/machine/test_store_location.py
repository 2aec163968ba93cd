"""Which store is found, and what is left to ZenML."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from kitaru_iac.errors import NotConnectedError, SettingsDamaged
from kitaru_iac.machine.server_login import (
    Login,
    forget_login,
    remember_key,
    remember_token,
)
from kitaru_iac.machine.settings import read_yaml
from kitaru_iac.machine.store_choice import require_whole
from kitaru_iac.machine.store_location import RestStore, SqliteStore, store_location
from kitaru_iac.machine.unreadable import UnreadableError
from kitaru_iac.redaction import SecretText

URL = "https://zenml.example:8443/base"
KEY = Login(api_key=SecretText("k"))


@pytest.fixture
def config_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(tmp_path))
    return tmp_path


def a_file(path: Path, text: str = "something") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def keep(config_home: Path, url: str = URL, **credentials: Any) -> None:
    a_file(config_home / "credentials.yaml", yaml.safe_dump({url: {"url": url, **credentials}}))


def in_hours(hours: float) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


def rest(**settings: Any) -> dict[str, Any]:
    return {"store": {"type": "rest", "url": URL, **settings}}


class TestSqlite:
    def test_the_default_store_where_none_is_configured(self, config_home: Path) -> None:
        file = a_file(config_home / "local_stores" / "default_zen_store" / "zenml.db")
        assert store_location({}, {}) == SqliteStore(file)

    def test_the_local_stores_may_be_elsewhere(self, config_home: Path, tmp_path: Path) -> None:
        file = a_file(tmp_path / "else" / "default_zen_store" / "zenml.db")
        environ = {"ZENML_LOCAL_STORES_PATH": str(tmp_path / "else")}
        assert store_location({}, environ) == SqliteStore(file)

    def test_a_configured_file_with_blanks_in_its_path(self, tmp_path: Path) -> None:
        file = a_file(tmp_path / "a b" / "ü%20.db")
        config = {"store": {"type": "sql", "url": f"sqlite:///{file}"}}
        assert store_location(config, {}) == SqliteStore(file)

    def test_the_environment_goes_before_the_file(self, tmp_path: Path) -> None:
        file = a_file(tmp_path / "other.db")
        environ = {"ZENML_STORE_URL": f"sqlite:///{file}"}
        assert store_location(rest(), environ) == SqliteStore(file)

    @pytest.mark.parametrize(
        ("store", "why"),
        [
            ({"type": "sql", "url": "mysql://root@db/zenml"}, "'mysql'"),
            ({"type": "sql", "url": "sqlite:///nowhere/zenml.db"}, "no database"),
            ({"type": "sql", "url": "sqlite:///a.db?mode=ro"}, "'sqlite'"),
            ({"type": "sql", "url": "sqlite:///:memory:"}, "'sqlite'"),
            ({"type": "sql", "url": "sqlite://"}, "'sqlite'"),
            ({"type": "sql"}, "no URL"),
            ({"type": "carrier-pigeon", "url": "x"}, "carrier-pigeon"),
            ("text", "no readable `store`"),
        ],
    )
    def test_what_is_left_to_zenml(self, config_home: Path, store: Any, why: str) -> None:
        with pytest.raises(UnreadableError, match=why):
            store_location({"store": store}, {})

    @pytest.mark.parametrize(
        "store",
        [
            {"type": "sql", "url": "http://host"},
            {"type": "sql", "url": "HTTPS://host/api/v1"},
            {"type": "rest", "url": "ftp://host"},
            {"type": "rest", "url": "sqlite:////tmp/zenml.db"},
            {"type": "rest", "url": ""},
        ],
    )
    def test_an_address_of_another_kind_is_refused(
        self, config_home: Path, tmp_path: Path, store: dict[str, str]
    ) -> None:
        with pytest.raises(SettingsDamaged, match="does not accept") as refused:
            store_location({"store": store}, {"ZENML_STORE_HTTP_TIMEOUT": "5"})
        assert refused.value.where == str(config_home / "config.yaml")
        assert f"of the type {store['type']}" in str(refused.value.why)
        file = a_file(tmp_path / "given.db")  # a variable's store takes the place of the file's
        environ = {"ZENML_STORE_URL": f"sqlite:///{file}"}
        assert store_location({"store": store}, environ) == SqliteStore(file)

    def test_no_database_yet(self, config_home: Path) -> None:
        with pytest.raises(UnreadableError, match="no database"):
            store_location({}, {})

    def test_a_database_that_is_just_being_made(self, config_home: Path) -> None:
        a_file(config_home / "local_stores" / "default_zen_store" / "zenml.db", "")
        with pytest.raises(UnreadableError, match="empty"):
            store_location({}, {})


class TestRest:
    def test_a_token_that_is_kept(self, config_home: Path) -> None:
        keep(config_home, api_key="k", api_token={"access_token": "t", "expires_at": in_hours(1)})
        assert store_location(rest(), {}) == RestStore(URL, Login("t", api_key=SecretText("k")))

    def test_a_token_that_does_not_expire(self, config_home: Path) -> None:
        keep(config_home, api_token={"access_token": "t"})
        assert store_location(rest(url=URL + "/"), {}) == RestStore(URL, Login("t"))

    def test_a_server_that_wants_none(self, config_home: Path) -> None:
        assert store_location(rest(), {}) == RestStore(URL)

    @pytest.mark.parametrize(
        ("written", "meant"),
        [
            (True, True),
            (False, False),
            ("False", False),
            ("yes", True),
            ("/etc/ca.pem", "/etc/ca.pem"),
            ("-----BEGIN CERTIFICATE-----", "-----BEGIN CERTIFICATE-----"),
        ],
    )
    def test_whether_the_certificate_is_verified(
        self, config_home: Path, written: Any, meant: Any
    ) -> None:
        assert store_location(rest(verify_ssl=written), {}) == RestStore(URL, verify=meant)

    def test_settings_from_the_environment_complete_the_file(self, config_home: Path) -> None:
        environ = {"ZENML_STORE_VERIFY_SSL": "0", "ZENML_STORE_HTTP_TIMEOUT": "7"}
        assert store_location(rest(), environ) == RestStore(URL, verify=False, timeout=7)

    def test_the_api_key_of_the_environment_is_the_one_that_is_kept(
        self, config_home: Path
    ) -> None:
        keep(config_home, api_key="k", api_token={"access_token": "t", "expires_at": in_hours(1)})
        environ = {"ZENML_STORE_URL": URL, "ZENML_STORE_API_KEY": "k"}
        assert store_location({}, environ) == RestStore(URL, Login("t", api_key=SecretText("k")))

    def test_a_token_from_the_environment(self, config_home: Path) -> None:
        environ = {"ZENML_STORE_URL": URL, "ZENML_STORE_API_TOKEN": "given"}
        assert store_location({}, environ) == RestStore(URL, Login("given"))

    @pytest.mark.parametrize(
        ("kept", "environ", "login"),
        [
            ({"api_token": {"access_token": "t", "expires_at": in_hours(-1)}}, {}, Login()),
            (
                {"api_token": {"access_token": "t", "expires_at": in_hours(1), "leeway": 7200}},
                {},
                Login(),
            ),
            ({"api_key": "k"}, {}, KEY),
            (
                {"api_key": "k", "api_token": {"access_token": "t", "expires_at": in_hours(-1)}},
                {},
                KEY,
            ),
            (
                {"username": "u", "password": "p"},
                {},
                Login(username="u", password=SecretText("p")),
            ),
            # What is configured wins over what is kept, with the token that was given for that.
            (
                {"api_key": "another", "api_token": {"access_token": "t"}},
                {"ZENML_STORE_API_KEY": "k"},
                KEY,
            ),
            (
                {"api_token": {"access_token": "t"}},
                {"ZENML_STORE_USERNAME": "u", "ZENML_STORE_PASSWORD": "p"},
                Login(username="u", password=SecretText("p")),
            ),
            (
                {"api_key": "k", "api_token": {"access_token": "t"}},
                {"ZENML_STORE_USERNAME": "u", "ZENML_STORE_PASSWORD": "p"},
                Login(username="u", password=SecretText("p")),
            ),
            ({"api_key": "k"}, {"DISABLE_CREDENTIALS_DISK_CACHING": "true"}, Login()),
            # As a server says of itself that is no workspace of ZenML Pro.
            ({"pro_api_url": URL}, {}, Login()),
        ],
    )
    def test_what_gets_a_token(
        self, config_home: Path, kept: dict[str, Any], environ: dict[str, str], login: Login
    ) -> None:
        keep(config_home, **kept)
        found = store_location(rest(), environ)
        assert isinstance(found, RestStore)
        assert found.login == login

    @pytest.mark.parametrize(
        ("kept", "environ", "why"),
        [
            ({"api_token": {"access_token": "t", "expires_at": "soon"}}, {}, "cannot be read"),
            ({"pro_api_url": "https://pro", "workspace_id": "w"}, {}, "Pro"),
            ({}, {"ZENML_STORE_HTTP_TIMEOUT": "long"}, "not a number"),
        ],
    )
    def test_what_is_left_to_zenml(
        self, config_home: Path, kept: dict[str, Any], environ: dict[str, str], why: str
    ) -> None:
        keep(config_home, **kept)
        with pytest.raises(UnreadableError, match=why):
            store_location(rest(), environ)

    def test_a_new_token_is_kept_for_the_key_that_got_it(self, config_home: Path) -> None:
        other = "https://other"
        file = config_home / "credentials.yaml"
        file.write_text(yaml.safe_dump({other: {"url": other, "api_key": "theirs"}}))
        answer = {"access_token": "t", "expires_in": 3600}
        remember_token(URL, KEY, answer)
        assert file.stat().st_mode & 0o077 == 0
        kept = yaml.safe_load(file.read_text())
        assert kept[other] == {"url": other, "api_key": "theirs"}
        assert "k" not in kept[URL].values()  # the key stays where it is configured
        configured = {"ZENML_STORE_API_KEY": "k"}
        assert store_location(rest(), configured) == RestStore(
            URL, Login("t", api_key=SecretText("k"))
        )
        for someone_else in ({"ZENML_STORE_API_KEY": "x"}, {"ZENML_STORE_USERNAME": "u"}, {}):
            found = store_location(rest(), someone_else)
            assert isinstance(found, RestStore)
            assert found.login.token is None

    def test_a_login_takes_the_place_of_another_and_is_forgotten(self, config_home: Path) -> None:
        keep(config_home, api_key="old", api_token={"access_token": "old"}, server_name="mine")
        remember_key(URL, "k", {"access_token": "t", "expires_in": None})
        kept = yaml.safe_load((config_home / "credentials.yaml").read_text())
        assert kept[URL] == {
            "url": URL,
            "api_key": "k",
            "api_token": {"access_token": "t"},
            "server_name": "mine",
        }
        assert forget_login(URL)
        assert not forget_login(URL)
        assert store_location(rest(), {}) == RestStore(URL)

    @pytest.mark.parametrize(("hours", "says"), [(-1, "has expired"), (None, "no login to")])
    def test_a_server_of_the_environment_without_a_login_that_is_good(
        self, config_home: Path, hours: float | None, says: str
    ) -> None:
        if hours is not None:
            keep(config_home, api_token={"access_token": "t", "expires_at": in_hours(hours)})
        with pytest.raises(NotConnectedError) as refused:
            require_whole({}, {"KITARU_SERVER_URL": URL, "ZENML_STORE_URL": URL})
        assert says in str(refused.value.why)

    @pytest.mark.parametrize("before", ["user:pa55@", "user@", ":pa55@", "u:pa55#x@", "u:pa/55@"])
    @pytest.mark.parametrize("by", ["KITARU_SERVER_URL", "ZENML_STORE_URL", "config.yaml"])
    def test_an_address_with_a_login_is_refused(
        self, config_home: Path, before: str, by: str
    ) -> None:
        keep(config_home, api_key="k")
        url, config = URL.replace("://", f"://{before}"), rest()
        environ = {"KITARU_AUTH_TOKEN": "t", "ZENML_STORE_API_KEY": "t", "ZENML_STORE_URL": url}
        if by == "KITARU_SERVER_URL":
            environ[by] = url
        elif by == "config.yaml":
            del environ["ZENML_STORE_URL"]
            config["store"]["url"] = url
        with pytest.raises(NotConnectedError, match="holds a user or a password") as refused:
            store_location(config, environ)
        assert str(refused.value.where).endswith(by)
        assert "pa55" not in repr(refused.value.to_dict())

    @pytest.mark.parametrize("url", ["https://zenml.example/@a", "https://zenml.example?a=b@c"])
    def test_another_sign_of_an_address_is_no_login(self, config_home: Path, url: str) -> None:
        assert isinstance(store_location(rest(url=url), {}), RestStore)

    def test_a_database_may_have_a_login(self) -> None:
        with pytest.raises(UnreadableError, match="'mysql'"):
            store_location({}, {"ZENML_STORE_URL": "mysql://user:pa55@db/zenml"})

    def test_localhost_inside_a_container_of_zenml(self, config_home: Path) -> None:
        store = {"store": {"type": "rest", "url": "http://localhost:8237"}}
        with pytest.raises(UnreadableError, match="container"):
            store_location(store, {"ZENML_CONTAINER": "true"})

    def test_the_token_is_not_in_its_text(self) -> None:
        assert "hidden" not in repr(RestStore(URL, Login("hidden")))


class TestYaml:
    def test_no_file_is_an_empty_mapping(self, tmp_path: Path) -> None:
        assert read_yaml(tmp_path / "none.yaml") == {}
        assert read_yaml(a_file(tmp_path / "empty.yaml", "")) == {}

    @pytest.mark.parametrize("text", ["- a\n- b\n", "{", "\x00", "just text"])
    def test_anything_else_is_left_to_zenml(self, tmp_path: Path, text: str) -> None:
        with pytest.raises(UnreadableError):
            read_yaml(a_file(tmp_path / "config.yaml", text))

    def test_a_directory_is_left_to_zenml(self, tmp_path: Path) -> None:
        with pytest.raises(UnreadableError, match="cannot be read"):
            read_yaml(tmp_path)
