"""The faces of a report of checks: lines of text for a terminal, Markdown for a pull request.

The JSON and YAML face is `CheckReport.to_dict`. Every status has a sign and a word, so that nothing
hangs on colour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from kitaru_iac.checks.model import WORST_FIRST, CheckReport, CheckResult, CheckStatus
from kitaru_iac.render.escaping import code, code_block, escaped

__all__ = ["markdown", "several", "summary", "text"]

_MARKS: Mapping[CheckStatus, tuple[str, str]] = {
    CheckStatus.OK: ("✓", "green"),
    CheckStatus.WARN: ("!", "yellow"),
    CheckStatus.FAIL: ("✗", "red"),
    CheckStatus.UNKNOWN: ("?", "cyan"),
}
_EMOJI: Mapping[CheckStatus, str] = {
    CheckStatus.OK: "✅",
    CheckStatus.WARN: "⚠️",
    CheckStatus.FAIL: "❌",
    CheckStatus.UNKNOWN: "❔",
}
_WORD = max(len(status.value) for status in CheckStatus)
_COUNTED: Mapping[CheckStatus, str] = {
    CheckStatus.FAIL: "failed",
    CheckStatus.WARN: "with a warning",
}
_NEEDING_CARE = (CheckStatus.FAIL, CheckStatus.UNKNOWN, CheckStatus.WARN)


def summary(report: CheckReport) -> str:
    """One line: ``18 checks of stack prod: 1 failed, 2 unknown, 15 ok.``"""
    if not report.results:
        return f"Nothing to check: stack {report.stack} is all on this machine."
    counts = [
        f"{report.count(status)} {_COUNTED.get(status, status.value)}"
        for status in (*_NEEDING_CARE, CheckStatus.OK)
        if report.count(status)
    ]
    return f"{len(report.results)} checks of stack {report.stack}: {', '.join(counts)}."


def _plain(text: str, *_: str) -> str:
    return text


def text(report: CheckReport, style: Callable[..., str] = _plain) -> Iterator[str]:
    """The report in lines: for what is not ok the reason and the command too, and every caveat.

    Args:
        report: What the checks found.
        style: Takes a text and the names of styles, and gives the text as the terminal wants it.
    """
    width = max((len(result.id) for result in report.results), default=0)
    indent = " " * (_WORD + 4)
    shown: dict[str, str] = {}  # a remedy, and the check that showed it first
    for result in report.results:
        mark, color = _MARKS[result.status]
        head = style(f"{mark} {result.status.value:<{_WORD}}", color)
        yield f"{head}  {result.id:<{width}}  {result.subject}"
        if result.status is CheckStatus.OK:
            if result.caveat:
                yield f"{indent}{style(result.caveat, 'dim')}"
            continue
        yield f"{indent}{result.why}"
        if result.remedy:
            first = shown.setdefault(result.remedy, result.id)
            yield indent + (
                style(f"(remedy: as for {first})", "dim")
                if first != result.id
                else f"{style('→', 'bold')} {result.remedy}"
            )
    yield style(summary(report), "bold")


def markdown(report: CheckReport, *, with_ok: bool = True) -> str:
    """The report as GitHub-flavoured Markdown: worst first, and what is ok folded away.

    An ok with a caveat is not folded away.

    Args:
        report: What the checks found.
        with_ok: Whether what is ok is listed at all.
    """
    blocks = [f"### Checks of stack {code(report.stack)}", escaped(summary(report))]
    for status in _NEEDING_CARE:
        blocks += [_item(result) for result in report.with_status(status)]
    if not with_ok:
        return "\n\n".join(blocks) + "\n"
    limited = [result for result in report.with_status(CheckStatus.OK) if result.caveat]
    blocks += [_limited(result) for result in limited]
    fine = [result for result in report.with_status(CheckStatus.OK) if not result.caveat]
    if fine:
        lines = "\n".join(f"- {code(result.id)} {escaped(result.why)}" for result in fine)
        blocks.append(f"<details><summary>{len(fine)} ok</summary>\n\n{lines}\n\n</details>")
    return "\n\n".join(blocks) + "\n"


def several(reports: Sequence[CheckReport], limit: int) -> str:
    """The reports of several stacks for one comment: a table of them all, then each, worst first.

    Args:
        reports: What the checks found.
        limit: Characters that there is room for. What is ok goes first, then what needs care of
            the last stacks, then their rows, with a notice; the counts of all stay.
    """
    ordered = sorted(reports, key=lambda report: _rank(report.worst))
    head = f"### Checks of the infrastructure\n\n{_counted(reports)}\n"
    rows = [f"{row}\n" for row in ("", *_TABLE, *map(_row, ordered))]
    checked = [report for report in ordered if report.results]
    for parts in (
        [f"\n{markdown(report)}" for report in checked],
        [f"\n{markdown(report, with_ok=False)}" for report in checked if _needs_care(report)],
    ):
        whole = head + "".join(rows + parts)
        if len(whole) <= limit:
            return whole
        head = f"{head.removesuffix(_CUT)}{_CUT}"
    fitting = "".join(_fitting(rows, (limit - len(head)) // 2))
    return head + fitting + "".join(_fitting(parts, limit - len(head) - len(fitting)))


#: What is said of a report that is not whole.
_CUT = "\nNot all of it fits here: the job's log has the rest.\n"
_TABLE = ("| Stack | failed | unknown | with a warning | ok |", "| --- | --- | --- | --- | --- |")


def _rank(status: CheckStatus | None) -> int:
    return len(WORST_FIRST) if status is None else WORST_FIRST.index(status)


def _needs_care(report: CheckReport) -> bool:
    return bool(report.with_status(*_NEEDING_CARE))


def _counted(reports: Sequence[CheckReport]) -> str:
    counts = {status: sum(report.count(status) for report in reports) for status in WORST_FIRST}
    said = [
        f"{_EMOJI[s]} {count} {_COUNTED.get(s, s.value)}" for s, count in counts.items() if count
    ]
    return ", ".join(said) + "." if said else "Nothing to check: all is on this machine."


def _row(report: CheckReport) -> str:
    counts = (report.count(status) for status in (*_NEEDING_CARE, CheckStatus.OK))
    return f"| {code(report.stack)} | {' | '.join(str(count or '') for count in counts)} |"


def _fitting(lines: Iterable[str], room: int) -> Iterator[str]:
    """Give lines from the first one on, as long as there is room."""
    for line in lines:
        room -= len(line)
        if room < 0:
            return
        yield line


def _title(result: CheckResult) -> str:
    return f"[{code(result.id)}]({result.docs})" if result.docs else code(result.id)


def _limited(result: CheckResult) -> str:
    why = f"{escaped(result.why)}; {escaped(str(result.caveat))}"
    return f"- {_EMOJI[result.status]} **ok** {_title(result)} {code(result.subject)}: {why}"


def _item(result: CheckResult) -> str:
    line = (
        f"- {_EMOJI[result.status]} **{result.status.value}** {_title(result)} "
        f"{code(result.subject)}: {escaped(result.why)}"
    )
    return line if not result.remedy else f"{line}\n\n{code_block(result.remedy, 'sh', '  ')}"
