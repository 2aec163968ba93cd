"""What somebody else put into a stack stays theirs, also where it has the stack's name."""

from __future__ import annotations

from typing import Any

import pytest

from kitaru_iac.errors import AlreadyExistsError
from kitaru_iac.gateway.documents import ComponentChange, NewComponent, StackChange, Where
from kitaru_iac.gateway.gateway import Gateway
from kitaru_iac.gateway.memory import MemoryGateway, installed
from kitaru_iac.labels import APPLIED_LABEL
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
