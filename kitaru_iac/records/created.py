"""What one run has created on a server, and whether it is still as this run wrote it.

A stack that was registered a moment ago can be used and changed by others. What they have written
is not deleted when this run is taken back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias, TypeVar

from kitaru_iac.errors import KitaruError, NotFoundError
from kitaru_iac.gateway.documents import (
    UNSET,
    ComponentChange,
    ComponentDoc,
    ConnectorChange,
    ConnectorDoc,
    Kind,
    StackChange,
    StackDoc,
    Where,
)
from kitaru_iac.gateway.gateway import Gateway
from kitaru_iac.records import lost
from kitaru_iac.records.journal import Theirs
from kitaru_iac.records.model import ComponentRecord
from kitaru_iac.records.requests import is_made
from kitaru_iac.values import fields, replace

__all__ = ["Created"]

State: TypeAlias = StackChange | ComponentChange | ConnectorChange
_Doc = TypeVar("_Doc", StackDoc, ComponentDoc)
_State = TypeVar("_State", StackChange, ComponentChange, ConnectorChange)


class Created:
    """The stack, components and connectors that a run has created, by their ids.

    Args:
        gateway: The store.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        #: All that each was written as, the last one perhaps not yet: it is one of these.
        self._states: dict[str, list[State]] = {}
        self._records: dict[str, ComponentRecord] = {}
        #: What the store has said to be deleted again, by its kind and id.
        self._deleted: dict[tuple[Kind, str], str] = {}

    def __contains__(self, id: object) -> bool:
        return id in self._states

    def add(self, id: str, state: State, record: ComponentRecord | None = None) -> None:
        """Note what was created, whole; of a component its record too."""
        self._states[id] = [state]
        if record is not None:
            self._records[id] = record

    def change(self, id: str, change: _State) -> None:
        """Note a change that is about to be written."""
        states = self._states[id]
        given = {
            field.name: getattr(change, field.name)
            for field in fields(change)
            if getattr(change, field.name) is not UNSET
        }
        states.append(replace(states[-1], **given))

    def delete_stack(self, id: str, what: str) -> None:
        """Take a stack back that was created. Its parts are taken back after it.

        Raises:
            NotFoundError: It is gone.
            Theirs: Somebody else has changed it, or a part that came with it.
        """
        if self._gateway.place.kind != "local":
            stack = self._found(self._gateway.stacks, id, what)
            parts = {doc.id: doc for doc in self._gateway.components(Where(in_stack=id))}
            found = {id: stack, **parts}
            links = {doc.connector_id for doc in parts.values()} & self._states.keys()
            for link in filter(None, links):
                connector = self._gateway.connector_with_secrets(link)
                if connector is not None:
                    found[link] = connector
            if not all(self._is_ours(key, doc) for key, doc in found.items() if key in self):
                raise Theirs(_called(stack), is_new=True)
        self._delete("stack", id, what)

    def delete_component(self, id: str, what: str) -> None:
        """Take a component back that was created.

        Raises:
            NotFoundError: It is gone.
            Theirs: Somebody else has changed it, or uses it.
            KitaruError: It is in a stack of this run, which could not be taken back.
        """
        if self._gateway.place.kind != "local":
            doc = self._found(self._gateway.components, id, what)
            users = self._gateway.stacks(Where(uses_component=id))
            self._require_ours(id, doc, users)
        self._delete("component", id, what)

    def delete_connector(self, id: str, what: str) -> None:
        """Take a connector back that was created; raises as `delete_component`."""
        if self._gateway.place.kind != "local":
            doc = self._gateway.connector_with_secrets(id)
            if doc is None:
                raise NotFoundError(f"{what} is gone")
            users = self._gateway.components(Where(uses_connector=id))
            self._require_ours(id, doc, users)
        self._delete("connector", id, what)

    def still_there(self) -> list[str]:
        """Say what a server shows of that which it has said to be deleted again.

        Raises:
            KitaruError: The server could not be asked.
        """
        there = lost.still_there(self._gateway, self._deleted.keys())
        return [what for (_, key), what in self._deleted.items() if key in there]

    @staticmethod
    def _found(look: Callable[[Where], Sequence[_Doc]], id: str, what: str) -> _Doc:
        """Look for one thing: nothing is gone because of one empty page."""
        where = Where(ids=(id,))
        for doc in look(where) or look(where):
            return doc
        raise NotFoundError(f"{what} is gone")

    def _delete(self, kind: Kind, id: str, what: str) -> None:
        if lost.delete(self._gateway, kind, id):
            self._deleted[kind, id] = what

    def _require_ours(
        self,
        id: str,
        doc: ComponentDoc | ConnectorDoc,
        users: Sequence[StackDoc | ComponentDoc],
    ) -> None:
        others = [_called(user) for user in users if user.id not in self]
        if others or not self._is_ours(id, doc):
            raise Theirs(_called(doc), is_new=True, users=others)
        if users:
            raise KitaruError(f"{_called(doc)} is in use by what could not be taken back")

    def _is_ours(self, id: str, doc: object) -> bool:
        record = self._records.get(id)
        # Secrets that this login may not read tell nothing.
        return any(is_made(doc, state, record) is not False for state in self._states[id])  # type: ignore[arg-type]


def _called(doc: StackDoc | ComponentDoc | ConnectorDoc) -> str:
    from kitaru_iac.records.taking_back import called  # few runs need it

    return called(doc)
