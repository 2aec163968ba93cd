"""``python -m benchmarks``: measure, print the table, write docs/performance.md."""

from __future__ import annotations

import argparse
import compileall
import os
import re
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from benchmarks.measure import measure
from benchmarks.places import add_descriptions, add_stacks, client_of, local_home
from benchmarks.report import Result, as_text, write_document
from benchmarks.work import REMOTE, Comparison, Places, comparisons
from tests.servers.zenml import ZenMLServer

_ROOT = Path(__file__).parents[1]
_DOCUMENT = _ROOT / "docs" / "performance.md"


def main(argv: Sequence[str] | None = None) -> int:
    """Measure; 0 when every goal is reached, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="runs of each command")
    parser.add_argument(
        "--only", default="", help="only groups and commands that match it, as 'On a server|local'"
    )
    parser.add_argument("--other", help="the program of another kitaru, as 0.21, to run beside")
    parser.add_argument("--plugin", help="the Pulumi plugin of another version, to run beside")
    parser.add_argument(
        "--no-document", action="store_true", help="leave docs/performance.md alone"
    )
    options = parser.parse_args(argv)
    # What is measured is a process of its own, as a user starts it: no test's fork.
    os.environ["TESTS_COLD"] = "1"
    # As an installer does it with the package, and did it with ZenML.
    compileall.compile_dir(_ROOT / "kitaru_iac", quiet=1)
    with tempfile.TemporaryDirectory(prefix="kitaru-bench-") as name:
        results = _run(Path(name), options)
    sys.stdout.write(as_text(results))
    if not options.no_document:
        write_document(_DOCUMENT, results, options.rounds)
    return 0 if all(result.reached for result in results) else 1


def _run(root: Path, options: argparse.Namespace) -> list[Result]:
    _say("making stores")
    small = local_home(root, "small", 10)
    with ExitStack() as servers:
        one = servers.enter_context(ZenMLServer.of_release(version("zenml"), root / "one"))
        add_stacks(one.database, 10)
        client = client_of(root, "client", one)
        places = Places(
            small=small,
            large=small,
            server=client,
            large_server=client,
            url=one.url,
            key=one.api_key,
            other=options.other,
            plugin=options.plugin,
        )
        only = re.compile(options.only)
        if any(c.group.startswith("Ten thousand") for c in _chosen(places, only)):
            two = servers.enter_context(ZenMLServer.of_release(version("zenml"), root / "two"))
            add_stacks(two.database, 10_000)
            places = replace(
                places,
                large=local_home(root, "large", 10_000),
                large_server=client_of(root, "large-client", two),
            )
        for home, more in ((small, ()), (places.server, REMOTE.split())):
            made = home.kitaru("stack", "create", "again", "--no-activate", *more)
            if made.returncode:
                raise RuntimeError(made.stderr)
        results: list[Result] = []
        for chosen in _chosen(places, only):
            before = results[-1].comparison.group if results else ""
            if chosen.group != before and chosen.group.startswith("A hundred"):
                add_descriptions(places.server)  # not before: they make every list longer
            results.append(_compare(chosen, options.rounds))
        return results


def _chosen(places: Places, only: re.Pattern[str]) -> list[Comparison]:
    return [c for c in comparisons(places) if only.search(f"{c.group}: {c.ours.title}")]


def _compare(comparison: Comparison, rounds: int) -> Result:
    _say(comparison.ours.title)
    commands = [comparison.ours, comparison.theirs]
    if comparison.other:
        commands.append(comparison.other)
    ours, theirs, *others = measure(commands, rounds)
    return Result(comparison, ours, theirs, others[0] if others else None)


def _say(text: str) -> None:
    sys.stderr.write(f"bench: {text}\n")


if __name__ == "__main__":
    sys.exit(main())
