"""What is not ours stays as it is, whatever its name: the real engine over the stand-in."""

from __future__ import annotations

import json
from collections.abc import Callable
from shutil import rmtree
from typing import Any

import pytest

from kitaru_iac.clouds.provider import marks
from kitaru_iac.errors import AlreadyExistsError
from kitaru_iac.infrastructure import destroy as d
from kitaru_iac.infrastructure import provision as p
from kitaru_iac.plan.model import Reason
from kitaru_iac.spec import from_mapping
from kitaru_iac.spec.model import StackSpec
from tests.clouds.aws.test_provision import (
    BUCKET,
    ECR,
    REGION,
    S3_BUCKET,
    changes,
    killed,
    sagemaker,
)
from tests.doubles.aws import ACCOUNT_ID, AwsLoopback
from tests.doubles.standin.fixtures import EngineRoom

__all__ = ["killed"]

pytestmark = pytest.mark.engine

OWN = marks("kitaru", "prod")
POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT_ID}:root"},
                "Action": "s3:GetObject",
                "Resource": "arn:aws:s3:::team-data/*",
            }
        ],
    }
)


def named(**more: Any) -> StackSpec:
    """A description whose names somebody else may have taken."""
    given = {
        "name": "prod", "type": "sagemaker", "region": REGION, "infra": "provision",
        "artifact_store": "s3://team-data/k",
        "container_registry": f"{ACCOUNT_ID}.dkr.ecr.{REGION}.amazonaws.com/team/images",
        "execution_role": f"arn:aws:iam::{ACCOUNT_ID}:role/team-role",
        "resources": {"bucket": "create", "registry": "create", "role": "create"},
    }  # fmt: skip
    return from_mapping(given | more)


def plant_bucket(aws: AwsLoopback, name: str = "team-data") -> None:
    """A bucket with an object, a policy, tags and a lifecycle of its own."""
    aws.bucket(name)
    s3 = aws.client("s3")
    s3.put_object(Bucket=name, Key="theirs", Body=b"years of work")
    s3.put_bucket_policy(Bucket=name, Policy=POLICY.replace("team-data", name))
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": [{"Key": "team", "Value": "data"}]})
    rule = {
        "ID": "theirs",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "Expiration": {"Days": 9},
    }
    s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": [rule]})


def plant_others(aws: AwsLoopback) -> None:
    aws.repository("team/images")
    aws.role("team-role")


def world(aws: AwsLoopback, bucket: str = "team-data") -> dict[str, Any]:
    """All that can be read of a bucket, and of the repositories and roles."""
    s3, ecr, iam = (aws.client(name) for name in ("s3", "ecr", "iam"))

    def setting(read: Callable[..., Any]) -> Any:
        try:
            answer = read(Bucket=bucket)
        except s3.exceptions.ClientError as error:
            return error.response["Error"]["Code"]
        return {key: value for key, value in answer.items() if key != "ResponseMetadata"}

    roles = iam.list_roles()["Roles"]
    repositories = ecr.describe_repositories()["repositories"]
    return {
        "settings": [
            setting(read)
            for read in (
                s3.list_object_versions, s3.get_bucket_policy, s3.get_bucket_tagging,
                s3.get_bucket_lifecycle_configuration, s3.get_bucket_versioning,
                s3.get_bucket_encryption, s3.get_public_access_block,
                s3.get_bucket_ownership_controls, s3.get_bucket_acl,
            )
        ],
        "object": s3.get_object(Bucket=bucket, Key="theirs")["Body"].read(),
        "repositories": [
            (r, ecr.list_tags_for_resource(resourceArn=r["repositoryArn"])["tags"])
            for r in repositories
        ],
        "roles": [
            (iam.get_role(RoleName=r["RoleName"])["Role"]["AssumeRolePolicyDocument"],
             iam.list_role_tags(RoleName=r["RoleName"])["Tags"],
             iam.list_role_policies(RoleName=r["RoleName"])["PolicyNames"])
            for r in roles
        ],
        "buckets": [b["Name"] for b in s3.list_buckets()["Buckets"]],
    }  # fmt: skip


