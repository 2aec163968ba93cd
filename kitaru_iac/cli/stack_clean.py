"""`kitaru stack clean`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kitaru_iac.cli.output import current as output
from kitaru_iac.errors import ExitCode

if TYPE_CHECKING:
    from kitaru_iac.stacks.results import Leftover, Orphan

__all__ = ["clean"]


def clean(
    yes: Annotated[
        bool,
        typer.Option("--yes", "-y", help="Do it without asking."),
    ] = False,
) -> int | None:
    """Remove what commands left that were killed in the middle.

    Shows what it found, and asks on a terminal. A stack that was being replaced gets its name back,
    or its successor stays, whichever is whole. What Kitaru did not make, what another command may
    be writing at this moment, and what kitaru stack delete kept stay. Parts that Kitaru made and
    that are in no stack are listed as orphans.

    Examples:
        kitaru stack clean
        kitaru stack clean --yes --output json
    """
    from kitaru_iac.stacks import operations

    out = output()
    done = operations.clean(None if yes else _ask)
    if done.declined:
        out.item(done.to_dict(), ["Nothing was removed."])
        return int(ExitCode.FAILED)
    lines = [f"Removed: {_text(leftover)}" for leftover in done.removed]
    lines += [f"Put back: {_text(leftover)}" for leftover in done.restored]
    lines += [f"Kept: {part.name} ({part.kind}): {part.reason}" for part in done.kept]
    lines += [_orphan(part) for part in done.orphans]
    out.item(done.to_dict(), lines or ["Nothing is left over."])
    return None


def _ask(found: tuple[Leftover, ...]) -> bool:
    """Show what was found on stderr, and ask."""
    from kitaru_iac.cli.terminal import confirm

    out = output()
    for leftover in found:
        out.note(f"Left over: {_text(leftover)}")
    return confirm("Remove these?", remedy="Run it again with --yes.")


def _orphan(part: Orphan) -> str:
    when = f"{part.updated:%Y-%m-%d %H:%M} UTC"
    return f"Orphan: {part.name} ({part.kind}): {part.reason}; last written {when}. {part.remedy}"


def _text(leftover: Leftover) -> str:
    name = leftover.name
    whose = "" if name == leftover.stack else f" of stack {leftover.stack}"
    return f"{name} ({leftover.kind}){whose}: {leftover.reason}"
