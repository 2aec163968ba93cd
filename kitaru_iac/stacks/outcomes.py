"""What became of each of several stacks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kitaru_iac.errors import KitaruError
from kitaru_iac.machine.interrupts import WorkInterrupted
from kitaru_iac.values import dataclass

if TYPE_CHECKING:
    from kitaru_iac.stacks.results import Applied, Deleted

__all__ = ["Outcome", "SeveralInterrupted", "interrupted"]


class SeveralInterrupted(WorkInterrupted):
    """Ctrl-C or SIGTERM, with which stacks are done and which are not."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one stack of several.

    Attributes:
        source: The file that describes it; empty where none does.
        applied: What was done; None where nothing was.
        error: Why nothing was done, or not all of it. Both are None where it was passed over, since
            another one had failed before or Ctrl-C was pressed.
        deleted: What was pruned, of a stack that no file describes.
    """

    name: str
    source: str
    applied: Applied | None = None
    error: KitaruError | None = None
    deleted: Deleted | None = None

    @property
    def status(self) -> str:
        """``applied``, ``unchanged``, ``pruned``, ``failed`` or ``skipped``."""
        if self.error is not None:
            return "failed"
        if self.deleted is not None:
            return "pruned"
        if self.applied is None:
            return "skipped"
        return "applied" if self.applied.changed else "unchanged"

    def to_dict(self) -> dict[str, Any]:
        """Give ``{"name", "source", "status", "result", "error"}``."""
        done = self.applied or self.deleted
        return {
            "name": self.name,
            "source": self.source or None,
            "status": self.status,
            "result": None if done is None else done.to_dict(),
            "error": None if self.error is None else self.error.to_dict(),
        }


def interrupted(outcomes: Sequence[Outcome]) -> SeveralInterrupted:
    """Make the error that says what was done before an interrupt, and what was not."""
    told = {
        "done": [one.name for one in outcomes if one.applied is not None],
        "failed": [one.name for one in outcomes if one.error is not None],
        "not begun": [one.name for one in outcomes if one.status == "skipped"],
    }
    said = "; ".join(f"{word}: {', '.join(names)}" for word, names in told.items() if names)
    remedy = "Run the same command again to go on." if told["not begun"] else None
    return SeveralInterrupted(f"Interrupted; {said}", remedy=remedy)
