"""Kill provisioning at random moments, run it again, and look what became of ours and of theirs.

    python -m tests.clouds.kills --cloud gcp --kills 40 [--seed 1]

Each round begins with an empty account in which somebody else has things of the kinds that are
made, most of them with some of our marks. The run and its engine and plugins are killed with
SIGKILL, after as many requests to the cloud as chance says: of time alone a busy machine would
spend all before the first one. The same command then has to complete, a second one has to find
nothing to do, the deletion has to leave nothing of ours, and all that is theirs has to be as
before. Prints one line for each round, and figures.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from kitaru_iac.infrastructure import destroy as d
from kitaru_iac.infrastructure import provision as p
from kitaru_iac.spec import from_mapping
from tests.clouds.aws.test_provision import children

_PROGRAM = """
import json, sys
from kitaru_iac.infrastructure import provision
from kitaru_iac.spec import from_mapping
spec = from_mapping(json.loads(sys.argv[1]))
provision.provision(spec, progress=lambda line: print(line, file=sys.stderr, flush=True))
"""


class Subject(Protocol):
    """A cloud on loopback, in which stacks are provisioned.

    Attributes:
        described: Descriptions, which the rounds take in turn.
    """

    described: Sequence[Mapping[str, Any]]

    def begin(self, folder: Path) -> Mapping[str, str]:
        """Start it, and install the stand-in plugin; returns its environment."""

    def plant(self) -> None:
        """Empty it, and let somebody else have things in it."""

    def theirs(self) -> Any:
        """All that is somebody else's, to be compared."""

    def asked(self) -> int:
        """How many requests it has answered so far."""

    def ours(self) -> list[str]:
        """What is there of ours, as far as it can be told."""

    def end(self) -> None:
        """Stop it."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cloud", choices=["aws", "gcp", "azure"], required=True)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    rng = random.Random(given.seed)
    os.environ["TESTS_COLD"] = "1"  # every process of its own
    subject: Subject = import_module(f"tests.clouds.{given.cloud}.kills").subject()
    figures: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PULUMI_HOME"] = str(Path(folder) / "pulumi")
        os.environ["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] = "true"
        os.environ.update(subject.begin(Path(folder)))
        try:
            whole = [
                undisturbed(subject, described, Path(folder) / f"whole-{number}")
                for number, described in enumerate(subject.described)
            ]
            print(f"runs ask {given.cloud} {whole} times", flush=True)
            for number in range(given.kills):
                turn = number % len(whole)
                when = rng.uniform(0, whole[turn])
                home = Path(folder) / f"home-{number}"
                try:
                    found = one(subject, subject.described[turn], home, when)
                except Exception as error:
                    found = f"FAULT: {type(error).__name__}: {error}"
                figures[found.partition(":")[0]] += 1
                print(f"{number}: {found}", flush=True)
                shutil.rmtree(home, ignore_errors=True)
        finally:
            subject.end()
    for line, count in sorted(figures.items()):
        print(f"{count:4} {line}")
    return int(any("FAULT" in line for line in figures))


def started(described: Mapping[str, Any], home: Path) -> subprocess.Popen[bytes]:
    """A run in a process of its own, with its log beside its home."""
    os.environ["ZENML_CONFIG_PATH"] = str(home)
    home.mkdir(parents=True)
    with home.with_suffix(".log").open("wb") as out:
        return subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, json.dumps(described)], stdout=out, stderr=out
        )


def undisturbed(subject: Subject, described: Mapping[str, Any], home: Path) -> int:
    """How many requests a whole run makes."""
    subject.plant()
    before = subject.asked()
    assert started(described, home).wait() == 0, home.with_suffix(".log").read_text()
    found = subject.asked() - before
    assert found > 10, f"only {found} requests"
    return found


def one(subject: Subject, described: Mapping[str, Any], home: Path, when: float) -> str:
    """One round; what came of it.

    Args:
        subject: The cloud.
        described: The stack.
        home: The run's.
        when: After how many requests it is killed.
    """
    subject.plant()
    theirs, nothing = subject.theirs(), subject.ours()
    before = subject.asked()
    process = started(described, home)
    while process.poll() is None and subject.asked() - before < when:
        time.sleep(0.005)
    kill(process)
    left = len(subject.ours()) - len(nothing)
    said: list[str] = []
    spec = from_mapping(dict(described))
    made = p.provision(spec, progress=said.append)
    whole = len(subject.ours()) - len(nothing)
    assert not p.preview_infrastructure(spec).has_changes, "the second run had work left"
    assert subject.theirs() == theirs, "what is theirs was changed"
    gone = d.destroy_infrastructure(
        made.labels, credentials=spec.credentials, include_protected=True, delete_data=True
    )
    assert not gone.kept, f"kept: {gone.kept}"
    assert subject.ours() == nothing, f"left: {subject.ours()}"
    assert subject.theirs() == theirs, "what is theirs was deleted"
    took = "taken over" if any("cut off" in line for line in said) else "clean"
    stage = "before the first" if not left else "in the middle" if left < whole else "at the end"
    found = f"{described['type']} killed {stage}, completed, {took}"
    return f"{found}: after {when:.0f} requests, with {left} of {whole} things"


def kill(process: subprocess.Popen[bytes]) -> None:
    """The run, its engine, and the engine's plugins, all at once."""
    everyone = [process.pid]
    for pid in everyone:
        everyone += children(pid)
    for pid in everyone:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    process.wait()


if __name__ == "__main__":
    sys.exit(main())
