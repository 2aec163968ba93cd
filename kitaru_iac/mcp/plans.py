"""Plans as agents get them: a digest that stands for one plan, and what a user has to confirm."""

from __future__ import annotations

import hashlib
import json

from kitaru_iac.plan.model import Action, Layer, Plan, Step

__all__ = ["digest", "is_destructive", "risks"]

_RISKY = (Action.DELETE, Action.REPLACE)


def digest(plan: Plan) -> str:
    """Give the name of a plan, which any other plan does not have: ``sha256:`` and 64 digits."""
    document = {"stack": plan.stack, "steps": [step.to_dict() for step in plan.steps]}
    text = json.dumps(document, sort_keys=True, default=str)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def is_destructive(plan: Plan) -> bool:
    """Whether something is deleted or replaced."""
    return any(step.action in _RISKY for step in plan.steps)


def risks(plan: Plan) -> list[str]:
    """What a user has to confirm, one line each: deletions, replacements, and what costs money."""
    return [_line(step) for step in plan.steps if _is_risky(step)]


def _is_risky(step: Step) -> bool:
    if step.layer is Layer.INFRASTRUCTURE:
        return step.action is not Action.KEEP
    return step.action in _RISKY


def _line(step: Step) -> str:
    return f"{step.action.value} {step.kind} {step.name}"
