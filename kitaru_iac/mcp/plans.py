"""What of a plan a user has to confirm, and what of it an agent is shown."""

from __future__ import annotations

from typing import Any

from kitaru_iac.plan.model import Action, Layer, Plan, Step

__all__ = ["brief", "is_destructive", "risks"]

_RISKY = (Action.DELETE, Action.REPLACE)


def is_destructive(plan: Plan) -> bool:
    """Whether something is deleted or replaced."""
    return any(step.action in _RISKY for step in plan.steps)


def risks(plan: Plan) -> list[str]:
    """What a user has to confirm, one line each: deletions, replacements, and what costs money."""
    return [f"{s.action.value} {s.kind} {s.name}" for s in plan.steps if _is_risky(s)]


def brief(changes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out what new infrastructure is given: whole changes would be cut off for it."""
    emptied: dict[str, Any] = {"changed": [], "sensitive": [], "unknown": []}
    return [change | emptied if _is_made(change) else change for change in changes]


def _is_made(change: dict[str, Any]) -> bool:
    return bool(change["layer"] == Layer.INFRASTRUCTURE and change["actions"] == ["create"])


def _is_risky(step: Step) -> bool:
    if step.layer is Layer.INFRASTRUCTURE:
        return step.action is not Action.KEEP
    return step.action in _RISKY
