"""`kitaru stack show`."""

from __future__ import annotations

from typing import Annotated

import typer

from kitaru_iac.cli import completion, reading

__all__ = ["show"]


def show(
    stack: Annotated[
        str | None,
        typer.Argument(
            metavar="STACK",
            help="Its name, its id, or the beginning of its id. Without it: the active stack.",
            autocompletion=completion.stack_names,
            show_default=False,
        ),
    ] = None,
) -> None:
    """Show everything that is stored about a stack.

    Per component: its flavor, configuration, service connector and labels. Secrets are never
    shown.

    Examples:
        kitaru stack show
        kitaru stack show prod-vertex
        kitaru stack show prod-vertex --output yaml
    """
    reading.show(stack)
