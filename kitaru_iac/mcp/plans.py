"""What of a plan a user has to confirm."""

from __future__ import annotations

from kitaru_iac.plan.model import Action, Layer, Plan, Step

__all__ = ["is_destructive", "risks"]

_RISKY = (Action.DELETE, Action.REPLACE)


def is_destructive(plan: Plan) -> bool:
    """Whether something is deleted or replaced."""
    return any(step.action in _RISKY for step in plan.steps)


def risks(plan: Plan) -> list[str]:
    """What a user has to confirm, one line each: deletions, replacements, and what costs money."""
    return [f"{s.action.value} {s.kind} {s.name}" for s in plan.steps if _is_risky(s)]


def _is_risky(step: Step) -> bool:
    if step.layer is Layer.INFRASTRUCTURE:
        return step.action is not Action.KEEP
    return step.action in _RISKY
