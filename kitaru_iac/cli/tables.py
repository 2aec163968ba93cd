"""Aligned columns of text, on a terminal with a heading in bold. (`rich` takes 0.1 s to import.)"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from kitaru_iac.cli.output import Output, safe

__all__ = ["pairs", "table"]

_GAP = "  "


def table(
    out: Output,
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    marked: Sequence[bool] = (),
    more: Iterable[tuple[Sequence[str], bool]] = (),
) -> Iterator[str]:
    """The lines of a table.

    Args:
        out: Where it is written; gives the styles.
        heads: The columns' headings.
        rows: The cells.
        marked: Which rows stand out.
        more: Rows that are read while they are written, and whether they stand out. The columns
            are as wide as the others made them.
    """
    rows = [[safe(cell) for cell in row] for row in rows]
    widths = [max(map(_width, column)) for column in zip(heads, *rows, strict=True)]
    yield out.style(_line(heads, widths), "bold")
    for number, row in enumerate(rows):
        line = _line(row, widths)
        yield out.style(line, "green") if number < len(marked) and marked[number] else line
    for row, stands_out in more:
        line = _line([safe(cell) for cell in row], widths)
        yield out.style(line, "green") if stands_out else line


def pairs(out: Output, rows: Sequence[tuple[str, str]], indent: str = "") -> Iterator[str]:
    """Lines of a name and a value, the values below each other."""
    column = max((_width(name) for name, _ in rows), default=0) + 1
    for name, value in rows:
        first, *more = safe(value).splitlines() or [""]
        label = f"{name}:".ljust(column)
        yield f"{indent}{out.style(label, 'dim')} {first}".rstrip()
        for line in more:
            yield f"{indent}{' ' * column} {line}"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (
        cell + " " * (width - _width(cell)) for cell, width in zip(cells, widths, strict=True)
    )
    return _GAP.join(padded).rstrip()


def _width(text: str) -> int:
    """The columns that a text takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )
