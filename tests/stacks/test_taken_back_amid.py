"""What is taken back or tidied up while somebody else writes to it, or looks show nothing."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kitaru_iac.errors import KitaruError, NotAllowedError, NotConnectedError, StackChanged
from kitaru_iac.gateway.documents import (
    ComponentChange,
    NewComponent,
    NewStack,
    StackChange,
    StackDoc,
    Where,
)
from kitaru_iac.gateway.memory import MemoryGateway, installed
from kitaru_iac.gateway.wire import AnswerLost
from kitaru_iac.labels import ORPHANED_LABEL
from kitaru_iac.machine.interrupts import WorkInterrupted
from kitaru_iac.spec import from_mapping
from kitaru_iac.stacks import operations
from kitaru_iac.stacks.rename import rename
from tests.stacks.interrupts import contents
from tests.stacks.test_colleagues import BASE
from tests.stacks.turns import at_another_machine, homes_of_their_own, killed_at

DEV = Where(names=("dev",))


@pytest.fixture(autouse=True)
def machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(tmp_path / "zenml"))
    monkeypatch.setattr("kitaru_iac.records.change.time.sleep", lambda _: None)
    with homes_of_their_own(monkeypatch, tmp_path):
        yield


@pytest.fixture
def memory() -> Iterator[MemoryGateway]:
    with installed(MemoryGateway()) as store:
        yield store


def failing() -> NotConnectedError:
    """A server's answer with the status 500."""
    error = NotConnectedError("The server failed")
    error.has_answered = True
    return error


def part_of(memory: MemoryGateway, kind: str) -> str:
    (stack,) = memory.stacks(DEV)
    return stack.members[kind][0].id


def change_part(memory: MemoryGateway, kind: str, **change: Any) -> None:
    memory.update_component(part_of(memory, kind), ComponentChange(**change))


def change_stack(memory: MemoryGateway, **change: Any) -> None:
    (stack,) = memory.stacks(DEV)
    memory.update_stack(stack.id, StackChange(**change))


def add_part(memory: MemoryGateway, kind: str) -> None:
    (stack,) = memory.stacks(DEV)
    added = memory.create_component(NewComponent(kind, "theirs", "local"))
    members = {of: tuple(part.id for part in parts) for of, parts in stack.members.items()}
    members[kind] = (*members.get(kind, ()), added.id)
    memory.update_stack(stack.id, StackChange(members=members))


#: What a colleague does to a stack that was registered a moment ago.
THEIRS: dict[str, Callable[[MemoryGateway], object]] = {
    "another path": lambda m: change_part(m, "artifact_store", configuration={"path": "s3://x"}),
    "another address": lambda m: change_part(m, "container_registry", configuration={"uri": "x"}),
    "a label on a part": lambda m: change_part(m, "orchestrator", labels={"team": "theirs"}),
    "a label on the stack": lambda m: change_stack(m, labels={"team": "theirs"}),
    "another part": lambda m: add_part(m, "image_builder"),
    "a second part": lambda m: add_part(m, "container_registry"),
    "another name": lambda m: change_stack(m, name="theirs"),
    "labels, applied": lambda _: operations.apply(from_mapping({**BASE, "labels": {"a": "b"}})),
    "another path, applied": lambda _: operations.apply(
        from_mapping({**BASE, "artifact_store": "s3://second/kitaru"})
    ),
}


@pytest.mark.parametrize("error", [failing(), AnswerLost("No answer")], ids=["500", "no answer"])
@pytest.mark.parametrize("theirs", THEIRS)
def test_what_somebody_makes_of_a_stack_that_was_never_answered_for_stays(
    memory: MemoryGateway, monkeypatch: pytest.MonkeyPatch, theirs: str, error: KitaruError
) -> None:
    make = memory.create_stack
    ids: list[str] = []

    def done_without_answer(new: NewStack) -> StackDoc:
        memory.create_stack = make  # type: ignore[method-assign]
        made = make(new)
        ids.append(made.id)
        # However young: a minute later another machine takes it for left behind.
        with monkeypatch.context() as patch, at_another_machine("colleague"):
            patch.setattr("kitaru_iac.records.stored.STALE_AFTER", -1.0)
            THEIRS[theirs](memory)
        raise error

    memory.create_stack = done_without_answer  # type: ignore[method-assign]
    with pytest.raises(KitaruError) as failed:
        operations.create(from_mapping(BASE))
    (stack,) = memory.stacks(Where(ids=tuple(ids)))
    assert len(memory.components(Where(in_stack=stack.id))) >= 3
    left = str(failed.value.left)
    for kind in ("orchestrator", "artifact", "container", "service connector"):
        assert kind in left, left
    assert f"stack {stack.name}" in left, left
    assert isinstance(failed.value, StackChanged)
    assert "nothing was left behind" not in str(failed.value)


