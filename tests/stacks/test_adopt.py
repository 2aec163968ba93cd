"""A stack that Kitaru did not make comes under its management, by labels alone, or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from kitaru_iac.errors import (
    KitaruError,
    NotConnectedError,
    ProtectedStackError,
    RegistrationFailed,
    StackChanged,
)
from kitaru_iac.gateway.documents import (
    ComponentChange,
    ConnectorChange,
    NewComponent,
    NewStack,
    StackChange,
    Where,
)
from kitaru_iac.gateway.memory import MemoryGateway, installed
from kitaru_iac.gateway.wire import AnswerLost
from kitaru_iac.labels import MANAGED_LABEL, OUR_LABELS, OWNER_LABEL, REUSED_CONNECTORS_LABEL
from kitaru_iac.plan.model import Action, Plan
from kitaru_iac.spec import from_mapping
from kitaru_iac.stacks import operations
from kitaru_iac.stacks.adopt import adopt
from tests.cli.conftest import Kitaru
from tests.homes import Home
from tests.stacks.test_planning import REMOTE


@pytest.fixture
def memory(bare_home: Home, monkeypatch: pytest.MonkeyPatch) -> MemoryGateway:
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(bare_home.config))
    return MemoryGateway()


def theirs(labels: Any) -> dict[str, str]:
    return {key: text for key, text in labels.items() if not key.startswith(OUR_LABELS)}


def by_hand(memory: MemoryGateway, **more: Any) -> str:
    """A stack as somebody would make it without Kitaru; its id."""
    operations.apply(from_mapping({**REMOTE, "labels": {"team": "x"}, **more}))
    (stack,) = memory.stacks(Where(names=("prod",)))
    for part in memory.components(Where(in_stack=stack.id)):
        memory.update_component(part.id, ComponentChange(labels={"by": "hand"}))
    for link in memory.connectors(Where(names=("prod",))):
        memory.update_connector(link.id, ConnectorChange(labels={"by": "hand"}))
    memory.update_stack(stack.id, StackChange(labels=theirs(stack.labels)))
    return stack.id


def everything(memory: MemoryGateway) -> Any:
    """All that is stored, without times."""
    return (
        [(d.id, d.name, dict(d.labels), dict(d.members)) for d in memory.stacks(Where())],
        [
            (d.id, d.name, dict(d.labels), dict(d.configuration), d.connector_id)
            for d in memory.components(Where())
        ],
        [(d.id, d.name, dict(d.labels), dict(d.configuration)) for d in memory.connectors(Where())],
    )


def without_labels(stored: Any) -> Any:
    return [[(*d[:2], *d[3:]) for d in docs] for docs in stored]


def test_labels_change_and_nothing_else_and_then_apply_and_delete_know_it(
    memory: MemoryGateway,
) -> None:
    with installed(memory):
        uuid = by_hand(memory)
        before = everything(memory)
        asked: list[Plan] = []
        assert not adopt("prod", confirm=lambda plan: asked.append(plan) is not None).changed
        assert everything(memory) == before
        done = adopt("prod")
        assert done.plan == asked[0]
        assert done.id == uuid
        assert without_labels(everything(memory)) == without_labels(before)
        for docs in everything(memory):
            for doc in (d for d in docs if d[1] == "prod"):
                assert doc[2][MANAGED_LABEL] == "true"
        fields = [c.field for step in done.plan.steps for c in step.changes]
        assert set(fields) == {f"labels.{MANAGED_LABEL}"}
        assert not adopt(uuid).changed
        kept = everything(memory)[0][1][2]
        assert kept["team"] == "x"
        plan = operations.preview(from_mapping(REMOTE))
        assert {c.field for s in plan.steps for c in s.changes} == {"labels.kitaru.applied"}
        operations.apply(from_mapping(REMOTE))
        operations.delete("prod", recursive=True)
        assert [d.name for d in memory.stacks(Where())] == ["default"]
        assert not memory.connectors(Where())


def test_parts_with_other_names_stay_what_they_are(memory: MemoryGateway) -> None:
    with installed(memory):
        by_hand(memory)
        (part,) = [
            d for d in memory.components(Where(names=("prod",))) if d.type == "artifact_store"
        ]
        memory.update_component(part.id, ComponentChange(name="shared-data"))
        (link,) = memory.connectors(Where(names=("prod",)))
        memory.update_connector(link.id, ConnectorChange(name="shared-aws"))
        done = adopt("prod")
        kept = {s.kind: s.reason for s in done.plan.steps if s.action is Action.KEEP}
        assert kept["service_connector"] == "existing, used as it is"
        assert "not called as its stack" in str(kept["artifact_store"])
        (stack,) = memory.stacks(Where(names=("prod",)))
        assert stack.labels[REUSED_CONNECTORS_LABEL] == "true"
        (stays,) = memory.components(Where(names=("shared-data",)))
        assert dict(stays.labels) == {"by": "hand"}
        operations.delete("prod", recursive=True)
        assert memory.components(Where(names=("shared-data",)))
        assert memory.connectors(Where(names=("shared-aws",)))


def test_of_a_local_stack_only_the_stack_is_labelled(memory: MemoryGateway) -> None:
    with installed(memory):
        operations.apply(from_mapping({"name": "dev", "activate": False}))
        (stack,) = memory.stacks(Where(names=("dev",)))
        memory.update_stack(stack.id, StackChange(labels={}))
        done = adopt("dev")
        assert [s.kind for s in done.plan.steps if s.action is not Action.KEEP] == ["stack"]


def test_what_is_refused_is_left_as_it_is(memory: MemoryGateway) -> None:
    with installed(memory):
        uuid = by_hand(memory)
        (runner,) = [
            d for d in memory.components(Where(names=("prod",))) if d.type == "orchestrator"
        ]
        memory.create_stack(NewStack("other", {}, {"orchestrator": (runner.id,)}))
        memory.create_component(NewComponent("alerter", "prod", "slack"))
        odd = memory.create_component(NewComponent("orchestrator", "odd", "airflow"))
        memory.create_stack(NewStack("odd", {}, {"orchestrator": (odd.id,)}))
        memory.create_stack(NewStack("a b", {}, {"orchestrator": (runner.id,)}))
        before = everything(memory)
        for ref, error, said in (
            ("default", ProtectedStackError, "The default stack"),
            ("prod", ProtectedStackError, "is used by others too"),
            ("odd", KitaruError, "cannot be adopted"),
            ("a b", KitaruError, "under this name"),
        ):
            with pytest.raises(error, match=said):
                adopt(ref)
            assert everything(memory) == before
        owned = {OWNER_LABEL: "urn:pulumi:prod::platform::kitaru:index:Stack::prod"}
        memory.update_stack(uuid, StackChange(labels=owned))
        with pytest.raises(ProtectedStackError, match="belongs to Pulumi"):
            adopt("prod")
        (stack,) = memory.stacks(Where(names=("prod",)))
        assert dict(stack.labels) == owned


def test_a_colleagues_change_while_somebody_thinks(memory: MemoryGateway) -> None:
    with installed(memory):
        uuid = by_hand(memory)

        def meanwhile(plan: Plan) -> bool:
            del plan
            memory.update_stack(uuid, StackChange(labels={"team": "y"}))
            return True

        with pytest.raises(StackChanged):
            adopt("prod", confirm=meanwhile)
        assert not any(MANAGED_LABEL in d.labels for d in memory.components(Where()))


@pytest.mark.parametrize("failing", range(6))
def test_whichever_write_fails_nothing_is_labelled_and_the_next_try_does_it(
    memory: MemoryGateway, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    with installed(memory):
        by_hand(memory)
        before = everything(memory)
        writes = 0

        def failed(name: str) -> Any:
            real = getattr(memory, name)

            def call(*arguments: Any) -> Any:
                nonlocal writes
                writes += 1
                if writes == failing + 1:
                    raise KitaruError("no")
                return real(*arguments)

            return call

        with monkeypatch.context() as patch:
            for name in ("update_stack", "update_component", "update_connector"):
                patch.setattr(memory, name, failed(name))
            with pytest.raises(RegistrationFailed) as caught:
                adopt("prod")
        assert caught.value.left == ()
        assert everything(memory) == before
        assert adopt("prod").changed
        assert writes >= failing + 1


def test_what_a_colleague_labels_meanwhile_is_not_taken_back(
    memory: MemoryGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    with installed(memory):
        by_hand(memory)
        (link,) = memory.connectors(Where(names=("prod",)))
        update = memory.update_stack

        def last(id: str, change: StackChange) -> None:
            (now,) = memory.connectors(Where(ids=(link.id,)))
            if now.labels.get(MANAGED_LABEL) and now.labels.get("team") is None:
                labels = {**now.labels, "team": "ml"}
                memory.update_connector(link.id, ConnectorChange(labels=labels))
                raise KitaruError("no")
            update(id, change)

        monkeypatch.setattr(memory, "update_stack", last)
        with pytest.raises((RegistrationFailed, StackChanged)) as caught:
            adopt("prod")
        (now,) = memory.connectors(Where(ids=(link.id,)))
        assert now.labels == {**link.labels, "team": "ml"}
        assert getattr(caught.value, "left", ()) == ()


class Killed(BaseException):
    """The process ends here: nothing that comes after is done."""


@pytest.mark.parametrize("writes", range(1, 6))
def test_a_killed_run_leaves_no_part_that_is_ours_in_a_stack_that_is_not(
    memory: MemoryGateway, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    with installed(memory):
        by_hand(memory)
        left = writes

        def dying(name: str) -> Any:
            real = getattr(memory, name)

            def call(*arguments: Any) -> Any:
                nonlocal left
                if not left:
                    raise Killed
                left -= 1
                return real(*arguments)

            return call

        with monkeypatch.context() as patch:
            for name in ("update_stack", "update_component", "update_connector"):
                patch.setattr(memory, name, dying(name))
            with pytest.raises(Killed):
                adopt("prod")
        (stack,) = memory.stacks(Where(names=("prod",)))
        assert stack.labels[MANAGED_LABEL] == "true"
        found = operations.clean()
        assert (found.removed, found.orphans) == ((), ())
        before = everything(memory)
        for act in (operations.preview, operations.apply):
            with pytest.raises(ProtectedStackError, match="under management in part") as caught:
                act(from_mapping(REMOTE))
            assert f"kitaru stack adopt {stack.id}" in str(caught.value)
        assert everything(memory) == before
        assert adopt("prod").changed
        assert not adopt("prod").changed
        ours = [doc[2] for docs in everything(memory) for doc in docs if doc[1] == "prod"]
        assert all(labels[MANAGED_LABEL] == "true" for labels in ours)
        assert not any("kitaru.adopting" in labels for labels in ours)
        plan = operations.preview(from_mapping(REMOTE))
        assert {c.field for s in plan.steps for c in s.changes} == {"labels.kitaru.applied"}


def test_the_command_shows_and_says_what_it_did(memory: MemoryGateway, kitaru: Kitaru) -> None:
    with installed(memory):
        by_hand(memory)
        done = kitaru("stack", "adopt", "prod", "--yes", "-o", "json")
        assert (done.code, done.document["item"]["changed"]) == (0, True)
        again = kitaru("stack", "adopt", "prod", "--yes")
        assert again.out == "No changes: stack prod is under management already.\n"
        missing = kitaru("stack", "adopt", "prd", "--yes", "-o", "json")
        assert (missing.code, missing.error["code"]) == (4, "stack_not_found")


@pytest.mark.parametrize("at", ["orchestrator", "connector", "stack"])
def test_what_a_server_says_that_it_labelled_is_read_back(memory: MemoryGateway, at: str) -> None:
    methods = {"orchestrator": "update_component", "connector": "update_connector"}
    method = methods.get(at, "update_stack")
    with installed(memory):
        stack = by_hand(memory)
        setattr(memory, method, lambda *_: None)
        with pytest.raises(StackChanged, match="was adopted, and is not as it was left") as changed:
            adopt("prod")
        assert f"kitaru stack adopt {stack}" in str(changed.value.remedy)
        assert any(at in line for line in changed.value.differs)
        delattr(memory, method)
        adopt(stack)
        assert not adopt(stack).changed
        (doc,) = memory.stacks(Where(ids=(stack,)))
    assert doc.labels[MANAGED_LABEL] == "true"


def test_what_is_adopted_and_deleted_at_the_same_time_is_told(memory: MemoryGateway) -> None:
    with installed(memory):
        stack = by_hand(memory)
        put, writes = memory.update_stack, [0]

        def last(id: str, change: StackChange) -> None:
            put(id, change)
            writes[0] += 1
            if writes[0] == 2:
                memory.delete("stack", id)

        memory.update_stack = last  # type: ignore[method-assign]
        with pytest.raises(StackChanged) as changed:
            adopt(stack)
    assert changed.value.differs == ("it is gone",)


def test_what_is_adopted_and_cannot_be_read_back_is_said_to_be_that(memory: MemoryGateway) -> None:
    with installed(memory):
        stack = by_hand(memory)
        put, look, writes = memory.update_stack, memory.stacks, [0]

        def last(id: str, change: StackChange) -> None:
            put(id, change)
            writes[0] += 1
            if writes[0] == 2:
                memory.stacks = fail  # type: ignore[method-assign]

        def fail(_: Where) -> Any:
            raise NotConnectedError("It fails")

        memory.update_stack = last  # type: ignore[method-assign]
        with pytest.raises(AnswerLost, match="could not be read back"):
            adopt(stack)
        memory.stacks, memory.update_stack = look, put  # type: ignore[method-assign]
        assert not adopt(stack).changed
