"""The evaluations about the KMS key that encrypts a bucket or a repository."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from kitaru_iac.checks.model import CheckStatus, Verdict, fail, ok, unknown
from kitaru_iac.checks.probes import NotFound, Outcome, ProbeError, Skipped
from kitaru_iac.clouds.aws.commands import aws
from kitaru_iac.clouds.aws.observations import BucketKey, KeyPolicy, Principal
from kitaru_iac.clouds.aws.permission_table import Resource
from kitaru_iac.clouds.aws.policies.document import parsed
from kitaru_iac.clouds.aws.resources import AwsResources, account_of
from kitaru_iac.clouds.aws.verify_policies import Thing, evaluate_policy

__all__ = ["KEY_WORKS", "evaluate_key", "with_key_policy"]

Raw = Mapping[str, Any]
#: An update changes a key's primary region, and leaves it usable.
KEY_WORKS = {"Enabled", "Updating"}


def with_key_policy(
    verdict: Verdict,
    key: Outcome[KeyPolicy | None],
    connector: Outcome[Principal],
    r: AwsResources,
) -> Verdict:
    """The verdict on the encryption, with what the key's own policy and grants say.

    Unlike that of a bucket, a key's policy must allow: itself, or by handing the decision to its
    account. https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html
    """
    if verdict.status is not CheckStatus.OK or key is None or isinstance(key, Skipped | NotFound):
        return verdict
    if isinstance(key, ProbeError):
        why = f"{verdict.why}, whose policy could not be looked at: {key.why}"
        return unknown(why, key.remedy, key.permission)
    region = key.arn.split(":")[3]
    via = f"s3.{region}.amazonaws.com" if r.partition == "aws" else None
    thing = Thing(
        "the key",
        (Resource.KEY,),
        account=account_of(key.arn),
        region=region,
        show=aws("kms", "get-key-policy", key_id=key.arn, policy_name="default", region=region),
        service="kms",
        must_allow=True,
        grants=_granted(grant for grant in key.grants if not grant.get("Constraints")),
        perhaps=_granted(grant for grant in key.grants if _may_be_ours(grant, r)),
        via=via,
    )
    found = evaluate_policy(parsed(key.document), thing, connector, replace(r, kms_key=key.arn))
    if found.status is CheckStatus.OK:
        return verdict
    return replace(found, why=f"{verdict.why}: {found.why}")


def _granted(grants: Iterable[Raw]) -> frozenset[tuple[str, str]]:
    """Who is granted what, as an ARN and an action."""
    return frozenset(
        (str(grant.get("GranteePrincipal")), f"kms:{operation}")
        for grant in grants
        for operation in grant.get("Operations", ())
    )


def _may_be_ours(grant: Raw, r: AwsResources) -> bool:
    """Whether a grant is for some encryption contexts, and S3's of this bucket may be among them.

    It is the ARN of the object, or of the bucket where that has a bucket key, and nothing else:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
    """
    constraints = grant.get("Constraints") or {}
    contexts = [context for context in constraints.values() if isinstance(context, Mapping)]
    return bool(contexts) and all(
        key == "aws:s3:arn" and (value == r.bucket_arn or str(value).startswith(f"{r.bucket_arn}/"))
        for context in contexts
        for key, value in context.items()
    )


def evaluate_key(how: str, key: Outcome[BucketKey], region: str | None, service: str) -> Verdict:
    """Whether a KMS key encrypts: it is there, enabled, symmetric, and in the thing's region.

    Args:
        how: What encrypts with it, in words.
        key: As KMS describes it.
        region: Where it is, unless its ARN says that.
        service: Whose thing it encrypts.
    """
    if isinstance(key, ProbeError):
        return unknown(f"{how}; its key could not be looked at: {key.why}", None, key.permission)
    if key.named is None or key.is_aws_own:
        return ok(how)
    region = key.arn.split(":")[3] if key.arn else region
    show = aws("kms", "describe-key", key_id=key.named, region=region)
    if key.unseen is not None:
        why = f"{how} and the key {key.named}, whose state could not be looked at: {key.unseen.why}"
        return unknown(why, show, key.unseen.permission)
    if key.state is None:
        return fail(f"{how}, and there is no key {key.named}: nothing can be stored", show)
    if key.unfit is not None:
        what = f"is {key.unfit}: {service} takes symmetric ones"
        return fail(f"{how}, and its key {key.arn or key.named} {what}", show)
    where = key.bucket_region
    if key.arn and where and region != where:
        return fail(f"{how}, and its key {key.arn} is in {region}, not in {where}", show)
    if key.state in KEY_WORKS:
        return ok(f"{how} and the key {key.arn or key.named}")
    own_id = str(key.arn).rsplit("/", 1)[-1]
    enable = aws("kms", "enable-key", key_id=own_id, region=region)
    cancel = aws("kms", "cancel-key-deletion", key_id=own_id, region=region)
    remedy = {"Disabled": enable, "PendingDeletion": f"{cancel} && {enable}"}.get(key.state, show)
    why = f"its key {key.arn or key.named} is {key.state}: nothing can be stored or read"
    return fail(f"{how}, and {why}", remedy)
