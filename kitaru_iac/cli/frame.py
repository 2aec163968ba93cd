"""The classes that typer builds our commands from: lazy groups, fast parameters, our help pages.

Typer 0.29 converts every value with pydantic and writes help with rich; both take longer to import
than a whole command of ours may take. What the command line needs of them is done here.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from kitaru_iac.cli import help as pages
from kitaru_iac.cli.commands import OTHER_WORDS, TREE, Entry, paths
from kitaru_iac.cli.formats import Format, choice

if TYPE_CHECKING:
    from typer._click.core import Command as AnyCommand
    from typer._click.core import Context, Parameter
    from typer._click.shell_completion import CompletionItem

__all__ = [
    "COMMON",
    "Command",
    "Group",
    "build",
    "close_to",
    "fast",
    "meant",
    "parameters",
    "show_overview",
]

_Parameter = TypeVar("_Parameter", bound="Parameter")

#: The panel of the options that every command has.
COMMON = "Common"


def close_to(word: str, candidates: list[str]) -> str | None:
    """The candidate that was probably meant."""
    from kitaru_iac.spec.suggest import suggest

    return suggest(word, candidates)


def meant(word: str, entries: Mapping[str, Entry]) -> str | None:
    """The command that a mistyped word or one of another tool stands for.

    Args:
        word: What was typed.
        entries: The commands of the group where it was typed; they come first.

    Returns:
        One of their names, or the path of a command from the root; None where none is near.
    """
    here = close_to(word, list(entries))
    if here is not None:
        return here
    by_last_word = {path.split()[-1]: path for path in reversed(paths())}  # stacks come first
    return OTHER_WORDS.get(word) or by_last_word.get(close_to(word, list(by_last_word)) or "")


# -- parameters ----------------------------------------------------------------------------------


def _converted(param: TyperOption | TyperArgument, ctx: Context, value: object) -> object:
    """What was typed, as the function wants it: text, a choice, a number, a list of text."""
    annotation = param.type_descriptor.annotation
    if value is None:
        return () if param.multiple or param.nargs == -1 else None
    choices = param.type_descriptor.choices
    if choices is not None and value not in choices:
        near = close_to(str(value), list(choices))
        raise typer.BadParameter(
            f"'{value}' is not one of {', '.join(choices)}."
            + (f" Did you mean '{near}'?" if near else ""),
            ctx=ctx,
            param=param,
        )
    if annotation is int and not isinstance(value, int):
        try:
            return int(str(value))
        except ValueError:
            raise typer.BadParameter(
                f"'{value}' is not a whole number.", ctx=ctx, param=param
            ) from None
    return value


def fast(param: _Parameter) -> _Parameter:
    """The parameter that typer made, with our conversion instead of the one through pydantic."""
    if "process_value" in vars(param) or not isinstance(param, TyperOption | TyperArgument):
        return param

    def process_value(ctx: Context, value: object) -> object:
        value = _converted(param, ctx, value)
        if param.required and param.value_is_missing(value):
            ctx.fail(f"Missing {param.param_type_name} {param.get_error_hint()}.")
        return value if param.callback is None else param.callback(ctx, param, value)

    param.process_value = process_value  # type: ignore[method-assign]
    return param


def _template(
    output: Annotated[
        Format,
        typer.Option(
            "--output",
            "-o",
            metavar="FORMAT",
            help=choice(),
            rich_help_panel=COMMON,
            expose_value=False,
        ),
    ] = "text",
    debug: Annotated[
        bool,
        typer.Option(
            "--debug",
            help="Show the traceback of an error, and what ZenML logs.",
            rich_help_panel=COMMON,
            expose_value=False,
        ),
    ] = False,
) -> None:
    """The options of every command. `main` reads them before anything is parsed."""


def parameters(function: Callable[..., None]) -> list[Parameter]:
    """The parameters that typer makes of a function's."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command()(function)
    return [fast(param) for param in typer.main.get_command(app).params]


# -- commands ------------------------------------------------------------------------------------


class Command(TyperCommand):
    """A command with the common options, our help page and our suggestions."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own = {param.name for param in self.params}
        common = [param for param in parameters(_template) if param.name not in own]
        self.params = [*map(fast, self.params), *common]

    def get_help(self, ctx: Context) -> str:
        """Our page instead of typer's."""
        return pages.command_help(self, ctx)

    def get_help_option(self, ctx: Context) -> TyperOption | None:
        """The ``--help`` option, in the panel of the common ones."""
        option = super().get_help_option(ctx)
        return None if option is None else fast(option)


