"""Whoever does what an error advises, later, deletes nothing that a colleague made meanwhile."""

from __future__ import annotations

import ast
import copy
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import kitaru_iac
from kitaru_iac.errors import KitaruError, NotConnectedError, StackChanged, StackNotFound
from kitaru_iac.gateway.documents import Where
from kitaru_iac.gateway.http import AnswerLost
from kitaru_iac.gateway.memory import MemoryGateway, installed
from kitaru_iac.machine.interrupts import CutShort
from kitaru_iac.records.stored import Store
from kitaru_iac.stacks import operations
from tests.stacks.interrupts import Around, contents
from tests.stacks.test_interrupts import LOCAL, REMOTE, all_of, create

PACKAGE = Path(kitaru_iac.__file__).parent


def a_colleague_takes_the_name(store: MemoryGateway) -> dict[str, Any]:
    """Delete what is left of `dev` by its ids and register another `dev`; return it."""
    for kind, docs in (
        ("stack", store.stacks(Where(names=("dev",)))),
        ("component", store.components(Where(names=("dev",)))),
        ("connector", store.connectors(Where())),
    ):
        for doc in docs:
            store.delete(kind, doc.id)  # type: ignore[arg-type]
    with installed(store):
        create(REMOTE)
    return contents(store)


def follow(remedy: str) -> None:
    """Do what a remedy says, as a user who did something else meanwhile."""
    assert "same command again" not in remedy
    for ref, flags in re.findall(r"kitaru stack delete (\S+)((?: --\S+)*)", remedy):
        with suppress(StackNotFound):
            operations.delete(ref, recursive="--recursive" in flags, force="--force" in flags)
    if "kitaru stack clean" in remedy:
        operations.clean()


def ending(around: Around, *, recursive: bool) -> str | None:
    """What a deletion advises that does not end as it should; None: it does."""
    try:
        with installed(around):  # type: ignore[arg-type]
            operations.delete("dev", recursive=recursive)
    except (KitaruError, CutShort) as ended:
        return str(ended.remedy)
    return None


def lose() -> None:
    raise AnswerLost("No answer came")


def fail() -> None:
    raise KitaruError("The disk is full")


def press_twice() -> None:
    signal.raise_signal(signal.SIGINT)
    signal.raise_signal(signal.SIGINT)


WAYS: dict[str, Callable[[], None]] = {"lost": lose, "failed": fail, "cut short": press_twice}


@pytest.mark.parametrize("recursive", [True, False], ids=["recursive", "plain"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("way", WAYS)
def test_what_a_deletion_advises_reaches_no_new_stack_of_the_name(
    way: str, after: bool, recursive: bool
) -> None:
    start = MemoryGateway()
    with installed(start):
        create(REMOTE)
    advised = 0
    for at in range(10):
        store = copy.deepcopy(start)
        remedy = ending(Around(store, at, after=after, strike=WAYS[way]), recursive=recursive)
        if remedy is None:
            continue
        advised += 1
        theirs = a_colleague_takes_the_name(store)
        with installed(store):
            follow(remedy)
        assert contents(store) == theirs, f"{way} {after=} write {at}: {remedy}"
    # What failed, or was not answered, and was done is looked at, and the deletion goes on.
    assert advised == 0 if way != "cut short" and after else advised > 1


@pytest.mark.parametrize("way", WAYS)
def test_what_a_deletion_advises_ends_it_where_nobody_interferes(way: str) -> None:
    start = MemoryGateway()
    with installed(start):
        empty = contents(start)
        create(REMOTE)
    for at in range(10):
        store = copy.deepcopy(start)
        remedy = ending(Around(store, at, strike=WAYS[way]), recursive=True)
        if remedy is not None:
            with installed(store):
                follow(remedy)
        assert contents(store) == empty, f"{way} write {at}"


def test_what_clean_advises_for_an_orphan_names_it_by_its_id() -> None:
    with installed(MemoryGateway()) as store:
        create(REMOTE)
        operations.delete("dev")
        orphans = operations.clean().orphans
        ids = {doc.id for doc in all_of(store) if doc.name == "dev"}
        assert {part.remedy.rpartition(" ")[2] for part in orphans} == ids
        assert all(re.match(r"Delete it with: zenml [a-z-]+ delete ", p.remedy) for p in orphans)


def test_a_name_that_another_process_registers_is_looked_at_before_it_is_deleted() -> None:
    with installed(MemoryGateway()) as store:
        create(REMOTE)
        (stack,) = store.stacks(Where(names=("dev",)))
        store.delete("stack", stack.id)  # its parts are young, and nobody's mark is on them
        with pytest.raises(KitaruError) as waits:
            operations.delete("dev", recursive=True)
        remedy = str(waits.value.remedy)
        assert "kitaru stack show dev" in remedy
        create({**LOCAL, "name": "other"})
        theirs = contents(store)
        follow(remedy)
        assert contents(store) == theirs


def test_a_stack_that_was_deleted_during_the_question_is_not_shown_to_be_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from kitaru_iac.stacks.removal import _still

    with installed(MemoryGateway()) as store:
        create(LOCAL)
        (stack,) = store.stacks(Where(names=("dev",)))
        with pytest.raises(StackChanged) as gone:
            _still(None, stack)
        assert gone.value.remedy == "See which stacks there are: kitaru stack list"
        with pytest.raises(StackChanged) as changed:
            _still(replace(stack, labels={}), stack)
        assert str(changed.value.remedy).endswith(f"kitaru stack show {stack.id}")
        assert Store(store).find(stack.id) == stack


@pytest.mark.parametrize("at", range(4))
def test_a_server_that_stumbles_over_a_colleagues_deletion_is_not_quoted(at: int) -> None:
    """ZenML 0.98 on MariaDB: "UPDATE statement on table … expected to update 1 row(s)"."""
    with installed(MemoryGateway()) as store:
        create(REMOTE)

        def colleague() -> None:
            for doc in store.stacks(Where(names=("dev",))):
                store.delete("stack", doc.id)
            for part in store.components(Where(names=("dev",))):
                store.delete("component", part.id)
            for link in store.connectors(Where()):
                store.delete("connector", link.id)
            raise NotConnectedError("The ZenML server failed", why="UPDATE statement on table")

        around: Any = Around(store, at, strike=colleague)
        with installed(around), pytest.raises(StackChanged) as faster:
            operations.delete("dev", recursive=True)
    assert (faster.value.left, faster.value.why) == ((), None)
    assert faster.value.remedy == "See which stacks there are: kitaru stack list"


def texts() -> Iterator[tuple[str, str]]:
    """Each text of the package, with `{…}` for what is put into it."""
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        parts = {id(v) for n in ast.walk(tree) if isinstance(n, ast.JoinedStr) for v in n.values}
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                yield path.name, ast.unparse(node)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                if id(node) not in parts:
                    yield path.name, node.value


def test_no_text_advises_to_delete_a_stack_by_its_name() -> None:
    found = {
        (where, match[1])
        for where, text in texts()
        for match in re.finditer(r"kitaru stack delete \{([^}]+)\}", text)
        if not re.search(r"kitaru stack show [^\n]*kitaru stack delete", text)  # looked at first
    }
    assert {what for _, what in found} <= {"stack.id", "doc.id", "id"}
    assert len(found) >= 3
