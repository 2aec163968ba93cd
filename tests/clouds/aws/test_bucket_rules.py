"""The judgements about the bucket, on observations written by hand."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from typing import Any

import pytest

from kitaru_iac.checks.model import Check, CheckStatus, Verdict, ok
from kitaru_iac.checks.probes import Denied, NotFound, Skipped, Unavailable
from kitaru_iac.clouds.aws.explain import checklist
from kitaru_iac.clouds.aws.observations import (
    BucketHead,
    BucketKey,
    CallerIdentity,
    PublicAccess,
)
from kitaru_iac.clouds.aws.probes import AwsProbes
from kitaru_iac.clouds.aws.probes_bucket import AnotherOwner, kms_key_name
from kitaru_iac.clouds.aws.provision.names import bucket_name
from kitaru_iac.clouds.aws.resources import AwsResources, account_in, aws_resources
from kitaru_iac.clouds.aws.verify_bucket import (
    bucket_checks,
    create_bucket,
    evaluate_encryption,
    evaluate_owner,
    evaluate_public_access,
    evaluate_region,
    evaluate_tls_only,
    evaluate_versioning,
)
from kitaru_iac.spec import from_mapping
from kitaru_iac.spec.kinds import StackType
from tests.clouds.aws.nobody import Nobody

OK, WARN, FAIL, UNKNOWN = CheckStatus
REGION = "eu-west-1"
NOBODY = Unavailable("silence")
R = AwsResources("prod", StackType.KUBERNETES, region=REGION, bucket="b")
CHINA = replace(R, region="cn-north-1", partition="aws-cn")
SAGEMAKER = replace(R, type=StackType.SAGEMAKER)
LOCAL = replace(R, type=StackType.LOCAL)


def checks_of(r: AwsResources) -> dict[str, Check]:
    probes = AwsProbes(Nobody(), r)
    return {check.info.id: check for check in bucket_checks(checklist(probes, r), probes, r)}


# --- which checks there are


def test_the_region_is_checked_only_where_the_stack_has_one() -> None:
    every = checks_of(R)
    assert list(every) == [
        "aws.bucket.exists",
        "aws.bucket.region",
        "aws.bucket.public_access",
        "aws.bucket.encryption",
        "aws.bucket.versioning",
        "aws.bucket.policy",
        "aws.bucket.lifecycle",
        "aws.bucket.tls_only",
    ]
    assert {check.subject for check in every.values()} == {"s3://b"}
    assert set(every) - set(checks_of(replace(R, region=None))) == {"aws.bucket.region"}


def test_each_check_judges_for_this_stack() -> None:
    checks = checks_of(CHINA)
    judged = {
        "exists": checks["aws.bucket.exists"].evaluate((BucketHead(None, True), "1", "1")),
        "region": checks["aws.bucket.region"].evaluate(BucketHead("cn-north-1", allowed=True)),
        "public_access": checks["aws.bucket.public_access"].evaluate(
            PublicAccess(frozenset(), None, None)
        ),
        "encryption": checks["aws.bucket.encryption"].evaluate(({}, BucketKey(), "", None, NOBODY)),
        "versioning": checks["aws.bucket.versioning"].evaluate({}),
        "tls_only": checks["aws.bucket.tls_only"].evaluate({}),
    }
    assert judged["exists"] == ok("it exists and may be listed")
    assert judged["region"].status is OK
    for name in ("public_access", "encryption", "versioning", "tls_only"):
        assert judged[name].status is WARN
        assert " --bucket b " in str(judged[name].remedy)
        assert str(judged[name].remedy).endswith("--region cn-north-1")


@pytest.mark.parametrize(
    ("id", "status", "why"),
    [
        ("aws.bucket.exists", FAIL, "there is no bucket of this name"),
        ("aws.bucket.region", UNKNOWN, "not looked at: gone"),
        ("aws.bucket.public_access", UNKNOWN, "not looked at: gone"),
        ("aws.bucket.encryption", UNKNOWN, "not looked at: gone"),
        ("aws.bucket.versioning", UNKNOWN, "not looked at: gone"),
        ("aws.bucket.policy", UNKNOWN, "not looked at: gone"),
        ("aws.bucket.tls_only", UNKNOWN, "not looked at: gone"),
        ("aws.bucket.lifecycle", UNKNOWN, "not looked at: gone"),
    ],
)
def test_an_absent_bucket_is_one_failure_and_one_command(
    id: str, status: CheckStatus, why: str
) -> None:
    on_error: Any = checks_of(R)[id].on_error
    assert on_error(NotFound("gone"), None) == Verdict(status, why, create_bucket("b", REGION))


@pytest.mark.parametrize(
    "error", [Denied("no", permission="s3:ListBucket"), Unavailable("silence")]
)
def test_a_bucket_that_could_not_be_looked_at_is_not_absent(error: Any) -> None:
    on_error: Any = checks_of(R)["aws.bucket.exists"].on_error
    assert on_error(error, None).status is UNKNOWN


ELSEWHERE_OPTIONS = (
    """--create-bucket-configuration '{"LocationConstraint":"us-east-2"}' --region us-east-2"""
)


@pytest.mark.parametrize(
    ("region", "command"),
    [
        (None, "aws s3api create-bucket --bucket b"),
        ("us-east-1", "aws s3api create-bucket --bucket b --region us-east-1"),
        ("us-east-2", f"aws s3api create-bucket --bucket b {ELSEWHERE_OPTIONS}"),
    ],
)
def test_the_location_is_left_out_in_one_region_alone(region: str | None, command: str) -> None:
    assert create_bucket("b", region) == command


class OwnedBy(Nobody):
    """S3, which refuses whoever expects another owner than this."""

    def __init__(self, owner: str) -> None:
        self.owner = owner

    def ask(self, *_: Any, **parameters: Any) -> Any:
        if parameters.get("ExpectedBucketOwner", self.owner) != self.owner:
            raise Denied("no")
        return {"BucketRegion": "eu-west-1"}


@pytest.mark.parametrize("owner", ["123456789012", "210987654321", "999999999999"])
@pytest.mark.parametrize("registry", [None, "123456789012", "210987654321"])
def test_the_bucket_is_the_caller_s_the_registry_s_or_somebody_else_s(
    owner: str, registry: str | None
) -> None:
    caller = CallerIdentity("123456789012", "arn:aws:sts::123456789012:assumed-role/a/b")
    probes = AwsProbes(OwnedBy(owner), replace(R, account=registry))
    found = probes.bucket_account.requires[1].run(caller)
    assert found == (owner if owner in {caller.account, registry} else None)


ROLES = replace(
    R,
    role="arn:aws:iam::333333333333:role/r",
    scheduler_role="arn:aws:iam::444444444444:role/s",
)
THEIR_KEY = BucketKey("arn:aws:kms:eu-west-1:555555555555:key/k")


@pytest.mark.parametrize(
    ("owner", "key", "found"),
    [
        ("333333333333", NOBODY, "333333333333"),
        ("444444444444", THEIR_KEY, "444444444444"),
        ("555555555555", THEIR_KEY, "555555555555"),
        # What nothing leads to is not guessed.
        ("555555555555", NOBODY, None),
        ("555555555555", BucketKey(), None),
        ("999999999999", THEIR_KEY, None),
    ],
)
def test_whose_another_bucket_is_is_told_where_s3_says_so(
    owner: str, key: Any, found: str | None
) -> None:
    probe = AwsProbes(OwnedBy(owner), ROLES).bucket_elsewhere
    assert probe.run(None, key) == found
    assert probe.run("123456789012", key) == "123456789012"


LISTED, DECIDES = "it exists and may be listed", "whose owner decides about it"
UNTOLD = "which one, S3 does not tell"
OURS, THEIRS = "123456789012", "210987654321"
OWN = replace(R, bucket=f"kitaru-prod-{OURS}-eu-west-1", bucket_owner=OURS)


@pytest.mark.parametrize(
    ("account", "elsewhere", "r", "expected"),
    [
        (OURS, OURS, R, ok(LISTED)),
        (OURS, OURS, replace(R, account=OURS), ok(LISTED)),
        (OURS, OURS, replace(R, account="1", bucket_owner=OURS), ok(LISTED)),
        (
            OURS,
            OURS,
            replace(R, account="210987654321"),
            ok(LISTED, f"it is in account {OURS}, not in 210987654321"),
        ),
        (None, "333333333333", R, ok(LISTED, f"it is in account 333333333333, {DECIDES}")),
        (None, None, R, ok(LISTED, f"it is in another account, {DECIDES}; {UNTOLD}")),
        (
            None,
            NOBODY,
            R,
            ok(LISTED, "it is in another account; which one was not seen: silence"),
        ),
        (None, OURS, OWN, ok(LISTED, f"it is in account {OURS}, {DECIDES}")),
        (NOBODY, NOBODY, R, ok(LISTED, "whose it is was not seen: silence")),
    ],
)
def test_an_account_that_is_not_ours_is_said(
    account: Any, elsewhere: Any, r: AwsResources, expected: Verdict
) -> None:
    assert evaluate_owner(account, elsewhere, r) == expected


@pytest.mark.parametrize(
    ("caller", "registry", "account"),
    [
        (OURS, None, OURS),
        (OURS, THEIRS, OURS),
        (THEIRS, OURS, OURS),
        (THEIRS, None, None),
        (THEIRS, THEIRS, None),
    ],
)
def test_a_bucket_that_was_made_is_ours_for_its_own_account_alone(
    caller: str, registry: str | None, account: str | None
) -> None:
    probes = AwsProbes(OwnedBy(OURS), replace(OWN, account=registry))
    identity = CallerIdentity(caller, f"arn:aws:sts::{caller}:assumed-role/a/b")
    found = probes.bucket_account.requires[1].run(identity)
    assert found == account
    assert probes.bucket_elsewhere.run(found, NOBODY) == OURS


def test_a_stranger_s_bucket_under_our_name_is_not_the_stack_s() -> None:
    def head(owner: str) -> Any:
        return AwsProbes(OwnedBy(owner), OWN).head.run(None)

    assert head(OURS).allowed is True
    with pytest.raises(AnotherOwner, match=f"not in account {OURS}") as seen:
        head("999999999999")
    on_error: Any = checks_of(OWN)["aws.bucket.exists"].on_error
    verdict = on_error(seen.value, None)
    assert verdict.status is FAIL
    assert str(verdict.remedy).startswith(
        f"aws s3api head-bucket --bucket {OWN.bucket} --expected-bucket-owner {OURS}  # "
    )
    # Whoever may not look without an owner either is told nothing by S3.
    closed: Any = Nobody()
    closed.ask = refusing
    assert AwsProbes(closed, OWN).head.run(None) == BucketHead(None, allowed=False, owner=OURS)


#: A stack that was provisioned, with a bucket that its user named.
MADE = {
    "name": "prod",
    "type": "sagemaker",
    "region": REGION,
    "artifact_store": "s3://team-data/k",
    "container_registry": f"{OURS}.dkr.ecr.{REGION}.amazonaws.com",
    "execution_role": f"arn:aws:iam::{OURS}:role/r",
    "infra": "provision",
}
PROVISIONED = aws_resources(from_mapping(MADE))
CALLER = CallerIdentity("333333333333", "arn:aws:sts::333333333333:assumed-role/a/b")


class Named(OwnedBy):
    """S3 that also notes whom each request expects."""

    def __init__(self, owner: str, *, is_closed: bool = False) -> None:
        super().__init__(owner)
        self.is_closed = is_closed
        self.expected: list[str | None] = []

    def ask(self, _service: str, operation: str, **parameters: Any) -> Any:  # type: ignore[override]
        self.expected.append(parameters.get("ExpectedBucketOwner"))
        if self.is_closed and operation == "head_bucket":
            raise Denied("no")
        return super().ask(**parameters)


@pytest.mark.parametrize(
    ("said", "made"),
    [
        ({}, True),
        ({"resources": {"registry": "create"}}, True),
        ({"resources": {"bucket": "existing"}}, False),
        ({"infra": "verify"}, False),
        ({"artifact_store": f"s3://kitaru-prod-{OURS}-eu-west-1/k"}, False),
    ],
)
def test_a_bucket_of_any_name_may_have_been_made(said: dict[str, Any], made: bool) -> None:
    assert aws_resources(from_mapping(MADE | said)).bucket_made is made


@pytest.mark.parametrize(
    ("owner", "identity"),
    [(OURS, CALLER), (OURS, NOBODY), (CALLER.account, CALLER)],
    ids=["the role's account", "where nobody tells the caller's", "the caller's"],
)
def test_a_bucket_that_may_have_been_made_is_asked_about_as_its_account_s(
    owner: str, identity: Any
) -> None:
    s3 = Named(owner)
    probes = AwsProbes(s3, PROVISIONED)
    head = probes.head.run(None, identity)
    assert head == BucketHead(REGION, allowed=True, owner=owner)
    s3.expected.clear()
    for probe in (probes.versioning, probes.bucket_policy, probes.encryption, probes.bucket_block):
        assert probe.requires == (probes.head,)
        probe.run(head)
    assert s3.expected == [owner] * 4


def test_a_closed_bucket_that_may_have_been_made_is_expected_in_the_account_that_is_told() -> None:
    head = AwsProbes(Named(OURS, is_closed=True), PROVISIONED).head.run(None, CALLER)
    assert head == BucketHead(None, allowed=False, owner=OURS)
    found = evaluate_region(replace(head, region=REGION), PROVISIONED)
    assert (found.status, found.why) == (
        UNKNOWN,
        f"a bucket of this name is in eu-west-1; whether it is account {OURS}'s was not seen",
    )


@pytest.mark.parametrize(
    ("r", "identity", "why"),
    [
        (
            PROVISIONED,
            CALLER,
            f"in none of the accounts that are known here ({OURS}, {CALLER.account})",
        ),
        (replace(PROVISIONED, account=None, role=None), NOBODY, "in an account that is not known"),
    ],
)
def test_nothing_counts_of_a_stranger_s_bucket_that_may_have_been_made(
    r: AwsResources, identity: Any, why: str
) -> None:
    with pytest.raises(Skipped, match="may have been made for the stack") as seen:
        AwsProbes(Named("999999999999"), r).head.run(None, identity)
    assert why in seen.value.why
    assert str(seen.value.remedy).startswith("aws s3api head-bucket --bucket team-data  # with ")


def refusing(*_: Any, **__: Any) -> Any:
    raise Denied("no")


@pytest.mark.parametrize(
    ("bucket", "owner"),
    [
        (f"kitaru-prod-{OURS}-eu-west-1", OURS),
        (f"kitaru-prod-{OURS}-us-gov-west-1", OURS),
        (f"kitaru-prod-{THEIRS}-eu-west-1", THEIRS),
        (f"kitaru-other-{OURS}-eu-west-1", None),
        (f"kitaru-prod-{OURS[1:]}-eu-west-1", None),
        (f"kitaru-prod-{'a' * 12}-eu-west-1", None),
        (f"{OURS}-eu-west-1", None),
        (f"kitaru-prod-{OURS}", None),
        (f"kitaru-prod-{OURS}-eu-west-1-logs", None),
        ("kitaru-prod-eu-west-1", None),
        ("team-data", None),
    ],
)
def test_the_account_of_a_bucket_that_was_made_is_in_its_name(
    bucket: str, owner: str | None
) -> None:
    assert account_in(bucket, "prod") == owner
    described = {"name": "prod", "type": "local", "artifact_store": f"s3://{bucket}/k"}
    assert aws_resources(from_mapping(described)).bucket_owner == owner


@pytest.mark.parametrize("stack", ["prod", "Prod", "a stack's name", "x" * 80])
def test_the_name_that_provisioning_gives_is_known_again(stack: str) -> None:
    assert account_in(bucket_name(stack, OURS, "eu-west-1"), stack) == OURS
    assert account_in(bucket_name(stack, OURS, "eu-west-1"), f"{stack}-2") is None


# --- the region


ELSEWHERE = BucketHead("us-west-2", allowed=True)


def test_a_bucket_in_the_stack_s_region_is_fine_whoever_may_list_it() -> None:
    for allowed in (True, False):
        assert evaluate_region(BucketHead(REGION, allowed), SAGEMAKER) == ok("it is in eu-west-1")


def test_a_closed_bucket_under_our_name_may_be_a_stranger_s() -> None:
    assert evaluate_region(BucketHead(REGION, allowed=True), OWN) == ok("it is in eu-west-1")
    assert evaluate_region(BucketHead(REGION, allowed=False, owner=OURS), OWN) == Verdict(
        UNKNOWN,
        f"a bucket of this name is in eu-west-1; whether it is account {OURS}'s was not seen",
        f"aws s3api head-bucket --bucket {OWN.bucket} --expected-bucket-owner {OURS}",
    )


def test_a_region_that_s3_did_not_name_is_unknown() -> None:
    assert evaluate_region(BucketHead(None, allowed=True), R) == Verdict(
        UNKNOWN,
        "S3 did not name the bucket's region",
        "aws s3api get-bucket-location --bucket b",
    )


@pytest.mark.parametrize(
    ("r", "status", "why"),
    [
        (SAGEMAKER, FAIL, "SageMaker refuses a bucket of another region"),
        (R, WARN, "slower, and traffic between regions costs money"),
        (LOCAL, WARN, "slower, and traffic between regions costs money"),
    ],
)
def test_a_bucket_elsewhere_stops_sagemaker_alone(
    r: AwsResources, status: CheckStatus, why: str
) -> None:
    found = evaluate_region(ELSEWHERE, r)
    assert found.status is status
    assert found.why == f"it is in us-west-2, and the stack in eu-west-1: {why}"
    assert found.remedy == (
        f"{create_bucket('b-eu-west-1', REGION)}  # and take s3://b-eu-west-1 as the artifact store"
    )


@pytest.mark.parametrize(("length", "kept"), [(52, 52), (53, 53), (54, 53), (63, 53)])
def test_the_name_of_another_bucket_is_no_longer_than_s3_takes(length: int, kept: int) -> None:
    found = evaluate_region(ELSEWHERE, replace(R, bucket="b" * length))
    name = shlex.split(str(found.remedy))[4]
    assert name == "b" * kept + "-eu-west-1"
    assert len(name) <= 63


# --- public access


SWITCHES = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
ALL = frozenset(SWITCHES)
NONE: frozenset[str] = frozenset()
UNSEEN = Denied("not you", permission="s3:GetAccountPublicAccessBlock")
BLOCK = (
    "aws s3api put-public-access-block --bucket b --public-access-block-configuration "
    """'{"BlockPublicAcls":true,"IgnorePublicAcls":true,"BlockPublicPolicy":true,"""
    """"RestrictPublicBuckets":true}' --region eu-west-1"""
)
RESTRICTED = frozenset({"RestrictPublicBuckets"})


