"""The faces of a report of checks: text for a terminal or a log, Markdown for a pull request.

JSON and YAML are `CheckReport.to_dict` as it is. Every status has a sign and a word, so that nothing
hangs on colour; the sign is ASCII where the output cannot show others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO

from kitaru_iac.checks import CheckReport, CheckResult, CheckStatus

__all__ = ["report_markdown", "report_text", "write_report"]

_SIGNS: Mapping[CheckStatus, tuple[str, str, str]] = {
    # sign, its ASCII stand-in, rich style
    CheckStatus.OK: ("✓", "+", "green"),
    CheckStatus.WARN: ("!", "!", "yellow"),
    CheckStatus.FAIL: ("✗", "x", "bold red"),
    CheckStatus.UNKNOWN: ("?", "?", "cyan"),
}
_EMOJI = {
    CheckStatus.OK: "✅",
    CheckStatus.WARN: "⚠️",
    CheckStatus.FAIL: "❌",
    CheckStatus.UNKNOWN: "❔",
}


def report_text(report: CheckReport, *, unicode: bool = True) -> str:
    """The report as aligned lines, without colour; it ends with a line that counts.

    Args:
        report: What the checks found.
        unicode: Whether signs outside ASCII may be used.
    """
    lines = [line for line, _ in _lines(report, unicode)]
    return "\n".join(lines) + "\n"


def write_report(report: CheckReport, stream: IO[str]) -> None:
    """Write the report as text: in colour where the stream is a terminal, plain elsewhere."""
    unicode = (getattr(stream, "encoding", None) or "utf-8").lower().replace("-", "") == "utf8"
    if not stream.isatty():
        stream.write(report_text(report, unicode=unicode))
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(file=stream, highlight=False)
    for line, style in _lines(report, unicode):
        # No markup: an ARN or a JSON document holds brackets. No wrapping: commands are copied.
        console.print(Text(line, style=style), soft_wrap=True)


def _lines(report: CheckReport, unicode: bool) -> list[tuple[str, str]]:
    if not report.results:
        return [(f"{report.stack}: nothing to check, it is all on this machine", "")]
    width = max(len(result.id) for result in report.results)
    word = max(len(status.value) for status in CheckStatus)
    lines: list[tuple[str, str]] = []
    told: dict[str, str] = {}
    for result in report.results:
        sign, plain, style = _SIGNS[result.status]
        head = f"{sign if unicode else plain} {result.status.value:<{word}}  {result.id:<{width}}"
        lines.append((f"{head}  {result.subject}", style))
        if result.status is CheckStatus.OK:
            continue
        indent = " " * (word + 4)
        lines.append((f"{indent}{result.why}", ""))
        if result.remedy:
            first = told.setdefault(result.remedy, result.id)
            again = f"(as for {first})" if first != result.id else result.remedy
            lines.append((f"{indent}-> {again}", "dim"))
    return [*lines, (_summary(report), "")]


def _summary(report: CheckReport) -> str:
    counts = ", ".join(
        f"{report.count(status)} {status.value}" for status in CheckStatus if report.count(status)
    )
    return f"{report.stack}: {len(report.results)} checks: {counts}"


def report_markdown(report: CheckReport) -> str:
    """The report for a pull request: what is not ok in the open, what is ok folded away."""
    if not report.results:
        return f"**{_escaped(report.stack)}**: nothing to check, it is all on this machine.\n"
    parts = [f"### Checks of `{report.stack}`", "", _summary(report).split(": ", 1)[1], ""]
    bad = report.with_status(CheckStatus.FAIL, CheckStatus.UNKNOWN, CheckStatus.WARN)
    for result in sorted(bad, key=lambda r: _ORDER[r.status]):
        parts += [*_item(result), ""]
    fine = report.with_status(CheckStatus.OK)
    if fine:
        parts += [f"<details><summary>{len(fine)} ok</summary>", ""]
        parts += [f"- `{result.id}` {_escaped(result.why)}" for result in fine]
        parts += ["", "</details>", ""]
    return "\n".join(parts).rstrip() + "\n"


_ORDER = {CheckStatus.FAIL: 0, CheckStatus.UNKNOWN: 1, CheckStatus.WARN: 2, CheckStatus.OK: 3}


def _item(result: CheckResult) -> list[str]:
    title = f"[`{result.id}`]({result.docs})" if result.docs else f"`{result.id}`"
    lines = [
        f"- {_EMOJI[result.status]} **{result.status.value}** {title} `{result.subject}`: "
        f"{_escaped(result.why)}"
    ]
    if result.remedy:
        # A fence longer than any in the text cannot be closed by it.
        lines += ["", "  ````sh", f"  {result.remedy}", "  ````"]
    return lines


def _escaped(text: str) -> str:
    for sign in "\\`*_<>|[]":
        text = text.replace(sign, "\\" + sign)
    return " ".join(text.split())
