"""What somebody else put into a stack stays theirs, also where it has the stack's name."""

from __future__ import annotations

from typing import Any

import pytest

from kitaru_iac.errors import AlreadyExistsError
from kitaru_iac.gateway.documents import (
    ComponentChange,
    ConnectorChange,
    NewComponent,
    NewConnector,
    StackChange,
    Where,
)
from kitaru_iac.gateway.gateway import Gateway
from kitaru_iac.gateway.memory import MemoryGateway, installed
from kitaru_iac.labels import APPLIED_LABEL, MANAGED_LABEL
from kitaru_iac.plan.model import Action, Reason
from kitaru_iac.records.stored import Store
from kitaru_iac.spec import from_mapping
from kitaru_iac.spec.files import Described
from kitaru_iac.stacks import operations
from kitaru_iac.stacks.adopt import adopt
from kitaru_iac.stacks.many import plan_all, prune_all
from kitaru_iac.stacks.prune import plan_prune
from kitaru_iac.stacks.source import Source
from tests.homes import Home
from tests.stacks.test_planning import REMOTE

LOCAL = {"name": "prod", "type": "local", "activate": False}
REGISTRY = {"uri": "localhost:5000"}


def put(gateway: Gateway, kind: str, flavor: str, **fields: Any) -> str:
    """Put a component of somebody's into the stack, with the stack's name; its id."""
    (stack,) = gateway.stacks(Where(names=("prod",)))
    theirs = gateway.create_component(NewComponent(kind, "prod", flavor, fields)).id
    members = {of: tuple(m.id for m in found) for of, found in stack.members.items()}
    gateway.update_stack(stack.id, StackChange(members={**members, kind: (theirs,)}))
    return theirs


def ids(gateway: Gateway) -> set[str]:
    return {part.id for part in gateway.components(Where(names=("prod",)))}


@pytest.mark.usefixtures("any_home")
def test_a_registry_with_the_stack_s_name_stays_whatever_is_done() -> None:
    operations.apply(from_mapping(LOCAL))
    gateway = Store.open().gateway
    theirs = put(gateway, "container_registry", "default", **REGISTRY)
    done = operations.apply(from_mapping({**LOCAL, "labels": {"team": "ml"}}))
    (step,) = [step for step in done.plan.steps if step.kind == "container_registry"]
    assert (step.action, step.code) == (Action.KEEP, Reason.ADDED_BY_HAND)
    gone = operations.delete("prod", recursive=True)
    assert gone is not None
    assert [kept.kind for kept in gone.kept] == ["container_registry"]
    assert ids(Store.open().gateway) == {theirs}


@pytest.fixture
def memory(bare_home: Home, monkeypatch: pytest.MonkeyPatch) -> MemoryGateway:
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(bare_home.config))
    return MemoryGateway()


@pytest.mark.parametrize("recorded", [True, False], ids=["recorded", "unrecorded"])
@pytest.mark.parametrize(
    ("given", "kind", "flavor"),
    [
        (LOCAL, "container_registry", "default"),
        (LOCAL, "image_builder", "local"),
        (REMOTE, "image_builder", "local"),
    ],
)
def test_a_part_that_was_never_applied_stays(
    memory: MemoryGateway, given: dict[str, Any], kind: str, flavor: str, recorded: bool
) -> None:
    with installed(memory):
        operations.apply(from_mapping(given))
        theirs = put(memory, kind, flavor)
        (stack,) = memory.stacks(Where(names=("prod",)))
        if not recorded:
            labels = {k: v for k, v in stack.labels.items() if k != APPLIED_LABEL}
            memory.update_stack(stack.id, StackChange(labels=labels))
        operations.apply(from_mapping({**given, "labels": {"team": "ml"}}))
        operations.delete("prod", recursive=True)
        assert ids(memory) == {theirs}


