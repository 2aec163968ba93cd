"""Two machines work on one stack of a server at the same time, whatever the order of their calls.

The locks of one machine do not help here. Each command ends as if it had been alone, or with an
error that says what somebody else changed; the same command completes then.
"""

from __future__ import annotations

import copy
import random
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from kitaru_iac.errors import KitaruError
from kitaru_iac.gateway.memory import MemoryGateway, installed
from kitaru_iac.spec import from_mapping
from kitaru_iac.stacks import operations
from tests.stacks.interrupts import contents
from tests.stacks.turns import homes_of_their_own, side_by_side

BASE = {
    "name": "dev",
    "type": "kubernetes",
    "artifact_store": "s3://first/kitaru",
    "container_registry": "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
    "cluster": "prod-cluster",
    "region": "eu-west-1",
    "credentials": "aws-access-keys:AKIA1:first",
    "verify": False,
    "activate": False,
}
BUCKET = {**BASE, "artifact_store": "s3://second/kitaru"}
KEY = {**BASE, "credentials": "aws-access-keys:AKIA2:second"}
BOTH = {**BUCKET, "credentials": "aws-access-keys:AKIA3:third", "namespace": "ml"}
METHOD = {**BUCKET, "credentials": "implicit"}
LOCAL = {"name": "dev", "type": "local", "activate": False}

Command = Callable[[], object]


def create(description: dict[str, Any]) -> Command:
    return lambda: operations.create(from_mapping(description))


def apply(description: dict[str, Any]) -> Command:
    return lambda: operations.apply(from_mapping(description))


def delete(*, recursive: bool = True) -> Command:
    return lambda: operations.delete("dev", recursive=recursive)


def nothing() -> None:
    pass


#: What is there before, and the two commands.
PAIRS: Mapping[str, tuple[Command, Command, Command]] = {
    "bucket and key": (create(BASE), apply(BUCKET), apply(KEY)),
    "both and bucket": (create(BASE), apply(BOTH), apply(BUCKET)),
    "change and replacement": (create(BASE), apply(KEY), apply(METHOD)),
    "two replacements": (create(LOCAL), apply(BUCKET), apply(KEY)),
    "create and apply": (nothing, create(BASE), apply(KEY)),
    "create local and apply": (nothing, create(LOCAL), apply(BUCKET)),
    "two creations": (nothing, create(LOCAL), create(LOCAL)),
    "apply and delete": (create(BASE), apply(BOTH), delete()),
    "delete and apply": (create(BASE), delete(), apply(BUCKET)),
    "delete and create": (create(BASE), delete(), create(BUCKET)),
    "two deletions": (create(BASE), delete(), delete()),
    "delete what was kept, and create": (
        lambda: (create(BASE)(), delete(recursive=False)()),
        delete(),
        create(BUCKET),
    ),
}
#: How a command may end beside another; all else is said as if nobody else were there.
ENDS = {"stack_changed", "already_exists", "stack_not_found"}


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(tmp_path / "zenml"))
    monkeypatch.setattr("kitaru_iac.stacks.delete.scopes_of", lambda _: [])
    monkeypatch.setattr("kitaru_iac.records.change.time.sleep", lambda _: None)
    with homes_of_their_own(monkeypatch, tmp_path / "homes"):
        yield


def one_after_the_other(before: MemoryGateway, *commands: Command) -> dict[str, Any] | None:
    """What the store holds then; None where one of them failed."""
    store = copy.deepcopy(before)
    with installed(store):
        try:
            for command in commands:
                command()
        except KitaruError:
            return None
    return contents(store)


def code_of(command: Command) -> str | None:
    """The code of the error with which a command ends, if with any."""
    try:
        command()
    except KitaruError as error:
        return error.code
    return None


def orders(rng: random.Random) -> Iterator[list[tuple[str, int | None]]]:
    """One within the other at each place, and some that are finer."""
    for at in range(26):
        yield [("a", at), ("b", None)]
        yield [("b", at), ("a", None)]
    for _ in range(40):
        first = rng.choice("ab")
        second = "ba"["ab".index(first)]
        yield [
            (who, rng.choice([1, 1, 2, 3, 5, 8]))
            for _ in range(20)
            for who in (first, second)
        ]  # fmt: skip


def refers_to_what_is_there(store: MemoryGateway, remedy: str) -> bool:
    """Whether the stacks that a remedy lets its reader look at are there."""
    from kitaru_iac.gateway.documents import Where

    there = {ref for doc in store.stacks(Where()) for ref in (doc.id, doc.name)}
    return set(re.findall(r"kitaru stack show (\S+)", remedy)) <= there


def nothing_is_left_for_a_while(store: MemoryGateway) -> bool:
    from kitaru_iac.gateway.documents import Where

    names = [doc.name for doc in (*store.components(Where()), *store.connectors(Where()))]
    names += [doc.name for doc in store.stacks(Where())]
    return all(name in {"dev", "default"} for name in names)


@pytest.mark.no_cover
@pytest.mark.parametrize("pair", PAIRS)
def test_no_order_of_their_calls_leaves_a_mixture_that_nobody_told(
    pair: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, first, second = PAIRS[pair]
    start = MemoryGateway()
    with installed(start):
        before()
    commands = {"a": first, "b": second}
    serial = [
        found
        for found in (
            one_after_the_other(start, first, second),
            one_after_the_other(start, second, first),
            # Who comes too late to a deletion finds nothing to do, or was faster.
            *([one_after_the_other(start, first)] if pair == "two deletions" else []),
        )
        if found is not None
    ]
    for order in orders(random.Random(1)):
        store = copy.deepcopy(start)
        ends, calls = side_by_side(store, order, commands)
        told = f"{pair}: {order} {calls} {ends}"
        failed = [who for who, error in ends.items() if error is not None]
        for who in failed:
            error = ends[who]
            assert isinstance(error, KitaruError), told
            assert error.code in ENDS, f"{told}\n{error}"
            is_last = who == order[0][0] and order[1][1] is None
            if is_last and error.code == "stack_changed":
                assert refers_to_what_is_there(store, str(error.remedy)), f"{told}\n{error}"
        if not failed:
            assert contents(store) in serial, told
        assert nothing_is_left_for_a_while(store), told
        # What a colleague made a moment ago may be under way: that is waited for.
        monkeypatch.setattr("kitaru_iac.records.stored.STALE_AFTER", -1.0)
        for who in failed:
            if ends[who].code == "stack_changed":  # type: ignore[union-attr]
                with installed(store):
                    code = code_of(commands[who])
                if code is None:
                    alone = one_after_the_other(start, commands[who])
                    assert alone is None or contents(store) == alone, told
                else:
                    assert code in {"already_exists", "stack_not_found"}, told
        monkeypatch.setattr("kitaru_iac.records.stored.STALE_AFTER", 60.0)


def test_what_is_read_back_is_of_that_stack_alone() -> None:
    with installed(MemoryGateway()) as store:
        create(BASE)()
        create({**BASE, "name": "other", "credentials": "aws-access-keys:AKIA9:nine"})()
        before = contents(store)
        done = operations.apply(from_mapping(BOTH))
        assert done.changed
        assert contents(store) != before
