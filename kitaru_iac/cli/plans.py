"""A plan, shown and asked about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kitaru_iac.cli.output import current

if TYPE_CHECKING:
    from collections.abc import Callable

    from kitaru_iac.plan.model import Plan

__all__ = ["asking", "asking_to_delete", "tell_plan"]


def tell_plan(plan: Plan, unchanged: str | None = None) -> None:
    """Show a plan on stderr: what is asked about, or was done without asking.

    Args:
        plan: What to show.
        unchanged: What is said where it changes nothing, if it is not that of a description.
    """
    from kitaru_iac.render.plan import text

    out = current()
    for line in text(plan, out.error_style, unchanged=unchanged):
        out.note(line)


def asking_to_delete() -> Callable[[Plan], bool]:
    """Give what shows a plan to take infrastructure down on stderr, and asks."""
    return asking("Delete this infrastructure?", "No infrastructure would be deleted.")


def asking(question: str, unchanged: str | None = None) -> Callable[[Plan], bool]:
    """Give what shows a plan on stderr, and asks.

    Args:
        question: As ``Make this?``.
        unchanged: As of `tell_plan`.
    """

    def ask(plan: Plan) -> bool:
        from kitaru_iac.cli.terminal import confirm

        tell_plan(plan, unchanged)
        return confirm(question, remedy="Run it again with --yes.")

    return ask
