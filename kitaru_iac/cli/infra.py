"""What the infrastructure's part of an operation shows and asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kitaru_iac.cli.output import current

if TYPE_CHECKING:
    from kitaru_iac.callbacks import ConfirmCallback, ProgressCallback
    from kitaru_iac.checks.model import CheckReport

__all__ = ["consent", "progress", "show_report"]


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
    """Who answers whether the Pulumi engine may be downloaded: ``--yes``, or a person."""

    def answer(question: str) -> bool:
        from kitaru_iac.cli.terminal import confirm, someone_is_there

        if yes:
            return True
        return someone_is_there() and confirm(question, remedy="Run it again with --yes.")

    return answer
