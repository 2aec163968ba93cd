"""What is run next: a room's tests without a fault when its first fault is due, then its faults."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from tools.mutants import running
from tools.mutants.mutations import Mutant
from tools.mutants.targets import Target

#: No time-out is shorter: a machine may be busy with other things.
LEAST_LIMIT = 30.0


def said(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class Schedule:
    """The tasks of a run, in the order of its faults.

    A room whose faults are never due costs nothing. While its tests are run without a fault, those
    of other rooms go first.

    Attributes:
        seconds: How long the tests of each room take without a fault, as far as that is known.
        failed: The rooms whose tests fail without a fault.
        faults: How many faults there are, run already or not; without those of failed rooms.
    """

    def __init__(
        self,
        todo: Sequence[tuple[Target, Mutant]],
        timeout: float,
        only_time: Iterable[Target] = (),
    ) -> None:
        """Plan the faults, and the rooms of which only the time is taken."""
        self.seconds: dict[str, float] = {}
        self.failed: set[str] = set()
        self.faults = len(todo)
        self._waiting: list[tuple[Target, Mutant | None]] = [*todo]
        self._waiting += [(target, None) for target in only_time]
        self._begun: set[str] = set()
        self._timeout = timeout

    def next(self) -> running.Task | None:
        """Take what may be run now; None where all waits for something that runs, or is done."""
        for index, (target, mutant) in enumerate(self._waiting):
            if target.room not in self._begun:
                self._begun.add(target.room)
                if mutant is None:
                    del self._waiting[index]
                return running.Task(target, 10 * self._timeout)
            if target.room in self.seconds:
                del self._waiting[index]
                limit = max(LEAST_LIMIT, 10 * self.seconds[target.room])
                return running.Task(target, min(self._timeout, limit), mutant)
        return None

    def timed(self, ran: running.Ran, paths: Iterable[str]) -> None:
        """Learn from a run without a fault; the faults of a room whose tests fail are left out."""
        room = ran.task.target.room
        if ran.outcome != running.SURVIVED:
            said(f"{ran.log}\nWithout any fault the tests of '{room}' end as: {ran.outcome}")
            said(f"'{room}' is left out: its tests say nothing.")
            self.failed.add(room)
            before = len(self._waiting)
            self._waiting = [each for each in self._waiting if each[0].room != room]
            self.faults -= before - len(self._waiting)
            return
        self.seconds[room] = ran.seconds
        said(f"{room}: {ran.seconds:.1f} s, {ran.log.strip().splitlines()[-1]}")
        for path in paths:
            if module_name(path) not in ran.imported:
                said(f"  {path} is not imported by these tests, or only in other processes")
        if ran.seconds > self._timeout / 4:
            said(f"  slow: a time-out of {self._timeout:.0f} s does not show that a fault was seen")


def module_name(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
