"""A plan that was written to a file, read again: of a version that is known, and whole."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from kitaru_iac.errors import CheckFailed, PlanInvalid
from kitaru_iac.plan.document import (
    FORMAT_VERSION,
    digest_of,
    digested_part,
    is_change,
    needs_review,
)

__all__ = ["differences", "failing", "is_same_but_for_checks", "read_plan"]

#: What of a check is told here; one without is another program's.
_OF_CHECK = ("id", "subject", "status", "why")
_AGAIN = "Write it anew with: kitaru stack preview --out FILE"


def read_plan(text: str, where: str) -> dict[str, Any]:
    """Read a plan as `preview --out` and `preview --output json` write it.

    Args:
        text: The file's content.
        where: What the file is called in errors.

    Raises:
        PlanInvalid: It is no plan, of another major version, or not as it was written.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise PlanInvalid("This is no JSON", where=where, remedy=_AGAIN) from None
    if isinstance(found, dict) and isinstance(found.get("item"), dict):
        found = found["item"]
    if not isinstance(found, dict) or not isinstance(found.get("format_version"), str):
        raise PlanInvalid("This is no plan: it has no `format_version`", where=where, remedy=_AGAIN)
    version = found["format_version"]
    if not re.fullmatch(r"[0-9]+\.[0-9]+", version) or _major(version) != _major(FORMAT_VERSION):
        raise PlanInvalid(
            "The plan's format is of another major version",
            where=where,
            why=f"This kitaru reads {_major(FORMAT_VERSION)}.x.",
            remedy=_AGAIN,
        )
    try:
        whole = digest_of(found) == found.get("digest")
    except (AttributeError, KeyError, TypeError):
        whole = False
    if not whole:
        raise PlanInvalid(
            "The plan is not as it was written: its contents do not have its digest",
            where=where,
            why="It was edited or cut off.",
            remedy=_AGAIN,
        )
    return found


def is_same_but_for_checks(reviewed: Mapping[str, Any], fresh: Mapping[str, Any]) -> bool:
    """Say whether all that differs is that a check failed in the review, where nothing is to do.

    Who looks then and now may be two identities. Where a check fails now, or anything is to be done
    for a stack that had no plan, it is another plan.
    """
    idle = {
        entry["stack"]
        for entry in fresh["stacks"]
        if entry["error"] is None and not any(map(is_change, entry["changes"]))
    }
    stacks = [
        {**entry, "error": None} if entry["stack"] in idle and _failed(entry) else entry
        for entry in reviewed["stacks"]
    ]
    # Where no stack had a plan, none named the store; and then nothing is to be done in any.
    store = fresh.get("store") if reviewed.get("store") is None else reviewed["store"]
    return digest_of({"store": store, "stacks": stacks}) == digest_of(fresh)


def differences(reviewed: Mapping[str, Any], fresh: Mapping[str, Any]) -> list[str]:
    """Say in lines how a fresh plan differs from the reviewed one; empty where it does not.

    Args:
        reviewed: The document that was reviewed.
        fresh: The one that was made just now.
    """
    lines = []
    was, now = reviewed.get("store"), fresh.get("store")
    if was != now and None not in (was, now):  # None: no stack had a plan, which is said below
        lines.append(f"the store was {was}, and is {now}")
    old = {entry["stack"]: entry for entry in reviewed["stacks"]}
    new = {entry["stack"]: entry for entry in fresh["stacks"]}
    lines += [f"stack {name}: it is in the reviewed plan alone" for name in old if name not in new]
    lines += [f"stack {name}: it is not in the reviewed plan" for name in new if name not in old]
    for name in (name for name in old if name in new):
        lines += [f"stack {name}: {line}" for line in _between(old[name], new[name])]
    return lines


def _between(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    before, after = old["description"], new["description"]
    lines = [
        f"its description's `{key}` was {_said(before, key)}, and is {_said(after, key)}"
        for key in sorted({*before, *after})
        if before.get(key) != after.get(key)
    ]
    was = {change["address"]: change for change in old["changes"]}
    now = {change["address"]: change for change in new["changes"]}
    for address in dict.fromkeys([*was, *now]):
        one, other = _done(was.get(address)), _done(now.get(address))
        if one != other:
            lines.append(f"{address}: reviewed was {one}; now it is {other}")
        elif _compared(was.get(address)) != _compared(now.get(address)):
            lines.append(f"{address}: the fields that change, or their values, are others")
    if (old["error"] or {}).get("code") != (new["error"] or {}).get("code"):
        lines.append(f"it ended with {_code(old)}, and ends with {_code(new)}")
    # Which checks ended how is no difference of plans; which of them fails now is why they differ.
    return [*lines, *(_other_checks(old, new) if lines else ())]


def failing(plan: Mapping[str, Any]) -> list[str]:
    """Say in lines which checks of a plan's document fail."""
    return [
        f"stack {entry['stack']}: {line}"
        for entry in plan["stacks"]
        for line in _other_checks({}, entry)
        if _failed(entry)
    ]


def _failed(entry: Mapping[str, Any]) -> bool:
    return (entry["error"] or {}).get("code") == CheckFailed.code


def _other_checks(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """The checks that failed once of the two times, and ended otherwise the other time."""
    was, now = _checks(old), _checks(new)
    lines = []
    for key, check in now.items():
        before = was[key]["status"] if key in was else None
        if before != check["status"] and "fail" in (before, check["status"]):
            known = "" if before is None else f"was {before}, and "
            lines.append(f"check {key[0]} of {key[1]} {known}is {check['status']}: {check['why']}")
    return lines


def _checks(entry: Mapping[str, Any]) -> dict[tuple[Any, Any], Mapping[str, Any]]:
    # Of two about the same thing the one that fails counts.
    told = (check for check in entry.get("checks", ()) if {*_OF_CHECK} <= {*check})
    found = sorted(told, key=lambda check: check["status"] == "fail")
    return {(check["id"], check["subject"]): check for check in found}


def _done(change: Mapping[str, Any] | None) -> str:
    return "nothing" if change is None or not needs_review(change) else _words(change["actions"])


def _words(actions: list[str]) -> str:
    return "nothing" if actions == ["no-op"] else " and ".join(actions)


def _compared(change: Mapping[str, Any] | None) -> object:
    if change is None or not needs_review(change):
        return None
    part = digested_part(change)
    return [part["changed"], part["used_by"], part["sensitive"]]


def _code(entry: Mapping[str, Any]) -> str:
    return "a plan" if entry["error"] is None else f"the error {entry['error'].get('code')}"


def _said(description: Mapping[str, Any], key: str) -> str:
    return json.dumps(description[key], ensure_ascii=False) if key in description else "not set"


def _major(version: str) -> str:
    return version.partition(".")[0]
