"""What this machine is connected to, without importing ZenML, changing anything or waiting long."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Literal

from kitaru_iac import redaction
from kitaru_iac._version import __version__
from kitaru_iac.connection.project_here import is_not_there, project_here
from kitaru_iac.connection.server import Refused, Server
from kitaru_iac.errors import KitaruError, NotAllowedError
from kitaru_iac.gateway import open_reader
from kitaru_iac.gateway.versions import check_server, installed_version
from kitaru_iac.machine.active_scope import named_project, named_stack
from kitaru_iac.machine.environment import given_as
from kitaru_iac.machine.environment import project as chosen_project
from kitaru_iac.machine.home import config_home
from kitaru_iac.machine.server_address import server_address
from kitaru_iac.machine.server_login import Login, kept_login, remember_token
from kitaru_iac.machine.settings import CONFIG_FILE, read_global
from kitaru_iac.machine.store_choice import chosen_url, require_whole
from kitaru_iac.machine.store_location import RestStore, default_database, server_of, store_location
from kitaru_iac.machine.unreadable import UnreadableError
from kitaru_iac.notices import (
    ActiveStackMissing,
    KitaruWarning,
    NoActiveProject,
    StoreNotCreated,
)
from kitaru_iac.redaction import SecretText
from kitaru_iac.values import dataclass, fields, replace

__all__ = ["Status", "status"]

_URL_VARIABLE = "ZENML_STORE_URL"


@dataclass(frozen=True, slots=True)
class Status:
    """What this machine is connected to.

    Attributes:
        kind: ``local`` (SQLite here), ``server``, or ``database`` (an SQL database elsewhere).
        url: Its address, without user, password and query.
        source: What says so: an environment variable, the configuration file, or ``default``.
        connected: Whether it answered and let us in; a local store always does.
        client_version: The version of ZenML here; None where none is installed.
        server_version: The version of ZenML there; None where it is not known.
        user: Who we are there.
        project: The active project.
        active_stack: The active stack's name.
        scope: Which layer chose it: ``environment``, ``repository``, ``global`` or ``default``.
        scope_source: The variable, directory or file that did.
        config_directory: Where ZenML's and our own settings are.
        version: The version of kitaru-iac.
        error: Why it is not connected, in one line.
        remedy: What to do about it.
        warnings: What else is worth knowing.
    """

    kind: Literal["local", "server", "database"]
    url: str
    source: str
    connected: bool
    client_version: str | None
    config_directory: str
    version: str = __version__
    server_version: str | None = None
    user: str | None = None
    project: str | None = None
    active_stack: str | None = None
    scope: str | None = None
    scope_source: str | None = None
    error: str | None = None
    remedy: str | None = None
    warnings: tuple[KitaruWarning, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The ``item`` of ``status``: always the same keys, but for error, remedy and warnings."""
        found = {one.name: getattr(self, one.name) for one in fields(self)}
        for name in ("error", "remedy", "warnings"):
            if not found[name]:
                del found[name]
        if self.warnings:
            found["warnings"] = [warning.to_dict() for warning in self.warnings]
        return found


def status(*, timeout: float = 5) -> Status:
    """Look what this machine is connected to.

    Args:
        timeout: Seconds to wait for each answer of a server.

    Returns:
        The status; a server that does not answer is its `error`, not an exception.

    Raises:
        SettingsDamaged: ZenML's configuration is empty or cut off, or cannot be read.
    """
    config = read_global()
    chosen = chosen_url(config, os.environ)
    url = chosen or f"sqlite:///{default_database(os.environ)}"
    kind: Literal["local", "server", "database"] = "database"
    if url.startswith(("http://", "https://")):
        kind = "server"
    elif url.startswith("sqlite:"):
        kind = "local"
    found = Status(
        kind=kind,
        url=redaction.url(server_address(url)),
        source=_source(is_default=chosen is None),
        connected=True,
        client_version=installed_version(),
        config_directory=str(config_home()),
    )
    try:
        require_whole(config, os.environ)
        if kind == "server":
            return _of_server(found, config, server_address(url), timeout)
        return _of_local(found, config, url) if kind == "local" else _of_database(found)
    except KitaruError as error:
        why = f"{error.what}. {error.why}" if error.why else error.what
        return replace(found, connected=False, error=why, remedy=error.remedy)


def _source(*, is_default: bool) -> str:
    if is_default:
        return "default"
    if os.environ.get(_URL_VARIABLE):
        return given_as(_URL_VARIABLE)
    return str(config_home() / CONFIG_FILE)


# -- a server --------------------------------------------------------------------------------------


