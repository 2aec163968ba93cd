"""The words for a deletion that does not end as it was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from kitaru_iac.errors import (
    KitaruError,
    RegistrationFailed,
    StackChanged,
)
from kitaru_iac.errors.base import in_sentences
from kitaru_iac.gateway.documents import Kind
from kitaru_iac.gateway.wire import AnswerLost
from kitaru_iac.machine.interrupts import Hold, WorkInterrupted
from kitaru_iac.stacks.results import Gone
from kitaru_iac.values import dataclass

__all__ = [
    "Asked",
    "PendingDelete",
    "changed_meanwhile",
    "deleted_meanwhile",
    "half_way",
    "holding",
    "in_time",
    "no_answer",
    "not_begun",
    "not_read_back",
    "taken_over",
    "too_late",
]


class PendingDelete(NamedTuple):
    """One thing that is to go."""

    part: Gone
    kind: Kind
    id: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What a deletion was asked for: the remedies go on with it.

    They name the stack by its id. Once it is gone its name is free, and what has it next is
    somebody else's.

    Attributes:
        stack: The stack's id; None where only parts of one that is gone are deleted.
        flags: The options of the command.
        by_program: Whether a Pulumi program asked, which keeps to the id by itself.
    """

    stack: str | None
    flags: tuple[str, ...] = ()
    by_program: bool = False

    @property
    def again(self) -> str:
        """How to go on while the stack is there."""
        if self.by_program:
            return "Run the same command again to go on."
        return f"Go on with: {' '.join(['kitaru stack delete', self.stack or '', *self.flags])}"

    @property
    def rest(self) -> str:
        """How to go on where nobody knows whether the stack is still there."""
        if self.stack is None:
            return CLEAN
        return f"{self.again}\nIf the stack is gone already: {CLEAN[0].lower()}{CLEAN[1:]}"


#: What a deletion has left of a stack that is gone.
CLEAN = "Delete the rest with: kitaru stack clean"


def holding(name: str, asked: Asked) -> Hold:
    """Hold Ctrl-C and SIGTERM back while a stack is being deleted."""
    return Hold(f"Interrupted again, while stack '{name}' was being deleted", asked.rest)


def in_time(asked: Asked, left: Sequence[str], new_active: str | None) -> WorkInterrupted:
    """The interrupt that came before anything was deleted; `left`: what marks are still there."""
    what = "Interrupted; nothing was changed"
    if left or new_active is not None:
        what = "Interrupted; nothing was deleted"
    if new_active is not None:
        what += f", and the active stack is '{new_active}' now"
    return WorkInterrupted(what, left=left, remedy=asked.rest if left else None)


def too_late(name: str) -> WorkInterrupted:
    """The interrupt that came when it could not be stopped any more."""
    return WorkInterrupted(f"Interrupted too late to stop it: stack '{name}' is deleted")


def deleted_meanwhile(name: str) -> StackChanged:
    """Somebody else was faster, and nothing of this deletion was begun."""
    return StackChanged(
        f"Stack '{name}' was deleted by somebody else meanwhile; nothing else was",
        remedy="See which stacks there are: kitaru stack list",
    )


def changed_meanwhile(
    name: str, id: str, left: Sequence[str] = (), error: StackChanged | None = None
) -> StackChanged:
    """Somebody else has changed the stack since its deletion was agreed to."""
    return StackChanged(
        f"Stack '{name}' was changed by somebody else meanwhile; nothing was deleted",
        differs=() if error is None else error.differs,
        left=left,
        remedy=f"See it with: kitaru stack show {id}",
    )


def taken_over(name: str, theirs: Sequence[str], *, is_now: bool) -> StackChanged:
    """Somebody else uses parts of a stack that was deleted, by this command or before."""
    return StackChanged(
        f"Stack '{name}' {'is deleted' if is_now else 'was deleted before'}; "
        "somebody else has taken over parts of it meanwhile",
        left=theirs,
        why="What somebody else uses is left to them.",
        remedy="See which stacks there are: kitaru stack list",
    )


def not_begun(
    name: str, asked: Asked, left: Sequence[str], error: KitaruError
) -> AnswerLost | RegistrationFailed:
    """A label was not written or not confirmed, so nothing was deleted."""
    remedy = CLEAN
    if asked.stack is not None:
        remedy = f"See it with: kitaru stack show {asked.stack}\n{asked.again}"
    if isinstance(error, AnswerLost):
        return AnswerLost(
            f"The server gave no answer before stack '{name}' was to be deleted; nothing was",
            left=left,
            where=error.where,
            why=error.why or error.what,
            remedy=remedy,
        )
    return RegistrationFailed(
        f"Deleting stack '{name}' was not begun; nothing was deleted",
        left=left,
        why=in_sentences(error.what, error.why),
        remedy=remedy,
    )


def no_answer(
    name: str, asked: Asked, todo: Sequence[PendingDelete], error: KitaruError
) -> AnswerLost:
    """Nobody says whether the first of these is gone; if so, its name may be another's."""
    return AnswerLost(
        f"The server gave no answer while stack '{name}' was being deleted",
        left=[f"{todo[0].part} (perhaps)", *(str(later.part) for later in todo[1:])],
        where=error.where,
        why=error.why or error.what,
        remedy=asked.rest,
    )


def not_read_back(name: str, asked: Asked, error: KitaruError) -> AnswerLost:
    """The server has said of all that it is gone, and could not be asked again."""
    return AnswerLost(
        f"Stack '{name}' was deleted, as the server said, but could not be looked at again",
        where=error.where,
        why=in_sentences(error.what, error.why),
        remedy=asked.rest,
    )


def half_way(
    name: str, asked: Asked, todo: Sequence[PendingDelete], error: KitaruError
) -> RegistrationFailed:
    """The first of these could not be deleted."""
    is_stack_there = todo[0].id == asked.stack
    return RegistrationFailed(
        f"Deleting stack '{name}' stopped half-way",
        left=[str(deletion.part) for deletion in todo],
        why=in_sentences(error.what, error.why),
        remedy=asked.again if is_stack_there else CLEAN,
    )