def empty_at(memory: MemoryGateway, monkeypatch: pytest.MonkeyPatch, at: int, times: int) -> None:
    """Let the looks that begin with this one show nothing for so many times."""
    seen = [0]
    for method in ("stacks", "components", "connectors"):
        look: Any = getattr(memory, method)

        def ask(where: Where, look: Any = look) -> Any:
            seen[0] += 1
            return [] if at < seen[0] <= at + times else look(where)

        monkeypatch.setattr(memory, method, ask)


NAMESPACE = {**BASE, "namespace": "other"}
KINDS = {**BASE, "credentials": "implicit"}
FAILING: dict[str, tuple[Callable[[], object], str]] = {
    "apply": (lambda: operations.apply(from_mapping(NAMESPACE)), "update stack"),
    "replace": (lambda: operations.apply(from_mapping(KINDS)), "create stack"),
    "rename": (lambda: rename("dev", "ops"), "update stack dev as"),
}


@pytest.mark.parametrize("times", [1, 99])
@pytest.mark.parametrize("command", FAILING)
def test_nothing_is_said_to_be_as_before_for_looks_that_show_nothing(
    monkeypatch: pytest.MonkeyPatch, command: str, times: int
) -> None:
    run, failing_write = FAILING[command]
    for at in range(12):
        with installed(MemoryGateway()) as memory:
            operations.create(from_mapping(BASE))
            before = contents(memory)

            with monkeypatch.context() as patch:

                def fail(
                    line: str, memory: MemoryGateway = memory, at: int = at, patch: Any = patch
                ) -> None:
                    if line.startswith(failing_write):
                        memory.before_write = lambda _: None
                        empty_at(memory, patch, at, times)
                        raise failing()

                memory.before_write = fail
                with pytest.raises(KitaruError) as failed:
                    run()
            said = str(failed.value)
            if contents(memory) != before:
                assert failed.value.left or "Not found any more" in said, (at, said)
                assert "nothing was left behind" not in said, at
                assert "nothing was changed" not in said, at
            assert times > 1 or contents(memory) == before, (at, said)


def test_a_creation_is_not_undone_for_looks_that_show_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    empty = contents(MemoryGateway())
    for at in range(12):
        with installed(MemoryGateway()) as memory, monkeypatch.context() as patch:
            make = memory.create_stack

            def done_and_failed(
                new: NewStack, make: Any = make, at: int = at, memory: Any = memory, p: Any = patch
            ) -> StackDoc:
                make(new)
                empty_at(memory, p, at, 1)
                raise failing()

            memory.create_stack = done_and_failed  # type: ignore[method-assign]
            with pytest.raises(KitaruError):
                operations.create(from_mapping(BASE))
        assert contents(memory) == empty, at


# -- renaming --------------------------------------------------------------------------------------


@pytest.mark.parametrize("look", range(3))
def test_a_renaming_that_follows_another_one_leaves_that_one_whole(
    memory: MemoryGateway, look: int
) -> None:
    operations.create(from_mapping(BASE))
    (stack,) = memory.stacks(DEV)
    seen = [0]

    def at(name: str, ask: Any, do: Callable[[], object]) -> None:
        def looking(where: Any) -> Any:
            found = ask(where)
            if memory.written and memory.written[-1] == "update stack dev as ops":
                seen[0] += 1
                if seen[0] == look + 1:
                    with at_another_machine("colleague"):
                        do()
            return found

        setattr(memory, name, looking)

    for name in ("stacks", "components", "connectors"):
        at(name, getattr(memory, name), lambda: rename(stack.id, "theirs"))
    with pytest.raises(StackChanged):
        rename("dev", "ops")
    names = {doc.name for doc in memory.stacks(Where(ids=(stack.id,)))}
    parts = [*memory.components(Where(in_stack=stack.id)), *memory.connectors(Where())]
    assert {doc.name for doc in parts} == names == {"theirs"}


