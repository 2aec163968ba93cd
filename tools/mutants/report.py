"""What is said of a run: survivors, a table of the rooms, and all of it as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.mutants.mutations import Mutant
from tools.mutants.running import KILLED, SURVIVED, TIMED_OUT

EQUIVALENT = "equivalent"
#: A time-out says that the fault was seen only where the tests are so many times quicker without.
FAR_QUICKER = 4


@dataclass(frozen=True, slots=True)
class Result:
    """One mutant and what became of it.

    Attributes:
        mutant: The fault.
        room: What it counts under.
        outcome: One of killed, survived, timed out, equivalent.
        seconds: How long the tests took; 0 where they were not run.
        counts: Whether it is in the rate.
        note: What the reader should know.
    """

    mutant: Mutant
    room: str
    outcome: str
    seconds: float = 0.0
    counts: bool = True
    note: str = ""

    def __str__(self) -> str:
        note = f"  ({self.note})" if self.note else ""
        mutant = self.mutant
        return f"{mutant.path}:{mutant.line}  {mutant.description}{note}\n    {mutant.source}"

    def to_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "room": self.room,
            "path": self.mutant.path,
            "line": self.mutant.line,
            "source": self.mutant.source,
            "kind": self.mutant.kind,
            "description": self.mutant.description,
            "guards": self.mutant.guards,
            "outcome": self.outcome,
            "counts": self.counts,
            "seconds": round(self.seconds, 2),
            "note": self.note,
        }


class Equivalents:
    """The mutants judged to change nothing, as ``path | source line | description | reason``."""

    def __init__(self, text: str) -> None:
        lines = (line.strip() for line in text.splitlines())
        self._entries = [line for line in lines if line and not line.startswith("#")]
        self._used: set[str] = set()

    @classmethod
    def read(cls, path: Path) -> Equivalents:
        """Those of a file, or none where there is none."""
        return cls(path.read_text(encoding="utf-8") if path.exists() else "")

    def holds(self, mutant: Mutant) -> bool:
        """Whether the mutant is one of them."""
        # The parts may hold a `|` themselves, so the line is not taken apart.
        begin = f"{mutant.path} | {mutant.source} | {mutant.description} | "
        matching = [entry for entry in self._entries if entry.startswith(begin)]
        self._used.update(matching)
        return bool(matching)

    def unused(self, paths: Iterable[str], *, all_paths: bool) -> list[str]:
        """The entries that matched nothing, of these modules or of any."""
        mine = set(paths)
        return [
            entry
            for entry in self._entries
            if entry not in self._used and (all_paths or entry.partition(" | ")[0] in mine)
        ]


def known_by(mutant: Mutant) -> tuple[str, str, str]:
    """What a fault is found by in another run, whatever line it is on by then."""
    return mutant.path, mutant.source, mutant.description


def survivors(written: Mapping[str, Any]) -> set[tuple[str, str, str]]:
    """What no test saw in a run whose `--json` this is, as `known_by` says it."""
    missed = (m for m in written["mutants"] if m["outcome"] == SURVIVED)
    return {(m["path"], m["source"], m["description"]) for m in missed}


def judged(mutant: Mutant, room: str, outcome: str, seconds: float, baseline: float) -> Result:
    """The result of a run; a time-out counts where the tests have time in plenty without it."""
    counts = outcome != TIMED_OUT or baseline * FAR_QUICKER <= seconds
    return Result(mutant, room, outcome, seconds, counts)


def rate(results: Sequence[Result]) -> float | None:
    """The part of the mutants that was seen, without the equivalent and the undecided."""
    counted = [r for r in results if r.counts and r.outcome != EQUIVALENT]
    seen = [r for r in counted if r.outcome in {KILLED, TIMED_OUT}]
    return len(seen) / len(counted) if counted else None


def table(results: Sequence[Result]) -> str:
    """A line for each room, and one for all."""
    rooms: dict[str, list[Result]] = {}
    for result in results:
        rooms.setdefault(result.room, []).append(result)
    outcomes = (KILLED, SURVIVED, TIMED_OUT, EQUIVALENT)
    lines = [f"{'room':<20}{''.join(f'{name:>12}' for name in outcomes)}{'rate':>8}"]
    for room, mine in [*rooms.items(), ("all", list(results))]:
        numbers = (sum(1 for r in mine if r.outcome == name) for name in outcomes)
        known = rate(mine)
        text = "-" if known is None else f"{known:.0%}"
        lines.append(f"{room:<20}{''.join(f'{n:>12}' for n in numbers)}{text:>8}")
    return "\n".join(lines)


def document(
    results: Sequence[Result], baselines: Mapping[str, float], options: Mapping[str, Any]
) -> dict[str, Any]:
    """All of it, for `--json`."""
    return {
        "options": dict(options),
        "baselines": {room: round(seconds, 2) for room, seconds in baselines.items()},
        "rate": rate(results),
        "mutants": [result.to_dict() for result in results],
    }
