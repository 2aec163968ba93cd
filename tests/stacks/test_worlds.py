"""What a preview says is what an apply does, and a second apply has nothing to do.

In stores as colleagues and other tools leave them: members swapped, parts renamed, labels written
over, records deleted one by one; a moment ago, or long ago.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from kitaru_iac.errors import KitaruError
from kitaru_iac.gateway.documents import (
    ComponentChange,
    ComponentDoc,
    ConnectorChange,
    ConnectorDoc,
    NewComponent,
    NewConnector,
    NewStack,
    StackChange,
    StackDoc,
    Where,
)
from kitaru_iac.gateway.memory import MemoryGateway, installed
from kitaru_iac.notices import PartShared
from kitaru_iac.plan.model import Action
from kitaru_iac.spec import from_mapping
from kitaru_iac.stacks import operations
from kitaru_iac.stacks.adopt import adopt
from tests.stacks.test_colleagues import BASE, BUCKET, KEY, LOCAL, METHOD

NO_REGISTRY = {
    **BASE,
    "type": "sagemaker",
    "execution_role": "arn:aws:iam::123456789012:role/runner",
}
NO_REGISTRY.pop("cluster")
WANTED = {
    "the same": BASE,
    "another bucket": BUCKET,
    "another key": KEY,
    "another method": METHOD,
    "another type": LOCAL,
    "another cloud runner": NO_REGISTRY,
}
MANAGED = {"kitaru.managed": "true"}


def stack_of(store: MemoryGateway, name: str = "dev") -> StackDoc:
    return store.stacks(Where(names=(name,)))[0]


def part(store: MemoryGateway, kind: str, name: str = "dev") -> ComponentDoc:
    return next(doc for doc in store.components(Where(names=(name,))) if doc.type == kind)


def link(store: MemoryGateway) -> ConnectorDoc:
    return store.connectors(Where(names=("dev",)))[0]


def put_members(store: MemoryGateway, **changed: str | None) -> None:
    """Write the members of the stack anew: of each of these types this one, or none."""
    stack = stack_of(store)
    members = {kind: tuple(m.id for m in of) for kind, of in stack.members.items()}
    for kind, member in changed.items():
        if member is None:
            members.pop(kind)
        else:
            members[kind] = (member,)
    store.update_stack(stack.id, StackChange(members=members))


def new_part(store: MemoryGateway, kind: str, name: str, flavor: str, **given: Any) -> str:
    return store.create_component(NewComponent(kind, name, flavor, **given)).id


def swapped(store: MemoryGateway) -> None:
    put_members(store, artifact_store=new_part(store, "artifact_store", "theirs", "s3"))


def taken_out(store: MemoryGateway) -> None:
    put_members(store, container_registry=None)


def deleted_part(store: MemoryGateway) -> None:
    old = part(store, "container_registry")
    taken_out(store)
    store.delete("component", old.id)


def of_another_kind(store: MemoryGateway) -> None:
    old = part(store, "artifact_store")
    put_members(store, artifact_store=new_part(store, "artifact_store", "gs", "gcp"))
    store.delete("component", old.id)
    new = part(store, "artifact_store", "gs")
    store.update_component(new.id, ComponentChange(name="dev", labels=MANAGED))


def a_strangers_in_its_place(store: MemoryGateway) -> None:
    old = part(store, "artifact_store")
    put_members(store, artifact_store=new_part(store, "artifact_store", "theirs", "s3"))
    store.delete("component", old.id)
    new_part(store, "artifact_store", "dev", "gcp")


def renamed_part(store: MemoryGateway) -> None:
    store.update_component(part(store, "artifact_store").id, ComponentChange(name="renamed"))


def renamed_connector(store: MemoryGateway) -> None:
    store.update_connector(link(store).id, ConnectorChange(name="renamed"))


def other_connector(store: MemoryGateway) -> None:
    new = store.create_connector(NewConnector("theirs", "aws", "implicit"))
    for doc in store.components(Where(names=("dev",))):
        store.update_component(doc.id, ComponentChange(connector_id=new.id))


def other_connector_for_one(store: MemoryGateway) -> None:
    new = store.create_connector(NewConnector("theirs", "aws", "implicit"))
    store.update_component(part(store, "artifact_store").id, ComponentChange(connector_id=new.id))


def swapped_with_its_connector(store: MemoryGateway) -> None:
    new = store.create_connector(NewConnector("theirs", "aws", "implicit"))
    theirs = new_part(store, "artifact_store", "theirs", "s3", connector_id=new.id)
    put_members(store, artifact_store=theirs)


def unlinked(store: MemoryGateway) -> None:
    for doc in store.components(Where(names=("dev",))):
        store.update_component(doc.id, ComponentChange(connector_id=None))
    store.delete("connector", link(store).id)


def without_labels(store: MemoryGateway) -> None:
    store.update_component(part(store, "artifact_store").id, ComponentChange(labels={}))


def connector_without_labels(store: MemoryGateway) -> None:
    store.update_connector(link(store).id, ConnectorChange(labels={}))


def stack_without_labels(store: MemoryGateway) -> None:
    store.update_stack(stack_of(store).id, StackChange(labels={}))


def only_the_stack_deleted(store: MemoryGateway) -> None:
    store.delete("stack", stack_of(store).id)


def renamed_stack(store: MemoryGateway) -> None:
    store.update_stack(stack_of(store).id, StackChange(name="renamed"))


def shared_part(store: MemoryGateway) -> None:
    member = part(store, "artifact_store").id
    runner = new_part(store, "orchestrator", "theirs", "local")
    members: dict[str, tuple[str | NewComponent, ...]] = {
        "artifact_store": (member,),
        "orchestrator": (runner,),
    }
    store.create_stack(NewStack("theirs", {}, members))


def shared_connector(store: MemoryGateway) -> None:
    bucket = new_part(store, "artifact_store", "theirs", "s3", connector_id=link(store).id)
    runner = new_part(store, "orchestrator", "theirs", "local")
    members: dict[str, tuple[str | NewComponent, ...]] = {
        "artifact_store": (bucket,),
        "orchestrator": (runner,),
    }
    store.create_stack(NewStack("theirs", {}, members))


def added_by_hand(store: MemoryGateway) -> None:
    put_members(store, image_builder=new_part(store, "image_builder", "theirs", "local"))


def other_fields(store: MemoryGateway) -> None:
    change = ComponentChange(configuration={"path": "s3://elsewhere/x", "more": 1})
    store.update_component(part(store, "artifact_store").id, change)


WORLDS: Mapping[str, Callable[[MemoryGateway], object]] = {
    "untouched": lambda _: None,
    "a member swapped": swapped,
    "a member taken out": taken_out,
    "a part deleted": deleted_part,
    "a part of another kind": of_another_kind,
    "a stranger has the name": a_strangers_in_its_place,
    "a part renamed": renamed_part,
    "the connector renamed": renamed_connector,
    "another connector": other_connector,
    "another connector for one": other_connector_for_one,
    "a member swapped with its connector": swapped_with_its_connector,
    "the connector deleted": unlinked,
    "a part without labels": without_labels,
    "the connector without labels": connector_without_labels,
    "the stack without labels": stack_without_labels,
    "only the stack deleted": only_the_stack_deleted,
    "the stack renamed": renamed_stack,
    "a part in another stack": shared_part,
    "the connector used by another stack": shared_connector,
    "a member added": added_by_hand,
    "other fields": other_fields,
}


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(tmp_path / "zenml"))
    monkeypatch.setattr("kitaru_iac.stacks.delete.scopes_of", lambda _: [])


def world(name: str, *, is_old: bool, is_local: bool = False) -> MemoryGateway:
    store = MemoryGateway(is_local=is_local)
    with installed(store):
        operations.create(from_mapping(BASE))
    WORLDS[name](store)
    if is_old:
        for shelf in (store._stacks, store._components, store._connectors):
            for uuid, doc in shelf.items():  # type: ignore[attr-defined]
                shelf[uuid] = replace(doc, updated=doc.updated - timedelta(days=1))
    return store


def outcome(work: Callable[[], Any]) -> Any:
    """What an operation gives, or its error in the words that a user reads."""
    try:
        return work()
    except KitaruError as error:
        return error.code, error.what


def cases() -> Iterator[Any]:
    for name, wanted in itertools.product(WORLDS, WANTED):
        yield pytest.param(name, wanted, id=f"{name}, {wanted} wanted")


@pytest.mark.parametrize("is_old", [False, True], ids=["young", "old"])
@pytest.mark.parametrize(("name", "wanted"), cases())
def test_a_preview_says_what_an_apply_does(name: str, wanted: str, is_old: bool) -> None:
    spec = from_mapping(WANTED[wanted])
    with installed(world(name, is_old=is_old)) as store:
        there = copy.deepcopy((store._stacks, store._components, store._connectors))
        said = outcome(lambda: operations.preview(spec))
        assert (store._stacks, store._components, store._connectors) == there
        done = outcome(lambda: operations.apply(spec))
        if isinstance(said, tuple) or isinstance(done, tuple):
            assert said == done
            assert (store._stacks, store._components, store._connectors) == there
            return
        assert (done.plan.steps, done.plan.warnings) == (said.steps, said.warnings)
        assert done.changed == said.has_changes
        again = operations.apply(spec)
        assert not again.changed, again.plan
        assert not operations.preview(spec).has_changes


# -- remedies that work ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", WORLDS)
def test_what_clean_advises_to_take_in_again_is_taken_in(name: str) -> None:
    with installed(world(name, is_old=True)):
        advised = [o for o in operations.clean().orphans if "kitaru stack apply" in o.remedy]
        if advised:
            assert operations.apply(from_mapping(BASE)).changed
            assert operations.clean().orphans == ()


@pytest.mark.parametrize("wanted", ["the same", "another method"])
@pytest.mark.parametrize("what", ["a part", "the connector", "the stack"])
def test_a_label_that_somebody_took_off_is_put_back_as_the_refusal_says(
    what: str, wanted: str
) -> None:
    spec = from_mapping(WANTED[wanted])
    with installed(world(f"{what} without labels", is_old=True)) as store:
        with pytest.raises(KitaruError) as refused:
            operations.apply(spec)
        assert "kitaru stack adopt dev" in str(refused.value.remedy)
        assert adopt("dev").changed
        assert not adopt("dev").changed
        operations.apply(spec)
        assert not operations.apply(spec).changed
        assert {
            doc.labels.get("kitaru.managed") for doc in store.components(Where(names=("dev",)))
        } == {"true"}


def test_a_connector_that_is_only_used_and_has_the_stack_s_name_stays_somebody_else_s() -> None:
    with installed(MemoryGateway(is_local=False)) as store:
        store.create_connector(NewConnector("dev", "aws", "secret-key"))
        operations.create(from_mapping({**BASE, "credentials": None, "connector": "dev"}))
        assert not adopt("dev").changed
        assert dict(link(store).labels) == {}


# -- parts that other stacks use -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "wanted", "kind"),
    [
        ("a part in another stack", "another bucket", "artifact_store"),
        ("the connector used by another stack", "another key", "service_connector"),
    ],
)
def test_a_plan_names_the_stacks_that_change_as_well(name: str, wanted: str, kind: str) -> None:
    with installed(world(name, is_old=True)):
        plan = operations.preview(from_mapping(WANTED[wanted]))
        (step,) = [step for step in plan.steps if step.used_by]
        assert (step.kind, step.action, step.used_by) == (kind, Action.UPDATE, ("stack theirs",))
        (warning,) = [warning for warning in plan.warnings if isinstance(warning, PartShared)]
        assert "stack theirs" in str(warning)
        assert warning.to_dict()["code"] == "part_shared"
        assert warning in operations.apply(from_mapping(WANTED[wanted])).warnings


@pytest.mark.parametrize("wanted", ["the same", "another key"])
def test_what_stays_as_it_is_concerns_nobody(wanted: str) -> None:
    with installed(world("a part in another stack", is_old=True)):
        plan = operations.preview(from_mapping(WANTED[wanted]))
        assert [step for step in plan.steps if step.used_by] == []


@pytest.mark.parametrize("wanted", ["another method", "another type"])
@pytest.mark.parametrize("name", ["a part in another stack", "the connector used by another stack"])
def test_what_others_use_is_not_replaced(name: str, wanted: str) -> None:
    with installed(world(name, is_old=True)):
        code, what = outcome(lambda: operations.apply(from_mapping(WANTED[wanted])))
        assert code == "stack_protected"
        assert "others" in what
