"""What ZenML on this machine is set up with, written without ZenML: the server, project and stack.

The files are ZenML's own, and what is written is what it would write
(`zenml.config.global_config.GlobalConfiguration`). Each is replaced in one step. A process that has
ZenML loaded is told.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from kitaru_iac.connection.project_here import project_here
from kitaru_iac.connection.server import Refused, Server
from kitaru_iac.errors import KitaruError, NotFoundError
from kitaru_iac.gateway.installation import Repository, Settled, forget_what_zenml_holds
from kitaru_iac.gateway.opening import active_stack_name, open_reader
from kitaru_iac.gateway.versions import NEWEST, installed_version
from kitaru_iac.machine.active_scope import (
    canonical_id,
    repository,
    repository_config,
)
from kitaru_iac.machine.home import config_home
from kitaru_iac.machine.locks import sole_writer
from kitaru_iac.machine.settings import (
    CONFIG_FILE,
    begin_global,
    changed,
    read_global,
    read_repository,
    replace,
    to_yaml,
)
from kitaru_iac.machine.store_location import default_database, stored_server
from kitaru_iac.machine.whole import completed
from kitaru_iac.notices import NoActiveProject

__all__ = [
    "begin_settings",
    "complete",
    "connect",
    "connected_server",
    "disconnect",
    "initialize_repository",
    "installation_id",
]

_STACK, _PROJECT, _STORE = "active_stack_id", "active_project_id", "store"
_NO_PROJECT = "No project is active there: kitaru login URL --project NAME"


def installation_id() -> str:
    """Give the id of this installation, by which a server knows a device again."""
    with _changed_settings() as settings:
        return str(settings["user_id"])


def connected_server() -> str | None:
    """Give the address of the server that ZenML is set up with; None for another store."""
    return stored_server(read_global())


def begin_settings(stack_id: str) -> None:
    """Write the settings of a machine that has none, with this stack as the active one."""
    with _changed_settings() as settings:
        settings[_STACK] = stack_id


def connect(
    server: Server,
    *,
    verify_ssl: bool | str,
    project: tuple[str, str] | None,
    keep_login: Callable[[], None],
) -> Settled:
    """Let ZenML use a server from now on; its project and stack stay, where that server has them.

    Args:
        server: The server, logged in.
        verify_ssl: Whether to verify its certificate; or the path or text of a bundle.
        project: The id and name of the project to work in; None for the one that ZenML would take.
        keep_login: Called when the server has answered everything, before the first write.
    """
    before = read_global()
    chosen = project or _project(server, before)
    stack_id = _stack(server, before)
    here = None if project else project_here(server, {})
    keep_login()
    with _changed_settings() as settings:
        settings[_STORE] = {
            "connection_pool_size": 10,
            "http_timeout": 30,
            "type": "rest",
            "url": server.url,
            "verify_ssl": verify_ssl,
        }
        _set(settings, _STACK, stack_id)
        _set(settings, _PROJECT, chosen[0] if chosen else None)
    if project is not None:
        _use_project_here(project[0])
    active = here or chosen or NoActiveProject(_NO_PROJECT)
    if isinstance(active, NoActiveProject):
        return Settled(None, active_stack_name(), (active,))
    return Settled(active[1], active_stack_name())


def disconnect() -> str:
    """Let ZenML use the local store from now on; give the name of its active stack."""
    database = default_database(os.environ)
    with _changed_settings() as settings:
        settings[_STORE] = {"type": "sql", "url": f"sqlite:///{database}"}
        _set(settings, _STACK, None)
        _set(settings, _PROJECT, None)
    if not database.exists():
        return "default"  # what it begins with, when the first command creates it
    return active_stack_name() or "default"


def initialize_repository(target: Path) -> Repository:
    """Make a directory a ZenML repository, as ``zenml init`` does, where the store is a server.

    Raises:
        PermissionError: It may not be written to.
    """
    file = repository_config(target, os.environ)
    # Not the folder: a command that died may have made that alone.
    created = not file.exists()
    reader = open_reader()
    try:
        default = reader.find("default")
        if created:
            file.parent.mkdir(parents=True, exist_ok=True)
            project = read_global().get(_PROJECT)
            replace(file, to_yaml({_PROJECT: project, _STACK: default.id}))
            return Repository(file.parent, True, default.name)
        named = str(read_repository(file).get(_STACK) or "")
        try:
            active = reader.find(named).name if named else default.name
        except KitaruError:
            active = default.name
        return Repository(file.parent, False, active)
    finally:
        reader.close()
        _tell_zenml()


# -- inside ----------------------------------------------------------------------------------------


@contextmanager
def _changed_settings() -> Iterator[dict[str, Any]]:
    """Change the global settings; what ZenML wants in them is there."""
    begin_global()
    before = read_global()
    with changed(_file(), "global") as settings:
        complete(settings)
        yield settings
    if settings != before:
        _tell_zenml()


#: The version of ZenML's settings that are written, where none is installed.
_NEWEST = ".".join(map(str, (*NEWEST, 0)))


def complete(settings: dict[str, Any]) -> None:
    """Add what ZenML wants in global settings, as those that were written by hand lack it."""
    settings.setdefault("analytics_opt_in", _wants_analytics(os.environ))
    settings.update(completed(settings, installed_version() or _NEWEST))


def _file() -> Path:
    return config_home() / CONFIG_FILE


def _wants_analytics(environ: Mapping[str, str]) -> bool:
    return environ.get("ZENML_ANALYTICS_OPT_IN", "true").lower() in ("1", "y", "yes", "true")


def _set(settings: dict[str, Any], key: str, value: str | None) -> None:
    if value is None:
        settings.pop(key, None)
    else:
        settings[key] = value


def _project(server: Server, before: Mapping[str, Any]) -> tuple[str, str] | None:
    """The project that ZenML would work in: the one of before, the user's, or the only one."""
    for ref in (before.get(_PROJECT), server.default_project_id()):
        if ref:
            with suppress(NotFoundError):
                return server.project(str(ref))
    return server.only_project()


def _stack(server: Server, before: Mapping[str, Any]) -> str:
    """The id of the stack of before, where we may read it there; else of the default one."""
    named = canonical_id(str(before.get(_STACK) or ""))
    if named is not None:
        with suppress(Refused):
            if server.stack_name(named):
                return named
    return server.default_stack()


def _use_project_here(id: str) -> None:
    """Inside a repository its own settings say which project is active."""
    root = repository(os.environ)
    if root is None:
        return
    file = repository_config(root, os.environ)
    with sole_writer(str(file)):
        replace(file, to_yaml({_STACK: None, **read_repository(file), _PROJECT: id}))
        _tell_zenml()


def _tell_zenml() -> None:
    if "zenml" in sys.modules:
        forget_what_zenml_holds()
