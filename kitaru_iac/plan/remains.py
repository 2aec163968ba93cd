"""What is left to do of a plan that was reviewed, and carried out in part.

A run that failed or was killed half-way leaves stacks that are as they should be, and others. What
remains has another digest than the whole; each stack's part has the one it had.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from kitaru_iac.plan.canonical import sha256
from kitaru_iac.plan.document import digest_of, digested_entry, is_repair, needs_review

__all__ = ["Parts", "is_left_of", "is_rest_of", "parts_in", "parts_of", "written_parts"]

#: By what stands for a stack's name: what stands for what would be done, for which store.
Parts = Mapping[str, str]

#: Hexadecimal digits: enough that nobody finds another stack's plan with the same ones.
_DIGITS: Final = 32
#: How the fields begin that tell whose a part is, and what was applied; no user writes them.
_MARKS: Final = "labels.kitaru."
_PART: Final = re.compile(rf"(-?[0-9a-f]{{{_DIGITS}}})=([0-9a-f]{{{_DIGITS}}})")


def parts_of(plan: Mapping[str, Any]) -> Parts:
    """Give the part of each stack of a plan's document, whatever their ``digest`` says.

    One that is described nowhere, and would go, has a name with ``-``.
    """
    return {_key(entry): _part(plan, entry) for entry in plan["stacks"]}


def is_rest_of(reviewed: Parts, fresh: Mapping[str, Any], *, prunes: bool) -> bool:
    """Say whether nothing would be done that is not in the reviewed plan, and nothing is missing.

    Each stack is as it was reviewed, or has nothing to do any more.

    Args:
        reviewed: The parts of the plan that was reviewed.
        fresh: The plan's document of today.
        prunes: Whether what no file describes any more would go: then what is not there has gone.
    """
    for entry in fresh["stacks"]:
        is_done = entry["error"] is None and not any(map(needs_review, entry["changes"]))
        if not is_done and reviewed.get(_key(entry)) != _part(fresh, entry):
            return False
    gone = reviewed.keys() - parts_of(fresh).keys()
    return all(prunes and key.startswith("-") for key in gone)


def is_left_of(reviewed: Mapping[str, Any], fresh: Mapping[str, Any], *, prunes: bool) -> bool:
    """Say whether something is left to do of a plan, and nothing else would be done.

    As `is_rest_of`, and also of a stack that was done in part: the whole document tells each of its
    changes.

    Args:
        reviewed: The plan's document.
        fresh: That of today.
        prunes: As there.
    """
    known = {_key(entry): digested_entry(entry) for entry in reviewed["stacks"]}
    is_begun = False
    for entry in fresh["stacks"]:
        now, before = digested_entry(entry), known.pop(_key(entry), None)
        if now["failed"] is not None or before is None:
            return False
        is_begun |= any(map(is_repair, entry["changes"]))
        if not now["changes"]:
            continue
        is_begun = True
        asked = (before["failed"], before["description"]) == (None, now["description"])
        if not asked or not all(_is_rest(change, before["changes"]) for change in now["changes"]):
            return False
    are_gone = all(prunes and key.startswith("-") for key in known)
    return is_begun and are_gone and reviewed.get("store") == fresh.get("store")


def _is_rest(change: Mapping[str, Any], reviewed: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a change was reviewed, or only marks what was to be made, and by now is there."""
    if change in reviewed:
        return True
    made = {one["address"]: set(one["used_by"]) for one in reviewed if "create" in one["actions"]}
    paths = [field["path"] for field in change["changed"]]
    users = made.get(change["address"])
    if users is None or change["actions"] != ["update"] or not users >= set(change["used_by"]):
        return False
    return bool(paths) and all(path.startswith(_MARKS) for path in paths)


def written_parts(parts: Parts) -> str:
    """Write parts on one line, for `parts_in`."""
    return " ".join(f"{key}={part}" for key, part in parts.items())


def parts_in(text: str) -> Parts:
    """Read what `written_parts` wrote; nothing in any other text."""
    found = [_PART.fullmatch(word) for word in text.split()]
    return {match[1]: match[2] for match in found if match} if all(found) else {}


def _key(entry: Mapping[str, Any]) -> str:
    is_pruned = not entry["description"]
    return ("-" if is_pruned else "") + _short(sha256(entry["stack"]))


def _part(plan: Mapping[str, Any], entry: Mapping[str, Any]) -> str:
    return _short(digest_of({"store": plan.get("store"), "stacks": [entry]}))


def _short(digest: str) -> str:
    return digest.removeprefix("sha256:")[:_DIGITS]
