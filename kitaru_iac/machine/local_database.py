"""Whether the local store's database is whole, from one look at its file, without ZenML.

ZenML makes it in this order, committing each step: tables, settings, the stamp of its migrations,
flavors, project, default stack, its own activation, the default user. A process that dies in
between leaves a file that no later one finishes.
"""

from __future__ import annotations

import shlex
import sqlite3
import stat
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Final, Literal

from kitaru_iac.errors import NotConnectedError
from kitaru_iac.files import reason
from kitaru_iac.machine.files import is_broken_link
from kitaru_iac.machine.home import config_home
from kitaru_iac.values import dataclass

__all__ = [
    "FLAVORS",
    "LocalDatabase",
    "State",
    "examine",
    "is_of_another",
    "note_flavors",
    "of_another",
    "size_of",
]

#: ``absent``: nothing is there. ``half-made``: not whole, and nothing in it is anybody's.
#: ``lacks-flavors``: in use, but the flavors of an upgrade are not all there. ``unstamped``: not
#: whole, and it holds what is somebody's. ``unfamiliar``: made to the end by a version of ZenML
#: that is not known here; whether an upgrade was too cannot be told. ``unknown``: it cannot be
#: looked at; ZenML says why.
State = Literal[
    "absent", "whole", "half-made", "lacks-flavors", "unstamped", "unfamiliar", "unknown"
]

#: How many flavors ZenML brings along, by its version: of those whose tables are known.
FLAVORS: Final[Mapping[str, int]] = {
    "0.96.0": 77,
    "0.96.1": 79,
    "0.96.2": 81,
    "0.96.3": 82,
    "0.96.4": 82,
    "0.97.0": 82,
    "0.98.0": 82,
}

#: Seconds to wait for a writer.
_BUSY_TIMEOUT = 5.0

#: What ZenML itself writes while it makes a database: anything else is somebody's.
_OF_ZENML: Final[Mapping[str, str]] = {
    "alembic_version": "1",
    "server_settings": "1",
    "flavor": "is_custom = 0",
    "project": "name = 'default'",
    "stack": "name = 'default' AND user_id IS NULL",
    "stack_component": "name = 'default' AND user_id IS NULL",
    "stack_composition": "1",
    "user": "name = 'default'",
}


@dataclass(frozen=True, slots=True)
class LocalDatabase:
    """What a look at the file found.

    Attributes:
        state: What may be done with it.
        version: The version of ZenML that its migrations are stamped with; None without a stamp.
    """

    state: State
    version: str | None = None


def size_of(path: Path) -> int | None:
    """Give the bytes of a database's file; None where there is none yet.

    Raises:
        NotConnectedError: It is no file, or cannot be looked at, or a link leads to nothing.
    """
    try:
        found = path.stat()
    except FileNotFoundError as error:
        if is_broken_link(path):
            raise _unusable(path, "A link on the way to it leads to nothing") from error
        return None
    except OSError as error:
        raise _unusable(path, reason(error)) from error
    if not stat.S_ISREG(found.st_mode):
        raise _unusable(path, "It is not a file")
    return found.st_size


def _unusable(path: Path, why: str) -> NotConnectedError:
    name = shlex.quote(str(path))
    return NotConnectedError(
        "The local store cannot be opened",
        where=str(path),
        why=f"{why}; nothing was changed",
        remedy=f"Put it right. Or take it away, for a new store: mv {name} {name}.old",
    )


def examine(path: Path) -> LocalDatabase:
    """Look at a database of ZenML's. Nothing is written, and nothing raised."""
    try:
        if not size_of(path):
            return LocalDatabase("absent")
    except NotConnectedError:
        return LocalDatabase("unknown")
    try:
        uri = f"{path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=_BUSY_TIMEOUT)) as database:
            database.execute("BEGIN")  # one state of the file
            return _look(database)
    except sqlite3.Error:
        return LocalDatabase("unknown")


def _look(database: sqlite3.Connection) -> LocalDatabase:
    tables = {
        name
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        if not name.startswith("sqlite_")
    }
    if not tables:
        return LocalDatabase("absent")
    version = _version(database, tables)
    if version is not None and version not in FLAVORS:
        return LocalDatabase(_unfamiliar(database, tables), version)
    if version is not None and _is_made(database) and _flavors(database) >= _wanted(version):
        return LocalDatabase("whole", version)
    if not _is_anybodys(database, tables):
        return LocalDatabase("half-made", version)
    if version is None:
        return LocalDatabase("unstamped")
    return LocalDatabase("lacks-flavors", version)