def _of_server(found: Status, config: Mapping[str, Any], url: str, timeout: float) -> Status:
    store: RestStore | None = None
    try:
        location = store_location(config, os.environ)
        store = location if isinstance(location, RestStore) else None
    except UnreadableError:
        pass  # no token that is still good: log in with the key, if there is one
    try:
        place = server_of(config, os.environ)
        server = Server(url, verify_ssl=place.verify if place else True, timeout=timeout)
    except UnreadableError:
        return _from_reader(found)  # by a way that only ZenML knows
    info = server.info()
    found = replace(found, server_version=info.version)
    try:
        found = replace(found, warnings=check_server(found.url, info.version))
        user = _user(server, store, url)
        found = _with_project(replace(found, user=user), config, server)
        return _with_stack(found, config, server)
    except KitaruError as error:
        why = f"{error.what}. {error.why}" if error.why else error.what
        return replace(found, connected=False, error=why, remedy=error.remedy)


def _user(server: Server, store: RestStore | None, url: str) -> str:
    """Who we are there. A token that is not taken any more is renewed, as every command does."""
    login = store.login if store is not None else _kept_key(url)
    if login.token is not None:
        server.use_token(login.token)
        try:
            return server.user()
        except NotAllowedError:
            if not login.can_renew:
                raise
    if login.can_renew:
        remember_token(url, login, server.log_in(login))
    return server.user()


def _kept_key(url: str) -> Login:
    key = os.environ.get("ZENML_STORE_API_KEY") or kept_login(url, os.environ).get("api_key")
    return Login(api_key=SecretText(str(key))) if key else Login()


def _with_project(found: Status, config: Mapping[str, Any], server: Server) -> Status:
    project = project_here(server, config)
    if isinstance(project, NoActiveProject):
        return _without_project(found, project)
    return replace(found, project=project[1] if project else None)


def _without_project(found: Status, absent: NoActiveProject) -> Status:
    return replace(found, project=None, warnings=(*found.warnings, absent))


def _with_stack(found: Status, config: Mapping[str, Any], server: Server) -> Status:
    named = named_stack(config, os.environ)
    try:
        name = server.stack_name(named.ref) if named.ref else None
    except Refused:
        hidden = ActiveStackMissing(f"{named.source} names a stack that you may not read.")
        warnings = (*found.warnings, hidden)
        return replace(found, scope=named.scope, scope_source=named.source, warnings=warnings)
    if name is None:
        gone = ActiveStackMissing(f"{named.source} names a stack that the server does not have.")
        warnings = (*found.warnings, gone) if named.ref else found.warnings
        return replace(
            found, active_stack="default", scope="default", scope_source="", warnings=warnings
        )
    return replace(found, active_stack=name, scope=named.scope, scope_source=named.source)


# -- a store of our own ----------------------------------------------------------------------------


def _of_local(found: Status, config: Mapping[str, Any], url: str) -> Status:
    path = Path(url.removeprefix("sqlite:///").partition("?")[0])
    found = replace(found, server_version=found.client_version, user="default", project="default")
    from kitaru_iac.machine.local_database import examine, is_of_another, of_another

    look = examine(path)
    if is_of_another(look, found.client_version):
        error = of_another(str(path), str(look.version), str(found.client_version))
        return replace(
            found,
            server_version=look.version,
            connected=False,
            error=f"{error.what}. {error.why}",
            remedy=error.remedy,
        )
    if look.state in {"absent", "half-made"}:
        what = "does not exist yet" if look.state == "absent" else "was never finished"
        return replace(
            found,
            active_stack="default",
            scope="default",
            scope_source="",
            warnings=(
                StoreNotCreated(
                    f"The local store {what}; the first command that needs it creates it."
                ),
            ),
        )
    chosen = chosen_project(os.environ)
    project = chosen or named_project(config, os.environ)
    if look.state != "unknown" and project:
        name = _project_in(path, project)
        if name is None and chosen:
            found = _without_project(found, is_not_there(chosen))
        elif name is not None:
            found = replace(found, project=name)
    return _from_reader(found)


def _of_database(found: Status) -> Status:
    return _from_reader(found)


def _from_reader(found: Status) -> Status:
    reader = open_reader()
    try:
        active = reader.active()
    finally:
        reader.close()
    warnings = found.warnings
    if active.stale:
        gone = f"{active.source} names a stack that does not exist any more."
        warnings = (*warnings, ActiveStackMissing(gone))
    return replace(
        found,
        active_stack=active.name,
        scope=active.scope,
        scope_source=active.source,
        warnings=warnings,
    )


def _project_in(database: Path, ref: str) -> str | None:
    """The name of a project, by that or its id; None where there is none."""
    import sqlite3

    try:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
            row = connection.execute(
                "SELECT name FROM project WHERE id = ? OR name = ?",
                (ref.replace("-", "").lower(), ref),
            ).fetchone()
    except sqlite3.Error:
        return None
    return str(row[0]) if row else None
