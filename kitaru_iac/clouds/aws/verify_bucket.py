"""The evaluations about the artifact store's bucket."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from kitaru_iac.checks.checklist import Checklist
from kitaru_iac.checks.commands import note
from kitaru_iac.checks.model import Check, Verdict, fail, ok, unknown, warn
from kitaru_iac.checks.probes import NotFound, Outcome, Probe, ProbeError, all_of
from kitaru_iac.clouds.aws.analyzer import analyzed
from kitaru_iac.clouds.aws.commands import aws
from kitaru_iac.clouds.aws.observations import (
    BucketHead,
    BucketKey,
    Principal,
    PublicAccess,
)
from kitaru_iac.clouds.aws.permission_table import Resource
from kitaru_iac.clouds.aws.policies.document import Document, parsed, read_document
from kitaru_iac.clouds.aws.policies.evaluate import evaluate
from kitaru_iac.clouds.aws.policies.requests import Caller, CallerKind, Context, Request
from kitaru_iac.clouds.aws.probes import AwsProbes
from kitaru_iac.clouds.aws.probes_bucket import AnotherOwner
from kitaru_iac.clouds.aws.resources import AwsResources
from kitaru_iac.clouds.aws.trust import statement_list
from kitaru_iac.clouds.aws.verify_key import KEY_WORKS, evaluate_key, with_key_policy
from kitaru_iac.clouds.aws.verify_lifecycle import evaluate_rules
from kitaru_iac.clouds.aws.verify_policies import Thing, evaluate_policy
from kitaru_iac.spec.kinds import StackType

__all__ = ["bucket_checks"]

Raw = Mapping[str, Any]


def bucket_checks(
    checklist: Checklist[Principal],
    probes: AwsProbes,
    r: AwsResources,
    connector: Probe[Principal] | None = None,
) -> list[Check[object]]:
    """The checks of the bucket that the description names.

    Args:
        checklist: Makes them.
        probes: What is asked.
        r: What the description names.
        connector: The identity that the connector is; who asks unless given.
    """
    assert r.bucket is not None
    uri = f"s3://{r.bucket}"
    create = create_bucket(r.bucket, r.region)
    add = partial(checklist.check, create=create)
    listed: Probe[Any] = all_of(
        probes.bucket, after=(probes.bucket_account, probes.bucket_elsewhere)
    )
    checks = [
        add(
            "aws.bucket.exists",
            uri,
            listed,
            lambda seen: evaluate_owner(seen[1], seen[2], r),
            on_error=lambda error: _absent(error, create),
        ),
    ]
    if r.region is not None:
        checks.append(
            add("aws.bucket.region", uri, probes.head, lambda head: evaluate_region(head, r))
        )
    return [
        *checks,
        add(
            "aws.bucket.public_access",
            uri,
            probes.public_access,
            lambda seen: evaluate_public_access(seen, r),
        ),
        add(
            "aws.bucket.encryption",
            uri,
            all_of(
                probes.encryption,
                after=(
                    *(probes.bucket_key, probes.bucket_account, probes.key_policy),
                    connector or probes.principal,
                ),
            ),
            lambda seen: with_key_policy(
                evaluate_encryption(seen[:2], r, seen[2]), seen[3], seen[4], r
            ),
        ),
        add("aws.bucket.versioning", uri, probes.versioning, lambda s: evaluate_versioning(s, r)),
        _policy_check(checklist, probes, r, connector or probes.principal),
        add("aws.bucket.lifecycle", uri, probes.bucket_lifecycle, lambda s: evaluate_rules(s, r)),
        add("aws.bucket.tls_only", uri, probes.bucket_policy, lambda s: evaluate_tls_only(s, r)),
    ]


def _policy_check(
    checklist: Checklist[Principal],
    probes: AwsProbes,
    r: AwsResources,
    who: Probe[Principal],
) -> Check[object]:
    """Whether the bucket's own policy lets this identity use it."""
    return checklist.check(
        "aws.bucket.policy",
        f"s3://{r.bucket}",
        Probe(
            "the bucket's policy and account",
            lambda *seen: seen,
            requires=(probes.bucket_policy,),
            after=(who, probes.bucket_account, probes.bucket_analysis),
            inline=True,
        ),
        lambda seen: analyzed(
            evaluate_bucket_policy(parsed(seen[0].get("Policy")), seen[1], seen[2], r),
            seen[3],
            aws("s3api", "get-bucket-policy", bucket=r.bucket, region=r.region),
        ),
        create=create_bucket(str(r.bucket), r.region),
    )


