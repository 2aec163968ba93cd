"""`kitaru stack apply` and `kitaru stack preview`."""

from __future__ import annotations

from typing import Annotated

import typer

from kitaru_iac.cli import applying
from kitaru_iac.cli.options import (
    MORE,
    Parallel,
    Prune,
    ReportFormat,
    SourceName,
    TakeBack,
    description,
)

__all__ = ["apply", "preview"]

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
    out: Annotated[
        str | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="Write the plan to this file too, for review and for apply --plan.",
            rich_help_panel=MORE,
        ),
    ] = None,
    prune: Prune = False,
    source: SourceName = None,
    parallel: Parallel = 8,
    detailed_exitcode: _DetailedExitcode = False,
    take_back: TakeBack = False,
    output: ReportFormat = "text",  # noqa: ARG001 - `main` has read it before
) -> int:
    """Show what apply would do, and do nothing.

    Examples:
        kitaru stack preview -f stack.yaml
        kitaru stack preview -f stack.yaml --output markdown   # for a pull request
        kitaru stack preview -f stack.yaml --out plan.json
        kitaru stack preview -f stacks/
        kitaru stack preview -f stacks/ prod test
        kitaru stack preview -f stacks/ --prune
        kitaru stack preview -f stack.yaml --detailed-exitcode
    """
    return applying.preview(
        description(ctx),
        out=out,
        prune=prune,
        source=source,
        parallel=parallel,
        detailed_exitcode=detailed_exitcode,
        take_back=take_back,
    )


def apply(
    ctx: typer.Context,
    yes: Annotated[
        bool,
        typer.Option("--yes", "-y", help="Do it without asking.", rich_help_panel=MORE),
    ] = False,
    plan: Annotated[
        str | None,
        typer.Option(
            "--plan",
            metavar="FILE",
            help="Apply exactly this plan of preview --out, without asking; refuse if something "
            "else would be done by now.",
            rich_help_panel=MORE,
        ),
    ] = None,
    fail_fast: Annotated[
        bool,
        typer.Option(
            "--fail-fast",
            help="Of several stacks: begin no other once one has failed.",
            rich_help_panel=MORE,
        ),
    ] = False,
    prune: Prune = False,
    source: SourceName = None,
    parallel: Parallel = 8,
    detailed_exitcode: _DetailedExitcode = False,
    take_back: TakeBack = False,
) -> int:
    """Change a stack to match its description; create it if it does not exist.

    Shows the plan first and asks on a terminal. What exists is changed in place and keeps its id;
    the second time there is nothing to do.

    Examples:
        kitaru stack apply -f stack.yaml
        kitaru stack apply -f stack.yaml --yes --output json
        kitaru stack apply -f stack.yaml --plan plan.json
        kitaru stack apply -f stacks/ --yes
        kitaru stack apply -f stacks/ --prune
    """
    return applying.apply(
        description(ctx),
        yes=yes,
        plan=plan,
        fail_fast=fail_fast,
        prune=prune,
        source=source,
        parallel=parallel,
        detailed_exitcode=detailed_exitcode,
        take_back=take_back,
    )