def test_all_names_that_are_taken_are_said_before_anything_is_made(engine_room: EngineRoom) -> None:
    aws = engine_room.aws
    plant_bucket(aws)
    plant_others(aws)
    before = world(aws)
    for run in (p.preview_infrastructure, p.provision, p.provision):
        with pytest.raises(AlreadyExistsError) as taken:
            run(named())
        for name in ("bucket team-data", "ECR repository team/images", "IAM role team-role"):
            assert name in taken.value.what
        assert f"account {ACCOUNT_ID}" in str(taken.value.where)
        assert "existing" in str(taken.value.remedy)
    assert world(aws) == before
    assert not list(engine_room.state.rglob("stacks/**/prod.json"))


def test_the_third_name_is_looked_up_before_the_first_is_made(engine_room: EngineRoom) -> None:
    engine_room.aws.role("team-role")
    with pytest.raises(AlreadyExistsError, match="IAM role team-role"):
        p.provision(named())
    assert engine_room.aws.client("s3").list_buckets()["Buckets"] == []
    assert engine_room.aws.client("ecr").describe_repositories()["repositories"] == []


def test_what_carries_our_tags_and_is_in_no_state_is_not_made_again(
    engine_room: EngineRoom,
) -> None:
    """The state folder was deleted, or is a colleague's."""
    aws = engine_room.aws
    plant_bucket(aws, BUCKET)
    pairs = [{"Key": key, "Value": value} for key, value in OWN.items()]
    aws.client("s3").put_bucket_tagging(Bucket=BUCKET, Tagging={"TagSet": pairs})
    before = world(aws, BUCKET)
    with pytest.raises(AlreadyExistsError, match=f"not in the state.*bucket {BUCKET}") as lost:
        p.provision(sagemaker())
    assert "PULUMI_BACKEND_URL" in str(lost.value.remedy)
    assert lost.value.where == engine_room.state.as_uri()
    assert world(aws, BUCKET) == before


