"""Write a file for the user: whole, or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from kitaru_iac.errors import FileNotWritten

__all__ = ["write_whole"]

#: Characters of a file that tell what it is.
_BEGINNING = 200


def write_whole(path: Path, text: str, *, over: Callable[[str], bool]) -> None:
    """Write text to a file in one step; a reader sees the old content or the new.

    Args:
        path: The file. Where it is a link, what it leads to is written.
        text: The content. Signs that no encoding has, as of odd file names, are escaped.
        over: Says from the beginning of a file that is there whether it may be replaced.

    Raises:
        FileNotWritten: It cannot be written, or may not be replaced; it is as it was.
    """
    try:
        # Where a link leads is written, and a device or pipe is no file that can be replaced.
        target = path.resolve()
        if target.exists() and not target.is_file():
            raise IsADirectoryError(None, "It is no file")
        if target.exists():
            with target.open(encoding="utf-8", errors="replace") as stream:
                if not over(stream.read(_BEGINNING)):
                    raise FileExistsError(None, "It is there already, and is something else")
        handle, name = tempfile.mkstemp(prefix=f".{target.name}-", dir=target.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            umask = os.umask(0)
            os.umask(umask)
            Path(name).chmod(0o666 & ~umask)
            Path(name).replace(target)
        except BaseException:
            with suppress(OSError):
                Path(name).unlink()
            raise
    except (OSError, ValueError, RuntimeError) as error:
        loops = isinstance(error, RuntimeError)  # as `resolve` has it
        why = "A link there leads to itself." if loops else "Its name is not valid."
        raise FileNotWritten(
            "The file cannot be written",
            where=str(path),
            why=getattr(error, "strerror", None) or why,
            remedy="Choose another place, or make room there.",
        ) from None
