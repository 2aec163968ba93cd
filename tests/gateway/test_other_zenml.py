"""A store of another ZenML than the one installed here is read, or refused; never migrated."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

import kitaru_iac as kitaru
from kitaru_iac.errors import NotConnectedError
from kitaru_iac.gateway.guard import _exchange_migration
from kitaru_iac.gateway.opening import open_gateway
from kitaru_iac.machine.local_database import FLAVORS
from tests.homes import Home, make_template
from tests.servers.releases import CACHE, INSTALLED, environment_of

#: Of tables that are not known here, and that are; each made by its own ZenML.
OLD = ("0.85.0", "0.96.1")

#: What needs no more than the file, where its tables are known, and how it ends there.
LOOKS = {
    "stack list": 0,
    "stack current": 0,
    "stack show default": 0,
    "stack drift default": 0,
    "stack health default": 1,  # unknown: nobody kept what it was made from
    "stack export default": 1,  # the default stack is ZenML's own
}
#: The other looks, and what writes.
OTHERS = (
    "stack preview dev",
    "stack create dev",
    "stack apply -f stack.yaml --yes",
    "stack use default",
    "stack delete default --force --yes",
    "stack clean --yes",
    "status",
)


def versions(database: Path) -> list[str]:
    with closing(sqlite3.connect(database)) as opened:
        return [row[0] for row in opened.execute("SELECT version_num FROM alembic_version")]


def of_release(home: Home, release: str) -> bytes:
    """Put a store there that this release of ZenML has made, and its settings; its bytes."""
    made = make_template(CACHE, release, str(environment_of(release)))
    content = made.database.read_bytes()
    home.database.write_bytes(content)
    settings = home.config / "config.yaml"
    settings.write_text(
        settings.read_text().replace(f"version: {INSTALLED}", f"version: {release}")
    )
    (home.path / "stack.yaml").write_text("name: dev\ntype: local\n")
    return content


@pytest.mark.parametrize("release", OLD)
def test_whoever_looks_or_writes_migrates_nothing(home: Home, release: str) -> None:
    before = of_release(home, release)
    for command in (*LOOKS, *OTHERS):
        done = home.kitaru(*command.split())
        said = done.stdout + done.stderr
        is_read = command in LOOKS and release in FLAVORS
        assert done.returncode == (LOOKS[command] if is_read else 6), (command, said)
        if not is_read:
            wanted = (f"ZenML {release}", INSTALLED, "zenml migrate-database")
            assert [words for words in wanted if words not in said] == [], (command, said)
        assert home.database.read_bytes() == before, command
        # An older ZenML complains for ever about settings that carry the version of a newer one.
        assert f"\nversion: {release}\n" in (home.config / "config.yaml").read_text(), command
    found = json.loads(home.kitaru("doctor", "-o", "json").stdout)["items"]
    (store,) = [one for one in found if one["id"] == "zenml.store"]
    assert (store["status"], release in store["detail"]) == ("warn", True)
    assert store["remedy"].endswith("zenml migrate-database")
    assert home.database.read_bytes() == before


@pytest.mark.parametrize("release", OLD)
def test_a_run_is_refused_before_its_code(home: Home, release: str) -> None:
    before = of_release(home, release)
    settings = (home.config / "config.yaml").read_bytes()
    ran: list[int] = []

    @kitaru.flow
    def agent() -> None:
        ran.append(1)

    def block() -> None:
        with kitaru.stack("default"):
            ran.append(2)

    for run in (agent.run, block):
        with pytest.raises(NotConnectedError) as refused:
            run()
        assert f"ZenML {release}, and {INSTALLED}" in refused.value.what
        assert "zenml migrate-database" in str(refused.value.remedy)
    assert ran == []
    assert home.database.read_bytes() == before
    assert (home.config / "config.yaml").read_bytes() == settings


def test_a_process_without_zenml_chooses_no_stack_there_either(home: Home) -> None:
    before = of_release(home, OLD[-1])
    settings = (home.config / "config.yaml").read_bytes()
    program = """
import sys
import kitaru_iac as kitaru
print([row.name for row in kitaru.list_stacks()])
try:
    kitaru.use_stack("default")
except kitaru.KitaruError as error:
    print(error.code, "zenml migrate-database" in error.remedy, "zenml" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=home.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "['default']\nnot_connected True False\n", done.stderr
    assert (home.config / "config.yaml").read_bytes() == settings
    assert home.database.read_bytes() == before


@pytest.mark.parametrize(
    ("heads", "is_opened"), [([], True), ([INSTALLED], True), (["0.97.0"], False), (["a1"], False)]
)
def test_a_database_on_a_server_of_its_own_is_looked_at_where_it_is(
    monkeypatch: pytest.MonkeyPatch, heads: list[str], is_opened: bool
) -> None:
    """As on MySQL: there is no file to be looked at before ZenML connects."""
    from sqlalchemy import create_engine, event, text
    from sqlalchemy.pool import StaticPool
    from zenml.zen_stores.sql_zen_store import SqlZenStore

    migrated: list[object] = []
    monkeypatch.setattr(SqlZenStore, "migrate_database", migrated.append)
    _exchange_migration()
    engine, written, closed = create_engine("sqlite://", poolclass=StaticPool), [], []
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
        for head in heads:
            connection.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": head})
    event.listen(engine, "before_cursor_execute", lambda *said: written.append(said[2]))
    event.listen(engine, "engine_disposed", closed.append)
    store = SimpleNamespace(
        engine=engine,
        alembic=SimpleNamespace(head_revisions=lambda: [INSTALLED]),
        config=SimpleNamespace(url="mysql://root:word@db.example/zenml"),
    )
    if is_opened:
        SqlZenStore.migrate_database(store)
        assert migrated == [store]
    else:
        with pytest.raises(NotConnectedError) as refused:
            SqlZenStore.migrate_database(store)
        assert refused.value.where == "mysql://db.example/zenml"
        assert f"ZenML {heads[0]}, and {INSTALLED}" in refused.value.what
        assert "zenml migrate-database" in str(refused.value.remedy)
        assert (migrated, closed) == ([], [engine])
    assert [said for said in written if not said.startswith(("SELECT", "PRAGMA"))] == []


@pytest.mark.parametrize("release", OLD[-1:])
def test_the_command_that_is_named_migrates_it(home: Home, release: str) -> None:
    of_release(home, release)
    with pytest.raises(NotConnectedError) as refused:
        open_gateway()
    assert str(refused.value.remedy).endswith("zenml migrate-database")
    done = home.run(str(Path(sys.executable).with_name("zenml")), "migrate-database")
    assert done.returncode == 0, done.stdout + done.stderr
    assert versions(home.database) == [INSTALLED]
    done = home.kitaru("stack", "create", "dev")
    assert done.returncode == 0, done.stderr
    assert [row.name for row in kitaru.list_stacks()] == ["default", "dev"]


def test_a_newer_one_names_its_zenml(home: Home) -> None:
    with closing(sqlite3.connect(home.database)) as opened, opened:
        opened.execute("UPDATE alembic_version SET version_num = '0.99.0'")
    before = home.database.read_bytes()
    for ask in (kitaru.list_stacks, open_gateway):
        with pytest.raises(NotConnectedError) as refused:
            ask()
        assert f"0.99.0, and {INSTALLED}" in refused.value.what
        assert str(refused.value.remedy) == "Use a kitaru that knows ZenML 0.99.0"
    assert home.database.read_bytes() == before
