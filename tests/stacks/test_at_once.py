"""Several stacks at the same time on a server: bounded, each told of, and stopped by Ctrl-C."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from typing import Any

import pytest

from kitaru_iac.errors import InternalError, KitaruError, NotAllowedError, NotConnectedError
from kitaru_iac.gateway.documents import Where
from kitaru_iac.gateway.http import AnswerLost
from kitaru_iac.gateway.memory import MemoryGateway, installed
from kitaru_iac.gateway.views import DEFAULT_STACK
from kitaru_iac.machine import unfinished
from kitaru_iac.machine.interrupts import Hold
from kitaru_iac.records.shared_looks import _groups
from kitaru_iac.stacks import many, operations
from kitaru_iac.stacks.at_once import at_once
from kitaru_iac.stacks.many import apply_all, plan_all
from kitaru_iac.stacks.outcomes import Outcome, SeveralInterrupted
from tests.stacks.test_many import described, memory  # noqa: F401


class Counting(MemoryGateway):
    """Counts the questions to it by kind, and what is under way at the same time."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.asked: Counter[str] = Counter()

    def stacks(self, where: Where) -> Any:
        self.asked["stacks"] += 1
        return super().stacks(where)

    def components(self, where: Where) -> Any:
        self.asked["components"] += 1
        return super().components(where)

    def connectors(self, where: Where) -> Any:
        self.asked["connectors"] += 1
        return super().connectors(where)


def many_of(count: int) -> Any:
    return described(*(f"stack-{number:03}" for number in range(count)))


@pytest.mark.no_cover
@pytest.mark.usefixtures("memory")
def test_a_hundred_that_are_as_described_are_seen_with_few_questions() -> None:
    gateway, items = Counting(), many_of(100)
    with installed(gateway):
        apply_all(items, outcomes=[])
        gateway.asked.clear()
        plans, errors = plan_all(items)
        assert (len(plans), errors) == (100, {})
        assert [plan.plan.stack for plan in plans] == [item.spec.name for item in items]
        assert not any(plan.plan.has_changes for plan in plans)
        assert max(gateway.asked.values()) <= 4, gateway.asked
        gateway.asked.clear()
        outcomes: list[Outcome] = []
        apply_all(items, outcomes=outcomes)
        assert {outcome.status for outcome in outcomes} == {"unchanged"}
        assert max(gateway.asked.values()) <= 4, gateway.asked


