"""Connect to a store: prepare a directory, log in to a server or start a local one, log out.

A login is tried over plain HTTP first (`connection.server`). ZenML is told only when server, key
and project are known to be right, and if even then something fails, its files are put back.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import IO

from kitaru_iac import redaction
from kitaru_iac.connection.files import (
    Settled,
    files_restored_on_failure,
    keep_private,
    refuse_if_fixed_by_environment,
    settled,
    without_variables,
)
from kitaru_iac.connection.results import Initialized, LoggedIn, LoggedOut
from kitaru_iac.connection.server import Server, server_url
from kitaru_iac.errors import (
    NotAllowedError,
    NotConnectedError,
    NotFoundError,
    UsageError,
)
from kitaru_iac.gateway.errors import translate_errors
from kitaru_iac.gateway.http import Json
from kitaru_iac.gateway.opening import require_answer
from kitaru_iac.gateway.quiet import quiet
from kitaru_iac.machine.home import config_home
from kitaru_iac.machine.unreadable import UnreadableError
from kitaru_iac.notices import KitaruWarning, VersionMismatch

__all__ = ["Initialized", "LoggedIn", "LoggedOut", "init", "key_from", "login", "logout"]

#: These would be written into ZenML's files by a login that is about another key.
_KEY_VARIABLES = ("ZENML_STORE_API_KEY", "ZENML_STORE_API_TOKEN")


def init(path: str | os.PathLike[str] | None = None) -> Initialized:
    """Make a directory a ZenML repository, as ``zenml init`` does.

    Args:
        path: The directory; the current one if None.

    Raises:
        NotFoundError: There is no such directory.
        NotConnectedError: The store that this machine is connected to does not answer.
    """
    target = Path.cwd() if path is None else Path(path).expanduser().resolve()
    if not target.is_dir():
        kind = "is not a directory" if target.exists() else "does not exist"
        raise NotFoundError(f"{target} {kind}", where="PATH", remedy=f"Make it: mkdir -p {target}")
    require_answer()
    with quiet(), translate_errors():
        from zenml.client import Client
        from zenml.constants import REPOSITORY_DIRECTORY_NAME

        repository = target / REPOSITORY_DIRECTORY_NAME
        created = not repository.is_dir()
        try:
            if created:
                Client.initialize(root=target)
            client = Client(root=target)
            _ = client.zen_store  # makes a new local store, with its default stack
            active = client.active_stack_model.name
        except PermissionError as error:
            raise NotAllowedError(f"{target} may not be written to", why=str(error)) from error
        Client._reset_instance()  # the next look finds the new repository
    return Initialized(str(target), str(repository), created, active)


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
            key = Path(name).expanduser().read_text(encoding="utf-8")
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
    browser: Callable[[str], None] | None = None,
) -> LoggedIn:
    """Connect to a server.

    Args:
        url: Its address.
        api_key: The key of a service account.
        project: The project to work in, by name or id.
        verify_ssl: False, True, or the path of a bundle of certificates.
        timeout: Seconds to wait for each of its answers.
        browser: Is told the address at which a person confirms a login without a key. Without it
            such a login is refused.

    Raises:
        UsageError: The URL is none.
        NotConnectedError: It does not answer, is no ZenML server, or has another version.
        NotAllowedError: It does not accept the key.
        NotFoundError: It has no such project.
    """
    address = server_url(url)
    refuse_if_fixed_by_environment()
    if isinstance(verify_ssl, str):
        verify_ssl = _bundle(verify_ssl)
    server = _server(address, verify_ssl, timeout)
    info = server.info()
    warnings = _compare_versions(address, info.version)
    token: Mapping[str, Json] | None = None
    user: str | None = None
    if info.needs_login:
        if api_key is not None:
            server.login(api_key)
        elif browser is not None:
            from kitaru_iac.connection.device import token_from_browser

            token = token_from_browser(server, info, _client_id(), browser)
        else:
            raise NotAllowedError(
                f"The server {address} requires a login, and no API key was given",
                remedy="Give one with --api-key env:NAME, file:PATH or -.",
            )
        user = server.user()
    chosen = server.project(project) if project is not None else None
    with files_restored_on_failure(), without_variables(*_KEY_VARIABLES):
        connected = _switch(address, api_key, token, verify_ssl, chosen)
    return LoggedIn(
        url=address,
        server_version=info.version,
        user=user,
        project=connected.project,
        active_stack=connected.stack,
        warnings=(*warnings, *connected.warnings),
    )


def logout() -> LoggedOut:
    """Go back to the local store, forget the server's key and token, stop a local server.

    Raises:
        NotAllowedError: The environment says what to connect to.
    """
    refuse_if_fixed_by_environment()
    with quiet(), translate_errors():
        from zenml.config.global_config import GlobalConfiguration
        from zenml.login.credentials_store import get_credentials_store

        config = GlobalConfiguration()
        store = config.get_store_configuration(allow_default=False)
        url = store.url if store is not None and store.type.value == "rest" else None
        from kitaru_iac.connection.local_server import stop_local_server

        stopped = stop_local_server()
        if url is not None:
            config.set_default_store()
            get_credentials_store().clear_credentials(url)
        if url is None and not stopped:
            return LoggedOut(was_connected=False)
        stack = settled(None).stack
    return LoggedOut(True, redaction.url(url) if url else None, stopped, stack)


# -- inside ----------------------------------------------------------------------------------------


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


def _compare_versions(url: str, theirs: str) -> tuple[KitaruWarning, ...]:
    """Nothing, or a warning.

    Raises:
        NotConnectedError: The server is of another release line: what is written may not work.
    """
    ours = metadata.version("zenml")
    if ours == theirs:
        return ()
    if ours.split(".")[:2] == theirs.split(".")[:2]:
        return (VersionMismatch(f"The server runs ZenML {theirs}, and {ours} is installed here."),)
    raise NotConnectedError(
        f"The server {url} runs ZenML {theirs}, and {ours} is installed here",
        why="Stacks written by one release line of ZenML may not work with another",
        remedy="Use one release line on both sides: ZenML "
        f"{'.'.join(ours.split('.')[:2])} on the server, or a kitaru-iac for the server's here.",
    )


def _client_id() -> str:
    """The id of this installation, by which a server knows a device again."""
    with quiet(), translate_errors():
        from zenml.config.global_config import GlobalConfiguration

        return str(GlobalConfiguration().user_id)


def _switch(
    url: str,
    api_key: str | None,
    token: Mapping[str, Json] | None,
    verify_ssl: bool | str,
    project: tuple[str, str] | None,
) -> Settled:
    """Tell ZenML, and see what is active there."""
    with quiet() as heard, translate_errors():
        from zenml.config.global_config import GlobalConfiguration
        from zenml.login.credentials_store import get_credentials_store
        from zenml.models import OAuthTokenResponse
        from zenml.zen_stores.rest_zen_store import RestZenStoreConfiguration

        keep_private(config_home() / "credentials.yaml")
        credentials = get_credentials_store()
        if api_key is not None:
            # Whoever was logged in there before must not be used for this key.
            credentials.clear_credentials(url)
            credentials.set_api_key(url, api_key)
        elif token is not None:
            credentials.set_token(url, OAuthTokenResponse.model_validate(token))
        GlobalConfiguration().set_store(RestZenStoreConfiguration(url=url, verify_ssl=verify_ssl))
        found = settled(project)
        return found._replace(warnings=(*found.warnings, *heard.warnings))
