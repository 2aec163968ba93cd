"""How stacks are, as lines of text and as Markdown: drift, and the checks that are not ok.

Both read `StackHealth.to_dict`, which holds no secrets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from kitaru_iac.render import drift
from kitaru_iac.render.escaping import code, escaped

__all__ = ["lines", "markdown", "summary"]

_SIGNS = {"failed": "❌", "drift": "⚠️", "unknown": "❔", "healthy": "✅"}
_MARKS = {"fail": ("✗", "red"), "unknown": ("?", "cyan"), "warn": ("!", "yellow")}


def lines(
    found: Sequence[Mapping[str, Any]], style: Callable[..., str] = drift.plain
) -> Iterator[str]:
    """Write a heading for each stack, below it what is not as it should be, and a summary."""
    for stack in found:
        yield style(f"{stack['stack']}: {stack['state']}", "bold")
        yield from drift.details(stack, style)
        for check in _notable(stack):
            mark, color = _MARKS[check["status"]]
            yield f"  {style(mark, color)} {check['id']}  {check['subject']}: {check['why']}"
            if check["remedy"]:
                yield from (f"      → {line}" for line in check["remedy"].splitlines())
        if stack["why"]:
            yield f"  ? checks: {stack['why']}"
    yield style(summary(found), "bold")


def summary(found: Sequence[Mapping[str, Any]]) -> str:
    """Count: ``1 failed, 3 healthy.``"""
    if not found:
        return drift.NOTHING
    counts = {word: sum(stack["state"] == word for stack in found) for word in _SIGNS}
    words = {"drift": "with drift"}
    return ", ".join(f"{n} {words.get(word, word)}" for word, n in counts.items() if n) + "."


def markdown(found: Sequence[Mapping[str, Any]]) -> str:
    """Write a table with a row for each stack, and below it what is not as it should be."""
    blocks = ["### Health", summary(found)]
    if found:
        blocks.append(
            drift.table((s["stack"], f"{_SIGNS[s['state']]} {s['state']}") for s in found)
        )
    for stack in found:
        said = [
            f"- {check['status']} {code(check['id'])} {code(check['subject'])}: "
            f"{escaped(check['why'])}"
            for check in _notable(stack)
        ]
        if stack["why"]:
            said.append(f"- unknown, checks: {escaped(stack['why'])}")
        about = [drift.one_markdown(stack).strip(), "\n".join(said)]
        if any(about):
            blocks += [f"#### {code(stack['stack'])}", *filter(None, about)]
    return "\n\n".join(blocks) + "\n"


def _notable(stack: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [check for word in _MARKS for check in stack["checks"] if check["status"] == word]
