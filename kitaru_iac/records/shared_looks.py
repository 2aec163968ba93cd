"""One connection and one look for several stacks, where one command has several.

Whatever is done under the lock of a stack's name, and may write, looks for itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from kitaru_iac.gateway.gateway import Gateway
from kitaru_iac.labels import is_managed
from kitaru_iac.records.from_documents import links
from kitaru_iac.records.names import REPLACED
from kitaru_iac.records.snapshot import Snapshot, take_snapshot
from kitaru_iac.records.together import asking
from kitaru_iac.values import dataclass, replace

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
def shared_looks(
    gateway: Gateway, stacks: Collection[str] = (), connectors: Collection[str] = ()
) -> Iterator[None]:
    """Let all stores that are opened in this context have one connection, and one look.

    Args:
        gateway: The connection, which several threads may use at once.
        stacks: The names that are looked at now, in as few questions as they take.
        connectors: The names or ids of service connectors that are described for them.
    """
    names = [name for stack in stacks for name in (stack, stack + REPLACED)]
    token = _kept.set(Kept(gateway, _look(gateway, names, connectors) if names else None))
    try:
        yield
    finally:
        _kept.reset(token)


def _look(gateway: Gateway, names: Sequence[str], connectors: Collection[str]) -> Snapshot:
    asked = list(dict.fromkeys([*names, *connectors]))
    with asking(_AT_ONCE, "look-together") as pool:
        seen = list(pool.map(lambda group: take_snapshot(gateway, *group), _groups(asked)))
        found = Snapshot(
            names=frozenset(asked),
            stacks={name: doc for one in seen for name, doc in one.stacks.items()},
            components={name: docs for one in seen for name, docs in one.components.items()},
            connectors={name: doc for one in seen for name, doc in one.connectors.items()},
        )
        ids = _compared(found, names)
        whole = pool.map(gateway.connectors_with_secrets, _groups(ids) if ids else [])
        return replace(found, whole={doc.id: doc for docs in whole for doc in docs})


def _compared(seen: Snapshot, names: Sequence[str]) -> list[str]:
    """The ids of the connectors whose secrets are compared: those of the stacks, and their own."""
    stacks = [seen.stacks[name] for name in names if name in seen.stacks]
    linked = {link for stack in stacks for link in links(stack, seen.members(stack) or {})}
    own = [seen.connectors[name] for name in names if name in seen.connectors]
    return sorted(linked | {doc.id for doc in own if is_managed(doc.labels)})


def _groups(names: Sequence[str]) -> list[list[str]]:
    """Names or ids in groups that each fit into one question."""
    groups: list[list[str]] = [[]]
    length = 0
    for name in names:
        if groups[-1] and length + len(name) > _MOST_CHARACTERS:
            groups.append([])
            length = 0
        groups[-1].append(name)
        length += len(name) + 8  # quotes, a comma and a space, written for a URL
    return groups
