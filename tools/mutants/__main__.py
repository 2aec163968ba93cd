"""Mutation tests: put small faults into a sample of the package, and see which ones no test sees.

Run from the project's root:

    .venv/bin/python -m tools.mutants [--per-module N] [--seed S] [--only GLOB] [--jobs J]
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from dataclasses import replace
from pathlib import Path

from tools.mutants import running
from tools.mutants.mutations import Mutant, mutants, sample
from tools.mutants.report import EQUIVALENT, Equivalents, Result, document, judged, table
from tools.mutants.targets import TableError, Target, chosen_tests, modules

EQUIVALENT_FILE = Path(__file__).with_name("equivalent.txt")
#: No time-out is shorter: a machine may be busy with other things.
LEAST_LIMIT = 30.0


def arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.mutants", description=__doc__)
    parser.add_argument("--per-module", type=int, default=4, metavar="N", help="how many of each")
    parser.add_argument("--seed", default="0", metavar="S", help="another seed, another sample")
    parser.add_argument("--only", metavar="GLOB", help="as 'spec/*', or a module's whole path")
    parser.add_argument("--jobs", type=int, default=1, metavar="J", help="runs at once")
    parser.add_argument("--timeout", type=float, default=120.0, metavar="SECONDS")
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(argv)
    if given.per_module < 0 or given.jobs < 1 or given.timeout <= 0:
        parser.error("--per-module, --jobs and --timeout are positive numbers")
    return given


def said(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def chosen(
    root: Path, paths: dict[Target, list[str]], given: argparse.Namespace, known: Equivalents
) -> tuple[list[tuple[Target, Mutant]], list[Result]]:
    """The mutants that are run, and those that are known to change nothing."""
    todo, equivalent = [], []
    for target, mine in paths.items():
        for path in mine:
            found = mutants((root / path).read_bytes(), path)
            same = {mutant for mutant in found if known.holds(mutant)}
            for mutant in sample(found, given.per_module, f"{given.seed}:{path}"):
                if mutant in same:
                    equivalent.append(Result(mutant, target.room, EQUIVALENT))
                else:
                    todo.append((target, mutant))
    return todo, equivalent


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
    running.load()
    results: list[Result] = []
    with running.copies(root, given.jobs) as trees:
        todo, equivalent = chosen(trees[0].root, paths, given, known)
        baselines = _baselines(trees, paths, given.timeout)
        if baselines is None:
            return 1
        tasks = [
            running.Task(
                target, min(given.timeout, max(LEAST_LIMIT, 10 * baselines[target.room])), m
            )
            for target, m in todo
        ]
        results = [*equivalent, *_outcomes(tasks, trees, baselines)]
    order = {target.room: number for number, target in enumerate(paths)}
    results.sort(key=lambda r: (order[r.room], r.mutant.path, r.mutant.start))
    _tell(results)
    for entry in known.unused(
        (path for mine in paths.values() for path in mine), all_paths=given.only is None
    ):
        said(f"equivalent.txt: this entry matches nothing: {entry}")
    if given.json is not None:
        options = {"per_module": given.per_module, "seed": given.seed, "only": given.only}
        text = json.dumps(document(results, baselines, options), indent=2)
        given.json.write_text(text + "\n", encoding="utf-8")
    return 0


def _baselines(
    trees: list[running.Tree], paths: dict[Target, list[str]], timeout: float
) -> dict[str, float] | None:
    """How long the tests of each target take without a fault; None where they fail."""
    seconds: dict[str, float] = {}
    for ran in running.run([running.Task(target, 10 * timeout) for target in paths], trees[:1]):
        target = ran.task.target
        if ran.outcome != running.SURVIVED:
            said(f"{ran.log}\nWithout any fault the tests of '{target.room}' end as: {ran.outcome}")
            return None
        seconds[target.room] = ran.seconds
        said(f"{target.room}: {ran.seconds:.1f} s, {ran.log.strip().splitlines()[-1]}")
        for path in paths[target]:
            if _module(path) not in ran.imported:
                said(f"  {path} is not imported by these tests, or only in other processes")
        if ran.seconds > timeout / 4:
            said(f"  slow: a time-out of {timeout:.0f} s does not show that a fault was seen")
    return seconds


def _outcomes(
    tasks: list[running.Task], trees: list[running.Tree], baselines: dict[str, float]
) -> list[Result]:
    results = []
    for number, ran in enumerate(running.run(tasks, trees), 1):
        mutant = ran.task.mutant
        assert mutant is not None
        room = ran.task.target.room
        said(
            f"[{number}/{len(tasks)}] {ran.outcome:<9} {ran.seconds:6.1f} s  "
            f"{mutant.path}:{mutant.line}  {mutant.description}"
        )
        if ran.outcome == running.BROKEN:
            raise SystemExit(f"{ran.log}\nThe run itself failed; this says nothing of the tests.")
        result = judged(mutant, room, ran.outcome, ran.seconds, baselines[room])
        if ran.outcome == running.SURVIVED and _module(mutant.path) not in ran.imported:
            result = replace(result, note="the tests' own process never imported the module")
        results.append(result)
    return results


def _module(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _tell(results: list[Result]) -> None:
    for outcome in (running.TIMED_OUT, running.SURVIVED):
        mine = [result for result in results if result.outcome == outcome]
        if mine:
            print(f"{outcome}:\n")
            print("\n".join(map(str, mine)) + "\n")
    print(table(results))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
