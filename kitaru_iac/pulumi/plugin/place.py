"""Which store a provider registers on, and that nothing is said of a stack without asking its own.

ZenML's stacks belong to a server, not to one of its projects. The server's id is kept in a stack's
state: another address may be the same server's, and an address may become another server's. The
engine deletes with the provider that a resource has by then, so whoever connects elsewhere has to
be refused rather than believed: what is not found there may live where it always was.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from kitaru_iac import redaction
from kitaru_iac.errors import KitaruError, NotConnectedError
from kitaru_iac.machine.ci import is_ci

if TYPE_CHECKING:
    from kitaru_iac.gateway.gateway import Gateway
    from kitaru_iac.gateway.identity import StoreIdentity
    from kitaru_iac.gateway.views import Reader
    from kitaru_iac.pulumi.plugin.wire import Properties

__all__ = [
    "LOCAL",
    "Machine",
    "connected",
    "environ",
    "here",
    "identity",
    "machine",
    "means_local",
    "properties",
    "reader",
    "remember_machine",
    "require_own",
]

#: What a provider's `url` says where this machine's own local store is meant.
LOCAL = "local"
#: Of a store that does not say which one it is.
_NO_ID = "it says no id"

#: The variables that say which store is meant, or where the settings are that say it.
_SAYING = (
    *("KITARU_CONFIG_PATH", "ZENML_CONFIG_PATH", "XDG_CONFIG_HOME", "HOME"),
    *("ZENML_STORE_URL", "KITARU_SERVER_URL"),
)

_local_is_meant = False
_found: dict[tuple[str | None, ...], StoreIdentity] = {}
#: The connection to a server, where it has not failed, and what reads through one.
_open: dict[tuple[str | None, ...], Gateway] = {}
_readers: dict[tuple[str | None, ...], Reader] = {}
_machine: Machine | None = None


@dataclass(frozen=True, slots=True)
class Machine:
    """What says which store is meant.

    Attributes:
        config: The content of ZenML's configuration file.
        environ: The environment variables, after `apply_environment`.
    """

    config: Mapping[str, Any]
    environ: Mapping[str, str]

    def local(self) -> Machine:
        """What says that the local store is meant, whatever this machine is logged in to."""
        from kitaru_iac.machine.store_location import default_database

        strangers = ("ZENML_STORE_", "KITARU_SERVER_URL", "KITARU_AUTH_TOKEN")
        kept = {key: value for key, value in self.environ.items() if not key.startswith(strangers)}
        kept["ZENML_STORE_URL"] = f"sqlite:///{default_database(self.environ)}"
        return Machine(self.config, kept)


def machine() -> Machine:
    """What this machine says, or said before this process got a configuration of its own."""
    if _machine is not None:
        return _machine
    from kitaru_iac.machine.settings import read_global
    from kitaru_iac.machine.store_location import default_database

    # The folder follows from the configuration's, which may become another one.
    stores = str(default_database(os.environ).parent.parent)
    return Machine(read_global(), {**os.environ, "ZENML_LOCAL_STORES_PATH": stores})


def environ() -> Mapping[str, str]:
    """The environment variables, as they were before this process got a connection of its own."""
    return os.environ if _machine is None else _machine.environ


def remember_machine() -> None:
    """Keep what the machine says, before this process gets a configuration of its own."""
    global _machine  # noqa: PLW0603
    try:
        _machine = machine()
    except KitaruError:  # damaged settings are in the way of nobody who does not need them
        _machine = Machine({}, dict(os.environ))


def means_local() -> None:
    """Note that this process's local store was asked for by name."""
    global _local_is_meant  # noqa: PLW0603
    _local_is_meant = True


def here() -> StoreIdentity:
    """The store that this process registers on; it is asked once.

    Raises:
        NotConnectedError: Nothing says which one is meant, or it does not answer.
        NotAllowedError: Only ZenML knows the way to it, and its login is not accepted.
    """
    from kitaru_iac.machine.settings import read_global

    key = _key()
    if key not in _found:
        found = identity(Machine(read_global(), os.environ), explicit=_local_is_meant)
        if found.is_made and found.shown.startswith(("http://", "https://")):
            found = replace(found, id=found.id or _told_by_zenml())
        if found.id is None:  # a local store that is still to be made has none
            return found
        _found[key] = found
    return _found[key]


def _told_by_zenml() -> str | None:
    """The id of a server that only ZenML's client can ask, as behind a SOCKS proxy."""
    from kitaru_iac.gateway.in_process import InProcess

    return InProcess.open().place.id


def _key() -> tuple[str | None, ...]:
    """What tells one store that this process may be told to register on from another."""
    return tuple(map(os.environ.get, _SAYING))


@contextmanager
def connected() -> Iterator[None]:
    """Let the stacks of a program share one connection to their server, one stack at a time.

    The server is asked once who it is, and once for each flavor. A local store is a file that each
    call opens for itself, as ever.

    Raises:
        NotConnectedError: As `here`, which asks before a connection is tried: nobody waits twice.
    """
    from kitaru_iac.records.shared_looks import shared_looks

    here()
    key = _key()
    gateway = _open.get(key) or _server()
    if gateway is None:
        yield
        return
    try:
        with shared_looks(gateway):
            yield
    except NotConnectedError:
        _open.pop(key, None)
        _readers.pop(key, None)
        raise
    _open[key] = gateway


