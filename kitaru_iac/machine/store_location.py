"""Which store ZenML would open, from its configuration file and environment, without ZenML.

The rules are those of `zenml.config.global_config.GlobalConfiguration.get_store_configuration` and
`zenml.login.credentials_store.CredentialsStore` (0.98). What goes beyond them is left to ZenML.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kitaru_iac import redaction
from kitaru_iac.machine.home import config_home
from kitaru_iac.machine.server_address import server_address
from kitaru_iac.machine.server_login import Login
from kitaru_iac.machine.store_choice import require_own_kind, require_whole, with_environment
from kitaru_iac.machine.unreadable import UnreadableError
from kitaru_iac.values import dataclass, field

__all__ = [
    "NotMadeYet",
    "RestStore",
    "SqliteStore",
    "StoreLocation",
    "address_of_server",
    "default_database",
    "is_of_the_host",
    "server_of",
    "store_location",
    "stored_server",
]

_SQLITE = "sqlite:///"
_TRUE = frozenset({"1", "on", "t", "true", "y", "yes"})
_FALSE = frozenset({"0", "off", "f", "false", "n", "no"})
#: ZenML's `DEFAULT_HTTP_TIMEOUT`, in seconds.
_TIMEOUT = 30


@dataclass(frozen=True, slots=True)
class SqliteStore:
    """A local SQLite database, which is there."""

    path: Path


@dataclass(frozen=True, slots=True)
class RestStore:
    """A ZenML server.

    Attributes:
        url: Without a slash at the end.
        login: What it is asked with; empty for a server that wants none.
        verify: Whether to verify its certificate; or the path or the text of a CA bundle.
        timeout: Seconds to wait for an answer.
    """

    url: str
    login: Login = field(default_factory=Login, repr=False)
    verify: bool | str = True
    timeout: int = _TIMEOUT

    def __repr__(self) -> str:
        return f"RestStore({redaction.url(self.url)!r})"


StoreLocation = SqliteStore | RestStore


class NotMadeYet(UnreadableError):
    """There is no local database yet, or an empty file: ZenML makes it.

    Args:
        path: Where it will be.
        is_empty: Whether there is an empty file.
    """

    def __init__(self, path: Path, *, is_empty: bool = False) -> None:
        self.path = path
        super().__init__(
            f"the database {path} is empty" if is_empty else f"there is no database {path} yet"
        )


def store_location(config: Mapping[str, Any], environ: Mapping[str, str]) -> StoreLocation:
    """The store that ZenML would open.

    Args:
        config: The global configuration file's content.
        environ: The environment variables.

    Raises:
        NotConnectedError: The environment gives half of a connection; see `require_whole`.
        SettingsDamaged: The stored address is of another kind than the store.
        NotMadeYet: It is not there yet.
        UnreadableError: It is not one that can be read without ZenML.
    """
    require_whole(config, environ)
    stored = config.get("store")
    if stored is not None and not isinstance(stored, dict):
        raise UnreadableError("the configuration file has no readable `store`")
    store = with_environment(stored, environ)
    if store is None:
        return _sqlite(_SQLITE + str(default_database(environ)))
    url = store.get("url")
    if not isinstance(url, str):
        raise UnreadableError("the configured store has no URL")
    require_own_kind(config, environ)
    if store.get("type") == "rest":
        return _rest(url, store, environ)
    if store.get("type") == "sql":
        return _sqlite(url)
    raise UnreadableError(f"the store is of the type {store.get('type')!r}")


def server_of(config: Mapping[str, Any], environ: Mapping[str, str]) -> RestStore | None:
    """The server that ZenML would ask, without the login; None where that is not told by these.

    Raises:
        UnreadableError: Whether its certificate is to be verified, or how long it has for an
            answer, cannot be told.
    """
    store = _server_store(config, environ)
    if store is None:
        return None
    verify = _verify(store.get("verify_ssl", True))
    return RestStore(server_address(str(store["url"])), verify=verify, timeout=_timeout(store))


def address_of_server(config: Mapping[str, Any], environ: Mapping[str, str]) -> str | None:
    """As `server_of`, its address alone: whatever else of the settings is wrong."""
    store = _server_store(config, environ)
    return None if store is None else server_address(str(store["url"]))


def _server_store(config: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any] | None:
    """The settings of a store that is a server's."""
    stored = config.get("store")
    try:
        store = with_environment(stored if isinstance(stored, dict) else None, environ)
    except UnreadableError:
        return None
    url = str((store or {}).get("url") or "")
    return store if url.startswith(("http://", "https://")) else None


def default_database(environ: Mapping[str, str]) -> Path:
    """Where the database of the local store is, or will be."""
    stores = environ.get("ZENML_LOCAL_STORES_PATH")
    root = Path(stores) if stores is not None else config_home() / "local_stores"
    return root / "default_zen_store" / "zenml.db"


def stored_server(config: Mapping[str, Any]) -> str | None:
    """The address of the server that the configuration file names; None for another store."""
    store = config.get("store")
    if not isinstance(store, dict) or store.get("type") != "rest" or not store.get("url"):
        return None
    return server_address(str(store["url"]))


def _sqlite(url: str) -> SqliteStore:
    database = url.removeprefix(_SQLITE)
    if database == url or not database or "?" in database or database.startswith(":"):
        scheme = url.partition(":")[0]
        raise UnreadableError(f"the store is a database of the kind {scheme!r}")
    path = Path(database)
    from kitaru_iac.machine.local_database import (
        size_of,
    )  # with SQLite, which a server does without

    size = size_of(path)
    if not size:
        raise NotMadeYet(path, is_empty=size is not None)
    return SqliteStore(path)


def _rest(url: str, store: Mapping[str, Any], environ: Mapping[str, str]) -> RestStore:
    url = server_address(url)
    if not url.startswith(("http://", "https://")):
        raise UnreadableError("the server's URL is neither http nor https")
    if is_of_the_host(url, environ):
        raise UnreadableError("inside a ZenML container, localhost stands for the host")
    return RestStore(
        url=url,
        login=Login.stored(url, store, environ),
        verify=_verify(store.get("verify_ssl", True)),
        timeout=_timeout(store),
    )


def _timeout(store: Mapping[str, Any]) -> int:
    try:
        return int(store.get("http_timeout", _TIMEOUT))
    except (TypeError, ValueError, OverflowError) as error:
        raise UnreadableError("`http_timeout` is not a number") from error


def is_of_the_host(url: str, environ: Mapping[str, str]) -> bool:
    """Say whether ZenML takes this for an address of the machine that its container runs on."""
    host = url.partition("://")[2].split("/", 1)[0]
    is_contained = environ.get("ZENML_CONTAINER", "").lower() in _TRUE
    return is_contained and host.startswith(("localhost", "127.0.0.1"))


def _verify(value: object) -> bool | str:
    if isinstance(value, str):
        word = value.strip().lower()
        if word in _TRUE:
            return True
        return False if word in _FALSE else value
    if isinstance(value, bool):
        return value
    raise UnreadableError("`verify_ssl` is neither true, false nor a CA bundle")
