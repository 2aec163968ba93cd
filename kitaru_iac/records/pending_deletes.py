"""What a change of records replaces, to be deleted last: when everything new stands.

A deletion is not taken back. One that fails stops those behind it; the next run of the same command
removes what is left (`records.recovery`).
"""

from __future__ import annotations

from collections.abc import Callable

from kitaru_iac.records.model import ComponentRecord, stored_id
from kitaru_iac.records.stored import Store
from kitaru_iac.records.writer import Writer

__all__ = ["PendingDeletes"]


class PendingDeletes:
    """The parts that one change is to delete, in the order in which they were named."""

    def __init__(self, store: Store, writer: Writer) -> None:
        self._store = store
        self._writer = writer
        self._waiting: list[tuple[str, Callable[[], object]]] = []

    @property
    def names(self) -> list[str]:
        """What is still to be deleted, as ``artifact_store dev``."""
        return [name for name, _ in self._waiting]

    def stack(self, name: str, id: str) -> None:
        """Delete a stack later."""
        self._waiting.append((f"stack {name}", lambda: self._writer.delete_stack(id)))

    def component(self, component: ComponentRecord) -> None:
        """Delete a component later, unless a stack holds it by then."""

        def delete() -> None:
            if not self._store.stacks_of(stored_id(component)):
                self._writer.delete_component(stored_id(component))

        self._waiting.append((f"{component.type} {component.name}", delete))

    def connector(self, name: str, id: str) -> None:
        """Delete a service connector later, unless a component is linked to it by then."""

        def delete() -> None:
            if not self._store.components_of(id):
                self._writer.delete_connector(id)

        self._waiting.append((f"service connector {name}", delete))

    def run(self, deleted: list[str]) -> None:
        """Delete them, and add each to `deleted` when it is gone."""
        while self._waiting:
            name, delete = self._waiting[0]
            delete()
            self._waiting.pop(0)
            deleted.append(name)
