"""Reading the database file: read-only, bounded, and only where it is known."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from kitaru_iac.errors import StackNotFound, UsageError
from kitaru_iac.gateway import sqlite as module
from kitaru_iac.gateway.sqlite import SqliteReader
from kitaru_iac.machine.active_scope import Named
from kitaru_iac.machine.unreadable import UnreadableError
from tests.homes import Home

NOBODY = Named(None, "global", "config.yaml")


@pytest.fixture
def database(template_home: Home, tmp_path: Path) -> Path:
    """A database with the default stack and nothing else."""
    path = tmp_path / "zenml.db"
    path.write_bytes(template_home.database.read_bytes())
    return path


@pytest.fixture
def reading() -> Iterator[Callable[..., SqliteReader]]:
    readers: list[SqliteReader] = []

    def open_one(path: Path, named: Named = NOBODY) -> SqliteReader:
        readers.append(SqliteReader(path, named))
        return readers[-1]

    yield open_one
    for reader in readers:
        reader.close()


def change(database: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(database)) as db, db:
        db.execute(statement, values)


def add_stacks(database: Path, count: int, name: str = "s") -> list[str]:
    """Bare stacks, all made at the same moment."""
    ids = [f"{n:08x}000040008000{n:012x}" for n in range(count)]
    with closing(sqlite3.connect(database)) as db, db:
        db.executemany(
            "INSERT INTO stack (id, created, updated, name) VALUES (?, ?, ?, ?)",
            [
                (i, "2026-01-01 00:00:00.000000", "2026-01-01 00:00:00.000000", f"{name}{n}")
                for n, i in enumerate(ids)
            ],
        )
    return ids


class Counted:
    """How many statements a reader sends."""

    def __init__(self, reader: SqliteReader) -> None:
        self.seen: list[str] = []
        reader._connection.set_trace_callback(self.seen.append)

    def during(self, action: Callable[[], object]) -> int:
        self.seen.clear()
        action()
        return sum(not text.startswith(("BEGIN", "ROLLBACK")) for text in self.seen)


class TestNeverWrites:
    def test_the_file_stays_as_it_is(
        self, database: Path, reading: Callable[..., SqliteReader]
    ) -> None:
        before = database.read_bytes(), database.stat().st_mtime_ns
        reader = reading(database)
        list(reader.stacks())
        reader.active()
        reader.stack("default")
        reader.count()
        assert (database.read_bytes(), database.stat().st_mtime_ns) == before
        assert [path.name for path in database.parent.glob("zenml.db*")] == ["zenml.db"]

    def test_it_cannot_write(self, database: Path, reading: Callable[..., SqliteReader]) -> None:
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            reading(database)._connection.execute("DELETE FROM stack")

    def test_a_file_that_is_not_there_is_not_made(self, tmp_path: Path) -> None:
        with pytest.raises(UnreadableError):
            SqliteReader(tmp_path / "none.db", NOBODY)
        assert not (tmp_path / "none.db").exists()

    def test_odd_characters_in_the_path(
        self, database: Path, tmp_path: Path, reading: Callable[..., SqliteReader]
    ) -> None:
        odd = tmp_path / "a b%20?#ü" / "zenml.db"
        odd.parent.mkdir()
        database.rename(odd)
        assert reading(odd).names() == ["default"]


class TestOthersWrite:
    def test_a_listing_locks_nobody_out(
        self,
        database: Path,
        reading: Callable[..., SqliteReader],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(module, "_PIECE", 2)
        add_stacks(database, 5)
        rows = reading(database).stacks()
        next(rows)
        change(database, "UPDATE stack SET name = 'renamed' WHERE name = 's4'")
        assert "renamed" in [row.name for row in rows]

    def test_a_reader_waits_for_a_writer(
        self, database: Path, reading: Callable[..., SqliteReader]
    ) -> None:
        reader = reading(database)
        writer = sqlite3.connect(database, isolation_level=None, check_same_thread=False)
        writer.execute("BEGIN EXCLUSIVE")
        release = threading.Thread(target=lambda: (time.sleep(0.2), writer.execute("COMMIT")))
        release.start()
        assert reader.count() == 1
        release.join()
        writer.close()

    def test_a_writer_that_does_not_end_is_left_to_zenml(
        self,
        database: Path,
        reading: Callable[..., SqliteReader],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(module, "_BUSY_TIMEOUT", 0.05)
        reader = reading(database)
        with closing(sqlite3.connect(database, isolation_level=None)) as writer:
            writer.execute("BEGIN EXCLUSIVE")
            with pytest.raises(UnreadableError, match="locked"):
                reader.count()

    def test_a_write_ahead_log(self, database: Path, reading: Callable[..., SqliteReader]) -> None:
        with closing(sqlite3.connect(database, isolation_level=None)) as writer:
            writer.execute("PRAGMA journal_mode = WAL")
            writer.execute("UPDATE stack SET name = 'in the log'")
            assert Path(f"{database}-wal").stat().st_size
            assert reading(database).names() == ["in the log"]


class TestUnknown:
    @pytest.mark.parametrize("version", ["0.95.1", "0.99.0", "head", ""])
    def test_a_database_of_another_version(self, database: Path, version: str) -> None:
        change(database, "UPDATE alembic_version SET version_num = ?", version)
        with pytest.raises(UnreadableError, match="version"):
            SqliteReader(database, NOBODY)

    def test_one_that_is_migrated_under_the_reader(
        self, database: Path, reading: Callable[..., SqliteReader]
    ) -> None:
        reader = reading(database)
        change(database, "UPDATE alembic_version SET version_num = '9'")
        with pytest.raises(UnreadableError, match="version"):
            reader.count()

    def test_something_that_is_no_database(self, tmp_path: Path) -> None:
        path = tmp_path / "zenml.db"
        path.write_text("something else, for long enough to look like a file " * 100)
        with pytest.raises(UnreadableError, match="not a database"):
            SqliteReader(path, NOBODY)

    @pytest.mark.parametrize("labels", [b"!", b"bm90IGpzb24=", b"W10=", "YQ"])
    def test_labels_in_another_form(
        self, database: Path, reading: Callable[..., SqliteReader], labels: object
    ) -> None:
        change(database, "UPDATE stack SET labels = ?", labels)
        with pytest.raises(UnreadableError):
            list(reading(database).stacks())

    def test_a_store_without_its_default_stack(
        self, database: Path, reading: Callable[..., SqliteReader]
    ) -> None:
        change(database, "UPDATE stack SET name = 'other'")
        with pytest.raises(UnreadableError, match="no default"):
            reading(database).active()


class TestAnswers:
    def test_pages(self, database: Path, reading: Callable[..., SqliteReader]) -> None:
        add_stacks(database, 5)
        reader = reading(database)
        every = [row.name for row in reader.stacks()]
        assert every == ["s0", "s1", "s2", "s3", "s4", "default"]
        assert [row.name for row in reader.stacks(page=2, size=4)] == every[4:]
        assert list(reader.stacks(page=9, size=4)) == []
        page = reader.page(2, 4)
        assert ([row.name for row in page.rows], page.total) == (every[4:], 6)
        assert (reader.page(9, 4).rows, reader.page(9, 4).total) == ((), 6)

    def test_a_filter_is_no_pattern(
        self, database: Path, reading: Callable[..., SqliteReader]
    ) -> None:
        add_stacks(database, 2, name="50%_")
        reader = reading(database)
        assert [row.name for row in reader.stacks(name="%_")] == ["50%_0", "50%_1"]
        assert [row.name for row in reader.stacks(name="DEF")] == ["default"]
        assert reader.count("%_") == 2
        assert reader.names("50%") == ["50%_0", "50%_1"]

    def test_the_nearest_name(self, database: Path, reading: Callable[..., SqliteReader]) -> None:
        with pytest.raises(StackNotFound, match="defalt") as caught:
            reading(database).find("defalt")
        assert caught.value.remedy == "Did you mean 'default'?"

    @pytest.mark.parametrize("ref", ["", " ", "'; DROP TABLE stack; --", "default%", "\0"])
    def test_nothing_is_found_by_odd_text(
        self, database: Path, reading: Callable[..., SqliteReader], ref: str
    ) -> None:
        with pytest.raises(StackNotFound):
            reading(database).stack(ref)

    def test_an_ambiguous_prefix(
        self, database: Path, reading: Callable[..., SqliteReader]
    ) -> None:
        add_stacks(database, 30)
        with pytest.raises(UsageError, match="matches several"):
            reading(database).find("0000")
        assert reading(database).find("0000000b").name == "s11"

    @pytest.mark.parametrize("scope", ["environment", "repository", "global"])
    def test_an_active_stack_that_is_gone(
        self, database: Path, reading: Callable[..., SqliteReader], scope: str
    ) -> None:
        gone = "00000000-0000-4000-8000-00000000dead"
        reader = reading(database, Named(gone, scope, "there"))  # type: ignore[arg-type]
        if scope == "environment":
            with pytest.raises(StackNotFound) as caught:
                reader.active()
            assert caught.value.where == "there"
            assert [row.is_active for row in reader.stacks()] == [False]
        else:
            active = reader.active()
            assert (active.name, active.scope, active.stale) == ("default", "default", gone)
            assert [row.is_active for row in reader.stacks()] == [True]
            assert reader.find("default").is_active

    def test_the_environment_may_hold_a_name(
        self, database: Path, reading: Callable[..., SqliteReader]
    ) -> None:
        active = reading(database, Named("default", "environment", "VARIABLE")).active()
        assert (active.name, active.scope, active.source) == ("default", "environment", "VARIABLE")
        with pytest.raises(UnreadableError, match="neither an id nor"):
            reading(database, Named("def", "environment", "VARIABLE")).active()


class TestBounded:
    """The number of statements does not grow with the store; their plans use its indexes."""

    @pytest.mark.parametrize("stacks", [1, 2500])
    def test_statements(
        self, database: Path, reading: Callable[..., SqliteReader], stacks: int
    ) -> None:
        ids = add_stacks(database, stacks)
        reader = reading(database, Named(ids[0], "global", "x"))
        counted = Counted(reader)
        # Each answer begins by looking at the version.
        assert counted.during(reader.active) == 2
        assert counted.during(lambda: reader.find("s0")) == 2
        assert counted.during(lambda: reader.stack("s0")) == 2 + 5
        assert counted.during(lambda: reader.stack(ids[0][:12])) == 2 + 5
        assert counted.during(lambda: list(reader.stacks(page=1))) == 2
        assert counted.during(lambda: reader.page(1, 100)) == 3
        assert counted.during(lambda: list(reader.stacks())) == 2 * (1 + stacks // 1000)
        assert counted.during(lambda: reader.names("s")) == 2
        assert counted.during(reader.count) == 2

    def test_finding_one_scans_no_table(
        self, database: Path, reading: Callable[..., SqliteReader]
    ) -> None:
        reader = reading(database)
        seen: list[str] = []
        reader._connection.set_trace_callback(seen.append)
        reader.stack("default")
        reader.stack(reader.active().id)
        with pytest.raises(StackNotFound):
            reader.find("abcdef12")
        questions = [text for text in seen if "stack" in text and "substr" not in text]
        with closing(sqlite3.connect(database)) as db:
            plans = [
                row[3] for text in questions for row in db.execute(f"EXPLAIN QUERY PLAN {text}")
            ]
        assert plans
        # What is scanned is the outcome of a subquery, never a table.
        assert [plan for plan in plans if plan.startswith("SCAN") and "subquery" not in plan] == []