# -- deletion, and what is left of it --------------------------------------------------------------


@pytest.mark.parametrize("kind", ["orchestrator", "container_registry", "connector"])
def test_ctrl_c_while_a_deletion_marks_what_goes_stops_it(memory: MemoryGateway, kind: str) -> None:
    operations.create(from_mapping(BASE))
    before = contents(memory)

    def press(line: str) -> None:
        if line.startswith(f"update {kind}"):
            memory.before_write = lambda _: None
            signal.raise_signal(signal.SIGINT)

    memory.before_write = press
    with pytest.raises(WorkInterrupted, match="nothing was changed") as stopped:
        operations.delete("dev", recursive=True)
    assert stopped.value.left == ()
    assert contents(memory) == before


def test_clean_leaves_what_somebody_takes_over_meanwhile_and_says_so(
    memory: MemoryGateway,
) -> None:
    operations.create(from_mapping(BASE))
    first = ("delete orchestrator", "delete artifact_store", "delete container_registry")
    killed_at(memory, first, lambda: operations.delete("dev", recursive=True))
    parts = {doc.type: doc.id for doc in memory.components(DEV)}

    def take(line: str) -> None:
        if line.startswith("delete"):
            memory.before_write = lambda _: None
            held = {kind: (parts[kind],) for kind in ("artifact_store", "orchestrator")}
            memory.create_stack(NewStack("theirs", {}, held))

    memory.before_write = take
    cleaned = operations.clean()
    there = {doc.type for doc in memory.components(DEV)}
    assert there == {"artifact_store", "orchestrator"}
    kept = {item.kind: item.reason for item in cleaned.kept}
    assert kept == {
        "artifact_store": "a stack has taken it over meanwhile",
        "orchestrator": "a stack has taken it over meanwhile",
        "service_connector": "a component has taken it over meanwhile",
    }
    assert {item.kind for item in cleaned.removed} == {"container_registry"}
    assert [doc for doc in memory.components(DEV) if ORPHANED_LABEL not in doc.labels] == []


def test_a_connector_to_be_that_somebody_uses_is_in_nobodys_way(memory: MemoryGateway) -> None:
    create = from_mapping(BASE)
    killed_at(memory, "update connector dev-new-", lambda: operations.create(create))
    (half,) = memory.connectors(Where())
    memory.create_component(
        NewComponent("artifact_store", "theirs", "s3", {"path": "s3://x"}, {}, half.id)
    )
    operations.clean()
    operations.create(from_mapping(BASE))
    assert half.id in {doc.id for doc in memory.connectors(Where())}
    assert len(memory.stacks(DEV)) == 1


def test_what_uses_a_connector_that_stays_is_named(
    memory: MemoryGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = memory.create_stack

    def done_and_failed(new: NewStack) -> StackDoc:
        make(new)
        empty_at(memory, monkeypatch, 0, 3)  # the stack, what uses the connector, the parts
        raise failing()

    memory.create_stack = done_and_failed  # type: ignore[method-assign]
    with pytest.raises(StackChanged) as changed:
        operations.create(from_mapping(BASE))
    (differs,) = changed.value.differs
    assert differs.startswith("service connector dev: it is used by ")
    for kind in ("orchestrator", "artifact store", "container registry"):
        assert f"{kind} dev" in differs


@pytest.mark.parametrize("is_done", [False, True])
def test_a_change_that_is_refused_of_what_is_not_shown_may_be_done(
    memory: MemoryGateway, monkeypatch: pytest.MonkeyPatch, is_done: bool
) -> None:
    operations.create(from_mapping(BASE))
    put = memory.update_component

    def refuse(id: str, change: ComponentChange) -> None:
        monkeypatch.setattr(memory, "update_component", put)
        if is_done:
            put(id, change)
        empty_at(memory, monkeypatch, 0, 2)
        raise NotAllowedError("The ZenML server refused the operation")

    before = contents(memory)
    monkeypatch.setattr(memory, "update_component", refuse)
    with pytest.raises(KitaruError) as failed:
        operations.apply(from_mapping(NAMESPACE))
    assert "refused a change of what it does not show" in str(failed.value)
    assert contents(memory) == before  # by then it showed it again
