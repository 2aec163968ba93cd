"""What is an answer of AWS's, and what a proxy's page that botocore makes an empty one of."""

from __future__ import annotations

from functools import cache
from typing import Any

import boto3
import pytest

from kitaru_iac.checks.probes import Unavailable
from kitaru_iac.clouds.aws.answers import is_from_aws, require_answer

META = {"ResponseMetadata": {"HTTPStatusCode": 200, "RequestId": "1"}}


@cache
def client(service: str) -> Any:
    return boto3.client(service, "eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")


@pytest.mark.parametrize(
    ("operation", "answer", "tells_none", "is_answer"),
    [
        ("get_bucket_encryption", {"ServerSideEncryptionConfiguration": {}}, True, False),
        ("get_bucket_encryption", {"ServerSideEncryptionConfiguration": {"Rules": []}}, True, True),
        ("get_bucket_policy_status", {"PolicyStatus": {}}, True, False),
        ("get_bucket_policy_status", {"PolicyStatus": {"IsPublic": False}}, True, True),
        ("get_public_access_block", {"PublicAccessBlockConfiguration": {}}, True, False),
        ("get_bucket_policy", {"Policy": ""}, True, False),
        ("get_bucket_tagging", {}, True, False),
        ("get_bucket_tagging", {"TagSet": []}, True, True),
        # Of a bucket that nobody may say to be empty, nor private.
        ("list_object_versions", {}, False, False),
        ("list_object_versions", {"Name": "b", "IsTruncated": False}, False, True),
        ("get_bucket_acl", {}, False, False),
        ("get_bucket_acl", {"Owner": {"ID": "x"}, "Grants": []}, False, True),
        # S3 says nothing of versions where they were never kept.
        ("get_bucket_versioning", {}, False, True),
    ],
)
def test_an_empty_answer_counts_only_where_s3_gives_one(
    operation: str, answer: dict[str, Any], tells_none: bool, is_answer: bool
) -> None:
    if is_answer:
        require_answer(client("s3"), operation, {**META, **answer}, "it", tells_none=tells_none)
        return
    with pytest.raises(Unavailable, match="no answer of AWS's"):
        require_answer(client("s3"), operation, {**META, **answer}, "it", tells_none=tells_none)


@pytest.mark.parametrize(
    ("service", "operation", "answer", "is_answer"),
    [
        ("eks", "describe_cluster", {"cluster": {}}, True),
        ("eks", "describe_cluster", {}, False),
        ("eks", "describe_cluster", {"message": "x"}, False),
        # Operations that answer with nothing, or with an object that never has anything in it.
        ("eks", "tag_resource", {}, True),
        ("s3", "delete_bucket", {}, True),
        # AWS leaves out of XML what is empty, where it has no error for that.
        ("sts", "get_caller_identity", {}, True),
    ],
)
def test_an_answer_has_something_of_what_its_operation_answers(
    service: str, operation: str, answer: dict[str, Any], *, is_answer: bool
) -> None:
    if is_answer:
        require_answer(client(service), operation, {**META, **answer}, "it")
        return
    with pytest.raises(Unavailable, match="what was answered about it is no answer of AWS's"):
        require_answer(client(service), operation, {**META, **answer}, "it")


@pytest.mark.parametrize(
    ("about", "is_its"),
    [
        ({}, False),
        ({"RequestId": ""}, False),
        ({"RequestId": "1"}, True),
        ({"HTTPHeaders": {"server": "portal"}}, False),
        ({"HTTPHeaders": {"x-amz-request-id": "1"}}, True),
        ({"HTTPHeaders": {"x-amzn-requestid": "1"}}, True),
        ({"HTTPHeaders": {"x-amzn-requestid": ""}}, False),
    ],
)
def test_aws_gives_the_id_of_the_request(about: dict[str, Any], is_its: bool) -> None:
    answer = {"ResponseMetadata": about}
    assert is_from_aws(answer) is is_its
    if not is_its:  # though it is one that S3 gives
        with pytest.raises(Unavailable):
            require_answer(client("s3"), "get_bucket_versioning", answer, "it")


def test_what_has_no_metadata_is_not_from_aws() -> None:
    assert not is_from_aws({})
