"""The short way: lines that are understood without the parser.

Typer and our commands take 0.05 s to import, a third of what `stack current` takes in all. So the
commands that only read or switch are called at once where every word of the line is plain: the
command, the options below, a name. Everything else, and so every mistake, every help page and
completion, goes through the parser, which does the same with these lines (tests/cli/test_short.py).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kitaru_iac.cli.formats import FORMATS
from kitaru_iac.values import dataclass

__all__ = ["understood"]


@dataclass(frozen=True, slots=True)
class _Line:
    """A command that can be called so.

    Attributes:
        function: Its name in `reading`.
        least: How many names it needs.
        most: How many it takes.
        numbers: Its options that take a whole number, and the parameters they fill.
    """

    function: str
    least: int = 0
    most: int = 0
    numbers: Mapping[str, str] | None = None


_LINES = {
    "list": _Line("list_", numbers={"--limit": "limit", "--page": "page"}),
    "current": _Line("current"),
    "show": _Line("show", most=1),
    "use": _Line("use", least=1, most=1),
}
_OUTPUT = ("-o", "--output")


def understood(words: Sequence[str]) -> Callable[[], None] | None:
    """What this line calls; None where the parser has to look at it.

    Args:
        words: The command line after the program's name. Formats are chosen already.
    """
    if any(name.endswith("_COMPLETE") for name in os.environ):
        return None
    plain: list[str] = []
    options: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        if not word:
            return None
        if not word.startswith("-"):
            plain.append(word)
        elif word != "--debug":
            name, joined, value = word.partition("=")
            if not name.startswith("--") and joined:
                return None
            if not joined:
                value = next(rest, "")
            if not value or value.startswith("-") or name in options:
                return None
            options[name] = value
            # An option of the command has to stand after it.
            if name not in _OUTPUT and len(plain) < 2:
                return None
    return _call(plain, options)


def _call(plain: list[str], options: dict[str, str]) -> Callable[[], None] | None:
    if plain[:1] != ["stack"] or len(plain) < 2 or plain[1] not in _LINES:
        return None
    line, names = _LINES[plain[1]], plain[2:]
    if not line.least <= len(names) <= line.most:
        return None
    numbers: dict[str, Any] = {}
    for name, value in options.items():
        if name in _OUTPUT:
            if value not in FORMATS:
                return None
        elif line.numbers and name in line.numbers and value.isascii() and value.isdigit():
            numbers[line.numbers[name]] = int(value)
        else:
            return None
    from kitaru_iac.cli import reading

    function = getattr(reading, line.function)
    return lambda: function(*names, **numbers)
