"""Which stacks this machine's programs registered: tokens for each resource, kept between runs.

An `up` that is killed after the registration, before the engine notes it, leaves a stack that the
next `up` would find taken. The token on the stack's record tells its own from a colleague's, whose
program and stack may well be called the same.

Every creation has a token of its own, so that the deletion of what it replaced is told from its
own: see `kitaru_iac.records.owner.require_removable`. It is written down before the registration,
beside those of creations whose end is not known.

Two states may hold resources of one URN: in two backends or organizations, or where a Pulumi stack
was renamed and another one got its name. The protocol does not say which state it is, so tokens are
kept by backend, and with the provider that a creation used: the engine gives each provider an id,
which lives as long as the provider is in the state. The same provider with another id is another
state's, or came anew into this one; either way it has no claim.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable, Collection
from functools import cache
from pathlib import Path
from typing import TypeVar

from kitaru_iac.errors import KitaruError
from kitaru_iac.pulumi.plugin.backend import VARIABLES, backend

__all__ = ["begin", "hold", "known", "latest", "remember_home", "serve", "settle"]

T = TypeVar("T")
_home: Path | None = None
#: The provider that this process is: its URN, shortened, and its id.
_provider: tuple[str, str] | None = None
#: The id of a provider that a preview does not make: the engine's word for what is unknown.
_UNMADE = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def remember_home(home: Path) -> None:
    """Say where the tokens are, before another home is set for ZenML."""
    global _home  # noqa: PLW0603
    _home = home


def serve(urn: str, id: str) -> None:
    """Say which provider this process is; nothing is told by an engine that leaves it out."""
    global _provider  # noqa: PLW0603
    _provider = (hashlib.sha256(urn.encode()).hexdigest()[:12], id) if urn and id else None


def known(urn: str) -> frozenset[str]:
    """The tokens under which this machine may have registered a resource's stack for this state."""
    return frozenset(_own(urn))


def begin(urn: str) -> str:
    """A fresh token for a creation that is about to begin, noted beside the earlier ones."""
    token = secrets.token_hex(8)
    _note(urn, token)
    return token


def hold(urn: str, token: str, *, written: bool = False) -> None:
    """Note that the state of this process's provider holds a token, whoever made it.

    Args:
        urn: The resource's.
        token: The token.
        written: The stack was written with it, so that this machine is to know it from now on.
    """
    if _provider is None or _provider[1] == _UNMADE:
        return
    makers = _notes(urn).get(token)
    if (makers is None and written) or (makers is not None and _provider not in makers):
        _note(urn, token)


def settle(urn: str, token: str) -> None:
    """Keep the token of a creation that ended well, and forget those of earlier ones."""

    def replace(file: Path) -> None:
        fresh = file.with_name(f"{file.name}-{token}")
        fresh.write_text(f"{_written(token)}\n", encoding="ascii")
        fresh.replace(file)

    _on_file(urn, replace)


def latest(urn: str) -> str:
    """The newest token of a resource on this machine; made when it is first asked for."""
    found = _own(urn)
    return found[-1] if found else begin(urn)


def _own(urn: str) -> list[str]:
    """The tokens that are not another state's, the newest last."""
    return [token for token, makers in _notes(urn).items() if _may_be_ours(makers)]


def _may_be_ours(makers: Collection[tuple[str, str]]) -> bool:
    """Whether a creation was for this state, by the providers that are noted with its token.

    One with another URN proves nothing: a new version of the plugin has one, and so has the
    program's own provider after the default one.
    """
    if _provider is None:
        return True
    same = [maker for maker in makers if maker[0] == _provider[0]]
    return not same or _provider in same


def _written(token: str) -> str:
    """A token as it is noted, with the provider if that is known."""
    return ":".join([token, *(_provider or ())])


def _note(urn: str, token: str) -> None:
    def note(file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a", encoding="ascii") as notes:
            # One write: a kill leaves the whole note or nothing of it.
            notes.write(f"\n{_written(token)}\n")

    _on_file(urn, note)


def _notes(urn: str) -> dict[str, list[tuple[str, str]]]:
    """The tokens of a resource, with the URN and the id of each provider that is noted with it."""

    def read(file: Path) -> str:
        try:
            return file.read_text(encoding="ascii", errors="replace")
        except FileNotFoundError:
            return ""

    found: dict[str, list[tuple[str, str]]] = {}
    for word in _on_file(urn, read).split():
        token, *maker = word.split(":")
        makers = found.setdefault(token, [])
        if len(maker) == 2:
            makers.append((maker[0], maker[1]))
    return found


def _on_file(urn: str, do: Callable[[Path], T]) -> T:
    from kitaru_iac.machine.home import config_home

    folder = (_home or config_home()) / "kitaru" / "pulumi"
    state = _backend(_folder(), *map(os.environ.get, VARIABLES))
    file = folder / hashlib.sha256(f"{urn}\n{state}".encode()).hexdigest()[:32]
    try:
        return do(file)
    except OSError as error:
        raise KitaruError(
            f"{file} cannot be used", why=error.strerror, remedy="Set KITARU_CONFIG_PATH."
        ) from error


def _folder() -> str:
    try:
        return os.getcwd()  # noqa: PTH109 - a key, not a path
    except OSError:  # it is gone
        return ""


@cache
def _backend(*_: str | None) -> str:
    """The engine's backend, which stays what it is while the engine runs; by what says it."""
    return backend()
