"""A local store is whole or not there, whenever the process that makes it dies."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest
from zenml import __version__

from kitaru_iac.errors import NotConnectedError
from kitaru_iac.gateway.documents import NewStack, Where
from kitaru_iac.gateway.in_process import InProcess
from kitaru_iac.gateway.local_store import _is_in_use
from kitaru_iac.gateway.opening import open_gateway
from kitaru_iac.machine.local_database import FLAVORS, examine, note_flavors
from tests.gateway.stores import forget_zenml
from tests.homes import Home
from tests.warm.client import Started

#: What a process that dies leaves, from the last step of the making back to the first.
HALF_MADE = {
    "no user": "DELETE FROM user",
    "not active": "UPDATE server_settings SET active = 0; DELETE FROM user",
    "no stack": "DELETE FROM stack_composition; DELETE FROM stack; DELETE FROM user",
    "no project": "DELETE FROM stack_composition; DELETE FROM stack; DELETE FROM stack_component;"
    "DELETE FROM user; DELETE FROM project",
    "47 flavors": "DELETE FROM flavor WHERE id NOT IN (SELECT id FROM flavor LIMIT 47);"
    "DELETE FROM stack_composition; DELETE FROM stack; DELETE FROM stack_component;"
    "DELETE FROM user; DELETE FROM project",
    "no stamp": "DELETE FROM alembic_version",
    "half the tables": "DROP TABLE alembic_version; DROP TABLE stack_composition; DELETE FROM user;"
    "DROP TABLE stack; DROP TABLE stack_component; DROP TABLE flavor",
}
FIRST_COMMAND = (sys.executable, "-m", "kitaru_iac.cli.main", "stack", "create", "dev")
ZENMLS_OWN = (sys.executable, "-c", "from zenml.client import Client; Client().active_stack_model")


def change(database: Path, script: str) -> None:
    with closing(sqlite3.connect(database)) as opened:
        opened.executescript(f"PRAGMA foreign_keys = OFF; {script}")


def names(table: str, database: Path) -> list[str]:
    with closing(sqlite3.connect(database)) as opened:
        return [row[0] for row in opened.execute(f'SELECT name FROM "{table}" ORDER BY name')]


# -- what is found ---------------------------------------------------------------------------------


def test_the_known_numbers_are_zenmls(home: Home) -> None:
    from zenml.client import Client
    from zenml.stack.flavor_registry import FlavorRegistry

    registry = FlavorRegistry()
    assert FLAVORS[__version__] == len(registry.builtin_flavors + registry.integration_flavors)
    assert Client().zen_store.alembic.head_revisions() == [__version__]  # type: ignore[attr-defined]
    assert examine(home.database).state == "whole"


@pytest.mark.parametrize("case", HALF_MADE)
def test_what_was_left_half_made_is_seen(home: Home, case: str) -> None:
    change(home.database, HALF_MADE[case])
    assert examine(home.database).state == "half-made"


@pytest.mark.parametrize("version", FLAVORS)
def test_the_flavors_of_each_version_are_counted(home: Home, version: str) -> None:
    change(
        home.database,
        f"UPDATE alembic_version SET version_num = '{version}';"
        f"DELETE FROM flavor WHERE id NOT IN (SELECT id FROM flavor LIMIT {FLAVORS[version]})",
    )
    # ZenML 0.96.0 brings fewer than a later version: what it lacks is not made up for.
    enough = FLAVORS[version] <= FLAVORS[__version__]
    assert examine(home.database).state == ("whole" if enough else "half-made")
    change(home.database, "DELETE FROM flavor WHERE id = (SELECT id FROM flavor LIMIT 1)")
    assert examine(home.database).state == "half-made"


@pytest.mark.parametrize(
    ("script", "state"),
    [
        ("SELECT 1", "unfamiliar"),  # whole, or an upgrade that was cut off
        (HALF_MADE["47 flavors"], "half-made"),
        (HALF_MADE["no user"], "half-made"),
        ("DELETE FROM flavor WHERE id NOT IN (SELECT id FROM flavor LIMIT 47)", "unfamiliar"),
        ("ALTER TABLE server_settings RENAME COLUMN active TO is_active", "unfamiliar"),
        (f"{HALF_MADE['no user']}; CREATE TABLE news AS SELECT 1", "unfamiliar"),
    ],
)
def test_a_store_of_a_version_that_is_not_known_is_never_called_whole(
    home: Home, script: str, state: str
) -> None:
    change(home.database, f"{script}; UPDATE alembic_version SET version_num = '0.99.0'")
    look = examine(home.database)
    assert (look.state, look.version) == (state, "0.99.0")


#: Making it anew takes seconds, and goes by the state alone: the last step undone, and the most.
@pytest.mark.parametrize("case", ["no user", "half the tables"])
def test_what_was_left_half_made_is_made_anew(home: Home, case: str) -> None:
    change(home.database, HALF_MADE[case])
    gateway = open_gateway()
    assert [stack.name for stack in gateway.stacks(Where())] == ["default"]
    assert any(flavor.name == "s3" for flavor in gateway.flavors({"s3"}))
    members = {part.type: (part.id,) for part in gateway.components(Where())}
    gateway.create_stack(NewStack("dev", {}, members))
    assert examine(home.database).state == "whole"
    assert sorted(path.name for path in home.database.parent.iterdir()) == [
        ".zenml.db.lock",
        "zenml.db",
    ]


def test_an_upgrade_that_was_cut_off_is_finished_and_nothing_lost(home: Home) -> None:
    change(
        home.database,
        "INSERT INTO stack SELECT '0123456789abcdef0123456789abcdef', created, updated, 'mine',"
        "description, stack_spec_path, labels, environment, user_id FROM stack;"
        "DELETE FROM flavor WHERE id NOT IN (SELECT id FROM flavor LIMIT 47)",
    )
    assert examine(home.database).state == "lacks-flavors"
    assert any(flavor.name == "s3" for flavor in open_gateway().flavors({"s3"}))
    assert "mine" in names("stack", home.database)
    assert examine(home.database).state == "whole"


@pytest.mark.parametrize(
    "theirs",
    [
        "UPDATE stack SET name = 'mine'",
        "CREATE TABLE invoices (id)",
        "UPDATE flavor SET is_custom=1",
    ],
)
def test_what_may_be_somebodys_is_refused(home: Home, theirs: str) -> None:
    change(home.database, f"DELETE FROM alembic_version; {theirs}")
    before = home.database.read_bytes()
    with pytest.raises(NotConnectedError) as refused:
        open_gateway()
    assert f"mv {home.database}" in str(refused.value.remedy)
    assert home.database.read_bytes() == before


def test_flavors_that_cannot_be_had_here_are_not_looked_for_again(home: Home) -> None:
    change(home.database, "DELETE FROM flavor WHERE name = 's3'")
    assert examine(home.database).state == "half-made"
    note_flavors(home.database, __version__)
    assert examine(home.database).state == "whole"


def test_a_journal_of_the_dead_does_not_reach_the_new_file(home: Home) -> None:
    home.database.with_name("zenml.db-journal").write_bytes(
        b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" * 99
    )
    home.database.unlink()
    _ = InProcess.open().client
    assert examine(home.database).state == "whole"


def test_a_store_that_another_process_makes_is_waited_for(home: Home) -> None:
    code = f"import sys; f = open({str(home.database)!r}); print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        assert _is_in_use(home.database)
        other.communicate()
    if Path("/proc/self/fd").is_dir():
        assert not _is_in_use(home.database)


# -- with the ZenML that is installed, whichever it is --------------------------------------------


def test_a_stack_is_made_changed_and_deleted_from_a_new_store_on(bare_home: Home) -> None:
    (bare_home.path / "stack.yaml").write_text("name: dev\ntype: local\nlabels: {team: ml}\n")
    for command in ("create dev", "apply -f stack.yaml --yes"):
        done = bare_home.kitaru("stack", *command.split())
        assert done.returncode == 0, done.stderr
        assert examine(bare_home.database).state == "whole"
    shown = json.loads(bare_home.kitaru("stack", "show", "dev", "-o", "json").stdout)["item"]
    assert shown["labels"]["team"] == "ml"
    done = bare_home.kitaru("stack", "delete", "dev", "--recursive", "--force", "--yes")
    assert done.returncode == 0, done.stderr
    assert names("stack", bare_home.database) == ["default"]
    assert set(names("stack_component", bare_home.database)) == {"default"}


# -- real deaths -----------------------------------------------------------------------------------


def count(database: Path, query: str) -> int:
    """What a database that is being made holds by now; 0 while it cannot be told."""
    with (
        suppress(sqlite3.Error),
        closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as d,
    ):
        return int(d.execute(query).fetchone()[0])
    return 0


TABLES = "SELECT count(*) FROM sqlite_master WHERE type = 'table'"
FLAVOR_ROWS = "SELECT count(*) FROM flavor"


def kill_when(home: Home, command: tuple[str, ...], is_time: Callable[[Path], bool]) -> int:
    """Start a first command and kill it when the database it makes is far enough."""
    with subprocess.Popen(
        command,
        env=home.environment(),
        cwd=home.path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        while process.poll() is None:
            if any(is_time(path) for path in home.config.rglob("zenml.db")):
                process.kill()
            time.sleep(0.002)
    return process.returncode


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "query", "number"),
    [
        (FIRST_COMMAND, FLAVOR_ROWS, 47),  # made aside: when it dies is all the same
        (ZENMLS_OWN, TABLES, 20),
        (ZENMLS_OWN, FLAVOR_ROWS, 47),
    ],
    ids=["kitaru", "zenml-tables", "zenml-flavors"],
)
def test_after_a_first_command_that_was_killed_the_next_one_works(
    bare_home: Home, command: tuple[str, ...], query: str, number: int
) -> None:
    code = kill_when(bare_home, command, lambda path: count(path, query) >= number)
    assert code == -signal.SIGKILL
    if command is FIRST_COMMAND:
        assert not bare_home.database.exists()
    done = bare_home.run(*FIRST_COMMAND)
    assert done.returncode == 0, done.stderr
    assert examine(bare_home.database).state == "whole"
    assert names("stack", bare_home.database) == ["default", "dev"]
    assert not list(bare_home.database.parent.glob(".making-*"))


@pytest.mark.slow
def test_of_two_first_commands_one_makes_the_store(bare_home: Home) -> None:
    started = [
        Started([*FIRST_COMMAND[1:-1], name], env=bare_home.environment(), cwd=bare_home.path)
        for name in ("one", "two")
    ]
    for process in started:
        code, _, err = process.communicate(240)
        assert code == 0, err
    assert names("stack", bare_home.database) == ["default", "one", "two"]
    with closing(sqlite3.connect(bare_home.database)) as opened:
        (server,) = opened.execute("SELECT id FROM server_settings").fetchone()
    config = (bare_home.config / "config.yaml").read_text().replace("-", "")
    assert f"user_id: {server}" in config


@pytest.fixture(autouse=True)
def forgotten(home: Home) -> None:
    """This process has no store open."""
    shutil.rmtree(home.config / "kitaru", ignore_errors=True)
    forget_zenml()
