"""One writer at a time for a stack's name, among the processes of one configuration home.

A local store has no other writers. On a server, colleagues' processes are told from dead ones by
how long ago they wrote (`records.stored`).
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator

from kitaru_iac.machine.home import config_home

__all__ = ["sole_writer"]


@contextlib.contextmanager
def sole_writer(stack: str) -> Iterator[None]:
    """Wait for other processes that write this stack, and keep them waiting meanwhile.

    The lock goes with the process, however it ends. Where the system has no such locks, or the
    folder cannot be written, there is none.
    """
    try:
        import fcntl

        folder = config_home() / "kitaru" / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        # A name or an id, in any case a file name.
        name = hashlib.sha256(stack.encode()).hexdigest()[:16]
        file = (folder / name).open("w")
    except (ImportError, OSError):
        yield
        return
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
