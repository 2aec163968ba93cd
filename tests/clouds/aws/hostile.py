"""Judge stacks in generated hostile accounts of AWS: statements that nobody would write for us.

    python -m tests.clouds.aws.hostile --worlds 600 [--seed 1]

Each world has generated statements of a role and of what stands above it, or of a bucket. The calls
that a run makes are written down by hand, and an evaluator of the tests' own says which of them AWS
lets through, under keys that nobody knows beforehand. It is ok only where all come through whatever
those are, and fails only where some does not. Needs no cloud. Prints one line for each fault, and
figures.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from kitaru_iac.checks.model import CheckStatus, Verdict
from kitaru_iac.checks.permissions import Identity
from kitaru_iac.clouds.aws.observations import Principal
from kitaru_iac.clouds.aws.permissions import permissions_for, statements
from kitaru_iac.clouds.aws.resources import AwsResources
from kitaru_iac.clouds.aws.verify_bucket import evaluate_bucket_policy
from kitaru_iac.spec.kinds import StackType
from kitaru_iac.spec.uris import EcrUri
from tests.clouds.aws.figures import told
from tests.clouds.aws.simulating import judged_by_iam
from tests.doubles.aws import ACCOUNT_ID, REGION
from tests.doubles.simulator import decide

OK, WARN, FAIL, UNKNOWN = CheckStatus


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=600)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    return told(policies(random.Random(given.seed), given.worlds))


OURS = ACCOUNT_ID
BUCKET_ARN, INSIDE = "arn:aws:s3:::b", "arn:aws:s3:::b/team"
RUNNER = f"arn:aws:iam::{OURS}:role/exec"
SERVER = Principal(f"arn:aws:iam::{OURS}:role/server", "role", "server")
R = AwsResources(
    "prod", StackType.SAGEMAKER, region=REGION, account=OURS, bucket="b", prefix="team",
    role=RUNNER, registry=EcrUri(OURS, REGION, f"{OURS}.dkr.ecr.{REGION}.amazonaws.com"),
    repository="zenml",
)  # fmt: skip
#: Keys that nobody knows beforehand, and what they may be.
HIDDEN: dict[str, Sequence[str | None]] = {
    "aws:sourcevpce": (None, "vpce-1", "vpce-2"),
    "aws:sourcevpc": (None, "vpc-1"),
    "aws:principaltag/team": (None, "ml", "web"),
    "aws:multifactorauthpresent": (None, "true", "false"),
    "aws:principalorgid": (None, "o-1"),
}
CONDITIONS = (
    ("StringEquals", "aws:RequestedRegion", REGION),
    ("StringNotEquals", "aws:RequestedRegion", REGION),
    ("StringNotEquals", "aws:RequestedRegion", "us-east-1"),
    ("StringLike", "aws:RequestedRegion", "eu-*"),
    ("Bool", "aws:SecureTransport", "false"),
    ("StringNotEquals", "aws:PrincipalAccount", OURS),
    ("StringEquals", "aws:PrincipalAccount", OURS),
    ("ArnNotLike", "aws:PrincipalArn", f"arn:aws:iam::{OURS}:role/e*"),
    ("StringNotEquals", "aws:SourceVpce", "vpce-1"),
    ("StringNotEqualsIfExists", "aws:SourceVpce", "vpce-1"),
    ("StringEquals", "aws:SourceVpc", "vpc-1"),
    ("Null", "aws:SourceVpc", "true"),
    ("StringNotEquals", "aws:PrincipalTag/team", "ml"),
    ("StringLike", "aws:PrincipalTag/team", "w*"),
    ("BoolIfExists", "aws:MultiFactorAuthPresent", "false"),
    ("StringNotEquals", "aws:PrincipalOrgID", "o-1"),
)
ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
Call: TypeAlias = tuple[str, str, Mapping[str, str]]


def _calls() -> list[Call]:
    """What a run on SageMaker asks for as its role, written down by hand."""
    image = f"arn:aws:ecr:{REGION}:{OURS}:repository/zenml"
    jobs = f"arn:aws:sagemaker:{REGION}:{OURS}:"
    logs = f"arn:aws:logs:{REGION}:{OURS}:log-group:/aws/sagemaker/"
    passed = {"iam:passedtoservice": "sagemaker.amazonaws.com"}
    found: list[Call] = [
        ("s3:ListBucket", BUCKET_ARN, {"s3:prefix": "team/"}),
        ("ecr:GetAuthorizationToken", "*", {}),
        ("iam:PassRole", RUNNER, passed),
    ]
    places = ("code_uploads/a.tar.gz", "logs/run/1.log", "trainer/output/7/data.json")
    found += [
        (f"s3:{verb}Object", f"{INSIDE}/{place}", {})
        for place in places
        for verb in ("Get", "Put", "Delete")
    ]
    found.append(("s3:PutObject", f"{BUCKET_ARN}/pipelines-a-b/output/model.tar.gz", {}))
    found += [(f"ecr:{verb}", image, {}) for verb in ("BatchGetImage", "GetDownloadUrlForLayer")]
    for kind, name in (("training-job", "TrainingJob"), ("processing-job", "ProcessingJob")):
        found += [(f"sagemaker:{verb}{name}", f"{jobs}{kind}/pipelines-a-b", {})
                  for verb in ("Create", "Describe")]  # fmt: skip
        found += [(f"logs:{verb}", f"{logs}{name}s:log-stream:a/b", {})
                  for verb in ("PutLogEvents", "CreateLogStream")]  # fmt: skip
        space = {"cloudwatch:namespace": f"/aws/sagemaker/{name}s"}
        found.append(("cloudwatch:PutMetricData", "*", space))
    return found


def _context(call: Call, who: str, hidden: Mapping[str, str | None]) -> dict[str, list[str]]:
    """What AWS knows of such a call."""
    more = call[2]
    known = {
        "aws:requestedregion": REGION, "aws:securetransport": "true",
        "aws:principalaccount": OURS, "aws:principalarn": who, "aws:resourceaccount": OURS,
        **more, **{key: value for key, value in hidden.items() if value is not None},
    }  # fmt: skip
    return {key: [value] for key, value in known.items()}


def _statement(rng: random.Random, effect: str) -> dict[str, Any]:
    made: dict[str, Any] = {"Effect": effect}
    action = rng.choice(
        ["*", "s3:*", "s3:Get*", "S3:PutObject", "ecr:*", "logs:*", "sagemaker:*", "iam:PassRole",
         "sqs:*", ["s3:DeleteObject", "ecr:BatchGetImage"], "sagemaker:Create*"]
    )  # fmt: skip
    if rng.random() < 0.15:
        made["NotAction"] = ["iam:*", *(action if isinstance(action, list) else [action])]
    else:
        made["Action"] = action
    made["Resource"] = rng.choice(
        ["*", "*", [BUCKET_ARN, f"{BUCKET_ARN}/*"], f"{INSIDE}/*", f"{INSIDE}/logs/*",
         f"{BUCKET_ARN}/other/*", f"arn:aws:sagemaker:{REGION}:*:training-job/*", "arn:aws:s3:::*"]
    )  # fmt: skip
    return made | _conditions(rng)


def _conditions(rng: random.Random) -> dict[str, Any]:
    chosen = rng.sample(CONDITIONS, rng.choice((0, 0, 1, 1, 2)))
    made: dict[str, dict[str, str]] = {}
    for operator, key, value in chosen:
        made.setdefault(operator, {})[key] = value
    return {"Condition": made} if made else {}


def policies(rng: random.Random, count: int) -> Iterator[str]:
    """What came of each world: two with a role's statements, then one with a bucket's."""
    for number in range(count):
        every = [{key: rng.choice(v) for key, v in HIDDEN.items()} for _ in range(48)]
        if number % 3:
            found, sets = _role_world(rng)
            through = [
                all(
                    decide(call[0], call[1], one, _context(call, RUNNER, hidden)) == "allowed"
                    for call in _calls()
                    for one in sets
                )
                for hidden in every
            ]
        else:
            found, sets = _bucket_world(rng)
            asked = [(who, call) for who in (RUNNER, SERVER.arn) for call in _calls()
                     if call[0].startswith("s3:")]  # fmt: skip
            through = [
                all(
                    decide(call[0], call[1], _about(sets[0], who), _context(call, who, hidden))
                    != "explicitDeny"
                    for who, call in asked
                )
                for hidden in every
            ]
        words = f"{found.status.value} ({found.why}): {json.dumps(sets)}"
        if found.status in {OK, WARN} and not all(through):
            yield f"FAULT: AWS may refuse a call: {words}"
        elif found.status is FAIL and all(through):
            yield f"FAULT: AWS refuses no call: {words}"
        else:
            truth = "all" if all(through) else "some" if any(through) else "none"
            yield f"{found.status.value}, where a run comes through in {truth}"


def _role_world(rng: random.Random) -> tuple[Verdict, list[list[Any]]]:
    table = statements(permissions_for(R, Identity.RUNTIME), R)
    own: list[Any] = table if rng.random() < 0.6 else [ALL]
    if rng.random() < 0.2:
        own = [one for one in own if rng.random() < 0.85]
    own = [*own, *(_statement(rng, "Allow") for _ in range(rng.choice((0, 0, 1))))]
    own += [_statement(rng, "Deny") for _ in range(rng.choice((0, 1, 1, 2)))]
    above = [[dict(ALL), *(_statement(rng, "Deny") for _ in range(rng.choice((0, 1))))]
             if rng.random() < 0.3 else None for _ in range(2)]  # fmt: skip
    boundary, organization = above
    for one in organization or ():
        one["Resource"] = "*"  # which parts of a bucket an organization denies, nobody may read
    found = judged_by_iam(
        *(R, Identity.RUNTIME, own), principal=RUNNER, boundary=boundary, hidden=organization
    )
    return found, [own, *(one for one in above if one is not None)]


def _bucket_world(rng: random.Random) -> tuple[Verdict, list[list[Any]]]:
    made: list[Any] = []
    for _ in range(rng.choice((1, 1, 2, 3))):
        whose = rng.choice(("*", {"AWS": "*"}, {"AWS": RUNNER}, {"AWS": SERVER.arn},
                            {"AWS": f"arn:aws:iam::{OURS}:root"}, {"AWS": OURS}))  # fmt: skip
        things = rng.choice(([BUCKET_ARN, f"{BUCKET_ARN}/*"], f"{INSIDE}/*", f"{INSIDE}/logs/*",
                             f"{BUCKET_ARN}/other/*", BUCKET_ARN))  # fmt: skip
        action = rng.choice(("s3:*", "s3:GetObject", "s3:Put*", "s3:ListBucket", "S3:Delete*"))
        made.append({
            "Effect": rng.choice(("Deny", "Deny", "Allow")), "Principal": whose, "Action": action,
            "Resource": things, **_conditions(rng),
        })  # fmt: skip
    document = {"Version": "2012-10-17", "Statement": made}
    return evaluate_bucket_policy(document, SERVER, OURS, R), [made]


def _about(statements: Sequence[Any], who: str) -> list[Any]:
    """Those statements that are about a principal of our account."""
    ours = {"*", who, OURS, f"arn:aws:iam::{OURS}:root"}
    return [one for one in statements if one["Principal"] == "*" or one["Principal"]["AWS"] in ours]


if __name__ == "__main__":
    sys.exit(main())
