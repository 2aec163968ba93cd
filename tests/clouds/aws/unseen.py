"""Spoil the answers of AWS at random, and hold what is said against what is there.

    python -m tests.clouds.aws.unseen --worlds 300 [--seed 1]

In a world, one to three of the calls that a fit stack's checks make are throttled, cut off,
answered by a proxy's page or with another call's answer, hang, or are denied. What stands on a call
shows when that call alone is denied; of that nothing may be ok. Then somebody else's bucket,
repository, role, cluster and logs under the names of a stack, and the stack's own with data in
them, are looked up under the same faults: what is there is never free, never ours where it is
theirs, and never empty. Prints one line for each fault, and figures.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from kitaru_iac.checks.model import CheckStatus
from kitaru_iac.clouds.aws.provision.account import Account
from kitaru_iac.clouds.aws.provision.ownership import BUCKET, CLUSTER, LOGS, REPOSITORY, ROLE
from kitaru_iac.clouds.provider import Claim, marks
from kitaru_iac.errors import KitaruError
from kitaru_iac.spec.model import BaseSpec
from tests.clouds.aws.figures import told
from tests.clouds.aws.world import World
from tests.doubles.aws import REGION, AwsLoopback
from tests.doubles.faults import AwsFaults, Rule, error_response
from tests.doubles.web import Request, Response

#: Patience with an answer, and how long one that hangs takes.
_PATIENCE, _HANGS = 2.0, 4.0
OWN = marks("kitaru", "prod")
_XML = {"Content-Type": "text/xml"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        AwsLoopback(Path(folder)) as aws,
        AwsFaults(aws.url) as faults,
    ):
        os.environ.update(aws.env() | faults.env())
        return told(worlds(aws, faults, random.Random(given.seed), given.worlds))


def worlds(aws: AwsLoopback, faults: AwsFaults, rng: random.Random, count: int) -> Iterator[str]:
    """What came of each world; every third is one of names."""
    looks = [Looked(World(aws, faults), describe) for describe in (sagemaker, kubernetes)]
    names = Names(aws, faults)
    for number in range(count):
        yield from names.spoiled(rng) if number % 3 == 2 else looks[number % 3].spoiled(rng)


# -- faults ----------------------------------------------------------------------------------------


def spoil(faults: AwsFaults, call: str, kind: str) -> None:
    """Let a call be answered wrongly."""
    service = call.partition(":")[0]
    if kind == "denied":
        faults.deny(call)
        return
    page = {"Content-Type": "text/html"}
    on_the_way = {
        "a page": Response(200, b"<html>welcome</html>", page),
        "a refusal on the way": Response(403, b"<html>blocked</html>", page),
        "a dead end on the way": Response(404, b"<html>where?</html>", page),
        "nothing on the way": Response(200),
    }
    if kind in on_the_way:
        faults.intercept(call, on_the_way[kind])
        return
    fixed: dict[str, Rule | Response] = {
        "throttled": error_response(service, "ThrottlingException", "slow down", 400),
        "down": error_response(service, "ServiceUnavailable", "again", 503),
        "a list": Response(200, b"[]", {"Content-Type": "application/json"}),
        "nothing": Response(200, b"", {"Content-Type": "application/json"}),
        "no object": Response(200, b"{}", {"Content-Type": "application/json"}),
        "another answer": Response(200, b"<ListBucketsResult><Buckets/></ListBucketsResult>", _XML),
        "cut off": Response(200, b'{"cluster": {"na', {"Content-Type": "application/json"}),
        "expired": error_response(service, "ExpiredToken", "expired", 400),
        "unheard of": error_response(service, "TeapotException", "?", 418),
        "hung": _hang,
    }  # fmt: skip
    faults.answer(call, fixed[kind])


def _hang(request: Request) -> Response:
    time.sleep(_HANGS)
    return Response(200, b"{}", {"Content-Type": "application/json"})


KINDS = (
    *("denied", "throttled", "down", "a list", "nothing", "no object"),
    *("a page", "a refusal on the way", "a dead end on the way", "nothing on the way"),
    *("another answer", "cut off", "expired", "unheard of", "hung"),
)


# -- checks ----------------------------------------------------------------------------------------


def sagemaker(world: World) -> BaseSpec:
    world.fit_bucket()
    world.fit_repository()
    world.fit_role()
    return world.sagemaker()


def kubernetes(world: World) -> BaseSpec:
    world.fit_bucket()
    world.fit_repository()
    world.fit_cluster()
    return world.kubernetes()


class Looked:
    """A fit stack, and which of its checks stand on which calls."""

    def __init__(self, world: World, describe: Callable[[World], BaseSpec]) -> None:
        self._world, self._faults = world, world.faults
        self._spec = describe(world)
        self._rules = dict(world.faults._rules)
        self._fit = {name for name, status in self._ended().items() if status is CheckStatus.OK}
        self._calls = sorted(set(self._faults.calls))
        self._standing: dict[str, set[str]] = {}

    def _ended(self, timeout: float = 60.0) -> dict[str, CheckStatus]:
        return {one.id: one.status for one in self._world.verify(self._spec, timeout).results}

    def _fresh(self) -> None:
        self._faults.reset()
        self._faults._rules.update(self._rules)

    def _stands_on(self, call: str) -> set[str]:
        if call not in self._standing:
            self._standing[call] = set(self._fit)
            for _ in range(2):  # on a busy machine one look may have had no time
                self._fresh()
                self._faults.deny(call)
                ended = self._ended()
                self._standing[call] &= {n for n in self._fit if ended[n] is not CheckStatus.OK}
        return self._standing[call]

    def spoiled(self, rng: random.Random) -> Iterator[str]:
        """What came of one world."""
        chosen = {
            call: rng.choice(KINDS) for call in rng.sample(self._calls, rng.choice((1, 1, 2, 3)))
        }
        standing = {call: self._stands_on(call) for call in chosen}
        self._fresh()
        for call, kind in chosen.items():
            spoil(self._faults, call, kind)
        ended = self._ended(_PATIENCE if "hung" in chosen.values() else 60.0)
        wrong = [
            f"FAULT: {name} is ok with {kind}: {call}"
            for call, kind in chosen.items()
            for name in standing[call]
            if ended.get(name) is CheckStatus.OK
        ]
        yield from wrong
        if not wrong:
            unseen = sum(ended[name] is not CheckStatus.OK for name in self._fit)
            yield (
                "checked, and more than what stands on the calls is not ok"
                if unseen > len(set().union(*standing.values()))
                else "checked, and what stands on the calls is not ok"
            )


# -- names -----------------------------------------------------------------------------------------


class Names:
    """What is under the names of a stack, theirs and ours with data, and what is said of it."""

    def __init__(self, aws: AwsLoopback, faults: AwsFaults) -> None:
        self._faults = faults
        self.theirs = self._made(aws, "theirs", {"team": "data"})
        self.ours = self._made(aws, "ours", OWN)

    @staticmethod
    def _made(aws: AwsLoopback, name: str, tags: dict[str, str]) -> tuple[Claim, ...]:
        pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
        s3, ecr, iam = (aws.client(one) for one in ("s3", "ecr", "iam"))
        aws.bucket(name)
        s3.put_object(Bucket=name, Key="data", Body=b"1")
        s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": pairs})
        ecr.create_repository(repositoryName=name, tags=pairs)
        kind = "application/vnd.docker.distribution.manifest.v2+json"
        image = {"schemaVersion": 2, "mediaType": kind, "config": {"digest": "sha256:0"}}
        ecr.put_image(repositoryName=name, imageManifest=json.dumps(image), imageTag="one")
        aws.role(name)
        iam.tag_role(RoleName=name, Tags=pairs)
        aws.cluster(name)
        arn = aws.client("eks").describe_cluster(name=name)["cluster"]["arn"]
        aws.client("eks").tag_resource(resourceArn=arn, tags=tags)
        aws.client("logs").create_log_group(logGroupName=f"/kitaru/{name}", tags=tags)
        return (
            Claim(BUCKET, {"bucket": name}),
            Claim(REPOSITORY, {"name": name}),
            Claim(ROLE, {"name": name}),
            Claim(CLUSTER, {"name": name}),
            Claim(LOGS, {"name": f"/kitaru/{name}"}),
        )

    def spoiled(self, rng: random.Random) -> Iterator[str]:
        """What came of one world: one kind of thing, with each of its calls spoiled or not."""
        turn = rng.randrange(len(self.ours))
        whose = rng.choice(("theirs", "ours"))
        claim = getattr(self, whose)[turn]
        self._faults.reset()
        account = Account.open(None, REGION)
        account._access._timeout = _PATIENCE
        kind = rng.choice(KINDS)
        calls = _CALLS[claim.type]
        for call in rng.sample(calls, rng.choice(range(1, len(calls) + 1))):
            spoil(self._faults, call, kind)
        about = f"{whose} {claim.type} with {kind}: {sorted(self._faults._rules)}"
        name = next(iter(claim.inputs.values()))
        held = account.holds(claim.type, str(name))
        if claim.type in {BUCKET, REPOSITORY} and held is None:
            yield f"FAULT: it is said to be empty: {about}"
        try:
            seen = account.sight(claim.type, claim.inputs, OWN)
        except KitaruError:
            yield "named, and it cannot be told"
            return
        if seen is None:
            yield f"FAULT: it is said to be free: {about}"
        elif whose == "theirs" and seen.foreign is None:
            yield f"FAULT: it is said to be ours: {about}"
        elif whose == "ours" and seen.foreign is not None and not seen.hidden:
            yield f"FAULT: it is said to be theirs for sure: {about}"
        else:
            yield "named, and told as it is" if not seen.hidden else "named, and may not be seen"


_CALLS = {
    BUCKET: ["s3:HeadBucket", "s3:GetBucketTagging", "s3:ListObjectVersions"],
    REPOSITORY: ["ecr:DescribeRepositories", "ecr:ListTagsForResource", "ecr:ListImages"],
    ROLE: ["iam:GetRole"],
    CLUSTER: ["eks:DescribeCluster"],
    LOGS: ["logs:DescribeLogGroups", "logs:ListTagsForResource"],
}


if __name__ == "__main__":
    sys.exit(main())
