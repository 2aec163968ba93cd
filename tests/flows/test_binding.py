"""A stack is bound to a block: by turns, nested, and without a trace afterwards."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator

import pytest

from kitaru_iac.errors import UsageError
from kitaru_iac.flows.binding import BoundStack, bound, stack
from kitaru_iac.machine.active_scope import ACTIVE_STACK_VARIABLE as VARIABLE

A = BoundStack("00000000-0000-0000-0000-00000000000a", "a")
B = BoundStack("00000000-0000-0000-0000-00000000000b", "b")


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
