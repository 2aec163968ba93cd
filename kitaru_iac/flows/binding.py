"""Bind a stack to what runs in a block, without writing anywhere which stack is active.

ZenML's client reads ``ZENML_ACTIVE_STACK_ID`` whenever it is asked for the active stack, and that
variable takes precedence over what is saved. It lives with the process: a process that is killed
leaves nothing. It is one for all threads: blocks on one stack run side by side, and one on another
stack waits for its turn.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import ContextDecorator, closing, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from kitaru_iac.errors import StackNotFound, UsageError
from kitaru_iac.gateway.forgetting import look_anew_at_stack, renew_zenml
from kitaru_iac.gateway.guard import guard_zenml, variable_lock
from kitaru_iac.gateway.opening import require_own_database
from kitaru_iac.machine.active_scope import (
    ACTIVE_STACK_VARIABLE,
    blocks,
    bound_ids,
    named_stack,
    outside,
    unbound,
)
from kitaru_iac.machine.environment import apply_environment
from kitaru_iac.machine.settings import read_global

if TYPE_CHECKING:
    from kitaru_iac.gateway.views import Active

__all__ = ["BLOCK", "BoundStack", "bound", "find_stack", "stack", "surrounding"]

#: What named the stack of a run in a block.
BLOCK: Final = "stack()"
#: Seconds of waiting for another thread's block after which that is said.
_PATIENCE = 5.0
_log = logging.getLogger("kitaru_iac.flows")


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """One block on a stack, and the thread that entered it, which another one may leave for it.

    A run is a block too, in which ZenML holds on to what it has read of the stack.
    """

    thread: int
    id: str
    is_run: bool


class _Turns:
    """Who is in a block on which stack."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        #: By thread: its blocks, the innermost last.
        self._blocks: dict[int, list[_Block]] = {}
        #: By thread that waits: the stack that it wants.
        self._waiting: dict[int, str] = {}

    def enter(self, id: str, *, is_run: bool) -> _Block:
        """Bind a stack, once nobody is in a block on another one but this thread itself.

        Raises:
            UsageError: Nobody would leave a block any more: all of them wait, as this one would.
        """
        me = threading.get_ident()
        block = _Block(me, id, is_run)
        with self._changed:
            if not self._may_enter(me, id):
                self._wait(me, id)
            every = self._every()
            if not every:
                renew_zenml()
            if not any(one.is_run or one.thread != me for one in every):
                look_anew_at_stack(id)
            with variable_lock:
                if not every and (ref := os.environ.get(ACTIVE_STACK_VARIABLE)) is not None:
                    outside[ACTIVE_STACK_VARIABLE] = ref
                bound_ids.append(id)
                os.environ[ACTIVE_STACK_VARIABLE] = id
            self._blocks.setdefault(me, []).append(block)
        return block

    def leave(self, block: _Block) -> None:
        """Bind what the thread's other blocks bind; a generator may end before one begun later."""
        with self._changed:
            mine = self._blocks[block.thread]
            mine.remove(block)
            if not mine:
                del self._blocks[block.thread]
            with variable_lock:
                if mine:
                    os.environ[ACTIVE_STACK_VARIABLE] = mine[-1].id
                elif not self._blocks:
                    os.environ.pop(ACTIVE_STACK_VARIABLE, None)
                    os.environ.update(outside)
                    outside.clear()
                bound_ids.remove(block.id)
            self._changed.notify_all()

    def without_runs_elsewhere(self) -> dict[str, str] | None:
        """Give the environment as it is without runs of other threads, where only these bind."""
        with self._changed, variable_lock:
            every = self._every()
            if not every or not all(one.is_run for one in every):
                return None
            if threading.get_ident() in self._blocks:
                return None
            return dict(unbound(os.environ))

    def _wait(self, me: int, id: str) -> None:
        def is_over() -> bool:
            return self._may_enter(me, id) or self._would_last(me)

        self._waiting[me] = id
        try:
            if not self._changed.wait_for(is_over, _PATIENCE):
                # Whoever waits in the block for this thread waits for ever.
                _log.warning("Waiting for a block on another stack to end, in another thread")
                self._changed.wait_for(is_over)
        finally:
            del self._waiting[me]
        if not self._may_enter(me, id):
            raise UsageError(
                "Threads in blocks on a stack wait for each other, each to begin on another one",
                why="One stack at a time is bound in a process.",
                remedy="Leave the block before a run on another stack, or start that run in a "
                "process of its own.",
            )

    def _would_last(self, me: int) -> bool:
        """Whether a thread in a block waits for others in blocks, of which none can go on."""
        return me in self._blocks and all(
            other in self._waiting and not self._may_enter(other, self._waiting[other])
            for other in self._blocks
            if other != me
        )

    def _may_enter(self, me: int, id: str) -> bool:
        every = self._every()
        if all(block.thread == me for block in every):
            return True
        return {id} == {block.id for block in every}

    def _every(self) -> list[_Block]:
        return [block for blocks in self._blocks.values() for block in blocks]


