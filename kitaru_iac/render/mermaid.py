"""The parts of a stack as a Mermaid flow chart, each in the colour of what would be done to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kitaru_iac.plan.document import counted_as
from kitaru_iac.render.escaping import one_line

__all__ = ["picture"]

_CLASSES = {
    "create": "fill:#dafbe1,stroke:#1a7f37,color:#1f2328",
    "update": "fill:#fff8c5,stroke:#9a6700,color:#1f2328",
    "replace": "fill:#ffebe9,stroke:#9a6700,color:#1f2328",
    "delete": "fill:#ffebe9,stroke:#cf222e,color:#1f2328,stroke-dasharray:4",
    "other": "fill:#fbefff,stroke:#8250df,color:#1f2328",
    "no_op": "fill:#f6f8fa,stroke:#d1d9e0,color:#59636e",
}
_LONGEST = 80


def picture(entry: Mapping[str, Any]) -> str:
    """Draw one stack of a plan's document: what it is made of, and the cloud's things beside it."""
    return "\n".join(_lines(entry))


def _lines(entry: Mapping[str, Any]) -> Iterator[str]:
    yield "flowchart LR"
    records = [c for c in entry["changes"] if c["layer"] == "records"]
    cloud = [c for c in entry["changes"] if c["layer"] == "infrastructure"]
    used = set()
    stack = next((c for c in records if c["address"] == "records/stack"), None)
    word = "no_op" if stack is None else counted_as(stack["actions"])
    used.add(word)
    yield f'  stack["{_label("stack", entry["stack"])}"]:::{word}'
    for number, change in enumerate(c for c in records if c is not stack):
        word = counted_as(change["actions"])
        used.add(word)
        node = f'r{number}["{_label(change["kind"], change["name"])}"]:::{word}'
        yield f"  stack --> {node}"
    if cloud:
        yield "  subgraph cloud [Infrastructure]"
        for number, change in enumerate(cloud):
            word = counted_as(change["actions"])
            used.add(word)
            kind = change["kind"].rpartition(":")[2]
            yield f'    c{number}["{_label(kind, change["name"])}"]:::{word}'
        yield "  end"
    for word in sorted(used):
        yield f"  classDef {word} {_CLASSES[word]}"


def _label(kind: str, name: str) -> str:
    """A node's text; all that Mermaid or HTML give a meaning is written as a number."""
    text = one_line(f"{kind.replace('_', ' ')}: {name}")
    text = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    return "".join(c if c.isalnum() or c in " .:/_-…" else f"#{ord(c)};" for c in text)
