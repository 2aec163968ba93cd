"""A renaming whose last write a server does when nobody waits any more, and the same command."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kitaru_iac.errors import (
    AlreadyExistsError,
    NotConnectedError,
    RegistrationFailed,
    StackNotFound,
    UsageError,
)
from kitaru_iac.gateway.documents import StackChange, StackDoc, Where
from kitaru_iac.gateway.memory import MemoryGateway, installed
from kitaru_iac.gateway.wire import AnswerLost
from kitaru_iac.machine import unfinished
from kitaru_iac.spec import from_mapping
from kitaru_iac.stacks import operations
from kitaru_iac.stacks.rename import rename
from tests.stacks.test_planning import REMOTE


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MemoryGateway]:
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(tmp_path))
    with installed(MemoryGateway()) as store:
        yield store


def stack(memory: MemoryGateway, name: str) -> StackDoc:
    (found,) = memory.stacks(Where(names=(name,)))
    return found


def names(memory: MemoryGateway) -> set[str]:
    parts = [*memory.components(Where()), *memory.connectors(Where())]
    return {doc.name for doc in parts} - {"default"}


@pytest.fixture
def late(memory: MemoryGateway) -> StackDoc:
    """A stack with its new name, of parts that have their old names back."""
    operations.apply(from_mapping({**REMOTE, "name": "old"}))
    put = memory.update_stack
    held: list[Callable[[], None]] = []

    def hold(id: str, change: object) -> None:
        if getattr(change, "name", None) == "new":
            held.append(lambda: put(id, change))  # type: ignore[arg-type]
            raise AnswerLost("No answer within 30 seconds")
        put(id, change)  # type: ignore[arg-type]

    memory.update_stack = hold  # type: ignore[method-assign]
    with pytest.raises(AnswerLost) as lost:
        rename("old", "new")
    memory.update_stack = put  # type: ignore[method-assign]
    assert "Run the same command again: kitaru stack rename old new" in str(lost.value.remedy)
    assert (stack(memory, "old").name, names(memory)) == ("old", {"old"})
    (write,) = held
    write()
    return stack(memory, "new")


@pytest.mark.parametrize("by_id", [False, True])
def test_the_same_command_renames_the_parts(
    memory: MemoryGateway, late: StackDoc, by_id: bool
) -> None:
    done = rename(late.id if by_id else "old", "new")
    assert (done.id, done.name, done.previous_name) == (late.id, "new", "old")
    assert set(done.parts) == {
        *("artifact_store", "container_registry", "orchestrator", "service_connector")
    }
    assert names(memory) == {"new"}
    assert not operations.preview(from_mapping({**REMOTE, "name": "new"})).has_changes
    assert list(unfinished.every(memory.place)) == []
    with pytest.raises(UsageError if by_id else StackNotFound):
        rename(late.id if by_id else "old", "new")


@pytest.mark.parametrize("at", range(4))
def test_it_may_be_killed_at_any_write(memory: MemoryGateway, late: StackDoc, at: int) -> None:
    class Killed(BaseException):
        pass

    left = [at]

    def die(_: str) -> None:
        if left[0] == 0:
            raise Killed
        left[0] -= 1

    memory.before_write = die
    with pytest.raises(Killed):
        rename("old", "new")
    memory.before_write = lambda _: None
    assert rename("old", "new").id == late.id
    assert names(memory) == {"new"}


@pytest.mark.parametrize("error", [RegistrationFailed("no"), NotConnectedError("no")])
def test_what_fails_is_taken_back_and_the_same_command_goes_on(
    memory: MemoryGateway, late: StackDoc, error: Exception
) -> None:
    def fail(write: str) -> None:
        if write.startswith("update orchestrator"):
            memory.before_write = lambda _: None
            raise error

    memory.before_write = fail
    with pytest.raises((RegistrationFailed, NotConnectedError)) as failed:
        rename("old", "new")
    assert "Stack 'old' was not renamed to 'new'" in failed.value.what
    assert names(memory) == {"old"}
    assert rename("old", "new").id == late.id
    assert names(memory) == {"new"}


def test_a_colleagues_stack_of_the_new_name_is_not_said_to_be_the_renamed_one(
    memory: MemoryGateway, late: StackDoc
) -> None:
    operations.delete(late.id, recursive=True)
    operations.apply(from_mapping({"name": "new", "type": "local", "activate": False}))
    with pytest.raises(StackNotFound):
        rename("old", "new")


def test_a_name_of_a_part_that_is_taken_meanwhile_is_told_before_anything_is_written(
    memory: MemoryGateway, late: StackDoc
) -> None:
    memory.update_stack(late.id, StackChange(name="aside"))
    operations.apply(from_mapping({**REMOTE, "name": "new"}))
    memory.update_stack(stack(memory, "new").id, StackChange(name="theirs"))
    memory.update_stack(late.id, StackChange(name="new"))
    memory.before_write = pytest.fail
    with pytest.raises(AlreadyExistsError, match="the name is taken"):
        rename("old", "new")
