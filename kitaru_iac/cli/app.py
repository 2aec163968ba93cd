"""The command ``kitaru`` itself: the root of the tree."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any

import typer

from kitaru_iac.cli.commands import TREE
from kitaru_iac.cli.frame import Group, fast, show_overview

__all__ = ["root_command"]

_EXAMPLES = (
    "kitaru stack create dev             # a local stack, active at once",
    "kitaru stack create -f stack.yaml   # any stack, from a file",
    "kitaru stack list",
    "kitaru login https://kitaru.example.com --api-key env:KITARU_API_KEY",
)


def _kitaru(
    ctx: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", "-V", help="Show the version and exit.")
    ] = False,
) -> None:
    """Describe, check, provision and register the stacks that your flows run on."""
    if version:
        from kitaru_iac._version import __version__

        typer.echo(f"kitaru-iac {__version__}")
    elif ctx.invoked_subcommand is None:
        show_overview(ctx)


@cache
def root_command() -> Any:
    """The whole command line. Its commands are imported when they are called."""
    app = typer.Typer(
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["--help", "-h"]},
    )
    app.callback(cls=Group, invoke_without_command=True)(_kitaru)
    root: Any = typer.main.get_command(app)
    root.name = "kitaru"
    root.params = [fast(param) for param in root.params]  # typer added those for completion
    root.entries = TREE
    root.examples = _EXAMPLES
    return root
