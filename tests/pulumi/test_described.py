"""The infrastructure of a description in a platform team's program, made by its own provider."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_aws as aws_sdk
import pytest

from kitaru_iac.clouds.aws.provision.component import Infrastructure
from kitaru_iac.engine.deployment import Deployment
from kitaru_iac.engine.errors import UpdateFailed
from kitaru_iac.engine.find import find_engine
from kitaru_iac.infrastructure import provision as command
from kitaru_iac.plan.model import Action
from kitaru_iac.spec import from_mapping
from kitaru_iac.spec.model import StackSpec
from tests.doubles.aws import REGION
from tests.doubles.standin.fixtures import EngineRoom
from tests.pulumi.tracebacks import failed_badly

pytestmark = pytest.mark.engine

OTHER_REGION = "eu-central-1"
OTHER_ACCOUNT = "210987654321"


def described(**more: Any) -> StackSpec:
    keys = {"name": "prod", "type": "sagemaker", "region": REGION, "infra": "provision"}
    return from_mapping({**keys, **more})


def deployment(program: Callable[[], None], stack: str = "main") -> Deployment:
    return Deployment("platform", stack, program, engine=find_engine())


def made_of(spec: StackSpec, **settings: Any) -> Callable[[], None]:
    """A program that makes a description's infrastructure, with a provider of these settings."""

    def program() -> None:
        provider = aws_sdk.Provider("mine", **settings)
        made = Infrastructure("prod", spec, pulumi.ResourceOptions(providers=[provider]))
        for key in ("artifact_store", "container_registry", "execution_role", "cluster", "region"):
            pulumi.export(key, getattr(made, key))

    return program


def test_it_makes_what_the_command_makes(engine_room: EngineRoom) -> None:
    expected = command.preview_infrastructure(described()).spec
    with deployment(made_of(described(), region=REGION)) as program:
        assert program.preview().changes
        assert engine_room.aws.client("s3").list_buckets()["Buckets"] == []
        outputs = program.up().outputs
        assert outputs["artifact_store"] == str(expected.artifact_store)
        assert outputs["container_registry"] == str(expected.container_registry)
        assert outputs["execution_role"] == expected.execution_role  # type: ignore[union-attr]
        assert {step.action for step in program.up().steps()} == {Action.KEEP}


def test_the_region_is_the_descriptions_and_the_account_the_providers(
    engine_room: EngineRoom,
) -> None:
    """A role of another account is what moto takes for its keys."""
    aws = engine_room.aws
    keys = aws.client("sts").assume_role(
        RoleArn=f"arn:aws:iam::{OTHER_ACCOUNT}:role/platform", RoleSessionName="test"
    )["Credentials"]
    settings = {
        "region": OTHER_REGION,
        "access_key": keys["AccessKeyId"],
        "secret_key": keys["SecretAccessKey"],
    }
    with deployment(made_of(described(), **settings)) as program:
        outputs = program.up().outputs
    bucket = f"kitaru-prod-{OTHER_ACCOUNT}-{REGION}"
    assert outputs["artifact_store"] == f"s3://{bucket}"
    registry = f"{OTHER_ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/kitaru/prod"
    assert outputs["container_registry"] == registry
    assert outputs["execution_role"].startswith(f"arn:aws:iam::{OTHER_ACCOUNT}:role/")
    # And nothing is in the account of this process.
    assert aws.client("s3").list_buckets()["Buckets"] == []
    assert aws.client("ecr").describe_repositories()["repositories"] == []


def test_a_cluster_lies_in_the_default_subnets_of_its_region(engine_room: EngineRoom) -> None:
    spec = described(
        type="kubernetes",
        resources={"cluster": "create"},
        infrastructure={"endpoint_access": ["203.0.113.7/32"]},
    )
    with deployment(made_of(spec, region=OTHER_REGION)) as program:
        assert program.up().outputs["cluster"] == "kitaru-prod"
        assert {step.action for step in program.up().steps()} == {Action.KEEP}
    found = engine_room.aws.client("eks").describe_cluster(name="kitaru-prod")["cluster"]
    here = engine_room.aws.client("ec2").describe_subnets()["Subnets"]
    assert set(found["resourcesVpcConfig"]["subnetIds"]) == {seen["SubnetId"] for seen in here}


def test_an_account_that_is_not_known_at_preview_is_said(engine_room: EngineRoom) -> None:
    def program() -> None:
        region = aws_sdk.s3.Bucket("other", bucket="other").bucket_region
        provider = aws_sdk.Provider("mine", region=region)
        Infrastructure("prod", described(), pulumi.ResourceOptions(providers=[provider]))

    with deployment(program) as made, pytest.raises(UpdateFailed) as error:
        made.preview()
    assert "account of the AWS provider is not known yet" in str(error.value)
    assert not failed_badly(str(error.value))


def test_named_parts_in_the_account_of_the_provider(engine_room: EngineRoom) -> None:
    """The component without a description: what is made is named one by one."""

    def program() -> None:
        provider = aws_sdk.Provider("mine", region=OTHER_REGION)
        made = Infrastructure(
            "prod",
            {
                "stack": "prod",
                "type": "local",
                "region": REGION,
                "new_bucket": "team-data",
                "artifact_store": "s3://team-data/kitaru",
                "tags": {"team": "ml"},
                "keep_data": False,
            },
            pulumi.ResourceOptions(providers=[provider]),
        )
        pulumi.export("artifact_store", made.artifact_store)

    with deployment(program) as made:
        assert made.up().outputs["artifact_store"] == "s3://team-data/kitaru"
        s3 = engine_room.aws.client("s3")
        tags = {t["Key"]: t["Value"] for t in s3.get_bucket_tagging(Bucket="team-data")["TagSet"]}
        assert tags == {
            "team": "ml",
            "managed-by": "kitaru-iac",
            "kitaru-stack": "prod",
            "pulumi-project": "platform",
            "pulumi-stack": "main",
        }
        assert s3.get_bucket_location(Bucket="team-data")["LocationConstraint"] == REGION
        made.destroy()
        assert s3.list_buckets()["Buckets"] == []
