"""`kitaru stack drift`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kitaru_iac.cli.options import DriftCode, ReportFormat, StackRefs
from kitaru_iac.cli.output import current
from kitaru_iac.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kitaru_iac.stacks.watch import StackDrift

__all__ = ["drift"]


def drift(
    stacks: StackRefs = None,
    detailed_exitcode: DriftCode = False,
    output: ReportFormat = "text",  # noqa: ARG001 - `main` has read it before
) -> int:
    """Show what differs from what was applied, in ZenML and in the cloud.

    Needs no file: what was applied is kept on each stack. The cloud is held against Pulumi's state,
    for stacks with provisioned infrastructure. What nobody kept or can see is unknown. Writes
    nothing.

    Examples:
        kitaru stack drift
        kitaru stack drift prod-k8s --detailed-exitcode
        kitaru stack drift --output markdown
    """
    from kitaru_iac.render.drift import lines, markdown
    from kitaru_iac.stacks.watch import look

    out = current()
    found = look(stacks or (), progress=out.progress)
    told = [item.to_dict() for item in found]
    out.items(told, lines(told, out.style), markdown=lambda: markdown(told))
    return code(found) if detailed_exitcode else int(ExitCode.DONE)


def code(found: Sequence[StackDrift]) -> int:
    """Give the exit code: 2 for drift, else 1 where something is unknown, else 0."""
    from kitaru_iac.stacks.watch import Finding

    findings = {item.finding for item in found}
    if Finding.DRIFT in findings:
        return int(ExitCode.CHANGES)
    return int(ExitCode.FAILED if Finding.UNKNOWN in findings else ExitCode.DONE)