def test_what_was_lost_is_taken_back_and_nothing_else(
    engine_room: EngineRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The state folder is deleted: by a plain word it is made again, from what is there."""
    aws = engine_room.aws
    made = p.provision(sagemaker())
    s3 = aws.client("s3")
    s3.delete_bucket_policy(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="theirs", Body=b"years of work")
    s3.delete_public_access_block(Bucket=BUCKET)
    rmtree(engine_room.state)

    with pytest.raises(AlreadyExistsError, match="not in the state") as lost:
        p.provision(sagemaker())
    assert "--take-back" in str(lost.value.remedy)

    seen = p.preview_infrastructure(sagemaker(), take_back=True)
    assert not list(engine_room.state.rglob("prod*"))
    # What is as it should be is put into the state all the same: else nobody would do it.
    into_state = {step.kind for step in seen.steps if step.code is Reason.IMPORTED}
    assert "aws:s3/bucket:Bucket" in into_state
    back = p.provision(sagemaker(), take_back=True)
    for steps in (seen.steps, back.steps):
        made_again = {(kind, name) for action, kind, name in changes(steps) if action == "create"}
        assert {"Bucket", "Repository", "Role"}.isdisjoint(kind for kind, _ in made_again)
        assert ("BucketPublicAccessBlock", BUCKET) in made_again
        assert {action for action, _, _ in changes(steps)} <= {"create", "update"}
    assert back.spec == made.spec
    assert not p.preview_infrastructure(sagemaker()).has_changes
    s3.delete_bucket_policy(Bucket=BUCKET)
    assert s3.get_object(Bucket=BUCKET, Key="theirs")["Body"].read() == b"years of work"
    gone = d.destroy_infrastructure(back.labels, include_protected=True, delete_data=True)
    assert gone.kept == ()
    assert s3.list_buckets()["Buckets"] == []


def test_what_somebody_else_made_meanwhile_is_not_taken_over_after_a_kill(
    killed: Any, engine_room: EngineRoom
) -> None:
    """The engine has noted that it was about to create it, and was killed before it did."""
    aws = engine_room.aws
    killed(S3_BUCKET, when="before")
    assert aws.client("s3").list_buckets()["Buckets"] == []
    plant_bucket(aws, BUCKET)
    before = world(aws, BUCKET)
    with pytest.raises(AlreadyExistsError, match=f"bucket {BUCKET}") as taken:
        p.provision(sagemaker())
    assert "cut off while it made one of them" in str(taken.value.why)
    assert "delete-bucket" not in str(taken.value.why), "its tags are somebody's"
    aws.client("s3").delete_bucket_tagging(Bucket=BUCKET)
    before = world(aws, BUCKET)
    with pytest.raises(AlreadyExistsError) as taken:
        p.provision(sagemaker())
    assert "delete-bucket" not in str(taken.value.why), "somebody has used it"

    # Another name is a way on, which the interrupted creation does not stand in.
    made = p.provision(sagemaker(artifact_store="s3://other", resources={"bucket": "create"}))
    assert ("create", "Bucket", "other") in changes(made.steps)
    d.destroy_infrastructure(made.labels, include_protected=True, delete_data=True)
    assert world(aws, BUCKET) == before | {"roles": [], "repositories": []}  # ours went


def test_the_deletion_after_such_a_kill_leaves_it_too(killed: Any, engine_room: EngineRoom) -> None:
    aws = engine_room.aws
    killed(ECR, when="before")
    plant_bucket(aws)
    aws.repository("kitaru/prod")
    before = world(aws)
    labels = {
        "kitaru.pulumi.project": "kitaru",
        "kitaru.pulumi.stack": "prod",
        "kitaru.pulumi.backend": engine_room.state.as_uri(),
    }
    ahead = d.preview_destroy(labels, include_protected=True, delete_data=True)
    gone = d.destroy_infrastructure(labels, include_protected=True, delete_data=True)
    reasons = {kept.name: kept.reason for kept in gone.kept}
    assert ahead.kept == gone.kept
    assert "or it is somebody else's: it lacks the tags" in reasons.pop("kitaru/prod")
    # Our bucket, where the kill came before it was tagged: it stays, and is said to.
    after = world(aws)
    assert set(reasons) == set(after["buckets"]) - {"team-data"}
    assert after == before | {"roles": [], "buckets": after["buckets"]}


def test_what_took_the_place_of_ours_is_neither_changed_nor_deleted(
    engine_room: EngineRoom,
) -> None:
    """Deleted by hand, and made anew by somebody else under the same name."""
    aws = engine_room.aws
    labels = p.provision(sagemaker()).labels
    s3 = aws.client("s3")
    s3.delete_bucket_policy(Bucket=BUCKET)
    s3.delete_bucket(Bucket=BUCKET)
    plant_bucket(aws, BUCKET)
    before = world(aws, BUCKET)
    for run in (p.preview_infrastructure, p.provision):
        with pytest.raises(AlreadyExistsError, match=f"bucket {BUCKET}"):
            run(sagemaker())
    assert world(aws, BUCKET) == before

    ahead = d.preview_destroy(labels, include_protected=True, delete_data=True)
    gone = d.destroy_infrastructure(labels, include_protected=True, delete_data=True)
    for result in (ahead, gone):
        assert [kept.name for kept in result.kept] == [BUCKET]
        assert result.kept[0].reason.startswith("not made for this stack: it lacks the tags")
        assert BUCKET not in {name for _, _, name in changes(result.steps)}
    after = world(aws, BUCKET)
    assert after["settings"] == before["settings"]
    assert after["object"] == before["object"]
    assert after["roles"] == after["repositories"] == []  # ours went