@pytest.mark.parametrize(
    ("bucket", "account", "where"),
    [
        (ALL, NONE, "the bucket"),
        (ALL, None, "the bucket"),
        (ALL, ALL, "the bucket"),
        (NONE, ALL, "the bucket or its account"),
        (ALL - RESTRICTED, RESTRICTED, "the bucket or its account"),
    ],
)
@pytest.mark.parametrize("public", [None, False, True])
def test_four_switches_are_enough_wherever_they_are_on(
    bucket: frozenset[str], account: frozenset[str] | None, where: str, public: bool | None
) -> None:
    missing = UNSEEN if account is None else None
    found = evaluate_public_access(PublicAccess(bucket, account, public, missing), R)
    assert found.status is OK
    assert found.why.startswith("all four switches of the public access block are set on ")
    assert found.why.endswith(f" {where}")


@pytest.mark.parametrize("off", SWITCHES)
def test_each_switch_that_is_off_is_named(off: str) -> None:
    for seen in (
        PublicAccess(ALL - {off}, NONE, has_public_policy=False),
        PublicAccess(NONE, ALL - {off}, has_public_policy=False),
    ):
        assert evaluate_public_access(seen, R) == Verdict(WARN, f"off: {off}", BLOCK)


@pytest.mark.parametrize(
    ("public", "on", "status", "why"),
    [
        (True, NONE, FAIL, "its policy makes it public, and nothing restricts that"),
        (True, ALL - RESTRICTED, FAIL, "its policy makes it public, and nothing restricts that"),
        # this one switch takes the public away, whatever the others
        (True, RESTRICTED, WARN, "off: BlockPublicAcls, IgnorePublicAcls, BlockPublicPolicy"),
        (False, ALL - RESTRICTED, WARN, "off: RestrictPublicBuckets"),
    ],
)
def test_a_public_policy_fails_where_nothing_restricts_it(
    public: bool | None, on: frozenset[str], status: CheckStatus, why: str
) -> None:
    assert evaluate_public_access(PublicAccess(on, NONE, public), R) == Verdict(status, why, BLOCK)
    assert evaluate_public_access(PublicAccess(NONE, on, public), R) == Verdict(status, why, BLOCK)


