"""A plan, shown and asked about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kitaru_iac.cli.output import current

if TYPE_CHECKING:
    from collections.abc import Callable

    from kitaru_iac.plan.model import Plan

__all__ = ["asking", "tell_plan"]


def tell_plan(plan: Plan) -> None:
    """Show a plan on stderr: what is asked about, or was done without asking."""
    from kitaru_iac.render.plan import text

    out = current()
    for line in text(plan, out.error_style):
        out.note(line)


def asking(question: str) -> Callable[[Plan], bool]:
    """Give what shows a plan on stderr, and asks.

    Args:
        question: As ``Make this?``.
    """

    def ask(plan: Plan) -> bool:
        from kitaru_iac.cli.terminal import confirm

        tell_plan(plan)
        return confirm(question, remedy="Run it again with --yes.")

    return ask
