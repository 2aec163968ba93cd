"""`kitaru stack adopt`."""

from __future__ import annotations

from typing import Annotated

import typer

from kitaru_iac.cli.options import StackRef
from kitaru_iac.cli.output import current as output
from kitaru_iac.cli.plans import asking, tell_plan
from kitaru_iac.errors import ExitCode

__all__ = ["adopt"]


def adopt(
    stack: StackRef,
    yes: Annotated[
        bool,
        typer.Option("--yes", "-y", help="Do it without asking."),
    ] = False,
) -> int | None:
    """Take a stack that Kitaru did not make under its management.

    Shows what would change, and asks on a terminal. Nothing changes but labels: of the stack, and
    of those parts that carry its name, which are its own from then on. Other parts stay what they
    are. A stack that belongs to Pulumi is left to its program.

    Examples:
        kitaru stack adopt prod
        kitaru stack adopt prod --yes --output json
    """
    from kitaru_iac.stacks.adopt import adopt as take

    done = take(stack, confirm=None if yes else asking("Adopt this stack?"))
    out = output()
    if done.changed and yes:
        tell_plan(done.plan)
    if done.plan.has_changes and not done.changed:
        out.item(done.to_dict(), ["Nothing was changed."])
        return int(ExitCode.FAILED)
    lines = [f"Adopted stack: {done.name}"]
    if done.changed:
        lines.append(f"Write its description with: kitaru stack export {done.name}")
    else:
        lines = [f"No changes: stack {done.name} is under management already."]
    out.item(done.to_dict(), lines)
    return None
