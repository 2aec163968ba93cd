"""A gateway that notes changes in place of making them, and answers as if they were made.

So it can be said what a repair would do, and planned what would be left to do after it, before
anybody has agreed to anything.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from kitaru_iac.errors import AlreadyExistsError, NotFoundError
from kitaru_iac.gateway.documents import (
    UNSET,
    ComponentChange,
    ComponentDoc,
    ConnectorChange,
    ConnectorDoc,
    ConnectorVerdict,
    FieldError,
    FlavorDoc,
    Kind,
    Member,
    NewComponent,
    NewConnector,
    NewStack,
    OrphanedSecret,
    ResourceRef,
    StackChange,
    StackDoc,
    StorePlace,
    Where,
)
from kitaru_iac.gateway.gateway import Gateway
from kitaru_iac.gateway.lookup import fitting
from kitaru_iac.notices import KitaruWarning
from kitaru_iac.values import dataclass, fields, replace

__all__ = ["Noted", "Rehearsal"]

_Doc = TypeVar("_Doc", StackDoc, ComponentDoc, ConnectorDoc)


@dataclass(frozen=True, slots=True)
class Noted:
    """A write that would be made.

    Attributes:
        kind: ``stack``, ``service_connector``, ``secret``, or a component's type.
        name: What the thing is called before.
        new_name: What it is called afterwards; None where it is deleted.
        id: Its id.
    """

    kind: str
    name: str
    new_name: str | None
    id: str


class Rehearsal:
    """Implements `Gateway` for what changes and deletes; nothing can be created in it.

    Args:
        gateway: The store, of which everything is read and to which nothing is written.

    Attributes:
        noted: What would be written, in order.
        taken: The kind and the name that something was to have, and another thing has.
        is_over: Whether nothing is noted any more. What is then written would be lost, and is an
            error of this program.
    """

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.noted: list[Noted] = []
        self.taken: tuple[str, str] | None = None
        self.is_over = False
        self._stacks: dict[str, StackDoc] = {}
        self._components: dict[str, ComponentDoc] = {}
        self._connectors: dict[str, ConnectorDoc] = {}
        self._gone: set[str] = set()

    # -- reading ---------------------------------------------------------------------------------

    @property
    def place(self) -> StorePlace:
        """See `Reads.place`."""
        return self.gateway.place

    @property
    def version(self) -> str:
        """See `Reads.version`."""
        return self.gateway.version

    @property
    def warnings(self) -> Sequence[KitaruWarning]:
        """See `Reads.warnings`."""
        return self.gateway.warnings

    def now(self) -> datetime:
        """See `Reads.now`."""
        return self.gateway.now()

    def stacks(self, where: Where) -> list[StackDoc]:
        """See `Reads.stacks`."""
        found = self._over(self.gateway.stacks, self._stacks, where)
        if where.uses_component is not None:
            found = [doc for doc in found if doc.holds(where.uses_component)]
        return [self._with_names(doc) for doc in found][: where.limit]

    def components(self, where: Where) -> list[ComponentDoc]:
        """See `Reads.components`."""
        found = self._over(self.gateway.components, self._components, where)
        link, stack = where.uses_connector, where.in_stack
        if stack is not None:
            held = self.stacks(Where(ids=(stack,)))
            found = [doc for doc in found if any(of.holds(doc.id) for of in held)]
        return [doc for doc in found if link in {None, doc.connector_id}][: where.limit]

    def connectors(self, where: Where) -> list[ConnectorDoc]:
        """See `Reads.connectors`."""
        found = self._over(self.gateway.connectors, self._connectors, where)
        return [replace(doc, secrets={}, secrets_hidden=False) for doc in found][: where.limit]

    def connector_with_secrets(self, id: str) -> ConnectorDoc | None:
        """See `Gateway.connector_with_secrets`."""
        return next(iter(self.connectors_with_secrets((id,))), None)

    def connectors_with_secrets(self, ids: Collection[str]) -> list[ConnectorDoc]:
        """See `Gateway.connectors_with_secrets`."""
        asked = [key for key in ids if key not in self._gone]
        found = self.gateway.connectors_with_secrets(asked) if asked else []
        return [self._connectors.get(doc.id, doc) for doc in found]

    def orphaned_secrets(self, connectors: Collection[str] | None = None) -> list[OrphanedSecret]:
        """See `Gateway.orphaned_secrets`."""
        found = self.gateway.orphaned_secrets(connectors)
        return [secret for secret in found if secret.id not in self._gone]

    def flavors(self, names: Collection[str]) -> list[FlavorDoc]:
        """See `Reads.flavors`."""
        return self.gateway.flavors(names)

    def connector_types(self) -> frozenset[str]:
        """See `Reads.connector_types`."""
        return self.gateway.connector_types()

    def field_errors(
        self, flavor: FlavorDoc, configuration: Mapping[str, object]
    ) -> list[FieldError]:
        """See `Gateway.field_errors`."""
        return self.gateway.field_errors(flavor, configuration)

    def verify_connector(
        self, connector: NewConnector | str, resource: ResourceRef
    ) -> ConnectorVerdict:
        """See `Gateway.verify_connector`."""
        return self.gateway.verify_connector(connector, resource)

    def _over(
        self, ask: Callable[[Where], list[_Doc]], changed: Mapping[str, _Doc], where: Where
    ) -> list[_Doc]:
        """What the store has of what is asked for, with what would be changed as it would be."""
        limit = where.limit
        # What would be gone takes no place of the others.
        room = None if limit is None else limit + len(self._gone) + len(changed)
        docs = {doc.id: doc for doc in ask(replace(where, limit=room))}
        docs.update(changed)
        renamed = list(fitting(changed.values(), where))
        return [
            doc
            for doc in docs.values()
            if doc.id not in self._gone and (doc.id not in changed or doc in renamed)
        ]

    def _with_names(self, stack: StackDoc) -> StackDoc:
        """A stack knows its members by the names that they would have."""
        if not any(stack.holds(key) for key in self._components):
            return stack
        members = {
            kind: tuple(
                replace(member, name=self._components[member.id].name)
                if member.id in self._components
                else member
                for member in of_kind
            )
            for kind, of_kind in stack.members.items()
        }
        return replace(stack, members=members)

    # -- changing --------------------------------------------------------------------------------

    def update_stack(self, id: str, change: StackChange) -> None:
        """See `Gateway.update_stack`."""
        old = self._found(self.stacks, id, "stack")
        if change.name is not UNSET:
            self._require_free(self.stacks(Where(names=(change.name,))), old, change.name, "stack")
        members: Mapping[str, tuple[Member, ...]] | None = None
        if change.members is not UNSET:
            ids = tuple(member for of in change.members.values() for member in of)
            names = {doc.id: doc.name for doc in self.components(Where(ids=ids))}
            members = {
                kind: tuple(Member(member, names[member]) for member in of)
                for kind, of in change.members.items()
            }
        new = _changed(old, replace(change, members=UNSET))
        self._note("stack", old.name, new.name, id)
        self._stacks[id] = new if members is None else replace(new, members=members)

    def update_component(self, id: str, change: ComponentChange) -> None:
        """See `Gateway.update_component`."""
        old = self._found(self.components, id, "component")
        if change.name is not UNSET:
            same = (d for d in self.components(Where(names=(change.name,))) if d.type == old.type)
            self._require_free(same, old, change.name, old.type)
        new = _changed(old, change)
        self._note(old.type, old.name, new.name, id)
        self._components[id] = new

    def update_connector(self, id: str, change: ConnectorChange) -> None:
        """See `Gateway.update_connector`."""
        old = self.connector_with_secrets(id)
        if old is None:
            raise NotFoundError(f"There is no service connector with the id {id}")
        if change.name is not UNSET:
            others = self.connectors(Where(names=(change.name,)))
            self._require_free(others, old, change.name, "service_connector")
        new = _changed(old, change)
        self._note("service_connector", old.name, new.name, id)
        self._connectors[id] = new

    def delete(self, kind: Kind, id: str) -> bool:
        """See `Gateway.delete`."""
        where = Where(ids=(id,))
        found: list[tuple[str, str]] = []
        if kind == "stack":
            found = [("stack", doc.name) for doc in self.stacks(where)]
        elif kind == "component":
            found = [(doc.type, doc.name) for doc in self.components(where)]
        elif kind == "connector":
            found = [("service_connector", doc.name) for doc in self.connectors(where)]
        else:
            found = [("secret", s.name) for s in self.orphaned_secrets() if s.id == id]
        for word, name in found:
            self._note(word, name, None, id)
        self._gone.add(id)
        return bool(found)

    def create_stack(self, new: NewStack) -> StackDoc:
        """See `Rehearsal`: it creates nothing."""
        raise AssertionError(f"stack {new.name} would be created in no store")

    def create_component(self, new: NewComponent) -> ComponentDoc:
        """See `Rehearsal`: it creates nothing."""
        raise AssertionError(f"{new.type} {new.name} would be created in no store")

    def create_connector(self, new: NewConnector) -> ConnectorDoc:
        """See `Rehearsal`: it creates nothing."""
        raise AssertionError(f"service connector {new.name} would be created in no store")

    def _found(self, ask: Callable[[Where], list[_Doc]], id: str, kind: str) -> _Doc:
        found = ask(Where(ids=(id,)))
        if not found:
            raise NotFoundError(f"There is no {kind} with the id {id}")
        return found[0]

    def _require_free(self, docs: Iterable[_Doc], old: _Doc, name: str, kind: str) -> None:
        if any(doc.id != old.id for doc in docs):
            self.taken = (kind, name)
            raise AlreadyExistsError(f"The name '{name}' is taken by another {kind}")

    def _note(self, kind: str, name: str, new_name: str | None, id: str) -> None:
        if self.is_over:
            raise AssertionError(f"{kind} {name} would be changed in no store")
        self.noted.append(Noted(kind, name, new_name, id))


def _changed(old: _Doc, change: StackChange | ComponentChange | ConnectorChange) -> _Doc:
    given: dict[str, Any] = {field.name: getattr(change, field.name) for field in fields(change)}
    return replace(old, **{name: now for name, now in given.items() if now is not UNSET})
