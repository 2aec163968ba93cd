"""What a store in memory holds: put there by a test, and found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TypeVar
from uuid import uuid4

from kitaru_iac.errors import AlreadyExistsError, NotFoundError
from kitaru_iac.gateway.documents import (
    ComponentDoc,
    ConnectorDoc,
    Member,
    NewComponent,
    NewConnector,
    OrphanedSecret,
    StackDoc,
)
from kitaru_iac.gateway.secret_names import secret_part
from kitaru_iac.gateway.views import DEFAULT_STACK
from kitaru_iac.values import replace

__all__ = ["MemoryShelves", "require_free"]

_Doc = TypeVar("_Doc", StackDoc, ComponentDoc, ConnectorDoc)


class MemoryShelves:
    """The documents of a store in memory, by their ids."""

    def __init__(self) -> None:
        self._stacks: dict[str, StackDoc] = {}
        self._components: dict[str, ComponentDoc] = {}
        self._connectors: dict[str, ConnectorDoc] = {}
        self._secrets: dict[str, OrphanedSecret] = {}
        self._make_default()

    def _make_default(self) -> None:
        members = {}
        for kind in ("orchestrator", "artifact_store"):
            found = self.put_component(
                NewComponent(kind, DEFAULT_STACK, "local"), id=self.new_id(kind, DEFAULT_STACK)
            )
            members[kind] = (Member(found.id, found.name),)
        self.put_stack(self.new_id("stack", DEFAULT_STACK), DEFAULT_STACK, {}, members)

    def new_id(self, kind: str, name: str) -> str:  # noqa: ARG002 - for those who override it
        """The id of something that is created."""
        return str(uuid4())

    def now(self) -> datetime:
        """See `Reads.now`: the time of a write."""
        return datetime.now(UTC)

    def put_stack(
        self,
        id: str,
        name: str,
        labels: Mapping[str, str],
        members: Mapping[str, tuple[Member, ...]],
        updated: datetime | None = None,
    ) -> StackDoc:
        """Have a stack there."""
        doc = StackDoc(id, name, dict(labels), dict(members), updated or self.now())
        self._stacks[id] = doc
        return doc

    def describe_stack(self, doc: StackDoc, description: str) -> StackDoc:
        """Have a description on a stack."""
        self._stacks[doc.id] = described = replace(doc, description=description)
        return described

    def put_component(
        self, new: NewComponent, *, id: str, updated: datetime | None = None
    ) -> ComponentDoc:
        """Have a component there."""
        doc = ComponentDoc(
            id=id,
            type=new.type,
            name=new.name,
            flavor=new.flavor,
            configuration=dict(new.configuration),
            labels=dict(new.labels),
            connector_id=new.connector_id,
            connector_resource_id=new.connector_resource_id,
            updated=updated or self.now(),
        )
        self._components[id] = doc
        return doc

    def put_connector(
        self, new: NewConnector, *, id: str, updated: datetime | None = None
    ) -> ConnectorDoc:
        """Have a service connector there."""
        doc = ConnectorDoc(
            id=id,
            name=new.name,
            type=new.type,
            auth_method=new.auth_method,
            configuration=dict(new.configuration),
            secrets=dict(new.secrets),
            labels=dict(new.labels),
            updated=updated or self.now(),
        )
        self._connectors[id] = doc
        return doc

    def put_orphaned_secret(
        self, connector: str, *, id: str = "", name: str = ""
    ) -> OrphanedSecret:
        """Have a connector's secret there, without the connector."""
        plain = secret_part(connector)
        found = OrphanedSecret(id or str(uuid4()), name or f"connector-{plain}-abcd", plain)
        self._secrets[found.id] = found
        return found

    @staticmethod
    def _found(shelf: Mapping[str, _Doc], id: str, kind: str) -> _Doc:
        try:
            return shelf[id]
        except KeyError:
            raise NotFoundError(f"There is no {kind} with the id {id}") from None


def require_free(docs: Iterable[_Doc], name: str, kind: str) -> None:
    """Refuse a name that one of these documents has.

    Raises:
        AlreadyExistsError: One has it.
    """
    if any(doc.name == name for doc in docs):
        raise AlreadyExistsError(f"A {kind} named '{name}' exists already")
