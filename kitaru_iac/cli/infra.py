"""What the infrastructure's part of an operation shows and asks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from kitaru_iac.cli.output import current

if TYPE_CHECKING:
    from kitaru_iac.callbacks import ConfirmCallback, ProgressCallback
    from kitaru_iac.checks.model import CheckReport
    from kitaru_iac.plan.model import Kept
    from kitaru_iac.stacks.results import Created

__all__ = ["consent", "foreign_stays", "progress", "resource_lines", "show_report"]


def show_report(report: CheckReport) -> None:
    """Show what the checks found, on stderr."""
    from kitaru_iac.render.report import text

    out = current()
    for line in text(report, out.error_style):
        out.note(line)


def progress() -> ProgressCallback:
    """Lines elsewhere, a live view of the engine on a terminal."""
    import sys

    from kitaru_iac.cli.terminal import is_terminal

    out = current()
    if out.structured or not is_terminal(sys.stderr):
        return out.progress
    from kitaru_iac.engine.progress import terminal_view

    return terminal_view(out.progress)


def consent(*, yes: bool) -> ConfirmCallback:
    """Who answers whether the Pulumi engine may be downloaded: ``--yes``, or a person, once."""

    @cache
    def answer(question: str) -> bool:
        from kitaru_iac.cli.terminal import confirm, someone_is_there

        if yes:
            return True
        return someone_is_there() and confirm(question, remedy="Run it again with --yes.")

    return answer


def foreign_stays(deployment: str, foreign: Sequence[Kept], hidden: Sequence[Kept]) -> bool:
    """Say of what is not a deployment's own, and so stays, what helps.

    Args:
        deployment: Its name.
        foreign: All of it.
        hidden: What of it may not be looked at.

    Returns:
        Whether there is any: the deletion is then no success.
    """
    out = current()
    if any(part not in hidden for part in foreign):
        out.note(
            "What was not made for this stack stays, and in the state too. If it is this stack's, "
            f"give it back its tags, and run kitaru infra delete {deployment}. Else forget it, "
            "unless it lies in, or stands on, what would go: "
            f"kitaru infra delete {deployment} --forget-foreign"
        )
    for part in hidden:
        out.note(
            f"Whose {part.name} is cannot be told. If it is this stack's, run kitaru infra delete "
            f"{deployment} as somebody who may look at it. If it is another account's, it is not "
            "forgotten here: take it out of the state with pulumi state delete."
        )
    return bool(foreign)


def resource_lines(made: Created) -> list[str]:
    """What a new stack runs on: what was made for it now, what it uses, and where the state is."""
    lines = [
        f"{'Made' if key in made.made else 'Uses'} {key}: {value}"
        for key, value in made.resources.items()
    ]
    lines += [f"Made {thing}" for thing in made.beside]
    return [*lines, f"State of its infrastructure: {made.state}"]
