"""What is to be written, as ZenML's requests and updates. They import ZenML."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from kitaru_iac.gateway.documents import (
    UNSET,
    ComponentChange,
    ConnectorChange,
    NewComponent,
    NewConnector,
    NewStack,
    StackChange,
)
from kitaru_iac.gateway.zenml_models import component_doc, configuration_with_secrets

if TYPE_CHECKING:
    from zenml.models import (
        ComponentRequest,
        ComponentResponse,
        ComponentUpdate,
        ServiceConnectorRequest,
        ServiceConnectorResponse,
        ServiceConnectorUpdate,
        StackRequest,
        StackUpdate,
    )

__all__ = [
    "component_request",
    "component_update",
    "connector_request",
    "connector_update",
    "stack_request",
    "stack_update",
]


def stack_request(new: NewStack) -> StackRequest:
    """Write a new stack, with the components that are made with it."""
    from zenml.enums import StackComponentType
    from zenml.models import ComponentInfo, StackRequest

    links: list[UUID] = []

    def index(connector_id: str | None) -> int | None:
        if connector_id is None:
            return None
        if (uuid := UUID(connector_id)) not in links:
            links.append(uuid)
        return links.index(uuid)

    def member(given: str | NewComponent) -> UUID | ComponentInfo:
        if isinstance(given, str):
            return UUID(given)
        return ComponentInfo(
            flavor=given.flavor,
            configuration=dict(given.configuration),
            service_connector_index=index(given.connector_id),
            service_connector_resource_id=given.connector_resource_id,
        )

    components = {
        StackComponentType(kind): [member(given) for given in of_kind]
        for kind, of_kind in new.members.items()
    }
    return StackRequest(
        name=new.name,
        description=new.description,
        components=components,
        labels=dict(new.labels),
        service_connectors=list(links),
    )


def component_request(new: NewComponent) -> ComponentRequest:
    """Write a new component."""
    from zenml.enums import StackComponentType
    from zenml.models import ComponentRequest

    return ComponentRequest(
        name=new.name,
        type=StackComponentType(new.type),
        flavor=new.flavor,
        configuration=dict(new.configuration),
        labels=dict(new.labels) or None,
        connector=UUID(new.connector_id) if new.connector_id else None,
        connector_resource_id=new.connector_resource_id,
    )


def connector_request(new: NewConnector) -> ServiceConnectorRequest:
    """Write a new service connector, with its secrets."""
    from zenml.models import ServiceConnectorRequest

    return ServiceConnectorRequest(
        name=new.name,
        connector_type=new.type,
        auth_method=new.auth_method,
        configuration=configuration_with_secrets(new.configuration, new.secrets),
        labels=dict(new.labels),
    )


def stack_update(change: StackChange) -> StackUpdate:
    """Write a change of a stack."""
    from zenml.enums import StackComponentType
    from zenml.models import StackUpdate

    given: dict[str, Any] = {}
    if change.name is not UNSET:
        given["name"] = change.name
    if change.labels is not UNSET:
        given["labels"] = dict(change.labels)
    if change.members is not UNSET:
        given["components"] = {
            StackComponentType(kind): [UUID(member) for member in of_kind]
            for kind, of_kind in change.members.items()
        }
    if change.description is not UNSET:
        given["description"] = change.description
    return StackUpdate(**given)


def component_update(
    change: ComponentChange, stored: Callable[[], ComponentResponse]
) -> ComponentUpdate:
    """Write a change of a component.

    Args:
        change: The change.
        stored: Gives what it is, where the change leaves the connector or its resource as it is:
            ZenML unlinks a component whose update does not name its connector.
    """
    from zenml.models import ComponentUpdate

    given: dict[str, Any] = {}
    if change.name is not UNSET:
        given["name"] = change.name
    if change.configuration is not UNSET:
        given["configuration"] = dict(change.configuration)
    if change.labels is not UNSET:
        given["labels"] = dict(change.labels)
    connector, resource = change.connector_id, change.connector_resource_id
    if connector is UNSET or resource is UNSET:
        doc = component_doc(stored())
        connector = doc.connector_id if connector is UNSET else connector
        resource = doc.connector_resource_id if resource is UNSET else resource
    given["connector"] = UUID(connector) if connector else None
    given["connector_resource_id"] = resource
    return ComponentUpdate(**given)


def connector_update(
    change: ConnectorChange, stored: ServiceConnectorResponse
) -> ServiceConnectorUpdate:
    """Write a change of a service connector.

    Args:
        change: The change.
        stored: What it is: ZenML clears the resource and the expiration where an update does not
            name them.
    """
    from zenml.models import ServiceConnectorUpdate

    given: dict[str, Any] = {
        "resource_id": stored.resource_id,
        "expiration_seconds": stored.expiration_seconds,
    }
    if change.name is not UNSET:
        given["name"] = change.name
    if change.auth_method is not UNSET:
        given["auth_method"] = change.auth_method
    if change.configuration is not UNSET:
        secrets = {} if change.secrets is UNSET else change.secrets
        given["configuration"] = configuration_with_secrets(change.configuration, secrets)
    if change.labels is not UNSET:
        given["labels"] = dict(change.labels)
    return ServiceConnectorUpdate(**given)
