"""`kitaru stack apply` and `kitaru stack preview`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kitaru_iac.cli.infra import consent, progress, show_report
from kitaru_iac.cli.options import MORE, ReportFormat, TakeBack, description
from kitaru_iac.cli.output import current
from kitaru_iac.errors import ExitCode

if TYPE_CHECKING:
    from kitaru_iac.plan.model import Plan

__all__ = ["apply", "preview", "show_plan", "tell_plan"]

_DetailedExitcode = Annotated[
    bool,
    typer.Option(
        "--detailed-exitcode",
        help="Exit with 2 instead of 0 if there are changes.",
        rich_help_panel=MORE,
    ),
]


def preview(
    ctx: typer.Context,
    detailed_exitcode: _DetailedExitcode = False,
    take_back: TakeBack = False,
    output: ReportFormat = "text",  # noqa: ARG001 - `main` has read it before
) -> int:
    """Show what apply would do, and do nothing.

    Examples:
        kitaru stack preview -f stack.yaml
        kitaru stack preview -f stack.yaml --output markdown   # for a pull request
        kitaru stack preview -f stack.yaml --detailed-exitcode
    """
    from kitaru_iac.stacks import operations

    plan = operations.preview(
        description(ctx).load(),
        progress=current().progress,
        show=show_report,
        take_back=take_back,
    )
    show_plan(plan)
    return _code(plan.has_changes, detailed_exitcode)


def apply(
    ctx: typer.Context,
    yes: Annotated[
        bool,
        typer.Option("--yes", "-y", help="Do it without asking.", rich_help_panel=MORE),
    ] = False,
    detailed_exitcode: _DetailedExitcode = False,
    take_back: TakeBack = False,
) -> int:
    """Change a stack to match its description; create it if it does not exist.

    Shows the plan first and asks on a terminal. What exists is changed in place and keeps its id;
    the second time there is nothing to do.

    Examples:
        kitaru stack apply -f stack.yaml
        kitaru stack apply -f stack.yaml --yes --output json
    """
    from kitaru_iac.stacks import operations

    out = current()
    spec = description(ctx).load()
    done = operations.apply(
        spec,
        confirm=None if yes else _ask,
        progress=progress() if spec.infra == "provision" else out.progress,
        consent=consent(yes=yes),
        show=show_report,
        take_back=take_back,
    )
    for warning in done.warnings:
        out.warn(warning)
    if yes and done.changed:
        tell_plan(done.plan)
    name = done.plan.stack
    declined = done.plan.has_changes and not done.changed
    if declined:
        lines = ["Nothing was changed."]
    elif not done.changed:
        lines = [f"No changes: stack {name} is as described."]
    else:
        lines = [f"Applied stack: {name}"]
        before = done.previous_active_stack
        if done.is_active and before and before != name:
            lines.append(f"Active stack: {before} → {name}")
    out.item(done.to_dict(), lines)
    if declined:
        return int(ExitCode.FAILED)
    return _code(done.changed, detailed_exitcode)


def show_plan(plan: Plan) -> None:
    """Write a plan to stdout, in the form that was asked for."""
    from kitaru_iac.render.plan import markdown, text

    out = current()
    if out.format == "markdown":
        out.lines(markdown(plan).splitlines())
    else:
        out.item(plan.to_dict(), text(plan, out.style))


def tell_plan(plan: Plan) -> None:
    """Show a plan on stderr: what is asked about, or was done without asking."""
    from kitaru_iac.render.plan import text

    out = current()
    for line in text(plan, out.error_style):
        out.note(line)


def _ask(plan: Plan) -> bool:
    """Show the plan on stderr and ask."""
    from kitaru_iac.cli.terminal import confirm

    tell_plan(plan)
    return confirm("Apply these changes?", remedy="Run it again with --yes.")


def _code(changes: bool, detailed: bool) -> int:
    return int(ExitCode.CHANGES if changes and detailed else ExitCode.DONE)
