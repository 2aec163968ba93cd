"""The documents of ZenML's REST API as ours, and ours as its requests.

They are the same on every server from 0.85 on; what came later is never sent.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from kitaru_iac.gateway.documents import (
    UNSET,
    ComponentChange,
    ComponentDoc,
    ConnectorChange,
    ConnectorDoc,
    Member,
    NewComponent,
    NewConnector,
    NewStack,
    ResourceRef,
    StackChange,
    StackDoc,
    Where,
)
from kitaru_iac.gateway.flavor_schema import is_secret, required_secrets
from kitaru_iac.gateway.http import Json
from kitaru_iac.redaction import SecretText

__all__ = [
    "PIECE",
    "component_change",
    "component_doc",
    "component_request",
    "connector_change",
    "connector_doc",
    "connector_request",
    "filters_of",
    "named",
    "secret_fields",
    "stack_change",
    "stack_doc",
    "stack_request",
    "verification_request",
]

#: So many come in one answer.
PIECE: Final = 200


# -- questions -------------------------------------------------------------------------------------


def filters_of(where: Where, **more: str | None) -> dict[str, str | int | Sequence[str]]:
    """Write a question as the parameters of a listing; `more` are ids, by parameter."""
    found: dict[str, str | int | Sequence[str]] = {}
    if where.names is not None:
        found["name"] = f"oneof:{json.dumps(where.names)}"
    if where.ids is not None:
        found["id"] = f"oneof:{json.dumps(where.ids)}"
    if where.id_prefix is not None:
        found["id"] = f"startswith:{where.id_prefix}"
    found.update({key: value for key, value in more.items() if value is not None})
    found["size"] = min(where.limit or PIECE, PIECE)
    return found


def named(name: str, where: Where) -> bool:
    """Say whether a name was asked for: a database may compare names without case."""
    return where.names is None or name in where.names


# -- answers ---------------------------------------------------------------------------------------


def _text(found: object) -> str:
    if not isinstance(found, str):
        raise TypeError(f"{type(found).__name__} in place of a text")
    return found


def stack_doc(item: Mapping[str, Any]) -> StackDoc:
    """Read a stack."""
    metadata = item["metadata"]
    return StackDoc(
        id=_text(item["id"]),
        name=_text(item["name"]),
        labels=_labels(metadata),
        members={
            kind: tuple(Member(_text(c["id"]), _text(c["name"])) for c in components)
            for kind, components in metadata["components"].items()
        },
        updated=_time(item["body"]["updated"]),
        description=metadata.get("description") or "",
    )


def component_doc(item: Mapping[str, Any]) -> ComponentDoc:
    """Read a component."""
    body, metadata = item["body"], item["metadata"]
    connector = metadata["connector"]
    return ComponentDoc(
        id=_text(item["id"]),
        type=_text(body["type"]),
        name=_text(item["name"]),
        flavor=_text(body["flavor_name"]),
        configuration=dict(metadata["configuration"]),
        labels=_labels(metadata),
        connector_id=_text(connector["id"]) if connector else None,
        connector_resource_id=metadata["connector_resource_id"],
        updated=_time(body["updated"]),
    )


def connector_doc(
    item: Mapping[str, Any], secret: Collection[str] = (), *, asked: bool = False
) -> ConnectorDoc:
    """Read a service connector.

    Args:
        item: Its document.
        secret: The names of the fields in it that are secrets.
        asked: Whether its secrets were asked for. ZenML leaves them out, without a word, where
            they may not be read.
    """
    body, metadata = item["body"], item["metadata"]
    kind = body["connector_type"]
    whole = dict(metadata["configuration"] or {})
    return ConnectorDoc(
        id=_text(item["id"]),
        name=_text(item["name"]),
        # A server that knows the type sends a description of it instead of its name.
        type=kind if isinstance(kind, str) else _text(kind["connector_type"]),
        auth_method=_text(body["auth_method"]),
        configuration={k: v for k, v in whole.items() if k not in secret},
        secrets={k: SecretText(str(v)) for k, v in whole.items() if k in secret},
        labels=_labels(metadata),
        updated=_time(body["updated"]),
        secrets_hidden=asked and not whole.keys() & set(secret) and _has_secrets(body),
    )


def _has_secrets(body: Mapping[str, Any]) -> bool:
    """Whether a connector's method cannot be without a secret; also where nobody says so."""
    kind = body["connector_type"]
    if isinstance(kind, str):
        return True
    schemas = [
        method["config_schema"]
        for method in kind["auth_methods"]
        if method["auth_method"] == body["auth_method"]
    ]
    return any(map(required_secrets, schemas))


