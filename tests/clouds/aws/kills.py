"""Kill provisioning at random moments, run it again, and look what became of ours and of theirs.

    python -m tests.clouds.aws.kills --kills 40 [--seed 1]

Each round begins with an empty account in which somebody else has a bucket with an object and
settings of its own, a repository and a role. The run and its engine and plugins are killed with
SIGKILL, after as many requests to AWS as chance says: of time alone a busy machine would spend all
before the first one. The same command then has to complete, a second one has to find nothing to do,
and all that is theirs has to be byte for byte as before. Prints one line for each round, and
figures.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from kitaru_iac.infrastructure import provision as p
from tests.clouds.aws.test_ownership import plant_bucket, plant_others, world
from tests.clouds.aws.test_provision import (
    BUCKET,
    children,
    look_at_the_bucket,
    look_at_the_repository,
    look_at_the_role,
    sagemaker,
    started,
)
from tests.doubles.aws import AwsLoopback
from tests.doubles.standin.install import install

#: What the run makes, which is no part of what is theirs.
OURS = (BUCKET, "kitaru/prod", "kitaru-prod-sagemaker")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    rng = random.Random(given.seed)
    os.environ["TESTS_COLD"] = "1"  # every process of its own
    figures: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder, AwsLoopback(Path(folder)) as aws:
        os.environ.update(aws.env(), PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION="true")
        os.environ["PULUMI_HOME"] = str(Path(folder) / "pulumi")
        install(Path(os.environ["PULUMI_HOME"]))
        log = Path(folder) / "moto.log"
        whole = 0
        for number in range(-1, given.kills):
            home = Path(folder) / f"home-{number}"
            os.environ["ZENML_CONFIG_PATH"] = str(home)
            aws.reset()
            if number < 0:  # how many there are in a run that nobody kills
                whole = undisturbed(aws, home, log)
                print(f"a run asks AWS {whole} times", flush=True)
                continue
            try:
                found = one(aws, home, log, rng.uniform(0, whole))
            except Exception as error:
                found = f"FAULT: {type(error).__name__}: {error}"
            figures[found.partition(":")[0]] += 1
            print(f"{number}: {found}", flush=True)
            shutil.rmtree(home, ignore_errors=True)
    for line, count in sorted(figures.items()):
        print(f"{count:4} {line}")
    return int(any("FAULT" in line for line in figures))


def asked(log: Path) -> int:
    """How many requests moto has answered so far."""
    return log.read_text(errors="replace").count(" HTTP/1.1")


def undisturbed(aws: AwsLoopback, home: Path, log: Path) -> int:
    """How many requests a whole run makes."""
    plant_bucket(aws)
    home.mkdir(parents=True)
    before = asked(log)
    assert started(home.with_suffix(".log")).wait() == 0, home.with_suffix(".log").read_text()
    found = asked(log) - before
    assert found > 10, f"{found} requests in {log}"
    return found


def one(aws: AwsLoopback, home: Path, log: Path, when: float) -> str:
    """One round; what came of it.

    Args:
        aws: The account.
        home: The run's.
        log: Moto's.
        when: After how many requests it is killed.
    """
    plant_bucket(aws)
    plant_others(aws)
    theirs = world(aws)
    home.mkdir(parents=True)
    before = asked(log)
    process = started(home.with_suffix(".log"))
    while process.poll() is None and asked(log) - before < when:
        time.sleep(0.005)
    kill(process)
    left = inventory(aws)
    said: list[str] = []
    p.provision(sagemaker(), progress=said.append)
    look_at_the_bucket(aws)
    look_at_the_repository(aws)
    look_at_the_role(aws)
    assert not p.preview_infrastructure(sagemaker()).has_changes, "the second run had work left"
    assert foreign(world(aws)) == foreign(theirs), "what is theirs was changed"
    took = "taken over" if any("cut off" in line for line in said) else "clean"
    return f"completed, {took}: killed after {when:.0f} requests with {left}"


def inventory(aws: AwsLoopback) -> str:
    """What of ours was there."""
    there = [b["Name"] for b in aws.client("s3").list_buckets()["Buckets"]]
    there += [r["repositoryName"] for r in
              aws.client("ecr").describe_repositories()["repositories"]]  # fmt: skip
    there += [r["RoleName"] for r in aws.client("iam").list_roles()["Roles"]]
    ours = [name for name in there if name.startswith(OURS)]
    return f"{len(ours)} of 3 things made"


def foreign(found: dict[str, Any]) -> dict[str, Any]:
    """What is not ours in all that can be read."""
    mine = set(OURS)
    return found | {
        "repositories": [r for r in found["repositories"] if r[0]["repositoryName"] not in mine],
        "roles": [r for r in found["roles"] if not any(t["Key"] == "kitaru-stack" for t in r[1])],
        "buckets": [name for name in found["buckets"] if name not in mine],
    }


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
