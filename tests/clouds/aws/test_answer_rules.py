"""What is an answer of AWS's, and what a proxy's page that botocore makes an empty one of."""

from __future__ import annotations

from functools import cache
from typing import Any

import boto3
import pytest

from kitaru_iac.checks.probes import Unavailable
from kitaru_iac.clouds.aws.answers import require_answer

META = {"ResponseMetadata": {"HTTPStatusCode": 200}}


@cache
def s3() -> Any:
    return boto3.client("s3", "eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")


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
        require_answer(s3(), operation, {**META, **answer}, "it", tells_none=tells_none)
        return
    with pytest.raises(Unavailable, match="no answer of AWS's"):
        require_answer(s3(), operation, {**META, **answer}, "it", tells_none=tells_none)
