"""What ``--debug`` shows: our log on stderr, with ZenML's lines in it, and nothing secret."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping

from kitaru_iac import redaction
from kitaru_iac.machine.known_secrets import known_secrets

__all__ = ["is_asked_for", "show_log", "without_secrets"]


def is_asked_for(environ: Mapping[str, str] | None = None) -> bool:
    """Whether ``KITARU_DEBUG`` asks for it."""
    environ = os.environ if environ is None else environ
    return environ.get("KITARU_DEBUG", "").lower() in ("1", "true", "yes")


def show_log() -> None:
    """Write the log of this package to stderr, from now on."""

    class Formatter(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            return without_secrets(super().format(record))

    handler = logging.StreamHandler(sys.stderr)
    handler.kitaru = True  # type: ignore[attr-defined]  # gateway.quiet leaves it in place
    handler.setFormatter(Formatter("debug: %(message)s"))
    logger = logging.getLogger("kitaru_iac")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)


def without_secrets(text: str) -> str:
    """Give a text that others wrote, without what this machine's settings hold."""
    return redaction.text(text, *known_secrets())
