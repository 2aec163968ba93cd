"""Kill, or interrupt, real commands at random moments, and look what they left.

    python -m tests.stacks.kills --kills 60 --interrupts 60 [--store mariadb] [--seed 1]

Each round begins with an empty store or a stack in it, starts ``create``, a replacing
``apply``, ``delete --recursive`` or ``use``, and sends a signal after a random part of the time
that its writes take when nobody disturbs them. Then the store has to hold all or nothing (after
Ctrl-C and SIGTERM), and the same command has to complete at once (after SIGKILL). Prints a
line for each round, and the figures.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.homes import Home
from tests.stacks.worlds import World, add_arguments, names, open_world
from tests.warm.client import Started, begin_run

REMOTE = (
    *("dev", "--type", "kubernetes", "--artifact-store", "s3://my-bucket/kitaru"),
    *("--container-registry", "123456789012.dkr.ecr.eu-west-1.amazonaws.com"),
    *("--cluster", "prod-cluster", "--region", "eu-west-1", "--no-verify", "--no-activate"),
    *("--credentials", "aws-access-keys:AKIA1:s3cret"),
)
COMMANDS = {
    "create": ((), ("stack", "create", *REMOTE)),
    "apply that replaces": (
        ("stack", "create", "dev", "--no-activate"),
        ("stack", "apply", *REMOTE, "--yes"),
    ),
    "delete": (("stack", "create", *REMOTE), ("stack", "delete", "dev", "--recursive")),
    "use": (("stack", "create", *REMOTE), ("stack", "use", "dev")),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--interrupts", type=int, default=60)
    add_arguments(parser)
    given = parser.parse_args()
    rng = random.Random(given.seed)
    run = begin_run()
    figures: Counter[str] = Counter()
    with (
        tempfile.TemporaryDirectory() as folder,
        open_world(given.store, Path(folder), given.mariadb) as world,
    ):
        signals = [signal.SIGKILL] * given.kills
        signals += [rng.choice([signal.SIGINT, signal.SIGTERM]) for _ in range(given.interrupts)]
        spans: dict[str, float] = {}
        for number, name in enumerate((*COMMANDS, *COMMANDS)):  # the first ones warm up
            world.empty()
            home = world.home(Path(folder) / f"whole-{number}")
            spans[name] = max(span(world, home, name), 0.1)
        for number, sent in enumerate(signals):
            name = list(COMMANDS)[number % len(COMMANDS)]
            world.empty()
            home = world.home(Path(folder) / f"home-{number}")
            found = one(world, home, name, sent, rng, spans[name])
            figures[f"{sent.name}: {found}"] += 1
            print(f"{number} {sent.name} {name}: {found}", flush=True)
    if run is not None:
        shutil.rmtree(run, ignore_errors=True)
    for line, count in sorted(figures.items()):
        print(f"{count:4} {line}")
    return int(any("FAULT" in line for line in figures))


@contextmanager
def begun(world: World, home: Home, name: str) -> Iterator[tuple[Started, dict[str, list[str]]]]:
    """A command that was started on what it needs, and what the store held then."""
    before, command = COMMANDS[name]
    if before:
        assert home.kitaru(*before).returncode == 0
    start = names(world)
    asked = ("-m", "kitaru_iac.cli.main", *command)
    with Started(asked, env=home.environment(), cwd=home.path) as process:
        yield process, start


def span(world: World, home: Home, name: str) -> float:
    """The seconds from the beginning of a command's writes, or of `use`, to its end."""
    with begun(world, home, name) as (process, start):
        if name != "use":
            wait_for_its_writes(world, home, process, start)
        began = time.monotonic()
        code, _, err = process.communicate(timeout=240)
    assert code == 0, err
    return time.monotonic() - began


def one(
    world: World,
    home: Home,
    name: str,
    sent: signal.Signals,
    rng: random.Random,
    span: float,
) -> str:
    """One round; what came of it."""
    with begun(world, home, name) as (process, start):
        if name != "use" and rng.random() >= 0.1:
            wait_for_its_writes(world, home, process, start)
        time.sleep(rng.uniform(0, span))
        with suppress(ProcessLookupError):
            os.kill(process.pid, sent)
        code, _, err = process.communicate(timeout=240)
    holds = names(world)
    if sent is not signal.SIGKILL:
        if code not in {0, 130, -15}:
            return f"FAULT: ended with {code}: {err.strip()}"
        changed = holds != start or (name == "use" and active(home) == "dev")
        if code == 130 and changed and "Interrupted." in err.splitlines()[-1]:
            return f"FAULT: said nothing: {err.strip()}"
        whole = is_whole(holds, name)
        if (holds != start or code == 0) and not whole:
            return f"FAULT: neither all nor nothing, and said: {err.strip()} {holds}"
        if code == 0 and name == "use" and active(home) != "dev":
            return f"FAULT: said that dev is active, and it is {active(home)}"
        return "all" if whole else "nothing"
    state = "nothing" if holds == start else "all" if is_whole(holds, name) else "something"
    again = home.kitaru(*COMMANDS[name][1])
    gone = name == "delete" and state == "all"
    there = name == "create" and state == "all"
    fine = {0, 4} if gone else {0, 5} if there else {0}
    if again.returncode not in fine:
        return f"FAULT: left {state}, and the same command: {again.stderr.strip()}"
    if not is_whole(names(world), name):
        return f"FAULT: left {state}, and the same command left {names(world)}"
    if name == "use" and active(home) != "dev":
        return f"FAULT: the same command left {active(home)} active"
    return f"left {state}, and the same command completed"


def wait_for_its_writes(
    world: World, home: Home, process: Started, start: dict[str, list[str]]
) -> None:
    """Return when it has noted what it is about to write, or has written."""
    notes = home.config / "kitaru" / "unfinished"
    while is_alive(process.pid) and not (notes.is_dir() and any(notes.glob("*.json"))):
        if names(world) != start:
            break
        time.sleep(0.001)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def active(home: Home) -> str:
    """The name of the active stack, or what was said in its place."""
    done = home.kitaru("stack", "current", "-o", "json")
    return str(json.loads(done.stdout)["item"]["name"]) if not done.returncode else done.stderr


def is_whole(holds: dict[str, list[str]], name: str) -> bool:
    """Whether the command has done all that it was to do, and nothing is left over."""
    if name == "delete":
        return holds == {"stack": [], "stack_component": [], "service_connector": [], "secret": []}
    return (
        holds["stack"] == ["dev"]
        and holds["stack_component"] == ["dev"] * 3
        and holds["service_connector"] == ["dev"]
        and len(holds["secret"]) == 1
    )


if __name__ == "__main__":
    sys.exit(main())
