"""`kitaru stack health`."""

from __future__ import annotations

from kitaru_iac.cli.options import ReportFormat, StackRefs
from kitaru_iac.cli.output import current
from kitaru_iac.errors import ExitCode

__all__ = ["health"]


def health(
    stacks: StackRefs = None,
    output: ReportFormat = "text",  # noqa: ARG001 - `main` has read it before
) -> int:
    """Say whether stacks are as they were applied, and fit.

    Drift of both layers and the checks of verify in one answer. Exit code 3 if a check fails, else
    2 if there is drift, else 1 if something cannot be told, else 0. Writes nothing.

    Examples:
        kitaru stack health
        kitaru stack health prod-k8s --output json
    """
    from kitaru_iac.render.health import lines, markdown
    from kitaru_iac.stacks.health import State
    from kitaru_iac.stacks.health import health as examine

    out = current()
    found = examine(stacks or (), progress=out.progress)
    told = [item.to_dict() for item in found]
    out.items(told, lines(told, out.style), markdown=lambda: markdown(told))
    states = {item.state for item in found}
    codes = {
        State.FAILED: ExitCode.CHECK_FAILED,
        State.DRIFT: ExitCode.CHANGES,
        State.UNKNOWN: ExitCode.FAILED,
    }
    return int(next((code for state, code in codes.items() if state in states), ExitCode.DONE))
