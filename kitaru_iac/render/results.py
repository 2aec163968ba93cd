"""What became of several stacks that were applied, as Markdown for a request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kitaru_iac.render.escaping import code, escaped

__all__ = ["markdown"]

_SIGNS = {"applied": "✅", "unchanged": "➖", "pruned": "🗑️", "failed": "❌", "skipped": "⏭️"}


def markdown(outcomes: Sequence[Mapping[str, Any]], asked: int) -> str:
    """Write a table with a row for each stack, what failed first.

    Args:
        outcomes: As `Outcome.to_dict` gives them.
        asked: How many stacks there were; those without an outcome were not begun.
    """
    counts = {word: sum(o["status"] == word for o in outcomes) for word in _SIGNS}
    said = [f"{count} {word}" for word, count in counts.items() if count]
    if asked > len(outcomes):
        said.append(f"{asked - len(outcomes)} not begun")
    blocks = ["### Applied stacks", f"{', '.join(said) or 'nothing'}."]
    if outcomes:
        blocks.append("\n".join(_table(outcomes)))
    return "\n\n".join(blocks) + "\n"


def _table(outcomes: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield "| Stack | Result | Why |"
    yield "| --- | --- | --- |"
    for outcome in sorted(outcomes, key=lambda o: o["status"] != "failed"):
        word = outcome["status"]
        why = escaped(outcome["error"]["message"]) if outcome["error"] else ""
        yield f"| {code(outcome['name'])} | {_SIGNS.get(word, '')} {word} | {why} |"
