"""The provider's configuration: which ZenML server, or the connection that the machine has."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kitaru_iac import redaction
from kitaru_iac.errors import KitaruError, Problem
from kitaru_iac.gateway.routes import parsed
from kitaru_iac.machine.server_address import (
    likely_address,
    more_than_address,
    server_address,
)
from kitaru_iac.pulumi.plugin import place
from kitaru_iac.spec.suggest import suggest

if TYPE_CHECKING:
    from kitaru_iac.gateway.identity import StoreIdentity
    from kitaru_iac.pulumi.plugin.wire import Properties

__all__ = ["KEYS", "Connection", "filled_in", "leads_elsewhere", "problems", "said"]

#: What the provider is configured with. Its namespace, `kitaru:`, holds the keys of a description
#: too, which belong to the program; the engine passes all of it.
KEYS = ("url", "apiKey", "verifySsl")
#: Written into a provider's properties by the engine and the SDKs.
_ENGINES = ("version", "pluginDownloadURL")
#: They would lead elsewhere than the configuration says.
_VARIABLES = (
    *("KITARU_SERVER_URL", "KITARU_AUTH_TOKEN", "KITARU_PROJECT", "ZENML_ACTIVE_PROJECT_ID"),
    *("ZENML_STORE_TYPE", "ZENML_STORE_API_TOKEN", "ZENML_STORE_USERNAME", "ZENML_STORE_PASSWORD"),
    *("ZENML_ACTIVE_STACK_ID", "ZENML_REPOSITORY_PATH"),
)


def problems(values: Mapping[str, Any], unknown: frozenset[str], *, shared: bool) -> list[Problem]:
    """What is wrong with a configuration.

    Args:
        values: By wire name.
        unknown: The names of those that are not known yet.
        shared: They are all of the namespace, as the default provider gets them: keys of others
            are not looked at.
    """
    found: list[Problem] = []
    for name in () if shared else sorted({*values, *unknown} - {*KEYS, *_ENGINES}):
        meant = suggest(name, KEYS)
        remedy = f"Did you mean `{meant}`?" if meant else f"They are {', '.join(KEYS)}."
        found.append(Problem(name, "it is not a property of this provider", remedy=remedy))
    url, key = values.get("url"), values.get("apiKey")
    if url == place.LOCAL:
        if key is not None or "apiKey" in unknown:
            found.append(Problem("apiKey", "a local store takes no API key", remedy="Remove it."))
        url, key = None, None
    elif url is not None:
        parts = parsed(str(url).strip())
        if parts is None or parts.scheme not in {"http", "https"}:
            what = f"`{parts.scheme}://…` is not" if parts and parts.scheme else "it is not"
            remedy = f"Write {likely_address(str(url)) or 'https://HOST'}."
            found.append(Problem("url", f"{what} the address of a server", remedy=remedy))
        elif parts.username or parts.password:
            what = "the address holds a user name or a password"
            found.append(Problem("url", what, remedy="Use apiKey."))
    if key is not None and (not isinstance(key, str) or not key.strip()):
        found.append(Problem("apiKey", "the API key is empty"))
    if url is not None and key is None and "apiKey" not in unknown:
        found.extend(_missing_key(str(url)))
    if key is not None and url is None and "url" not in unknown:
        found.append(
            Problem("url", "the server of the API key is missing", remedy="Write https://HOST.")
        )
    if _flag(values.get("verifySsl", True)) is None:
        found.append(Problem("verifySsl", "it has to be true or false"))
    return found


def _missing_key(url: str) -> list[Problem]:
    """What is wrong with a server's address that stands alone."""
    if _key_for(url):
        return []
    why = "a provider with a url does not use the machine's own login"
    if theirs := _server_of_key():
        why = f"that of the environment is for {redaction.url(theirs)}"
    remedy = "Set it: pulumi config set --secret kitaru:apiKey, or ZENML_STORE_API_KEY."
    return [Problem("apiKey", "the server's API key is missing", why, remedy)]


def _server_of_key() -> str | None:
    """The server that the environment has a key for, if it names one beside it."""
    theirs = _server_of_environment()
    return theirs if theirs and _key_for(theirs) else None


def filled_in(values: Mapping[str, Any]) -> frozenset[str]:
    """Which properties a generated SDK took from the environment, and are better left out.

    SDKs fill in the address and the key each by itself: a program that names another server, or the
    local store, would send it the key of the environment's. And an address without a key is that of
    the machine's own connection, which may have another login.
    """
    environ = place.environ()
    url, key = values.get("url"), values.get("apiKey")
    found = set()
    to_server = str(url).startswith(("http://", "https://"))
    if key and key == environ.get("ZENML_STORE_API_KEY"):
        if not to_server or not _key_for(str(url)):
            found.add("apiKey")
    if (
        url
        and server_address(str(url)) == environ.get("ZENML_STORE_URL")
        and (not key or "apiKey" in found)
    ):
        found.add("url")
    return frozenset(found)