def _absent(error: ProbeError, create: str) -> Verdict | None:
    if isinstance(error, AnotherOwner):
        why = "name another bucket as the artifact store: what is written goes to a stranger"
        return fail(error.why, note(str(error.remedy), why))
    return fail("there is no bucket of this name", create) if isinstance(error, NotFound) else None


def evaluate_owner(
    account: Outcome[str | None], elsewhere: Outcome[str | None], r: AwsResources
) -> Verdict:
    """A bucket that may be listed may be another account's, which is then said.

    Args:
        account: The bucket's, if it is ours; None if it is another one.
        elsewhere: Whose it is then, where that is known.
        r: What the description names.
    """
    found = "it exists and may be listed"
    if isinstance(account, ProbeError):
        return ok(found, f"whose it is was not seen: {account.why}")
    if account is not None:
        is_ours = account == (r.bucket_owner or r.account or account)
        return ok(found, None if is_ours else f"it is in account {account}, not in {r.account}")
    if isinstance(elsewhere, str):
        return ok(found, f"it is in account {elsewhere}, whose owner decides about it")
    if isinstance(elsewhere, ProbeError):
        return ok(found, f"it is in another account; which one was not seen: {elsewhere.why}")
    return ok(found, "it is in another account, whose owner decides about it; which one, S3 does "
                     "not tell")  # fmt: skip


def create_bucket(bucket: str | None, region: str | None) -> str:
    """The command; us-east-1 alone is named by leaving the location out."""
    elsewhere = region is not None and region != "us-east-1"
    return aws(
        "s3api",
        "create-bucket",
        bucket=bucket,
        create_bucket_configuration={"LocationConstraint": region} if elsewhere else None,
        region=region,
    )


def evaluate_region(head: BucketHead, r: AwsResources) -> Verdict:
    """A bucket elsewhere fails for SageMaker, whose jobs refuse it, and is slow for others."""
    if head.region is None:
        return unknown(
            "S3 did not name the bucket's region",
            aws("s3api", "get-bucket-location", bucket=r.bucket),
        )
    if head.region == r.region and not head.allowed and head.owner is not None:
        # S3 answers the same where a stranger has the name, and does not let us in.
        return unknown(
            f"a bucket of this name is in {head.region}; whether it is account {head.owner}'s "
            "was not seen",
            aws("s3api", "head-bucket", bucket=r.bucket, expected_bucket_owner=head.owner),
        )
    if head.region == r.region:
        return ok(f"it is in {head.region}")
    why = f"it is in {head.region}, and the stack in {r.region}"
    name = f"{str(r.bucket)[: 62 - len(str(r.region))]}-{r.region}"
    remedy = note(create_bucket(name, r.region), f"and take s3://{name} as the artifact store")
    if r.type is StackType.SAGEMAKER:
        return fail(f"{why}: SageMaker refuses a bucket of another region", remedy)
    return warn(f"{why}: slower, and traffic between regions costs money", remedy)


