"""Write a file for the user: whole, or not at all."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from kitaru_iac.errors import FileNotWritten

__all__ = ["write_whole"]


def write_whole(path: Path, text: str) -> None:
    """Write text to a file in one step; a reader sees the old content or the new.

    Raises:
        FileNotWritten: It cannot be written; what was there before is as it was.
    """
    try:
        # Where a link leads is written, and a device or pipe is no file that can be replaced.
        target = path.resolve()
        if target.exists() and not target.is_file():
            raise IsADirectoryError(None, "it is no file")
        handle, name = tempfile.mkstemp(prefix=f".{target.name}-", dir=target.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            umask = os.umask(0)
            os.umask(umask)
            Path(name).chmod(0o666 & ~umask)
            Path(name).replace(target)
        except BaseException:
            with suppress(OSError):
                Path(name).unlink()
            raise
    except (OSError, ValueError) as error:
        raise FileNotWritten(
            "The file cannot be written",
            where=str(path),
            why=getattr(error, "strerror", None) or "Its name is not valid.",
            remedy="Choose another place, or make room there.",
        ) from None
