"""Mutation tests: put small faults into a sample of the package, and see which ones no test sees.

Run from the project's root:

    .venv/bin/python -m tools.mutants [--per-module N | --sample N] [--seed S] [--only GLOB]
"""

from __future__ import annotations

import argparse
import json
import math
import random
import signal
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from typing import TypeVar

from tools.mutants import running
from tools.mutants.mutations import Mutant, mutants, sample
from tools.mutants.report import (
    EQUIVALENT,
    Equivalents,
    Result,
    document,
    judged,
    known_by,
    survivors,
    table,
)
from tools.mutants.schedule import Schedule, module_name, said
from tools.mutants.targets import TableError, Target, chosen_tests, modules

EQUIVALENT_FILE = Path(__file__).with_name("equivalent.txt")

One = TypeVar("One")


def arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.mutants", description=__doc__)
    parser.add_argument("--per-module", type=int, default=4, metavar="N", help="how many of each")
    parser.add_argument("--sample", type=int, metavar="N", help="so many, each room its share")
    parser.add_argument("--minutes", type=float, metavar="M", help="begin nothing after these")
    parser.add_argument("--seed", default="0", metavar="S", help="another seed, another sample")
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="GLOB",
        help="as 'spec/*', or a module's whole path; may be given several times",
    )
    parser.add_argument("--again", type=Path, metavar="FILE", help="what survived: a --json FILE")
    parser.add_argument("--jobs", type=int, default=1, metavar="J", help="runs at once")
    parser.add_argument("--timeout", type=float, default=120.0, metavar="SECONDS")
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(argv)
    positive = (given.jobs, given.timeout, given.sample or 1, given.minutes or 1)
    if given.per_module < 0 or min(positive) <= 0 or given.sample == 0 or given.minutes == 0:
        parser.error("--per-module, --sample, --minutes, --jobs and --timeout are positive numbers")
    return given


def chosen(
    root: Path, paths: dict[Target, list[str]], given: argparse.Namespace, known: Equivalents
) -> tuple[list[tuple[Target, Mutant]], list[Result]]:
    """The mutants that are run, and those that are known to change nothing.

    Those that are run come in turns, one of each room: where the time is over, each had its share.
    """
    same: set[Mutant] = set()
    rooms: list[list[tuple[Target, Mutant]]] = []
    everything = given.again is not None  # tests that came since do not change what was sampled
    for target, mine in paths.items():
        samples = []
        for path in mine:
            found = mutants((root / path).read_bytes(), path)
            same |= {mutant for mutant in found if known.holds(mutant)}
            many = given.per_module if given.sample is None else given.sample
            many = len(found) if everything else many
            samples.append(sample(found, many, f"{given.seed}:{path}"))
        if given.sample is not None:
            rng = random.Random(f"{given.seed}:{target.room}")
            for one in (samples, *samples):
                rng.shuffle(one)  # each module's turn, and its faults', is chance
        rooms.append([(target, mutant) for mutant in in_turns(samples)])
    picked = in_turns(rooms)[: None if everything else given.sample]
    if given.again is not None:
        missed = survivors(json.loads(given.again.read_text(encoding="utf-8")))
        picked = [(target, m) for target, m in picked if known_by(m) in missed]
    todo = [(target, mutant) for target, mutant in picked if mutant not in same]
    equivalent = [Result(m, target.room, EQUIVALENT) for target, m in picked if m in same]
    return todo, equivalent


def in_turns(lists: Iterable[Sequence[One]]) -> list[One]:
    """The first of each list, the second of each, and so on."""
    rounds = zip_longest(*([(one,) for one in each] for each in lists), fillvalue=())
    return [one for turn in rounds for found in turn for one in found]


def main(argv: list[str]) -> int:
    given = arguments(argv)
    root = Path.cwd()
    try:
        paths = modules(root, given.only)
        for target in paths:
            chosen_tests(root, target)
    except TableError as error:
        said(str(error))
        return 2
    known = Equivalents.read(EQUIVALENT_FILE)

    # As after Ctrl-C, the children are ended and the copies removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    end = math.inf if given.minutes is None else time.monotonic() + 60 * given.minutes
    running.load()
    results: list[Result] = []
    with running.copies(root, given.jobs) as trees:
        todo, equivalent = chosen(trees[0].root, paths, given, known)
        alone: Iterable[Target] = paths if given.per_module == 0 and given.sample is None else ()
        schedule = Schedule(todo, given.timeout, alone)
        results = [*equivalent, *_outcomes(schedule, trees, paths, end)]
    order = {target.room: number for number, target in enumerate(paths)}
    results.sort(key=lambda r: (order[r.room], r.mutant.path, r.mutant.start))
    _tell(results)
    for entry in known.unused(
        (path for mine in paths.values() for path in mine), all_paths=not given.only
    ):
        said(f"equivalent.txt: this entry matches nothing: {entry}")
    if given.json is not None:
        names = ("per_module", "sample", "minutes", "seed", "only")
        options = {name: getattr(given, name) for name in names}
        text = json.dumps(document(results, schedule.seconds, options), indent=2)
        given.json.write_text(text + "\n", encoding="utf-8")
    return 1 if schedule.failed else 0


def _outcomes(
    schedule: Schedule,
    trees: list[running.Tree],
    paths: dict[Target, list[str]],
    end: float,
) -> list[Result]:
    results: list[Result] = []
    for ran in running.run(schedule.next, trees, end):
        mutant, target = ran.task.mutant, ran.task.target
        if mutant is None:
            schedule.timed(ran, paths[target])
            continue
        said(
            f"[{len(results) + 1}/{schedule.faults}] {ran.outcome:<9} {ran.seconds:6.1f} s  "
            f"{mutant.path}:{mutant.line}  {mutant.description}"
        )
        if ran.outcome == running.BROKEN:
            raise SystemExit(f"{ran.log}\nThe run itself failed; this says nothing of the tests.")
        seconds = schedule.seconds[target.room]
        result = judged(mutant, target.room, ran.outcome, ran.seconds, seconds)
        if ran.outcome == running.SURVIVED and module_name(mutant.path) not in ran.imported:
            result = replace(result, note="the tests' own process never imported the module")
        results.append(result)
    if len(results) < schedule.faults:
        left = schedule.faults - len(results)
        said(f"The time is over: {left} faults of the sample were not tried.")
    return results


def _tell(results: list[Result]) -> None:
    for outcome in (running.TIMED_OUT, running.SURVIVED):
        mine = [result for result in results if result.outcome == outcome]
        if mine:
            print(f"{outcome}:\n")
            print("\n".join(map(str, mine)) + "\n")
    print(table(results))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
