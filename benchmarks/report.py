"""The table, on the terminal and as docs/performance.md."""

from __future__ import annotations

import os
import platform
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from benchmarks.measure import Measured
from benchmarks.work import Comparison

__all__ = ["Result", "as_text", "write_document"]

_BEGIN = "<!-- measured: written by scripts/bench -->"
_END = "<!-- end of what is measured -->"


@dataclass(frozen=True, slots=True)
class Result:
    """A comparison and what came out."""

    comparison: Comparison
    ours: Measured
    theirs: Measured
    other: Measured | None = None

    @property
    def ratio(self) -> float:
        """Of the medians of the processor's seconds, in the direction of the goal."""
        kind, _ = self.comparison.goal
        ours, theirs = self.ours.median_cpu, self.theirs.median_cpu
        return theirs / ours if kind == "faster" else ours / theirs

    @property
    def reached(self) -> bool:
        """Whether all of the goal is reached."""
        of = self.comparison
        kind, goal = of.goal
        ratio = self.ratio >= goal if kind == "faster" else self.ratio <= goal
        quick = of.cpu is None or self.ours.median_cpu <= of.cpu
        return ratio and quick and (of.megabytes is None or self.ours.megabytes <= of.megabytes)

    @property
    def goal(self) -> str:
        """All of the goal in words."""
        kind, ratio = self.comparison.goal
        found = [f"{'≥' if kind == 'faster' else '≤'} {ratio:g} ×"]
        if self.comparison.cpu is not None:
            found.append(f"≤ {self.comparison.cpu:g} s")
        if self.comparison.megabytes is not None:
            found.append(f"≤ {self.comparison.megabytes:g} MB")
        return ", ".join(found)


_HEAD = (
    *("work", "CPU", "clock", "MB", "beside", "CPU", "clock"),
    *("ratio", "goal", "reached", "other kitaru"),
)


def _row(result: Result) -> tuple[str, ...]:
    return (
        result.comparison.ours.title,
        f"{result.ours.median_cpu:.3f}",
        f"{result.ours.median:.3f}",
        f"{result.ours.megabytes:.0f}",
        result.comparison.theirs.title,
        f"{result.theirs.median_cpu:.3f}",
        f"{result.theirs.median:.3f}",
        f"{result.ratio:.2f} ×",
        result.goal,
        "yes" if result.reached else "**no**",
        f"{result.other.median_cpu:.2f}" if result.other else "",
    )


def as_text(results: Sequence[Result]) -> str:
    """The table for a terminal."""
    rows = [_HEAD, *(_row(result) for result in results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def write_document(path: Path, results: Sequence[Result], rounds: int) -> None:
    """Put the tables into the document, between its markers; the words around them stay."""
    text = (
        path.read_text(encoding="utf-8")
        if path.exists()
        else f"# Performance\n\n{_BEGIN}\n{_END}\n"
    )
    before, _, rest = text.partition(_BEGIN)
    measured, _, after = rest.partition(_END)
    path.parent.mkdir(parents=True, exist_ok=True)
    # A group that was not measured this time keeps what it had, and when.
    groups = {
        part.partition("\n")[0]: f"### {part.strip()}" for part in measured.split("\n### ")[1:]
    }
    groups |= _groups(results, rounds)
    body = "\n\n".join(groups.values())
    path.write_text(f"{before}{_BEGIN}\n\n{body}\n\n{_END}{after}", encoding="utf-8")


def _groups(results: Sequence[Result], rounds: int) -> dict[str, str]:
    """The section of each group, by its name."""
    columns = _HEAD if any(result.other for result in results) else _HEAD[:-1]
    found = {}
    for group in dict.fromkeys(result.comparison.group for result in results):
        rows = [
            _line(_row(result)[: len(columns)])
            for result in results
            if result.comparison.group == group
        ]
        table = "\n".join([_line(columns), _line(["---"] * len(columns)), *rows])
        found[group] = f"### {group}\n\n{table}\n\nMedians of {rounds} runs. {_machine()}"
    return found


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _machine() -> str:
    packages = ("kitaru-iac", "zenml", "typer", "PyYAML")
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    return (
        f"{_processor()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end; "
        f"{platform.system()}, Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}, {versions}."
    )


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
