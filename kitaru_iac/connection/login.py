"""Connect to a store: prepare a directory, log in to a server or start a local one, log out.

A login is tried over plain HTTP first (`connection.server`). ZenML is told only when server, key
and project are known to be right, and if even then something fails, its files are put back.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from kitaru_iac import redaction
from kitaru_iac.callbacks import ProgressCallback
from kitaru_iac.connection.files import (
    files_restored_on_failure,
    refuse_if_fixed_by_environment,
    without_variables,
)
from kitaru_iac.connection.results import Initialized, LoggedIn, LoggedOut
from kitaru_iac.connection.server import Server, server_url
from kitaru_iac.connection.server_settings import (
    connect,
    connected_server,
    disconnect,
    initialize_repository,
    installation_id,
)
from kitaru_iac.errors import (
    NotAllowedError,
    NotConnectedError,
    NotFoundError,
    UsageError,
)
from kitaru_iac.files import read_small
from kitaru_iac.gateway import installation
from kitaru_iac.gateway.http import Json
from kitaru_iac.gateway.opening import require_answer
from kitaru_iac.gateway.versions import check_server
from kitaru_iac.machine.environment import AUTH_TOKEN, SERVER_URL, project_for_login
from kitaru_iac.machine.files import here
from kitaru_iac.machine.home import config_home
from kitaru_iac.machine.server_address import more_than_address
from kitaru_iac.machine.server_login import UNCACHED, forget_login, is_uncached, remember_key
from kitaru_iac.machine.settings import (
    CONFIG_FILE,
    LOGINS_FILE,
    read_global,
    read_logins,
    remove_leftovers,
)
from kitaru_iac.machine.store_location import RestStore, store_location
from kitaru_iac.machine.unreadable import UnreadableError
from kitaru_iac.notices import AddressShortened

__all__ = ["Initialized", "LoggedIn", "LoggedOut", "init", "key_from", "login", "logout"]

#: Bytes of a file with an API key.
_LARGEST = 64 << 10
#: These would be written into ZenML's files by a login that is about another key.
_KEY_VARIABLES = (AUTH_TOKEN, "ZENML_STORE_API_KEY", "ZENML_STORE_API_TOKEN")


def init(path: str | os.PathLike[str] | None = None) -> Initialized:
    """Make a directory a ZenML repository, as ``zenml init`` does.

    Args:
        path: The directory; the current one if None.

    Raises:
        NotFoundError: There is no such directory.
        NotConnectedError: The store that this machine is connected to does not answer.
    """
    target = here() if path is None else Path(path).expanduser().resolve()
    if not target.is_dir():
        kind = "is not a directory" if target.exists() else "does not exist"
        raise NotFoundError(f"{target} {kind}", where="PATH", remedy=f"Make it: mkdir -p {target}")
    require_answer()
    make = initialize_repository if is_on_server() else installation.initialize_repository
    try:
        folder, created, stack = make(target)
    except PermissionError as error:
        raise NotAllowedError(f"{target} may not be written to", why=str(error)) from error
    return Initialized(str(target), str(folder), created, stack)


def key_from(source: str, stdin: IO[str]) -> str:
    """The API key that ``env:NAME``, ``file:PATH`` or ``-`` stand for.

    Raises:
        UsageError: It is the key itself, or nothing that is known.
        NotFoundError: There is no such variable or file, or it is empty.
    """
    word, _, name = source.partition(":")
    if source == "-":
        key, where = stdin.read(), "stdin"
    elif word == "env" and name:
        key, where = os.environ.get(name, ""), f"the environment variable {name}"
    elif word == "file" and name:
        where = name
        try:
            key = read_small(Path(name).expanduser(), _LARGEST, pipes=True).decode("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise NotFoundError(
                f"The file {name} cannot be read",
                where="--api-key",
                why=getattr(error, "strerror", None) or "It is not text",
            ) from error
    else:
        raise UsageError(
            "The API key's source is not one of env:NAME, file:PATH, - and prompt",
            where="--api-key",
            why="A key on the command line can be read by every process on this machine",
            remedy="Put the key into a variable and write --api-key env:NAME.",
        )
    key = key.strip()
    if not key:
        raise NotFoundError(f"There is no API key in {where}", where="--api-key")
    if any(not (33 <= ord(c) <= 126) for c in key):
        raise UsageError(
            f"What {where} holds is not an API key", where="--api-key", why="It contains spaces"
        )
    return key


def login(
    url: str,
    *,
    api_key: str | None = None,
    project: str | None = None,
    verify_ssl: bool | str = True,
    timeout: float = 15,
    browser: ProgressCallback | None = None,
) -> LoggedIn:
    """Connect to a server.

    Args:
        url: Its address.
        api_key: The key of a service account.
        project: The project to work in, by name or id. Where it is None, the one that
            ``KITARU_PROJECT`` names, if any.
        verify_ssl: False, True, or the path of a bundle of certificates.
        timeout: Seconds to wait for each of its answers.
        browser: Is told the address at which a person confirms a login without a key. Without it
            such a login is refused.

    Raises:
        UsageError: The URL is none.
        NotConnectedError: It does not answer, is no ZenML server, or is too old.
        NotAllowedError: It does not accept the key; or no login may be kept.
        NotFoundError: It has no such project.
    """
    address = server_url(url)
    said = more_than_address(url, "URL")
    shortened = [AddressShortened(said)] if said else []
    refuse_if_fixed_by_environment()
    _require_whole_settings()
    if isinstance(verify_ssl, str):
        verify_ssl = _bundle(verify_ssl)
    server = _server(address, verify_ssl, timeout)
    info = server.info()
    warnings = check_server(address, info.version)
    token: Mapping[str, Json] | None = None
    user: str | None = None
    if info.needs_login:
        _require_memory(api_key)
        if api_key is not None:
            token = server.login(api_key)
        elif browser is not None:
            from kitaru_iac.connection.device import token_from_browser

            token = token_from_browser(server, info, installation_id(), browser)
        else:
            raise NotAllowedError(
                f"The server {address} requires a login, and no API key was given",
                remedy="Give one with --api-key env:NAME, file:PATH or -.",
            )
        user = server.user()
    project = project_for_login(os.environ) if project is None else project
    chosen = server.project(project) if project is not None else None
    with files_restored_on_failure(), without_variables(*_KEY_VARIABLES):
        connected = _switch(server, api_key, token, verify_ssl, chosen)
    return LoggedIn(
        url=address,
        server_version=info.version,
        user=user,
        project=connected.project,
        active_stack=connected.stack,
        warnings=(*shortened, *warnings, *connected.warnings),
    )


def logout() -> LoggedOut:
    """Go back to the local store, forget the server's key and token, stop a local server.

    Raises:
        NotAllowedError: The environment says what to connect to.
    """
    refuse_if_fixed_by_environment()
    _require_whole_settings()
    for file in (CONFIG_FILE, LOGINS_FILE):
        remove_leftovers(config_home() / file)
    url = connected_server()
    stopped = _started_server_here() and installation.stop_local_server()
    if url is None and not stopped:
        return LoggedOut(was_connected=False)
    with files_restored_on_failure():
        if url is not None:
            forget_login(url)
        stack = disconnect()
    return LoggedOut(True, redaction.url(url) if url else None, stopped, stack)


def is_on_server() -> bool:
    """Say whether the configured store is a server that is asked without ZenML."""
    try:
        return isinstance(store_location(read_global(), os.environ), RestStore)
    except UnreadableError:
        return False


# -- inside ----------------------------------------------------------------------------------------


def _started_server_here() -> bool:
    """Whether ZenML was ever asked to start a server on this machine: it keeps a folder for it."""
    return (config_home() / "zen_server").exists()


def _require_whole_settings() -> None:
    """Refuse where ZenML's files do not tell what is to be changed in them.

    Raises:
        SettingsDamaged: One is empty or cut off, or cannot be read. Nothing was changed.
    """
    read_global()
    read_logins()


def _require_memory(api_key: str | None) -> None:
    """Refuse a login that the next command would not have.

    Raises:
        NotAllowedError: None may be kept, and no variable holds the key.
    """
    given = {os.environ.get(name) for name in _KEY_VARIABLES}
    if not is_uncached(os.environ) or (api_key is not None and api_key in given):
        return
    raise NotAllowedError(
        f"{UNCACHED} is set, so that no login is kept",
        why="The next command would have nothing to log in with",
        remedy=f"Set {SERVER_URL} and {AUTH_TOKEN} instead of a login, or unset {UNCACHED}.",
    )


def _bundle(file: str) -> str:
    """The file of certificates that is to be trusted; its text stays as it is.

    Raises:
        NotFoundError: There is no such file.
        UsageError: It holds no certificates.
    """
    if "-----BEGIN" in file:
        return file
    path = Path(file).expanduser()
    try:
        ssl.create_default_context(cafile=str(path))
    except FileNotFoundError as error:
        shown = redaction.value(path)
        raise NotFoundError(f"There is no file {shown}", where="--ca-cert") from error
    except (OSError, ValueError) as error:
        shown = redaction.value(path)
        raise UsageError(
            f"{shown} does not hold certificates (PEM)", where="--ca-cert", why=str(error)
        ) from error
    return str(path)


def _server(address: str, verify_ssl: bool | str, timeout: float) -> Server:
    try:
        return Server(address, verify_ssl=verify_ssl, timeout=timeout)
    except UnreadableError as error:
        raise NotConnectedError(
            "kitaru does not know the way to the server",
            where=address,
            why=f"It would be by {error}",
            remedy=f"ZenML may: zenml login {address}\nOr name an http:// proxy.",
        ) from error


def _switch(
    server: Server,
    api_key: str | None,
    token: Mapping[str, Json] | None,
    verify_ssl: bool | str,
    project: tuple[str, str] | None,
) -> installation.Settled:
    """Write it down, and see what is active there."""
    return connect(
        server,
        verify_ssl=verify_ssl,
        project=project,
        keep_login=lambda: remember_key(server.url, api_key, token),
    )
