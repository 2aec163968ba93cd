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
def sole_writer(*names: str) -> Iterator[None]:
    """Wait for other processes that write these stacks, and keep them waiting meanwhile.

    The lock goes with the process, however it ends. Where the system has no such locks, or the
    folder cannot be written, there is none. Nobody is asked anything while it is held.

    Args:
        names: The names of the stacks: never an id, under which nobody else would wait.
    """
    with contextlib.ExitStack() as held:
        try:
            import fcntl

            folder = config_home() / "kitaru" / "locks"
            folder.mkdir(parents=True, exist_ok=True)
            # Always in one order, so that no two wait for each other.
            for name in sorted(set(names)):
                key = hashlib.sha256(name.encode()).hexdigest()[:16]
                file = held.enter_context((folder / key).open("w"))
                fcntl.flock(file, fcntl.LOCK_EX)
        except (ImportError, OSError):
            pass
        yield
