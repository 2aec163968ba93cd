"""A plan's document as GitHub-flavoured Markdown, for a pull request.

What is deleted or replaced stands on top. Details are folded. A comment on GitHub takes 65,536
characters: a plan that is longer is cut by what a reader misses least, and says so.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from kitaru_iac.plan.document import counted_as, is_change
from kitaru_iac.render.escaping import code, escaped
from kitaru_iac.render.mermaid import picture
from kitaru_iac.values import dataclass

__all__ = ["LIMIT", "headline", "markdown"]

#: The length in characters that a plan is cut to.
LIMIT = 65_000

_Entry = Mapping[str, Any]
_WORDS = {
    "create": "to create",
    "update": "to update",
    "replace": "to replace",
    "delete": "to delete",
    "other": "of an unknown kind",
}
_NAMES = "everything but counts"
_LOUD = ("delete", "replace", "other")


@dataclass(frozen=True, slots=True)
class _Cut:
    """How much is shown.

    Attributes:
        notice: What is left out, in words.
        pictures: Whether the parts are drawn.
        details: Whether the fields that differ are shown.
        kept: Whether what stays as it is has a row.
        stacks: Whether each stack has a part of its own.
        rows: How many rows a list has at most.
        text: How long a reason, a warning and the like is at most.
    """

    notice: str | None = None
    pictures: bool = True
    details: bool = True
    kept: bool = True
    stacks: bool = True
    rows: int | None = None
    text: int | None = None

    def words(self, text: str) -> str:
        """A text of anybody's, cut and escaped."""
        is_long = self.text is not None and len(text) > self.text
        return f"{escaped(text[: self.text])}…" if is_long else escaped(text)


_CUTS = (
    _Cut(),
    _Cut("the pictures", pictures=False),
    _Cut("the pictures and what stays as it is", pictures=False, kept=False),
    _Cut("the fields that differ, and what stays as it is", False, details=False, kept=False),
    _Cut("everything but counts and deletions", False, details=False, kept=False, stacks=False),
    _Cut("most stacks and parts", False, False, False, False, rows=100, text=1_000),
    _Cut("nearly everything", False, False, False, False, rows=5, text=100),
)


def markdown(plan: Mapping[str, Any], limit: int = LIMIT) -> str:
    """Write the document; nothing in a name or value can become markup.

    Args:
        plan: As `kitaru_iac.plan.document` gives it.
        limit: The length in characters that it is cut to.
    """
    text = ""
    for cut in _CUTS:
        text = "\n\n".join(_blocks(plan, cut)) + "\n"
        if len(text) <= limit:
            return text
    return _counts(plan)


def _counts(plan: Mapping[str, Any]) -> str:
    """What stands of a plan whose very names are too long."""
    return (
        f"### Plan for {len(plan['stacks'])} stacks\n\n{headline(plan)}\n\n{_too_long(_NAMES)}\n\n"
        f"{_digest(plan)}\n"
    )


def headline(plan: Mapping[str, Any]) -> str:
    """Give the counts in one line: ``2 to create, 1 to delete.``"""
    summary = plan["summary"]
    counts = [f"{summary[word]} {said}" for word, said in _WORDS.items() if summary[word]]
    if summary["failed"]:
        counts.append(f"{summary['failed']} without a plan")
    return f"{', '.join(counts)}." if counts else "No changes."


def _blocks(plan: Mapping[str, Any], cut: _Cut) -> Iterator[str]:
    entries: list[_Entry] = list(plan["stacks"])
    one = len(entries) == 1
    subject = f"stack {code(entries[0]['stack'])}" if one else f"{len(entries)} stacks"
    yield f"### Plan for {subject}"
    yield headline(plan)
    if cut.notice:
        yield _too_long(cut.notice)
    yield from _loud(entries, cut)
    if not one:
        yield "\n".join(_overview(entries, cut))
    for entry in entries:
        if entry["error"] is not None and (cut.stacks or one):
            yield f"**Stack {code(entry['stack'])} has no plan**: {cut.words(_why(entry['error']))}"
        elif cut.stacks or one:
            yield from _stack(entry, cut, heading=not one)
    if not plan["complete"]:
        yield "> [!WARNING]\n> Not everything could be looked at: this plan is not complete."
    yield _digest(plan)


def _too_long(left_out: str) -> str:
    return f"> [!NOTE]\n> This plan is too long for a comment. Left out: {left_out}."


def _digest(plan: Mapping[str, Any]) -> str:
    return f"<sub>Digest {code(plan['digest'])}, format {escaped(plan['format_version'])}</sub>"


def _loud(entries: Sequence[_Entry], cut: _Cut) -> Iterator[str]:
    lines = [
        f"> - **{counted_as(change['actions'])}** {code(change['address'])} of stack "
        f"{code(entry['stack'])}"
        for entry in entries
        for change in entry["changes"]
        if counted_as(change["actions"]) in _LOUD
    ]
    if lines:
        title = "> [!CAUTION]\n> This plan deletes or replaces:"
        yield "\n".join([title, *_limited(lines, cut, lambda n: f"> - and {n} more")])


