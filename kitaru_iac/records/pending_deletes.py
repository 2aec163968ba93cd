"""What a change of records replaces, to be deleted last: when everything new stands.

A deletion is not taken back. One that fails stops those behind it; the next run of the same command
removes what is left (`records.recovery`). What somebody else uses by then is theirs from there on.
"""

from __future__ import annotations

from collections.abc import Callable

from kitaru_iac.errors import KitaruError, NotConnectedError
from kitaru_iac.records.aside import keep_component, keep_connector
from kitaru_iac.records.model import ComponentRecord, stored_id
from kitaru_iac.records.stored import Store
from kitaru_iac.records.writer import Writer

__all__ = ["PendingDeletes"]


class PendingDeletes:
    """The parts that one change is to delete, in the order in which they were named."""

    def __init__(self, store: Store, writer: Writer) -> None:
        self._store = store
        self._writer = writer
        #: Each gives who uses it, and so keeps it.
        self._waiting: list[tuple[str, Callable[[], list[str]]]] = []

    @property
    def names(self) -> list[str]:
        """What is still to be deleted, as ``artifact_store dev``."""
        return [name for name, _ in self._waiting]

    def stack(self, name: str, id: str) -> None:
        """Delete a stack later."""

        def delete() -> list[str]:
            self._writer.delete_stack(id)
            return []

        self._waiting.append((f"stack {name}", delete))

    def component(self, component: ComponentRecord) -> None:
        """Delete a component later, unless a stack holds it by then."""
        uuid = stored_id(component)
        self._part(
            f"{component.type} {component.name}",
            delete=lambda: self._writer.delete_component(uuid),
            users=lambda: [f"stack {name}" for name in self._store.stacks_of(uuid)],
            keep=lambda: keep_component(self._store, self._writer, uuid),
        )

    def connector(self, name: str, id: str) -> None:
        """Delete a service connector later, unless a component is linked to it by then."""
        self._part(
            f"service connector {name}",
            delete=lambda: self._writer.delete_connector(id),
            users=lambda: [f"{part.type} {part.name}" for part in self._store.components_of(id)],
            keep=lambda: keep_connector(self._store, self._writer, id),
        )

    def _part(
        self,
        name: str,
        *,
        delete: Callable[[], object],
        users: Callable[[], list[str]],
        keep: Callable[[], None],
    ) -> None:
        def delete_or_keep() -> list[str]:
            if kept := _unless_used(delete, users):
                keep()
            return kept

        self._waiting.append((name, delete_or_keep))

    def run(self, deleted: list[str], kept: list[str]) -> None:
        """Delete them; each is added to `deleted` when it is gone, or to `kept` with its users."""
        while self._waiting:
            name, delete = self._waiting[0]
            users = delete()
            self._waiting.pop(0)
            if users:
                kept.append(f"{name} (used by {', '.join(sorted(users))})")
            else:
                deleted.append(name)


def _unless_used(delete: Callable[[], object], users: Callable[[], list[str]]) -> list[str]:
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
    return []