IGNORED = frozenset({"IgnorePublicAcls"})
GRANTS = ("READ to everybody", "WRITE to everybody with an account of AWS")


@pytest.mark.parametrize(
    ("public", "acl", "on", "status", "why"),
    [
        (False, GRANTS, NONE, FAIL, f"its ACL ({', '.join(GRANTS)}) makes it public, and nothing"),
        (
            True,
            GRANTS[:1],
            NONE,
            FAIL,
            "its policy and its ACL (READ to everybody) makes it public",
        ),
        (True, GRANTS[:1], RESTRICTED, FAIL, "its ACL (READ to everybody) makes it public"),
        (True, GRANTS[:1], IGNORED, FAIL, "its policy makes it public, and nothing restricts"),
        (True, GRANTS, IGNORED | RESTRICTED, WARN, "off: BlockPublicAcls, BlockPublicPolicy"),
        (False, GRANTS, IGNORED, WARN, "off: BlockPublicAcls, BlockPublicPolicy, Restrict"),
        # that new ones are blocked takes nothing back
        (False, GRANTS, ALL - IGNORED, FAIL, "its ACL"),
        (True, (), ALL - RESTRICTED, FAIL, "its policy"),
        # what was not seen counts where a switch leaves it open
        (None, (), NONE, UNKNOWN, "whether its policy makes it public could not be looked at: hid"),
        (False, None, NONE, UNKNOWN, "whether its ACL makes it public could not be looked at: hid"),
        (None, None, NONE, UNKNOWN, "whether its policy or its ACL makes it public could not"),
        (None, (), RESTRICTED, WARN, "off: BlockPublicAcls, IgnorePublicAcls, BlockPublicPolicy"),
        (False, None, IGNORED, WARN, "off: BlockPublicAcls, BlockPublicPolicy, Restrict"),
        (True, None, NONE, FAIL, "its policy makes it public"),
        (None, None, ALL, OK, "all four switches"),
    ],
)
def test_a_bucket_made_public_by_acl_or_policy_fails_while_a_switch_leaves_it_so(
    public: bool | None,
    acl: tuple[str, ...] | None,
    on: frozenset[str],
    status: CheckStatus,
    why: str,
) -> None:
    hidden = None if None not in (public, acl) else Denied("hidden", permission="s3:GetBucketAcl")
    for bucket, account in ((on, NONE), (NONE, on)):
        seen = PublicAccess(bucket, account, public, None, acl, hidden)
        found = evaluate_public_access(seen, R)
        assert found.status is status
        assert why in found.why
        assert found.missing_permission == ("s3:GetBucketAcl" if status is UNKNOWN else None)
    if status is FAIL:
        unseen = PublicAccess(on, None, public, UNSEEN, acl, hidden)
        assert evaluate_public_access(unseen, R).status is UNKNOWN


