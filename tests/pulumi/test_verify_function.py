"""The function `verify` in a program: a typed report, or a preview that ends with it."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest

import kitaru_iac.pulumi as kitaru
from kitaru_iac.pulumi.program import deploy
from tests.doubles.aws import ACCOUNT_ID, REGION, AwsLoopback
from tests.homes import Home
from tests.pulumi.programs import not_known
from tests.pulumi.room import Failed, Room
from tests.pulumi.tracebacks import failed_badly


@pytest.fixture
def cloudy(home: Home, aws: AwsLoopback, local_room: Room) -> Room:
    """A project whose plugin looks at an account on loopback."""
    del home, aws
    return local_room


def described(aws: AwsLoopback, bucket: str = "artifacts") -> dict[str, Any]:
    return {
        "name": "prod",
        "type": "sagemaker",
        "region": REGION,
        "artifact_store": f"s3://{bucket}/kitaru",
        "container_registry": f"{ACCOUNT_ID}.dkr.ecr.{REGION}.amazonaws.com/kitaru",
        "execution_role": f"arn:aws:iam::{ACCOUNT_ID}:role/Runtime",
    }


def test_a_report_is_typed(cloudy: Room, aws: AwsLoopback) -> None:
    aws.bucket("artifacts")

    def run() -> None:
        report = kitaru.verify(**described(aws), allow_failures=True)
        found = {result.id: result.status for result in report.results}
        pulumi.export("statuses", found)
        pulumi.export("worst", report.worst)
        pulumi.export("stack", report.stack)
        assert isinstance(report.results[0], kitaru.CheckResult)
        failed = [result for result in report.results if result.status == "fail"]
        pulumi.export("remedies", all(result.remedy for result in failed))

    up = cloudy.up(run)
    assert up.outputs["statuses"]["aws.bucket.exists"] == "ok"
    assert up.outputs["statuses"]["aws.role.exists"] == "fail"
    assert up.outputs["worst"] == "fail"
    assert up.outputs["stack"] == "prod"
    assert up.outputs["remedies"] is True


@pytest.mark.parametrize("way", ["plain", "output"])
def test_a_failed_check_ends_the_preview_with_the_report(
    cloudy: Room, aws: AwsLoopback, way: str
) -> None:
    def run() -> None:
        if way == "plain":
            kitaru.verify(**described(aws, "not-there"))
        else:
            given = {k: pulumi.Output.from_input(v) for k, v in described(aws, "not-there").items()}
            kitaru.verify_output(**given)

    with pytest.raises(Failed) as failed:
        cloudy.preview(run)
    text = str(failed.value)
    assert "aws.bucket.exists" in text
    assert "not-there" in text
    assert "failed" in text


def test_what_is_not_known_yet_is_not_looked_at(cloudy: Room, aws: AwsLoopback) -> None:
    def run() -> None:
        given = {**described(aws), "artifact_store": not_known()}
        pulumi.export("worst", kitaru.verify_output(**given).apply(lambda report: report.worst))
        there = pulumi.InvokeOptions(
            provider=kitaru.Provider("there", url=not_known(), api_key="ZENKEY_x")
        )
        later = kitaru.verify_output(name="dev", opts=there)
        pulumi.export("later", later.apply(lambda report: report.worst))
        for known in (given, {"name": "dev", "opts": there}):
            with pytest.raises(pulumi.RunError, match="verify_output"):
                kitaru.verify(**known)
        # The ready program waits with its stack, too.
        deploy({**given, "infra": "verify"})

    preview = cloudy.preview(run)
    assert preview.ops == {"prod": "create"}
    assert "verified once all that names it is known" in preview.text


def test_the_stack_waits_for_the_checks_of_what_is_an_output(
    cloudy: Room, aws: AwsLoopback
) -> None:
    def run() -> None:
        first = kitaru.Stack("first")
        bucket = first.name.apply(lambda name: f"s3://not-{name}/kitaru")
        deploy({**described(aws), "artifact_store": bucket, "infra": "verify"})

    with pytest.raises(Failed) as failed:
        cloudy.up(run)
    assert "aws.bucket.exists" in str(failed.value)
    assert not failed_badly(str(failed.value))
    assert "prod" not in cloudy.resources()


def test_a_wrong_description_is_told_as_one(cloudy: Room, aws: AwsLoopback) -> None:
    def run() -> None:
        kitaru.verify(**{**described(aws), "region": "nowhere"})

    with pytest.raises(Failed) as failed:
        cloudy.preview(run)
    assert "region" in str(failed.value)


def test_a_local_stack_has_nothing_to_check(local_room: Room) -> None:
    def run() -> None:
        report = kitaru.verify(name="dev")
        pulumi.export("worst", str(report.worst))
        pulumi.export("count", len(report.results))

    assert local_room.up(run).outputs == {"worst": "None", "count": 0}
