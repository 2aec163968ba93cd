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
from collections.abc import Iterator
from contextlib import ContextDecorator, closing, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Final

from kitaru_iac.errors import StackNotFound, UsageError
from kitaru_iac.gateway.guard import guard_zenml
from kitaru_iac.machine.active_scope import ACTIVE_STACK_VARIABLE, blocks
from kitaru_iac.machine.environment import apply_environment

__all__ = ["BLOCK", "BoundStack", "bound", "find_stack", "stack", "surrounding"]

#: What named the stack of a run in a block.
BLOCK: Final = "stack()"
#: Seconds of waiting for another thread's block after which that is said.
_PATIENCE = 5.0
_log = logging.getLogger("kitaru_iac.flows")


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """One block on a stack, and the thread that entered it, which another one may leave for it."""

    thread: int
    id: str


class _Turns:
    """Who is in a block on which stack."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        #: By thread: its blocks, the innermost last.
        self._blocks: dict[int, list[_Block]] = {}
        self._saved: str | None = None

    def enter(self, id: str) -> _Block:
        """Bind a stack, once nobody is in a block on another one but this thread itself."""
        me = threading.get_ident()
        block = _Block(me, id)
        with self._changed:
            if not self._changed.wait_for(lambda: self._may_enter(me, id), _PATIENCE):
                # Whoever waits in the block for this thread waits for ever.
                _log.warning("Waiting for a block on another stack to end, in another thread")
                self._changed.wait_for(lambda: self._may_enter(me, id))
            if not self._blocks:
                self._saved = os.environ.get(ACTIVE_STACK_VARIABLE)
            self._blocks.setdefault(me, []).append(block)
            os.environ[ACTIVE_STACK_VARIABLE] = id
        return block

    def leave(self, block: _Block) -> None:
        """Bind what the thread's other blocks bind; a generator may end before one begun later."""
        with self._changed:
            mine = self._blocks[block.thread]
            mine.remove(block)
            if mine:
                os.environ[ACTIVE_STACK_VARIABLE] = mine[-1].id
            else:
                del self._blocks[block.thread]
            if not self._blocks:
                if self._saved is None:
                    os.environ.pop(ACTIVE_STACK_VARIABLE, None)
                else:
                    os.environ[ACTIVE_STACK_VARIABLE] = self._saved
            self._changed.notify_all()

    def _may_enter(self, me: int, id: str) -> bool:
        every = [block for blocks in self._blocks.values() for block in blocks]
        if all(block.thread == me for block in every):
            return True
        return {id} == {block.id for block in every}


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
            active = reader.active()
            return BoundStack(active.id, active.name)
        try:
            row = reader.find(ref)
        except StackNotFound as error:
            raise StackNotFound(
                error.what, where=source, why=error.why, remedy=error.remedy
            ) from error
        return BoundStack(row.id, row.name)


@contextmanager
def bound(found: BoundStack) -> Iterator[None]:
    """Let ZenML's client see a stack as the active one, in this process, while the block runs."""
    guard_zenml()  # which saves what the variable names, when it first opens its store
    block = _turns.enter(found.id)
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
        guard_zenml()
        # A copy of its own: equal blocks are told apart where a generator leaves one out of turn.
        mine = replace(found)
        self._entered.append((mine, _turns.enter(found.id)))
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
        UsageError: It is not text.

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