@contextmanager
def reader() -> Iterator[Reader]:
    """What reads stacks: on a server the same one for all, and with it the same connection."""
    from kitaru_iac.gateway import open_reader

    key = _key()
    found = _readers.get(key) or open_reader()
    if key in _open:
        _readers[key] = found
    try:
        yield found
    finally:
        if key not in _open:
            found.close()


def _server() -> Gateway | None:
    """A new connection to the server; None for a local store, and where none can be had."""
    from kitaru_iac.gateway.opening import INSTEAD, open_gateway
    from kitaru_iac.machine.settings import read_global
    from kitaru_iac.machine.store_location import RestStore, store_location
    from kitaru_iac.machine.unreadable import UnreadableError

    try:
        store = store_location(read_global(), os.environ)
        if INSTEAD.get() is not None or not isinstance(store, RestStore):
            return None
        return open_gateway()
    except (KitaruError, UnreadableError):
        return None


def identity(machine: Machine, *, explicit: bool = False) -> StoreIdentity:
    """The store that ZenML would open where this is said.

    Args:
        machine: What says it.
        explicit: Whether a local store may be made, and used in CI.

    Raises:
        NotConnectedError: Nothing says which one is meant, or it does not answer.
    """
    from kitaru_iac.gateway.identity import StoreIdentity, identity_of
    from kitaru_iac.machine.store_choice import chosen_url
    from kitaru_iac.machine.store_location import (
        NotMadeYet,
        SqliteStore,
        is_of_the_host,
        server_of,
        store_location,
    )
    from kitaru_iac.machine.unreadable import UnreadableError

    config, environ = machine.config, machine.environ
    url = chosen_url(config, environ) or ""
    if not explicit and not url.startswith("http") and _login(environ):
        raise _nowhere(environ)  # the words of a provider, where a command has others
    try:
        store = store_location(config, environ)
    except UnreadableError as reason:
        if url.startswith("sqlite:") or not url:  # it would be made
            if not explicit:
                raise _nowhere(environ) from reason
        if isinstance(reason, NotMadeYet):
            return StoreIdentity(None, str(reason.path), is_made=False)
        with suppress(UnreadableError):  # a login that only ZenML can use: this needs none
            server = server_of(config, environ)
            if server is not None and not is_of_the_host(server.url, environ):
                return identity_of(server, environ)
        return StoreIdentity(None, redaction.url(url))
    if isinstance(store, SqliteStore) and not explicit and is_ci(environ):
        raise _nowhere(environ)
    return identity_of(store, environ)


def require_own(state: Properties | None, id: str, urn: str) -> None:
    """Refuse to speak of a stack whose server is not known to be the one that this process asks.

    A state without an id is of a store that says none, as a database that ZenML alone opens: it is
    told by its address. One that names no server is taken at its word.

    Args:
        state: The stack's properties, as the provider last gave them.
        id: The stack's.
        urn: The resource's.

    Raises:
        KitaruError: It is on another one, or may be.
        NotConnectedError: Nothing says which server is asked, or it does not answer.
    """
    found = here()
    if state is None:
        return
    before, server = state.values.get("serverId"), state.values.get("server")
    if found.id == before if before else server in (None, found.shown):
        return
    name = state.values.get("name") or id
    known = before and (found.id or not found.is_made)
    what = "is on another server than" if known else "may be on another server than"
    raise KitaruError(
        f"Stack '{name}' {what} this run is connected to; nothing was done",
        why=f"Pulumi's state has it on {server or 'a server'} ({before or _NO_ID}). "
        f"This run asks {found.shown} ({_id_of(found)}).",
        remedy="Connect to the stack's own server, by kitaru:url, the provider's url, or kitaru "
        "login. To move the stack, destroy it there first. If that server is gone for good: "
        f"pulumi state delete '{urn}'",
    )


def _id_of(found: StoreIdentity) -> str:
    return found.id or (_NO_ID if found.is_made else "there is no store yet")


def properties() -> dict[str, Any]:
    """What a stack's state says of its server."""
    found = here()
    return {"serverId": found.id, "server": found.shown}


def _login(environ: Mapping[str, str]) -> str | None:
    from kitaru_iac.machine.environment import given_login

    return given_login(environ)


def _nowhere(environ: Mapping[str, str]) -> NotConnectedError:
    login = _login(environ)
    if login is not None:
        what = f"{login} is set, and nothing says for which server"
        more = "The stack would be registered in a local store, and the login not used."
    else:
        what = "Nothing says which ZenML server stacks are registered on"
        more = (
            "A local store on a CI runner is gone with it."
            if is_ci(environ)
            else "It has no local store yet either."
        )
    return NotConnectedError(
        what,
        why=f"kitaru:url is not set, and this machine is logged in to no server. {more}",
        remedy="Set it: pulumi config set kitaru:url https://HOST, or KITARU_SERVER_URL beside "
        "KITARU_AUTH_TOKEN. If this machine's own local store is meant: "
        f"pulumi config set kitaru:url {LOCAL}",
    )
