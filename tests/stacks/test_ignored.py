"""Whatever somebody makes of what is left to others: no change, no drift, and exported as it is."""

from __future__ import annotations

from typing import Any

import pytest

from kitaru_iac.gateway.documents import ComponentChange, ConnectorChange, StackChange, Where
from kitaru_iac.gateway.memory import MemoryGateway, installed
from kitaru_iac.labels import DESCRIBED_LABEL
from kitaru_iac.plan.model import Action
from kitaru_iac.records.applied import drifted
from kitaru_iac.records.applied_label import applied_records
from kitaru_iac.records.stored import Store
from kitaru_iac.spec import from_mapping
from kitaru_iac.stacks import operations
from kitaru_iac.stacks.export import export_view
from tests.homes import Home
from tests.stacks.test_export_any import view_of
from tests.stacks.test_planning import REMOTE

FULL: dict[str, Any] = {
    **REMOTE,
    "labels": {"team": "1", "owner": "us"},
    "description": "One.",
    "extra": {"orchestrator": {"timeout": 3}},
    "namespace": "ml",
    "artifact_store": "s3://other/b",
    "container_registry": f"{REMOTE['container_registry']}/team",
}
#: What somebody else writes there.
THEIRS = {
    "labels.team": "theirs",
    "description": "Theirs.",
    "orchestrator.timeout": 9,
    "orchestrator.kubernetes_namespace": "theirs",
    "artifact_store.path": "s3://theirs/c",
    "container_registry.uri": "999999999999.dkr.ecr.eu-west-1.amazonaws.com",
    "container_registry.default_repository": "theirs",
    "connector.endpoint_url": "https://theirs.example.com",
}
#: Without these a component is none.
NEEDED = {"artifact_store.path", "container_registry.uri"}


def write(memory: MemoryGateway, path: str, value: object) -> None:
    """Do what somebody else does to a field; None takes it away."""
    kind, _, name = path.partition(".")

    def written(fields: Any) -> dict[str, Any]:
        rest = {key: one for key, one in fields.items() if key != name}
        return rest if value is None else {**rest, name: value}

    (stack,) = memory.stacks(Where(names=("prod",)))
    if kind == "description":
        memory.update_stack(stack.id, StackChange(description=str(value or "")))
    elif kind == "labels":
        memory.update_stack(stack.id, StackChange(labels=written(stack.labels)))
    elif kind == "connector":
        (doc,) = memory.connectors(Where(names=("prod",)))
        link = memory.connector_with_secrets(doc.id)
        assert link is not None
        change = ConnectorChange(configuration=written(link.configuration), secrets=link.secrets)
        memory.update_connector(link.id, change)
    else:
        (part,) = [c for c in memory.components(Where(names=("prod",))) if c.type == kind]
        memory.update_component(part.id, ComponentChange(configuration=written(part.configuration)))


def changes(description: Any) -> list[str]:
    plan = operations.preview(from_mapping(description))
    return [str(step) for step in plan.steps if step.action is not Action.KEEP]


@pytest.mark.parametrize("first", [REMOTE, FULL], ids=["not there", "there"])
@pytest.mark.parametrize("path", THEIRS)
def test_it_is_no_change_and_no_drift_and_is_exported(
    bare_home: Home, monkeypatch: pytest.MonkeyPatch, path: str, first: dict[str, Any]
) -> None:
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(bare_home.config))
    monkeypatch.setenv("PROD_CREDENTIALS", REMOTE["credentials"])
    described = {**FULL, "ignore_changes": [path]}
    with installed(MemoryGateway()) as memory:
        operations.apply(from_mapping(first))
        operations.apply(from_mapping(described))
        for value in (..., THEIRS[path], *([] if path in NEEDED else [None])):
            if value is not ...:
                write(memory, path, value)
            assert changes(described) == []
            view = view_of(memory, "prod")
            assert changes(export_view(view).keys) == []
            current = Store(memory).read("prod")
            assert current is not None
            applied = applied_records(current.labels)
            assert applied is not None
            assert [step for step in drifted(applied, current) if step.changes] == []
            if path in {"labels.team", "description"}:  # whose it is stands as it was stored
                said = str(view.labels[DESCRIBED_LABEL]).split(",")
                assert (path in said) is (first is FULL)
