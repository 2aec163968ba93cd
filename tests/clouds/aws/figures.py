"""What a run over generated worlds prints: a line for each fault, and how often what was said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress


def told(said: Iterable[str]) -> int:
    """Print the faults as they come and the figures at the end, or at Ctrl-C; the exit code.

    Args:
        said: What came of each world, as ``KIND: the rest``.
    """
    figures: Counter[str] = Counter()
    with suppress(KeyboardInterrupt):
        for line in said:
            figures[line.partition(":")[0]] += 1
            if line.startswith("FAULT"):
                print(line, flush=True)
    for line, count in sorted(figures.items()):
        print(f"{count:4} {line}")
    return int(any("FAULT" in line for line in figures))
