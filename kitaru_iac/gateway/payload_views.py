"""What documents of ZenML's REST API say, as the views of a stack and its parts.

A document that lacks a field or has another form raises KeyError, TypeError or ValueError.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from kitaru_iac.errors import NotAllowedError
from kitaru_iac.gateway.errors import may_not_read
from kitaru_iac.gateway.lookup import Stub
from kitaru_iac.gateway.masking import masked
from kitaru_iac.gateway.order import role_rank
from kitaru_iac.gateway.views import ComponentView, ConnectorView, StackView
from kitaru_iac.labels import APPLIED_LABEL, is_managed
from kitaru_iac.machine.active_scope import canonical_id
from kitaru_iac.machine.unreadable import UnreadableError

__all__ = ["Changed", "links_of", "name_of", "places_of", "stack_view", "stub_of", "text_of"]

_T = TypeVar("_T")


class Changed(UnreadableError):
    """Parts of a stack that were read one after the other do not fit.

    Attributes:
        withheld: The error for parts that others name, and that stay away in every listing.
    """

    def __init__(self, what: str, withheld: NotAllowedError | None = None) -> None:
        super().__init__(what)
        self.withheld = withheld


def places_of(stub: Stub) -> dict[str, int]:
    """Give the ids of a stack's components, with the place of each among those of its type."""
    listed: dict[str, list[Any]] = stub.payload["metadata"]["components"]
    return {c["id"]: place for parts in listed.values() for place, c in enumerate(parts)}


def links_of(full: Sequence[Mapping[str, Any]]) -> set[str]:
    """Name the connectors of components by their ids."""
    return {c["metadata"]["connector"]["id"] for c in full if c["metadata"]["connector"]}


def _require_fit(
    stub: Stub,
    named: Sequence[tuple[Mapping[str, Any], str]],
    given: Sequence[Mapping[str, Any]],
    changed: str,
) -> None:
    """See that a listing has what others name, with its kind; raises `Changed`."""
    wanted, ids = {part["id"] for part, _ in named}, {part["id"] for part in given}
    if wanted == ids:
        return
    names = [f"{kind} {text_of(part['name'])}" for part, kind in named if part["id"] not in ids]
    # A server leaves out of a listing, without a word, what may not be read.
    withheld = may_not_read(stub.name, names) if ids < wanted else None
    raise Changed(changed, withheld)


def stack_view(
    stub: Stub,
    full: list[dict[str, Any]],
    connectors: Sequence[dict[str, Any]],
    is_active: bool,
) -> StackView:
    """Build the view of a stack from its documents; raises `Changed` where they do not fit."""
    stack, order = stub.payload, places_of(stub)
    listed = [
        (part, kind.replace("_", " "))
        for kind, of in stack["metadata"]["components"].items()
        for part in of
    ]
    _require_fit(stub, listed, full, "the stack changed while it was read")
    links = [(link, "service connector") for c in full if (link := c["metadata"]["connector"])]
    _require_fit(stub, links, connectors, "the stack's connectors changed while it was read")
    full = sorted(full, key=lambda c: _component_order(c, first=order[c["id"]] == 0))
    metadata = stack["metadata"]
    return StackView(
        id=stub.id,
        name=stub.name,
        description=text_of(metadata["description"] or ""),
        labels=_settings(metadata["labels"]),
        is_active=is_active,
        is_managed=stub.is_managed,
        components=tuple(_component(component) for component in full),
        connectors=tuple(
            _connector(c) for c in sorted(connectors, key=lambda c: (c["name"], c["id"]))
        ),
        environment=masked(_settings(metadata.get("environment"))),
        secrets=_texts(metadata.get("secrets")),
        spec_path=_optional(metadata["stack_spec_path"], text_of),
        **_history(stack),
    )


def stub_of(item: dict[str, Any]) -> Stub:
    """Read which stack a document is about."""
    uuid, labels = canonical_id(item["id"]), item["metadata"]["labels"] or {}
    if uuid is None:
        raise ValueError("an id that is none")
    return Stub(uuid, text_of(item["name"]), is_managed(labels), item, APPLIED_LABEL in labels)


def name_of(item: dict[str, Any]) -> str:
    """Read the name in a document."""
    return text_of(item["name"])


def text_of(value: object) -> str:
    """Take a text, and nothing else, as one."""
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} in place of a text")
    return value


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{type(value).__name__} in place of a number")
    return value


def _texts(value: object) -> tuple[str, ...]:
    """The texts of a list; none where a server does not know the field yet."""
    if not isinstance(value, list | None):
        raise TypeError(f"{type(value).__name__} in place of a list")
    return tuple(text_of(item) for item in value or ())


def _settings(value: object) -> dict[str, Any]:
    """A mapping with texts as keys; empty where there is none."""
    if not isinstance(value, dict | None):
        raise TypeError(f"{type(value).__name__} in place of a mapping")
    return dict(value or {})


def _component_order(component: Mapping[str, Any], *, first: bool) -> tuple[Any, ...]:
    return (*role_rank(component["body"]["type"]), not first, component["name"], component["id"])


def _time(value: str) -> datetime:
    time = datetime.fromisoformat(value)
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)


def _optional(value: object, read: Callable[[Any], _T]) -> _T | None:
    return None if value is None else read(value)


def _history(item: Mapping[str, Any]) -> dict[str, Any]:
    user = item["resources"]["user"]
    return {
        "created": _time(item["body"]["created"]),
        "updated": _time(item["body"]["updated"]),
        "user": text_of(user["name"]) if user else None,
    }


def _component(item: Mapping[str, Any]) -> ComponentView:
    body, metadata = item["body"], item["metadata"]
    connector = metadata["connector"]
    return ComponentView(
        role_type=text_of(body["type"]),
        id=text_of(item["id"]),
        name=text_of(item["name"]),
        flavor=text_of(body["flavor_name"]),
        configuration=masked(_settings(metadata["configuration"])),
        labels=_settings(metadata["labels"]),
        environment=masked(_settings(metadata.get("environment"))),
        secrets=_texts(metadata.get("secrets")),
        connector_id=text_of(connector["id"]) if connector else None,
        connector_name=text_of(connector["name"]) if connector else None,
        connector_resource_id=_optional(metadata["connector_resource_id"], text_of),
        **_history(item),
    )


def _connector(item: Mapping[str, Any]) -> ConnectorView:
    body, metadata = item["body"], item["metadata"]
    kind = body["connector_type"]
    return ConnectorView(
        id=text_of(item["id"]),
        name=text_of(item["name"]),
        # A server that knows the type sends a description of it instead of its name.
        type=text_of(kind if isinstance(kind, str) else kind["connector_type"]),
        auth_method=text_of(body["auth_method"]),
        resource_types=_texts(body["resource_types"]),
        resource_id=_optional(body["resource_id"], text_of),
        configuration=masked(_settings(metadata["configuration"])),
        labels=_settings(metadata["labels"]),
        description=text_of(body["description"] or ""),
        supports_instances=bool(body["supports_instances"]),
        expires_at=_optional(body["expires_at"], _time),
        expires_skew_tolerance=_optional(body["expires_skew_tolerance"], _number),
        expiration_seconds=_optional(metadata["expiration_seconds"], _number),
        **_history(item),
    )
