"""The login that is stored for a server: a token that is still good, or what gets a new one.

The rules are those of `zenml.login.credentials_store.CredentialsStore` (0.98). Nothing of ZenML is
imported: the file is read, and a new token written into it, in its form.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from kitaru_iac.errors import FileNotWritten
from kitaru_iac.machine.home import config_home
from kitaru_iac.machine.settings import LOGINS_FILE, changed, read_logins
from kitaru_iac.machine.unreadable import UnreadableError
from kitaru_iac.redaction import SecretText
from kitaru_iac.values import dataclass

__all__ = [
    "UNCACHED",
    "Login",
    "forget_login",
    "is_uncached",
    "kept_login",
    "remember_key",
    "remember_token",
]

UNCACHED: Final = "DISABLE_CREDENTIALS_DISK_CACHING"
_TRUE: Final = frozenset({"1", "on", "t", "true", "y", "yes"})
#: With a token: which configured secret it was given for. ZenML keeps what it does not know.
_GIVEN_FOR: Final = "kitaru_given_for"
#: Seconds before its end in which a token is not used: an answer has to arrive in time.
_LEEWAY: Final = 60


@dataclass(frozen=True, slots=True)
class Login:
    """How a server is asked.

    Attributes:
        token: A bearer token that has not expired; None where there is none.
        api_key: What gets a new one, or
        username: a user's name, with
        password: a password.
    """

    token: str | None = None
    api_key: SecretText | None = None
    username: str | None = None
    password: SecretText | None = None

    @property
    def can_renew(self) -> bool:
        """Whether a new token can be asked for without a person."""
        return self.api_key is not None or self.username is not None

    def form(self) -> dict[str, str]:
        """Give the form of ``POST /api/v1/login``."""
        if self.api_key is not None:
            return {"grant_type": "zenml-api-key", "password": str(self.api_key)}
        return {
            "grant_type": "password",
            "username": self.username or "",
            "password": str(self.password or ""),
        }

    @classmethod
    def stored(cls, url: str, store: Mapping[str, Any], environ: Mapping[str, str]) -> Login:
        """Find what ZenML would ask a server with.

        Args:
            url: The server's, without a slash at the end.
            store: The store's configuration, completed by the environment.
            environ: The environment variables.

        Raises:
            UnreadableError: Only ZenML knows how to log in there, or the file cannot be read.
        """
        if store.get("api_token"):
            return cls(token=str(store["api_token"]))
        kept = kept_login(url, environ)
        given = {name: str(store[name]) for name in _SECRETS if store.get(name)}
        # Credentials of the environment or the file win; a kept token may be somebody else's.
        token = _token_of(kept, given)
        merged = {name: kept.get(name) for name in _SECRETS if kept.get(name)} | given
        if given.get("api_key"):
            merged = {"api_key": given["api_key"]}
        elif given:
            merged.pop("api_key", None)
        if merged.get("api_key"):
            return cls(token, api_key=SecretText(str(merged["api_key"])))
        if merged.get("username"):
            password = SecretText(str(merged.get("password") or ""))
            return cls(token, username=str(merged["username"]), password=password)
        if token is None and _is_pro(kept, url):
            raise UnreadableError("a login through ZenML Pro has to come first")
        return cls(token)


_SECRETS: Final = ("api_key", "username", "password")


def remember_token(url: str, login: Login, answer: Mapping[str, Any]) -> None:
    """Keep a new token for the next command, as ZenML does. Not being able to is no failure.

    Args:
        url: The server's.
        login: What it was got with.
        answer: The server's answer to the login.
    """
    if is_uncached(os.environ):
        return
    with suppress(FileNotWritten), _changed() as kept:
        entry = _entry(kept, url)
        token = _as_kept(answer)
        if entry.get("api_key") != str(login.api_key or "") and login.can_renew:
            token[_GIVEN_FOR] = _fingerprint(login)
        entry["api_token"] = token


def remember_key(url: str, api_key: str | None, answer: Mapping[str, Any] | None) -> None:
    """Keep a login: a key, or the token that a device was given, in place of any other.

    Nothing is kept where `is_uncached` says so.

    Args:
        url: The server's.
        api_key: The key, if it is one.
        answer: The server's answer to the login, if a token came.
    """
    if is_uncached(os.environ):
        return
    with _changed() as kept:
        entry = {k: v for k, v in _entry(kept, url).items() if k not in (*_SECRETS, "api_token")}
        if api_key is not None:
            entry["api_key"] = api_key
        if answer is not None:
            entry["api_token"] = _as_kept(answer)
        kept[url] = entry


def forget_login(url: str) -> bool:
    """Forget a server's login. Returns whether there was one."""
    with _changed() as kept:
        return kept.pop(url, None) is not None


