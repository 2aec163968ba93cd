"""A stack is bound to a block: by turns, nested, and without a trace afterwards."""

from __future__ import annotations

import contextlib
import os
import threading
import time
import warnings
from collections.abc import Iterator

import pytest

import kitaru_iac as kitaru
from kitaru_iac.errors import UsageError
from kitaru_iac.flows import binding
from kitaru_iac.flows.binding import BoundStack, bound, stack
from kitaru_iac.machine.active_scope import ACTIVE_STACK_VARIABLE as VARIABLE
from kitaru_iac.machine.active_scope import bound_ids
from kitaru_iac.notices import SelectionOverridden
from tests.homes import Home

A = BoundStack("00000000-0000-0000-0000-00000000000a", "a")
B = BoundStack("00000000-0000-0000-0000-00000000000b", "b")
C = "00000000-0000-0000-0000-00000000000c"


@pytest.fixture(params=[None, "saved"])
def before(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str | None]:
    monkeypatch.delenv(VARIABLE, raising=False)
    if request.param:
        monkeypatch.setenv(VARIABLE, request.param)
    yield request.param
    assert os.environ.get(VARIABLE) == request.param, "a trace is left"


def test_blocks_nest_and_end_in_any_way(before: str | None) -> None:
    with bound(A):
        assert os.environ[VARIABLE] == A.id
        with contextlib.suppress(KeyError), bound(B):
            assert os.environ[VARIABLE] == B.id
            raise KeyError
        assert os.environ[VARIABLE] == A.id
        with bound(A):
            assert os.environ[VARIABLE] == A.id
        assert os.environ[VARIABLE] == A.id


def test_blocks_of_threads_on_two_stacks_never_overlap(before: str | None) -> None:
    wrong: list[str] = []

    def work(mine: BoundStack) -> None:
        for _ in range(200):
            with bound(mine):
                wrong.extend(mine.name for _ in range(3) if os.environ[VARIABLE] != mine.id)

    threads = [threading.Thread(target=work, args=(stack,)) for stack in (A, B) * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert wrong == []


def test_a_block_on_the_same_stack_does_not_wait(before: str | None) -> None:
    # A step of a flow may run in a thread that the flow waits for.
    entered = threading.Event()
    with bound(A):
        thread = threading.Thread(target=lambda: _enter(A, entered))
        thread.start()
        assert entered.wait(30)
        thread.join(30)
        assert os.environ[VARIABLE] == A.id


def test_the_first_block_may_end_before_one_that_joined_it(before: str | None) -> None:
    inside, leave = threading.Event(), threading.Event()

    def join() -> None:
        with bound(A):
            inside.set()
            leave.wait(30)

    thread = threading.Thread(target=join)
    with bound(A):
        thread.start()
        assert inside.wait(30)
    assert os.environ[VARIABLE] == A.id, "the other block goes on"
    leave.set()
    thread.join(30)


def test_a_block_on_another_stack_waits(before: str | None) -> None:
    entered = threading.Event()
    thread = threading.Thread(target=lambda: _enter(B, entered))
    with bound(A):
        thread.start()
        assert not entered.wait(0.2)
        assert os.environ[VARIABLE] == A.id
    assert entered.wait(30)
    thread.join(30)


def _enter(stack: BoundStack, entered: threading.Event) -> None:
    with bound(stack):
        entered.set()


def _work(
    wanted: BoundStack, here: threading.Barrier, leave: threading.Event | None, ends: list[str]
) -> None:
    """In a block on A, wait for the others; then begin one on another stack, or leave."""
    try:
        with bound(A):
            here.wait(30)
            if leave is not None:
                assert leave.wait(30)
                return
            with bound(wanted):
                ends.append(f"on {wanted.name}")
    except UsageError as refused:
        ends.append(refused.what)


@pytest.mark.parametrize("third", [False, True], ids=["two", "a third leaves last"])
@pytest.mark.parametrize("other", [B, BoundStack(C, "c")], ids=["the same", "different ones"])
def test_of_threads_that_would_wait_for_each_other_for_ever_one_is_told(
    before: str | None, third: bool, other: BoundStack
) -> None:
    ends: list[str] = []
    leave = threading.Event()
    here = threading.Barrier(3 if third else 2)
    begun = [(B, None), (other, None), *([(A, leave)] if third else [])]
    threads = [
        threading.Thread(target=_work, args=(wanted, here, event, ends)) for wanted, event in begun
    ]
    for thread in threads:
        thread.start()
    if third:
        end = time.monotonic() + 30
        while len(binding._turns._waiting) < 2:
            assert time.monotonic() < end
            time.sleep(0.01)
        assert ends == [], "the third one may leave"
        leave.set()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    told, went_on = sorted(ends)
    assert told.startswith("Threads in blocks on a stack wait for each other")
    assert went_on in {"on b", f"on {other.name}"}
    assert (binding._turns._waiting, bound_ids) == ({}, [])


def test_a_generator_that_ends_out_of_turn_leaves_what_was_entered_later(
    before: str | None,
) -> None:
    def holding() -> Iterator[None]:
        with bound(A):
            yield

    earlier = holding()
    next(earlier)
    with bound(B):
        next(earlier, None)
        assert os.environ[VARIABLE] == B.id


@pytest.mark.parametrize("given", [None, 5, True, [], b"gpu", {}, object()])
def test_what_is_no_text_names_no_stack(given: object) -> None:
    # None would be the active stack: `stack(os.environ.get("STACK"))` with the variable unset.
    with pytest.raises(UsageError, match="which is text, not"), stack(given):  # type: ignore[arg-type]
        raise AssertionError


@pytest.mark.parametrize("variable", [None, "default"])
def test_a_choice_in_a_block_is_overridden_by_the_users_variable_alone(
    home: Home, monkeypatch: pytest.MonkeyPatch, variable: str | None
) -> None:
    made = [kitaru.create_stack(name, activate=False) for name in "ab"]
    if variable:
        monkeypatch.setenv(VARIABLE, variable)
    with warnings.catch_warnings(record=True) as caught, stack("a"), bound(A):
        warnings.simplefilter("always")
        assert not kitaru.use_stack("b").is_active
        assert not kitaru.create_stack("c").is_active
    told = [str(one.message) for one in caught if one.category is SelectionOverridden]
    assert [VARIABLE in text for text in told] == [True, True] * bool(variable)
    assert variable is None or told[1].endswith(f"stays with {variable}.")
    assert made[0].id not in (home.config / "config.yaml").read_text()
    assert kitaru.current_stack().name == (variable or "c")
    assert os.environ.get(VARIABLE) == variable
