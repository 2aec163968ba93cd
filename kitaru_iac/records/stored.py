"""ZenML's store, as far as stacks go: open it, read one stack's records, find who uses what.

Everything here reads. Writing is `records.apply`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any
from uuid import UUID

from kitaru_iac.errors import NotFoundError, StackNotFound, UsageError
from kitaru_iac.gateway.errors import mapped_errors
from kitaru_iac.gateway.opening import insist_on_server
from kitaru_iac.gateway.quiet import quiet
from kitaru_iac.records.model import (
    MANAGED_LABEL,
    ORPHANED_LABEL,
    REUSED_CONNECTORS_LABEL,
    ComponentRecord,
    ConnectorRecord,
    Records,
)
from kitaru_iac.records.snapshot import Look, look_for
from kitaru_iac.redaction import SecretText

if TYPE_CHECKING:
    from zenml.client import Client
    from zenml.models import ComponentResponse, ServiceConnectorResponse, StackResponse
    from zenml.zen_stores.base_zen_store import BaseZenStore

__all__ = ["DEFAULT_STACK", "DESCRIBED", "Store", "is_managed", "mapped_errors", "stack_type"]

DEFAULT_STACK = "default"
#: Seconds after which an unfinished registration on a server counts as dead.
SETTLED_AFTER = 60.0
#: The component types that a description speaks of; others in a stack are the user's own.
DESCRIBED = ("orchestrator", "artifact_store", "container_registry")

_TYPES = {
    "local": "local",
    "kubernetes": "kubernetes",
    "vertex": "vertex",
    "sagemaker": "sagemaker",
    "azureml": "azureml",
}


def stack_type(orchestrator_flavor: str | None) -> str:
    """The stack type that an orchestrator of this flavor stands for; ``custom`` for any other."""
    return _TYPES.get(orchestrator_flavor or "", "custom")


class Store:
    """An open ZenML store and client. Make one with :meth:`open` and use it inside `quiet()`."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._look: Look | None = None

    @classmethod
    def open(cls) -> Store:
        """Connect as ZenML's own configuration says.

        Raises:
            NotConnectedError: No store answers.
            NotAllowedError: The login is not accepted.
        """
        insist_on_server()
        with quiet(), mapped_errors():
            from zenml.client import Client

            client = Client()
            _ = client.zen_store
            return cls(client)

    @property
    def zen_store(self) -> BaseZenStore:
        """ZenML's store object."""
        return self.client.zen_store

    @cached_property
    def is_local(self) -> bool:
        """Whether this very process owns the store (an SQL store, not a server)."""
        return self.zen_store.type.value == "sql"

    @cached_property
    def url(self) -> str:
        """Where the store is, without a password."""
        url = self.zen_store.url
        scheme, separator, rest = url.partition("://")
        if "@" in rest.split("/", 1)[0]:
            rest = rest.split("@", 1)[1]
        return f"{scheme}{separator}{rest}"

    @cached_property
    def server_version(self) -> str:
        """The version of ZenML that owns the store."""
        return str(self.zen_store.get_store_info().version)

    # -- finding ---------------------------------------------------------------------------------

    def look(self, *names: str) -> None:
        """Ask once for all that carries these names; `forget` before it may have changed."""
        with mapped_errors():
            self._look = look_for(self.client, *names, is_local=self.is_local)

    def forget(self) -> None:
        """From here on the store is asked again."""
        self._look = None

    def _looked_for(self, name: str) -> Look | None:
        return self._look if self._look is not None and name in self._look.names else None

    def stack_named(self, name: str) -> StackResponse | None:
        """The stack of exactly this name."""
        with mapped_errors():
            if (look := self._looked_for(name)) is not None:
                return look.stacks.get(name)
            page = self.client.list_stacks(name=f"equals:{name}", size=1, hydrate=True)
            return page.items[0] if page.items else None

    def find(self, ref: str) -> StackResponse | None:
        """The stack with this name, id, or unambiguous id prefix; None if there is none.

        Raises:
            UsageError: The prefix fits several stacks.
        """
        with mapped_errors():
            if (named := self.stack_named(ref)) is not None:
                return named
            if (uuid := _uuid(ref)) is not None:
                try:
                    return self.zen_store.get_stack(uuid)
                except KeyError:
                    return None
            if not _is_id_prefix(ref):
                return None
            page = self.client.list_stacks(id=f"startswith:{ref.lower()}", size=5, hydrate=True)
            if len(page.items) > 1:
                names = ", ".join(f"{stack.name} ({stack.id})" for stack in page.items)
                raise UsageError(
                    f"The id prefix '{ref}' fits several stacks",
                    why=names,
                    remedy="Give more of the id, or the name.",
                )
            return page.items[0] if page.items else None

    def require(self, ref: str) -> StackResponse:
        """Like :meth:`find`, but a missing stack is an error with the nearest name."""
        found = self.find(ref)
        if found is None:
            raise self.not_found(ref)
        return found

    def not_found(self, ref: str) -> StackNotFound:
        """The error for a stack that does not exist."""
        from kitaru_iac.spec.suggest import suggest

        names = [stack.name for stack in self.client.list_stacks(size=200).items]
        near = suggest(ref, names)
        return StackNotFound(
            f"No stack has the name or id '{ref}'",
            remedy=f"Did you mean '{near}'?" if near else "See them all with: kitaru stack list",
        )

    def active(self) -> StackResponse:
        """The active stack of this process."""
        with mapped_errors():
            return self.client.active_stack_model

    # -- reading records -------------------------------------------------------------------------

    def read(self, ref: str, *, secrets: bool = False) -> Records | None:
        """What is stored for one stack.

        Args:
            ref: Its name or id.
            secrets: Whether to read the connector's secrets too, to compare them.
        """
        stack = self.find(ref)
        return None if stack is None else self.records_of(stack, secrets=secrets)

    def records_of(self, stack: StackResponse, *, secrets: bool = False) -> Records:
        """The records of a stack that ZenML's client returned."""
        with mapped_errors():
            # One listing instead of a question for each: in its stack's document a component lacks
            # all that is set on it.
            page = self.client.list_stack_components(stack_id=stack.id, size=200, hydrate=True)
            full = {component.id: component for component in page.items}
            responses = [
                full.get(component.id, component)
                for kind in sorted(stack.components, key=lambda kind: kind.value)
                for component in stack.components[kind]
            ]
            components = tuple(self._component(component) for component in responses)
            linked = {
                component.connector.id: component.connector
                for component in responses
                if component.connector is not None
            }
            labels = {key: str(value) for key, value in (stack.labels or {}).items()}
            connector = None
            if linked:
                # One connector per stack; a stack made elsewhere may have more: the first counts.
                connector = self.connector(
                    next(iter(linked)),
                    secrets=secrets,
                    reused=REUSED_CONNECTORS_LABEL in labels,
                )
        orchestrator = next((c for c in components if c.type == "orchestrator"), None)
        return Records(
            stack=stack.name,
            stack_type=stack_type(orchestrator.flavor if orchestrator else None),
            components=components,
            connector=connector,
            labels=labels,
            id=str(stack.id),
        )

    def connector(
        self, ref: str | UUID, *, secrets: bool = False, reused: bool = False
    ) -> ConnectorRecord:
        """The record of a service connector.

        Raises:
            NotFoundError: There is none of this name or id.
        """
        with mapped_errors():
            response = self._connector_response(ref, secrets=secrets)
        plain, hidden = _split_secrets(response)
        kind = response.connector_type
        return ConnectorRecord(
            name=response.name,
            type=kind if isinstance(kind, str) else kind.connector_type,
            auth_method=response.auth_method,
            configuration=plain,
            secrets=hidden if secrets else {},
            labels=dict(response.labels or {}),
            existing=reused,
            id=str(response.id),
        )

    def _connector_response(self, ref: str | UUID, *, secrets: bool) -> ServiceConnectorResponse:
        uuid = ref if isinstance(ref, UUID) else _uuid(ref)
        if uuid is None:
            found = self._connector_by_name(str(ref))
            if found is None:
                raise NotFoundError(
                    f"No service connector has the name or id '{ref}'",
                    remedy="See them with: zenml service-connector list",
                )
            uuid = found.id
        return self.zen_store.get_service_connector(uuid, expand_secrets=secrets)

    def _connector_by_name(self, name: str) -> ServiceConnectorResponse | None:
        if (look := self._looked_for(name)) is not None:
            return look.connectors.get(name)
        page = self.client.list_service_connectors(name=f"equals:{name}", size=1, hydrate=True)
        return page.items[0] if page.items else None

    def _component(self, response: ComponentResponse) -> ComponentRecord:
        return ComponentRecord(
            type=response.type.value,
            name=response.name,
            flavor=response.flavor_name,
            configuration=dict(response.configuration),
            uses_connector=response.connector is not None,
            resource_id=response.connector_resource_id,
            labels={key: str(value) for key, value in (response.labels or {}).items()},
            id=str(response.id),
        )

    # -- who uses what ---------------------------------------------------------------------------

    def components_named(self, name: str) -> dict[str, ComponentRecord]:
        """The components of this name by their type, in a stack or not."""
        with mapped_errors():
            found = self._components_named(name)
            return {kind: self._component(component) for kind, component in found.items()}

    def _components_named(self, name: str) -> Mapping[str, ComponentResponse]:
        if (look := self._looked_for(name)) is not None:
            return look.components[name]
        # A name is taken once for each type: one listing holds them all.
        page = self.client.list_stack_components(name=f"equals:{name}", size=100, hydrate=True)
        return {component.type.value: component for component in page.items}

    def connector_named(self, name: str, *, secrets: bool = False) -> ConnectorRecord | None:
        """The service connector of this name."""
        try:
            return self.connector(name, secrets=secrets)
        except NotFoundError:
            return None

    def stacks_of(self, component_id: str) -> list[str]:
        """The names of the stacks that contain a component."""
        with mapped_errors():
            page = self.client.list_stacks(component_id=UUID(component_id), size=50)
            return sorted(stack.name for stack in page.items)

    def components_of(self, connector_id: str) -> list[ComponentRecord]:
        """The components that reach their resource through a connector."""
        with mapped_errors():
            page = self.client.list_stack_components(
                connector_id=UUID(connector_id), size=200, hydrate=True
            )
            return [self._component(component) for component in page.items]

    def leftovers(self, stack: str, *, secrets: bool = False, fresh: bool = False) -> Records:
        """Managed parts that carry a stack's name, are in no stack, and that nobody is writing.

        `kitaru stack delete` without ``--recursive`` leaves them, and so does a process that was
        killed: a new stack of that name takes them over.

        Args:
            stack: The name.
            secrets: Whether to read the connector's secrets too.
            fresh: Also what a registration may be making at this moment.
        """
        components = []
        with mapped_errors():
            named = self._components_named(stack)
            for kind in DESCRIBED:
                found = named.get(kind)
                if found is None or not is_managed(found.labels):
                    continue
                if self._is_held(stack, found.id) or not (fresh or self.is_settled(found)):
                    continue
                components.append(self._component(found))
            connector = None
            stored = self._connector_by_name(stack)
            if (
                stored is not None
                and is_managed(stored.labels)
                and (fresh or self.is_settled(stored))
                and {c.id for c in self.components_of(str(stored.id))} <= {c.id for c in components}
            ):
                connector = self.connector(stored.id, secrets=secrets)
        return Records(stack, "custom", tuple(components), connector=connector)

    def _is_held(self, name: str, component_id: UUID) -> bool:
        look = self._looked_for(name)
        if look is not None and look.holds(component_id):
            return True
        return bool(self.stacks_of(str(component_id)))

    def is_settled(self, stored: Any) -> bool:
        """Whether what is stored in no stack is a leftover, and not a colleague's work under way.

        A local store has one writer for a name (`machine.locks`). On a server a deletion marks what
        it leaves; what a dead process left shows by its age.
        """
        if self.zen_store.is_local_store():
            return True
        if (getattr(stored, "labels", None) or {}).get(ORPHANED_LABEL) == "true":
            return True
        updated: datetime = stored.updated
        now = datetime.now(UTC).replace(tzinfo=updated.tzinfo)
        return (now - updated).total_seconds() > SETTLED_AFTER

    def resolved(self, desired: Records) -> Records:
        """Desired records whose existing connector, if they name one, is filled from the store.

        Raises:
            NotFoundError: There is no such connector.
            UsageError: It is of another cloud than the stack.
        """
        wanted = desired.connector
        if wanted is None or not wanted.existing:
            return desired
        stored = self.connector(wanted.name, reused=True)
        if stored.type != wanted.type:
            raise UsageError(
                f"The connector '{stored.name}' is of type {stored.type}",
                where="--connector",
                why=f"This stack's artifact store and registry need one of type {wanted.type}.",
                remedy="See them with: zenml service-connector list",
            )
        return replace(desired, connector=stored)


def is_managed(labels: Any) -> bool:
    """Whether these labels say that Kitaru made the thing."""
    return bool(labels) and str(labels.get(MANAGED_LABEL)).lower() == "true"


def _split_secrets(
    response: ServiceConnectorResponse,
) -> tuple[dict[str, Any], dict[str, SecretText]]:
    from pydantic import SecretStr

    plain: dict[str, Any] = {}
    hidden: dict[str, SecretText] = {}
    for key, value in (response.configuration or {}).items():
        if isinstance(value, SecretStr):
            hidden[key] = SecretText(value.get_secret_value())
        else:
            plain[key] = value
    return plain, hidden


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _is_id_prefix(text: str) -> bool:
    return len(text) >= 2 and set(text.lower()) <= set("0123456789abcdef-")