def _key_for(url: str) -> str | None:
    """The key of the environment, unless that says that it is another server's."""
    if (theirs := _server_of_environment()) and theirs != server_address(url):
        return None
    return place.environ().get("ZENML_STORE_API_KEY")


def _server_of_environment() -> str | None:
    """The server that the environment names; None where it names none, or a database."""
    environ = place.environ()
    names = ("KITARU_SERVER_URL", "ZENML_STORE_URL")
    found = next((environ[name] for name in names if environ.get(name)), "")
    found = server_address(found)
    return found if found.startswith(("http://", "https://")) else None


def said(values: Mapping[str, Any]) -> tuple[str, ...]:
    """What has to be said of a configuration without problems."""
    more = more_than_address(str(values.get("url") or ""), "url")
    return (more,) if more else ()


def _flag(value: object) -> bool | None:
    if isinstance(value, bool):
        return value
    # A provider's properties arrive as JSON text.
    return {"true": True, "false": False}.get(str(value).strip().lower())


@dataclass(frozen=True, slots=True)
class Connection:
    """Where stacks are registered.

    Attributes:
        url: The server's address, or ``local`` for this machine's local store; None for the
            machine's own connection.
        api_key: The key of a service account.
        verify_ssl: Whether the server's certificate is verified.
    """

    url: str | None = None
    api_key: str | None = None
    verify_ssl: bool = True

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Connection:
        """The connection of a configuration without problems."""
        return cls(
            url=values.get("url"),
            api_key=values.get("apiKey") or _key_for(str(values.get("url") or "")),
            verify_ssl=_flag(values.get("verifySsl", True)) is not False,
        )

    def use(self) -> str | None:
        """Make it this process's connection: a plugin's process serves one provider only.

        Returns:
            The folder that ZenML's configuration is kept in meanwhile, so that the machine's own
            is left alone; None where that is the one that is used.

        Raises:
            KitaruError: The server's API key is missing. The engine asks `problems` of a program's
                provider only: that of a state may have had its key from another environment.
        """
        if self.url is None:
            return None
        if self.url == place.LOCAL:
            return _use_local()
        if self.api_key is None:
            theirs = _server_of_key()
            now = f"that is for {redaction.url(theirs)} now" if theirs else "there is none now"
            raise KitaruError(
                f"The API key of {redaction.url(self.url)} is missing",
                why=f"This provider was made with a key from the environment, and {now}",
                remedy="Set ZENML_STORE_API_KEY to a key of that server.",
            )
        home = _own_home()
        os.environ["ZENML_STORE_URL"] = server_address(self.url)
        os.environ["ZENML_STORE_API_KEY"] = self.api_key
        os.environ["ZENML_STORE_VERIFY_SSL"] = str(self.verify_ssl).lower()
        return home

    def identity(self) -> StoreIdentity | None:
        """Which store it leads to, whatever this process is connected to; None: it cannot be told.

        No login is sent.
        """
        from kitaru_iac.gateway.identity import identity_of
        from kitaru_iac.machine.store_location import RestStore

        try:
            if self.url not in (None, place.LOCAL):
                store = RestStore(server_address(str(self.url)), verify=self.verify_ssl)
                return identity_of(store, os.environ)
            machine = place.machine()
            if self.url == place.LOCAL:
                machine = machine.local()
            return place.identity(machine, explicit=self.url is not None)
        except KitaruError:
            return None


def leads_elsewhere(old: Properties, new: Properties) -> bool:
    """Whether two configurations lead to two servers, as far as both answer."""
    if "url" in new.unknown or old.values.get("url") == new.values.get("url"):
        return False
    before, after = (Connection.of(given.values).identity() for given in (old, new))
    return before is not None and after is not None and after.differs_from(before.id)


def _own_home() -> str:
    """Give this process a configuration of its own, and take away what leads elsewhere."""
    from kitaru_iac.machine.home import config_home
    from kitaru_iac.pulumi.plugin.runs import remember_home

    place.remember_machine()
    remember_home(config_home())
    home = tempfile.mkdtemp(prefix="kitaru-provider-")
    for name in _VARIABLES:
        os.environ.pop(name, None)
    for name in ("KITARU_CONFIG_PATH", "ZENML_CONFIG_PATH"):
        os.environ[name] = home
    return home


def _use_local() -> str | None:
    """Open this machine's local store, whatever it is logged in to.

    Its own configuration stays in use where that names no server: with `activate` the stack becomes
    the machine's active one.
    """
    from kitaru_iac.machine.store_location import stored_server

    machine = place.machine()
    home = _own_home() if stored_server(machine.config) else None
    place.means_local()
    wanted = machine.local().environ
    for name in set(os.environ) - set(wanted):
        os.environ.pop(name)
    os.environ["ZENML_STORE_URL"] = wanted["ZENML_STORE_URL"]
    return home
