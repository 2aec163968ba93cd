"""One writer at a time for a stack's name, and one maker for a local store.

A name is locked among the processes of one configuration home. A local store has no other writers.
On a server, colleagues' processes are told from dead ones by
how long ago they wrote (`records.stored`).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from io import FileIO
from pathlib import Path

from kitaru_iac.machine.home import config_home

__all__ = ["sole_maker", "sole_writer", "writer_if_free"]


@contextlib.contextmanager
def sole_writer(*names: str) -> Iterator[None]:
    """Wait for other processes that write these stacks, and keep them waiting meanwhile.

    The lock goes with the process, however it ends. Where the system has no such locks, or the
    folder cannot be written, there is none. Nobody is asked anything while it is held.

    Args:
        names: The names of the stacks: never an id, under which nobody else would wait.
    """
    # Always in one order, so that no two wait for each other.
    with _held(*map(_file, sorted(set(names)))):
        yield


@contextlib.contextmanager
def sole_maker(file: Path) -> Iterator[bool]:
    """Wait for other processes that make this file, and keep them waiting meanwhile.

    The lock is beside the file, which may belong to several configuration homes.

    Yields:
        Whether there is a lock: without one others may be at work.
    """
    with _held(file.with_name(f".{file.name}.lock")) as is_held:
        yield is_held


@contextlib.contextmanager
def _held(*files: Path) -> Iterator[bool]:
    with contextlib.ExitStack() as held:
        is_held = False
        with contextlib.suppress(ImportError, OSError):
            import fcntl

            for path in files:
                path.parent.mkdir(parents=True, exist_ok=True)
                file = held.enter_context(_opened(path))
                fcntl.flock(file, fcntl.LOCK_EX)
            is_held = True
        yield is_held


@contextlib.contextmanager
def writer_if_free(name: str) -> Iterator[bool]:
    """Take the lock of `sole_writer` for one stack where nobody has it; say whether it was taken.

    Where there are no such locks it is not taken: nobody knows who writes.
    """
    with contextlib.ExitStack() as held:
        taken = False
        with contextlib.suppress(ImportError, OSError):
            import fcntl

            path = _file(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            file = held.enter_context(_opened(path))
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            taken = True
        yield taken


def _opened(path: Path) -> FileIO:
    """Open a lock's file, of which nothing is changed; a named pipe is not waited for."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
    return FileIO(os.open(path, flags, 0o666), "r+")


def _file(name: str) -> Path:
    return config_home() / "kitaru" / "locks" / hashlib.sha256(name.encode()).hexdigest()[:16]
