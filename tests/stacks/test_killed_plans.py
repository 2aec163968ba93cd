"""A kill at any write of `apply --plan`: the same command goes on, or says what differs by now.

In memory at each write, before it and after it; on the real local store and a server at a few.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from kitaru_iac.errors import PlanMoved
from kitaru_iac.gateway.memory import MemoryGateway, installed
from kitaru_iac.machine import unfinished
from kitaru_iac.plan.document import document
from kitaru_iac.plan.saved import differences
from kitaru_iac.spec import from_mapping
from kitaru_iac.stacks import operations, planning
from tests.homes import Home
from tests.stacks.interrupts import Around, contents
from tests.stacks.test_interrupts import CHANGED, LOCAL, REMOTE, SIDES, Dead, die, no_undoing

Descriptions = Sequence[dict[str, Any]]
FIRST = {**LOCAL, "name": "first"}


@dataclass(frozen=True)
class Case:
    """What is there before, and what is described in the plan."""

    before: Descriptions
    described: Descriptions


CASES = {
    "new": Case([], [REMOTE]),
    "in place": Case([REMOTE], [CHANGED]),
    "replaced": Case([LOCAL], [REMOTE]),
    "replaced back": Case([REMOTE], [LOCAL]),
    "two": Case([], [FIRST, REMOTE]),
}


def plan_of(described: Descriptions) -> dict[str, Any]:
    return document([planning.plan_stack(from_mapping(one)) for one in described])


def apply(described: Descriptions, reviewed: dict[str, Any]) -> None:
    specs = [from_mapping(one) for one in described]
    planning.apply_reviewed(specs, reviewed["digest"], reviewed=reviewed)


def refusal(described: Descriptions, reviewed: dict[str, Any]) -> PlanMoved | None:
    try:
        apply(described, reviewed)
    except PlanMoved as moved:
        return moved
    return None


def apply_again(gateway: Any, described: Descriptions, reviewed: dict[str, Any]) -> None:
    """The same command once more; where it refuses, what it says, and then that."""
    before = contents(gateway) if isinstance(gateway, MemoryGateway) else None
    moved = refusal(described, reviewed)
    if moved is None:
        return
    assert before in (None, contents(gateway)), "what was refused wrote something"
    fresh = plan_of(described)
    assert before in (None, contents(gateway)), "a plan wrote something"
    said = differences(reviewed, fresh)
    assert said
    assert list(moved.differs) == said
    if fresh["summary"]["with_changes"]:
        apply(described, fresh)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("is_local", [True, False], ids=["local", "server"])
@SIDES
def test_at_any_write(
    case: str, is_local: bool, after: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, described = CASES[case].before, CASES[case].described
    start = MemoryGateway(is_local=is_local)
    with installed(start):
        for one in before:
            operations.apply(from_mapping(one))
        reviewed = plan_of(described)
    whole = copy.deepcopy(start)
    counted = Around(whole)
    with installed(counted):  # type: ignore[arg-type]
        apply(described, reviewed)
    done = contents(whole)
    assert counted.count > 2
    for at in range(counted.count):
        store = copy.deepcopy(start)
        killed = Around(store, at, after=after, strike=die)
        with no_undoing(monkeypatch), installed(killed), pytest.raises(Dead):  # type: ignore[arg-type]
            apply(described, reviewed)
        with installed(store):
            apply_again(store, described, reviewed)
            assert contents(store) == done, f"killed {after=} write {at}"
            operations.clean()
        assert list(unfinished.every(store.place)) == []


@pytest.mark.parametrize("is_local", [True, False], ids=["local", "server"])
def test_what_is_left_of_several_is_gone_on_with(
    is_local: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = MemoryGateway(is_local=is_local)
    described = [FIRST, REMOTE]
    with installed(start):
        reviewed = plan_of(described)
        alone = Around(copy.deepcopy(start))
        with installed(alone):  # type: ignore[arg-type]
            apply([FIRST], plan_of([FIRST]))
    killed = Around(start, alone.count - 1, after=True, strike=die)
    with no_undoing(monkeypatch), installed(killed), pytest.raises(Dead):  # type: ignore[arg-type]
        apply(described, reviewed)
    with installed(start):
        assert plan_of(described)["digest"] != reviewed["digest"]
        assert refusal(described, reviewed) is None
        assert plan_of(described)["summary"]["with_changes"] == 0


@pytest.mark.parametrize("is_local", [True, False], ids=["local", "server"])
def test_an_activation_that_is_left_is_gone_on_with(is_local: bool) -> None:
    store = MemoryGateway(is_local=is_local)
    active = {**FIRST, "activate": True}
    with installed(store):
        reviewed = plan_of([active])
        operations.apply(from_mapping({**FIRST, "activate": False}))
        left = plan_of([active])
        assert [c["kind"] for c in left["stacks"][0]["changes"] if c["actions"] != ["no-op"]] == [
            "active_stack"
        ]
        planning.require_digest(left, reviewed["digest"], reviewed)


@pytest.mark.parametrize("is_local", [True, False], ids=["local", "server"])
def test_a_note_of_what_is_all_there_is_taken_away(is_local: bool) -> None:
    """Its run died after its last write, or could not read back what it wrote."""
    store = MemoryGateway(is_local=is_local)
    spec = from_mapping(REMOTE)
    with installed(store):
        operations.apply(spec)
        unfinished.begin(store.place, spec.name, "create")
        assert not operations.apply(spec, confirm=lambda _: True).changed
        assert list(unfinished.every(store.place)) == []


def test_on_the_local_store(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    from kitaru_iac.gateway.in_process import InProcess

    check(InProcess.open(), monkeypatch, lambda count: range(0, count, 3))


@pytest.mark.server
def test_on_a_server(server_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    from kitaru_iac.records.stored import Store

    check(Store.open().gateway, monkeypatch, lambda count: (1, count // 2))


def check(
    gateway: Any, monkeypatch: pytest.MonkeyPatch, chosen: Callable[[int], Iterable[int]]
) -> None:
    """Kill what replaces a stack at some of its writes, in turns before and after it."""
    before, described = CASES["replaced"].before, CASES["replaced"].described

    def begin() -> dict[str, Any]:
        for stack in gateway.stacks(everywhere()):
            if stack.name != "default":
                operations.delete(stack.name, recursive=True)
        for one in before:
            operations.apply(from_mapping(one))
        return plan_of(described)

    counted = Around(gateway)
    with installed(gateway):
        reviewed = begin()
    with installed(counted):  # type: ignore[arg-type]
        apply(described, reviewed)
    done = contents(gateway)
    for at in chosen(counted.count):
        with installed(gateway):
            assert begin()["digest"] == reviewed["digest"]
        killed = Around(gateway, at, after=at % 2 == 1, strike=die)
        with no_undoing(monkeypatch), installed(killed), pytest.raises(Dead):  # type: ignore[arg-type]
            apply(described, reviewed)
        with installed(gateway):
            apply_again(gateway, described, reviewed)
        assert contents(gateway) == done, f"killed at write {at}"


def everywhere() -> Any:
    from kitaru_iac.gateway.documents import Where

    return Where()
