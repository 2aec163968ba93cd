"""The face of a plan for a terminal: lines of text.

`plan_markdown` has the one for a pull request; JSON and YAML are the document itself. A plan holds
no secrets, so none can be shown.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from kitaru_iac.plan.document import StackPlan, document
from kitaru_iac.plan.model import Action, Change, Layer, Plan, Step
from kitaru_iac.render.drift import details
from kitaru_iac.render.plan_markdown import headline

__all__ = ["several", "summary", "text"]

_MARKS = {
    Action.CREATE: ("+", "green"),
    Action.UPDATE: ("~", "yellow"),
    Action.REPLACE: ("±", "yellow"),
    Action.DELETE: ("-", "red"),
    Action.KEEP: (" ", "dim"),
    Action.ACTIVATE: (">", "cyan"),
}
_TITLES = {Layer.INFRASTRUCTURE: "Infrastructure", Layer.RECORDS: "Records"}
_DONE_TO = {
    Action.CREATE: "to create",
    Action.UPDATE: "to update",
    Action.REPLACE: "to replace",
    Action.DELETE: "to delete",
    Action.KEEP: "kept",
}
#: What of an error is shown beside a plan.
_SHOWN = ("message", "why", "remedy")


def summary(plan: Plan) -> str:
    """One line: ``2 to create, 1 to update.``"""
    if not plan.has_changes:
        return f"No changes: stack {plan.stack} is as described."
    counts = [
        f"{plan.count(action)} {words}" for action, words in _DONE_TO.items() if plan.count(action)
    ]
    if plan.count(Action.ACTIVATE):
        counts.append("becomes the active stack")
    return ", ".join(counts) + "."


def _plain(text: str, *_: str) -> str:
    return text


def text(
    plan: Plan,
    style: Callable[..., str] = _plain,
    drift: Sequence[Mapping[str, Any]] | None = None,
    unchanged: str | None = None,
) -> Iterator[str]:
    """The plan in lines.

    Args:
        plan: What to show.
        style: Takes a text and the names of styles, and gives the text as the terminal wants it.
        drift: What differs from what was applied, as a plan's document has it.
        unchanged: What is said where nothing would change, of a plan that is not that of a
            description.
    """
    if plan.steps:
        yield style(f"Plan for stack {plan.stack}:", "bold")
    layers = [layer for layer in Layer if any(step.layer is layer for step in plan.steps)]
    for layer in layers:
        if len(layers) > 1:
            yield f"  {style(_TITLES[layer], 'bold')}"
        for step in plan.steps:
            if step.layer is layer:
                yield from _step_lines(step, style)
    if drift:
        yield style("Drift, which is what differs from what was applied:", "bold")
        yield from details({"drift": drift, "looks": ()}, style)
    for warning in plan.warnings:
        yield f"{style('Warning:', 'yellow')} {warning}"
    yield style(summary(plan) if plan.has_changes or unchanged is None else unchanged, "bold")


def several(plans: Sequence[StackPlan], style: Callable[..., str] = _plain) -> Iterator[str]:
    """The plans of several stacks in lines: of each, or why it has none, and one line over all."""
    for planned in plans:
        if planned.error is not None:
            yield f"{style('No plan', 'red', 'bold')} for stack {planned.plan.stack}:"
            yield from (f"  {planned.error[key]}" for key in _SHOWN if planned.error.get(key))
        elif planned.plan.has_changes or planned.drift:
            yield from text(planned.plan, style, planned.drift)
        else:
            yield summary(planned.plan)
    count = "1 stack" if len(plans) == 1 else f"{len(plans)} stacks"
    yield style(f"{count}: {headline(document(plans))}", "bold")


def _step_lines(step: Step, style: Callable[..., str]) -> Iterator[str]:
    mark, color = _MARKS[step.action]
    head = f"{mark} {step.action.value:<8} {_words(step.kind)} {step.name}"
    yield f"  {style(head, color)}" + (f"  ({step.reason})" if step.reason else "")
    # What is made in the cloud is given much: the document and the Markdown have it.
    is_made = step.layer is Layer.INFRASTRUCTURE and step.action is Action.CREATE
    for change in () if is_made else step.changes:
        yield f"      {change.field}: {_before_after(change)}"


def _words(kind: str) -> str:
    """`artifact_store` as people say it; a Pulumi type token stays what it is."""
    return kind if ":" in kind else kind.replace("_", " ")


def _before_after(change: Change) -> str:
    if change.before is None:
        return _shown(change.after)
    if change.after is None:
        return f"{_shown(change.before)} → (removed)"
    return f"{_shown(change.before)} → {_shown(change.after)}"


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
