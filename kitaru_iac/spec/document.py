"""A description's file, read; without what reads it, which only those need who have a file."""

from __future__ import annotations

from typing import Any

from kitaru_iac.errors import Problem
from kitaru_iac.values import dataclass, field

__all__ = ["STDIN", "Document"]

#: How standard input is named as a file.
STDIN = "stdin"


@dataclass(frozen=True, slots=True)
class Document:
    """A file's content.

    Attributes:
        file: Its name as the user gave it, or ``stdin``.
        data: The mapping.
        lines: The line, from 1, of every key by its dotted path, and of every element of a list by
            ``[N]`` behind the list's.
        problems: Keys that stand twice, and tags; the rest of the content is usable.
        unreadable: The dotted paths of the values with tags, which are not in `data`.
    """

    file: str
    data: dict[str, Any]
    lines: dict[str, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    unreadable: frozenset[str] = frozenset()

    def sources(self) -> dict[str, str]:
        """``FILE:LINE`` of every key by its dotted path."""
        return {path: f"{self.file}:{line}" for path, line in self.lines.items()}