def _overview(entries: Sequence[_Entry], cut: _Cut) -> Iterator[str]:
    yield "| Stack | Create | Update | Replace | Delete | |"
    yield "| --- | --- | --- | --- | --- | --- |"
    shown = sorted(entries, key=lambda entry: not (entry["has_changes"] or entry["error"]))
    yield from _limited(
        [_row(entry) for entry in shown], cut, lambda n: f"| and {n} more | | | | | |"
    )


def _row(entry: _Entry) -> str:
    counts = [counted_as(change["actions"]) for change in entry["changes"]]
    cells = [str(counts.count(word) or "") for word in ("create", "update", "replace", "delete")]
    cells[2:] = [f"**{cell}**" if cell else "" for cell in cells[2:]]
    state = "no plan" if entry["error"] else "" if entry["has_changes"] else "no changes"
    return f"| {' | '.join([code(entry['stack']), *cells, state])} |"


def _stack(entry: _Entry, cut: _Cut, *, heading: bool) -> Iterator[str]:
    shown = [c for c in entry["changes"] if is_change(c) or (cut.kept and entry["has_changes"])]
    drift = entry["drift"] or ()
    if not (shown or drift or entry["warnings"] or entry["checks"]):
        return
    if heading:
        yield f"#### Stack {code(entry['stack'])}"
    if shown:
        yield "\n".join(_table(shown, cut))
        details = list(_details(shown)) if cut.details else []
        if details:
            summary = f"<details><summary>{len(details)} fields that differ</summary>"
            yield "\n\n".join([summary, "\n".join(details), "</details>"])
        if cut.pictures:
            drawn = f"```mermaid\n{picture(entry)}\n```"
            yield f"<details><summary>Picture</summary>\n\n{drawn}\n\n</details>"
    if drift:
        lines = [f"- {code(c['address'])}{_fields(c)}" for c in drift] if cut.details else []
        title = f"**Drift**: not as it was applied, {len(drift)} of what is stored."
        yield "\n".join([title, *(["", *lines] if lines else [])])
    checks = [c for c in entry["checks"] if c["status"] != "ok"]
    if checks:
        lines = [
            f"- **{escaped(c['status'])}** {code(c['id'])} {code(c['subject'])}: "
            f"{cut.words(c['why'])}"
            for c in checks
        ]
        yield "\n".join(["**Checks**", "", *_limited(lines, cut, lambda n: f"- and {n} more")])
    if entry["warnings"]:
        lines = [f"- {cut.words(warning['message'])}" for warning in entry["warnings"]]
        yield "\n".join(["**Warnings**", "", *_limited(lines, cut, lambda n: f"- and {n} more")])


def _table(changes: Sequence[Mapping[str, Any]], cut: _Cut) -> Iterator[str]:
    yield "| Action | What | Name | Why |"
    yield "| --- | --- | --- | --- |"
    rows = [_part(change, cut) for change in changes]
    yield from _limited(rows, cut, lambda n: f"| and {n} more | | | |")


def _part(change: Mapping[str, Any], cut: _Cut) -> str:
    word = counted_as(change["actions"])
    action = "keep" if word == "no_op" else " then ".join(change["actions"])
    action = f"**{escaped(action)}**" if word in _LOUD else escaped(action)
    kind = change["kind"]
    what = code(kind) if ":" in kind else escaped(kind.replace("_", " "))
    reason = change["reason"]["text"] if change["reason"] else ""
    used = f"used by {', '.join(change['used_by'])}" if change["used_by"] else ""
    why = "; ".join(text for text in (reason, used) if text)
    return f"| {action} | {what} | {code(change['name'])} | {cut.words(why)} |"


def _fields(change: Mapping[str, Any]) -> str:
    """The fields of something that differs, without values: the table has what is done about it."""
    paths = ", ".join(code(field["path"]) for field in change["changed"])
    return f": {paths}" if paths else ""


def _details(changes: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for change in changes:
        for field in change["changed"]:
            where = f"{code(change['address'])} {code(field['path'])}"
            yield f"- {where}: {_before_after(change, field)}"


def _before_after(change: Mapping[str, Any], field: Mapping[str, Any]) -> str:
    if field["path"] in change["sensitive"]:
        return {"add": "is set (secret)", "remove": "is removed (secret)"}.get(
            field["op"], "another secret"
        )
    if field["path"] in change["unknown"]:
        return "differs"
    before, after = code(_said(field["before"])), code(_said(field["after"]))
    if field["op"] == "add":
        return after
    return f"{before} → {after if field['op'] == 'change' else '(removed)'}"


def _limited(lines: Sequence[str], cut: _Cut, more: Callable[[int], str]) -> Iterator[str]:
    shown = lines if cut.rows is None else lines[: cut.rows]
    yield from shown
    if len(shown) < len(lines):
        yield more(len(lines) - len(shown))


def _why(error: Mapping[str, Any]) -> str:
    return "; ".join(str(error[key]) for key in ("message", "what", "why") if error.get(key))


def _said(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
