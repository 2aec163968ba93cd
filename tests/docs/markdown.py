"""The code blocks of the documentation.

Conventions, in the words after the three backticks:

``console run``
    A session in an empty home, run line by line in a shell. Lines after ``$ `` are commands; what
    follows is what they print (stdout and stderr), where ``...`` stands for any lines, or for the
    rest of one. A command without lines after it may print anything. All blocks of a file are one
    session.
``LANGUAGE new PATH``, ``diff PATH``
    What a guide for contributors tells to do: see `tests.docs.guide`.
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
    """Whether the lines are those that were promised.

    ``...`` stands for any number of lines; at the end of a line, for what else is in it.
    """
    ends = {0}  # how many lines of `got` may be told so far
    for line in wanted:
        if line.strip() == "...":
            ends = set(range(min(ends), len(got) + 1))
        else:
            ends = {end + 1 for end in ends if end < len(got) and _is(line, got[end])}
        if not ends:
            return False
    return len(got) in ends


def _is(wanted: str, got: str) -> bool:
    if wanted.endswith("..."):
        return got.startswith(wanted.removesuffix("..."))
    return wanted.rstrip() == got.rstrip()