@pytest.mark.parametrize(
    ("public", "on", "what"),
    [
        (True, NONE, "its policy makes it public"),
        (True, RESTRICTED, "off: BlockPublicAcls, IgnorePublicAcls, BlockPublicPolicy"),
        (False, ALL - RESTRICTED, "off: RestrictPublicBuckets"),
        (None, ALL - RESTRICTED, "off: RestrictPublicBuckets"),
    ],
)
def test_the_account_s_block_might_be_on_where_it_could_not_be_looked_at(
    public: bool | None, on: frozenset[str], what: str
) -> None:
    found = evaluate_public_access(PublicAccess(on, None, public, UNSEEN), R)
    assert found == Verdict(
        UNKNOWN,
        f"{what}, unless its account's own block is on, which could not be looked at: not you",
        BLOCK,
        "s3:GetAccountPublicAccessBlock",
    )


# --- encryption


KEY = "arn:aws:kms:eu-west-1:123456789012:key/1"


def encrypted(*defaults: dict[str, str] | None) -> dict[str, Any]:
    rules = [
        {} if default is None else {"ApplyServerSideEncryptionByDefault": default}
        for default in defaults
    ]
    return {"ServerSideEncryptionConfiguration": {"Rules": rules}}


@pytest.mark.parametrize(
    ("answer", "key", "words"),
    [
        (encrypted({"SSEAlgorithm": "AES256"}), None, "AES256"),
        (encrypted({"SSEAlgorithm": "AES256", "KMSMasterKeyID": KEY}), None, "AES256"),
        (encrypted({"SSEAlgorithm": "aws:kms"}), None, "aws:kms"),
        (
            encrypted({"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY}),
            KEY,
            f"aws:kms and the key {KEY}",
        ),
        (
            encrypted({"SSEAlgorithm": "aws:kms:dsse", "KMSMasterKeyID": KEY}),
            KEY,
            f"aws:kms:dsse and the key {KEY}",
        ),
        # the account's own key needs no grant
        (
            encrypted(
                {
                    "SSEAlgorithm": "aws:kms",
                    "KMSMasterKeyID": "arn:aws:kms:eu-west-1:123456789012:alias/aws/s3",
                }
            ),
            None,
            "aws:kms",
        ),
        # a rule without a default, or without a key, is passed over
        (
            encrypted(
                None,
                {"SSEAlgorithm": "aws:kms"},
                {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY},
            ),
            KEY,
            f"aws:kms and the key {KEY}",
        ),
        (
            encrypted(
                {"SSEAlgorithm": "AES256"}, {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY}
            ),
            KEY,
            f"AES256 and the key {KEY}",
        ),
    ],
)
def test_a_bucket_that_encrypts_says_with_what(
    answer: dict[str, Any], key: str | None, words: str
) -> None:
    named = kms_key_name(answer)
    own = named is not None and named.endswith("alias/aws/s3")
    found = BucketKey(named if key else None, named, None if own or named is None else "Enabled")
    assert evaluate_encryption((answer, found), R) == ok(f"it encrypts with {words}")


@pytest.mark.parametrize(
    ("region", "unfit", "words"),
    [
        ("eu-west-1", None, None),
        (None, None, None),
        ("us-east-1", None, f"its key {KEY} is in eu-west-1, not in us-east-1"),
        ("eu-west-1", "RSA_2048, for SIGN_VERIFY", "S3 takes symmetric ones"),
        ("eu-west-1", "HMAC_256, for GENERATE_VERIFY_MAC", "S3 takes symmetric ones"),
    ],
)
def test_a_key_that_s3_cannot_use_stores_nothing(
    region: str | None, unfit: str | None, words: str | None
) -> None:
    answer = encrypted({"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY})
    found = BucketKey(KEY, KEY, "Enabled", unfit=unfit, bucket_region=region)
    verdict = evaluate_encryption((answer, found), R)
    assert verdict.status is (OK if words is None else FAIL)
    assert words is None or words in verdict.why


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"ServerSideEncryptionConfiguration": {}},
        encrypted(),
        encrypted(None),
        encrypted({}),
        encrypted({"SSEAlgorithm": ""}),
    ],
)
def test_a_bucket_without_a_default_is_given_one(answer: dict[str, Any]) -> None:
    assert kms_key_name(answer) is None
    assert evaluate_encryption((answer, BucketKey()), R) == Verdict(
        WARN,
        "it has no default encryption",
        "aws s3api put-bucket-encryption --bucket b --server-side-encryption-configuration "
        """'{"Rules":[{"ApplyServerSideEncryptionByDefault":{"SSEAlgorithm":"AES256"}}]}' """
        "--region eu-west-1",
    )


# --- versioning


@pytest.mark.parametrize(
    ("status", "state"),
    [("Suspended", "suspended"), (None, "off"), ("enabled", "off"), ("Disabled", "off")],
)
def test_versioning_that_is_not_on_is_switched_on(status: str | None, state: str) -> None:
    assert evaluate_versioning({} if status is None else {"Status": status}, R) == Verdict(
        WARN,
        f"versioning is {state}: what is overwritten or deleted is lost",
        "aws s3api put-bucket-versioning --bucket b --versioning-configuration "
        """'{"Status":"Enabled"}' --region eu-west-1""",
    )


def test_versioning_that_is_on_is_fine() -> None:
    assert evaluate_versioning({"Status": "Enabled"}, R) == ok("versioning is on")


# --- TLS


DENIAL = {
    "Sid": "TlsOnly",
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"],
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}
THEIRS = {"Sid": "Theirs", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}
MORE = {"Bool": {"aws:SecureTransport": "false"}, "StringEquals": {"aws:SourceAccount": "1"}}


def tls(*statements: Any, r: AwsResources = R, **around: Any) -> Verdict:
    policy = {"Version": "2012-10-17", **around, "Statement": list(statements)}
    return evaluate_tls_only({"Policy": json.dumps(policy)}, r)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"Principal": {"AWS": "*"}},
        {"Principal": {"AWS": ["arn:aws:iam::123456789012:root", "*"]}},
        {"Action": "S3:*"},
        {"Action": "s*:*"},
        {"Resource": "*"},
        {"Resource": "arn:aws:s3:::b*"},
        {"Resource": ["arn:aws:s3:::b*", "arn:aws:s3:::other"]},
        {"Condition": {"Bool": {"aws:SecureTransport": ["true", "false"]}}},
        {"Condition": {}},
        {"Action": "*"},
        {"Action": ["s3:GetObject", "s3:*"]},
        {"Condition": {"Bool": {"aws:SecureTransport": False}}},
        {"Condition": {"Bool": {"AWS:securetransport": ["False"]}}},
        {"Condition": {"bool": {"aws:SecureTransport": "false"}}},
        {"Condition": {"BoolIfExists": {"aws:SecureTransport": "false"}}},
    ],
)
def test_a_denial_of_everything_to_everybody_without_tls_is_fine(change: dict[str, Any]) -> None:
    good = ok("its policy denies connections without TLS")
    assert tls({**DENIAL, **change}) == good
    assert tls(THEIRS, {**DENIAL, **change}) == good


