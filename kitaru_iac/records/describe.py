"""The description that an existing stack would have: its records read backwards.

Enough to examine its infrastructure: credentials are not read, the stack's connector stands for
them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kitaru_iac.errors import KitaruError
from kitaru_iac.gateway import DEFAULT_STACK, ComponentView, StackView, open_reader
from kitaru_iac.records.parts import REGION_LABEL

__all__ = ["describe", "description_of"]

_TYPES = ("local", "kubernetes", "vertex", "sagemaker", "azureml")


def describe(ref: str) -> dict[str, Any]:
    """The keys of stack.yaml for the stack with this name or id.

    Raises:
        StackNotFound: There is none.
        KitaruError: It is of no type that a description can have.
    """
    reader = open_reader()
    try:
        return description_of(reader.stack(ref))
    finally:
        reader.close()


def description_of(stack: StackView) -> dict[str, Any]:
    """The keys of stack.yaml for a stack that was read; raises as `describe` does."""
    if stack.name == DEFAULT_STACK:
        raise KitaruError(
            "The default stack is ZenML's own, and all on this machine: no description makes it",
            remedy=f"See it with: kitaru stack show {stack.name}",
        )
    runner = stack.component("orchestrator")
    if runner is None or runner.flavor not in _TYPES:
        flavor = "no orchestrator" if runner is None else f"the orchestrator {runner.flavor}"
        raise KitaruError(
            f"Stack '{stack.name}' has {flavor}: no description can say that",
            remedy=f"See it with: kitaru stack show {stack.name}",
        )
    connector = next((c for c in stack.connectors if c.id == runner.connector_id), None)
    if connector is None and stack.connectors:
        connector = stack.connectors[0]
    of_connector = connector.configuration if connector else {}
    region = of_connector.get("region") or stack.labels.get(REGION_LABEL)
    found: dict[str, Any] = {
        "name": stack.name,
        "type": runner.flavor,
        "artifact_store": _value(stack.component("artifact_store"), "path"),
        "container_registry": _registry(stack.component("container_registry")),
        "connector": connector.name if connector else None,
        **_of_runner(runner, of_connector, region),
    }
    return {key: value for key, value in found.items() if value is not None}


def _of_runner(
    runner: ComponentView, connector: Mapping[str, Any], region: str | None
) -> dict[str, Any]:
    stored = runner.configuration
    if runner.flavor == "kubernetes":
        # AKS is RESOURCE_GROUP/CLUSTER.
        group, _, cluster = (runner.connector_resource_id or "").rpartition("/")
        on_azure = group or "subscription_id" in connector
        return {
            "cluster": cluster or None,
            "region": region,
            "namespace": stored.get("kubernetes_namespace"),
            "subscription_id": connector.get("subscription_id") if on_azure else None,
            "resource_group": group or None,
        }
    if runner.flavor == "vertex":
        return {"region": stored.get("location")}
    if runner.flavor == "sagemaker":
        role = stored.get("execution_role")
        return {"region": stored.get("region") or region, "execution_role": role}
    if runner.flavor == "azureml":
        keys = ("subscription_id", "resource_group", "workspace")
        return {"region": stored.get("location"), **{key: stored.get(key) for key in keys}}
    return {}


def _registry(component: ComponentView | None) -> str | None:
    """The registry with the repository that ZenML keeps beside it."""
    uri = _value(component, "uri")
    repository = _value(component, "default_repository")
    return f"{uri}/{repository}" if uri and repository else uri


def _value(component: ComponentView | None, field: str) -> Any:
    return None if component is None else component.configuration.get(field)
