"""Which stacks this machine's programs registered: a token per resource, kept between runs.

An `up` that is killed after the registration, before the engine notes it, leaves a stack that the
next `up` would find taken. The token on the stack's record tells its own from a colleague's, whose
program and stack may well be called the same.
"""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path

from kitaru_iac.errors import KitaruError

__all__ = ["remember_home", "run_of"]

_home: Path | None = None


def remember_home(home: Path) -> None:
    """Say where the tokens are, before another home is set for ZenML."""
    global _home  # noqa: PLW0603
    _home = home


def run_of(urn: str) -> str:
    """The token of a resource on this machine; made when it is first asked for."""
    from kitaru_iac.home import config_home

    folder = (_home or config_home()) / "kitaru" / "pulumi"
    file = folder / hashlib.sha256(urn.encode()).hexdigest()[:32]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with file.open("x", encoding="ascii") as new:
                new.write(secrets.token_hex(8))
        except FileExistsError:
            pass
        return file.read_text(encoding="ascii")
    except OSError as error:
        raise KitaruError(
            f"{file} cannot be written", why=error.strerror, remedy="Set KITARU_CONFIG_PATH."
        ) from error
