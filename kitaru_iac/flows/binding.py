"""Bind a stack to what runs in a block, without writing anywhere which stack is active.

ZenML's client reads ``ZENML_ACTIVE_STACK_ID`` whenever it is asked for the active stack, and that
variable takes precedence over what is saved. It lives with the process: a process that is killed
leaves nothing. It is one for all threads: blocks on one stack run side by side, and one on another
stack waits for its turn.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from kitaru_iac.errors import StackNotFound
from kitaru_iac.gateway.guard import guard_zenml
from kitaru_iac.machine.active_scope import ACTIVE_STACK_VARIABLE
from kitaru_iac.machine.environment import apply_environment

__all__ = ["BoundStack", "bound", "find_stack", "stack"]


class _Turns:
    """Who is in a block on which stack."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        #: By thread: the stacks of its blocks, the innermost last.
        self._blocks: dict[int, list[str]] = {}
        self._saved: str | None = None

    def enter(self, id: str) -> None:
        """Bind a stack, once nobody is in a block on another one but this thread itself."""
        me = threading.get_ident()
        with self._changed:
            self._changed.wait_for(lambda: self._may_enter(me, id))
            if not self._blocks:
                self._saved = os.environ.get(ACTIVE_STACK_VARIABLE)
            self._blocks.setdefault(me, []).append(id)
            os.environ[ACTIVE_STACK_VARIABLE] = id

    def leave(self) -> None:
        """Bind what was bound before this thread's innermost block."""
        me = threading.get_ident()
        with self._changed:
            mine = self._blocks[me]
            mine.pop()
            if mine:
                os.environ[ACTIVE_STACK_VARIABLE] = mine[-1]
            else:
                del self._blocks[me]
            if not self._blocks:
                if self._saved is None:
                    os.environ.pop(ACTIVE_STACK_VARIABLE, None)
                else:
                    os.environ[ACTIVE_STACK_VARIABLE] = self._saved
            self._changed.notify_all()

    def _may_enter(self, me: int, id: str) -> bool:
        others = [stack for thread, ids in self._blocks.items() if thread != me for stack in ids]
        if not others:
            return True
        return {id} == {*others, *self._blocks.get(me, ())}


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
    _turns.enter(found.id)
    try:
        yield
    finally:
        _turns.leave()


@contextmanager
def stack(name_or_id: str) -> Iterator[BoundStack]:
    """Run everything in a block on a stack; the saved active stack stays as it is.

    Pipelines of ZenML's own run there too. The binding is the process's: blocks of other threads on
    other stacks wait for this one to end. A process that the block starts inherits the variable
    ``ZENML_ACTIVE_STACK_ID``; ZenML alone, without this package, then saves it as the active stack.

    Args:
        name_or_id: The stack.

    Raises:
        StackNotFound: There is none of this name or id; the block does not begin.

    Example:
        >>> with kitaru.stack("default") as bound:
        ...     bound.name
        'default'
    """
    found = find_stack(name_or_id, "stack()")
    with bound(found):
        yield found
