"""The condition keys whose value in the real call is known while one asks, and those it lacks.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html tells for
each global key when a request has it, and
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html those of S3.
Where the call comes from (address, network, endpoint), whether its session has a second factor, and
the tags and the organization of its principal are not known here, and are never guessed.
"""

from __future__ import annotations

from datetime import UTC, datetime

from kitaru_iac.clouds.aws.policies.requests import ABSENT, Context, Possible
from kitaru_iac.clouds.aws.resources import account_of

__all__ = ["NEVER", "TYPES", "known_context", "principal_keys", "service_keys", "ways_of_asking"]

#: Keys that are not strings, with IAM's name of their type: it refuses values of the wrong one.
TYPES = {
    "aws:CurrentTime": "date",
    "aws:EpochTime": "numeric",
    "aws:PrincipalIsAWSService": "boolean",
    "aws:SecureTransport": "boolean",
    "aws:TokenIssueTime": "date",
    "aws:ViaAWSService": "boolean",
    "s3:TlsVersion": "numeric",
}
#: Keys that a call of a user or role to a service never has: a service's call on behalf of a thing
#: has the first five, a request from a page of the web the next, and one to an access point of S3
#: the last three.
NEVER = frozenset(
    {
        *("aws:principalservicename", "aws:principalservicenameslist"),
        *("aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid", "aws:sourceorgpaths"),
        "aws:referer",
        *("s3:accesspointnetworkorigin", "s3:dataaccesspointaccount", "s3:dataaccesspointarn"),
    }
)
_NOT_OF_ROLES = frozenset({"aws:username"})
#: AWS takes no TLS below 1.2 (https://aws.amazon.com/blogs/security/tls-1-2-required-for-aws-endpoints/);
#: which of both a client takes, its own libraries decide.
_TLS = ("1.2", "1.3")


#: What a listing of S3 says of itself, and no other call.
_LISTING = ("s3:delimiter", "s3:max-keys", "s3:prefix")
_LISTS = {"s3:listbucket", "s3:listbucketversions"}


#: What an upload says of itself only where its client was told to, as policies that want encrypted
#: uploads ask for: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
_HEADERS = (
    *("s3:x-amz-acl", "s3:x-amz-server-side-encryption"),
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
    *("s3:x-amz-server-side-encryption-customer-algorithm", "s3:x-amz-storage-class"),
    *(f"s3:x-amz-grant-{right}" for right in ("full-control", "read", "read-acp", "write")),
    "s3:x-amz-grant-write-acp",
)


def ways_of_asking(action: str, *, plain: bool = True) -> tuple[tuple[str, ...], ...]:
    """Give, for each way in which a run makes this call, the keys that it does not bring then.

    Args:
        action: As ``s3:ListBucket``.
        plain: Whether uploads say nothing of themselves that they need not.

    ``s3:ListBucket`` allows two calls: a listing, which names a prefix, and HeadBucket, which names
    none (ZenML's look at the bucket, s3fs's and the SageMaker SDK's):
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html
    """
    name = action.lower()
    if not name.startswith("s3:"):
        return ((),)
    if name == "s3:putobject" and plain:
        return ((*_LISTING, *_HEADERS),)
    if name not in _LISTS:
        return (_LISTING,)
    return ((), _LISTING) if name == "s3:listbucket" else ((),)


def principal_keys(arn: str, now: datetime | None = None) -> dict[str, str]:
    """Give the keys that follow from who calls, and when: now.

    Args:
        arn: Of a user or role.
        now: The time; that of the clock unless given.
    """
    moment = now or datetime.now(UTC)
    text = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    known = {
        "aws:SecureTransport": "true",
        "aws:PrincipalArn": arn,
        "aws:PrincipalIsAWSService": "false",
        "aws:CurrentTime": text,
        "aws:EpochTime": str(int(moment.timestamp())),
    }
    account = account_of(arn)
    if account:
        known["aws:PrincipalAccount"] = account
    if ":user/" in arn:
        return known | {"aws:PrincipalType": "User", "aws:username": arn.rsplit("/", 1)[-1]}
    if arn.endswith(":root"):
        return known | {"aws:PrincipalType": "Account"}
    # Each run begins a session of its own, so a revocation of older ones does not touch it.
    return known | {"aws:PrincipalType": "AssumedRole", "aws:TokenIssueTime": text}


def service_keys(service: str) -> dict[str, str]:
    """Give the keys that follow from how ZenML's clients and SageMaker call a service.

    The region, the account and the prefix are the caller's to add.
    """
    if service == "kms":  # S3 asks it, with the caller's rights
        return {"aws:ViaAWSService": "true"}
    if service != "s3":
        return {"aws:ViaAWSService": "false"}
    return {
        "aws:ViaAWSService": "false",
        "s3:TlsVersion": _TLS[0],
        "s3:authType": "REST-HEADER",
        "s3:signatureversion": "AWS4-HMAC-SHA256",
    }


def known_context(sent: dict[str, str], absent: tuple[str, ...] = ()) -> Context:
    """Give what was sent as what is known: with what is absent, and both versions of TLS.

    Args:
        sent: Keys with their values.
        absent: Keys that this call does not bring, beside those that none does.
    """
    known: dict[str, Possible | list[Possible]] = {key.lower(): v for key, v in sent.items()}
    if "s3:tlsversion" in known:
        known["s3:tlsversion"] = list(_TLS)
    if known.get("aws:principaltype") == "AssumedRole":
        known |= dict.fromkeys(_NOT_OF_ROLES, ABSENT)
    return Context(known, NEVER | frozenset(absent))
