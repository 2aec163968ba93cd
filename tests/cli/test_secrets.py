"""No command shows the password of a store's address, however odd, wherever it is written."""

from __future__ import annotations

import json

import pytest

from kitaru_iac.machine import settings
from tests.cli.conftest import Kitaru
from tests.homes import Home

#: Each holds `hunt` and `er2` in what is or may be a password, and leads nowhere.
URLS = {
    "plain": "http://admin:hunter2@127.0.0.1:9",
    "hash": "https://admin:hunt#er2@127.0.0.1:9",
    "question": "http://admin:hunt?er2@127.0.0.1:9",
    "slash": "http://admin:hunt/er2@127.0.0.1:9",
    "at": "http://admin:hunt@er2@127.0.0.1:9",
    "encoded": "http://admin:hunt%23er2@127.0.0.1:9",
    "blank": "http://admin:hunt er2@127.0.0.1:9",
    "brackets": "http://admin:hunt[er2@127.0.0.1:9",
    "token": "http://127.0.0.1:9/?token=hunter2",
    "fragment": "http://127.0.0.1:9/#hunter2",
    "upper": "HTTP://admin:hunter2@127.0.0.1:9",
    "mysql": "mysql://root:hunter2@127.0.0.1:9/zenml",
    "mysql-question": "mysql://root:hunt?er2@127.0.0.1:9/zenml",
    "mysql-hash": "mysql+pymysql://root:hunt#er2@127.0.0.1:9/zenml",
    "mysql-slash": "mysql://root:hunt/er2@127.0.0.1:9/zenml",
    "unknown": "redis://:hunter2@127.0.0.1:9",
    "no-slash": "http:admin:hunter2@127.0.0.1:9",
    "half-scheme": "//admin:hunter2@127.0.0.1:9",
    "no-scheme": "admin:hunter2@127.0.0.1:9",
    "word": "hunter2",
}
COMMANDS = (
    "status",
    "status -o json",
    "logout",
    "logout -o json",
    "init",
    "init -o json",
    "doctor",
    "doctor -o json",
    "stack list",
    "stack list -o json",
    "stack current --debug",
    "login http://127.0.0.1:9 --debug",
)
#: What ZenML is asked by takes its time, so that not every way of asking is tried.
SLOW = ("stack create dev", "stack create dev -o json --debug")


def assert_hidden(text: str, word: str = "hunt") -> None:
    assert word not in text, text
    assert "er2" not in text, text
    for encoded in ("%23er", "YWRtaW46aHVud"):  # "admin:hun" as a basic authorization
        assert encoded not in text


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is about to finish a file that is half written here."""
    monkeypatch.setattr(settings, "_PATIENCE", 0)


@pytest.mark.parametrize("url", URLS.values(), ids=URLS)
@pytest.mark.parametrize("place", ["environment", "file"])
def test_the_store_s_own(
    home: Home, kitaru: Kitaru, monkeypatch: pytest.MonkeyPatch, url: str, place: str
) -> None:
    config = home.config / "config.yaml"
    if place == "environment":
        monkeypatch.setenv("ZENML_STORE_URL", url)
    else:
        kind = "rest" if url.lower().startswith("http") else "sql"
        config.write_text(json.dumps({"store": {"type": kind, "url": url}, "version": "0.98.0"}))
    kept = config.read_bytes()
    for command in COMMANDS if place == "environment" else (*COMMANDS, *SLOW[:1]):
        done = kitaru(*command.split())
        assert_hidden(done.out + done.err)
        config.write_bytes(kept)
    if place == "environment":
        assert kitaru("logout").code == kitaru("login", "http://127.0.0.1:9").code == 6


@pytest.mark.parametrize("url", URLS.values(), ids=URLS)
def test_that_of_a_login(home: Home, kitaru: Kitaru, url: str) -> None:
    # What stands behind a server's address is left out, and nobody is there.
    code = 6 if url in {URLS["token"], URLS["fragment"]} else 64
    for more in ((), ("-o", "json"), ("--debug",)):
        done = kitaru("login", url, "--timeout", "1", *more)
        assert done.code == code, done.err
        assert_hidden(done.out + done.err)


@pytest.mark.parametrize(
    "url", [URLS["hash"], URLS["plain"], "me:hunt/er2@proxy.example"], ids=["a", "b", "c"]
)
def test_that_of_a_proxy(
    home: Home, kitaru: Kitaru, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, url)
    (home.config / "config.yaml").write_text(
        json.dumps({"store": {"type": "rest", "url": "http://zenml.example"}, "version": "0.98.0"})
    )
    for command in ("status", "stack list -o json", "login http://zenml.example --debug", "init"):
        done = kitaru(*command.split())
        assert done.code == 6, done.err
        assert_hidden(done.out + done.err)


def test_an_error_that_nobody_foresaw(
    home: Home, kitaru: Kitaru, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may repeat the address in any spelling; the traceback may, too."""
    monkeypatch.setenv("ZENML_STORE_URL", URLS["hash"])

    def broken(**_: object) -> None:
        raise ValueError("Port could not be cast to integer value as 'hunt'") from OSError(
            "https://admin:hunt%23er2@127.0.0.1:9"
        )

    monkeypatch.setattr("kitaru_iac.connection.status.status", broken)
    for more in ((), ("-o", "json"), ("--debug",)):
        done = kitaru("status", *more)
        assert done.code == 1
        assert "Unexpected ValueError" in done.err
        assert ("Traceback" in done.err) == ("--debug" in more)
        assert_hidden(done.out + done.err)
