"""`verify` against a bare script that makes the same calls at the same time.

    python -m benchmarks.bench_verify [--cloud aws] [--rounds N] [--latency S] [--slow S]

AWS is moto with a proxy in front of it, the other clouds are the tests' doubles
(`benchmarks.verify_elsewhere`): all in other processes, so that neither side pays for them. The two
sides take turns in one run, each with a session and clients of its own every time,
and the medians are compared. Each part prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from benchmarks import verify_elsewhere as elsewhere
from kitaru_iac.checks.permissions import Identity
from kitaru_iac.clouds.aws.permissions import permissions_for
from kitaru_iac.clouds.aws.resources import aws_resources, role_name
from kitaru_iac.clouds.aws.simulate import Question, questions
from kitaru_iac.infrastructure.verify import verify
from kitaru_iac.spec import from_mapping
from kitaru_iac.spec.model import BaseSpec

BUCKET, REPOSITORY, ROLE = "bench-bucket", "zenml", "bench-role"
QUOTA = {"QuotaName": "ml.m5.xlarge for training job usage", "QuotaCode": "L-1", "Value": 8}
SLOW_OPERATION = "s3:GetBucketVersioning"


ELSEWHERE = {cloud.name: cloud for cloud in (elsewhere.GCP, elsewhere.AZURE)}


def say(value: Any) -> None:
    """Write one line of JSON."""
    print(json.dumps(value), flush=True)  # noqa: T201


def serve(latency: float, slow: float) -> None:
    """Be AWS: print its environment and the stack, and stop when standard input closes."""
    from tests.doubles.aws import AwsLoopback
    from tests.doubles.faults import AwsFaults
    from tests.doubles.simulator import PolicySimulator
    from tests.doubles.web import json_response

    with (
        tempfile.TemporaryDirectory() as folder,
        AwsLoopback(Path(folder)) as aws,
        AwsFaults(aws.url) as faults,
    ):
        aws.bucket(BUCKET)
        aws.repository(REPOSITORY)
        aws.role(ROLE)
        faults.answer("iam:SimulatePrincipalPolicy", PolicySimulator(aws))
        # moto has neither.
        faults.answer("accessanalyzer:ValidatePolicy", json_response({"findings": []}))
        faults.answer("service-quotas:ListServiceQuotas", json_response({"Quotas": [QUOTA]}))
        faults.latency = latency
        if slow:
            faults.delay(SLOW_OPERATION, slow)
        described = {
            "name": "bench",
            "type": "sagemaker",
            "artifact_store": f"s3://{BUCKET}",
            "container_registry": "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
            "region": "eu-west-1",
            "execution_role": f"arn:aws:iam::123456789012:role/{ROLE}",
        }
        say({"env": aws.env() | faults.env(), "described": described})
        sys.stdin.read()


def bare(spec: BaseSpec) -> None:
    """What somebody would write by hand: clients, a pool, the calls. It judges nothing."""
    r = aws_resources(spec)
    session = boto3.session.Session(region_name=r.region)
    config = Config(retries={"mode": "standard", "total_max_attempts": 2}, max_pool_connections=16)
    sts, s3, ecr, iam, control, quotas, analyzer = (
        session.client(name, config=config)
        for name in ("sts", "s3", "ecr", "iam", "s3control", "service-quotas", "accessanalyzer")
    )

    def quietly(call: Callable[..., Any], **parameters: Any) -> None:
        with suppress(ClientError):  # "there is no such setting" is an answer too
            call(**parameters)

    def simulate(principal: str, question: Question) -> None:
        iam.simulate_principal_policy(
            PolicySourceArn=principal,
            ActionNames=list(question.actions),
            ResourceArns=[question.resource],
            ContextEntries=[
                {"ContextKeyName": key, "ContextKeyType": "string", "ContextKeyValues": [value]}
                for key, value in question.conditions
            ],
        )

    def validate(trust: Any) -> None:
        analyzer.validate_policy(
            policyDocument=json.dumps(trust),
            policyType="RESOURCE_POLICY",
            validatePolicyResourceType="AWS::IAM::AssumeRolePolicyDocument",
        )

    of_role = questions(permissions_for(r, Identity.RUNTIME), r)
    of_connector = questions(permissions_for(r, Identity.CONNECTOR), r)
    with ThreadPoolExecutor(32) as pool:
        identity = pool.submit(sts.get_caller_identity)
        jobs = [
            pool.submit(quietly, call, Bucket=BUCKET)
            for call in (
                *(s3.head_bucket, s3.get_public_access_block, s3.get_bucket_policy_status),
                *(s3.get_bucket_encryption, s3.get_bucket_versioning, s3.get_bucket_policy),
                s3.get_bucket_acl,
            )
        ]
        jobs.append(pool.submit(ecr.describe_repositories, repositoryNames=[REPOSITORY]))
        jobs.append(pool.submit(ecr.get_registry_scanning_configuration))
        jobs.append(pool.submit(quietly, ecr.get_repository_policy, repositoryName=REPOSITORY))
        jobs.append(pool.submit(quotas.list_service_quotas, ServiceCode="sagemaker"))
        role = pool.submit(iam.get_role, RoleName=role_name(str(r.role)))
        jobs += [pool.submit(simulate, str(r.role), question) for question in of_role]
        jobs.append(pool.submit(validate, role.result()["Role"]["AssumeRolePolicyDocument"]))
        who = identity.result()
        jobs.append(pool.submit(quietly, control.get_public_access_block, AccountId=who["Account"]))
        caller = who["Arn"].replace(":sts:", ":iam:")
        jobs += [pool.submit(simulate, caller, question) for question in of_connector]
        for job in jobs:
            job.result()


def timed(call: Callable[[], Any]) -> tuple[float, float]:
    """Seconds on the clock, and of processor time, which other work disturbs less."""
    start, cpu = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - start, time.process_time() - cpu


def compare(name: str, rounds: int, latency: float, slow: float) -> dict[str, Any]:
    """Both sides in turns against one cloud."""
    command = [sys.executable, "-m", "benchmarks.bench_verify", "--serve", "--cloud", name]
    command += ["--latency", str(latency), "--slow", str(slow)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as cloud:
        assert cloud.stdout is not None
        assert cloud.stdin is not None
        served = json.loads(cloud.stdout.readline())
        os.environ.update(served["env"])
        described = served["described"]
        spec = from_mapping(described)
        other, calls = ELSEWHERE.get(name), elsewhere.Seen()
        if other is not None:
            with elsewhere.seen() as calls:
                report = verify(spec, timeout=60)
            assert report.worst == "ok", [r for r in report.results if r.status != "ok"]
        sides: dict[str, Callable[[], Any]] = {
            "bare": (lambda: bare(spec)) if other is None else lambda: other.bare(described, calls),
            "verify": lambda: verify(spec, timeout=60),
        }
        times: dict[str, list[float]] = {side: [] for side in sides}
        work: dict[str, list[float]] = {side: [] for side in sides}
        for number in range(rounds + 1):
            # Who goes first changes, so that neither always finds what the other warmed.
            order = list(sides) if number % 2 else list(reversed(sides))
            for side in order:
                took = timed(sides[side])
                if number:  # the first round imports and fills caches
                    times[side].append(took[0])
                    work[side].append(took[1])
        cloud.stdin.close()
        cloud.wait(30)
    medians = {side: statistics.median(values) for side, values in times.items()}
    used = {side: statistics.median(values) for side, values in work.items()}
    return {
        "cloud": name,
        "latency_s": latency,
        "slow_answer_s": slow,
        "rounds": rounds,
        **{f"{side}_median_s": round(value, 3) for side, value in medians.items()},
        **{f"{side}_min_s": round(min(values), 3) for side, values in times.items()},
        **{f"{side}_cpu_s": round(value, 3) for side, value in used.items()},
        "ratio_of_cpu": round(used["verify"] / used["bare"], 3),
        "ratio_of_medians": round(medians["verify"] / medians["bare"], 3),
        "ratio_of_minima": round(min(times["verify"]) / min(times["bare"]), 3),
    }


def main() -> None:
    """Run both parts, or be the cloud."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cloud", choices=["aws", *ELSEWHERE], default="aws")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--latency", type=float, default=0.05, help="added to each answer, seconds")
    parser.add_argument("--slow", type=float, default=2.0, help="of one answer in the second part")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--part", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    other = ELSEWHERE.get(arguments.cloud)
    if arguments.serve and other is not None:
        elsewhere.serve(other, arguments.latency, arguments.slow, say)
    elif arguments.serve:
        serve(arguments.latency, arguments.slow)
    elif arguments.part:
        say(compare(arguments.cloud, arguments.rounds, arguments.latency, arguments.slow))
    else:
        # Each in a process of its own: gRPC reads once whose certificates it trusts.
        part = [sys.executable, "-m", "benchmarks.bench_verify", "--part"]
        part += ["--cloud", arguments.cloud, "--rounds", str(arguments.rounds)]
        part += ["--latency", str(arguments.latency), "--slow"]
        for slow in (0.0, arguments.slow):
            subprocess.run([*part, str(slow)], check=True)


if __name__ == "__main__":
    main()
