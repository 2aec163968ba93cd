"""One connection and one look for several stacks, where one command has several.

Whatever is done under the lock of a stack's name, and may write, looks for itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from kitaru_iac.gateway.gateway import Gateway
from kitaru_iac.records.names import REPLACED
from kitaru_iac.records.snapshot import Snapshot, take_snapshot
from kitaru_iac.records.together import asking
from kitaru_iac.values import dataclass

__all__ = ["Kept", "kept_look", "shared_looks"]

#: So many characters of names are in one question: servers and proxies bound an address, at 8 KiB.
_MOST_CHARACTERS = 1_500
#: So many questions at a time, each of which is three to the store.
_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Kept:
    """A connection, and what a look through it saw."""

    gateway: Gateway
    seen: Snapshot | None


_kept: ContextVar[Kept | None] = ContextVar("kept", default=None)


def kept_look() -> Kept | None:
    """What `shared_looks` keeps in this context, if anything."""
    return _kept.get()


@contextmanager
def shared_looks(gateway: Gateway, stacks: Collection[str] = ()) -> Iterator[None]:
    """Let all stores that are opened in this context have one connection, and one look.

    Args:
        gateway: The connection, which several threads may use at once.
        stacks: The names that are looked at now, in as few questions as they take.
    """
    names = [name for stack in stacks for name in (stack, stack + REPLACED)]
    token = _kept.set(Kept(gateway, _look(gateway, names) if names else None))
    try:
        yield
    finally:
        _kept.reset(token)


def _look(gateway: Gateway, names: Sequence[str]) -> Snapshot:
    groups = _groups(names)
    with asking(_AT_ONCE, "look-together") as pool:
        seen = list(pool.map(lambda group: take_snapshot(gateway, *group), groups))
    return Snapshot(
        names=frozenset(names),
        stacks={name: doc for one in seen for name, doc in one.stacks.items()},
        components={name: docs for one in seen for name, docs in one.components.items()},
        connectors={name: doc for one in seen for name, doc in one.connectors.items()},
    )


def _groups(names: Sequence[str]) -> list[list[str]]:
    """The names in groups that each fit into one question."""
    groups: list[list[str]] = [[]]
    length = 0
    for name in names:
        if groups[-1] and length + len(name) > _MOST_CHARACTERS:
            groups.append([])
            length = 0
        groups[-1].append(name)
        length += len(name) + 8  # quotes, a comma and a space, written for a URL
    return groups