def evaluate_public_access(seen: PublicAccess, r: AwsResources) -> Verdict:
    """All four switches, wherever they are on. Public in fact is worse than unprotected."""
    if seen.others and not seen.off:
        enforced = aws(
            "s3api",
            "put-bucket-ownership-controls",
            bucket=r.bucket,
            ownership_controls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
            region=r.region,
        )
        return warn(
            f"its ACL grants {', '.join(seen.others)}, which no switch takes back",
            note(enforced, "takes all ACLs out of force"),
        )
    if not seen.off:
        where = "the bucket" if len(seen.bucket) == 4 else "the bucket or its account"
        return ok(f"all four switches of the public access block are set on {where}")
    remedy = aws(
        "s3api",
        "put-public-access-block",
        bucket=r.bucket,
        public_access_block_configuration=dict.fromkeys(
            (
                *("BlockPublicAcls", "IgnorePublicAcls"),
                *("BlockPublicPolicy", "RestrictPublicBuckets"),
            ),
            True,
        ),
        region=r.region,
    )
    off = f"off: {', '.join(seen.off)}"
    public = _made_public(seen)
    if public and seen.account_missing is None:
        return fail(f"{public} makes it public, and nothing restricts that", remedy)
    if seen.account_missing is not None:
        what = f"{public} makes it public" if public else off
        return unknown(
            f"{what}, unless its account's own block is on, which could not be looked at: "
            f"{seen.account_missing.why}",
            remedy,
            seen.account_missing.permission,
        )
    unseen = _unseen(seen)
    if unseen and seen.unseen is not None:
        why = f"{off}; whether {unseen} makes it public could not be looked at: {seen.unseen.why}"
        return unknown(why, remedy, seen.unseen.permission)
    return warn(off, remedy)


def _made_public(seen: PublicAccess) -> str:
    """What makes it public, where no switch takes that back; empty where nothing does."""
    made = []
    if seen.has_public_policy and "RestrictPublicBuckets" in seen.off:
        made.append("its policy")
    if seen.public_acl and "IgnorePublicAcls" in seen.off:
        made.append(f"its ACL ({', '.join(seen.public_acl)})")
    return " and ".join(made)


def _unseen(seen: PublicAccess) -> str:
    """What could make it public and was not seen."""
    hidden = []
    if seen.has_public_policy is None and "RestrictPublicBuckets" in seen.off:
        hidden.append("its policy")
    if seen.public_acl is None and "IgnorePublicAcls" in seen.off:
        hidden.append("its ACL")
    return " or ".join(hidden)


