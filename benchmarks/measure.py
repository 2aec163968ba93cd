"""Run commands in turns and take the medians."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Command", "Measured", "measure"]

_SHOWN = 2000


@dataclass(frozen=True, slots=True)
class Command:
    """One or more processes, one after the other, that do one piece of work.

    Attributes:
        title: How the report names it.
        argvs: Their command lines. ``{n}`` stands for a number that no other run had.
        env: Their whole environment.
        cwd: Their directory.
        code: The exit code that is expected.
    """

    title: str
    argvs: Sequence[Sequence[str]]
    env: Mapping[str, str]
    cwd: Path
    code: int = 0


@dataclass(slots=True)
class Measured:
    """What the runs of a command took.

    Attributes:
        seconds: Of each run.
        megabytes: The largest resident memory of any of its processes.
    """

    seconds: list[float] = field(default_factory=list)
    megabytes: float = 0.0

    @property
    def median(self) -> float:
        """The median of the runs, in seconds."""
        return statistics.median(self.seconds)


def measure(commands: Sequence[Command], rounds: int) -> list[Measured]:
    """Run all commands in turns, so that what else the machine does hits each alike.

    A first run of each warms up, and is weighed.

    Args:
        commands: What is compared.
        rounds: How often each is measured.

    Raises:
        RuntimeError: One ended with another code than it should.
    """
    found = [Measured() for _ in commands]
    for command, measured in zip(commands, found, strict=True):
        measured.megabytes = _weigh(command)
    for _ in range(rounds):
        for command, measured in zip(commands, found, strict=True):
            measured.seconds.append(_run(command))
    return found


_numbers = iter(range(1, 1_000_000))


def _run(command: Command) -> float:
    number = str(next(_numbers))
    begun = time.perf_counter()
    for argv in command.argvs:
        _process(command, [word.replace("{n}", number) for word in argv])
    return time.perf_counter() - begun


def _weigh(command: Command) -> float:
    """The largest resident memory of any of the processes, in MB.

    A process is said to have been as large as the one that started it. So a small one starts it.
    """
    number = str(next(_numbers))
    peak = 0.0
    for argv in command.argvs:
        words = [word.replace("{n}", number) for word in argv]
        output = _process(command, [sys.executable, "-S", "-E", "-c", _STARTER, *words])
        peak = max(peak, int(output.rpartition("peak:")[2]) / 1024)
    return peak


_STARTER = """
import os, sys
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(pid, 0)
print("peak:", usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def _process(command: Command, argv: list[str]) -> str:
    done = subprocess.run(
        argv,
        env=dict(command.env),
        cwd=command.cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != command.code:
        words = " ".join(argv)
        raise RuntimeError(f"{words} ended with {done.returncode}:\n{done.stdout[-_SHOWN:]}")
    return done.stdout
