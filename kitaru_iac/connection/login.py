"""Connect to a store: prepare a directory, log in to a server or start a local one, log out.

A login is tried over plain HTTP first (`gateway.server`). ZenML is told only when server, key and
project are known to be right, and if even then something fails, its files are put back.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import IO, Any

from kitaru_iac.connection.results import Initialized, LoggedIn, LoggedOut
from kitaru_iac.errors import (
    KitaruError,
    NotAllowedError,
    NotConnectedError,
    NotFoundError,
    UsageError,
)
from kitaru_iac.gateway.errors import translate_errors
from kitaru_iac.gateway.quiet import quiet
from kitaru_iac.gateway.server import Server, plain_url, server_url
from kitaru_iac.machine.home import config_home
from kitaru_iac.notices import KitaruWarning, NoActiveProject, VersionMismatch

__all__ = [
    "Initialized",
    "LoggedIn",
    "LoggedOut",
    "files_restored_on_failure",
    "init",
    "key_from",
    "login",
    "logout",
    "refuse_if_fixed_by_environment",
    "settled",
]

_URL_VARIABLE = "ZENML_STORE_URL"
#: These would be written into ZenML's files by a login that is about another key.
_KEY_VARIABLES = ("ZENML_STORE_API_KEY", "ZENML_STORE_API_TOKEN")


def init(path: str | os.PathLike[str] | None = None) -> Initialized:
    """Make a directory a ZenML repository, as ``zenml init`` does.

    Args:
        path: The directory; the current one if None.

    Raises:
        NotFoundError: There is no such directory.
    """
    target = Path.cwd() if path is None else Path(path).expanduser().resolve()
    if not target.is_dir():
        kind = "is not a directory" if target.exists() else "does not exist"
        raise NotFoundError(f"{target} {kind}", where="PATH", remedy=f"Make it: mkdir -p {target}")
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
        verify_ssl = str(Path(verify_ssl).expanduser())
    server = Server(address, verify_ssl=verify_ssl, timeout=timeout)
    info = server.info()
    warnings = _compare_versions(address, info.version)
    token: dict[str, Any] | None = None
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
    with files_restored_on_failure(), _without_variables(*_KEY_VARIABLES):
        connected = _switch(address, api_key, token, verify_ssl, chosen)
    return LoggedIn(
        url=address,
        server_version=info.version,
        user=user,
        project=connected[0],
        active_stack=connected[1],
        warnings=(*warnings, *connected[2]),
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
        _, stack, _ = settled(None)
    return LoggedOut(True, plain_url(url) if url else None, stopped, stack)


# -- inside ----------------------------------------------------------------------------------------


def refuse_if_fixed_by_environment() -> None:
    """With `ZENML_STORE_URL` set, ZenML connects there whatever was logged in to."""
    url = os.environ.get(_URL_VARIABLE)
    if url:
        raise NotAllowedError(
            f"{_URL_VARIABLE} is set and says what to connect to",
            why=f"It names {plain_url(url)} and takes precedence over every login",
            remedy=f"Unset it first: unset {_URL_VARIABLE}",
        )


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
    token: dict[str, Any] | None,
    verify_ssl: bool | str,
    project: tuple[str, str] | None,
) -> tuple[str | None, str | None, tuple[KitaruWarning, ...]]:
    """Tell ZenML. Returns the active project and stack, and warnings."""
    with quiet() as heard, translate_errors():
        from zenml.config.global_config import GlobalConfiguration
        from zenml.login.credentials_store import get_credentials_store
        from zenml.models import OAuthTokenResponse
        from zenml.zen_stores.rest_zen_store import RestZenStoreConfiguration

        _keep_private(config_home() / "credentials.yaml")
        credentials = get_credentials_store()
        if api_key is not None:
            # Whoever was logged in there before must not be used for this key.
            credentials.clear_credentials(url)
            credentials.set_api_key(url, api_key)
        elif token is not None:
            credentials.set_token(url, OAuthTokenResponse(**token))
        GlobalConfiguration().set_store(RestZenStoreConfiguration(url=url, verify_ssl=verify_ssl))
        name, stack, warnings = settled(project)
        return name, stack, (*warnings, *heard.warnings)


def settled(
    project: tuple[str, str] | None,
) -> tuple[str | None, str | None, tuple[KitaruWarning, ...]]:
    """Set the project, and look what is active now. Call it inside `quiet()`."""
    from zenml.client import Client
    from zenml.config.global_config import GlobalConfiguration

    Client._reset_instance()
    client = Client()
    if project is not None:
        client.set_active_project(project[0])
    stack = client.active_stack_model.name
    active = GlobalConfiguration().active_project_id
    name = project[1] if project else None
    if active is None:
        hint = NoActiveProject("No project is active there: kitaru login URL --project NAME")
        return None, stack, (hint,)
    if name is None:
        name = client.active_project.name
    return name, stack, ()


def _keep_private(path: Path) -> None:
    """Let nobody else read the file that ZenML is about to write keys into. It keeps the mode."""
    with contextlib.suppress(FileExistsError):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write("{}\n")
    with contextlib.suppress(OSError):  # somebody else's file on a shared machine
        path.chmod(0o600)


@contextlib.contextmanager
def _without_variables(*names: str) -> Iterator[None]:
    kept = {name: os.environ.pop(name) for name in names if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(kept)


@contextlib.contextmanager
def files_restored_on_failure() -> Iterator[None]:
    """Put ZenML's settings and logins back as they were if the block fails."""
    home = config_home()
    paths = [home / "config.yaml", home / "credentials.yaml"]
    before = {path: path.read_bytes() if path.exists() else None for path in paths}
    try:
        yield
    except BaseException as error:
        for path, content in before.items():
            if content is not None:
                path.write_bytes(content)
            else:
                path.unlink(missing_ok=True)
        _forget_what_zenml_holds()
        if isinstance(error, KitaruError) and error.why is None:
            error.why = "The connection is unchanged"
        raise


def _forget_what_zenml_holds() -> None:
    from zenml.client import Client
    from zenml.config.global_config import GlobalConfiguration
    from zenml.login.credentials_store import CredentialsStore

    Client._reset_instance()
    GlobalConfiguration._reset_instance()
    CredentialsStore.reset_instance()
