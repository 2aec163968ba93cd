"""The words for a deletion that does not end as it was asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from kitaru_iac.errors import (
    KitaruError,
    RegistrationFailed,
    StackChanged,
)
from kitaru_iac.gateway.wire import AnswerLost
from kitaru_iac.machine.interrupts import Hold, WorkInterrupted
from kitaru_iac.stacks.results import Gone

__all__ = [
    "PendingDelete",
    "half_way",
    "holding",
    "no_answer",
    "not_begun",
    "taken_over",
    "too_late",
]


class PendingDelete(NamedTuple):
    """One thing that is to go."""

    part: Gone
    remove: Callable[[str], bool]
    id: str


def holding(name: str, *, recursive: bool) -> Hold:
    """Hold Ctrl-C and SIGTERM back while a stack is being deleted."""
    parts = " --recursive" if recursive else ""
    return Hold(
        f"Interrupted again, while stack '{name}' was being deleted",
        f"Delete the rest with: kitaru stack delete {name}{parts}",
    )


def too_late(name: str) -> WorkInterrupted:
    """The interrupt that came when it could not be stopped any more."""
    return WorkInterrupted(f"Interrupted too late to stop it: stack '{name}' is deleted")


def taken_over(name: str, theirs: Sequence[str], *, is_now: bool) -> StackChanged:
    """Somebody else uses parts of a stack that was deleted, by this command or before."""
    return StackChanged(
        f"Stack '{name}' {'is deleted' if is_now else 'was deleted before'}; "
        "somebody else has taken over parts of it meanwhile",
        left=theirs,
        why="What somebody else uses is left to them.",
        remedy=f"See what they are in: kitaru stack list, kitaru stack show {name}",
    )


def not_begun(name: str, left: Sequence[str], error: AnswerLost) -> AnswerLost:
    """A label was not confirmed, so nothing was deleted."""
    return AnswerLost(
        f"The server gave no answer before stack '{name}' was to be deleted; nothing was",
        left=left,
        where=error.where,
        why=error.why or error.what,
        remedy=f"See it with: kitaru stack show {name}\nRun the same command again.",
    )


def no_answer(name: str, todo: Sequence[PendingDelete], error: KitaruError) -> AnswerLost:
    """Nobody says whether the first of these is gone; if so, its name may be another's."""
    return AnswerLost(
        f"The server gave no answer while stack '{name}' was being deleted",
        left=[f"{todo[0].part} (perhaps)", *(str(later.part) for later in todo[1:])],
        where=error.where,
        why=error.why or error.what,
        remedy=f"See whose the name is by now: kitaru stack show {name}\n"
        "Delete what is left of the one that is gone with: kitaru stack clean",
    )


def half_way(
    name: str, todo: Sequence[PendingDelete], is_stack_there: bool, error: KitaruError
) -> RegistrationFailed:
    """The first of these could not be deleted."""
    # Once the stack is gone its name is free, and what has it next is somebody else's.
    clean = "Delete the rest with: kitaru stack clean"
    return RegistrationFailed(
        f"Deleting stack '{name}' stopped half-way",
        left=[str(deletion.part) for deletion in todo],
        why=" ".join(part for part in (error.what, error.why) if part),
        remedy="Run the same command again to go on." if is_stack_there else clean,
    )
