"""`kitaru stack list` and `kitaru stack current`."""

from __future__ import annotations

from typing import Annotated

import typer

from kitaru_iac.cli import reading

__all__ = ["current", "list_"]


def list_(
    limit: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Show at most N stacks, with their total and how to see the next.",
            show_default=False,
        ),
    ] = None,
    page: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Which page, from 1, of --limit stacks each (100 without it).",
            show_default=False,
        ),
    ] = None,
) -> None:
    """List all stacks and mark the active one.

    Oldest first. With --limit or --page the store is asked for that page alone, and the document
    also holds total, page and next_page (null on the last one).

    Examples:
        kitaru stack list
        kitaru stack list --output json
        kitaru stack list --limit 100 --page 2
    """
    reading.list_(limit, page)


def current(
    explain: Annotated[
        bool,
        typer.Option(
            "--explain", help="Show all six layers that choose the stack of a run, and which wins."
        ),
    ] = False,
) -> None:
    """Show the active stack, and which scope chose it.

    The environment variable ZENML_ACTIVE_STACK_ID takes precedence over the directory's own
    choice (kitaru init), and that over the choice of this machine's user. What a run uses may be
    another one: --explain says which, and why.

    Examples:
        kitaru stack current
        kitaru stack current --explain
        kitaru stack current --output json
    """
    if explain:
        from kitaru_iac.cli.layers import explain as explain_layers

        explain_layers()
    else:
        reading.current()