@pytest.mark.parametrize(
    "change",
    [
        {"Effect": "Allow"},
        {"Principal": {"AWS": "arn:aws:iam::123456789012:root"}},
        {"Principal": {}},
        {"Action": "s3:GetObject"},
        {"Action": ["s3:GetObject", "s3:PutObject"]},
        {"Action": "s3:Get*"},
        {"Condition": {"Bool": {"aws:SecureTransport": "true"}}},
        {"Resource": "arn:aws:s3:::b/private/*"},
        {"Resource": "arn:aws:s3:::c*"},
        {"Resource": "arn:aws:s3:::${aws:username}*"},
        {"Condition": {"Bool": {"aws:ViaAWSService": "false"}}},
        {"Condition": {"Bool": {"aws:SecureTransport": "false", "aws:ViaAWSService": "false"}}},
        {"Condition": {"StringEquals": {"aws:SecureTransport": "false"}}},
        # a second condition narrows the denial
        {"Condition": MORE},
        {
            "Condition": {
                "Bool": {"aws:SecureTransport": "false"},
                "BoolIfExists": {"aws:ViaAWSService": "false"},
            }
        },
    ],
)
def test_what_denies_less_is_no_denial_and_stays_beside_a_whole_one(
    change: dict[str, Any],
) -> None:
    statement = {**DENIAL, **change}
    found = tls(statement, THEIRS)
    assert found.status is WARN
    assert written(found)["Statement"] == [statement, THEIRS, DENIAL]


