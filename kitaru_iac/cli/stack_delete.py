"""`kitaru stack delete`."""

from __future__ import annotations

from typing import Annotated

import typer

from kitaru_iac.cli.options import StackRef
from kitaru_iac.cli.output import current as output

__all__ = ["delete"]


def delete(
    stack: StackRef,
    recursive: Annotated[
        bool,
        typer.Option(
            "--recursive",
            "-r",
            help="Delete its components and connector too, if Kitaru made them and no other stack "
            "uses them.",
        ),
    ] = False,
    force: Annotated[
        bool,
        typer.Option(
            "--force", help="Delete it although it is active; the default stack becomes active."
        ),
    ] = False,
) -> None:
    """Delete a stack.

    Without --recursive only the stack's own record goes; its components stay. What was kept is
    listed with the reason.

    Examples:
        kitaru stack delete dev
        kitaru stack delete dev --recursive
        kitaru stack delete dev --recursive --force   # also if it is the active one
    """
    from kitaru_iac import lifecycle

    out = output()
    done = lifecycle.delete(stack, recursive=recursive, force=force)
    lines = [f"Deleted stack: {done.deleted_stack}"]
    lines += [f"Deleted component: {component}" for component in done.components_deleted]
    lines += [f"Deleted connector: {connector}" for connector in done.connectors_deleted]
    lines += [f"Kept: {kept.name} ({kept.kind}): {kept.reason}" for kept in done.kept]
    if done.new_active_stack:
        lines.append(f"Active stack: {done.deleted_stack} → {done.new_active_stack}")
    out.item(done.to_dict(), lines)
