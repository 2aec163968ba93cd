"""The single writes to ZenML, each with the way back.

A `Writer` keeps a journal: every write that succeeded puts its undoing there, and `roll_back` runs
them in reverse. Deletions are not journalled: they come last, when everything new stands.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from kitaru_iac.records.diff import OUR_LABELS
from kitaru_iac.records.model import ComponentRecord, ConnectorRecord

if TYPE_CHECKING:
    from zenml.models import ServiceConnectorRequest, StackResponse

    from kitaru_iac.records.stored import Store

__all__ = ["Writer"]

_log = logging.getLogger("kitaru_iac.records")


class Writer:
    """Writes records to one store, and can take back what it wrote."""

    def __init__(self, store: Store) -> None:
        self._zen = store.zen_store
        self._journal: list[tuple[str, Callable[[], object]]] = []

    def roll_back(self) -> list[str]:
        """Undo everything written so far, newest first.

        Returns:
            What could not be undone, one line each.
        """
        left = []
        while self._journal:
            what, undo = self._journal.pop()
            try:
                undo()
            except Exception as error:  # noqa: BLE001 - one failure must not stop the others
                _log.debug("could not undo %s: %s", what, error)
                left.append(what)
        return left

    def commit(self) -> None:
        """From here on nothing is taken back."""
        self._journal.clear()

    # -- connectors ------------------------------------------------------------------------------

    def create_connector(self, connector: ConnectorRecord) -> UUID:
        """Register a service connector and return its id."""
        from zenml.models import ServiceConnectorRequest

        uuid = self._register_connector(
            ServiceConnectorRequest(
                name=connector.name,
                connector_type=connector.type,
                auth_method=connector.auth_method,
                configuration=_configuration(connector),
                labels=dict(connector.labels),
            )
        )
        self._journal.append(
            (
                f"service connector {connector.name}",
                lambda: self._zen.delete_service_connector(uuid),
            )
        )
        return uuid

    def _register_connector(self, request: ServiceConnectorRequest) -> UUID:
        """Register a connector; on a server, without importing the clouds' SDKs here.

        `RestZenStore` does so after the server has answered, to describe the connector's type: more
        than two seconds for what nobody asked. A registry that is filled already it leaves alone.
        """
        from zenml.service_connectors.service_connector_registry import (
            service_connector_registry as registry,
        )

        with registry.lock:
            filled = registry.initialized
            if self._zen.type.value == "rest":
                registry.initialized = True
            try:
                return UUID(str(self._zen.create_service_connector(request).id))
            finally:
                if self._zen.type.value == "rest":
                    registry.initialized = filled

    def update_connector(self, new: ConnectorRecord, old: ConnectorRecord) -> UUID:
        """Change a connector's method, configuration, secrets and labels in place."""
        uuid = UUID(old.id)
        self._put_connector(uuid, new, _merged(old.labels, new.labels))
        self._journal.append(
            (
                f"the former configuration of service connector {old.name}",
                lambda: self._put_connector(uuid, old, old.labels),
            )
        )
        return uuid

    def _put_connector(
        self, uuid: UUID, connector: ConnectorRecord, labels: Mapping[str, str]
    ) -> None:
        from zenml.models import ServiceConnectorUpdate

        self._zen.update_service_connector(
            uuid,
            ServiceConnectorUpdate(
                auth_method=connector.auth_method,
                configuration=_configuration(connector),
                labels=dict(labels),
            ),
        )

    def rename_connector(self, connector: ConnectorRecord, name: str) -> None:
        """Give a connector another name."""
        from zenml.models import ServiceConnectorUpdate

        uuid = UUID(connector.id)
        self._zen.update_service_connector(uuid, ServiceConnectorUpdate(name=name))
        self._journal.append(
            (
                f"service connector {name}, formerly {connector.name}",
                lambda: self._zen.update_service_connector(
                    uuid, ServiceConnectorUpdate(name=connector.name)
                ),
            )
        )

    def relabel_connector(self, connector: ConnectorRecord, labels: Mapping[str, str]) -> None:
        """Give a connector exactly these labels."""
        from zenml.models import ServiceConnectorUpdate

        self._zen.update_service_connector(
            UUID(connector.id), ServiceConnectorUpdate(labels=dict(labels))
        )

    def delete_connector(self, uuid: UUID) -> None:
        """Delete a connector and its secret; one that is gone already is no error."""
        try:
            self._zen.delete_service_connector(uuid)
        except KeyError:
            _log.debug("connector %s was gone already", uuid)

    # -- components ------------------------------------------------------------------------------

    def create_component(self, component: ComponentRecord, connector: UUID | None) -> UUID:
        """Register a component under exactly its name."""
        from zenml.enums import StackComponentType
        from zenml.models import ComponentRequest

        response = self._zen.create_stack_component(
            ComponentRequest(
                name=component.name,
                type=StackComponentType(component.type),
                flavor=component.flavor,
                configuration=dict(component.configuration),
                labels=dict(component.labels) or None,
                connector=connector if component.uses_connector else None,
                connector_resource_id=component.resource_id,
            )
        )
        self._journal.append(
            (
                f"{component.type} {component.name}",
                lambda: self._zen.delete_stack_component(response.id),
            )
        )
        return response.id

    def update_component(
        self,
        new: ComponentRecord,
        old: ComponentRecord,
        connector: UUID | None,
        old_connector: UUID | None,
    ) -> UUID:
        """Change a component's configuration, connector and labels in place."""
        uuid = UUID(old.id)
        self._put_component(uuid, new, connector, _merged(old.labels, new.labels))
        self._journal.append(
            (
                f"the former configuration of {old.type} {old.name}",
                lambda: self._put_component(uuid, old, old_connector, old.labels),
            )
        )
        return uuid

    def _put_component(
        self,
        uuid: UUID,
        component: ComponentRecord,
        connector: UUID | None,
        labels: Mapping[str, str],
    ) -> None:
        from zenml.models import ComponentUpdate

        self._zen.update_stack_component(
            uuid,
            ComponentUpdate(
                name=component.name,
                configuration=dict(component.configuration),
                labels=dict(labels),
                connector=connector if component.uses_connector else None,
                connector_resource_id=component.resource_id,
            ),
        )

    def relabel_component(
        self,
        component: ComponentRecord,
        name: str,
        connector: UUID | None,
        labels: Mapping[str, str],
    ) -> None:
        """Give a component this name and exactly these labels; its connector stays linked."""
        from zenml.models import ComponentUpdate

        uuid = UUID(component.id)

        def put(new_name: str, new_labels: Mapping[str, str]) -> None:
            self._zen.update_stack_component(
                uuid,
                ComponentUpdate(
                    name=new_name,
                    labels=dict(new_labels),
                    # ZenML unlinks a component whose update does not name its connector.
                    connector=connector if component.uses_connector else None,
                    connector_resource_id=component.resource_id,
                ),
            )

        put(name, labels)
        was = f"{component.type} {name}" + (
            "" if name == component.name else f", formerly {component.name}"
        )
        self._journal.append((was, lambda: put(component.name, component.labels)))

    def delete_component(self, uuid: UUID) -> None:
        """Delete a component; one that is gone already is no error."""
        try:
            self._zen.delete_stack_component(uuid)
        except KeyError:
            _log.debug("component %s was gone already", uuid)

    # -- stacks ----------------------------------------------------------------------------------

    def register_stack(
        self,
        name: str,
        labels: Mapping[str, str],
        members: Mapping[str, Sequence[UUID | ComponentRecord]],
        connector: UUID | None,
    ) -> StackResponse:
        """Register a stack, and in the same call those components that are given as records.

        ZenML takes back the components of that call itself when a later part of it fails.
        """
        from zenml.enums import StackComponentType
        from zenml.models import ComponentInfo, StackRequest

        def info(member: UUID | ComponentRecord) -> UUID | ComponentInfo:
            if isinstance(member, UUID):
                return member
            return ComponentInfo(
                flavor=member.flavor,
                configuration=dict(member.configuration),
                service_connector_index=0 if member.uses_connector else None,
                service_connector_resource_id=member.resource_id,
            )

        request = StackRequest(
            name=name,
            components={
                StackComponentType(kind): [info(member) for member in of_kind]
                for kind, of_kind in members.items()
            },
            labels=dict(labels),
            service_connectors=[connector] if connector else [],
        )
        response = self._zen.create_stack(request)
        created = [
            member.id
            for kind, of_kind in members.items()
            for member, asked in zip(
                response.components[StackComponentType(kind)], of_kind, strict=True
            )
            if not isinstance(asked, UUID)
        ]
        # In reverse: first the stack, then what it holds.
        self._journal.extend(
            (
                f"component {uuid} of stack {name}",
                partial(self._zen.delete_stack_component, uuid),
            )
            for uuid in created
        )
        self._journal.append((f"stack {name}", lambda: self._zen.delete_stack(response.id)))
        return response

    def update_stack(
        self,
        uuid: UUID,
        *,
        labels: Mapping[str, Any],
        members: Mapping[str, Sequence[UUID]],
        old_labels: Mapping[str, Any],
        old_members: Mapping[str, Sequence[UUID]],
    ) -> None:
        """Change a stack's members and labels in place."""
        self._put_stack(uuid, labels, members)
        self._journal.append(
            ("the stack's former members", lambda: self._put_stack(uuid, old_labels, old_members))
        )

    def _put_stack(
        self, uuid: UUID, labels: Mapping[str, Any], members: Mapping[str, Sequence[UUID]]
    ) -> None:
        from zenml.enums import StackComponentType
        from zenml.models import StackUpdate

        self._zen.update_stack(
            uuid,
            StackUpdate(
                labels=dict(labels),
                components={
                    StackComponentType(kind): list(of_kind) for kind, of_kind in members.items()
                },
            ),
        )

    def rename_stack(self, uuid: UUID, old: str, new: str) -> None:
        """Give a stack another name."""
        from zenml.models import StackUpdate

        self._zen.update_stack(uuid, StackUpdate(name=new))
        self._journal.append(
            (
                f"stack {new}, formerly {old}",
                lambda: self._zen.update_stack(uuid, StackUpdate(name=old)),
            )
        )

    def delete_stack(self, uuid: UUID) -> None:
        """Delete a stack; one that is gone already is no error."""
        try:
            self._zen.delete_stack(uuid)
        except KeyError:
            _log.debug("stack %s was gone already", uuid)


def _merged(old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str]:
    """The new labels, and those of the old that are the user's own."""
    return {**{k: v for k, v in old.items() if not k.startswith(OUR_LABELS)}, **new}


def _configuration(connector: ConnectorRecord) -> dict[str, Any]:
    """Plain and secret fields together, as ZenML takes them: it tells them apart by type."""
    from pydantic import SecretStr

    return {
        **connector.configuration,
        **{key: SecretStr(str(value)) for key, value in connector.secrets.items()},
    }