def test_a_sandbox_that_was_put_into_an_applied_stack_stays(memory: MemoryGateway) -> None:
    with installed(memory):
        operations.apply(from_mapping(LOCAL))
        theirs = put(memory, "sandbox", "local")
        operations.delete("prod", recursive=True)
        assert ids(memory) == {theirs}


def test_a_store_of_another_flavor_in_the_old_one_s_place_is_not_exchanged(
    memory: MemoryGateway,
) -> None:
    with installed(memory):
        operations.apply(from_mapping(LOCAL))
        parts = memory.components(Where(names=("prod",)))
        (old,) = [part.id for part in parts if part.type == "artifact_store"]
        memory.update_component(old, ComponentChange(name="old"))
        theirs = put(memory, "artifact_store", "s3", path="s3://theirs")
        with pytest.raises(AlreadyExistsError, match="artifact store"):
            operations.apply(from_mapping(LOCAL))
        operations.delete("prod", recursive=True)
        assert ids(memory) == {theirs}


def test_adopting_a_local_stack_takes_no_registry(memory: MemoryGateway) -> None:
    with installed(memory):
        operations.apply(from_mapping(LOCAL))
        theirs = put(memory, "container_registry", "default", **REGISTRY)
        (stack,) = memory.stacks(Where(names=("prod",)))
        memory.update_stack(stack.id, StackChange(labels={}))
        said = {step.kind: step.reason for step in adopt("prod").plan.steps}
        assert said["container_registry"] == "no description speaks of it: it stays somebody else's"
        assert said["artifact_store"] is None
        operations.apply(from_mapping(LOCAL))
        assert theirs in ids(memory)
        operations.delete("prod", recursive=True)
        assert ids(memory) == {theirs}


def test_pruning_takes_no_registry(memory: MemoryGateway) -> None:
    mine = Source("github.com/acme/stacks", "", ("stacks/",))
    spec = from_mapping({**LOCAL, "name": "other"})
    with installed(memory):
        operations.apply(from_mapping(LOCAL), source=mine.label)
        theirs = put(memory, "container_registry", "default", **REGISTRY)
        pruning = plan_prune(mine, ("other",), plan_all([Described(spec, "o.yaml")])[0])
        assert [item.name for item in pruning.stacks] == ["prod"]
        prune_all(pruning, mine, [])
        assert ids(memory) == {theirs}


# -- what a refusal advises -----------------------------------------------------------------------


def refused(wanted: dict[str, Any]) -> str:
    """The remedy with which a preview and an apply refuse."""
    remedies = set()
    for act in (operations.preview, operations.apply):
        with pytest.raises(AlreadyExistsError) as caught:
            act(from_mapping(wanted))
        remedies.add(str(caught.value.remedy))
    (remedy,) = remedies
    return remedy


def instead(memory: MemoryGateway, kind: str, flavor: str) -> str:
    """Put a component of somebody's into the place of the stack's own; its id."""
    old = [part.id for part in memory.components(Where(names=("prod",))) if part.type == kind]
    for part in old:
        memory.update_component(part, ComponentChange(name="old"))
    theirs = put(memory, kind, flavor)
    for part in old:
        memory.delete("component", part)
    return theirs


@pytest.mark.parametrize(
    ("given", "wanted", "kind", "flavor"),
    [
        pytest.param(LOCAL, LOCAL, "orchestrator", "local_docker", id="local: another runner"),
        pytest.param(LOCAL, LOCAL, "artifact_store", "s3", id="local: another store"),
        pytest.param(LOCAL, REMOTE, "container_registry", "default", id="local: a registry"),
        pytest.param(REMOTE, REMOTE, "orchestrator", "airflow", id="another runner"),
        pytest.param(REMOTE, REMOTE, "artifact_store", "gcp", id="another store"),
    ],
)
def test_what_somebody_put_there_is_to_be_renamed_and_then_all_goes_on(
    memory: MemoryGateway,
    given: dict[str, Any],
    wanted: dict[str, Any],
    kind: str,
    flavor: str,
) -> None:
    with installed(memory):
        operations.apply(from_mapping(given))
        theirs = instead(memory, kind, flavor)
        said = refused(wanted)
        assert f"\nzenml {kind.replace('_', '-')} rename prod NEW" in said
        assert "adopt" not in said
        assert "zenml stack update" not in said
        assert not adopt("prod").changed
        memory.update_component(theirs, ComponentChange(name="theirs"))
        operations.apply(from_mapping(wanted))
        assert not operations.apply(from_mapping(wanted)).changed
        operations.delete("prod", recursive=True)
        (stays,) = memory.components(Where(names=("theirs",)))
        assert dict(stays.labels) == {}


