"""The flags that describe a stack: the same for every command that takes a description."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from kitaru_iac.cli import completion
from kitaru_iac.cli._flags import flags
from kitaru_iac.cli.formats import PlanFormat, choice
from kitaru_iac.cli.frame import Command, parameters
from kitaru_iac.errors import DescriptionError, UsageError
from kitaru_iac.values import dataclass, field, replace

if TYPE_CHECKING:
    from kitaru_iac.spec import StackSpec
    from kitaru_iac.spec.files import Described

__all__ = [
    "MORE",
    "DescribedCommand",
    "Description",
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

#: The commands that take several descriptions, and what their names mean.
_OF_SEVERAL = ("preview", "apply")
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


@dataclass(frozen=True, slots=True)
class Description:
    """What the command line says about a stack.

    Attributes:
        flags: By the keys of stack.yaml; None is not given.
        files: YAML files, or ``-`` for stdin, and for some commands folders.
        extra: The ``TARGET.FIELD=VALUE`` texts.
        names: Which of several described stacks are meant; empty: all.
    """

    flags: dict[str, Any] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    @property
    def file(self) -> str | None:
        """The one file, if there is one.

        Raises:
            UsageError: There are several.
        """
        if len(self.files) > 1:
            raise UsageError(
                f"This command takes one description, and --file is given {len(self.files)} times",
                where="--file",
                remedy="`kitaru stack preview` and `apply` take several.",
            )
        return self.files[0] if self.files else None

    @property
    def given(self) -> list[str]:
        """The flags that were given, as written."""
        names = [
            f"--{key.replace('_', '-')}" for key, value in self.flags.items() if value is not None
        ]
        return names + (["--extra"] if self.extra else [])

    def load(self) -> StackSpec:
        """The validated description.

        Raises:
            DescriptionError: Everything that is wrong with it.
        """
        from kitaru_iac.machine.project import description_defaults
        from kitaru_iac.spec import load

        return load(self.flags, self.file, self.extra, description_defaults())

    def placed(self, error: DescriptionError) -> DescriptionError:
        """Give an error that was found later, as in an account, with where each value stands.

        Standard input was read, and cannot be read again: its problems stay without a line.
        """
        if len(self.files) > 1 or all(problem.source for problem in error.problems):
            return error
        from pathlib import Path

        from kitaru_iac.machine.project import description_defaults
        from kitaru_iac.spec.loading import merge

        file = self.file
        if file is not None and not Path(file).is_file():
            return error
        origins = merge(self.flags, file, self.extra, description_defaults()).origins
        return DescriptionError(
            [
                problem
                if problem.source
                else replace(problem, source=origins.of(problem.field) or file)
                for problem in error.problems
            ]
        )

    def several(self, *, as_source: bool = False) -> list[Described] | None:
        """The validated descriptions, where the files hold several; None where it is one.

        Args:
            as_source: Whether the files count as a whole, also where they hold one.

        Raises:
            DescriptionError: Everything that is wrong with any of them.
            UsageError: Flags describe a stack, and there are several; a name that is chosen is
                not described, or several are, where one stack is.
        """
        from kitaru_iac.machine.project import description_defaults
        from kitaru_iac.spec.files import choose, is_several, read_all

        if as_source and self.names:
            raise UsageError(
                f"Names choose among the described stacks ({', '.join(self.names)}), and "
                "--prune and --source mean all of them",
                where="NAME",
                remedy="Leave the names out.",
            )
        if not is_several(self.files) and not (as_source and self.files):
            if len(self.names) > 1:
                raise UsageError(
                    f"{len(self.names)} names are given, and at most one stack is described",
                    where="NAME",
                    remedy="Give one name, or the files that describe them all, as `-f stacks/`.",
                )
            return None
        described = read_all(self.files, description_defaults())
        given = [flag for flag in self.given if not (self.names and flag == "--name")]
        if given:
            raise UsageError(
                f"{', '.join(given)} would describe one stack, and the files hold {len(described)}",
                remedy="Leave it out, or give one file.",
            )
        return choose(described, self.names) if self.names else described


class DescribedCommand(Command):
    """A command that takes all the flags that describe a stack.

    Its function has a `typer.Context` as its first argument, and asks `description` for them.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._flags = parameters(flags)
        if self.name in _OF_SEVERAL:
            name = next(param for param in self._flags if param.name == "name")
            name.nargs, name.metavar = -1, "NAME..."
            name.help = _NAMES  # type: ignore[attr-defined]
        self.params = [*self._flags, *self.params]

    def invoke(self, ctx: Any) -> Any:
        """Call the command with its own options; those of the description go into the context."""
        given = {param.name: ctx.params.pop(param.name) for param in self._flags}
        file, extra = given.pop("file"), given.pop("extra")
        names: tuple[str, ...] = ()
        if self.name in _OF_SEVERAL:
            names = tuple(given["name"] or ())
            given["name"] = names[0] if len(names) == 1 else None
        ctx.obj = Description(
            # An option that may come several times, and did not, is empty.
            {_key(name): None if value in ((), []) else value for name, value in given.items()},
            tuple(file or ()),
            tuple(extra or ()),
            names,
        )
        try:
            return super().invoke(ctx)
        except DescriptionError as error:
            raise ctx.obj.placed(error) from error


def description(ctx: typer.Context) -> Description:
    """What the command line says about a stack, in a command of this class."""
    found = ctx.obj
    assert isinstance(found, Description)
    return found


def _key(name: str) -> str:
    """The key of a parameter: `async_` is named so because of Python."""
    return name.removesuffix("_")
