"""Where a credential string stands: an environment variable, a file, standard input, or itself."""

from __future__ import annotations

import os
import re
import stat
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

from kitaru_iac.files import how_to_close, read_small
from kitaru_iac.notices import CredentialsWarning

__all__ = ["CredentialsError", "read_file", "resolve_source"]

#: Bytes of a file with credentials: those of clouds have some thousands.
_LARGEST = 64 << 10
#: What JSON and keys have, and paths have not.
_NO_PATH = frozenset('{}"\n=')


class CredentialsError(ValueError):
    """A credential string is wrong. No field of it ever holds a secret.

    Args:
        what: What is wrong.
        why: The rule or fact that it breaks.
        remedy: What to write or do instead.
    """

    def __init__(self, what: str, why: str | None = None, remedy: str | None = None) -> None:
        self.what = what
        self.why = why
        self.remedy = remedy
        super().__init__(". ".join(part for part in (what, why, remedy) if part))


def resolve_source(
    text: str,
    stdin: TextIO | None = None,
    environ: Mapping[str, str] | None = None,
    *,
    pipes: bool = False,
) -> str:
    """The credential string that `text` stands for; `text` itself where it names no other place.

    Args:
        text: ``env:NAME``, ``file:PATH``, ``-`` for standard input, or a credential string.
        stdin: What ``-`` reads; this process's own by default.
        environ: What ``env:`` reads; this process's own by default.
        pipes: Whether a file may be a pipe.

    Raises:
        CredentialsError: The place does not exist, cannot be read, or is empty.

    Warns:
        CredentialsWarning: Others than the owner may read the file.
    """
    text = text.strip()
    if text == "-":
        return _from_stdin(sys.stdin if stdin is None else stdin)
    kind, colon, rest = text.partition(":")
    if colon and kind == "env":
        return _from_environment(rest.strip(), os.environ if environ is None else environ)
    if colon and kind == "file":
        # A shell's `<(command)` is a pipe; one that an agent or a file names would never end.
        return read_file(rest.strip(), "file:PATH", private=True, pipes=pipes).strip()
    return text


def _from_stdin(stdin: TextIO) -> str:
    if stdin.isatty():
        raise CredentialsError(
            "`-` reads credentials from standard input, and that is a terminal",
            remedy="Pipe them in, as in `… --credentials - < FILE`, or use env:NAME or file:PATH.",
        )
    content = stdin.read().strip()
    if not content:
        raise CredentialsError(
            "Standard input, where `-` reads credentials, is empty",
            remedy="Pipe the credential string in.",
        )
    return content


def _from_environment(name: str, environ: Mapping[str, str]) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        # What stands there may be the secret itself: it is not repeated.
        raise CredentialsError(
            "What follows `env:` is not a variable's name",
            remedy="Write env:NAME, with the name of the variable that holds the credentials.",
        )
    if name not in environ:
        raise CredentialsError(
            f"The environment variable {name} is not set", remedy=f"Set and export {name}."
        )
    value = environ[name].strip()
    if not value:
        raise CredentialsError(
            f"The environment variable {name} is empty", remedy=f"Put the credentials into {name}."
        )
    return value


def read_file(text: str, form: str, *, private: bool, pipes: bool = False) -> str:
    """The text of a file that holds credentials.

    Args:
        text: Its path.
        form: How the user should have written it, for the remedy.
        private: Whether others reading it deserves a warning.
        pipes: Whether it may be a pipe.

    Raises:
        CredentialsError: It is absent, unreadable, no file, larger than any key, or empty.
    """
    if not text:
        raise CredentialsError("The path is missing", remedy=f"Write {form}.")
    path = Path(text).expanduser()
    # What stands there may be the key itself: it is not repeated.
    named = "" if _NO_PATH.intersection(text) else f" {path}"
    try:
        content = read_small(path, _LARGEST, pipes=pipes).decode("utf-8")
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise CredentialsError(
            f"The credentials file{named} does not exist", remedy="Correct the path."
        ) from None
    except (OSError, UnicodeDecodeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise CredentialsError(
            f"The credentials file{named} cannot be read", f"{reason}", "Correct the path."
        ) from None
    if not content.strip():
        raise CredentialsError(
            f"The credentials file{named} is empty", remedy="Put the credentials into it."
        )
    if private and path.is_file() and mode & (stat.S_IRGRP | stat.S_IROTH):
        warnings.warn(
            CredentialsWarning(
                f"Others than you may read the credentials in {path}. "
                + how_to_close(path, str(path))
            ),
            stacklevel=3,
        )
    return content
