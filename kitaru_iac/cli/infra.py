"""``--infra`` before a stack is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kitaru_iac.cli.output import current

if TYPE_CHECKING:
    from kitaru_iac.spec import StackSpec

__all__ = ["examine_infrastructure"]


def examine_infrastructure(spec: StackSpec) -> None:
    """Run the checks that were asked for, show what is not ok, and stop if one failed.

    Raises:
        CheckFailed: A check failed; nothing was written.
    """
    if spec.infra == "none":
        return
    from kitaru_iac.infrastructure import examine
    from kitaru_iac.render.report import text

    out = current()
    report = examine(spec)
    if report is None:
        return
    for line in text(report, out.error_style):
        out.note(line)
    report.raise_if_failed()
