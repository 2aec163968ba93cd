"""How ZenML, in this process, treats its own files and its local store.

ZenML truncates its settings and writes them anew, reads an empty file as "the local store", makes
a new database in place, and saves as the active stack what ``ZENML_ACTIVE_STACK_ID`` names for one
process. Some of its functions are exchanged, once for a process, so that

* settings that are empty or cut off are refused, and never written over;
* settings are replaced in one step, and not at all where nothing changes;
* a local store is whole before it is opened (`local_store`);
* a database of another ZenML is refused: the one that is installed here would migrate it, one way,
  whether somebody writes or looks;
* the saved active stack stays what it is, whatever the variable names and whatever ZenML learns of
  that stack, unless it is chosen.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from kitaru_iac.machine.active_scope import ACTIVE_STACK_VARIABLE, canonical_id
from kitaru_iac.machine.settings import (
    CONFIG_FILE,
    LOGINS_FILE,
    Kind,
    begin_global,
    read_global,
    read_whole,
    replace,
    to_yaml,
)

if TYPE_CHECKING:
    from zenml.config.global_config import GlobalConfiguration
    from zenml.config.store_config import StoreConfiguration

__all__ = ["choosing", "guard_zenml", "variable_lock"]

_MARK: Final = "_is_kitarus"
#: Held by whoever changes ``ZENML_ACTIVE_STACK_ID``, until it is as others may find it.
variable_lock: Final = threading.RLock()


class _Choosing(threading.local):
    """Whether this thread saves another active stack because somebody has chosen it."""

    is_asked = False


_choosing = _Choosing()


@contextmanager
def choosing() -> Iterator[None]:
    """Stand around what saves another active stack because somebody has chosen it."""
    before, _choosing.is_asked = _choosing.is_asked, True
    try:
        yield
    finally:
        _choosing.is_asked = before


def guard_zenml() -> None:
    """Exchange the functions, if this process has not yet. Called before ZenML reads anything.

    Raises:
        SettingsDamaged: The global settings are empty or cut off, or cannot be read; ZenML was not
            even imported.
        FileNotWritten: They cannot be begun.
    """
    import sys

    loaded = sys.modules.get("zenml.utils.yaml_utils")
    if loaded is not None and hasattr(loaded.write_yaml, _MARK):
        return
    if "zenml.config.global_config" not in sys.modules:
        read_global()
    begin_global()
    _exchange()


def _exchange() -> None:
    from zenml.config.global_config import GlobalConfiguration
    from zenml.utils import yaml_utils

    read, write = yaml_utils.read_yaml, yaml_utils.write_yaml
    configure, sanitize = GlobalConfiguration._configure_store, GlobalConfiguration._sanitize_config

    def read_yaml(file_path: str) -> Any:  # noqa: ANN401 - as ZenML's own
        kind = _kind(file_path)
        if kind is not None:
            return read_whole(Path(file_path), kind)
        return read(file_path)

    def write_yaml(
        file_path: str,
        contents: Any,  # noqa: ANN401 - as ZenML's own
        sort_keys: bool = True,
    ) -> None:
        kind = _kind(file_path)
        if kind is None:
            write(file_path, contents, sort_keys)
        else:
            _write(Path(file_path), kind, contents)  # sorted, as ZenML's settings always are

    def _configure_store(
        self: GlobalConfiguration,
        config: StoreConfiguration,
        skip_default_registrations: bool = False,
        **kwargs: Any,
    ) -> None:
        from kitaru_iac.gateway.local_store import whole

        if config.type.value == "sql" and "ZENML_SERVER" not in os.environ:
            _exchange_migration()
        with whole(self, config):
            configure(self, config, skip_default_registrations, **kwargs)

    def _sanitize_config(self: GlobalConfiguration) -> None:
        # It reads its own field from the variable, and saves what it read.
        with _without_variable():
            sanitize(self)

    setattr(write_yaml, _MARK, True)
    GlobalConfiguration._sanitize_config = _sanitize_config  # type: ignore[method-assign]
    GlobalConfiguration._configure_store = _configure_store  # type: ignore[method-assign]
    _exchange_choices()
    yaml_utils.read_yaml = read_yaml
    yaml_utils.write_yaml = write_yaml


def _exchange_migration() -> None:
    """Let ZenML fill an empty database, and not migrate another one. With its store's module."""
    from alembic.runtime.migration import MigrationContext
    from zenml import __version__
    from zenml.zen_stores.sql_zen_store import SqlZenStore

    from kitaru_iac import redaction
    from kitaru_iac.machine.local_database import of_another

    migrate = SqlZenStore.migrate_database
    if hasattr(migrate, _MARK):
        return

    def migrate_database(self: SqlZenStore) -> None:
        with self.engine.connect() as connection:  # as it stands there: ZenML asks for known ones
            found = MigrationContext.configure(connection).get_current_heads()
        if found and set(found) != set(self.alembic.head_revisions()):
            self.engine.dispose()
            raise of_another(redaction.url(self.config.url), ", ".join(found), __version__)
        migrate(self)

    setattr(migrate_database, _MARK, True)
    SqlZenStore.migrate_database = migrate_database  # type: ignore[method-assign]


