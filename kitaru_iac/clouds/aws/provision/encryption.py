"""Which key encrypts an existing bucket: who reads and writes there needs it."""

from __future__ import annotations

from functools import partial

from kitaru_iac.checks.probes import Denied, NotFound, ProbeError, Skipped
from kitaru_iac.clouds.aws.session import AwsAccess

__all__ = ["key_of"]

_NO_RULE = {"ServerSideEncryptionConfigurationNotFoundError"}


def key_of(access: AwsAccess, account: str, bucket: str) -> str | None:
    """The ARN of the KMS key of a bucket's default encryption.

    A bucket may name it by its ARN, its id or an alias, and a grant on an alias is ignored: KMS is
    asked which key that is. The key that AWS keeps for S3 (``aws/s3``) needs no grant.

    Another account's bucket may be a stack's store: it is only read. Where S3 refuses the account,
    as of such a one, it is asked without.

    Returns:
        None for S3's own keys, and for a bucket that is not there.

    Raises:
        ProbeError: It cannot be told.
    """
    ask = partial(
        access.ask,
        "s3",
        "get_bucket_encryption",
        about=f"s3://{bucket}",
        absent={"404", "NoSuchBucket"},
        none=_NO_RULE,
        Bucket=bucket,
    )
    is_ours = True
    try:
        answer = ask(ExpectedBucketOwner=account)
    except NotFound:
        return None
    except Denied as denied:
        try:
            answer, is_ours = ask(), False
        except ProbeError:
            raise denied from None
    for rule in answer.get("ServerSideEncryptionConfiguration", {}).get("Rules", ()):
        default = rule.get("ApplyServerSideEncryptionByDefault", {})
        named = default.get("KMSMasterKeyID")
        if named and ":key/" in named:
            return str(named)
        if named and str(default.get("SSEAlgorithm", "")).startswith("aws:kms"):
            if not is_ours and not named.startswith("arn:"):
                # KMS would show the key of this name in our account.
                raise Skipped(f"s3://{bucket} is of another account, which calls its key {named}")
            found = access.ask("kms", "describe_key", about=f"the key {named}", KeyId=named)
            key = found["KeyMetadata"]
            return None if key.get("KeyManager") == "AWS" else str(key["Arn"])
    return None
