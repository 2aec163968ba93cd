"""Stores for long runs (`tests.stacks.kills`, `crowd`): in process, on SQLite, on MariaDB.

A store is looked at in its own database, where also what no API shows can be seen.
"""

from __future__ import annotations

import argparse
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

from tests.homes import Home, empty_home, make_template, ready_home
from tests.servers.mariadb import MariaDB, find_mariadbd, server_on
from tests.servers.releases import INSTALLED
from tests.servers.zenml import ZenMLServer

__all__ = ["KINDS", "World", "add_arguments", "open_world"]

KINDS = ("local", "sqlite", "mariadb")
TABLES = ("stack", "stack_component", "service_connector", "secret")


class World(Protocol):
    """One kind of store."""

    def home(self, path: Path) -> Home:
        """Make a home at `path` that works with the store. A local store begins anew with it."""

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Ask the store's database."""

    def empty(self) -> None:
        """Delete all but what a new store holds."""


def names(world: World) -> dict[str, list[str]]:
    """The names of what a store holds beside the default stack, by table."""
    found = {}
    for table in TABLES:
        rows = [name for (name,) in world.query(f"SELECT name FROM {table}")]
        found[table] = sorted(name for name in rows if name != "default")
    return found


class Local:
    """A local store, a copy of one template for each home."""

    def __init__(self, folder: Path) -> None:
        self._template = make_template(folder / "template")
        self._database = self._template.database

    def home(self, path: Path) -> Home:
        home = ready_home(self._template, path)
        self._database = home.database
        return home

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        return _ask(self._database, statement)

    def empty(self) -> None:
        pass  # each home has its own


class Served:
    """A server on either database; each home is logged in to it."""

    def __init__(self, folder: Path, server: ZenMLServer, database: MariaDB | None) -> None:
        self._server = server
        self._database = database
        self._template = empty_home(folder / "logged-in")
        login = ("login", server.url, "--api-key", "-")
        error = ""
        for _ in range(10):  # a busy machine's server is slow to begin
            done = self._template.kitaru(*login, input=server.api_key)
            if done.returncode == 0:
                return
            error = done.stderr
        raise RuntimeError(error)

    def home(self, path: Path) -> Home:
        return ready_home(self._template, path)

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        if self._database is not None:
            return self._database.query(statement)
        return _ask(self._server.database, statement)

    def empty(self) -> None:
        self._server.reset()
        self.query("DELETE FROM secret")  # those without a connector are in no API


@contextmanager
def open_world(kind: str, folder: Path, debian: Path | None = None) -> Iterator[World]:
    """Start a store.

    Args:
        kind: One of `KINDS`.
        folder: Where its files go.
        debian: Where MariaDB's packages were unpacked; else the machine's own is taken.
    """
    if kind == "local":
        yield Local(folder)
    elif kind == "sqlite":
        with ZenMLServer.of_release(INSTALLED, folder / "server") as server:
            yield Served(folder, server, None)
    else:
        program = find_mariadbd(debian)
        if program is None:
            sys.exit("There is no mariadbd here: install mariadb-server, or give --mariadb FOLDER.")
        with (
            MariaDB(program, folder / "mariadb") as database,
            server_on(database, folder / "server") as server,
        ):
            yield Served(folder, server, database)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose a store."""
    parser.add_argument("--store", choices=KINDS, default="local")
    parser.add_argument(
        "--mariadb", type=Path, metavar="FOLDER", help="where Debian's packages were unpacked"
    )
    parser.add_argument("--seed", type=int, default=1)


def _ask(database: Path, statement: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(database, timeout=30)) as db:
        found = db.execute(statement).fetchall()
        db.commit()
    return found
