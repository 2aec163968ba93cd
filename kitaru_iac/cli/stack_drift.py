"""`kitaru stack drift`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kitaru_iac.cli import completion
from kitaru_iac.cli.formats import PlanFormat, choice
from kitaru_iac.cli.output import current
from kitaru_iac.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kitaru_iac.stacks.watch import StackDrift

__all__ = ["drift"]


def drift(
    stacks: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[STACK]...",
            help="Names or ids of stacks; all that Kitaru made, where none is given.",
            show_default=False,
            autocompletion=completion.stack_names,
        ),
    ] = None,
    detailed_exitcode: Annotated[
        bool,
        typer.Option(
            "--detailed-exitcode",
            help="Exit with 2 if there is drift, and with 1 if something cannot be told.",
        ),
    ] = False,
    output: Annotated[  # noqa: ARG001 - `main` has read it before
        PlanFormat,
        typer.Option(
            "--output",
            "-o",
            metavar="FORMAT",
            help=choice(PlanFormat),
            rich_help_panel="Common",
        ),
    ] = "text",
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
    if out.format == "markdown":
        out.lines(markdown(told).splitlines())
    else:
        out.items(told, lines(told, out.style))
    return code(found) if detailed_exitcode else int(ExitCode.DONE)


def code(found: Sequence[StackDrift]) -> int:
    """Give the exit code: 2 for drift, else 1 where something is unknown, else 0."""
    from kitaru_iac.stacks.watch import Finding

    findings = {item.finding for item in found}
    if Finding.DRIFT in findings:
        return int(ExitCode.CHANGES)
    return int(ExitCode.FAILED if Finding.UNKNOWN in findings else ExitCode.DONE)