def _exchange_choices() -> None:
    """Let ZenML save an active stack when one is chosen, and not when it hears news of one."""
    from zenml.client import Client, ClientConfiguration
    from zenml.config.global_config import GlobalConfiguration

    # `_sanitize_config` puts a repository's saved stack right, which is not the variable's.
    for name in ("activate_stack", "_sanitize_config"):
        setattr(Client, name, _asked(getattr(Client, name)))
    for settings in (GlobalConfiguration, ClientConfiguration):
        save = settings.set_active_stack
        settings.set_active_stack = _unless_named(save)  # type: ignore[method-assign]


def _asked(choose: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(choose)
    def chosen(*args: Any, **kwargs: Any) -> None:
        with choosing():
            choose(*args, **kwargs)

    return chosen


def _unless_named(save: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(save)
    def set_active_stack(self: Any, stack: Any) -> None:  # noqa: ANN401 - of both settings
        saved = vars(self).get("active_stack_id")
        named = canonical_id(os.environ.get(ACTIVE_STACK_VARIABLE, ""))
        if _choosing.is_asked or named != str(stack.id) or saved == stack.id:
            save(self, stack=stack)
        if named != str(stack.id):
            return
        # What the variable names was changed: that is kept where ZenML keeps what it names.
        from zenml.client import Client

        client = Client.get_instance()
        if client is not None:
            client._active_stack = stack

    return set_active_stack


@contextmanager
def _without_variable() -> Iterator[None]:
    with variable_lock:
        before = os.environ.pop(ACTIVE_STACK_VARIABLE, None)
        try:
            yield
        finally:
            if before is not None:
                os.environ[ACTIVE_STACK_VARIABLE] = before


def _kind(file_path: str) -> Kind | None:
    """Which of ZenML's settings a file is; None for any other."""
    from zenml.constants import REPOSITORY_DIRECTORY_NAME
    from zenml.utils.io_utils import get_global_config_directory

    path = Path(file_path)
    if path.name not in {CONFIG_FILE, LOGINS_FILE}:
        return None
    if path.parent.resolve() == Path(get_global_config_directory()).resolve():
        return "global" if path.name == CONFIG_FILE else "logins"
    if path.name == CONFIG_FILE and path.parent.name == REPOSITORY_DIRECTORY_NAME:
        return "repository"
    return None


def _write(path: Path, kind: Kind, contents: Any) -> None:  # noqa: ANN401 - as ZenML's own
    text = to_yaml(contents)
    try:
        if path.read_bytes() == text.encode():
            return
    except FileNotFoundError:
        pass
    else:
        read_whole(path, kind)  # what is damaged is not written over
    replace(path, text)
