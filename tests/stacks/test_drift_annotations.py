"""Drift of what a description says about a stack itself: labels, a text, what is left to others."""

from __future__ import annotations

from typing import Any

import pytest

from kitaru_iac.gateway.documents import ComponentChange, StackChange, StackDoc, Where
from kitaru_iac.gateway.memory import MemoryGateway, installed
from kitaru_iac.records.stored import Store
from kitaru_iac.spec import from_mapping
from kitaru_iac.stacks import operations
from kitaru_iac.stacks.watch import drift_of_records
from tests.homes import Home

PLAIN: dict[str, Any] = {
    "name": "dev",
    "type": "kubernetes",
    "artifact_store": "s3://my-bucket/kitaru",
    "container_registry": "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
    "cluster": "main",
    "region": "eu-west-1",
    "credentials": "aws-access-keys:AKIAFIRST00000000001:hush-hush-hush",
    "verify": False,
    "activate": False,
}
TOLD = {**PLAIN, "labels": {"team": "ml"}, "description": "For the team"}
IGNORING = {**TOLD, "ignore_changes": ["orchestrator.kubernetes_namespace", "labels.cost"]}


@pytest.fixture(params=[True, False], ids=["local", "server"])
def memory(
    bare_home: Home, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> MemoryGateway:
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(bare_home.config))
    return MemoryGateway(is_local=request.param)


def drifted() -> dict[str, tuple[object, object]] | None:
    """The fields that differ, with what was applied and what is there."""
    stored = Store.open().read("dev")
    assert stored is not None
    found = drift_of_records(stored)
    if found is None:
        return None
    return {c["path"]: (c["before"], c["after"]) for item in found for c in item["changed"]}


def stack(memory: MemoryGateway) -> StackDoc:
    (doc,) = memory.stacks(Where(names=("dev",)))
    return doc


def test_what_is_described_is_watched_and_what_is_left_to_others_is_not(
    memory: MemoryGateway,
) -> None:
    with installed(memory):
        operations.create(from_mapping(IGNORING))
        assert drifted() == {}
        assert not operations.preview(from_mapping(IGNORING)).has_changes
        labels = {**stack(memory).labels, "cost": "1", "own": "2"}
        memory.update_stack(stack(memory).id, StackChange(labels=labels))
        parts = memory.components(Where(names=("dev",)))
        (runner,) = (part for part in parts if part.type == "orchestrator")
        namespace = {"kubernetes_namespace": "theirs"}
        memory.update_component(runner.id, ComponentChange(configuration=namespace))
        assert drifted() == {}

        change = StackChange(labels={**labels, "team": "other"}, description="Other words")
        memory.update_stack(stack(memory).id, change)
        found = {"labels.team": ("ml", "other"), "description": ("For the team", "Other words")}
        assert drifted() == found
        operations.apply(from_mapping(IGNORING))
        assert drifted() == {}

        # No longer left to others, what they wrote is put back, and watched.
        operations.apply(from_mapping(TOLD))
        assert drifted() == {}
        memory.update_component(runner.id, ComponentChange(configuration=namespace))
        assert set(drifted() or {}) == {"configuration.kubernetes_namespace"}


def test_what_goes_with_a_description_is_no_drift_afterwards(memory: MemoryGateway) -> None:
    with installed(memory):
        operations.create(from_mapping(TOLD))
        operations.apply(from_mapping(PLAIN))
        assert drifted() == {}
        assert "team" not in stack(memory).labels
        assert not operations.preview(from_mapping(PLAIN)).has_changes


@pytest.mark.parametrize("rule", ["orchestrator.kubernetes_namespace", "labels.team"])
def test_a_field_that_somebody_put_on_the_list_is_not_said_to_be_unset(
    memory: MemoryGateway, rule: str
) -> None:
    """The list that was applied counts; the other one is drift itself."""
    with installed(memory):
        operations.create(from_mapping({**TOLD, "namespace": "ml"}))
        labels = {**stack(memory).labels, "kitaru.ignore_changes": rule}
        memory.update_stack(stack(memory).id, StackChange(labels=labels))
        assert drifted() == {"labels.kitaru.ignore_changes": (None, rule)}
        memory.update_stack(stack(memory).id, StackChange(labels={**labels, "team": "other"}))
        assert (drifted() or {})["labels.team"] == ("ml", "other")


def test_nor_is_one_that_somebody_took_off_it(memory: MemoryGateway) -> None:
    with installed(memory):
        operations.create(from_mapping({**IGNORING, "namespace": "ml"}))
        labels = {**stack(memory).labels}
        rule = labels.pop("kitaru.ignore_changes")
        memory.update_stack(stack(memory).id, StackChange(labels=labels))
        assert drifted() == {"labels.kitaru.ignore_changes": (rule, None)}
