"""`kitaru stack rename`."""

from __future__ import annotations

from typing import Annotated

import typer

from kitaru_iac.cli.options import StackRef
from kitaru_iac.cli.output import current as output

__all__ = ["rename"]


def rename(
    stack: StackRef,
    new: Annotated[
        str, typer.Argument(metavar="NEW", help="Its name from now on.", show_default=False)
    ],
) -> None:
    """Give a stack another name, with its own parts.

    It keeps its id, and stays the active stack where it is. Its components and its connector are
    renamed with it, and so is the record of what was applied. Write the new name into its
    description too. A stack whose infrastructure was provisioned keeps its name, and one that
    belongs to Pulumi is left to its program.

    Examples:
        kitaru stack rename dev team-a
        kitaru stack rename dev team-a --output json
    """
    from kitaru_iac.stacks.rename import rename as change

    done = change(stack, new)
    out = output()
    for warning in done.warnings:
        out.warn(warning)
    out.item(done.to_dict(), [f"Renamed stack: {done.previous_name} → {done.name}"])