_turns = _Turns()


@dataclass(frozen=True, slots=True)
class BoundStack:
    """The stack that a block runs on.

    Attributes:
        id: Its UUID.
        name: Its name.
    """

    id: str
    name: str


#: The stacks of the blocks around the running code, the innermost last: in each thread and task.
_around: ContextVar[tuple[BoundStack, ...]] = ContextVar("stack blocks", default=())


def find_stack(ref: str | None, source: str) -> BoundStack:
    """Look a stack up in the store.

    Args:
        ref: Its name or id; None is the active one.
        source: What named it, for the error.

    Raises:
        StackNotFound: There is none of this name or id.
        NotConnectedError: No store answers.
    """
    apply_environment()
    from kitaru_iac.gateway import open_reader

    with closing(open_reader()) as reader:
        if ref is None:
            elsewhere = _turns.without_runs_elsewhere()
            active = reader.active()
            if elsewhere is not None and not _is_active(active, elsewhere):
                # It may be a thread of that run's own, which has to go on there.
                _log.warning(
                    "This run names no stack, and goes to '%s', on which another thread has a run: "
                    "not to the active stack. Name one: .run(stack=...)",
                    active.name,
                )
            return BoundStack(active.id, active.name)
        try:
            row = reader.find(ref)
        except StackNotFound as error:
            raise StackNotFound(
                error.what, where=source, why=error.why, remedy=error.remedy
            ) from error
        return BoundStack(row.id, row.name)


def _is_active(found: Active, environ: Mapping[str, str]) -> bool:
    """Whether a stack is the active one in an environment."""
    named = named_stack(read_global(), environ)
    if named.ref is None:
        return found.name == "default"
    return found.id == named.id if named.id else found.name == named.ref


@contextmanager
def bound(found: BoundStack) -> Iterator[None]:
    """Let ZenML's client see a stack as the active one, in this process, while the block runs.

    Raises:
        UsageError: As `stack`.
        NotConnectedError: The local store is another ZenML's.
    """
    require_own_database()
    guard_zenml()  # which saves what the variable names, when it first opens its store
    block = _turns.enter(found.id, is_run=True)
    try:
        yield
    finally:
        _turns.leave(block)


def surrounding() -> BoundStack | None:
    """Give the stack of the innermost block around the code that asks; None outside of any."""
    blocks = _around.get()
    return blocks[-1] if blocks else None


def in_a_block() -> bool:
    """Whether a block anywhere in this process says which stack is active."""
    return bool(blocks)


class _Blocks(ContextDecorator):
    """What `stack` gives: it may be entered again, also while it is entered."""

    def __init__(self, name_or_id: str) -> None:
        self._name_or_id = name_or_id
        self._entered: list[tuple[BoundStack, _Block]] = []

    def __enter__(self) -> BoundStack:
        found = find_stack(self._name_or_id, BLOCK)
        require_own_database()
        guard_zenml()
        # A copy of its own: equal blocks are told apart where a generator leaves one out of turn.
        mine = replace(found)
        self._entered.append((mine, _turns.enter(found.id, is_run=False)))
        _around.set((*_around.get(), mine))
        blocks.append(found.id)
        return found

    def __exit__(self, *_: object) -> None:
        around = _around.get()
        here = [entry for entry in self._entered if any(entry[0] is one for one in around)]
        mine, block = entry = (here or self._entered)[-1]
        self._entered.remove(entry)
        blocks.remove(mine.id)
        _around.set(tuple(one for one in around if one is not mine))
        _turns.leave(block)


def stack(name_or_id: str) -> _Blocks:
    """Run everything in a block on a stack; the saved active stack stays as it is.

    Flows that name no stack themselves run there, whatever `configure`, ``KITARU_STACK`` and the
    project say, and so do pipelines of ZenML's own. The binding is the process's: blocks of other
    threads on other stacks wait for this one to end. A process that the block starts inherits the
    variable ``ZENML_ACTIVE_STACK_ID``; ZenML alone, without this package, then saves it as the
    active stack.

    Args:
        name_or_id: The stack; it is looked up when the block begins.

    Raises:
        StackNotFound: There is none of this name or id; the block does not begin.
        UsageError: It is not text; or every thread in a block waits for another one's to end, and
            this one would too.

    Example:
        >>> with kitaru.stack("default") as bound:
        ...     bound.name
        'default'
    """
    _require_text(name_or_id)
    return _Blocks(name_or_id)


def _require_text(given: object) -> None:
    if not isinstance(given, str):  # None would be the active one, as from a variable that is unset
        kind = "None" if given is None else type(given).__name__
        raise UsageError(f"A stack is named by its name or id, which is text, not {kind}")
