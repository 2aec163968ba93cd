"""The short way: lines that are understood without the parser.

Typer and our commands take 0.1 s to import and to build, more than all else that a command on a
server does. So the commands that are called most are called at once where every word of the line
is plain: the command, the options below with their values, names. Everything else, and so every
mistake, every help page and completion, goes through the parser, which does the same with these
lines (tests/cli/test_short.py).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from kitaru_iac.cli.formats import FORMATS
from kitaru_iac.values import dataclass, field

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["Call", "understood"]

#: What an option takes: a text, a whole number, a text each time; or it stands for a value itself.
_TEXT, _NUMBER, _EACH = "text", "number", "each"
#: The parameter that an option fills, and what it takes.
_Options = Mapping[str, tuple[str, str | bool]]


class Call(NamedTuple):
    """A line that was understood.

    Attributes:
        run: What it calls; gives the exit code, if that is not 0.
        writes: Whether Ctrl-C and SIGTERM have to be answered meanwhile.
    """

    run: Callable[[], int | None]
    writes: bool


@dataclass(frozen=True, slots=True)
class _Line:
    """A command that can be called so.

    Attributes:
        module: The module in this package that holds its function.
        function: The function's name there.
        least: How many names it needs.
        most: How many it takes; None: any number.
        options: Its own. What they fill is given by name.
        described: Whether it takes the flags that describe a stack; its function gets them first.
        writes: See `Call`.
        formats: What ``--output`` may say.
    """

    module: str
    function: str
    least: int = 0
    most: int | None = 0
    options: _Options = field(default_factory=dict)
    described: bool = False
    writes: bool = True
    formats: tuple[str, ...] = FORMATS


def _switches(*names: str) -> dict[str, tuple[str, str | bool]]:
    return {f"--{name.replace('_', '-')}": (name, True) for name in names}


_YES: _Options = {"--yes": ("yes", True), "-y": ("yes", True)}
_PAGE: _Options = {"--limit": ("limit", _NUMBER), "--page": ("page", _NUMBER)}
_LINES = {
    "list": _Line("reading", "list_", options=_PAGE, writes=False),
    "current": _Line("reading", "current", writes=False),
    "show": _Line("reading", "show", most=1, writes=False),
    "use": _Line("reading", "use", least=1, most=1),
    "create": _Line(
        "creating",
        "create",
        most=1,
        options={**_switches("dry_run", "take_back"), **_YES},
        described=True,
    ),
    "preview": _Line(
        "applying",
        "preview",
        most=None,
        options={**_switches("detailed_exitcode", "take_back"), "--out": ("out", _TEXT)},
        described=True,
        formats=(*FORMATS, "markdown"),
    ),
    "apply": _Line(
        "applying",
        "apply",
        most=None,
        options={
            **_switches("detailed_exitcode", "fail_fast", "take_back"),
            **_YES,
            "--plan": ("plan", _TEXT),
        },
        described=True,
    ),
    "delete": _Line(
        "deleting",
        "delete",
        least=1,
        most=1,
        options={
            **_switches("recursive", "force", "unmanaged", "infra", "keep_infra"),
            **_switches("include_protected", "delete_data"),
            **_YES,
            "-r": ("recursive", True),
        },
    ),
}
#: The options that may stand anywhere; `main` has read them already.
_COMMON: _Options = {
    "-o": ("output", _TEXT),
    "--output": ("output", _TEXT),
    "--debug": ("debug", True),
}
#: The files of a description, which are no field of it.
_FILES: _Options = {"-f": ("file", _EACH), "--file": ("file", _EACH)}


def understood(words: Sequence[str]) -> Call | None:
    """What this line calls; None where the parser has to look at it.

    Args:
        words: The command line after the program's name.
    """
    if any(name.endswith("_COMPLETE") for name in os.environ):
        return None
    plain: list[str] = []
    given: dict[str, Any] = {}
    # An option of the command has to stand after it.
    line, options = None, _COMMON
    rest = iter(words)
    for word in rest:
        if not word:
            return None
        if not word.startswith("-"):
            plain.append(word)
            if len(plain) == 2:
                line = _LINES.get(word) if plain[0] == "stack" else None
                options = _known(line) if line is not None else _COMMON
        elif not _take(word, rest, options, given):
            return None
    if line is None or given.pop("output", FORMATS[0]) not in line.formats:
        return None
    command, *names = plain[1:]
    if len(names) < line.least or (line.most is not None and len(names) > line.most):
        return None
    given.pop("debug", None)
    return _call(command, line, names, given)


def _known(line: _Line) -> _Options:
    """The options that a command understands here."""
    if not line.described:
        return {**_COMMON, **line.options}
    return {**_COMMON, **_FILES, **_flags(), **line.options}


def _flags() -> _Options:
    """The flags that describe a stack, from the table of fields."""
    from kitaru_iac.spec.fields import FIELDS
    from kitaru_iac.spec.rows import Kind

    found: dict[str, tuple[str, str | bool]] = {}
    for info in FIELDS.values():
        if info.flag is None or info.key == "name":
            continue
        flag = info.flag.words or f"--{info.key.replace('_', '-')}"
        if info.kind is Kind.SWITCH:
            on, _, off = flag.partition("/")
            found[on] = info.attribute, True
            if off:
                found[off] = info.attribute, False
        else:
            found[flag] = info.attribute, _EACH if info.kind is Kind.MAPPING else _TEXT
    return found


def _take(word: str, rest: Iterator[str], options: _Options, given: dict[str, Any]) -> bool:
    """Put what an option says into `given`; False where only the parser understands it."""
    name, joined, value = word.partition("=")
    if name not in options:
        return False
    parameter, takes = options[name]
    if isinstance(takes, bool):
        if joined or (parameter in given and parameter != "debug"):
            return False
        given[parameter] = takes
        return True
    if joined and not name.startswith("--"):
        return False
    if not joined:
        value = next(rest, "")
    if not value or value.startswith("-"):
        return False
    if takes == _EACH:
        given.setdefault(parameter, []).append(value)
        return True
    if parameter in given or (takes == _NUMBER and not (value.isascii() and value.isdigit())):
        return False
    given[parameter] = int(value) if takes == _NUMBER else value
    return True


def _module(name: str) -> ModuleType:
    match name:
        case "creating":
            from kitaru_iac.cli import creating

            return creating
        case "applying":
            from kitaru_iac.cli import applying

            return applying
        case "deleting":
            from kitaru_iac.cli import deleting

            return deleting
    from kitaru_iac.cli import reading

    return reading


def _call(command: str, line: _Line, names: list[str], given: dict[str, Any]) -> Call:
    if not line.described:
        return Call(lambda: _function(line)(*names, **given), line.writes)
    own = {parameter for parameter, _ in line.options.values()}
    options = {name: value for name, value in given.items() if name in own}
    flags = {name: value for name, value in given.items() if name not in own}

    def run() -> int | None:
        from kitaru_iac.cli.described import OF_SEVERAL, Description, placed

        flags["name"] = names if command in OF_SEVERAL else next(iter(names), None)
        asked = Description.of(command, flags)
        with placed(asked):
            return _function(line)(asked, **options)

    return Call(run, line.writes)


def _function(line: _Line) -> Callable[..., int | None]:
    found: Callable[..., int | None] = getattr(_module(line.module), line.function)
    return found
