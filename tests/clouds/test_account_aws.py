"""Whose account provisioning works in, and how the engine's plugins become the same identity."""

from __future__ import annotations

import pytest

from kitaru_iac.clouds.aws.provision.account import Account
from kitaru_iac.errors import KitaruError, NotAllowedError
from kitaru_iac.spec.credentials import parse_credentials
from tests.clouds.aws import ACCOUNT_ID, REGION, AwsLoopback, principal_trust

KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


def test_the_callers_own_identity_needs_no_variables(aws: AwsLoopback) -> None:
    account = Account.open(None, REGION)
    assert account.number == ACCOUNT_ID
    assert account.environment() == {"AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION}


def test_keys_go_to_the_plugin_and_the_callers_others_do_not(aws: AwsLoopback) -> None:
    account = Account.open(parse_credentials("aws-access-keys:AKIAX:hush-hush"), REGION)
    told = account.environment()
    assert [told[name] for name in KEYS] == ["AKIAX", "hush-hush", ""]
    assert told["AWS_PROFILE"] == ""
    assert "hush" not in repr(account)


def test_a_role_is_assumed_for_the_plugin(aws: AwsLoopback) -> None:
    arn = aws.role("deployer", principal_trust("*"))
    told = Account.open(parse_credentials(f"aws-role:{arn}"), REGION).environment()
    assert all(told[name] for name in KEYS)
    assert told["AWS_ACCESS_KEY_ID"] != aws.access_key_id


def test_a_profile_goes_before_keys_of_the_callers(aws: AwsLoopback) -> None:
    opened = Account.open(None, REGION)
    opened._credentials = parse_credentials("aws-profile:work")
    told = opened.environment()
    assert told["AWS_PROFILE"] == "work"
    assert [told[name] for name in KEYS] == ["", "", ""]


def test_nobody_is_told_how_to_log_in(aws: AwsLoopback, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(NotAllowedError, match="account to provision in") as told:
        Account.open(None, REGION)
    assert "aws configure" in str(told.value.remedy)


def test_subnets_are_one_for_each_zone(aws: AwsLoopback) -> None:
    account = Account.open(None, REGION)
    subnets = account.default_subnets()
    assert len(subnets) == len(set(subnets)) >= 2
    ec2 = aws.client("ec2")
    for found in ec2.describe_subnets()["Subnets"][1:]:
        ec2.delete_subnet(SubnetId=found["SubnetId"])
    with pytest.raises(KitaruError, match="no default subnets in two zones"):
        account.default_subnets()


def test_what_was_made_is_found_by_its_name(aws: AwsLoopback) -> None:
    account = Account.open(None, REGION)
    asked = {
        "aws:s3/bucket:Bucket": {"bucket": "made"},
        "aws:ecr/repository:Repository": {"name": "made"},
        "aws:iam/role:Role": {"name": "made"},
        "aws:eks/cluster:Cluster": {"name": "made"},
    }
    assert [account.identify(token, inputs) for token, inputs in asked.items()] == [None] * 4
    aws.bucket("made")
    aws.repository("made")
    aws.role("made")
    aws.cluster("made")
    assert [account.identify(token, inputs) for token, inputs in asked.items()] == ["made"] * 4
    group = {"clusterName": "made", "nodeGroupName": "made-0"}
    assert account.identify("aws:eks/nodeGroup:NodeGroup", group) == "made:made-0"
    gone = {"clusterName": "made", "nodeGroupName": "gone"}
    assert account.identify("aws:eks/nodeGroup:NodeGroup", gone) is None
    assert account.identify("aws:s3/bucketPolicy:BucketPolicy", {"bucket": "made"}) is None


def test_what_cannot_be_looked_at_is_not_taken_for_empty(aws: AwsLoopback) -> None:
    aws.bucket("full")
    aws.require_valid_keys()
    key, secret = aws.user("nobody")
    account = Account.open(parse_credentials(f"aws-access-keys:{key}:{secret}"), REGION)
    holding = account.holds("aws:s3/bucket:Bucket", "full")
    assert holding is not None
    assert holding.startswith("it may hold data")
    with pytest.raises(KitaruError, match="cannot be told"):
        account.identify("aws:s3/bucket:Bucket", {"bucket": "full"})