@pytest.mark.parametrize(("is_local", "parallel", "expected"), [(False, 3, 3), (True, 3, 1)])
@pytest.mark.usefixtures("memory")
def test_so_many_at_a_time_and_one_in_a_local_store(
    is_local: bool, parallel: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, running, most = threading.Lock(), [0], [0]

    def apply(spec: Any, **_: Any) -> Any:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        time.sleep(0.03)
        with lock:
            running[0] -= 1
        raise KitaruError(spec.name)

    monkeypatch.setattr("kitaru_iac.stacks.operations.apply", apply)
    outcomes: list[Outcome] = []
    with installed(MemoryGateway(is_local=is_local)):
        apply_all(many_of(9), outcomes=outcomes, parallel=parallel)
    assert most[0] == expected
    assert [str(one.error) for one in outcomes] == [one.name for one in outcomes]


@pytest.mark.usefixtures("memory")
def test_one_failure_stops_the_others_only_where_that_is_asked() -> None:
    items = many_of(12)

    def refuse(write: str) -> None:
        if "stack-002" in write:
            raise NotAllowedError("not this one")

    for fail_fast in (False, True):
        gateway = MemoryGateway(before_write=refuse)
        outcomes: list[Outcome] = []
        with installed(gateway):
            apply_all(items, outcomes=outcomes, fail_fast=fail_fast, parallel=2)
        assert [one.name for one in outcomes] == [item.spec.name for item in items]
        assert outcomes[2].status == "failed"
        there = {doc.name for doc in gateway.stacks(Where())}
        assert there - {"default"} == {one.name for one in outcomes if one.status == "applied"}
        skipped = [one.status for one in outcomes].count("skipped")
        assert (skipped > 0) is fail_fast


@pytest.mark.parametrize("is_local", [False, True], ids=["server", "local"])
@pytest.mark.usefixtures("memory")
def test_a_bug_in_one_is_told_beside_the_others(
    is_local: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    items, real = many_of(12), operations.apply

    def apply(spec: Any, **more: Any) -> Any:
        if spec.name == "stack-002":
            raise ZeroDivisionError("nobody foresaw this")
        return real(spec, **more)

    monkeypatch.setattr(operations, "apply", apply)
    outcomes: list[Outcome] = []
    with installed(MemoryGateway(is_local=is_local)):
        apply_all(items, outcomes=outcomes)
    assert [one.name for one in outcomes] == [item.spec.name for item in items]
    assert [one.name for one in outcomes if one.status != "applied"] == ["stack-002"]
    assert isinstance(outcomes[2].error, InternalError)
    assert "nobody foresaw this" in str(outcomes[2].error)


@pytest.mark.parametrize("error", [AnswerLost, NotConnectedError])
@pytest.mark.parametrize("is_away", [False, True])
@pytest.mark.usefixtures("memory")
def test_one_that_a_busy_server_fails_at_stops_the_others_only_where_it_is_away(
    is_away: bool, error: type[NotConnectedError]
) -> None:
    """As ZenML 0.85 does whose database was locked for too long: HTTP status 500."""
    items = many_of(12)

    class Gone(MemoryGateway):
        def stacks(self, where: Where) -> Any:
            if is_away and DEFAULT_STACK in (where.names or ()):
                raise NotConnectedError("Nobody answers")
            return super().stacks(where)

    def fail(write: str) -> None:
        if "stack-002" in write:
            raise error("The ZenML server failed", why="HTTP status 500")

    gateway = Gone(before_write=fail)
    outcomes: list[Outcome] = []
    with installed(gateway):
        apply_all(items, outcomes=outcomes, parallel=2)
    assert [one.name for one in outcomes] == [item.spec.name for item in items]
    assert isinstance(outcomes[2].error, error)
    statuses = [one.status for one in outcomes]
    assert ("skipped" in statuses) is is_away, statuses
    there = {doc.name for doc in gateway.stacks(Where())} - {"default"}
    assert there == {one.name for one in outcomes if one.status == "applied"}


def test_what_is_under_way_is_ended_and_told_before_work_that_broke_down_is_raised() -> None:
    begun, stop = threading.Barrier(3), threading.Event()
    told: list[int] = []

    def work(number: int) -> int:
        begun.wait(timeout=60)
        if number == 0:
            raise SystemExit("broken")
        stop.wait(timeout=60)
        return number

    with Hold("x", "y") as hold, pytest.raises(SystemExit):
        at_once(
            range(9), work, most=3, stop=stop, hold=hold, ended=lambda _, found: told.append(found)
        )
    assert sorted(told) == [1, 2]


@pytest.mark.usefixtures("memory")
def test_ctrl_c_ends_what_is_under_way_and_begins_nothing_more() -> None:
    items, pressed = many_of(30), threading.Event()

    def press(write: str) -> None:
        if "stack-003" in write and not pressed.is_set():
            pressed.set()
            os.kill(os.getpid(), signal.SIGINT)

    gateway = MemoryGateway(before_write=press)
    outcomes: list[Outcome] = []
    with installed(gateway), pytest.raises(SeveralInterrupted) as caught:
        apply_all(items, outcomes=outcomes, parallel=2)
    statuses = [one.status for one in outcomes]
    assert (len(statuses), set(statuses)) == (30, {"applied", "skipped"})
    done = [one.name for one in outcomes if one.status == "applied"]
    assert {doc.name for doc in gateway.stacks(Where())} - {"default"} == set(done)
    assert f"done: {', '.join(done)}" in caught.value.what
    assert "not begun: " in caught.value.what
    with installed(gateway):  # the same command completes
        outcomes.clear()
        apply_all(items, outcomes=outcomes)
    assert {one.status for one in outcomes} == {"applied", "unchanged"}


@pytest.mark.usefixtures("memory")
def test_what_a_dead_run_left_is_looked_at_under_its_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    gateway, items = MemoryGateway(), many_of(2)
    with installed(gateway):
        apply_all(items, outcomes=[])
        unfinished.begin(gateway.place, "stack-001", "change")
        asked: list[str] = []
        real = many.apply_planned

        def apply(spec: Any, *rest: Any, **more: Any) -> Any:
            asked.append(spec.name)
            return real(spec, *rest, **more)

        monkeypatch.setattr(many, "apply_planned", apply)
        plans, _ = plan_all(items)
        apply_all(items, {plan.plan.stack: plan for plan in plans}, outcomes=[])
        assert asked == ["stack-001"]


def test_names_are_asked_for_in_pieces_that_fit_into_an_address() -> None:
    names = [f"{'n' * 60}{number}" for number in range(100)]
    groups = _groups(names)
    assert [name for group in groups for name in group] == names
    assert max(sum(map(len, group)) for group in groups) < 2_000
    assert _groups(["a" * 5_000, "b"]) == [["a" * 5_000], ["b"]]
