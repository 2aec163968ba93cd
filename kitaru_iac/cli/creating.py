"""What `stack create` does; how it is called is in `stack_create`.

Nothing here, nor what it imports, needs the parser: see `short`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kitaru_iac.cli.infra import consent, progress, resource_lines, show_report
from kitaru_iac.cli.output import current as output
from kitaru_iac.cli.plans import asking
from kitaru_iac.errors import ExitCode
from kitaru_iac.machine.interrupts import faces

if TYPE_CHECKING:
    from collections.abc import Callable

    from kitaru_iac.cli.described import Description
    from kitaru_iac.spec import StackSpec

__all__ = ["create"]


def create(
    asked: Description, *, dry_run: bool = False, yes: bool = False, take_back: bool = False
) -> int | None:
    """`kitaru stack create`."""
    out = output()
    spec = asked.load()
    # After the description: a wrong one is told without what reaches a store.
    from kitaru_iac.stacks import deployed, operations

    if dry_run:
        from kitaru_iac.cli.applying import show_plan
        from kitaru_iac.stacks.planning import plan_stack

        show_plan(plan_stack(spec, progress=out.progress, show=show_report, take_back=take_back))
        return None
    if spec.cloud is not None and spec.infra == "provision" and not yes:
        plan = deployed.preview_creation(
            spec, progress=progress(), consent=consent(yes=False), take_back=take_back
        )
        if not asking("Make this?")(plan):
            out.item({"name": spec.name, "id": None}, ["Nothing was made."])
            return int(ExitCode.FAILED)
    # A local stack is made at once; there is nothing to wait for and to be told about.
    made = operations.create(
        spec,
        progress=_progress(spec),
        consent=consent(yes=yes),
        show=show_report,
        take_back=take_back,
    )
    faces.done = f"stack '{made.name}' is registered as described"
    for warning in made.warnings:
        out.warn(warning)
    lines = [f"Created stack: {made.name}"]
    if made.is_active:
        before = made.previous_active_stack
        lines.append(
            f"Active stack: {before} → {made.name}" if before else f"Active stack: {made.name}"
        )
    if made.state is not None:
        lines += resource_lines(made)
    out.item(made.to_dict(), lines)
    return None


def _progress(spec: StackSpec) -> Callable[[str], None] | None:
    if spec.cloud is None:
        return None
    return progress() if spec.infra == "provision" else output().progress
