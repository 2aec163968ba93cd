"""`kitaru stack copy`."""

from __future__ import annotations

from typing import Annotated

import typer

from kitaru_iac.cli.options import StackRef
from kitaru_iac.cli.output import current as output

__all__ = ["copy"]


def copy(
    stack: StackRef,
    new: Annotated[
        str, typer.Argument(metavar="NEW", help="The name of the copy.", show_default=False)
    ],
    no_verify: Annotated[
        bool, typer.Option("--no-verify", help="Do not try the connector.")
    ] = False,
) -> None:
    """Make a stack with the configuration of another one.

    Also of one that Kitaru did not make; the copy is Kitaru's, and is not made active. It has
    components of its own, and uses the other one's connector. Secrets are shared as references
    only. Infrastructure is never copied: both stacks use the same.

    Examples:
        kitaru stack copy dev test
        kitaru stack copy prod trial --no-verify --output json
    """
    from kitaru_iac.stacks.copy import copy as make

    out = output()
    done = make(stack, new, verify=not no_verify, progress=out.progress)
    for note in done.notes:
        out.note(note)
    for warning in done.created.warnings:
        out.warn(warning)
    out.item(done.to_dict(), [f"Copied stack: {done.copied_from} → {done.created.name}"])
