"""Read small files of this machine, whatever stands in their place: in time and in measure.

Opening a named pipe waits for a writer, and a device may have no end.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from kitaru_iac.errors import UsageError

__all__ = ["here", "is_broken_link", "read_small", "reason"]


def read_small(path: Path, limit: int) -> bytes:
    """Read a file of at most `limit` bytes.

    Raises:
        FileNotFoundError: There is none, or a link leads to none; see `is_broken_link`.
        OSError: It is no file, is larger, or may not be read; see `reason`.
    """
    # O_NONBLOCK changes nothing for a file.
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(handle, "rb", buffering=0) as file:
        mode = os.fstat(handle).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "It is not a file", str(path))
        found = bytearray()
        while piece := file.read(limit + 1 - len(found)):
            found += piece
        if len(found) > limit:
            raise OSError(errno.EFBIG, f"It is larger than {limit // 2**10:,} KiB", str(path))
        return bytes(found)


def here() -> Path:
    """Give the current directory.

    Raises:
        UsageError: It was removed.
    """
    try:
        return Path.cwd()
    except FileNotFoundError as error:
        raise UsageError(
            "The directory that this command runs in does not exist any more",
            remedy="Go to another one: cd",
        ) from error


def is_broken_link(path: Path) -> bool:
    """Say whether it, or a folder on the way to it, is a link that leads to nothing."""
    return any(place.is_symlink() and not place.exists() for place in (path, *path.parents))


def reason(error: OSError) -> str:
    """Give the system's word for what is wrong, without number and path."""
    text = error.strerror or str(error) or type(error).__name__
    return text[:1].upper() + text[1:]