def _version(database: sqlite3.Connection, tables: set[str]) -> str | None:
    if "alembic_version" not in tables:
        return None
    row = database.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(row[0]) if row else None


def _unfamiliar(database: sqlite3.Connection, tables: set[str]) -> State:
    try:
        if not _is_made(database) and not _is_anybodys(database, tables):
            return "half-made"
    except sqlite3.Error:  # it has other tables
        pass
    return "unfamiliar"


def _is_made(database: sqlite3.Connection) -> bool:
    """Whether the steps after the flavors were taken."""
    row = database.execute(
        "SELECT EXISTS (SELECT 1 FROM server_settings WHERE active = 1), "
        "EXISTS (SELECT 1 FROM stack), EXISTS (SELECT 1 FROM user WHERE is_service_account = 0)"
    ).fetchone()
    return all(row)


def _flavors(database: sqlite3.Connection) -> int:
    return int(database.execute("SELECT count(*) FROM flavor WHERE is_custom = 0").fetchone()[0])


def _is_anybodys(database: sqlite3.Connection, tables: set[str]) -> bool:
    for table in sorted(tables):
        of_zenml = _OF_ZENML.get(table, "0")
        query = f'SELECT EXISTS (SELECT 1 FROM "{table}" WHERE NOT ({of_zenml}))'  # noqa: S608
        if database.execute(query).fetchone()[0]:
            return True
    return False


# -- of another ZenML ------------------------------------------------------------------------------


def is_of_another(look: LocalDatabase, here: str | None) -> bool:
    """Say whether a database is of another ZenML than one that is known to stamp its own version.

    Args:
        look: What was found.
        here: The version of ZenML that is installed here; None where none is.
    """
    is_used = look.version is not None and look.state != "half-made"
    return is_used and here in FLAVORS and look.version != here


def of_another(where: str, version: str, here: str) -> NotConnectedError:
    """Make the refusal to open a database of another ZenML, which the one here would migrate.

    Args:
        where: Where it is, as it may be shown.
        version: The version of ZenML that its migrations are stamped with.
        here: The version of ZenML that is installed here.
    """
    migrate = f"{_program()} migrate-database"
    as_it_is = f"install ZenML {version} beside kitaru in place of {here}"
    if not _number(version):
        why = "A migration of it was cut off"
        remedy = f"Finish it, with the ZenML that began it: {migrate}"
    elif _number(version) > _number(here):
        why = "An older ZenML cannot open it"
        remedy = f"{as_it_is[0].upper()}{as_it_is[1:]}"
        if version not in FLAVORS:
            remedy = f"Use a kitaru that knows ZenML {version}"
    else:
        why = "This one would migrate it, and an older ZenML cannot open it afterwards"
        remedy = f"To migrate it, for every environment that uses it: {migrate}"
        if version in FLAVORS:
            remedy = f"To leave it as it is, {as_it_is}\n{remedy}"
    return NotConnectedError(
        f"The store's database is of ZenML {version}, and {here} is installed here",
        where=where,
        why=f"{why}; nothing was changed",
        remedy=remedy,
    )


def _number(version: str) -> tuple[int, ...]:
    """A release as it is compared; whatever is none is older than any."""
    parts = version.split(".")
    return tuple(map(int, parts)) if all(part.isdecimal() for part in parts) else ()


def _program() -> str:
    """ZenML's command of this environment, as it is called here."""
    import shutil

    program = Path(sys.executable).with_name("zenml")
    on_path = shutil.which("zenml")
    return "zenml" if on_path and Path(on_path) == program else shlex.quote(str(program))


# -- flavors that cannot be had here ---------------------------------------------------------------


def note_flavors(path: Path, version: str) -> None:
    """Remember how many flavors a finished database has, where they are fewer than usual.

    An integration that cannot be loaded on this machine brings none, and that is no damage.
    """
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            found = _flavors(database)
        if found < FLAVORS.get(version, 0):
            _note().parent.mkdir(parents=True, exist_ok=True)
            _note().write_text(f"{version} {found}\n", encoding="ascii")
    except (sqlite3.Error, OSError):
        return  # the next command looks again


def _wanted(version: str) -> int:
    usual = FLAVORS[version]
    try:
        noted, _, number = _note().read_text(encoding="ascii").partition(" ")
        return min(usual, int(number)) if noted == version else usual
    except (OSError, ValueError):
        return usual


def _note() -> Path:
    return config_home() / "kitaru" / "flavors"
