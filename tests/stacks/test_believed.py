"""What a server says that it did is looked at, and nobody is blamed for a look that failed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kitaru_iac.errors import (
    KitaruError,
    NotConnectedError,
    RegistrationFailed,
    StackChanged,
)
from kitaru_iac.gateway.documents import StackChange, Where
from kitaru_iac.gateway.memory import MemoryGateway, installed
from kitaru_iac.gateway.wire import AnswerLost
from kitaru_iac.machine import unfinished
from kitaru_iac.spec import from_mapping
from kitaru_iac.stacks import operations
from kitaru_iac.stacks.rename import rename
from tests.stacks.interrupts import contents
from tests.stacks.test_colleagues import BASE, LOCAL
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


def skip(memory: MemoryGateway, method: str, at: int) -> None:
    """Let the server say that it did this call, and not do it."""
    do = getattr(memory, method)
    left = [at]

    def call(*given: Any) -> Any:
        left[0] -= 1
        return True if left[0] == -1 else do(*given)

    setattr(memory, method, call)


@pytest.mark.parametrize("at", range(5))  # the stack, three components, the connector
def test_a_deletion_is_read_back(memory: MemoryGateway, at: int) -> None:
    operations.create(from_mapping(BASE))
    (stack,) = memory.stacks(DEV)
    skip(memory, "delete", at)
    with pytest.raises(RegistrationFailed) as failed:
        operations.delete("dev", recursive=True)
    there = [
        *("stack dev" for _ in memory.stacks(DEV)),
        *(f"{doc.type} dev" for doc in memory.components(DEV)),
        *("service connector dev" for _ in memory.connectors(DEV)),
    ]
    assert there
    assert {part.replace(" (perhaps)", "") for part in failed.value.left} == set(there)
    assert "somebody else" not in str(failed.value)
    if at == 0:
        assert f"kitaru stack delete {stack.id} --recursive" in str(failed.value.remedy)
        operations.delete(stack.id, recursive=True)
    else:
        assert "kitaru stack clean" in str(failed.value.remedy)
        operations.clean()
    assert contents(memory) == contents(MemoryGateway())


def test_a_deletion_that_cannot_be_read_back_is_said_to_be_that(memory: MemoryGateway) -> None:
    operations.create(from_mapping(BASE))
    look, delete = memory.connectors, memory.delete

    def last(kind: Any, id: str) -> bool:
        gone = delete(kind, id)
        if kind == "connector":
            memory.connectors = fail  # type: ignore[method-assign]
        return gone

    def fail(_: Where) -> Any:
        raise NotConnectedError("It fails")

    memory.delete = last  # type: ignore[method-assign]
    with pytest.raises(AnswerLost, match="could not be looked at again") as lost:
        operations.delete("dev", recursive=True)
    memory.connectors = look  # type: ignore[method-assign]
    assert "kitaru stack clean" in str(lost.value.remedy)
    operations.clean()
    assert list(unfinished.every(memory.place)) == []


@pytest.mark.parametrize(
    ("method", "at"),
    [("update_connector", 0), *(("update_component", at) for at in range(3)), ("update_stack", 1)],
)
def test_a_renaming_is_read_back(memory: MemoryGateway, method: str, at: int) -> None:
    operations.create(from_mapping(BASE))
    (stack,) = memory.stacks(DEV)
    skip(memory, method, at)
    if method != "update_stack":  # it is written again
        assert rename("dev", "ops").name == "ops"
    else:
        with pytest.raises(StackChanged, match="not all of it is called so") as changed:
            rename("dev", "ops")
        assert "stack: it is called dev" in changed.value.differs
        assert len(changed.value.differs) == 5  # its parts have the name of their stack again
        assert f"kitaru stack show {stack.id}" in str(changed.value.remedy)
        assert rename(stack.id, "ops").name == "ops"
    parts = [*memory.components(Where()), *memory.connectors(Where())]
    assert {doc.name for doc in parts} - {"default"} == {"ops"}


def test_what_is_never_renamed_is_told(memory: MemoryGateway) -> None:
    operations.create(from_mapping(BASE))
    (stack,) = memory.stacks(DEV)
    memory.update_component = lambda *_: None  # type: ignore[method-assign]
    with pytest.raises(StackChanged, match="not all of it is called so") as changed:
        rename("dev", "ops")
    assert len(changed.value.differs) == 3
    assert f"kitaru stack rename {stack.id} dev" in str(changed.value.remedy)
    del memory.update_component  # type: ignore[method-assign]
    assert rename(stack.id, "dev").name == "dev"
    assert {doc.name for doc in memory.components(Where(in_stack=stack.id))} == {"dev"}


@pytest.mark.parametrize("amid", ["connector", "orchestrator", "artifact_store", "stack dev as"])
def test_of_two_crossing_renamings_one_holds_as_a_whole(memory: MemoryGateway, amid: str) -> None:
    operations.create(from_mapping(BASE))
    (stack,) = memory.stacks(DEV)

    def before(write: str) -> None:
        if write.startswith(f"update {amid}"):
            memory.before_write = lambda _: None
            with at_another_machine("colleague"):
                rename(stack.id, "theirs")

    memory.before_write = before
    if amid.startswith("stack"):  # this one came last
        assert rename("dev", "ops").name == "ops"
    else:
        with pytest.raises(StackChanged):
            rename("dev", "ops")
    (stack,) = memory.stacks(Where(ids=(stack.id,)))
    assert stack.name == ("ops" if amid.startswith("stack") else "theirs")
    parts = [*memory.components(Where()), *memory.connectors(Where())]
    assert {doc.name for doc in parts} - {"default"} == {stack.name}


@pytest.mark.parametrize("fails", [False, True])
def test_what_a_colleague_renames_by_hand_keeps_that_name_with_its_parts(
    memory: MemoryGateway, fails: bool
) -> None:
    operations.create(from_mapping(BASE))
    (stack,) = memory.stacks(DEV)

    def before(write: str) -> None:
        if write.startswith("update orchestrator"):
            memory.before_write = lambda _: None
            memory.update_stack(stack.id, StackChange(name="theirs"))
            if fails:
                raise KitaruError("no")

    memory.before_write = before
    with pytest.raises(KitaruError) as raised:
        rename("dev", "ops")
    assert "It is called 'theirs' by now, and so are its parts." in str(raised.value.why)
    assert f"kitaru stack rename {stack.id} ops" in str(raised.value.remedy)
    parts = [*memory.components(Where()), *memory.connectors(Where())]
    assert {doc.name for doc in parts} - {"default"} == {"theirs"}
    assert rename(stack.id, "ops").name == "ops"


def test_clean_says_nothing_of_a_colleagues_new_stack(memory: MemoryGateway) -> None:
    class Killed(BaseException):
        pass

    operations.create(from_mapping(BASE))

    def die(write: str) -> None:
        if write.startswith("delete orchestrator"):
            raise Killed

    memory.before_write = die
    with pytest.raises(Killed):
        operations.delete("dev", recursive=True)
    memory.before_write = lambda _: None
    with at_another_machine("colleague"):
        operations.create(from_mapping(LOCAL))
    theirs = [doc.id for doc in memory.stacks(DEV)]
    found = operations.clean()
    assert [part for part in found.kept if part.kind == "stack"] == []
    assert [doc.id for doc in memory.stacks(DEV)] == theirs


def test_nobody_is_blamed_where_what_was_created_cannot_be_looked_at(
    memory: MemoryGateway,
) -> None:
    put, look = memory.update_stack, memory.stacks

    def done_and_refused(id: str, change: StackChange) -> None:
        put(id, change)
        memory.stacks = fail  # type: ignore[method-assign]
        raise KitaruError("The ZenML server failed")

    def fail(where: Where) -> Any:
        if where.uses_component is None:
            raise NotConnectedError("It fails")
        return look(where)

    memory.update_stack = done_and_refused  # type: ignore[method-assign]
    with pytest.raises(KitaruError) as raised:
        operations.create(from_mapping(BASE))
    assert "somebody else" not in str(raised.value)
    assert not isinstance(raised.value, StackChanged)
    left = {re.sub(" of stack dev$", "", part) for part in raised.value.left}
    assert {"stack dev", "orchestrator dev", "service connector dev"} <= left
    memory.stacks, memory.update_stack = look, put  # type: ignore[method-assign]
    operations.create(from_mapping(BASE))  # the same command goes on


SECOND = {**BASE, "artifact_store": "s3://second/kitaru"}
#: From the description of a stack to one of the same name, with the number of deletions in between.
REPLACING = {
    "another type": (BASE, LOCAL, 5),
    "another method": (BASE, {**SECOND, "credentials": "implicit"}, 5),
    "without its connector": (BASE, {**BASE, "credentials": None}, 5),
}


@pytest.mark.parametrize(
    ("change", "at"),
    [(change, at) for change, (*_, count) in REPLACING.items() for at in range(count)],
)
def test_what_a_change_replaces_is_looked_for_once_more(
    memory: MemoryGateway, change: str, at: int
) -> None:
    first, second, _ = REPLACING[change]
    operations.create(from_mapping(first))
    skip(memory, "delete", at)
    with pytest.raises(RegistrationFailed, match="a part of the old one stays") as failed:
        operations.apply(from_mapping(second))
    assert failed.value.left
    assert "says that it deleted this, and shows it" in str(failed.value.why)
    operations.apply(from_mapping(second))
    assert contents(memory) == _made(second)
    assert list(unfinished.every(memory.place)) == []


def test_what_a_change_replaces_and_cannot_be_looked_for_is_said_to_be_that(
    memory: MemoryGateway,
) -> None:
    operations.create(from_mapping(BASE))
    look, do = memory.components, memory.delete

    def last(kind: Any, id: str) -> bool:
        gone = do(kind, id)
        if kind == "connector":
            memory.components = fail  # type: ignore[method-assign]
        return gone

    def fail(_: Where) -> Any:
        raise NotConnectedError("It fails")

    memory.delete = last  # type: ignore[method-assign]
    with pytest.raises(AnswerLost, match="could not be looked at again") as lost:
        operations.apply(from_mapping(LOCAL))
    assert not lost.value.left
    memory.components, memory.delete = look, do  # type: ignore[method-assign]
    operations.apply(from_mapping(LOCAL))
    assert contents(memory) == _made(LOCAL)
    assert list(unfinished.every(memory.place)) == []


def _made(description: dict[str, Any]) -> Any:
    """What a store holds where a stack was made so at once."""
    with installed(MemoryGateway()) as other:
        operations.create(from_mapping(description))
    return contents(other)


#: Where a replacing apply is killed, and the number of deletions that repair it then.
DEATHS = {"delete stack": 5, "create stack": 1, "update connector dev-new-": 1}


@pytest.mark.parametrize(
    ("death", "at"), [(death, at) for death, count in DEATHS.items() for at in range(count)]
)
@pytest.mark.parametrize("command", ["apply", "clean"])
def test_what_a_repair_deletes_is_looked_for_once_more(
    memory: MemoryGateway, command: str, death: str, at: int
) -> None:
    operations.create(from_mapping(BASE))
    method = from_mapping({**SECOND, "credentials": "implicit"})
    killed_at(memory, death, lambda: operations.apply(method))
    skip(memory, "delete", at)
    with pytest.raises(KitaruError) as failed:
        operations.apply(method) if command == "apply" else operations.clean()
    assert "says that it deleted this, and shows it" in str(failed.value)
    operations.apply(method)
    assert contents(memory) == _made({**SECOND, "credentials": "implicit"})
    assert list(unfinished.every(memory.place)) == []


def test_what_clean_deletes_of_a_dead_creation_is_looked_for_once_more(
    memory: MemoryGateway,
) -> None:
    empty = contents(memory)
    killed_at(memory, "create stack", lambda: operations.create(from_mapping(BASE)))
    assert contents(memory) != empty
    skip(memory, "delete", 0)
    with pytest.raises(RegistrationFailed) as failed:
        operations.clean()
    assert failed.value.left == ("parts of stack dev",)
    operations.clean()
    assert contents(memory) == empty


@pytest.mark.parametrize("at", range(5))
def test_what_is_taken_back_is_looked_for_once_more(memory: MemoryGateway, at: int) -> None:
    empty, put = contents(memory), memory.update_stack

    def fail(*_: Any) -> None:
        raise KitaruError("no")

    memory.update_stack = fail  # type: ignore[method-assign]
    skip(memory, "delete", at)
    with pytest.raises(RegistrationFailed) as failed:
        operations.create(from_mapping(BASE))
    memory.update_stack = put  # type: ignore[method-assign]
    assert failed.value.left
    assert "nothing was left behind" not in str(failed.value)
    operations.create(from_mapping(BASE))
    operations.delete("dev", recursive=True)
    assert contents(memory) == empty


def test_a_stack_that_is_renamed_while_it_is_put_back_keeps_its_name(
    memory: MemoryGateway,
) -> None:
    operations.create(from_mapping(BASE))
    (stack,) = memory.stacks(DEV)
    method = from_mapping({**SECOND, "credentials": "implicit"})
    killed_at(memory, "create stack", lambda: operations.apply(method))

    def before(write: str) -> None:
        if write.startswith("update connector"):
            memory.before_write = lambda _: None
            memory.update_stack(stack.id, StackChange(name="theirs"))

    memory.before_write = before
    with pytest.raises(RegistrationFailed) as failed:
        operations.clean()
    assert "it is called theirs" in str(failed.value)
    assert [doc.name for doc in memory.stacks(Where(ids=(stack.id,)))] == ["theirs"]


def test_clean_tells_a_creation_that_was_cut_off_from_one_that_is_whole(
    memory: MemoryGateway,
) -> None:
    killed_at(memory, "update stack", lambda: operations.create(from_mapping(BASE)))
    (kept,) = operations.clean().kept
    assert "complete it with kitaru stack apply" in kept.reason
    operations.apply(from_mapping(BASE))
    assert operations.clean().kept == ()
    assert contents(memory) == _made(BASE)


def test_clean_says_of_a_colleagues_stack_that_it_is_whole(memory: MemoryGateway) -> None:
    # The run of this machine died before it had the name.
    create = lambda: operations.create(from_mapping(BASE))  # noqa: E731
    killed_at(memory, "update connector dev-new-", create)
    with at_another_machine("colleague"):
        operations.create(from_mapping(LOCAL))
    (kept,) = operations.clean().kept
    assert kept.reason.startswith("whole; a creation of this name was cut off here")
    assert operations.clean().kept == ()
    assert contents(memory) == _made(LOCAL)
