"""What a change of records replaces, to be deleted last: when everything new stands.

A deletion is not taken back. One that fails stops those behind it; the next run of the same command
removes what is left (`records.recovery`). What somebody else uses by then is theirs from there on.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import NamedTuple

from kitaru_iac.errors import KitaruError, NotConnectedError
from kitaru_iac.gateway.documents import Where
from kitaru_iac.records.aside import keep_component, keep_connector
from kitaru_iac.records.model import ComponentRecord, stored_id
from kitaru_iac.records.stored import Store
from kitaru_iac.records.writer import Writer

__all__ = ["PendingDeletes"]


class _Pending(NamedTuple):
    """One thing that is to go; `delete` says why it was not deleted, and is empty where it was."""

    name: str
    id: str
    delete: Callable[[], str]


class PendingDeletes:
    """The parts that one change is to delete, in the order in which they were named."""

    def __init__(self, store: Store, writer: Writer) -> None:
        self._store = store
        self._writer = writer
        self._waiting: list[_Pending] = []
        #: What the store has said to be deleted.
        self._deleted: list[_Pending] = []

    @property
    def names(self) -> list[str]:
        """What is still to be deleted, as ``artifact_store dev``."""
        return [one.name for one in self._waiting]

    def stack(self, name: str, id: str) -> None:
        """Delete a stack later, unless it has another name by then."""

        def delete() -> str:
            there = () if self._store.is_local else self._store.gateway.stacks(Where(ids=(id,)))
            for now in there:
                if now.name != name:
                    return f"called {now.name} by now"
            self._writer.delete_stack(id)
            return ""

        self._waiting.append(_Pending(f"stack {name}", id, delete))

    def component(self, component: ComponentRecord) -> None:
        """Delete a component later, unless a stack holds it by then."""
        uuid = stored_id(component)
        self._part(
            f"{component.type} {component.name}",
            uuid,
            delete=lambda: self._writer.delete_component(uuid),
            users=lambda: {
                doc.id: f"stack {doc.name}"
                for doc in self._store.gateway.stacks(Where(uses_component=uuid))
            },
            keep=lambda: keep_component(self._store, self._writer, uuid),
        )

    def connector(self, name: str, id: str) -> None:
        """Delete a service connector later, unless a component is linked to it by then."""
        self._part(
            f"service connector {name}",
            id,
            delete=lambda: self._writer.delete_connector(id),
            users=lambda: {
                stored_id(part): f"{part.type} {part.name}"
                for part in self._store.components_of(id)
            },
            keep=lambda: keep_connector(self._store, self._writer, id),
        )

    def _part(
        self,
        name: str,
        id: str,
        *,
        delete: Callable[[], object],
        users: Callable[[], dict[str, str]],
        keep: Callable[[], None],
    ) -> None:
        def delete_or_keep() -> str:
            kept = _unless_used(delete, users)
            if not kept:
                return ""
            self._writer.require_others(kept)
            keep()
            return f"used by {', '.join(sorted(kept.values()))}"

        self._waiting.append(_Pending(name, id, delete_or_keep))

    def run(self, deleted: list[str], kept: list[str]) -> None:
        """Delete them; each is added to `deleted` when it is gone, or to `kept` with the reason.

        Raises:
            KitaruError: One could not be deleted. It waits again, with those behind it.
        """
        try:
            while self._waiting:
                one = self._waiting[0]
                reason = one.delete()
                self._waiting.pop(0)
                if reason:
                    kept.append(f"{one.name} ({reason})")
                else:
                    deleted.append(one.name)
                    self._deleted.append(one)
        except Exception:
            with contextlib.suppress(KitaruError):  # nobody says: the failure itself is told
                self._waiting[:0] = self._still_there()
            raise

    def require_gone(self) -> None:
        """Look once more for what a server has said to be deleted.

        Raises:
            KitaruError: It is there, and waits again; or nothing waits, and nobody could look.
        """
        self._waiting = self._still_there()
        if self._waiting:
            raise self._writer.not_deleted()

    def _still_there(self) -> list[_Pending]:
        there = self._writer.still_there()
        return [one for one in self._deleted if one.id in there]


def _unless_used(
    delete: Callable[[], object], users: Callable[[], dict[str, str]]
) -> dict[str, str]:
    """Delete what nobody uses. Returns its users, also who came while it was asked for."""
    if found := users():
        return found
    try:
        delete()
    except NotConnectedError:
        raise
    except KitaruError:  # the store keeps what is in use
        if found := users():
            return found
        raise
    return {}
