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
from typing import Final, Protocol

from kitaru_iac.files import read_small
from kitaru_iac.machine.home import config_home
from kitaru_iac.values import dataclass

#: Bytes of a note: an address, an id and two names.
_MOST_BYTES: Final = 2**16

#: How the work of a renaming begins; its new name follows.
RENAME_TO: Final = "rename to "

__all__ = ["RENAME_TO", "Unfinished", "Whereabouts", "begin", "end", "every", "find"]


class Whereabouts(Protocol):
    """Which store it is: its address without a password, and its id, if it has one."""

    @property
    def url(self) -> str:
        """Its address."""

    @property
    def id(self) -> str | None:
        """Its id."""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A change of one stack, under way or cut off.

    Attributes:
        store: The address of its store, without a password.
        stack: The stack's name.
        work: ``create``, ``change``, ``delete``, or ``rename to NAME``.
        token: Eight random hexadecimal digits, which stand in the temporary names of this run.
        recursive: Of a deletion: whether the stack's parts go with it.
        took_over: Of any other: whether parts that a deletion had kept are taken over.
        age: Seconds since it was begun.
        id: The store's id, where it has one; None in a note of an earlier release too.
        marks: Whether it labels what it sets aside; False in a note of an earlier release.
        stack_id: The id of the stack that is renamed or deleted; None where only parts of one that
            is gone are deleted, of other work, and in a note of an earlier release.
    """

    store: str
    stack: str
    work: str
    token: str
    recursive: bool = False
    took_over: bool = False
    age: float = 0.0
    id: str | None = None
    marks: bool = True
    stack_id: str | None = None

    @property
    def sets_aside_unmarked(self) -> bool:
        """Whether it may have set something aside without a label: an earlier release did."""
        return not self.marks and self.work in {"create", "change"}

    @property
    def new_name(self) -> str | None:
        """The name that the stack is to have; None where it is not renamed."""
        name = self.work.removeprefix(RENAME_TO)
        return None if name == self.work else name

    def is_of(self, store: Whereabouts) -> bool:
        """Whether it is of this store: by the id, for which an address is no substitute."""
        return self.id == store.id if self.id is not None else self.store == store.url


def begin(
    store: Whereabouts,
    stack: str,
    work: str,
    *,
    recursive: bool = False,
    took_over: bool = False,
    stack_id: str | None = None,
) -> Unfinished:
    """Note a change that is about to begin, in place of an earlier one. Needs the name's lock."""
    token = os.urandom(4).hex()
    note = Unfinished(
        store.url, stack, work, token, recursive, took_over, id=store.id, stack_id=stack_id
    )
    body = {
        "store": store.url,
        "id": store.id,
        "stack": stack,
        "work": work,
        "token": token,
        "recursive": recursive,
        "took_over": took_over,
        "marks": True,
        "stack_id": stack_id,
    }
    with contextlib.suppress(ImportError, OSError):
        import fcntl  # noqa: F401 - without it no lock says whether a run is dead

        place, *earlier = _places(store, stack)
        place.parent.mkdir(parents=True, exist_ok=True)
        fresh = place.with_suffix(".new")
        fresh.write_text(json.dumps(body), "utf-8")
        fresh.replace(place)
        for other in earlier:
            other.unlink(missing_ok=True)
    return note


def end(store: Whereabouts, stack: str) -> None:
    """Forget a change: it is done, or nothing is left of it. Needs the name's lock."""
    for place in _places(store, stack):
        with contextlib.suppress(OSError):
            place.unlink(missing_ok=True)


def find(store: Whereabouts, stack: str) -> Unfinished | None:
    """The note of a dead run, if there is one. Needs the name's lock."""
    notes = (_read(place) for place in _places(store, stack))
    return next((note for note in notes if note is not None and note.is_of(store)), None)


def every(store: Whereabouts) -> Iterator[Unfinished]:
    """All notes of one store, by name, whether their runs are dead or not."""
    notes = (_read(place) for place in sorted(_folder().glob("*.json")))
    found = [note for note in notes if note is not None and note.is_of(store)]
    yield from sorted(found, key=lambda note: note.stack)


def _folder() -> Path:
    return config_home() / "kitaru" / "unfinished"


def _places(store: Whereabouts, stack: str) -> list[Path]:
    """Where a note is: by the store's id, and by its address where it has none, or had none."""
    keys = [store.url] if store.id is None else [store.id, store.url]
    digests = [hashlib.sha256(f"{key}\n{stack}".encode()).hexdigest()[:16] for key in keys]
    return [_folder() / f"{digest}.json" for digest in digests]


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
            id=None if body.get("id") is None else str(body["id"]),
            marks=bool(body.get("marks")),
            stack_id=None if body.get("stack_id") is None else str(body["stack_id"]),
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
