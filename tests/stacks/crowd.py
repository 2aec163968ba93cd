"""Many processes work on few stacks at the same time; then look what the store holds.

    python -m tests.stacks.crowd --processes 20 --operations 20 [--store mariadb] [--seed 1]

Each process runs its operations one after the other: ``create``, ``apply``, ``delete --recursive``,
``use`` and readings of a few names. On a server four share a home, and with it the locks; the
others are colleagues. Afterwards every stack is whole, nothing is in no stack, each stack is as one
of the commands that may have come last asked for, and every error is one of ours. Prints one line
for each fault and the figures.
"""

from __future__ import annotations

import argparse
import base64
import json
import random
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.homes import Home
from tests.stacks.worlds import World, add_arguments, names, open_world
from tests.warm.client import begin_run

STACKS = ("a", "b", "c", "d", "e")
#: What may be answered where others work on the same: by command, the codes of errors.
EXPECTED = {
    "create": {"already_exists", "stack_changed"},
    "apply": {"already_exists", "stack_changed"},
    "delete": {"stack_not_found", "stack_changed", "stack_protected"},
    "use": {"stack_not_found"},
    "show": {"stack_not_found"},
    "list": set(),
}
_HOMES = 5
_REMOTE = (
    *("--type", "kubernetes", "--artifact-store", "s3://my-bucket/kitaru"),
    *("--container-registry", "123456789012.dkr.ecr.eu-west-1.amazonaws.com"),
    *("--cluster", "prod-cluster", "--region", "eu-west-1", "--no-verify", "--no-activate"),
    *("--credentials", "aws-access-keys:AKIA1:s3cret"),
)


@dataclass(frozen=True, slots=True)
class Done:
    """One operation.

    Attributes:
        verb: What was done,
        stack: to which stack.
        namespace: What the stack's orchestrator was to hold, if something.
        began: When, and
        ended: until when, in seconds.
        code: What was answered: ``ok``, or the error's code.
        said: All that was said on stderr.
    """

    verb: str
    stack: str
    namespace: str
    began: float
    ended: float
    code: str
    said: str

    @property
    def may_have_written(self) -> bool:
        return self.verb in ("create", "apply", "delete") and self.code in ("ok", "stack_changed")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=20)
    parser.add_argument("--operations", type=int, default=20)
    add_arguments(parser)
    given = parser.parse_args()
    run = begin_run()
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            open_world(given.store, Path(folder), given.mariadb) as world,
        ):
            count = 1 if given.store == "local" else _HOMES
            homes = [world.home(Path(folder) / f"home-{number}") for number in range(count)]
            began = time.monotonic()
            done = everybody(homes, given.processes, given.operations, given.seed)
            took = time.monotonic() - began
            faults = [*answers(done), *leftovers(world), *lost(world, done)]
            faults += afterwards(homes[0])
    finally:
        if run is not None:
            shutil.rmtree(run, ignore_errors=True)
    for fault in faults:
        print(f"FAULT: {fault}", flush=True)
    for (verb, code), number in sorted(Counter((one.verb, one.code) for one in done).items()):
        print(f"{number:4} {verb}: {code}")
    print(f"{len(done)} operations in {took:.0f} s, {len(faults)} faults")
    return int(bool(faults))


def everybody(homes: list[Home], processes: int, operations: int, seed: int) -> list[Done]:
    """Run all operations of all processes; what came of each."""
    done: list[Done] = []

    def work(number: int) -> None:
        rng = random.Random(seed * 1000 + number)
        home = homes[number % len(homes)]
        done.extend(one(home, f"n-{number}-{step}", rng) for step in range(operations))

    workers = [threading.Thread(target=work, args=(number,)) for number in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return done


def one(home: Home, namespace: str, rng: random.Random) -> Done:
    """Run one operation on one of the stacks."""
    (verb,) = rng.choices(tuple(EXPECTED), weights=(25, 30, 20, 10, 10, 5))
    stack = rng.choice(STACKS)
    argv = {
        "create": (stack, *_REMOTE, "--namespace", namespace),
        "apply": (stack, *_REMOTE, "--namespace", namespace, "--yes"),
        "delete": (stack, "--recursive", *rng.choice(((), ("--force",)))),
        "list": (),
    }.get(verb, (stack,))
    began = time.monotonic()
    ran = home.kitaru("stack", verb, *argv, "-o", "json")
    code = "ok"
    if ran.returncode:
        try:
            code = json.loads(ran.stderr)["error"]["code"]
        except (ValueError, KeyError):
            code = f"no document of ours (exit code {ran.returncode})"
    return Done(verb, stack, namespace, began, time.monotonic(), code, ran.stderr)


def answers(done: list[Done]) -> list[str]:
    """What was answered that nobody can do anything with."""
    return [
        f"{one.verb} {one.stack}: {one.code}: {one.said.strip()}"
        for one in done
        if one.code != "ok" and one.code not in EXPECTED[one.verb]
    ]


def leftovers(world: World) -> list[str]:
    """What is half made, or in no stack."""
    holds = names(world)
    stacks = holds["stack"]
    wanted = {
        "stack": sorted(set(stacks) & set(STACKS)),
        "stack_component": sorted(stacks * 3),
        "service_connector": stacks,
    }
    found = [
        f"{table}: {holds[table]}, where {wanted[table]} was to be"
        for table in wanted
        if holds[table] != wanted[table]
    ]
    if len(holds["secret"]) != len(stacks):
        found.append(f"{len(holds['secret'])} secrets of {len(stacks)} connectors")
    return found


def lost(world: World, done: list[Done]) -> list[str]:
    """Stacks that are as none of the commands which may have come last has asked for."""
    rows = world.query(
        "SELECT name, configuration FROM stack_component WHERE type = 'orchestrator'"
    )
    holds = {name: _namespace(configuration) for name, configuration in rows}
    found = []
    for stack in STACKS:
        writes = [one for one in done if one.stack == stack and one.may_have_written]
        last_began = max((one.began for one in writes if one.code == "ok"), default=0.0)
        last = [one for one in writes if one.ended >= last_began]
        may_be = {None if one.verb == "delete" else one.namespace for one in last}
        if last and holds.get(stack) not in may_be:
            found.append(f"{stack} is as {holds.get(stack)}, and may be as {may_be}")
    return found


def afterwards(home: Home) -> list[str]:
    """Whether nothing waits to be cleaned, and every stack can still be made and deleted."""
    found = []
    listed = home.kitaru("stack", "clean", "-o", "json")
    if listed.returncode:
        found.append(f"there is something to clean: {listed.stdout}{listed.stderr}")
    for stack in STACKS:
        gone = ("delete", stack, "--recursive", "--force")
        for argv in (("apply", stack, *_REMOTE, "--yes"), gone):
            ran = home.kitaru("stack", *argv, "--output", "json")
            if ran.returncode:
                found.append(f"afterwards {argv[:2]}: {ran.stderr.strip()}")
    return found


def _namespace(configuration: bytes) -> str | None:
    value = json.loads(base64.b64decode(configuration)).get("kubernetes_namespace")
    return None if value is None else str(value)


if __name__ == "__main__":
    sys.exit(main())