def test_half_of_the_resources_is_not_all() -> None:
    bucket, objects = DENIAL["Resource"]
    without = "its policy does not deny connections without TLS"
    for resource, left in ((bucket, "its objects"), (objects, "the bucket itself")):
        found = tls({**DENIAL, "Resource": resource})
        assert (found.status, found.why) == (WARN, f"{without} to {left}")
    halves = [
        {**DENIAL, "Sid": sid, "Resource": one}
        for sid, one in zip("ab", DENIAL["Resource"], strict=True)
    ]
    assert tls(*halves).status is OK


def test_a_denial_that_excepts_somebody_is_none() -> None:
    excepting = {key: value for key, value in DENIAL.items() if key != "Principal"}
    excepting["NotPrincipal"] = {"AWS": "arn:aws:iam::123456789012:role/old"}
    assert tls(excepting).status is WARN


@pytest.mark.parametrize(
    "change",
    [
        {"Effect": "deny"},
        {"Principal": "arn:aws:iam::123456789012:root"},
        {"Principal": {"Service": "*"}},
        {"Principal": None},
        {"Action": None},
        {"Condition": {"BoolEquals": {"aws:SecureTransport": "false"}}},
    ],
)
def test_a_policy_that_cannot_be_read_is_neither_ok_nor_written_over(change: Any) -> None:
    found = tls({**DENIAL, **change}, DENIAL)
    assert found.status is UNKNOWN
    assert found.remedy == "aws s3api get-bucket-policy --bucket b --region eu-west-1"


