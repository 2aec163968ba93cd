"""The faces of one stack: the document of `kitaru stack show`, and its lines.

Takes the stack as plain data, the way `StackView.to_dict` gives it: everything that is stored, with
secrets masked.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from kitaru_iac.labels import APPLIED_LABEL
from kitaru_iac.spec.kinds import StackType
from kitaru_iac.spec.stored import cluster_of, details

__all__ = ["show_item", "show_lines"]

_ROLES = {
    "orchestrator": "runner",
    "artifact_store": "storage",
    "container_registry": "image_registry",
    "image_builder": "image_builder",
}
_TITLES = {
    "runner": "Runner",
    "storage": "Storage",
    "image_registry": "Image registry",
    "image_builder": "Image builder",
}
_TYPES = tuple(StackType)


def show_item(stack: Mapping[str, Any], owner: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The stack as ``stack show`` gives it to programs.

    Args:
        stack: What is stored.
        owner: The program that keeps it, where that is not the command.
    """
    connectors = {connector["id"]: connector for connector in stack["connectors"]}
    components = [
        _component(component, connectors.get(component["connector_id"]), stack["labels"])
        for component in stack["components"]
    ]
    runner = next((c for c in components if c["role"] == "runner"), None)
    backend = runner["backend"] if runner else None
    item = {
        "id": stack["id"],
        "name": stack["name"],
        "is_active": stack["is_active"],
        "is_managed": stack["is_managed"],
        "stack_type": backend if backend in _TYPES else "custom",
        **({"owner": dict(owner)} if owner else {}),
        "components": components,
    }
    more = ("connectors", "labels", "description", "environment", "secrets", "spec_path")
    item |= {key: stack[key] for key in more if stack[key]}
    return item | {key: stack[key] for key in ("user", "created", "updated") if stack[key]}


def _component(
    component: Mapping[str, Any], connector: Mapping[str, Any] | None, labels: Mapping[str, Any]
) -> dict[str, Any]:
    role = _ROLES.get(component["role_type"], "additional_component")
    item = {
        "role": role,
        "name": component["name"],
        "backend": component["flavor"],
        "details": _details(role, component, connector, labels),
        "id": component["id"],
        "type": component["role_type"],
        "configuration": component["configuration"],
        "labels": component["labels"],
    }
    if component["connector_name"]:
        item["connector"] = {
            "name": component["connector_name"],
            "resource_id": component["connector_resource_id"],
        }
    return item | {key: component[key] for key in ("environment", "secrets") if component[key]}


def _details(
    role: str,
    component: Mapping[str, Any],
    connector: Mapping[str, Any] | None,
    labels: Mapping[str, Any],
) -> dict[str, Any]:
    """What the part is and where it is, in the words of the stacks page."""
    stored = component["configuration"]
    parts = {
        component["role_type"]: stored,
        "connector": connector["configuration"] if connector else {},
        "labels": labels,
        "cluster": cluster_of(component["connector_resource_id"]),
    }
    # Only runners differ by type; another tool's has no details of ours, as a local one has none.
    flavor = component["flavor"] if role == "runner" else None
    type_ = StackType(flavor) if flavor in _TYPES else StackType.LOCAL
    found = details(component["role_type"], type_, parts)
    # The effect of `async`, which `extra` may set too.
    if role == "runner" and stored.get("synchronous") is not None:
        found["synchronous"] = stored["synchronous"]
    return found


# -- text ----------------------------------------------------------------------------------------


def show_lines(item: Mapping[str, Any], style: Callable[..., str]) -> Iterator[str]:
    """The stack for a person, from what `show_item` gives."""
    yield style(f"Stack: {item['name']}", "bold") + (" (active)" if item["is_active"] else "")
    rows: list[tuple[str, Any]] = [
        ("id", item["id"]),
        ("type", item["stack_type"]),
        ("managed by kitaru", item["is_managed"]),
        ("owner", _owner(item.get("owner"))),
        ("labels", _labels(item.get("labels"))),
        ("description", item.get("description")),
        ("environment", item.get("environment")),
        ("secrets", item.get("secrets")),
        ("created", _created(item)),
    ]
    yield from _rows(rows)
    for component in item["components"]:
        yield ""
        title = _TITLES.get(component["role"], component["type"].replace("_", " ").capitalize())
        yield style(f"{title}: {component['name']}", "bold") + f" ({component['backend']})"
        yield from _rows(_component_rows(component))
    for connector in item.get("connectors", ()):
        yield ""
        yield (
            style(f"Service connector: {connector['name']}", "bold")
            + f" ({connector['type']}, {connector['auth_method']})"
        )
        yield from _rows(_connector_rows(connector))


def _labels(labels: Mapping[str, Any] | None) -> dict[str, Any]:
    """The labels but what was applied, which `drift` reads and no person does."""
    return {key: text for key, text in (labels or {}).items() if key != APPLIED_LABEL}


def _component_rows(component: Mapping[str, Any]) -> list[tuple[str, Any]]:
    details = component["details"]
    # A field that a detail already shows is not said twice.
    shown = {json.dumps(value, default=str) for value in details.values()}
    rest = {
        key: value
        for key, value in component["configuration"].items()
        if json.dumps(value, default=str) not in shown
    }
    connector = component.get("connector")
    through = None
    if connector:
        resource = connector["resource_id"]
        through = f"{connector['name']} → {resource}" if resource else connector["name"]
    return [
        *((key.replace("_", " ").replace(" id", ""), value) for key, value in details.items()),
        *rest.items(),
        ("connector", through),
        ("labels", component["labels"]),
        ("environment", component.get("environment")),
        ("secrets", component.get("secrets")),
        ("id", component["id"]),
    ]


def _connector_rows(connector: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [
        *connector["configuration"].items(),
        ("resource types", connector["resource_types"]),
        ("resource", connector["resource_id"]),
        ("expires", connector["expires_at"]),
        ("labels", connector["labels"]),
        ("id", connector["id"]),
    ]


def _owner(owner: Mapping[str, str] | None) -> str | None:
    if not owner:
        return None
    if not owner["project"]:
        return "Pulumi"
    return f"Pulumi, project {owner['project']}, stack {owner['stack']}"


def _created(item: Mapping[str, Any]) -> str | None:
    if not item.get("created"):
        return None
    by = f" by {item['user']}" if item.get("user") else ""
    return f"{item['created']}{by}"


def _rows(rows: list[tuple[str, Any]]) -> Iterator[str]:
    filled = [(name, value) for name, value in rows if value not in (None, "", {}, [], ())]
    column = max((len(name) for name, _ in filled), default=0) + 1
    for name, value in filled:
        yield f"  {name + ':':<{column}} {_said(value)}"


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        if all(not isinstance(inner, Mapping | list) for inner in value.values()):
            return ", ".join(f"{key}={inner}" for key, inner in value.items())
        return json.dumps(value, ensure_ascii=False, default=str)
    if isinstance(value, list | tuple):
        if all(isinstance(inner, str) for inner in value):
            return ", ".join(value)
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
