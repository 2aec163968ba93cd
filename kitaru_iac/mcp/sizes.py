"""Answers that fit into a model's context: cut where they are long, with the counts kept.

A client passes on some 25,000 tokens of an answer; what is longer it cuts in the middle, and the
model does not see that it was. So a long answer is cut here, and says so in its field `truncated`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

__all__ = ["LIMIT", "fitted", "size"]

#: Bytes of an answer's JSON.
LIMIT = 20_000
#: Characters that stay of a long text.
_TEXT = 400

Json = object


def size(document: object) -> int:
    """Bytes of a document as it goes over the wire."""
    return len(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode())


def fitted(document: Mapping[str, Json], lists: tuple[str, ...]) -> dict[str, Json]:
    """Cut a document to the limit.

    Args:
        document: An answer, whose field ``truncated`` says whether it was cut.
        lists: Its lists that may be cut at their ends, the least important first. A path into a
            nested document is written with dots, as ``stacks.0.changes``.

    Returns:
        The document itself where it fits. Else long texts are cut first, then the lists, then
        whatever else is long.
    """
    whole = dict(document)
    if size(whole) <= LIMIT:
        return whole
    cut = {key: _shortened(value) for key, value in whole.items()}
    cut["truncated"] = True
    for path in lists:
        items = _at(cut, path)
        over = size(cut) - LIMIT
        while items and over > 0:
            over -= size(items.pop()) + 1
    # What nobody expected to be long, the longest first.
    for key, value in sorted(cut.items(), key=lambda item: -size(item[1])):
        if size(cut) > LIMIT and isinstance(value, list | dict):
            cut[key] = type(value)()
    return cut


def _at(document: Json, path: str) -> list[Json]:
    """The list at a path; an empty one where there is none."""
    found = document
    for key in path.split("."):
        if isinstance(found, dict):
            found = found.get(key)
        elif isinstance(found, list) and key.isdigit() and int(key) < len(found):
            found = found[int(key)]
        else:
            return []
    return found if isinstance(found, list) else []


def _shortened(value: Json) -> Json:
    if isinstance(value, str):
        return value if len(value) <= _TEXT else f"{value[:_TEXT]}…"
    if isinstance(value, list):
        return [_shortened(item) for item in value]
    if isinstance(value, dict):
        return {key: _shortened(item) for key, item in value.items()}
    return value
