"""What is at the other end: a terminal or not, with colour or not; and questions to a person."""

from __future__ import annotations

import os
import sys
from typing import TextIO

from kitaru_iac.errors import ConfirmationNeeded

__all__ = ["confirm", "has_color", "hidden_input", "is_terminal", "someone_is_there", "width"]


def is_terminal(stream: TextIO) -> bool:
    """Whether the stream ends at a terminal; a closed or replaced one does not."""
    try:
        return stream.isatty()
    except (AttributeError, ValueError):
        return False


def has_color(stream: TextIO) -> bool:
    """Whether to write colour there.

    ``NO_COLOR`` (https://no-color.org) goes first, then ``FORCE_COLOR``, then ``TERM=dumb``, then
    whether it is a terminal.
    """
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return os.environ.get("TERM") != "dumb" and is_terminal(stream)


def width() -> int:
    """The columns to write into: the terminal's, at most 100."""
    import shutil  # with four compressors, which most commands do without

    return max(40, min(100, shutil.get_terminal_size((100, 24)).columns))


def someone_is_there() -> bool:
    """Whether a question would be seen and could be answered."""
    return is_terminal(sys.stdin) and is_terminal(sys.stderr)


def confirm(question: str, *, remedy: str) -> bool:
    """Ask on stderr; nothing but a yes counts as one.

    Raises:
        ConfirmationNeeded: Nobody is there to answer.
    """
    if not someone_is_there():
        raise ConfirmationNeeded(
            "This has to be confirmed, and there is no terminal to ask on", remedy=remedy
        )
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def hidden_input(prompt: str, *, remedy: str) -> str:
    """Ask for a secret without showing what is typed.

    Raises:
        ConfirmationNeeded: Nobody is there to answer.
    """
    if not someone_is_there():
        raise ConfirmationNeeded("There is no terminal to ask on", remedy=remedy)
    from getpass import getpass

    return getpass(prompt, stream=sys.stderr).strip()
