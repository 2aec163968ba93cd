"""Which store ZenML would open, from its configuration file and environment, without ZenML.

The rules are those of `zenml.config.global_config.GlobalConfiguration.get_store_configuration` and
`zenml.login.credentials_store.CredentialsStore` (0.98). What goes beyond them is left to ZenML.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kitaru_iac import redaction
from kitaru_iac.errors import NotConnectedError
from kitaru_iac.machine.environment import AUTH_TOKEN, SERVER_URL, given_as
from kitaru_iac.machine.home import config_home
from kitaru_iac.machine.server_address import likely_address, server_address
from kitaru_iac.machine.server_login import Login, kept_login
from kitaru_iac.machine.settings import CONFIG_FILE
from kitaru_iac.machine.unreadable import UnreadableError
from kitaru_iac.machine.whole import not_accepted
from kitaru_iac.values import dataclass, field

__all__ = [
    "NotMadeYet",
    "RestStore",
    "SqliteStore",
    "StoreLocation",
    "address_of_server",
    "chosen_url",
    "default_database",
    "is_of_the_host",
    "require_own_kind",
    "require_whole",
    "server_of",
    "store_location",
    "stored_server",
]

_STORE_PREFIX = "ZENML_STORE_"
_URL = "ZENML_STORE_URL"
_TYPE = "ZENML_STORE_TYPE"
_KEY = "ZENML_STORE_API_KEY"
_LOGINS = (AUTH_TOKEN, _KEY, "ZENML_STORE_API_TOKEN", "ZENML_STORE_USERNAME")
_SQLITE = "sqlite:///"
#: How the addresses of the databases begin that ZenML opens itself.
_DATABASES = ("sqlite://", "mysql://")
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
    store = _with_environment(stored, environ)
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


def require_own_kind(config: Mapping[str, Any], environ: Mapping[str, str]) -> None:
    """Refuse a stored address that no store of its kind has: ZenML would, after seconds.

    Args:
        config: The global configuration file's content.
        environ: The environment variables, after `apply_environment`.

    Raises:
        SettingsDamaged: It is of another kind than the store.
    """
    stored = config.get("store")
    if not isinstance(stored, dict) or _of_environment(environ).keys() & {"type", "url"}:
        return
    kind, url = stored.get("type"), stored.get("url")
    if kind not in ("rest", "sql") or not isinstance(url, str):
        return
    is_server = server_address(url).startswith(("http://", "https://"))
    if is_server is not (kind == "rest"):
        what = "a server" if kind == "rest" else "a database"
        raise not_accepted(
            config_home() / CONFIG_FILE,
            "global",
            f"`store` is of the type {kind}, and its `url` is not the address of {what}",
        )


def chosen_url(config: Mapping[str, Any], environ: Mapping[str, str]) -> str | None:
    """The address of the store that ZenML would open, as written; None for the default local one.

    Args:
        config: The global configuration file's content.
        environ: The environment variables, after `apply_environment`.
    """
    stored = config.get("store")
    url = environ.get(_URL) or (stored.get("url") if isinstance(stored, dict) else None)
    return str(url) if url else None


def require_whole(config: Mapping[str, Any], environ: Mapping[str, str]) -> None:
    """Refuse half a connection in the variables, before another store is used in its place.

    Args:
        config: The global configuration file's content.
        environ: The environment variables, after `apply_environment`.

    Raises:
        NotConnectedError: An address is none, or is of another kind than ``ZENML_STORE_TYPE`` says;
            ``KITARU_SERVER_URL`` has no login; a login, or a type, has no server; the server's
            address holds a login.
    """
    _require_no_login_in_address(config, environ)
    if given := environ.get(SERVER_URL, "").strip():
        _require_login(given, environ)
        return
    _require_store(environ)
    login = next((name for name in _LOGINS if environ.get(name, "").strip()), None)
    if login is not None and not _is_server(chosen_url(config, environ) or ""):
        login = given_as(login, environ)
        url = SERVER_URL if login == AUTH_TOKEN else _URL
        why = f"{url} is not set, and this machine is logged in to no server"
        if environ.get(_URL):
            why = f"{_URL} names a database, which needs no login"
        raise NotConnectedError(
            f"{login} is set, and nothing says for which server",
            why=why,
            remedy=f"Set {url} to the address of the server, or unset {login}.",
        )


def _require_no_login_in_address(config: Mapping[str, Any], environ: Mapping[str, str]) -> None:
    """Refuse a user in a server's address: ZenML's client would send that in a token's place."""
    if url := environ.get(SERVER_URL, "").strip():
        where, remedy = SERVER_URL, f"Leave it out and give the key in {AUTH_TOKEN}."
    elif url := environ.get(_URL, ""):
        where, remedy = _URL, f"Leave it out and give the key in {_KEY}."
    else:
        where, url = str(config_home() / CONFIG_FILE), chosen_url(config, environ) or ""
        remedy = "Leave it out of the `url` there, and log in: kitaru login URL"
    scheme, _, rest = url.partition("://")
    if scheme.lower() not in ("http", "https") or "@" not in rest:
        return
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        has_login = bool(parts.username or parts.password)
        _ = parts.port  # raises where the password has a slash in it
    except ValueError:  # a password may hold any sign
        has_login = True
    if has_login:
        raise NotConnectedError(
            "The URL holds a user or a password",
            where=where,
            why="ZenML servers take an API key, and a URL ends up in logs",
            remedy=remedy,
        )


