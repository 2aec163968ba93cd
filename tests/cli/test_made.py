"""The end of `create --infra provision`: what was made, what is used, where the state is."""

from __future__ import annotations

import pytest

from kitaru_iac.cli.infra import resource_lines
from kitaru_iac.plan.model import Action, Layer, Step
from kitaru_iac.stacks.results import Created

HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
ROLE = "arn:aws:iam::123456789012:role/kitaru-prod-sagemaker"
RESOURCES = {
    "provider": "aws",
    "artifact_store": "s3://kitaru-prod-1",
    "container_registry": f"{HOST}/kitaru/prod",
    "execution_role": ROLE,
    "cluster": "kitaru-prod",
}


TYPES = {
    "bucket": "aws:s3/bucket:Bucket",
    "repository": "aws:ecr/repository:Repository",
    "role": "aws:iam/role:Role",
    "cluster": "aws:eks/cluster:Cluster",
    "policy": "aws:s3/bucketPolicy:BucketPolicy",
}


def made(*things: tuple[str, str], action: Action = Action.CREATE, **resources: str) -> list[str]:
    """The keys that are said to be made."""
    steps = tuple(Step(action, TYPES[kind], name, Layer.INFRASTRUCTURE) for kind, name in things)
    stack = Created(
        *("1", "prod", True, None, "sagemaker", ()),
        resources=RESOURCES | resources,
        infrastructure=steps,
        state="file:///state",
    )
    *lines, state = resource_lines(stack)
    assert state == "State of its infrastructure: file:///state"
    assert [line.partition(" ")[2] for line in lines] == [
        f"{key}: {value}" for key, value in stack.resources.items()
    ]
    assert {line.partition(" ")[0] for line in lines} <= {"Made", "Uses"}
    return [line.split()[1].rstrip(":") for line in lines if line.startswith("Made ")]


ALL = (
    ("bucket", "kitaru-prod-1"),
    ("repository", "kitaru/prod"),
    ("role", "kitaru-prod-sagemaker"),
    ("cluster", "kitaru-prod"),
)


def test_what_was_made_is_told_from_what_is_used() -> None:
    assert made() == []
    assert made(*ALL) == ["artifact_store", "container_registry", "execution_role", "cluster"]
    store = "s3://kitaru-prod-1/deep/path"
    assert made(("bucket", "kitaru-prod-1"), artifact_store=store) == ["artifact_store"]
    assert made(("repository", "kitaru/prod"), ("role", "other")) == ["container_registry"]


def test_a_thing_of_another_kind_with_the_same_name_is_not_that_one() -> None:
    named = {"artifact_store": "s3://prod", "container_registry": f"{HOST}/team/prod"}
    assert made(("cluster", "prod"), cluster="prod", **named) == ["cluster"]
    assert made(("policy", "prod"), **named) == []


@pytest.mark.parametrize("action", [action for action in Action if action is not Action.CREATE])
def test_what_an_earlier_run_made_is_used(action: Action) -> None:
    assert made(*ALL, action=action) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("data", "s3://team-data/k"),
        ("team", "s3://team-data"),
        ("a.b", "s3://a-b"),
        ("team-data", "s3://team-data-2"),
    ],
)
def test_a_name_within_another_is_not_that_one(name: str, value: str) -> None:
    assert made(("bucket", name), artifact_store=value) == []
