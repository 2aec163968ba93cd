"""`kitaru stack delete`."""

from __future__ import annotations

from typing import Annotated

import typer

from kitaru_iac.cli import deleting
from kitaru_iac.cli.options import StackRef

__all__ = ["delete"]

_INFRASTRUCTURE = "Infrastructure"


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
            "--force",
            help="Delete it although it is active, and the default stack becomes active; or "
            "although it belongs to Pulumi.",
        ),
    ] = False,
    unmanaged: Annotated[
        bool,
        typer.Option(
            "--unmanaged",
            help="Delete it although Kitaru did not make it. Its components and connectors stay.",
        ),
    ] = False,
    infra: Annotated[
        bool,
        typer.Option(
            "--infra",
            help="Take down first what was provisioned for it. Protected resources, and those that "
            "hold something, stay and are listed.",
            rich_help_panel=_INFRASTRUCTURE,
        ),
    ] = False,
    keep_infra: Annotated[
        bool,
        typer.Option(
            "--keep-infra",
            help="Leave what was provisioned for it where it is; kitaru infra list shows it.",
            rich_help_panel=_INFRASTRUCTURE,
        ),
    ] = False,
    include_protected: Annotated[
        bool,
        typer.Option(
            "--include-protected",
            help="With --infra: protected resources too, if they hold nothing.",
            rich_help_panel=_INFRASTRUCTURE,
        ),
    ] = False,
    delete_data: Annotated[
        bool,
        typer.Option(
            "--delete-data",
            help="With --infra: what buckets and repositories hold is deleted with them.",
            rich_help_panel=_INFRASTRUCTURE,
        ),
    ] = False,
    yes: Annotated[
        bool,
        typer.Option(
            "--yes",
            "-y",
            help="With --infra: do it without asking.",
            rich_help_panel=_INFRASTRUCTURE,
        ),
    ] = False,
) -> int | None:
    """Delete a stack.

    Without --recursive only the stack's own record goes; its components stay. What was kept is
    listed with the reason. A stack that Kitaru did not make needs --unmanaged, or a yes on a
    terminal; its parts stay. A stack that infrastructure was provisioned for needs --infra, or
    --keep-infra to leave that; on a terminal it is asked. With --infra, what is not the stack's own
    is never touched: it stays, with exit code 1.

    Examples:
        kitaru stack delete dev
        kitaru stack delete dev --recursive
        kitaru stack delete dev --recursive --force   # also if it is the active one
        kitaru stack delete prod --recursive --infra
        kitaru stack delete theirs --unmanaged
    """
    return deleting.delete(
        stack,
        recursive=recursive,
        force=force,
        unmanaged=unmanaged,
        infra=infra,
        keep_infra=keep_infra,
        include_protected=include_protected,
        delete_data=delete_data,
        yes=yes,
    )