class Group(TyperGroup):
    """A group whose commands are imported when they are called."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own = {param.name for param in self.params}
        common = [param for param in parameters(_template) if param.name not in own]
        self.params = [*map(fast, self.params), *common]
        self.entries: dict[str, Entry] = TREE
        self.examples: tuple[str, ...] = ()

    def list_commands(self, ctx: Context) -> list[str]:  # noqa: ARG002 - typer's signature
        """The names, in the order of the overview."""
        return list(self.entries)

    def get_command(self, ctx: Context, cmd_name: str) -> AnyCommand | None:  # noqa: ARG002
        """The command of this name; its module is imported now."""
        entry = self.entries.get(cmd_name)
        return None if entry is None else build(cmd_name, entry)

    def resolve_command(
        self, ctx: Context, args: list[str]
    ) -> tuple[str | None, AnyCommand | None, list[str]]:
        """The command, or an error that says which one was probably meant."""
        name = args[0]
        if name not in self.entries and not name.startswith("-") and not ctx.resilient_parsing:
            near = self._meant(name, ctx)
            ctx.fail(f"No such command '{name}'." + (f" Did you mean '{near}'?" if near else ""))
        return super().resolve_command(ctx, args)

    def _meant(self, name: str, ctx: Context) -> str | None:
        path = meant(name, self.entries)
        if path is not None:
            prefix = ctx.command_path if path in self.entries else ctx.find_root().info_name
            return f"{prefix} {path}"
        theirs = close_to(name, list(self._others()))
        return f"{ctx.find_root().info_name} {theirs}" if theirs else None

    def _others(self) -> dict[str, str]:
        """The commands of the other `kitaru` that our root hands over."""
        if self.entries is not TREE:
            return {}
        from kitaru_iac.cli.passthrough import other_command

        other = other_command()
        return (other.commands or {}) if other else {}

    def get_help(self, ctx: Context) -> str:
        """Our page instead of typer's."""
        return pages.group_help(self, ctx, self.entries, self.examples, self._others())

    def get_help_option(self, ctx: Context) -> TyperOption | None:
        """The ``--help`` option, in the panel of the common ones."""
        option = super().get_help_option(ctx)
        return None if option is None else fast(option)

    def shell_complete(self, ctx: Context, incomplete: str) -> list[CompletionItem]:
        """Names and summaries, without importing the commands."""
        from typer._click.shell_completion import CompletionItem

        names = [
            CompletionItem(name, help=entry.summary)
            for name, entry in self.entries.items()
            if name.startswith(incomplete)
        ]
        return names or TyperCommand.shell_complete(self, ctx, incomplete)


@cache
def build(name: str, entry: Entry) -> AnyCommand:
    """The command or group that an entry of the tree describes."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    if entry.children is not None:
        app.callback(cls=Group, invoke_without_command=True, help=entry.summary)(_group)
        group = typer.main.get_group(app)
        group.name = name
        group.entries = entry.children  # type: ignore[attr-defined]
        group.examples = _EXAMPLES.get(name, _EXAMPLES["stack"])  # type: ignore[attr-defined]
        return group
    module = import_module(f"kitaru_iac.cli.{entry.module}")
    function = getattr(module, entry.function)
    app.command(name, cls=_class_of(entry), help=inspect.getdoc(function))(function)
    return typer.main.get_command(app)


def _class_of(entry: Entry) -> type[Command]:
    if not entry.described:
        return Command
    # Here, because it builds on this module.
    from kitaru_iac.cli.options import DescribedCommand

    return DescribedCommand


#: Of each group.
_EXAMPLES = {
    "stack": (
        "kitaru stack create dev",
        "kitaru stack create -f stack.yaml",
        "kitaru stack use prod-k8s",
        "kitaru stack list --output json",
    ),
    "infra": ("kitaru infra list", "kitaru infra delete prod"),
}


def _group(ctx: typer.Context) -> None:
    """A group without a command shows its page."""
    if ctx.invoked_subcommand is None:
        show_overview(ctx)


def show_overview(ctx: typer.Context) -> None:
    """Show a group's page to a person; a program is told what is missing."""
    from kitaru_iac.cli.output import current

    if current().structured:
        ctx.fail("Missing command.")
    typer.echo(ctx.get_help(), color=ctx.color)
