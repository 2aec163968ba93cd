"""The bucket of the artifact store: private, encrypted, versioned, and not deleted by the way.

Its settings are resources of their own. They are protected like the bucket: one that is kept must
not lose its public access block and its policy on the way.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import pulumi
from pulumi_aws import s3

__all__ = ["OLD_VERSIONS", "Bucket"]

#: Days after which the versions of what was overwritten or deleted go, unless others are asked for,
#: and the parts of uploads that nobody finished.
OLD_VERSIONS = 30
_UNFINISHED = 7


class Bucket:
    """A bucket with its settings.

    Args:
        prefix: Of the Pulumi names.
        name: The bucket's.
        region: Where it is, whatever the provider's region.
        partition: ``aws``, ``aws-cn`` or ``aws-us-gov``.
        tags: On the bucket.
        parent: The component.
        kms_key: The ARN of the KMS key that encrypts it; None for S3's own.
        keep: Protect it, and leave it where it is if it goes from the program.
        old_versions: How many days the versions of what was overwritten or deleted stay.
    """

    def __init__(
        self,
        prefix: str,
        name: str,
        *,
        region: str,
        partition: str,
        tags: Mapping[str, str],
        parent: pulumi.Resource,
        kms_key: str | None = None,
        keep: bool = True,
        old_versions: float = OLD_VERSIONS,
    ) -> None:
        arn = f"arn:{partition}:s3:::{name}"
        self.bucket = s3.Bucket(
            f"{prefix}-bucket",
            bucket=name,
            region=region,
            force_destroy=False,
            tags=dict(tags),
            opts=pulumi.ResourceOptions(parent=parent, protect=keep, retain_on_delete=keep),
        )
        self.name = self.bucket.bucket

        def setting(after: pulumi.Resource = self.bucket) -> pulumi.ResourceOptions:
            return pulumi.ResourceOptions(
                parent=self.bucket, protect=keep, retain_on_delete=keep, depends_on=[after]
            )

        self.access = s3.BucketPublicAccessBlock(
            f"{prefix}-bucket-public-access",
            bucket=self.name,
            region=region,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=setting(),
        )
        s3.BucketOwnershipControls(
            f"{prefix}-bucket-ownership",
            bucket=self.name,
            region=region,
            rule={"object_ownership": "BucketOwnerEnforced"},
            opts=setting(),
        )
        s3.BucketServerSideEncryptionConfiguration(
            f"{prefix}-bucket-encryption",
            bucket=self.name,
            region=region,
            rules=[_encryption(kms_key)],
            opts=setting(),
        )
        versioning = s3.BucketVersioning(
            f"{prefix}-bucket-versioning",
            bucket=self.name,
            region=region,
            versioning_configuration={"status": "Enabled"},
            opts=setting(),
        )
        s3.BucketLifecycleConfiguration(
            f"{prefix}-bucket-lifecycle",
            bucket=self.name,
            region=region,
            rules=[
                {
                    "id": "unfinished-uploads",
                    "status": "Enabled",
                    "filter": {"prefix": ""},
                    "abort_incomplete_multipart_upload": {"days_after_initiation": _UNFINISHED},
                },
                {
                    "id": "old-versions",
                    "status": "Enabled",
                    "filter": {"prefix": ""},
                    "noncurrent_version_expiration": {"noncurrent_days": int(old_versions)},
                },
            ],
            # https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-configuration-examples
            # .html: rules about old versions need versioning.
            opts=setting(versioning),
        )
        s3.BucketPolicy(
            f"{prefix}-bucket-policy",
            bucket=self.name,
            region=region,
            policy=json.dumps(tls_only(arn)),
            # S3 refuses two changes of a bucket's access at the same moment (OperationAborted).
            opts=setting(self.access),
        )


def _encryption(kms_key: str | None) -> s3.BucketServerSideEncryptionConfigurationRuleArgsDict:
    """S3's own key, or a key of KMS with a bucket key, which asks KMS less often and costs less."""
    if kms_key is None:
        return {"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}
    return {
        "apply_server_side_encryption_by_default": {
            "sse_algorithm": "aws:kms",
            "kms_master_key_id": kms_key,
        },
        "bucket_key_enabled": True,
    }


def tls_only(arn: str) -> dict[str, object]:
    """The policy that denies everything without TLS."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "TlsOnly",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [arn, f"{arn}/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ],
    }