def is_uncached(environ: Mapping[str, str]) -> bool:
    """Say whether no login is to be on this disk, as ZenML's variable does: none is read either."""
    return environ.get(UNCACHED, "").lower() in _TRUE


def kept_login(url: str, environ: Mapping[str, str]) -> Mapping[str, Any]:
    """Give what is kept for a server; empty where nothing is."""
    if is_uncached(environ):
        return {}
    kept = read_logins().get(url)
    return kept if isinstance(kept, dict) else {}


# -- inside ----------------------------------------------------------------------------------------


def _changed() -> AbstractContextManager[dict[str, Any]]:
    return changed(_file(), "logins")


def _file() -> Path:
    return config_home() / LOGINS_FILE


def _entry(kept: dict[str, Any], url: str) -> dict[str, Any]:
    found = kept.get(url)
    if not isinstance(found, dict):
        found = kept[url] = {"url": url}
    return found


def _is_pro(kept: Mapping[str, Any], url: str) -> bool:
    # A server that is none may be kept with its own address as Pro's.
    pro = str(kept.get("pro_api_url") or url).rstrip("/")
    return bool(kept.get("workspace_id") or kept.get("organization_id") or pro != url)


def _token_of(kept: Mapping[str, Any], given: Mapping[str, str]) -> str | None:
    token = kept.get("api_token")
    if not isinstance(token, dict) or not token.get("access_token") or _expired(token):
        return None
    if any(kept.get(name) != value for name, value in given.items()):
        login = Login(
            api_key=SecretText(given["api_key"]) if "api_key" in given else None,
            username=given.get("username"),
            password=SecretText(given["password"]) if "password" in given else None,
        )
        if token.get(_GIVEN_FOR) != _fingerprint(login):
            return None
    elif token.get(_GIVEN_FOR) and not given:
        return None  # of a key that is not configured any more
    return str(token["access_token"])


def _fingerprint(login: Login) -> str:
    import hashlib  # only for a login that is configured, and not kept

    text = "\n".join(f"{key}={value}" for key, value in sorted(login.form().items()))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _as_kept(answer: Mapping[str, Any]) -> dict[str, Any]:
    """A token as `zenml.login.credentials.APIToken` has it."""
    lives = answer.get("expires_in")
    token: dict[str, Any] = {"access_token": answer["access_token"]}
    if isinstance(lives, int) and lives > 0:
        ends = datetime.now(UTC) + timedelta(seconds=lives)
        token |= {
            "expires_in": lives,
            "expires_at": ends.isoformat(),
            "leeway": 30 if lives < 3600 else lives // 20,
        }
    for name in ("device_id", "device_metadata"):
        if answer.get(name):
            token[name] = answer[name]
    return token


def _expired(token: Mapping[str, Any]) -> bool:
    expires = token.get("expires_at")
    if not expires:
        return False
    if isinstance(expires, str):
        try:
            expires = datetime.fromisoformat(expires)
        except ValueError as error:
            raise UnreadableError("the token's time of expiry cannot be read") from error
    if not isinstance(expires, datetime):
        raise UnreadableError("the token's time of expiry cannot be read")
    if expires.tzinfo is None:
        expires = expires.replace(tzinfo=UTC)
    leeway = timedelta(seconds=int(token.get("leeway") or 0) + _LEEWAY)
    return expires - leeway < datetime.now(UTC)