def _require_store(environ: Mapping[str, str]) -> None:
    """See that ZenML's own variables name one store, if any."""
    url, kind = environ.get(_URL), environ.get(_TYPE)
    if url and not (_is_server(url) or url.startswith(_DATABASES)):
        raise NotConnectedError(
            f"{_URL} is not the address of a store",
            remedy=f"Write it as {likely_address(url) or 'https://HOST'}, or unset {_URL}.",
        )
    if kind and not url:
        raise NotConnectedError(
            f"{_TYPE} is set, and nothing says which store",
            why=f"With it, ZenML takes the store from {_URL} alone, which is not set",
            remedy=f"Set {_URL} too, or unset {_TYPE}.",
        )
    if url and kind and kind != _type_of(url):
        raise NotConnectedError(
            f"{_TYPE} and {_URL} contradict each other",
            why=f"The address is one of the type '{_type_of(url)}'",
            remedy=f"Unset {_TYPE}: the address tells it.",
        )


def _require_login(url: str, environ: Mapping[str, str]) -> None:
    if not _is_server(url):
        raise NotConnectedError(
            f"{SERVER_URL} is not the address of a server",
            remedy=f"Write it as {likely_address(url) or 'https://HOST'}, or unset {SERVER_URL}.",
        )
    try:
        login = Login.stored(server_address(url), _of_environment(environ), environ)
    except UnreadableError:  # there is one, of a kind that only ZenML can use
        return
    if login.token is None and not login.can_renew:
        shown, expired = redaction.url(url), kept_login(server_address(url), environ)
        kept = f"the login to {shown} that is kept here has expired"
        if not expired.get("api_token"):
            kept = f"no login to {shown} is kept here"
        raise NotConnectedError(
            f"{SERVER_URL} is set, and nothing to log in with",
            why=f"{AUTH_TOKEN} is not set, and {kept}",
            remedy=f"Set {AUTH_TOKEN} to an API key of that server, or unset {SERVER_URL}.",
        )


def _is_server(url: str) -> bool:
    scheme, _, rest = url.partition("://")
    return scheme in ("http", "https") and bool(rest.partition("/")[0])


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
        store = _with_environment(stored if isinstance(stored, dict) else None, environ)
    except UnreadableError:
        return None
    url = str((store or {}).get("url") or "")
    return store if url.startswith(("http://", "https://")) else None


def _with_environment(
    stored: dict[str, Any] | None, environ: Mapping[str, str]
) -> dict[str, Any] | None:
    """The stored configuration, replaced or completed by ``ZENML_STORE_*``."""
    given = _of_environment(environ)
    if not given:
        return stored
    if "type" not in given and "url" in given:
        given["type"] = _type_of(given["url"])
    if "type" in given:
        return given
    if stored is None:
        raise UnreadableError("the environment completes a store that is not configured yet")
    return {**stored, **given}


def _type_of(url: str) -> str:
    return "rest" if url.startswith(("http://", "https://")) else "sql"


def _of_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    return {
        name[len(_STORE_PREFIX) :].lower(): value
        for name, value in environ.items()
        if name.startswith(_STORE_PREFIX)
    }


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
