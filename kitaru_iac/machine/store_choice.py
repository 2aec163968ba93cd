"""What chooses the store: ZenML's file and the variables, and what is refused of them.

The rules are those of `zenml.config.global_config.GlobalConfiguration.get_store_configuration`
(0.98). Half a connection is refused, before another store is used in its place.
"""

from __future__ import annotations

from collections.abc import Mapping
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

__all__ = ["chosen_url", "require_own_kind", "require_whole", "with_environment"]

_STORE_PREFIX = "ZENML_STORE_"
_URL = "ZENML_STORE_URL"
_TYPE = "ZENML_STORE_TYPE"
_KEY = "ZENML_STORE_API_KEY"
_LOGINS = (AUTH_TOKEN, _KEY, "ZENML_STORE_API_TOKEN", "ZENML_STORE_USERNAME")
#: How the addresses of the databases begin that ZenML opens itself.
_DATABASES = ("sqlite://", "mysql://")


def chosen_url(config: Mapping[str, Any], environ: Mapping[str, str]) -> str | None:
    """The address of the store that ZenML would open, as written; None for the default local one.

    Args:
        config: The global configuration file's content.
        environ: The environment variables, after `apply_environment`.
    """
    stored = config.get("store")
    url = environ.get(_URL) or (stored.get("url") if isinstance(stored, dict) else None)
    return str(url) if url else None


def with_environment(
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


def _type_of(url: str) -> str:
    return "rest" if url.startswith(("http://", "https://")) else "sql"


def _of_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    return {
        name[len(_STORE_PREFIX) :].lower(): value
        for name, value in environ.items()
        if name.startswith(_STORE_PREFIX)
    }