def evaluate_encryption(
    seen: tuple[Raw, Outcome[BucketKey]], r: AwsResources, owner: Outcome[str | None] = ""
) -> Verdict:
    """S3 has encrypted every new object since January 2023; an empty answer is from before.

    Args:
        seen: The bucket's encryption and its key.
        r: What the description names.
        owner: The bucket's account, if it is ours; None if it is another one.

    """
    encryption, key = seen
    algorithms = [
        str(rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"])
        for rule in _rules(encryption)
        if rule.get("ApplyServerSideEncryptionByDefault", {}).get("SSEAlgorithm")
    ]
    if algorithms and owner is None and isinstance(key, BucketKey) and key.arn is None:
        if algorithms[0].startswith("aws:kms") and key.state in {None, *KEY_WORKS}:
            # https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-encryption.html
            return fail(
                f"it encrypts with {algorithms[0]} and AWS's own key of another account, which "
                "nobody uses from outside that account",
                aws("s3api", "get-bucket-encryption", bucket=r.bucket, region=r.region),
            )
    if algorithms:
        return evaluate_key(f"it encrypts with {algorithms[0]}", key, r.region, "S3")
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    remedy = aws(
        "s3api",
        "put-bucket-encryption",
        bucket=r.bucket,
        server_side_encryption_configuration={"Rules": [rule]},
        region=r.region,
    )
    return warn("it has no default encryption", remedy)


def _rules(encryption: Raw) -> list[Raw]:
    return list(encryption.get("ServerSideEncryptionConfiguration", {}).get("Rules", ()))


def evaluate_versioning(versioning: Raw, r: AwsResources) -> Verdict:
    """S3 leaves the status out where versioning was never on."""
    status = versioning.get("Status")
    if status == "Enabled" and versioning.get("MFADelete") == "Enabled":
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/MultiFactorAuthenticationDelete.html
        without = aws(
            "s3api",
            "put-bucket-versioning",
            bucket=r.bucket,
            versioning_configuration={"Status": "Enabled", "MFADelete": "Disabled"},
            region=r.region,
        )
        return warn(
            "versioning is on, and old versions are deleted with a second factor alone: ZenML "
            "cannot delete artifacts",
            note(without, "as the root user, with --mfa"),
        )
    if status == "Enabled":
        return ok("versioning is on")
    remedy = aws(
        "s3api",
        "put-bucket-versioning",
        bucket=r.bucket,
        versioning_configuration={"Status": "Enabled"},
        region=r.region,
    )
    state = "suspended" if status == "Suspended" else "off"
    return warn(f"versioning is {state}: what is overwritten or deleted is lost", remedy)


def evaluate_bucket_policy(
    policy: Raw, connector: Outcome[Principal], account: str | ProbeError | None, r: AwsResources
) -> Verdict:
    """What the bucket's policy lets the stack's identities do.

    Args:
        policy: The document; empty where there is none.
        connector: The identity that the connector is.
        account: The bucket's, if it is ours; None if it is another one.
        r: What the description names.
    """
    thing = Thing(
        "the bucket",
        (
            *(Resource.BUCKET, Resource.LISTING, Resource.OBJECTS),
            # What SageMaker and its SDK write outside the store's prefix.
            *(Resource.JOB_OUTPUT, Resource.DEFINITIONS),
        ),
        # Nobody tells which other account it is; it is none of ours.
        account=None if isinstance(account, ProbeError) else account or "another one",
        region=r.region,
        show=aws("s3api", "get-bucket-policy", bucket=r.bucket, region=r.region),
        service="s3",
    )
    return evaluate_policy(policy, thing, connector, r)


def evaluate_tls_only(answer: Raw, r: AwsResources) -> Verdict:
    """A denial for everybody, of everything in the bucket, where aws:SecureTransport is false."""
    document = parsed(answer.get("Policy"))
    read = read_document(document)
    if read.problems:
        show = aws("s3api", "get-bucket-policy", bucket=r.bucket, region=r.region)
        return unknown(f"its policy cannot be read: {'; '.join(read.problems)}", show)
    open_ = [thing for thing, arn in _parts(r) if not _denies_plain(read, arn)]
    if not open_:
        return ok("its policy denies connections without TLS")
    denial = {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [r.bucket_arn, f"{r.bucket_arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    # put-bucket-policy replaces: what is there now stays in.
    whole = {"Version": "2012-10-17", **document, "Statement": [*statement_list(document), denial]}
    remedy = aws("s3api", "put-bucket-policy", bucket=r.bucket, policy=whole, region=r.region)
    what = f" to {open_[0]}" if len(open_) == 1 else ""
    return warn(f"its policy does not deny connections without TLS{what}", remedy)


def _parts(r: AwsResources) -> tuple[tuple[str, str], ...]:
    return ("the bucket itself", r.bucket_arn), ("its objects", f"{r.bucket_arn}/*")


def _denies_plain(document: Document, arn: str) -> bool:
    """Whether nobody whoever may do anything whatever to this without TLS.

    A denial that excepts somebody, or reads the key as a text, is none.
    """
    whole = tuple(
        statement
        for statement in document.statements
        if not statement.negated_principals
        and all(
            condition.operator.kind in {"bool", "null"}
            for condition in statement.conditions
            if condition.key.lower() == "aws:securetransport"
        )
    )
    context = Context({"aws:securetransport": "false"})
    callers = (Caller(CallerKind.STRANGER), Caller(CallerKind.ANONYMOUS))
    return all(
        # An action that no statement can name but by a wildcard.
        evaluate(
            Document(whole, document.variables), Request(caller, "s3:-", arn, context)
        ).deny.value
        is True
        for caller in callers
    )
