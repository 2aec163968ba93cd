"""The flags that describe a stack: the same for every command that takes a description."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from kitaru_iac.cli import completion
from kitaru_iac.cli._flags import flags
from kitaru_iac.cli.described import OF_SEVERAL, Description, placed
from kitaru_iac.cli.formats import PlanFormat, choice
from kitaru_iac.cli.frame import Command, parameters

__all__ = [
    "MORE",
    "DescribedCommand",
    "DriftCode",
    "Parallel",
    "Prune",
    "ReportFormat",
    "SourceName",
    "StackRef",
    "StackRefs",
    "TakeBack",
    "description",
]

#: The heading of the options that say how a command goes about it.
MORE = "More"

#: What the names mean where several descriptions may be given.
_NAMES = (
    "The stack's name. May stand in the file instead. Where the files describe several: those that "
    "are meant."
)
#: An existing stack, by name or id.
StackRef = Annotated[
    str,
    typer.Argument(
        metavar="STACK",
        help="Its name, its id, or the beginning of its id.",
        autocompletion=completion.stack_names,
    ),
]


#: Existing stacks, by name or id.
StackRefs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[STACK]...",
        help="Names or ids of stacks; all that Kitaru made, where none is given.",
        show_default=False,
        autocompletion=completion.stack_names,
    ),
]

#: ``--detailed-exitcode`` where drift is looked for.
DriftCode = Annotated[
    bool,
    typer.Option(
        "--detailed-exitcode",
        help="Exit with 2 if there is drift, and with 1 if something cannot be told.",
    ),
]

TakeBack = Annotated[
    bool,
    typer.Option(
        "--take-back",
        help="With --infra provision: what was made for this stack, and is in no state of its "
        "infrastructure, is put into it. No other state of it may be used any more.",
        rich_help_panel=MORE,
    ),
]

Prune = Annotated[
    bool,
    typer.Option(
        "--prune",
        help="Also delete, with their own parts, the stacks that were applied from these files "
        "with --prune or --source and that none of them describes any more.",
        rich_help_panel=MORE,
    ),
]

SourceName = Annotated[
    str | None,
    typer.Option(
        "--source",
        metavar="NAME",
        help="What these files are called as a whole, which is kept on their stacks for --prune. "
        "In a Git repository with an origin their place in it tells them apart without.",
        rich_help_panel=MORE,
    ),
]

Parallel = Annotated[
    int,
    typer.Option(
        "--parallel",
        metavar="N",
        min=1,
        max=64,
        help="Of several stacks: so many at the same time, on a server.",
        rich_help_panel=MORE,
    ),
]

#: ``--output`` where a plan or a report is shown.
ReportFormat = Annotated[
    PlanFormat,
    typer.Option(
        "--output",
        "-o",
        metavar="FORMAT",
        help=choice(PlanFormat),
        rich_help_panel="Common",
    ),
]


class DescribedCommand(Command):
    """A command that takes all the flags that describe a stack.

    Its function has a `typer.Context` as its first argument, and asks `description` for them.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._flags = parameters(flags)
        if self.name in OF_SEVERAL:
            name = next(param for param in self._flags if param.name == "name")
            name.nargs, name.metavar = -1, "NAME..."
            name.help = _NAMES  # type: ignore[attr-defined]
        self.params = [*self._flags, *self.params]

    def invoke(self, ctx: Any) -> Any:
        """Call the command with its own options; those of the description go into the context."""
        given = {param.name: ctx.params.pop(param.name) for param in self._flags}
        ctx.obj = Description.of(self.name, given)
        with placed(ctx.obj):
            return super().invoke(ctx)


def description(ctx: typer.Context) -> Description:
    """What the command line says about a stack, in a command of this class."""
    found = ctx.obj
    assert isinstance(found, Description)
    return found