def secret_fields(item: Mapping[str, Any]) -> frozenset[str] | None:
    """Give the fields that are secret, of all methods of a connector's type, as the server says.

    None, where it does not know the type.
    """
    kind = item["body"]["connector_type"]
    if isinstance(kind, str):
        return None
    return frozenset(
        name
        for method in kind["auth_methods"]
        for name, field in method["config_schema"].get("properties", {}).items()
        if is_secret(field)
    )


def _labels(metadata: Mapping[str, Any]) -> dict[str, str]:
    return {key: str(value) for key, value in (metadata["labels"] or {}).items()}


def _time(value: str) -> datetime:
    time = datetime.fromisoformat(value)
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)


# -- requests --------------------------------------------------------------------------------------


def stack_request(new: NewStack) -> dict[str, Json]:
    """Write the request that creates a stack with its components."""
    links: list[str] = []

    def index(connector_id: str | None) -> int | None:
        if connector_id is None:
            return None
        if connector_id not in links:
            links.append(connector_id)
        return links.index(connector_id)

    def member(given: str | NewComponent) -> Json:
        if isinstance(given, str):
            return given
        return {
            "flavor": given.flavor,
            "configuration": dict(given.configuration),
            "service_connector_index": index(given.connector_id),
            "service_connector_resource_id": given.connector_resource_id,
        }

    components: dict[str, Json] = {
        kind: [member(given) for given in of_kind] for kind, of_kind in new.members.items()
    }
    return {
        "name": new.name,
        **({"description": new.description} if new.description else {}),
        "labels": dict(new.labels),
        "components": components,
        "service_connectors": list(links),
    }


def component_request(new: NewComponent) -> dict[str, Json]:
    """Write the request that creates a component."""
    return {
        "name": new.name,
        "type": new.type,
        "flavor": new.flavor,
        "configuration": dict(new.configuration),
        "labels": dict(new.labels) or None,
        "connector": new.connector_id,
        "connector_resource_id": new.connector_resource_id,
    }


def connector_request(new: NewConnector) -> dict[str, Json]:
    """Write the request that creates a service connector."""
    return {
        "name": new.name,
        "connector_type": new.type,
        "auth_method": new.auth_method,
        "configuration": _whole(new.configuration, new.secrets),
        "labels": dict(new.labels),
    }


def verification_request(new: NewConnector, resource: ResourceRef) -> dict[str, Json]:
    """Write the request that tries a service connector without storing it."""
    return connector_request(new) | {
        "resource_types": [resource.type] if resource.type else [],
        "resource_id": resource.id,
        "supports_instances": resource.type is not None and resource.id is None,
    }


def stack_change(change: StackChange) -> dict[str, Json]:
    """Write a change of a stack: what is not in it stays."""
    given: dict[str, Json] = {}
    if change.name is not UNSET:
        given["name"] = change.name
    if change.labels is not UNSET:
        given["labels"] = dict(change.labels)
    if change.members is not UNSET:
        given["components"] = {kind: list(of_kind) for kind, of_kind in change.members.items()}
    if change.description is not UNSET:
        given["description"] = change.description
    return given


def component_change(change: ComponentChange, stored: ComponentDoc | None) -> dict[str, Json]:
    """Write a change of a component.

    Args:
        change: What becomes other.
        stored: The component; needed where the change leaves its connector or resource: ZenML
            unlinks a component whose update does not name them.
    """
    given: dict[str, Json] = {}
    if change.name is not UNSET:
        given["name"] = change.name
    if change.configuration is not UNSET:
        given["configuration"] = dict(change.configuration)
    if change.labels is not UNSET:
        given["labels"] = dict(change.labels)
    connector, resource = change.connector_id, change.connector_resource_id
    if stored is not None:
        connector = stored.connector_id if connector is UNSET else connector
        resource = stored.connector_resource_id if resource is UNSET else resource
    given["connector"] = None if connector is UNSET else connector
    given["connector_resource_id"] = None if resource is UNSET else resource
    return given


def connector_change(change: ConnectorChange, stored: Mapping[str, Any]) -> dict[str, Json]:
    """Write a change of a service connector.

    Args:
        change: What becomes other.
        stored: The connector's document: two fields are cleared by an update without them.
    """
    given: dict[str, Json] = {
        "resource_id": stored["body"]["resource_id"],
        "expiration_seconds": stored["metadata"]["expiration_seconds"],
    }
    if change.name is not UNSET:
        given["name"] = change.name
    if change.auth_method is not UNSET:
        given["auth_method"] = change.auth_method
    if change.configuration is not UNSET:
        secrets = {} if change.secrets is UNSET else change.secrets
        given["configuration"] = _whole(change.configuration, secrets)
    if change.labels is not UNSET:
        given["labels"] = dict(change.labels)
    return given


def _whole(plain: Mapping[str, Any], secrets: Mapping[str, SecretText]) -> dict[str, Json]:
    return {**plain, **{key: str(value) for key, value in secrets.items()}}
