"""Read small files, whatever stands in their place: in time and in measure.

Opening a named pipe waits for a writer, and a device may have no end.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

__all__ = ["how_to_close", "read_small", "reason"]


def read_small(path: Path, limit: int, *, pipes: bool = False) -> bytes:
    """Read a file of at most `limit` bytes.

    Args:
        path: Where it is.
        limit: How many bytes it may have.
        pipes: Whether it may be a pipe, as a shell makes one of ``<(command)``. Reading that waits
            for whoever writes.

    Raises:
        FileNotFoundError: There is none, or a link leads to none.
        OSError: It is no file, is larger, or may not be read; see `reason`.
    """
    # O_NONBLOCK changes nothing for a file.
    wait = 0 if pipes else getattr(os, "O_NONBLOCK", 0)
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | wait)
    with os.fdopen(handle, "rb", buffering=0) as file:
        mode = os.fstat(handle).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(mode) and not (pipes and stat.S_ISFIFO(mode)):
            raise OSError(errno.EINVAL, "It is not a file", str(path))
        found = bytearray()
        while piece := file.read(limit + 1 - len(found)):
            found += piece
        if len(found) > limit:
            raise OSError(errno.EFBIG, f"It is larger than {limit // 2**10:,} KiB", str(path))
        return bytes(found)


def reason(error: OSError) -> str:
    """Give the system's word for what is wrong, without number and path."""
    text = error.strerror or str(error) or type(error).__name__
    return text[:1].upper() + text[1:]


def how_to_close(path: Path, shown: str) -> str:
    """Say how others lose their access to a file: its owner alone can take it away.

    Args:
        path: The file.
        shown: What it is called in what is said; its path may be a secret given by mistake.
    """
    if os.geteuid() in (0, path.stat().st_uid):
        return f"Run `chmod 600 {shown}`."
    return "It is another user's: have its owner run chmod 600 on it, or use a copy of your own."
