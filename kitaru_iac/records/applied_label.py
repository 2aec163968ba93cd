"""Read the label that keeps what was applied to a stack, as `records.applied` writes it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, TypeVar

from kitaru_iac.labels import APPLIED_LABEL
from kitaru_iac.records.model import ComponentRecord, ConnectorRecord, Records

__all__ = ["VERSION", "applied_records"]

#: The version of what is kept.
VERSION: Final = 1

_Value = TypeVar("_Value")


def applied_records(labels: Mapping[str, object]) -> Records | None:
    """Read what was applied from a stack's labels.

    Returns:
        The records, without secrets; None where nothing is kept, or nothing that is understood.
    """
    text = labels.get(APPLIED_LABEL)
    try:
        kept = json.loads(text) if isinstance(text, str) else None
        if not isinstance(kept, dict) or kept.get("version") != VERSION:
            return None
        link = kept["connector"]
        return Records(
            stack=_a(str, kept["stack"]),
            stack_type=_a(str, kept["type"]),
            components=tuple(_read_component(part) for part in _a(list, kept["components"])),
            connector=None if link is None else _read_connector(link),
            labels=_labels(kept["labels"]),
            description=None if "description" not in kept else _a(str, kept["description"]),
        )
    except (KeyError, TypeError, ValueError, RecursionError):
        return None


def _read_component(part: Mapping[str, Any]) -> ComponentRecord:
    resource = part["resource_id"]
    return ComponentRecord(
        type=_a(str, part["type"]),
        name=_a(str, part["name"]),
        flavor=_a(str, part["flavor"]),
        configuration=_a(dict, part["configuration"]),
        uses_connector=_a(bool, part["uses_connector"]),
        resource_id=None if resource is None else _a(str, resource),
        labels=_labels(part["labels"]),
        filled={
            _a(str, key): _a(list, found) for key, found in _a(dict, part.get("filled", {})).items()
        },
    )


def _read_connector(link: Mapping[str, Any]) -> ConnectorRecord:
    uuid = link["id"]
    return ConnectorRecord(
        name=_a(str, link["name"]),
        type=_a(str, link["type"]),
        auth_method=_a(str, link["auth_method"]),
        configuration=_a(dict, link["configuration"]),
        labels=_labels(link["labels"]),
        existing=_a(bool, link["existing"]),
        id=None if uuid is None else _a(str, uuid),
    )


def _labels(found: object) -> dict[str, str]:
    return {_a(str, key): _a(str, text) for key, text in _a(dict, found).items()}


def _a(kind: type[_Value], value: object) -> _Value:
    """The value, if it is of this type.

    Raises:
        TypeError: It is not.
    """
    if not isinstance(value, kind):
        raise TypeError(type(value).__name__)
    return value
