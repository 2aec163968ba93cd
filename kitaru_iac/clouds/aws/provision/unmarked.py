"""Buckets without any tag: what is asked before a command is named that deletes one.

The AWS plugin makes a bucket and tags it in a second call where it may not in the first. Killed
between the two, it leaves a bucket of the account in which nothing was ever set or put. A
colleague's new one looks the same: nobody takes it, and who made it CloudTrail tells.
"""

from __future__ import annotations

from kitaru_iac.checks.probes import ProbeError
from kitaru_iac.clouds.aws.commands import aws
from kitaru_iac.clouds.aws.session import AwsAccess

__all__ = ["origin", "removal"]

#: What the first run after the creation sets, and people do: the operation, the error that says
#: there is none, and the keys of the answer.
_SET = (
    ("get_bucket_versioning", None, ("Status", "MFADelete")),
    ("get_bucket_policy", "NoSuchBucketPolicy", ("Policy",)),
    ("get_bucket_lifecycle_configuration", "NoSuchLifecycleConfiguration", ("Rules",)),
    ("get_bucket_cors", "NoSuchCORSConfiguration", ("CORSRules",)),
    ("list_object_versions", None, ("Versions", "DeleteMarkers")),
)


def removal(access: AwsAccess, account: str, bucket: str) -> str | None:
    """The command that deletes an untagged bucket, if nothing was ever set or put in it.

    S3 refuses it for a bucket with anything in it, old versions too, and for a stranger's.

    Args:
        access: Asks.
        account: The account that we work in, twelve digits.
        bucket: Its name.

    Returns:
        None where somebody uses it, or where that cannot be told.
    """
    try:
        for operation, none, keys in _SET:
            answer = access.ask(
                "s3",
                operation,
                about=f"s3://{bucket}",
                none=() if none is None else (none,),
                Bucket=bucket,
                ExpectedBucketOwner=account,
            )
            if any(answer.get(key) for key in keys):
                return None
    except ProbeError:
        return None
    return aws("s3api", "delete-bucket", bucket=bucket, expected_bucket_owner=account)


def origin(bucket: str, region: str | None) -> str:
    """The command that shows who made a bucket, and when: CloudTrail keeps it for 90 days.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/view-cloudtrail-events.html
    """
    return aws(
        "cloudtrail",
        "lookup-events",
        lookup_attributes=f"AttributeKey=ResourceName,AttributeValue={bucket}",
        region=region,
    )
