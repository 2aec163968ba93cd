"""Run commands in turns and take the medians."""

from __future__ import annotations

import re
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
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
        before: Command lines that make ready for it; their time does not count.
    """

    title: str
    argvs: Sequence[Sequence[str]]
    env: Mapping[str, str]
    cwd: Path
    code: int = 0
    before: Sequence[Sequence[str]] = ()


@dataclass(slots=True)
class Measured:
    """What the runs of a command took.

    Attributes:
        seconds: Of each run, by the clock.
        cpu: The processor's seconds of each run, its processes together: of user and system.
        megabytes: The largest resident memory of any of its processes.
    """

    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    megabytes: float = 0.0

    @property
    def median(self) -> float:
        """The median of the runs by the clock, in seconds."""
        return statistics.median(self.seconds)

    @property
    def median_cpu(self) -> float:
        """The median of the runs in seconds of the processor."""
        return statistics.median(self.cpu)


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
            seconds, cpu = _run(command)
            measured.seconds.append(seconds)
            measured.cpu.append(cpu)
    return found


_numbers = iter(range(1, 1_000_000))


#: What a program says that measures a process of its own; see `benchmarks.plugin`.
_OWN = re.compile(r"cpu: ([\d.]+) peak: (\d+)\s*$")


def _run(command: Command) -> tuple[float, float]:
    number = str(next(_numbers))
    _make_ready(command, number)
    begun, used = time.perf_counter(), _used()
    own = 0.0
    for argv in command.argvs:
        output = _process(command, [word.replace("{n}", number) for word in argv])
        if said := _OWN.search(output):
            own += float(said[1])
    return time.perf_counter() - begun, own or _used() - used


def _used() -> float:
    """The processor's seconds of all processes that were waited for."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _make_ready(command: Command, number: str) -> None:
    for argv in command.before:
        _process(replace(command, code=0), [word.replace("{n}", number) for word in argv])


def _weigh(command: Command) -> float:
    """The largest resident memory of any of the processes, in MB.

    A process is said to have been as large as the one that started it. So a small one starts it.
    """
    number = str(next(_numbers))
    _make_ready(command, number)
    peak = 0.0
    for argv in command.argvs:
        words = [word.replace("{n}", number) for word in argv]
        output = _process(command, [sys.executable, "-S", "-E", "-c", _STARTER, *words])
        # A program that measures a process of its own has said so before.
        said = _OWN.search(output.rpartition("peak:")[0])
        peak = max(peak, int(said[2] if said else output.rpartition("peak:")[2]) / 1024)
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
