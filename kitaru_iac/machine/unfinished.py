"""Notes of changes under way: who finds one under the lock of its name knows that its run is dead.

A note stands from before the first write to a store until all of it is done or taken back. It
holds no secret. Without file locks there are no notes: nobody could tell a dead run from a live
one.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from kitaru_iac.files import read_small
from kitaru_iac.machine.home import config_home
from kitaru_iac.values import dataclass

#: Bytes of a note: an address and two names.
_MOST_BYTES: Final = 2**16

__all__ = ["Unfinished", "begin", "end", "every", "find"]


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A change of one stack, under way or cut off.

    Attributes:
        store: The address of its store, without a password.
        stack: The stack's name.
        work: ``create``, ``change`` or ``delete``.
        token: Eight random hexadecimal digits, which stand in the temporary names of this run.
        recursive: Of a deletion: whether the stack's parts go with it.
        took_over: Of any other: whether parts that a deletion had kept are taken over.
        age: Seconds since it was begun.
    """

    store: str
    stack: str
    work: str
    token: str
    recursive: bool = False
    took_over: bool = False
    age: float = 0.0


def begin(
    store: str, stack: str, work: str, *, recursive: bool = False, took_over: bool = False
) -> Unfinished:
    """Note a change that is about to begin, in place of an earlier one. Needs the name's lock."""
    note = Unfinished(store, stack, work, os.urandom(4).hex(), recursive, took_over)
    body = {
        "store": store,
        "stack": stack,
        "work": work,
        "token": note.token,
        "recursive": recursive,
        "took_over": took_over,
    }
    with contextlib.suppress(ImportError, OSError):
        import fcntl  # noqa: F401 - without it no lock says whether a run is dead

        place = _place(store, stack)
        place.parent.mkdir(parents=True, exist_ok=True)
        fresh = place.with_suffix(".new")
        fresh.write_text(json.dumps(body), "utf-8")
        fresh.replace(place)
    return note


def end(store: str, stack: str) -> None:
    """Forget a change: it is done, or nothing is left of it. Needs the name's lock."""
    with contextlib.suppress(OSError):
        _place(store, stack).unlink(missing_ok=True)


def find(store: str, stack: str) -> Unfinished | None:
    """The note of a dead run, if there is one. Needs the name's lock."""
    return _read(_place(store, stack))


def every(store: str) -> Iterator[Unfinished]:
    """All notes of one store, by name, whether their runs are dead or not."""
    notes = (_read(place) for place in sorted(_folder().glob("*.json")))
    found = [note for note in notes if note is not None and note.store == store]
    yield from sorted(found, key=lambda note: note.stack)


def _folder() -> Path:
    return config_home() / "kitaru" / "unfinished"


def _place(store: str, stack: str) -> Path:
    key = hashlib.sha256(f"{store}\n{stack}".encode()).hexdigest()[:16]
    return _folder() / f"{key}.json"


def _read(place: Path) -> Unfinished | None:
    try:
        body = json.loads(read_small(place, _MOST_BYTES))
        return Unfinished(
            store=str(body["store"]),
            stack=str(body["stack"]),
            work=str(body["work"]),
            token=str(body["token"]),
            recursive=bool(body["recursive"]),
            took_over=bool(body["took_over"]),
            age=max(0.0, time.time() - place.stat().st_mtime),
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
