"""What became of stacks since they were applied, as lines of text and as Markdown.

Both read `StackDrift.to_dict`, which holds no secrets.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from kitaru_iac.render.escaping import code, code_block, escaped

__all__ = ["NOTHING", "details", "lines", "markdown", "one_markdown", "plain", "summary", "table"]

_MARKS = {"create": ("+", "green"), "delete": ("-", "red"), "update": ("~", "yellow")}
_SAID = {
    "create": "is there, and was not applied",
    "delete": "is not there any more",
    "update": "is otherwise",
}
#: Of records: what is not in a stack any more may be in the store nevertheless.
_SAID_OF_RECORDS = {
    "create": "is in the stack, and was not applied",
    "delete": "is not in the stack any more",
    "update": "is otherwise",
}
_WORDS = {"none": "no drift", "drift": "drift", "unknown": "unknown"}
_SIGNS = {"none": "✅", "drift": "⚠️", "unknown": "❔"}


#: What is said where no stack was looked at.
NOTHING: Final = "There is no stack that Kitaru made."


def plain(text: str, *_: str) -> str:
    """Style nothing."""
    return text


def lines(found: Sequence[Mapping[str, Any]], style: Callable[..., str] = plain) -> Iterator[str]:
    """Write a heading for each stack, the differences below it, and a summary."""
    for stack in found:
        yield style(f"{stack['stack']}: {_WORDS[stack['finding']]}", "bold")
        yield from details(stack, style)
    yield style(summary(found), "bold")


def details(stack: Mapping[str, Any], style: Callable[..., str] = plain) -> Iterator[str]:
    """Write what differs of one stack, and what is unknown of it."""
    yield from _differences(stack, style)
    for look in stack["looks"]:
        if look["finding"] == "unknown":
            yield f"  ? {look['layer']}: {look['why']}"


def summary(found: Sequence[Mapping[str, Any]]) -> str:
    """Count: ``2 with drift, 1 unknown, 3 as applied.``"""
    if not found:
        return NOTHING
    words = {"drift": "with drift", "unknown": "unknown", "none": "as applied"}
    counts = {word: sum(stack["finding"] == word for stack in found) for word in words}
    return ", ".join(f"{counts[word]} {said}" for word, said in words.items() if counts[word]) + "."


def markdown(found: Sequence[Mapping[str, Any]]) -> str:
    """Write a table with a row for each stack, and the differences of each below it."""
    blocks = ["### Drift", summary(found)]
    if found:
        blocks.append(
            table((s["stack"], f"{_SIGNS[s['finding']]} {_WORDS[s['finding']]}") for s in found)
        )
    blocks += [
        f"#### {code(stack['stack'])}\n\n{one_markdown(stack)}"
        for stack in found
        if stack["finding"] != "none"
    ]
    return "\n\n".join(block.rstrip() for block in blocks) + "\n"


def table(results: Iterable[tuple[str, str]]) -> str:
    """Write a table of stacks, each with what came of it."""
    rows = (f"| {code(stack)} | {result} |" for stack, result in results)
    return "\n".join(["| Stack | Result |", "| --- | --- |", *rows])


def one_markdown(stack: Mapping[str, Any]) -> str:
    """Write what differs of one stack, and what is unknown of it."""
    blocks = []
    if stack["drift"]:
        blocks.append(code_block("\n".join(_differences(stack, plain)), "text"))
    blocks += [
        f"Unknown, {look['layer']}: {escaped(str(look['why']))}"
        for look in stack["looks"]
        if look["finding"] == "unknown"
    ]
    return "\n\n".join(blocks) + "\n"


def _differences(stack: Mapping[str, Any], style: Callable[..., str]) -> Iterator[str]:
    for item in stack["drift"]:
        action = item["actions"][0] if len(item["actions"]) == 1 else "update"
        mark, color = _MARKS.get(action, _MARKS["update"])
        kind = item["kind"] if ":" in item["kind"] else item["kind"].replace("_", " ")
        said = _SAID_OF_RECORDS if item["layer"] == "records" else _SAID
        head = f"{mark} {kind} {item['name']}: {said.get(action, said['update'])}"
        yield f"  {style(head, color)}"
        for change in item["changed"]:
            yield f"      {_change(change, item)}"


def _change(change: Mapping[str, Any], item: Mapping[str, Any]) -> str:
    path = change["path"]
    if path in item["sensitive"]:
        return f"{path} is otherwise (its value is secret)"
    if path in item["unknown"]:
        return f"{path} is otherwise"
    return f"{path} was {_shown(change['before'])}, is {_shown(change['after'])}"


def _shown(value: object) -> str:
    if value is None:
        return "unset"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
