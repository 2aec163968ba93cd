"""A store in memory: the seam for tests of programs that use this package, and for its own.

It behaves as ZenML 0.98 does where that matters to what is written through the gateway: names are
taken once per kind (components: per type), a component that comes with its stack gets the stack's
labels and, where its name is taken, a suffix; what is in use is not deleted. It does not check
flavors' fields or reach a cloud: every field is known, every connector is content.
"""

from __future__ import annotations

from collections.abc import (
    Callable,
    Collection,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import contextmanager
from uuid import uuid4

from kitaru_iac.errors import NotAllowedError
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
from kitaru_iac.gateway.lookup import fitting
from kitaru_iac.gateway.memory_shelves import MemoryShelves, require_free
from kitaru_iac.gateway.opening import INSTEAD
from kitaru_iac.gateway.secret_names import secret_part
from kitaru_iac.notices import KitaruWarning
from kitaru_iac.values import replace

__all__ = ["MemoryGateway", "installed"]


@contextmanager
def installed(gateway: MemoryGateway) -> Iterator[MemoryGateway]:
    """Let every operation of this context work on a store in memory instead of the configured one.

    Which stack is active is not the store's to know: describe stacks with ``activate=False``.
    """
    token = INSTEAD.set(gateway)
    try:
        yield gateway
    finally:
        INSTEAD.reset(token)


#: The types whose components a stack may name; a flavor of every name exists for each.
_TYPES = (
    "orchestrator",
    "artifact_store",
    "container_registry",
    "step_operator",
    "image_builder",
)


class _AnyField(frozenset[str]):
    """Holds every field."""

    def __contains__(self, _: object) -> bool:
        return True


class MemoryGateway(MemoryShelves):
    """A store in memory. Implements `Gateway`.

    Args:
        is_local: Whether it passes for a local store; a server's otherwise.
        before_write: Called with each write before it happens, as ``create stack dev``; what it
            raises is the write's failure.

    Attributes:
        written: The writes that happened, in the words of `before_write`.
        warnings: See `Reads.warnings`; a test adds to it.
        hides_secrets: Whether secrets may not be read, as ZenML lets a login without that right.
        hidden: Ids of what may not be read, which a listing leaves out.
    """

    version = "0.98.0"

    def __init__(
        self,
        *,
        is_local: bool = False,
        before_write: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.place = StorePlace(
            "local" if is_local else "server",
            "memory://store" if is_local else "https://memory.invalid",
            is_on_this_machine=is_local,
            id=None if is_local else str(uuid4()),
        )
        self.warnings: Sequence[KitaruWarning] = []
        self.hides_secrets = False
        self.hidden: set[str] = set()
        self.written: list[str] = []
        self.before_write = before_write
        super().__init__()

    # -- reading ---------------------------------------------------------------------------------

    def stacks(self, where: Where) -> list[StackDoc]:
        """See `Reads.stacks`."""
        found = [
            doc
            for doc in fitting([*self._stacks.values()], where)
            if where.uses_component is None or doc.holds(where.uses_component)
        ]
        return found[: where.limit]

    def components(self, where: Where) -> list[ComponentDoc]:
        """See `Reads.components`."""
        stack = self._stacks.get(where.in_stack or "")
        found = [
            doc
            for doc in fitting([*self._components.values()], where)
            if (where.in_stack is None or (stack is not None and stack.holds(doc.id)))
            and where.uses_connector in {None, doc.connector_id}
            and doc.id not in self.hidden
        ]
        return found[: where.limit]

    def connectors(self, where: Where) -> list[ConnectorDoc]:
        """See `Reads.connectors`."""
        found = list(fitting([*self._connectors.values()], where))[: where.limit]
        return [replace(doc, secrets={}) for doc in found if doc.id not in self.hidden]

    def connector_with_secrets(self, id: str) -> ConnectorDoc | None:
        """See `Gateway.connector_with_secrets`."""
        found = self._connectors.get(id)
        if id in self.hidden:
            raise NotAllowedError(f"This login may not read service connector {id}")
        if found is None or not self.hides_secrets:
            return found
        return replace(found, secrets={}, secrets_hidden=bool(found.secrets))

    def connectors_with_secrets(self, ids: Collection[str]) -> list[ConnectorDoc]:
        """See `Gateway.connectors_with_secrets`."""
        found = [self.connector_with_secrets(key) for key in ids if key not in self.hidden]
        return [doc for doc in found if doc is not None]

    def orphaned_secrets(self, connectors: Collection[str] | None = None) -> list[OrphanedSecret]:
        """See `Gateway.orphaned_secrets`."""
        if self.place.kind != "local":
            return []
        wanted = None if connectors is None else {secret_part(name) for name in connectors}
        return [s for s in [*self._secrets.values()] if wanted is None or s.connector in wanted]

    def flavors(self, names: Collection[str]) -> list[FlavorDoc]:
        """See `Reads.flavors`."""
        return [FlavorDoc(kind, name, _AnyField()) for kind in _TYPES for name in sorted(names)]

    def field_errors(
        self,
        flavor: FlavorDoc,  # noqa: ARG002
        configuration: Mapping[str, object],  # noqa: ARG002
    ) -> list[FieldError]:
        """See `Gateway.field_errors`: none."""
        return []

    def connector_types(self) -> frozenset[str]:
        """See `Reads.connector_types`."""
        return frozenset({"aws", "gcp", "azure", "docker", "kubernetes"})

    def verify_connector(
        self,
        connector: NewConnector | str,  # noqa: ARG002
        resource: ResourceRef,
    ) -> ConnectorVerdict:
        """See `Gateway.verify_connector`: content."""
        return ConnectorVerdict((resource.id,) if resource.id else ())

    # -- creating --------------------------------------------------------------------------------

    def create_stack(self, new: NewStack) -> StackDoc:
        """See `Gateway.create_stack`."""
        self._write("create", "stack", new.name)
        require_free([*self._stacks.values()], new.name, "stack")
        members: dict[str, tuple[Member, ...]] = {}
        for kind, of_kind in new.members.items():
            docs = [
                self._found(self._components, given, "component")
                if isinstance(given, str)
                else self._member(given, new)
                for given in of_kind
            ]
            members[kind] = tuple(Member(doc.id, doc.name) for doc in docs)
        doc = self.put_stack(self.new_id("stack", new.name), new.name, new.labels, members)
        return self.describe_stack(doc, new.description)

    def _member(self, given: NewComponent, stack: NewStack) -> ComponentDoc:
        taken = {doc.name for doc in [*self._components.values()] if doc.type == given.type}
        name = f"{stack.name}-{uuid4().hex[:4]}" if stack.name in taken else stack.name
        new = replace(given, name=name, labels=stack.labels)
        return self.put_component(new, id=self.new_id(given.type, given.name))

    def create_component(self, new: NewComponent) -> ComponentDoc:
        """See `Gateway.create_component`."""
        self._write("create", new.type, new.name)
        others = (doc for doc in [*self._components.values()] if doc.type == new.type)
        require_free(others, new.name, new.type)
        return self.put_component(new, id=self.new_id(new.type, new.name))

    def create_connector(self, new: NewConnector) -> ConnectorDoc:
        """See `Gateway.create_connector`."""
        self._write("create", "connector", new.name)
        require_free([*self._connectors.values()], new.name, "connector")
        return self.put_connector(new, id=self.new_id("connector", new.name))

    # -- changing --------------------------------------------------------------------------------

    def update_stack(self, id: str, change: StackChange) -> None:
        """See `Gateway.update_stack`."""
        old = self._found(self._stacks, id, "stack")
        self._write("update", "stack", old.name, change.name)
        if change.name is not UNSET:
            others = (doc for doc in [*self._stacks.values()] if doc.id != id)
            require_free(others, change.name, "stack")
            old = replace(old, name=change.name)
        if change.labels is not UNSET:
            old = replace(old, labels=dict(change.labels))
        if change.members is not UNSET:
            members = {
                kind: tuple(
                    Member(member, self._found(self._components, member, "component").name)
                    for member in of_kind
                )
                for kind, of_kind in change.members.items()
            }
            old = replace(old, members=members)
        if change.description is not UNSET:
            old = replace(old, description=change.description)
        self._stacks[id] = replace(old, updated=self.now())

    def update_component(self, id: str, change: ComponentChange) -> None:
        """See `Gateway.update_component`."""
        old = self._found(self._components, id, "component")
        self._write("update", old.type, old.name, change.name)
        if change.name is not UNSET:
            same = (d for d in [*self._components.values()] if d.type == old.type and d.id != id)
            require_free(same, change.name, old.type)
            old = replace(old, name=change.name)
        if change.configuration is not UNSET:
            old = replace(old, configuration=dict(change.configuration))
        if change.labels is not UNSET:
            old = replace(old, labels=dict(change.labels))
        if change.connector_id is not UNSET:
            old = replace(old, connector_id=change.connector_id)
        if change.connector_resource_id is not UNSET:
            old = replace(old, connector_resource_id=change.connector_resource_id)
        self._components[id] = replace(old, updated=self.now())

    def update_connector(self, id: str, change: ConnectorChange) -> None:
        """See `Gateway.update_connector`."""
        old = self._found(self._connectors, id, "connector")
        self._write("update", "connector", old.name, change.name)
        if change.name is not UNSET:
            others = (doc for doc in [*self._connectors.values()] if doc.id != id)
            require_free(others, change.name, "connector")
            old = replace(old, name=change.name)
        if change.auth_method is not UNSET:
            old = replace(old, auth_method=change.auth_method)
        if change.configuration is not UNSET:
            secrets = {} if change.secrets is UNSET else change.secrets
            old = replace(old, configuration=dict(change.configuration), secrets=dict(secrets))
        if change.labels is not UNSET:
            old = replace(old, labels=dict(change.labels))
        self._connectors[id] = replace(old, updated=self.now())

    def delete(self, kind: Kind, id: str) -> bool:
        """See `Gateway.delete`."""
        if kind == "secret":
            gone = self._secrets.get(id)
            if gone is not None:
                self._write("delete", kind, gone.name)
                del self._secrets[id]
            return gone is not None
        shelves: Mapping[
            Kind, dict[str, StackDoc] | dict[str, ComponentDoc] | dict[str, ConnectorDoc]
        ]
        shelves = {
            "stack": self._stacks,
            "component": self._components,
            "connector": self._connectors,
        }
        found = shelves[kind].get(id)
        if found is None:
            return False
        words = found.type if isinstance(found, ComponentDoc) else kind
        self._write("delete", words, found.name)
        if kind == "component" and self.stacks(Where(uses_component=id)):
            raise NotAllowedError(f"The {words} '{found.name}' is in a stack")
        if kind == "connector" and self.components(Where(uses_connector=id)):
            raise NotAllowedError(f"The connector '{found.name}' is used by components")
        del shelves[kind][id]
        return True

    def _write(self, verb: str, kind: str, name: str, new_name: object = UNSET) -> None:
        line = f"{verb} {kind} {name}"
        if new_name is not UNSET and new_name != name:
            line = f"{line} as {new_name}"
        self.before_write(line)
        self.written.append(line)
