"""Which way is chosen, when it is left, and that ZenML stays out of it."""

from __future__ import annotations

import json
import logging
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import yaml

from kitaru_iac.errors import (
    KitaruError,
    NotAllowedError,
    NotConnectedError,
    StackNotFound,
    UsageError,
)
from kitaru_iac.gateway import StackRow, complete, open_reader
from kitaru_iac.gateway.calls import asked_server
from kitaru_iac.gateway.documents import Where
from kitaru_iac.gateway.errors import translated
from kitaru_iac.gateway.in_process import InProcess
from kitaru_iac.gateway.opening import FallbackReader, fast_reader, require_answer, slow_reader
from kitaru_iac.gateway.sqlite import SqliteReader
from kitaru_iac.machine.unreadable import UnreadableError
from tests.gateway.stores import connect
from tests.homes import Home
from tests.servers.faulty import FaultyFront
from tests.servers.zenml import ZenMLServer, copy_database

HEAVY = ("zenml", "pydantic", "sqlalchemy", "sqlmodel", "requests", "urllib3", "pulumi", "typer")

SCRIPT = """
import json, sys
from kitaru_iac.gateway import open_reader, complete
reader = open_reader()
rows = list(reader.stacks())
answer = {
    "names": [row.name for row in rows],
    "active": reader.active().to_dict(),
    "stack": reader.stack(rows[-1].id).to_dict()["name"],
    "completed": complete(""),
}
answer["heavy"] = sorted({name.partition(".")[0] for name in sys.modules} & set(sys.argv[1:]))
print(json.dumps(answer))
"""


def run(home: Home) -> dict[str, object]:
    done = home.run(sys.executable, "-c", SCRIPT, *HEAVY)
    assert done.returncode == 0, done.stderr
    answer: dict[str, object] = json.loads(done.stdout)  # one document and nothing else
    return answer


def the_reasons(caplog: pytest.LogCaptureFixture) -> list[str]:
    prefix = "Reading through ZenML's client: "
    return [m.removeprefix(prefix) for m in caplog.messages if m.startswith(prefix)]


