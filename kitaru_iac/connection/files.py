"""ZenML's settings and logins on this machine: who decides on them, and how none is lost."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from kitaru_iac import redaction
from kitaru_iac.errors import FileNotWritten, KitaruError, NotAllowedError
from kitaru_iac.gateway.installation import forget_what_zenml_holds
from kitaru_iac.machine.environment import given_as
from kitaru_iac.machine.home import config_home
from kitaru_iac.machine.settings import CONFIG_FILE, LOGINS_FILE, replace

__all__ = [
    "URL_VARIABLE",
    "files_restored_on_failure",
    "refuse_if_fixed_by_environment",
    "without_variables",
]

URL_VARIABLE: Final = "ZENML_STORE_URL"


def refuse_if_fixed_by_environment() -> None:
    """Refuse to connect elsewhere where a variable says what to: ZenML goes there anyway.

    Raises:
        NotAllowedError: It is set.
    """
    url = os.environ.get(URL_VARIABLE)
    if url:
        name = given_as(URL_VARIABLE)
        raise NotAllowedError(
            f"{name} is set and says what to connect to",
            why=f"It names {redaction.url(url)} and takes precedence over every login",
            remedy=f"Unset it first: unset {name}",
        )


@contextlib.contextmanager
def without_variables(*names: str) -> Iterator[None]:
    """Take variables out of the environment for the block."""
    kept = {name: os.environ.pop(name) for name in names if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(kept)


@contextlib.contextmanager
def files_restored_on_failure() -> Iterator[None]:
    """Put ZenML's settings and logins back as they were if the block fails."""
    home = config_home()
    paths = [home / CONFIG_FILE, home / LOGINS_FILE]
    before = {path: _text(path) for path in paths}
    try:
        yield
    except BaseException as error:
        changed = [path for path, text in before.items() if not _put_back(path, text)]
        if "zenml" in sys.modules:
            forget_what_zenml_holds()
        if isinstance(error, KitaruError) and changed:
            error.why = " ".join(filter(None, [error.why, f"Not put back: {changed[0]}"]))
        elif isinstance(error, KitaruError) and error.why is None:
            error.why = "The connection is unchanged"
        raise


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def _put_back(path: Path, text: str | None) -> bool:
    """Whether the file is as it was, or could be made so."""
    try:
        if text is None:
            path.unlink(missing_ok=True)
        elif _text(path) != text:
            replace(path, text)
    except (FileNotWritten, OSError):
        return False
    return True
