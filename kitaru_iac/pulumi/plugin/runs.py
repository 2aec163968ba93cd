"""Which stacks this machine's programs registered: tokens for each resource, kept between runs.

An `up` that is killed after the registration, before the engine notes it, leaves a stack that the
next `up` would find taken. The token on the stack's record tells its own from a colleague's, whose
program and stack may well be called the same.

Every creation has a token of its own, so that the deletion of what it replaced is told from its
own: see `kitaru_iac.records.owner.require_removable`. It is written down before the registration,
beside those of creations whose end is not known.

Two states may hold resources of one URN, in two backends. Their tokens are kept apart, or the
second would take the stack of the first.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from kitaru_iac.errors import KitaruError
from kitaru_iac.pulumi.plugin.backend import backend

__all__ = ["begin", "known", "latest", "remember_home", "settle"]

T = TypeVar("T")
_home: Path | None = None


def remember_home(home: Path) -> None:
    """Say where the tokens are, before another home is set for ZenML."""
    global _home  # noqa: PLW0603
    _home = home


def known(urn: str) -> frozenset[str]:
    """The tokens under which this machine may have registered a resource's stack."""
    return frozenset(_tokens(urn))


def begin(urn: str) -> str:
    """A fresh token for a creation that is about to begin, noted beside the earlier ones."""
    token = secrets.token_hex(8)

    def note(file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a", encoding="ascii") as notes:
            # One write: a kill leaves the whole token or nothing of it.
            notes.write(f"\n{token}\n")

    _on_file(urn, note)
    return token


def settle(urn: str, token: str) -> None:
    """Keep the token of a creation that ended well, and forget those of earlier ones."""

    def replace(file: Path) -> None:
        fresh = file.with_name(f"{file.name}-{token}")
        fresh.write_text(f"{token}\n", encoding="ascii")
        fresh.replace(file)

    _on_file(urn, replace)


def latest(urn: str) -> str:
    """The newest token of a resource on this machine; made when it is first asked for."""
    found = _tokens(urn)
    return found[-1] if found else begin(urn)


def _tokens(urn: str) -> list[str]:
    def read(file: Path) -> str:
        try:
            return file.read_text(encoding="ascii", errors="replace")
        except FileNotFoundError:
            return ""

    return _on_file(urn, read).split()


def _on_file(urn: str, do: Callable[[Path], T]) -> T:
    from kitaru_iac.machine.home import config_home

    folder = (_home or config_home()) / "kitaru" / "pulumi"
    file = folder / hashlib.sha256(f"{urn}\n{backend()}".encode()).hexdigest()[:32]
    try:
        return do(file)
    except OSError as error:
        raise KitaruError(
            f"{file} cannot be used", why=error.strerror, remedy="Set KITARU_CONFIG_PATH."
        ) from error