@pytest.fixture(autouse=True)
def heard(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with caplog.at_level(logging.DEBUG, "kitaru_iac"):
        yield


class TestWithoutZenML:
    def test_a_local_store(self, filled_home: Home) -> None:
        answer = run(filled_home)
        assert answer["heavy"] == []
        assert len(answer["names"]) == 9  # type: ignore[arg-type]

    def test_a_server(self, empty_server: ZenMLServer, home: Home) -> None:
        connect(empty_server)
        answer = run(home)
        assert answer["heavy"] == []
        assert answer["names"] == answer["completed"] == ["default"]


class TestFallback:
    @pytest.mark.parametrize("version", ["0.99.0", "0.97.1"])
    def test_a_database_of_another_version_is_read_right(
        self,
        filled_home: Home,
        caplog: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch,
        version: str,
    ) -> None:
        reader = open_reader()
        before = list(reader.stacks())
        views = [reader.stack(row.id) for row in before]
        reader.close()
        with closing(sqlite3.connect(filled_home.database)) as db, db:
            db.execute("UPDATE alembic_version SET version_num = ?", [version])
        # ZenML would migrate it; here only the number differs.
        monkeypatch.setenv("DISABLE_DATABASE_MIGRATION", "true")
        with pytest.raises(UnreadableError):
            fast_reader()
        reader = open_reader()
        assert list(reader.stacks()) == before
        assert [reader.stack(row.id) for row in before] == views
        assert the_reasons(caplog) == [f"the database's version is not a known one: {version}"]
        assert complete("") == []  # nobody waits for seconds on Tab

    @pytest.mark.slow
    def test_the_first_run_in_an_empty_home(self, bare_home: Home) -> None:
        answer = run(bare_home)
        assert answer["names"] == ["default"]
        assert "zenml" in answer["heavy"]  # type: ignore[operator]
        assert bare_home.database.exists()
        assert run(bare_home)["heavy"] == []

    def test_a_login_that_has_to_come_first(
        self, empty_server: ZenMLServer, home: Home, caplog: pytest.LogCaptureFixture
    ) -> None:
        connect(empty_server)
        credentials = home.config / "credentials.yaml"
        text = credentials.read_text()
        token = next(line for line in text.splitlines() if "access_token" in line)
        credentials.write_text(text.replace(token.split(": ")[1], "no-such-token"))
        assert [row.name for row in open_reader().stacks()] == ["default"]
        assert the_reasons(caplog) == []
        # The new token is kept, where ZenML finds it too.
        kept = yaml.safe_load(credentials.read_text())[empty_server.url]
        assert kept["api_token"]["access_token"] not in ("", "no-such-token")
        assert kept["api_key"] == empty_server.api_key
        connect(empty_server)
        assert [row.name for row in slow_reader().stacks()] == ["default"]

    def test_a_login_that_nobody_can_renew(self, empty_server: ZenMLServer, home: Home) -> None:
        connect(empty_server)
        credentials = home.config / "credentials.yaml"
        kept = yaml.safe_load(credentials.read_text())
        kept[empty_server.url] = {
            "url": empty_server.url,
            "api_token": {"access_token": "no-such-token"},
        }
        credentials.write_text(yaml.safe_dump(kept))
        with pytest.raises(NotAllowedError, match="does not accept the stored login"):
            open_reader().count()

    def test_the_environment_alone_says_where_the_server_is(
        self, server_home: Home, caplog: pytest.LogCaptureFixture
    ) -> None:
        for _ in range(2):
            assert [row.name for row in open_reader().stacks()] == ["default"]
        assert the_reasons(caplog) == []

    def test_a_server_that_is_away_is_said_at_once(
        self, home: Home, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ZENML_STORE_URL", "http://127.0.0.1:9")
        with pytest.raises(NotConnectedError):
            open_reader().active()
        assert complete("") == []

    def test_a_directory_that_is_gone_is_said(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        gone = tmp_path / "gone"
        gone.mkdir()
        monkeypatch.chdir(gone)
        gone.rmdir()
        with pytest.raises(UsageError, match="does not exist any more"):
            slow_reader()

    @pytest.mark.parametrize(
        ("kind", "text", "told"),
        [
            (sqlite3.DatabaseError, "database disk image is malformed", "is damaged"),
            (sqlite3.DatabaseError, "file is not a database", "is damaged"),
            (sqlite3.OperationalError, "database is locked", "does not answer"),
            (sqlite3.DatabaseError, "another", "ZenML failed"),
        ],
    )
    def test_a_damaged_database_is_told(self, kind: type[Exception], text: str, told: str) -> None:
        error = translated(kind(text))
        assert told in error.what
        assert isinstance(error, NotConnectedError) == ("failed" not in told)
        assert text in str(error.why)

    def test_a_missing_stack_is_no_reason(
        self, home: Home, caplog: pytest.LogCaptureFixture
    ) -> None:
        with pytest.raises(StackNotFound):
            open_reader().find("nothing")
        assert the_reasons(caplog) == []

    def test_both_say_the_same_of_a_stack_that_the_environment_names_and_that_is_gone(
        self, home: Home, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ZENML_ACTIVE_STACK_ID", "00000000-0000-4000-8000-000000000000")
        errors = []
        for reader in (fast_reader(), slow_reader()):
            with pytest.raises(StackNotFound) as caught:
                reader.active()
            errors.append(caught.value.to_dict())
        assert errors[0] == errors[1]
        assert errors[0]["where"] == "ZENML_ACTIVE_STACK_ID"


class Stubborn(SqliteReader):
    """Gives up after the first rows of a listing."""

    def stacks(
        self, *, page: int | None = None, size: int = 100, name: str | None = None
    ) -> Iterator[StackRow]:
        for number, row in enumerate(super().stacks(page=page, size=size, name=name)):
            if number == 3:
                raise UnreadableError("no more")
            yield row


class TestOnTheWay:
    def test_a_listing_goes_on_where_it_broke_off(
        self, filled_home: Home, caplog: pytest.LogCaptureFixture
    ) -> None:
        fast = fast_reader()
        assert isinstance(fast, SqliteReader)
        expected = list(fast.stacks())
        reader = FallbackReader(Stubborn(filled_home.database, fast._named))
        assert list(reader.stacks()) == expected
        assert the_reasons(caplog) == ["no more"]
        fast.close()

    def test_when_zenml_does_not_know_either(self, home: Home) -> None:
        reader = FallbackReader(fast_reader(), is_slow=True)
        with closing(sqlite3.connect(home.database)) as db, db:
            db.execute("UPDATE alembic_version SET version_num = 'never'")
        with pytest.raises(KitaruError, match="does not make sense") as caught:
            reader.count()
        assert "never" in str(caught.value.why)

    def test_a_store_elsewhere_by_its_url(
        self, filled_home: Home, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        other = filled_home.path / "else where.db"
        copy_database(filled_home.database, other)
        filled_home.database.unlink()
        monkeypatch.setenv("ZENML_STORE_URL", f"sqlite:///{other}")
        assert fast_reader().count() == 9


def test_a_server_on_the_host_of_a_container_is_asked_by_zenml_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ZENML_STORE_URL", "http://127.0.0.1:9")
    with pytest.raises(NotConnectedError):
        require_answer()
    monkeypatch.setenv("ZENML_CONTAINER", "true")
    require_answer()


def test_what_zenmls_client_meets_is_said_with_the_servers_address(
    server_home: Home, empty_server: ZenMLServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FaultyFront(int(empty_server.url.rpartition(":")[2])) as front:
        url = front.url
        monkeypatch.setenv("ZENML_STORE_URL", url)
        front.begin("500", 1)  # the first one is our own, before ZenML is asked
        with pytest.raises(NotConnectedError) as not_opened:
            InProcess.open()
        front.begin()
        gateway = InProcess.open()
        assert asked_server() == url
        monkeypatch.setenv("ZENML_STORE_URL", empty_server.url)  # ZenML has opened another one
        errors: dict[str, KitaruError] = {}
        for fault in ("500", "409", "401 from here on"):
            front.begin(fault, 0)
            with pytest.raises(KitaruError) as raised:
                gateway.stacks(Where())
            errors[fault] = raised.value
            front.end()
    assert not_opened.value.where == url
    assert {fault: error.where for fault, error in errors.items()} == dict.fromkeys(errors, url)
    assert errors["500"].what == "ZenML failed"
    assert f"kitaru login {url}" in str(errors["401 from here on"].remedy)


def test_of_a_local_store_no_server_is_named(home: Home) -> None:
    assert asked_server() is None
    gateway = InProcess.open()
    assert asked_server() is None
    with closing(sqlite3.connect(home.database)) as db, db:
        db.execute("DROP TABLE stack")
    with pytest.raises(KitaruError) as raised:
        gateway.stacks(Where())
    assert raised.value.where is None
