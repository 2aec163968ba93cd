"""ZenML's models as documents, and questions as its filters."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from kitaru_iac.gateway.documents import (
    ComponentDoc,
    ConnectorDoc,
    FieldError,
    Member,
    StackDoc,
    Where,
)
from kitaru_iac.gateway.flavor_schema import required_secrets
from kitaru_iac.redaction import SecretText

if TYPE_CHECKING:
    from zenml.models import (
        ComponentResponse,
        FlavorResponse,
        ServiceConnectorResponse,
        StackResponse,
    )

__all__ = [
    "PIECE",
    "component_doc",
    "configuration_with_secrets",
    "connector_doc",
    "filters_of",
    "flavor_model",
    "is_named",
    "needs_secret",
    "refused_by",
    "refused_fields",
    "stack_doc",
    "whole_listing",
]

#: So many come in one answer.
PIECE = 200
#: Pydantic's error for a required field that is not there.
_ABSENT = "missing"


def filters_of(where: Where, **more: str | None) -> dict[str, Any]:
    """Write a question as the fields of ZenML's filters; `more` are ids, by field."""
    found: dict[str, Any] = {}
    if where.names is not None:
        found["name"] = f"oneof:{json.dumps(where.names)}"
    if where.ids is not None:
        found["id"] = f"oneof:{json.dumps(where.ids)}"
    if where.id_prefix is not None:
        found["id"] = f"startswith:{where.id_prefix}"
    found.update({key: UUID(value) for key, value in more.items() if value is not None})
    found["size"] = min(where.limit or PIECE, PIECE)
    return found


def whole_listing(
    ask: Callable[[dict[str, Any]], Any], filters: dict[str, Any], limit: int | None
) -> list[Any]:
    """The pages of a listing, one after the other."""
    items: list[Any] = []
    number = 1
    while True:
        page = ask({**filters, "page": number})
        items += page.items
        if number >= page.total_pages or (limit is not None and len(items) >= limit):
            return items[:limit]
        number += 1


def is_named(item: Any, where: Where) -> bool:
    """A database may compare names without case: only what was asked for counts."""
    return where.names is None or item.name in where.names


def _labels(stored: Mapping[str, Any] | None) -> dict[str, str]:
    return {key: str(value) for key, value in (stored or {}).items()}


def _time(value: datetime) -> datetime:
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def stack_doc(item: StackResponse) -> StackDoc:
    """Make a document of a stack."""
    return StackDoc(
        id=str(item.id),
        name=item.name,
        labels=_labels(item.labels),
        members={
            kind.value: tuple(Member(str(c.id), c.name) for c in components)
            for kind, components in item.components.items()
        },
        updated=_time(item.updated),
        description=item.description or "",
    )


def component_doc(item: ComponentResponse) -> ComponentDoc:
    """Make a document of a component."""
    return ComponentDoc(
        id=str(item.id),
        type=item.type.value,
        name=item.name,
        flavor=item.flavor_name,
        configuration=dict(item.configuration),
        labels=_labels(item.labels),
        connector_id=str(item.connector.id) if item.connector is not None else None,
        connector_resource_id=item.connector_resource_id,
        updated=_time(item.updated),
    )


def connector_doc(item: ServiceConnectorResponse, secret: Collection[str] = ()) -> ConnectorDoc:
    """Make a document of a service connector, with those of its secrets that came with it.

    Args:
        item: The connector.
        secret: The names of its secrets, where ZenML does not mark them.
    """
    from pydantic import SecretStr

    plain: dict[str, Any] = {}
    hidden: dict[str, SecretText] = {}
    for key, value in (item.configuration or {}).items():
        if isinstance(value, SecretStr):
            hidden[key] = SecretText(value.get_secret_value())
        elif key in secret:
            hidden[key] = SecretText(str(value))
        else:
            plain[key] = value
    kind = item.connector_type
    return ConnectorDoc(
        id=str(item.id),
        name=item.name,
        type=kind if isinstance(kind, str) else kind.connector_type,
        auth_method=item.auth_method,
        configuration=plain,
        secrets=hidden,
        labels=_labels(item.labels),
        updated=_time(item.updated),
    )


def needs_secret(item: ServiceConnectorResponse) -> bool:
    """Whether a connector's method cannot be without a secret; also where nobody says so."""
    kind = item.connector_type
    if isinstance(kind, str):
        return True
    schemas = [m.config_schema for m in kind.auth_methods if m.auth_method == item.auth_method]
    return any(map(required_secrets, schemas))


def configuration_with_secrets(
    plain: Mapping[str, Any], secrets: Mapping[str, SecretText]
) -> dict[str, Any]:
    """Plain and secret fields together, as ZenML takes them: it tells them apart by type."""
    from pydantic import SecretStr

    return {**plain, **{key: SecretStr(str(value)) for key, value in secrets.items()}}


def flavor_model(item: FlavorResponse) -> Any:
    """The flavor's own model; None where its packages are not installed here."""
    from zenml.stack.flavor import Flavor

    try:
        return Flavor.from_model(item).config_class
    except ImportError:
        return None


def _is_secret_field_at(model: Any, place: tuple[int | str, ...]) -> bool:
    """Say whether the field of a flavor's model that pydantic calls by this place is a secret."""
    from zenml.utils.secret_utils import is_secret_field

    field = model.model_fields.get(place[0]) if place else None
    return field is not None and is_secret_field(field)


def refused_fields(item: FlavorResponse, configuration: Mapping[str, object]) -> list[FieldError]:
    """What a flavor's own model says against a configuration; nothing where it is not here."""
    model = flavor_model(item)
    return [] if model is None else refused_by(model, configuration)


def refused_by(model: Any, configuration: Mapping[str, object]) -> list[FieldError]:
    """What a model, a class of pydantic's as flavors have one, says against a configuration."""
    from pydantic import ValidationError

    try:
        model(**configuration)
    except ValidationError as error:
        return [
            FieldError(
                field=".".join(map(str, detail["loc"])),
                message=detail["msg"],
                is_absent=detail["type"] == _ABSENT and len(detail["loc"]) <= 1,
                is_secret=_is_secret_field_at(model, detail["loc"]),
            )
            for detail in error.errors(include_url=False, include_input=False)
        ]
    except Exception as error:  # noqa: BLE001 (its validators may raise what they like)
        lines = str(error).strip().splitlines() or [type(error).__name__]
        return [FieldError("", lines[0])]
    return []
