"""`kitaru doctor`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kitaru_iac.cli.output import Output
from kitaru_iac.cli.output import current as output

if TYPE_CHECKING:
    from kitaru_iac.doctor import Finding

__all__ = ["doctor"]

_MARKS = {
    "ok": ("ok", "green"),
    "missing": ("missing", "yellow"),
    "warn": ("warning", "yellow"),
    "unknown": ("unknown", "dim"),
}


def doctor() -> None:
    """Check the installation and say what is missing.

    Python, whose command `kitaru` is, ZenML and its store, the Pulumi engine, and what each extra
    brings; and how to install what is missing.

    Examples:
        kitaru doctor
        kitaru doctor --output json
    """
    from kitaru_iac.doctor import examine

    out = output()
    findings = examine()
    out.items([finding.to_dict() for finding in findings], _lines(findings, out))


def _lines(findings: list[Finding], out: Output) -> Iterator[str]:
    column = max(len(finding.title) for finding in findings)
    for finding in findings:
        word, color = _MARKS[finding.status]
        yield f"{out.style(f'{word:<7}', color)}  {finding.title:<{column}}  {finding.detail}"
        if finding.remedy:
            margin = f"{'':<7}  {'':<{column}}"
            remedy = finding.remedy.replace("\n", f"\n{margin}    ")
            yield f"{margin}  → {remedy}"
