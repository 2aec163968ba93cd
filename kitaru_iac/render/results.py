"""What became of several stacks that were applied, as Markdown for a request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kitaru_iac.render.escaping import code, escaped

__all__ = ["markdown"]

_SIGNS = {"applied": "✅", "unchanged": "➖", "pruned": "🗑️", "failed": "❌", "skipped": "⏭️"}


#: Characters of an error, where all of them together are too long.
_SHORT = 200


def markdown(outcomes: Sequence[Mapping[str, Any]], asked: int, limit: int | None = None) -> str:
    """Write a table with a row for each stack, what failed first.

    Args:
        outcomes: As `Outcome.to_dict` gives them.
        asked: How many stacks there were; those without an outcome were not begun.
        limit: Characters that there is room for. Errors are shortened first, then rows left out,
            both with a notice; counts stay.
    """
    counts = {word: sum(o["status"] == word for o in outcomes) for word in _SIGNS}
    said = [f"{count} {word}" for word, count in counts.items() if count]
    if asked > len(outcomes):
        said.append(f"{asked - len(outcomes)} not begun")
    head = f"### Applied stacks\n\n{', '.join(said) or 'nothing'}.\n"
    if not outcomes:
        return head
    rows = list(_table(outcomes))
    whole = f"{head}\n{_joined(rows)}"
    if limit is None or len(whole) <= limit:
        return whole
    head += "\nNot all of it fits here: the job's log has the rest.\n\n"
    room, fitting = limit - len(head), []
    for row in _table(outcomes, _SHORT):
        room -= len(row) + 1
        if room < 0:
            break
        fitting.append(row)
    return head + _joined(fitting)


def _joined(rows: Sequence[str]) -> str:
    return "".join(f"{row}\n" for row in rows)


def _table(outcomes: Sequence[Mapping[str, Any]], longest: int | None = None) -> Iterator[str]:
    yield "| Stack | Result | Why |"
    yield "| --- | --- | --- |"
    for outcome in sorted(outcomes, key=lambda o: o["status"] != "failed"):
        word = outcome["status"]
        warnings = (outcome.get("result") or {}).get("warnings") or ()
        message = "; ".join(warning["message"] for warning in warnings)
        if outcome["error"]:
            message = outcome["error"]["message"]
        if longest is not None and len(message) > longest:
            message = f"{message[: longest - 1]}…"
        why = escaped(message)
        yield f"| {code(outcome['name'])} | {_SIGNS.get(word, '')} {word} | {why} |"
