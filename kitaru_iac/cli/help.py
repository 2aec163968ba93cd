"""The help pages: what it does, examples, then the options by their panels.

Typer's own pages need `rich`, which takes longer to import than a command may take as a whole.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from typer.core import TyperArgument, TyperOption

from kitaru_iac.cli.terminal import has_color, width

if TYPE_CHECKING:
    from typer._click.core import Command, Context, Parameter

    from kitaru_iac.cli.commands import Entry

__all__ = ["command_help", "group_help", "sections"]

_GAP = 2
_NAMES_AT_MOST = 34


def sections(docstring: str) -> tuple[str, str, list[str]]:
    """A docstring's first line, the paragraphs that follow, and the lines of its examples."""
    about, _, examples = docstring.strip().partition("\nExamples:\n")
    first, _, more = about.partition("\n")
    return (
        first.strip(),
        textwrap.dedent(more).strip(),
        textwrap.dedent(examples).strip().splitlines(),
    )


def command_help(command: Command, ctx: Context) -> str:
    """The page of one command."""
    page = _Page()
    first, more, examples = sections(command.help or "")
    arguments = [p for p in command.get_params(ctx) if isinstance(p, TyperArgument)]
    words = " ".join(_name(p) if p.required else f"[{_name(p)}]" for p in arguments)
    page.paragraph(first)
    page.lines(
        [f"{page.bold('Usage:')} {ctx.command_path} {words + ' ' if words else ''}[OPTIONS]"]
    )
    page.paragraph(more)
    page.examples(examples)
    if arguments:
        page.table("Arguments", [_record(p, ctx) for p in arguments if not p.hidden])
    for panel, options in _panels(command.get_params(ctx)).items():
        page.table(panel, [_record(option, ctx) for option in options])
    return page.text()


def group_help(
    group: Command,
    ctx: Context,
    entries: Mapping[str, Entry],
    examples: Iterable[str],
    others: Mapping[str, str],
) -> str:
    """The page of a group: its commands by their panels. Imports none of them.

    Args:
        group: The group.
        ctx: Typer's context.
        entries: Its commands.
        examples: Lines to try.
        others: Commands that are handed over to another distribution, with their summaries.
    """
    page = _Page()
    first, more, _ = sections(group.help or "")
    page.paragraph(first)
    page.lines([f"{page.bold('Usage:')} {ctx.command_path} [OPTIONS] COMMAND ..."])
    page.paragraph(more)
    page.examples(examples)
    panels: dict[str, list[tuple[str, str]]] = {}
    for name, entry in entries.items():
        panels.setdefault(entry.panel, []).append((name, entry.summary))
    if others:
        panels["Of the other kitaru, which is installed too"] = list(others.items())
    longest = max(len(name) for name in (*entries, *others))
    for panel, rows in panels.items():
        page.table(panel, rows, at_least=longest)
    for panel, options in _panels(group.get_params(ctx)).items():
        page.table(panel, [_record(option, ctx) for option in options])
    page.lines([f"Help for one command: {ctx.command_path} COMMAND --help"])
    return page.text()


class _Page:
    """A page under construction."""

    def __init__(self) -> None:
        self._color = has_color(sys.stdout)
        self._width = width()
        self._blocks: list[str] = []

    def bold(self, text: str) -> str:
        return f"\x1b[1m{text}\x1b[0m" if self._color else text

    def text(self) -> str:
        return "\n\n".join(block for block in self._blocks if block)

    def lines(self, lines: Iterable[str]) -> None:
        self._blocks.append("\n".join(lines))

    def paragraph(self, text: str) -> None:
        """Paragraphs are filled; indented lines and lists stay as they are."""
        for block in text.split("\n\n"):
            keep = any(line.startswith((" ", "* ", "- ")) for line in block.splitlines())
            self._blocks.append(block if keep else textwrap.fill(block, self._width))

    def examples(self, lines: Iterable[str]) -> None:
        shown = [
            f"  {self._dim(line) if line.startswith('#') else line}" if line else ""
            for line in lines
        ]
        if shown:
            self.lines([self.bold("Examples:"), *shown])

    def table(self, title: str, rows: list[tuple[str, str]], at_least: int = 0) -> None:
        if not rows:
            return
        column = max(at_least, *(len(name) for name, _ in rows if len(name) <= _NAMES_AT_MOST), 1)
        indent = " " * (2 + column + _GAP)
        lines = [self.bold(f"{title}:")]
        for name, about in rows:
            text = textwrap.wrap(about, max(20, self._width - len(indent))) or [""]
            shown = f"  {self._cyan(name)}"
            if len(name) > column:
                lines.append(shown)
            else:
                lines.append(f"{shown}{' ' * (column - len(name) + _GAP)}{text.pop(0)}".rstrip())
            lines.extend(indent + line for line in text)
        self.lines(lines)

    def _cyan(self, text: str) -> str:
        return f"\x1b[36m{text}\x1b[0m" if self._color else text

    def _dim(self, text: str) -> str:
        return f"\x1b[2m{text}\x1b[0m" if self._color else text


def _panels(params: Iterable[Parameter]) -> dict[str, list[TyperOption]]:
    """Visible options by panel; the common ones come last."""
    found: dict[str, list[TyperOption]] = {}
    common: list[TyperOption] = []
    for param in params:
        if not isinstance(param, TyperOption) or param.hidden:
            continue
        is_common = param.name == "help" or param.rich_help_panel == "Common"
        panel = common if is_common else found.setdefault(param.rich_help_panel or "Options", [])
        panel.append(param)
    return {**found, **({"Common options": common} if common else {})}


def _record(param: TyperOption | TyperArgument, ctx: Context) -> tuple[str, str]:
    """The name with its value's kind, and the help with the default."""
    if isinstance(param, TyperArgument):
        return _name(param), (param.help or "") + (" [required]" if param.required else "")
    short = sorted((o for o in param.opts if not o.startswith("--")), key=len)
    long = [o for o in param.opts if o.startswith("--")]
    name = ", ".join([*short, *long])
    if param.secondary_opts:
        name += " / " + ", ".join(param.secondary_opts)
    if not param.is_flag:
        name += f" {param.metavar or 'TEXT'}"
    about = param.help or ""
    if param.multiple:
        about += " May be given several times."
    if param.envvar:
        names = param.envvar if isinstance(param.envvar, str) else ", ".join(param.envvar)
        about += f" [env: {names}]"
    default = _default(param, ctx)
    return name, about + (f" [default: {default}]" if default else "")


def _name(argument: TyperArgument) -> str:
    return str(argument.metavar or argument.name.upper())


def _default(param: TyperOption, ctx: Context) -> str:
    if isinstance(param.show_default, str):
        return param.show_default
    if param.is_flag or not param.show_default:
        return ""
    value = param.get_default(ctx, call=False)
    return "" if value is None else str(value)
