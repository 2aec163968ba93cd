"""Whether a Python program agrees to a plan, as somebody at a terminal does."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from kitaru_iac.errors import ConfirmationNeeded, UsageError

if TYPE_CHECKING:
    from kitaru_iac.plan.model import Plan

__all__ = ["Confirm", "asking", "require_agreed", "require_answer", "require_confirmed"]

#: What a program says of a plan: yes, a function that is asked with it, or nothing.
Confirm: TypeAlias = "Callable[[Plan], bool] | bool | None"


def require_answer(confirm: Confirm) -> None:
    """Refuse what is no answer, before anything is looked at.

    Raises:
        UsageError: It is neither True, False, None nor a function.
    """
    if not (confirm is None or isinstance(confirm, bool) or callable(confirm)):
        raise UsageError(f"`confirm` has to be True or a function, not {type(confirm).__name__}")


def asking(confirm: Confirm) -> Callable[[Plan], bool] | None:
    """Give the question to put before anything is written; None where all is agreed to.

    Without an answer, all is agreed to but what costs money.
    """
    if confirm is True:
        return None

    def agreed(plan: Plan) -> bool:
        require_agreed(plan, confirm)
        return True

    return agreed


def require_agreed(plan: Plan, confirm: Confirm, *, pruned: bool = False) -> None:
    """See that a plan is agreed to, by a function or where it costs money or a stack.

    Args:
        plan: What would be done.
        confirm: The program's answer.
        pruned: Whether it is the deletion of a stack that no file describes.

    Raises:
        ConfirmationNeeded: It is not.
    """
    costs = _costs_money(plan)
    if pruned:
        require_confirmed(plan, confirm, what="deletion", why="No file describes it any more.")
    elif callable(confirm) or costs:
        require_confirmed(plan, confirm, costs=costs)


def require_confirmed(
    plan: Plan,
    confirm: Confirm,
    *,
    costs: bool = True,
    what: str | None = None,
    why: str = "It costs money.",
) -> None:
    """See that a plan is agreed to.

    Args:
        plan: What would be done.
        confirm: The program's answer.
        costs: Whether it costs money.
        what: What would be done, in a word.
        why: Why that has to be confirmed.

    Raises:
        ConfirmationNeeded: It is not.
    """
    answer = confirm(plan) if callable(confirm) else confirm
    if answer is True:
        return
    if callable(confirm) and answer is not False and answer is not None:
        raise UsageError(
            f"What `confirm` returns has to be True or False, not {type(answer).__name__}",
            why="Nothing was made.",
        )
    what = what or ("infrastructure" if costs else "change")
    raise ConfirmationNeeded(
        f"The {what} of stack '{plan.stack}' has to be confirmed; nothing was done",
        why=why if confirm is None else "It was not confirmed.",
        remedy="Give confirm=True, or a function that is asked with the plan.",
    )


def _costs_money(plan: Plan) -> bool:
    from kitaru_iac.plan.model import Action, Layer

    return any(s.layer is Layer.INFRASTRUCTURE and s.action is not Action.KEEP for s in plan.steps)
