"""`kitaru stack show`."""

from __future__ import annotations

from typing import Annotated

import typer

from kitaru_iac.cli import completion
from kitaru_iac.cli.output import current as output

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
    from kitaru_iac.records.owner import owner_of
    from kitaru_iac.records.reader import open_reader
    from kitaru_iac.render.stack import show_item, show_lines

    out = output()
    reader = open_reader()
    try:
        view = reader.stack(stack if stack is not None else reader.active().id)
    finally:
        reader.close()
    owner = owner_of(view.labels)
    item = show_item(view.to_dict(), owner.to_dict() if owner else None)
    out.item(item, show_lines(item, out.style))