@pytest.mark.parametrize("text", ["{", "[]", "7"])
def test_neither_is_what_is_no_policy(text: str) -> None:
    assert evaluate_tls_only({"Policy": text}, R).status is UNKNOWN


def written(verdict: Verdict) -> Any:
    words = shlex.split(str(verdict.remedy))
    assert words[:6] == ["aws", "s3api", "put-bucket-policy", "--bucket", "b", "--policy"]
    assert words[7:8] == ["--region"]
    return json.loads(words[6])


@pytest.mark.parametrize(
    ("answer", "policy"),
    [
        ({}, {"Version": "2012-10-17", "Statement": [DENIAL]}),
        ({"Policy": "{}"}, {"Version": "2012-10-17", "Statement": [DENIAL]}),
        # what is there stays: its version, its id, and a statement that is no list
        (
            {"Policy": json.dumps({"Version": "2008-10-17", "Id": "x", "Statement": THEIRS})},
            {"Version": "2008-10-17", "Id": "x", "Statement": [THEIRS, DENIAL]},
        ),
    ],
)
def test_a_policy_without_the_denial_gets_it(
    answer: dict[str, str], policy: dict[str, Any]
) -> None:
    found = evaluate_tls_only(answer, R)
    assert found.status is WARN
    assert found.why == "its policy does not deny connections without TLS"
    assert written(found) == policy


def test_the_denial_is_about_this_bucket_in_its_partition() -> None:
    found = tls(THEIRS, r=replace(CHINA, bucket="b"))
    assert written(found)["Statement"][1]["Resource"] == [
        "arn:aws-cn:s3:::b",
        "arn:aws-cn:s3:::b/*",
    ]
    assert shlex.split(str(found.remedy))[8] == "cn-north-1"
    # and is what the check itself takes for one
    assert tls(*written(found)["Statement"], r=CHINA).status is OK
