"""The code blocks of the documentation.

Conventions, in the words after the three backticks:

``console run``
    A session in an empty home, run line by line in a shell. Lines after ``$ `` are commands; what
    follows is what they print (stdout and stderr), where ``...`` stands for any lines. A command
    without lines after it may print anything. All blocks of a file are one session.
``yaml``
    A description of a stack, unless ``other`` follows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


def pages() -> list[Path]:
    """Every page of the documentation."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@dataclass(frozen=True)
class Block:
    path: Path
    line: int
    words: tuple[str, ...]
    text: str

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line}"


def blocks(path: Path) -> Iterator[Block]:
    """The fenced blocks of a page."""
    fence, start, words, lines = "", 0, "", []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        stripped = line.strip()
        if not fence and stripped.startswith("```"):
            fence = stripped[: len(stripped) - len(stripped.lstrip("`"))]
            start, words, lines = number, stripped.lstrip("`"), []
        elif fence and stripped == fence:
            yield Block(path, start, tuple(words.split()), "\n".join(lines) + "\n")
            fence = ""
        elif fence:
            lines.append(line)


@dataclass(frozen=True)
class Step:
    command: str
    output: tuple[str, ...]


def session(text: str) -> list[Step]:
    """The commands of a session, each with what it prints."""
    steps: list[Step] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            steps.append(Step(line[2:], ()))
        elif steps and not steps[-1].output and steps[-1].command.endswith("\\"):
            steps[-1] = Step(f"{steps[-1].command}\n{line}", ())
        elif steps:
            steps[-1] = Step(steps[-1].command, (*steps[-1].output, line))
    return steps


def fits(wanted: tuple[str, ...], got: list[str]) -> bool:
    """Whether the lines are those that were promised; ``...`` stands for any number of lines."""
    if not wanted:
        return not got
    if wanted[0] == "...":
        return any(fits(wanted[1:], got[skip:]) for skip in range(len(got) + 1))
    return bool(got) and got[0].rstrip() == wanted[0].rstrip() and fits(wanted[1:], got[1:])
