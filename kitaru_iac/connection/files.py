"""ZenML's settings and logins on this machine: who decides on them, and how none is lost."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Final

from kitaru_iac import redaction
from kitaru_iac.errors import KitaruError, NotAllowedError
from kitaru_iac.errors.base import in_sentences
from kitaru_iac.gateway.installation import forget_what_zenml_holds
from kitaru_iac.machine.environment import given_as
from kitaru_iac.machine.settings import put_back, writes_noted

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
    """Put those of ZenML's settings and logins back that the block wrote, if it fails.

    What another process has written since stays: a login of another shell, for example.
    """
    with writes_noted() as noted:
        try:
            yield
        except BaseException as error:
            written = dict(noted)
            kept = [path for path, done in written.items() if not put_back(path, done)]
            if "zenml" in sys.modules:
                forget_what_zenml_holds()
            if isinstance(error, KitaruError) and kept:
                error.why = in_sentences(error.why, f"Not put back: {kept[0]}")
            elif isinstance(error, KitaruError) and error.why is None:
                error.why = "The connection is unchanged"
            raise
