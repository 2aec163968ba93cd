"""A local store is whole before ZenML opens it.

A new one is made beside its place and moved there in one step, so that a process which dies
meanwhile leaves none. One that was left half-made, by ZenML or by an older version of this package,
is made anew if nothing in it is anybody's.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kitaru_iac.errors import KitaruError, NotConnectedError
from kitaru_iac.machine.local_database import LocalDatabase, examine, note_flavors, size_of
from kitaru_iac.machine.locks import sole_maker

if TYPE_CHECKING:
    from zenml.config.global_config import GlobalConfiguration
    from zenml.config.store_config import StoreConfiguration

__all__ = ["whole"]

_SQLITE: Final = "sqlite:///"
_ASIDE: Final = ".making-"
#: ZenML's own variable, which has no prefix.
_NO_MIGRATION: Final = "DISABLE_DATABASE_MIGRATION"
#: Seconds to wait for somebody else who is making the store in place, as ZenML's command does; and
#: how old its last write is before it counts as dead, where the system does not tell.
_PATIENCE = 60.0
_PAUSE = 0.1
_DEAD_AFTER = 10.0


@contextmanager
def whole(settings: GlobalConfiguration, config: StoreConfiguration) -> Iterator[None]:
    """See that the store is whole, for the block in which ZenML opens it.

    Args:
        settings: ZenML's settings in this process.
        config: The store that is to be opened; only a local one is looked at.

    Raises:
        NotConnectedError: Somebody else is making it, and does not end; or it is no file.
        KitaruError: It is half-made, and not this package's to make anew.
    """
    path = _database(config)
    if path is None or (settings._zen_store is not None and settings.store == config):
        yield
        return
    size_of(path)
    look = examine(path)
    if look.state in {"whole", "unknown"}:
        with _without_migration(look):
            yield
        return
    with sole_maker(path) as is_alone:
        look = _when_quiet(path)
        if look.state == "unstamped":
            raise _not_ours(path)
        if look.state in {"absent", "half-made"}:
            _make(settings, config, path, clean=is_alone)
            look = examine(path)
        with _without_migration(look):
            yield
        if look.state == "lacks-flavors":
            _add_flavors(settings, path)


def _database(config: StoreConfiguration) -> Path | None:
    """The file of a local store; None for any other."""
    if "ZENML_SERVER" in os.environ or not config.url.startswith(_SQLITE):
        return None
    name = config.url.removeprefix(_SQLITE)
    return None if not name or "?" in name or name.startswith(":") else Path(name)


@contextmanager
def _without_migration(look: LocalDatabase) -> Iterator[None]:
    """Spare ZenML the search for migrations in a database of its own version."""
    from zenml import __version__

    if look.state == "unknown" or look.version != __version__ or _NO_MIGRATION in os.environ:
        yield
        return
    os.environ[_NO_MIGRATION] = "true"
    try:
        yield
    finally:
        os.environ.pop(_NO_MIGRATION, None)


def _make(
    settings: GlobalConfiguration, config: StoreConfiguration, path: Path, *, clean: bool
) -> None:
    """Make a new database beside its place, and move it there."""
    from zenml import __version__
    from zenml.zen_stores.base_zen_store import BaseZenStore
    from zenml.zen_stores.sql_zen_store import SqlZenStore, SqlZenStoreConfiguration

    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and not _is_zenmls(path):
        raise _not_ours(path)
    if clean:  # whoever made these is dead
        for left in path.parent.glob(f"{_ASIDE}*"):
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=_ASIDE, dir=path.parent))
    try:
        new = folder / path.name
        values = config.model_dump(exclude={"url", "database"}, exclude_none=True)
        aside = SqlZenStoreConfiguration(**values, url=f"{_SQLITE}{new}")
        store = BaseZenStore.create_store(aside, skip_default_registrations=True)
        assert isinstance(store, SqlZenStore)
        settings._zen_store = store  # as ZenML does: parts of it ask for the current store
        try:
            store._initialize_database()
        finally:
            settings._zen_store = None
            store.engine.dispose()
        note_flavors(new, __version__)
        _put(new, path, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _put(new: Path, path: Path, folder: Path) -> None:
    if path.exists():
        path.replace(folder / "half-made.db")
    for suffix in ("-journal", "-wal", "-shm"):  # SQLite would play them back into the new file
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    new.replace(path)


def _is_zenmls(path: Path) -> bool:
    """Whether a database has no tables but ZenML's."""
    from sqlmodel import SQLModel

    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
        rows = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    return {name for (name,) in rows} <= {*SQLModel.metadata.tables, "alembic_version"}


def _add_flavors(settings: GlobalConfiguration, path: Path) -> None:
    from zenml import __version__
    from zenml.zen_stores.sql_zen_store import SqlZenStore

    store = settings._zen_store
    if isinstance(store, SqlZenStore):
        store._sync_flavors()
        note_flavors(path, __version__)


# -- others who make it in place -------------------------------------------------------------------


def _when_quiet(path: Path) -> LocalDatabase:
    """Look at a database once nobody is making it any more."""
    until = time.monotonic() + _PATIENCE
    while True:
        look = examine(path)
        if look.state not in {"half-made", "lacks-flavors"} or not _is_in_use(path):
            return look
        if time.monotonic() > until:
            raise NotConnectedError(
                "Another process has been making the local store for a minute",
                where=str(path),
                remedy="Run the command again when it has ended, or end it first.",
            )
        time.sleep(_PAUSE)


def _is_in_use(path: Path) -> bool:
    """Whether another process has the file open, or where that cannot be told, wrote it lately."""
    processes = Path("/proc")
    if not (processes / "self" / "fd").is_dir():
        try:
            return time.time() - path.stat().st_mtime < _DEAD_AFTER
        except OSError:
            return False
    wanted = path.resolve()
    own = str(os.getpid())
    for process in processes.iterdir():
        if not process.name.isdigit() or process.name == own:
            continue
        try:
            for handle in (process / "fd").iterdir():
                if handle.readlink() == wanted:
                    return True
        except OSError:  # somebody else's, or gone
            continue
    return False


def _not_ours(path: Path) -> KitaruError:
    return NotConnectedError(
        "The local store was never finished, and holds what may be somebody's",
        where=str(path),
        why="It has no mark of ZenML's migrations; kitaru makes only empty stores anew",
        remedy=f"Move the file away, for a new store: mv {path} {path}.old",
    )