def test_a_connector_that_somebody_linked_is_to_be_renamed(memory: MemoryGateway) -> None:
    with installed(memory):
        operations.apply(from_mapping(LOCAL))
        theirs = memory.create_connector(NewConnector("prod", "aws", "implicit"))
        for part in ids(memory):
            memory.update_component(part, ComponentChange(connector_id=theirs.id))
        said = refused(REMOTE)
        assert "\nzenml service-connector update prod --name NEW" in said
        assert "adopt" not in said
        assert not adopt("prod").changed
        memory.update_connector(theirs.id, ConnectorChange(name="theirs"))
        operations.apply(from_mapping(REMOTE))
        (stays,) = memory.connectors(Where(names=("theirs",)))
        assert dict(stays.labels) == {}


def test_beside_somebody_s_own_a_lost_label_is_put_back_all_the_same(
    memory: MemoryGateway,
) -> None:
    with installed(memory):
        operations.apply(from_mapping(REMOTE))
        parts = {part.type: part.id for part in memory.components(Where(names=("prod",)))}
        theirs = instead(memory, "artifact_store", "gcp")
        memory.update_component(parts["container_registry"], ComponentChange(labels={}))
        assert refused(REMOTE).splitlines() == [
            "Put the label back with: kitaru stack adopt prod",
            "Rename what did not come with the stack:",
            "zenml artifact-store rename prod NEW",
        ]
        assert adopt("prod").changed
        memory.update_component(theirs, ComponentChange(name="theirs"))
        operations.apply(from_mapping(REMOTE))
        (stays,) = memory.components(Where(names=("theirs",)))
        assert dict(stays.labels) == {}
        assert parts["container_registry"] in ids(memory)


@pytest.mark.parametrize("runner", ["airflow", "local"])
def test_a_label_is_put_back_whatever_runner_somebody_put_there(
    memory: MemoryGateway, runner: str
) -> None:
    with installed(memory):
        operations.apply(from_mapping(REMOTE))
        instead(memory, "orchestrator", runner)
        for uuid in ids(memory):
            memory.update_component(uuid, ComponentChange(labels={}))
        done = {step.kind: step.action for step in adopt("prod").plan.steps}
        assert done["orchestrator"] is Action.KEEP
        assert done["artifact_store"] is done["container_registry"] is Action.UPDATE
        assert not adopt("prod").changed


def test_without_a_record_each_part_beside_another_runner_is_to_be_renamed(
    memory: MemoryGateway,
) -> None:
    with installed(memory):
        operations.apply(from_mapping(LOCAL))
        (stack,) = memory.stacks(Where(names=("prod",)))
        memory.update_stack(stack.id, StackChange(labels={MANAGED_LABEL: "true"}))
        instead(memory, "orchestrator", "local_docker")
        said = refused(LOCAL).splitlines()
        assert said[1:] == [
            "zenml orchestrator rename prod NEW",
            "zenml artifact-store rename prod NEW",
        ]
        assert not adopt("prod").changed
        for uuid in ids(memory):
            memory.update_component(uuid, ComponentChange(name="theirs"))
        operations.apply(from_mapping(LOCAL))
        assert not operations.apply(from_mapping(LOCAL)).changed
