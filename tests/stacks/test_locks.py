"""Who waits for whom: one writer at a time for a stack's name, and nobody while somebody thinks."""

from __future__ import annotations

import fcntl
import hashlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kitaru_iac.errors import StackNotFound
from kitaru_iac.gateway.documents import StackChange, Where
from kitaru_iac.gateway.memory import MemoryGateway, installed
from kitaru_iac.machine.home import config_home
from kitaru_iac.machine.locks import sole_writer
from kitaru_iac.plan.model import Plan
from kitaru_iac.records.rename import rename
from kitaru_iac.spec.model import LocalSpec
from kitaru_iac.stacks import delete as deletion
from kitaru_iac.stacks import operations
from kitaru_iac.stacks.results import Applied

_TIMEOUT = 30
SPEC = LocalSpec(name="dev", activate=False)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MemoryGateway]:
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(tmp_path / "zenml"))
    monkeypatch.setattr(deletion, "scopes_of", lambda _: [])
    with installed(MemoryGateway()) as gateway:
        yield gateway


def is_locked(name: str) -> bool:
    """Whether somebody holds the lock of a stack's name."""
    key = hashlib.sha256(name.encode()).hexdigest()[:16]
    file = config_home() / "kitaru" / "locks" / key
    if not file.exists():
        return False
    with file.open("w") as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def id_of(store: MemoryGateway, name: str = "dev") -> str:
    (stack,) = store.stacks(Where(names=(name,)))
    return stack.id


@pytest.fixture
def at_write(store: MemoryGateway) -> list[bool]:
    """Whether the lock of ``dev`` was held, at each write."""
    held: list[bool] = []
    store.before_write = lambda _: held.append(is_locked("dev"))
    return held


@pytest.mark.parametrize(
    "ref",
    [lambda _: "dev", str, lambda uuid: uuid[:8], str.upper],
    ids=["name", "id", "prefix", "upper case"],
)
def test_a_deletion_holds_the_lock_of_the_stack_s_name_whatever_was_typed(
    store: MemoryGateway, at_write: list[bool], ref: Callable[[str], str]
) -> None:
    operations.create(SPEC)
    at_write.clear()
    operations.delete(ref(id_of(store)), recursive=True)
    assert at_write
    assert all(at_write)
    assert not store.stacks(Where(names=("dev",)))


@pytest.mark.parametrize("by_id", [False, True], ids=["name", "id"])
def test_a_deletion_waits_for_another_writer_and_then_looks_again(
    store: MemoryGateway, by_id: bool
) -> None:
    operations.create(SPEC)
    ref = id_of(store) if by_id else "dev"
    failed: list[BaseException] = []
    started, ended = threading.Event(), threading.Event()

    def remove() -> None:
        started.set()
        try:
            with installed(store):
                operations.delete(ref)
        except StackNotFound as error:
            failed.append(error)
        ended.set()

    with sole_writer("dev"):
        worker = threading.Thread(target=remove)
        worker.start()
        started.wait(_TIMEOUT)
        assert not ended.wait(0.5)
        store.delete("stack", id_of(store))
        store.written.clear()
    worker.join(_TIMEOUT)
    assert failed
    assert store.written == []


def test_a_stack_that_is_renamed_meanwhile_is_deleted_under_its_new_lock(
    store: MemoryGateway,
) -> None:
    operations.create(SPEC)
    found = id_of(store)
    held: list[tuple[bool, bool]] = []

    asked = 0
    stacks = store.stacks

    def renaming(where: Where) -> object:
        nonlocal asked
        asked += 1
        answer = stacks(where)
        if asked == 2:  # the look under the first lock
            store.update_stack(found, StackChange(name="live"))
            answer = stacks(where)
            store.before_write = lambda _: held.append((is_locked("dev"), is_locked("live")))
        return answer

    store.stacks = renaming  # type: ignore[method-assign]
    operations.delete(found)
    assert held
    assert all(live for _, live in held)


def test_nobody_is_locked_out_while_a_plan_is_thought_about(
    store: MemoryGateway, at_write: list[bool]
) -> None:
    seen: list[bool] = []

    def confirm(plan: Plan) -> bool:
        seen.append(is_locked("dev"))
        return True

    done = operations.apply(SPEC, confirm=confirm)
    assert done.changed
    assert seen == [False]
    assert all(at_write)


def test_no_writes_nothing(store: MemoryGateway) -> None:
    done = operations.apply(SPEC, confirm=lambda _: False)
    assert not done.changed
    assert store.written == []


def test_what_somebody_else_did_meanwhile_is_planned_and_asked_again(store: MemoryGateway) -> None:
    plans: list[Plan] = []

    def confirm(plan: Plan) -> bool:
        plans.append(plan)
        if len(plans) == 1:
            operations.create(SPEC)
            store.update_stack(
                id_of(store), StackChange(labels={"kitaru.managed": "true", "kitaru.stray": "1"})
            )
        return True

    said: list[str] = []
    done = operations.apply(SPEC, confirm=confirm, progress=said.append)
    assert isinstance(done, Applied)
    assert len(plans) == 2
    assert plans[0] != plans[1]
    assert done.plan == plans[1]
    assert any("planning again" in line for line in said)
    assert len(store.stacks(Where(names=("dev",)))) == 1


def test_what_somebody_else_finished_meanwhile_is_left_as_it_is(store: MemoryGateway) -> None:
    asked = 0

    def confirm(plan: Plan) -> bool:
        nonlocal asked
        asked += 1
        operations.create(SPEC)
        return True

    done = operations.apply(SPEC, confirm=confirm)
    assert not done.changed
    assert asked == 1


def test_a_rename_holds_both_names(store: MemoryGateway) -> None:
    operations.create(SPEC)
    held: list[tuple[bool, bool]] = []
    store.before_write = lambda _: held.append((is_locked("dev"), is_locked("live")))
    rename(id_of(store), "dev", "live")
    assert held == [(True, True)]


def test_two_renames_that_cross_do_not_wait_for_each_other_for_ever(store: MemoryGateway) -> None:
    done: list[str] = []

    def both(first: str, second: str) -> None:
        for _ in range(200):
            with sole_writer(first, second):
                pass
        done.append(first)

    workers = [threading.Thread(target=both, args=names) for names in (("a", "b"), ("b", "a"))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(_TIMEOUT)
    assert sorted(done) == ["a", "b"]
