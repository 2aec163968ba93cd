"""What is made for a description on AWS, and under which names: pure."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitaru_iac.clouds.aws.provision.layout import layout
from kitaru_iac.clouds.aws.provision.names import (
    bucket_name,
    cluster_name,
    repository_name,
    role_name,
)
from kitaru_iac.clouds.names import slug
from kitaru_iac.clouds.outputs import filled
from kitaru_iac.errors import DescriptionError
from kitaru_iac.spec import from_mapping
from kitaru_iac.spec.model import StackSpec
from kitaru_iac.spec.names import PATTERNS, s3_bucket

ACCOUNT, REGION = "123456789012", "eu-west-1"
LONGEST_REGION = "ap-southeast-14"


def described(**more: Any) -> StackSpec:
    return from_mapping(
        {"name": "prod", "type": "sagemaker", "region": REGION, "infra": "provision", **more}
    )


@given(st.from_regex(PATTERNS["name"], fullmatch=True))
def test_every_stack_gets_names_that_aws_takes(stack: str) -> None:
    assert s3_bucket(bucket_name(stack, ACCOUNT, LONGEST_REGION))
    assert len(repository_name(stack)) <= 256
    assert len(cluster_name(stack)) <= 100
    for use in ("sagemaker", "cluster", "nodes"):
        assert len(role_name(stack, use, LONGEST_REGION)) <= 64


@given(st.lists(st.from_regex(PATTERNS["name"], fullmatch=True), unique=True, max_size=20))
def test_two_stacks_never_share_names(stacks: list[str]) -> None:
    assert len({slug(stack) for stack in stacks}) == len(stacks)


@given(st.from_regex(PATTERNS["name"], fullmatch=True))
def test_no_stack_can_be_called_like_another_one_s_things(stack: str) -> None:
    assert slug(slug(stack)) != slug(stack) or slug(stack) == stack


def test_names_stay_what_they_are() -> None:
    # Another name would be another resource: these must never change.
    assert bucket_name("prod", ACCOUNT, REGION) == "kitaru-prod-123456789012-eu-west-1"
    assert slug("Prod") == "prod-5f5635"
    assert slug("a-stack-with-a-name-that-is-far-too-long") == "a-stack-with-a-name-74ab4e"
    assert slug("team.prod") == "team-prod-9496a5"


def test_what_is_left_out_is_made() -> None:
    made = layout(described(), ACCOUNT, REGION)
    assert made.new_bucket == "kitaru-prod-123456789012-eu-west-1"
    assert made.new_repository == "kitaru/prod"
    assert made.new_role == "kitaru-prod-sagemaker-eu-west-1"
    assert made.makes_anything


def test_a_description_that_was_filled_makes_the_same() -> None:
    first = layout(described(), ACCOUNT, REGION)
    outputs = {
        "artifact_store": first.artifact_store,
        "container_registry": first.container_registry,
        "execution_role": first.execution_role,
        "cluster": None,
        "region": first.region,
    }
    again = filled(described(), outputs)
    assert layout(again, ACCOUNT, REGION) == first
    assert filled(again, outputs) == again


def test_what_is_named_is_used_and_not_made() -> None:
    spec = described(
        artifact_store="s3://mine/x",
        container_registry=f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com",
        execution_role=f"arn:aws:iam::{ACCOUNT}:role/mine",
    )
    assert not layout(spec, ACCOUNT, REGION).makes_anything
    assert filled(spec, {"artifact_store": "s3://mine/x", "region": REGION}) == spec


def test_what_is_skipped_is_not_made() -> None:
    spec = described(
        resources={"bucket": "skip"}, artifact_store="s3://kitaru-prod-123456789012-eu-west-1"
    )
    assert layout(spec, ACCOUNT, REGION).new_bucket is None


@pytest.mark.parametrize(
    ("more", "text"),
    [
        (
            {
                "container_registry": "999999999999.dkr.ecr.eu-west-1.amazonaws.com",
                "resources": {"registry": "create"},
            },
            "not that of the credentials",
        ),
        (
            {
                "execution_role": "arn:aws:iam::999999999999:role/x",
                "resources": {"role": "create"},
            },
            "cannot be made under this ARN",
        ),
        (
            {
                "execution_role": f"arn:aws:iam::{ACCOUNT}:role/path/x",
                "resources": {"role": "create"},
            },
            "cannot be made under this ARN",
        ),
        ({"type": "kubernetes"}, "none is made unasked"),
        ({"type": "kubernetes", "cluster": "x", "resources": {"role": "create"}}, "together with"),
        (
            {
                "type": "kubernetes",
                "resources": {"cluster": "create", "role": "skip"},
                "infrastructure": {"endpoint_access": []},
            },
            "makes its own roles",
        ),
    ],
)
def test_what_cannot_be_made_is_told(more: dict[str, Any], text: str) -> None:
    with pytest.raises(DescriptionError, match=text):
        layout(described(**more), ACCOUNT, REGION)


def test_a_local_stack_gets_its_bucket_alone() -> None:
    spec = described(type="local", artifact_store="s3://mine", resources={"bucket": "create"})
    made = layout(spec, ACCOUNT, REGION)
    assert (made.new_bucket, made.new_repository, made.new_role) == ("mine", None, None)


def test_other_partitions_have_their_own_arns() -> None:
    made = layout(described(region="us-gov-west-1"), ACCOUNT, "us-gov-west-1")
    assert str(made.execution_role).startswith("arn:aws-us-gov:iam::")
