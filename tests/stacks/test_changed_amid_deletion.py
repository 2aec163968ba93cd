"""A deletion that somebody else meets: what he changes before it is not deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kitaru_iac.errors import KitaruError, StackChanged
from kitaru_iac.gateway.documents import NewStack, StackChange, Where
from kitaru_iac.gateway.memory import MemoryGateway, installed
from kitaru_iac.machine import unfinished
from kitaru_iac.spec import from_mapping
from kitaru_iac.stacks import operations
from kitaru_iac.stacks.many import prune_all
from kitaru_iac.stacks.outcomes import Outcome
from kitaru_iac.stacks.rename import rename
from tests.stacks.test_colleagues import BASE, LOCAL
from tests.stacks.test_prune import MINE, apply, planned
from tests.stacks.turns import at_another_machine, homes_of_their_own

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


def _in_between(memory: MemoryGateway, at: int, do: Callable[[], object]) -> None:
    """Let a colleague do something before this write of the command that comes next."""
    left = [at]

    def before(_: str) -> None:
        left[0] -= 1
        if left[0] < 0:
            memory.before_write = lambda _: None
            with at_another_machine("colleague"):
                do()

    memory.before_write = before


#: What a colleague does to a stack whose deletion is under way.
THEIRS: dict[str, Callable[[MemoryGateway, str], object]] = {
    "takes the label off": lambda memory, key: memory.update_stack(key, StackChange(labels={})),
    "labels": lambda memory, key: memory.update_stack(
        key, StackChange(labels={**memory.stacks(Where(ids=(key,)))[0].labels, "keep": "me"})
    ),
    "renames by hand": lambda memory, key: memory.update_stack(key, StackChange(name="theirs")),
    "renames": lambda _, key: rename(key, "theirs"),
    "applies": lambda *_: operations.apply(from_mapping({**BASE, "namespace": "theirs"})),
}


@pytest.mark.parametrize("at", range(4))  # the marks of three components and the connector
@pytest.mark.parametrize("theirs", THEIRS)
def test_what_somebody_changes_before_it_is_deleted_is_not(
    memory: MemoryGateway, theirs: str, at: int
) -> None:
    operations.create(from_mapping(BASE))
    (stack,) = memory.stacks(DEV)
    _in_between(memory, at, lambda: THEIRS[theirs](memory, stack.id))
    with pytest.raises(StackChanged, match="nothing was deleted") as changed:
        operations.delete(stack.id, recursive=True)
    assert changed.value.differs
    assert f"kitaru stack show {stack.id}" in str(changed.value.remedy)
    assert [doc.id for doc in memory.stacks(Where(ids=(stack.id,)))] == [stack.id]
    parts = memory.components(Where(in_stack=stack.id))
    assert len(parts) == 3
    assert [doc for doc in parts if "kitaru.orphaned" in doc.labels] == []
    assert list(unfinished.every(memory.place)) == []


@pytest.mark.parametrize("theirs", [name for name in THEIRS if name != "applies"])
def test_what_somebody_changes_before_it_is_pruned_is_not(
    memory: MemoryGateway, theirs: str
) -> None:
    apply(MINE, "mine", "dev")
    (stack,) = memory.stacks(DEV)
    pruning, outcomes = planned(MINE, "mine"), list[Outcome]()
    _in_between(memory, 0, lambda: THEIRS[theirs](memory, stack.id))
    prune_all(pruning, MINE, outcomes)
    assert [type(outcome.error) for outcome in outcomes] == [StackChanged]
    assert [doc.id for doc in memory.stacks(Where(ids=(stack.id,)))] == [stack.id]


@pytest.mark.parametrize("at", [1, 4])  # the connector, the last part
def test_a_renaming_that_meets_a_deletion_leaves_the_next_of_that_name_alone(
    memory: MemoryGateway, at: int
) -> None:
    operations.create(from_mapping(BASE))
    (stack,) = memory.stacks(DEV)

    def anew() -> None:
        memory.delete("stack", stack.id)
        memory.create_stack(NewStack("dev", {}, {}))

    _in_between(memory, at, anew)
    with pytest.raises(KitaruError) as failed:
        rename("dev", "ops")
    assert "is gone" in str(failed.value.why)
    assert "rename" not in str(failed.value.remedy)
    assert len(memory.stacks(DEV)) == 1


def test_what_is_not_found_when_it_is_taken_back_is_said(memory: MemoryGateway) -> None:
    operations.create(from_mapping(BASE))
    look, put = memory.components, memory.update_stack

    def fail(id: str, change: StackChange) -> None:
        if change.name == "ops":
            memory.components = lambda _: []  # type: ignore[method-assign]
            raise KitaruError("no")
        put(id, change)

    memory.update_stack = fail  # type: ignore[method-assign]
    with pytest.raises(KitaruError) as failed:
        rename("dev", "ops")
    assert "Not found any more when it was to be taken back: " in str(failed.value.why)
    assert "orchestrator ops, formerly dev" in str(failed.value.why)
    memory.components, memory.update_stack = look, put  # type: ignore[method-assign]
    assert rename("dev", "ops").name == "ops"


def test_a_stack_that_somebody_renames_before_it_is_replaced_stays_with_its_parts(
    memory: MemoryGateway,
) -> None:
    operations.create(from_mapping(BASE))
    (stack,) = memory.stacks(DEV)

    def before(write: str) -> None:
        if write.startswith("create stack"):
            memory.before_write = lambda _: None
            memory.update_stack(stack.id, StackChange(name="theirs"))

    memory.before_write = before
    done = operations.apply(from_mapping(LOCAL))
    (kept,) = [text for warning in done.warnings if "theirs" in (text := str(warning.text))]
    assert "stack dev-replaced (called theirs by now)" in kept
    (theirs,) = memory.stacks(Where(names=("theirs",)))
    assert theirs.id == stack.id
    assert len(memory.components(Where(in_stack=stack.id))) == 3
