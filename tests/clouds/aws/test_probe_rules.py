"""What each probe makes of AWS's answers: one row for each answer, and none is asked for more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from kitaru_iac.checks.probes import (
    Denied,
    NotFound,
    Outcome,
    Probe,
    ProbeError,
    Skipped,
    Unavailable,
)
from kitaru_iac.clouds.aws.observations import (
    Analysis,
    BucketHead,
    BucketKey,
    CallerIdentity,
    KeyPolicy,
    PodIdentity,
    Principal,
    PublicAccess,
    Subnets,
)
from kitaru_iac.clouds.aws.principal_policies import read_policies
from kitaru_iac.clouds.aws.probes import AwsProbes
from kitaru_iac.clouds.aws.resources import AwsResources
from kitaru_iac.spec.kinds import StackType
from kitaru_iac.spec.uris import EcrUri
from tests.clouds.aws.nobody import Nobody

OURS, OTHER, REGION = "123456789012", "999999999999", "eu-west-1"
KEY = f"arn:aws:kms:us-east-1:{OURS}:key/1"
HOST = f"{OURS}.dkr.ecr.eu-central-1.amazonaws.com"
R = AwsResources(
    "prod", StackType.KUBERNETES, region=REGION, account=OURS, bucket="b", cluster="c",
    namespace="ml", registry=EcrUri(OURS, "eu-central-1", HOST), repository="team/images",
    quota="ml.m5.large for training job usage",
)  # fmt: skip
ME = CallerIdentity(OURS, f"arn:aws:sts::{OURS}:assumed-role/me/session")
DENIED = Denied("403", permission="x:Y")
SILENCE = Unavailable("503")


class Answering(Nobody):
    """AWS, which gives an answer for each operation: a text is the code of an error."""

    timeout = 5.0

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.asked: list[tuple[str, str | None]] = []
        self.given: list[dict[str, Any]] = []

    def ask(  # type: ignore[override]
        self, service: str, operation: str, *, about: str, absent: Any = (), none: Any = (),
        region: str | None = None, **given: Any,
    ) -> Any:  # fmt: skip
        self.asked.append((f"{service} {operation}", region))
        self.given.append(given)
        answer = self.answers[operation]
        answer = answer(given) if callable(answer) else answer
        if isinstance(answer, str):
            assert about
            if answer in none:
                return {}
            raise NotFound(f"no {about}") if answer in absent else Unavailable(answer)
        if isinstance(answer, ProbeError):
            raise answer
        return answer

    def ask_all(self, service: str, operation: str, key: str, **given: Any) -> Any:
        answer = self.ask(service, operation, **given)
        return answer.get(key, [])


def outcome(run: Callable[[], object]) -> object:
    try:
        return run()
    except ProbeError as error:
        return error


# --- keys


@pytest.mark.parametrize(
    ("named", "answer", "found", "asked"),
    [
        (None, None, BucketKey(), None),
        *(
            (f"{before}alias/aws/{service}", None,
             BucketKey(named=f"{before}alias/aws/{service}"), None)
            for before in ("", f"arn:aws:kms:us-east-1:{OURS}:")
            for service in ("s3", "ecr")
        ),
        # A customer's own, whatever its end: it may be switched off.
        ("alias/team-alias/aws/s3", {"Arn": KEY, "KeyState": "Disabled"},
         BucketKey(KEY, "alias/team-alias/aws/s3", "Disabled", bucket_region="here"), REGION),
        ("alias/data", {"Arn": KEY, "KeyState": "Enabled"},
         BucketKey(KEY, "alias/data", "Enabled", bucket_region="here"), REGION),
        (KEY, {"Arn": KEY, "KeyState": "Enabled", "KeyManager": "CUSTOMER"},
         BucketKey(KEY, KEY, "Enabled", bucket_region="here"), "us-east-1"),
        (KEY, {"Arn": KEY, "KeyState": "Enabled", "KeyManager": "AWS"},
         BucketKey(None, KEY, "Enabled", bucket_region="here"), "us-east-1"),
        (KEY, {"Arn": KEY}, BucketKey(KEY, KEY, None, bucket_region="here"), "us-east-1"),
        (KEY, {"Arn": KEY, "KeyState": "Enabled", "KeyUsage": "SIGN_VERIFY", "KeySpec": "RSA_2048"},
         BucketKey(KEY, KEY, "Enabled", None, "RSA_2048, for SIGN_VERIFY", "here"), "us-east-1"),
        (KEY, {"Arn": KEY, "KeyState": "Enabled", "KeySpec": "RSA_2048"},
         BucketKey(KEY, KEY, "Enabled", None, "RSA_2048, for ENCRYPT_DECRYPT", "here"),
         "us-east-1"),
        (KEY, {"Arn": KEY, "KeyState": "Enabled", "KeyUsage": "KEY_AGREEMENT"},
         BucketKey(KEY, KEY, "Enabled", None, "SYMMETRIC_DEFAULT, for KEY_AGREEMENT", "here"),
         "us-east-1"),
        (KEY, "NotFoundException", BucketKey(KEY, KEY), "us-east-1"),
        ("alias/data", "NotFoundException", BucketKey(None, "alias/data"), REGION),
        (f"arn:aws:kms:us-east-1:{OURS}:alias/data", "NotFoundException",
         BucketKey(None, f"arn:aws:kms:us-east-1:{OURS}:alias/data"), "us-east-1"),
        (KEY, DENIED, BucketKey(KEY, KEY, unseen=DENIED), "us-east-1"),
        # An alias that may not be looked up is a key whose ARN nobody knows.
        ("alias/data", DENIED, DENIED, REGION),
        (f"arn:aws:kms:us-east-1:{OURS}:alias/data", DENIED, DENIED, "us-east-1"),
        ("1", SILENCE, SILENCE, REGION),
    ],
)  # fmt: skip
def test_a_key_is_asked_about_unless_it_is_aws_s_own(
    named: str | None, answer: Any, found: object, asked: str | None
) -> None:
    said = {"KeyMetadata": answer} if isinstance(answer, dict) else answer
    access = Answering(describe_key=said)
    seen = outcome(lambda: AwsProbes(access, R).describe_key(named, REGION, "here"))
    assert seen == found
    assert access.asked == ([] if asked is None else [("kms describe_key", asked)])
    assert all(given == {"KeyId": named} for given in access.given)


def encrypting(algorithm: str, key: str | None) -> dict[str, Any]:
    default = {"SSEAlgorithm": algorithm, **({"KMSMasterKeyID": key} if key else {})}
    rule = {"ApplyServerSideEncryptionByDefault": default}
    return {"ServerSideEncryptionConfiguration": {"Rules": [{}, rule]}}


@pytest.mark.parametrize(
    ("encryption", "head", "asked"),
    [
        (encrypting("aws:kms", "alias/x"), BucketHead("eu-north-1", allowed=True), "eu-north-1"),
        (encrypting("aws:kms:dsse", "alias/x"), BucketHead(None, allowed=True), None),
        (encrypting("aws:kms", "alias/x"), SILENCE, None),
        (encrypting("AES256", "alias/x"), SILENCE, "not at all"),
        (encrypting("aws:kms", None), SILENCE, "not at all"),
        ({}, SILENCE, "not at all"),
    ],
)
def test_the_key_of_a_bucket_is_in_the_bucket_s_region(
    encryption: Any, head: Outcome[BucketHead], asked: str | None
) -> None:
    access = Answering(describe_key={"KeyMetadata": {"Arn": KEY, "KeyState": "Enabled"}})
    found = AwsProbes(access, R).bucket_key.run(encryption, head)
    if asked == "not at all":
        assert (found, access.asked) == (BucketKey(), [])
    else:
        assert (found.arn, found.bucket_region) == (KEY, asked)
        assert access.asked == [("kms describe_key", asked)]


@pytest.mark.parametrize(
    ("encryption", "named"),
    [
        ({}, None),
        (None, None),
        ({"encryptionType": "AES256", "kmsKey": KEY}, None),
        ({"encryptionType": "KMS"}, None),
        ({"encryptionType": "KMS", "kmsKey": KEY}, KEY),
        ({"encryptionType": "KMS_DSSE", "kmsKey": KEY}, KEY),
    ],
)
def test_the_key_of_a_repository_is_the_one_it_names(encryption: Any, named: str | None) -> None:
    access = Answering(describe_key={"KeyMetadata": {"Arn": KEY, "KeyState": "Enabled"}})
    found = AwsProbes(access, R).repository_key.run({"encryptionConfiguration": encryption})
    assert found.named == named
    assert found.bucket_region == (None if named is None else "eu-central-1")


def test_the_policy_of_a_key_is_asked_for_with_its_grants_and_where_it_is() -> None:
    grant = {"GranteePrincipal": "x"}
    access = Answering(get_key_policy={"Policy": "{}"}, list_grants={"Grants": [grant]})
    ask = AwsProbes(access, R).key_policy.run
    assert ask(BucketKey(None, "alias/aws/s3")) is None
    assert access.asked == []
    assert ask(BucketKey(KEY, KEY, "Enabled")) == KeyPolicy(KEY, "{}", (grant,))
    assert access.asked == [("kms get_key_policy", "us-east-1"), ("kms list_grants", "us-east-1")]
    gone = Answering(get_key_policy="NotFoundException", list_grants="NotFoundException")
    assert isinstance(outcome(lambda: AwsProbes(gone, R).key_policy.run(BucketKey(KEY))), NotFound)
    gone.answers["get_key_policy"] = {}
    assert isinstance(outcome(lambda: AwsProbes(gone, R).key_policy.run(BucketKey(KEY))), NotFound)
    gone.answers["list_grants"] = {}
    assert AwsProbes(gone, R).key_policy.run(BucketKey(KEY)) == KeyPolicy(KEY, "")


# --- the bucket


def refused(region: str | None) -> Denied:
    error = Denied("403", permission="s3:ListBucket")
    cause = Exception()
    headers = {} if region is None else {"x-amz-bucket-region": region}
    cause.response = {"ResponseMetadata": {"HTTPHeaders": headers}}  # type: ignore[attr-defined]
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ({"BucketRegion": REGION}, BucketHead(REGION, allowed=True)),
        (
            {"ResponseMetadata": {"HTTPHeaders": {"x-amz-bucket-region": "eu-north-1"}}},
            BucketHead("eu-north-1", allowed=True),
        ),
        ({}, Unavailable),  # a proxy's answer: S3 names the region
        (refused("eu-north-1"), BucketHead("eu-north-1", allowed=False)),
        (refused(None), BucketHead(None, allowed=False)),
        (DENIED, BucketHead(None, allowed=False)),
        ("404", NotFound),
        ("NoSuchBucket", NotFound),
        (SILENCE, Unavailable),
    ],
)
def test_a_bucket_that_may_not_be_listed_is_there_and_one_of_a_404_is_not(
    answer: Any, found: object
) -> None:
    probes = AwsProbes(Answering(head_bucket=answer), R)
    seen: Any = outcome(lambda: probes.head.run(None))
    assert (type(seen) if isinstance(seen, ProbeError) else seen) == found
    if isinstance(seen, BucketHead):
        listed: Any = outcome(lambda: probes.bucket.run(seen))
        if seen.allowed:
            assert listed is seen
        else:
            assert isinstance(listed, Denied)
            assert (listed.permission, listed.resource) == ("s3:ListBucket", "arn:aws:s3:::b")


@pytest.mark.parametrize("error", ["404", SILENCE])
def test_whose_a_bucket_is_is_open_where_nobody_was_refused(error: Any) -> None:
    access = Answering(head_bucket=error)
    owner = AwsProbes(access, R).bucket_account.requires[1]
    assert isinstance(outcome(lambda: owner.run(ME)), NotFound | Unavailable)


ELSEWHERE = replace(R, s3_endpoint="https://minio.example.org")


@pytest.mark.parametrize(
    "name",
    ["head", "account_block", "bucket_block", "policy_status", "bucket_acl", "encryption",
     "versioning", "bucket_policy", "bucket_lifecycle"],
)  # fmt: skip
def test_nothing_of_a_bucket_elsewhere_is_asked_of_aws(name: str) -> None:
    access = Answering()
    probe: Probe[Any] = getattr(AwsProbes(access, ELSEWHERE), name)
    error: Any = outcome(lambda: probe.run(None))
    assert isinstance(error, Skipped)
    assert error.why.endswith(": it was not looked at there")
    assert error.remedy == (
        "aws s3api head-bucket --bucket b --region eu-west-1  "
        "# at --endpoint-url https://minio.example.org"
    )
    owner = AwsProbes(access, ELSEWHERE).bucket_account.requires[1]
    assert isinstance(outcome(lambda: owner.run(ME)), Skipped)
    assert access.asked == []


NONE = "NoSuchPublicAccessBlockConfiguration"


@pytest.mark.parametrize(
    ("name", "operation", "none"),
    [
        ("bucket_block", "get_public_access_block", NONE),
        ("policy_status", "get_bucket_policy_status", "NoSuchBucketPolicy"),
        ("bucket_acl", "get_bucket_acl", None),
        ("encryption", "get_bucket_encryption", "ServerSideEncryptionConfigurationNotFoundError"),
        ("versioning", "get_bucket_versioning", None),
        ("bucket_policy", "get_bucket_policy", "NoSuchBucketPolicy"),
        ("bucket_lifecycle", "get_bucket_lifecycle_configuration", "NoSuchLifecycleConfiguration"),
    ],
)
def test_a_setting_that_is_not_there_is_none_and_a_bucket_that_is_not_there_is_absent(
    name: str, operation: str, none: str | None
) -> None:
    def asked(answer: Any) -> object:
        access = Answering(**{operation: answer})
        found = outcome(lambda: getattr(AwsProbes(access, R), name).run(None))
        assert access.asked == [(f"s3 {operation}", None)]
        assert access.given == [{"Bucket": "b"}]
        return found

    assert asked({"x": 1}) == {"x": 1}
    assert isinstance(asked("NoSuchBucket"), NotFound)
    assert isinstance(asked("NoSuchThing"), Unavailable)
    if none is not None:
        assert asked(none) == {}


@pytest.mark.parametrize(
    ("account", "identity", "asked"), [(OURS, None, OURS), (None, ME, OURS), (OTHER, ME, OTHER)]
)
def test_the_block_of_an_account_is_that_of_the_description_s(
    account: str | None, identity: CallerIdentity | None, asked: str
) -> None:
    access = Answering(get_public_access_block=NONE)
    probe = AwsProbes(access, replace(R, account=account)).account_block
    assert (identity, probe.run(identity)) == (identity, {})
    assert access.given == [{"AccountId": asked}]
    probes = AwsProbes(access, replace(R, account=account))
    needs = probes.session if account else probes.identity
    assert probes.account_block.requires == (needs,)


EVERYBODY = {"Grantee": {"URI": "http://acs.amazonaws.com/groups/global/AllUsers"}}
ACCOUNTS = {"Grantee": {"URI": "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"}}
LOGS = {"Grantee": {"URI": "http://acs.amazonaws.com/groups/s3/LogDelivery"}}
OWNER, STRANGER = {"Grantee": {"ID": "owner"}}, {"Grantee": {"ID": "stranger"}}


def acl(*grants: dict[str, Any]) -> dict[str, Any]:
    return {"Owner": {"ID": "owner"}, "Grants": [{**one, "Permission": "READ"} for one in grants]}


def block(*switches: str, off: str = "") -> dict[str, Any]:
    switched = {**dict.fromkeys(switches, True), **({off: False} if off else {})}
    return {"PublicAccessBlockConfiguration": switched}


@pytest.mark.parametrize(
    ("bucket", "account", "status", "grants", "analysis", "whose", "found"),
    [
        ({}, {}, {}, acl(), SILENCE, OURS, PublicAccess(frozenset(), frozenset(), False)),
        (
            block("BlockPublicAcls", off="IgnorePublicAcls"), block("BlockPublicPolicy"),
            {"PolicyStatus": {"IsPublic": True}}, acl(OWNER, LOGS), Analysis(public=False), OURS,
            PublicAccess(frozenset({"BlockPublicAcls"}), frozenset({"BlockPublicPolicy"}), True),
        ),
        (
            {}, DENIED, {"PolicyStatus": {"IsPublic": False}},
            acl(OWNER, EVERYBODY, ACCOUNTS, STRANGER), Analysis(public=True), OURS,
            PublicAccess(
                frozenset(), None, False, DENIED,
                ("READ to everybody", "READ to everybody with an account of AWS"),
                others=("READ to the account with the canonical id stranger",),
            ),
        ),
        # What S3 does not say of the policy, Access Analyzer may.
        *(
            ({}, {}, DENIED, acl(), Analysis(public=said), OURS,
             PublicAccess(frozenset(), frozenset(), said, unseen=DENIED))
            for said in (True, False, None)
        ),
        ({}, {}, SILENCE, DENIED, SILENCE, OURS,
         PublicAccess(frozenset(), frozenset(), None, None, None, SILENCE)),
        ({}, {}, {}, DENIED, SILENCE, OURS,
         PublicAccess(frozenset(), frozenset(), False, None, None, DENIED)),
        # An ACL without an owner does not tell who is another one.
        ({}, {}, {}, {"Grants": [{**STRANGER, "Permission": "READ"}]}, SILENCE, OURS,
         PublicAccess(frozenset(), frozenset(), False)),
    ],
)  # fmt: skip
def test_the_answers_of_s3_are_put_together(
    bucket: Any, account: Any, status: Any, grants: Any, analysis: Any, whose: Any,
    found: PublicAccess,
) -> None:  # fmt: skip
    probe = AwsProbes(Answering(), R).public_access
    assert probe.run(bucket, account, status, grants, analysis, whose) == found


@pytest.mark.parametrize(
    ("described", "whose", "counts"),
    [
        (OURS, OURS, True),
        (None, OURS, True),
        (OURS, OTHER, False),
        (OURS, None, False),
        (None, None, False),
        (OURS, SILENCE, False),
    ],
)
def test_the_block_of_an_account_counts_for_its_own_buckets_alone(
    described: str | None, whose: Any, *, counts: bool
) -> None:
    probe = AwsProbes(Answering(), replace(R, account=described)).public_access
    every = block("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy",
                  "RestrictPublicBuckets")  # fmt: skip
    found = probe.run({}, every, {}, acl(), SILENCE, whose)
    assert (found.off == ()) is counts
    assert (found.account is not None) is counts
    if whose is SILENCE:
        assert found.account_missing is SILENCE
    elif not counts:
        assert isinstance(found.account_missing, Skipped)


# --- who asks


def asking(arn: str, **answers: Any) -> object:
    probes = AwsProbes(Answering(**answers), R)
    return outcome(lambda: probes.principal.run(CallerIdentity(OURS, arn)))


IAM, STS = f"arn:aws:iam::{OURS}", f"arn:aws:sts::{OURS}"


@pytest.mark.parametrize(
    ("arn", "answers", "found"),
    [
        (f"{IAM}:root", {}, Principal(f"{IAM}:root", "root", "root")),
        (f"{IAM}:user/p/me", {}, Principal(f"{IAM}:user/p/me", "user", "me")),
        (f"{STS}:user/me", {}, Principal(f"{IAM}:user/me", "user", "me")),
        (f"{IAM}:role/p/x", {}, Principal(f"{IAM}:role/p/x", "role", "x")),
        (f"{STS}:federated-user/x", {}, Skipped),
        (f"{STS}:assumed-role/x/s", {"get_role": {"Role": {"Arn": f"{IAM}:role/p/x"}}},
         Principal(f"{IAM}:role/p/x", "role", "x")),
        *(
            (f"{STS}:assumed-role/x/s", {"get_role": error},
             Principal(f"{IAM}:role/x", "role", "x", certain=False))
            for error in (DENIED, SILENCE, "NoSuchEntity")
        ),
    ],
)  # fmt: skip
def test_who_asks_is_the_user_or_the_role_behind_the_session(
    arn: str, answers: Any, found: object
) -> None:
    seen = asking(arn, **answers)
    assert (type(seen) if isinstance(seen, ProbeError) else seen) == found


@pytest.mark.parametrize(
    ("role", "there", "caller", "found"),
    [
        (f"{IAM}:role/x", f"{IAM}:role/x", ME, True),
        (f"{IAM}:role/x", f"{IAM}:role/x", SILENCE, True),
        # IAM shows the namesake in the caller's own account.
        (f"arn:aws:iam::{OTHER}:role/x", f"{IAM}:role/x", ME, Skipped),
        (f"arn:aws:iam::{OTHER}:role/x", f"{IAM}:role/x", SILENCE, Skipped),
        (f"{IAM}:role/x", DENIED, ME, Denied),
        (f"{IAM}:role/x", "NoSuchEntity", ME, NotFound),
    ],
)
@pytest.mark.parametrize("name", ["role", "scheduler_role"])
def test_a_role_of_another_account_is_never_its_namesake(
    name: str, role: str, there: Any, caller: Any, found: Any
) -> None:
    answer = {"Role": {"Arn": there}} if str(there).startswith("arn:") else there
    access = Answering(get_role=answer)
    probe = getattr(AwsProbes(access, replace(R, role=role, scheduler_role=role)), name)
    seen = outcome(lambda: probe.run(None, caller))
    assert seen == {"Arn": there} if found is True else isinstance(seen, found)
    assert all(given == {"RoleName": "x"} for given in access.given)
    # Where it is known beforehand to be another account's, nothing is asked.
    assert (access.asked == []) is (found is Skipped and caller is ME)


def test_the_quota_is_looked_for_on_every_page() -> None:
    ours = {"QuotaName": R.quota, "Value": 4}
    pages = {
        None: {"Quotas": [{"QuotaName": "ml.m5.large for processing"}], "NextToken": "2"},
        "2": {"Quotas": [ours]},
    }
    access = Answering(list_service_quotas=lambda given: pages[given.get("NextToken")])
    assert AwsProbes(access, R).quota.run(None) == ours
    asked = {"ServiceCode": "sagemaker", "MaxResults": 100}
    assert access.given == [asked, {**asked, "NextToken": "2"}]
    pages["2"] = {}
    error: Any = outcome(lambda: AwsProbes(access, R).quota.run(None))
    assert isinstance(error, Skipped)
    assert error.remedy == (
        "aws service-quotas list-service-quotas --service-code sagemaker --region eu-west-1"
    )


# --- the policies of who asks, or of the role


def granting(action: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": "*"}


def iam(kind: str, boundary: str | None = None, **groups: str) -> Answering:
    """IAM, in which one `kind` has an inline policy, and one that is attached."""
    title = kind.capitalize()
    whole = {"PermissionsBoundary": {"PermissionsBoundaryArn": boundary}} if boundary else {}

    def managed(given: dict[str, Any]) -> dict[str, Any]:
        assert given["VersionId"] == f"v2 of {given['PolicyArn']}"
        # A statement may stand alone, and what is no statement is none.
        return {"PolicyVersion": {"Document": {"Statement": granting(given["PolicyArn"])}}}

    def inline(given: dict[str, Any]) -> dict[str, Any]:
        of = given.get(f"{title}Name") or given["GroupName"]
        return {"PolicyDocument": {"Statement": [granting(f"{given['PolicyName']} of {of}"), "x"]}}

    def named(given: dict[str, Any]) -> dict[str, Any]:
        assert given == {f"{title}Name": "me"}
        return {title: whole}

    def policy(given: dict[str, Any]) -> dict[str, Any]:
        return {"Policy": {"DefaultVersionId": f"v2 of {given['PolicyArn']}"}}

    listed = {
        f"{what}_{of}_policies": {key: names}
        for of in (kind, "group")
        for what, key, names in (
            ("list", "PolicyNames", ["inline"]),
            ("list_attached", "AttachedPolicies", [{"PolicyArn": f"arn:{of}"}]),
        )
    }
    return Answering(
        **{f"get_{kind}": named, f"get_{kind}_policy": inline, "get_group_policy": inline},
        **listed,
        list_groups_for_user={"Groups": [{"GroupName": name} for name in groups]},
        get_policy=policy,
        get_policy_version=managed,
    )


@pytest.mark.parametrize("boundary", [None, "arn:bound"])
@pytest.mark.parametrize(
    ("arn", "groups", "actions"),
    [
        (f"{IAM}:role/p/me", {"admins": ""}, ["inline of me", "arn:role"]),
        (f"{IAM}:user/p/me", {}, ["inline of me", "arn:user"]),
        (
            f"{IAM}:user/me",
            {"a": "", "b": ""},
            ["inline of me", "arn:user", "inline of a", "arn:group", "inline of b", "arn:group"],
        ),
    ],
)
def test_every_policy_of_a_principal_is_read_and_its_boundary(
    arn: str, groups: dict[str, str], actions: list[str], boundary: str | None
) -> None:
    access: Any = iam("user" if ":user/" in arn else "role", boundary, **groups)
    found = read_policies(access, arn)
    assert found.statements == tuple(granting(action) for action in actions)
    assert found.boundary == (None if boundary is None else (granting(boundary),))


@pytest.mark.parametrize(
    "operation",
    ["get_user", "list_user_policies", "list_attached_user_policies", "get_user_policy",
     "list_groups_for_user", "list_group_policies", "get_policy", "get_policy_version"],
)  # fmt: skip
def test_a_policy_that_cannot_be_read_is_never_left_out(operation: str) -> None:
    access: Any = iam("user", "arn:bound", admins="")
    access.answers[operation] = DENIED
    assert outcome(lambda: read_policies(access, f"{IAM}:user/me")) is DENIED


def test_a_role_is_asked_for_once() -> None:
    access: Any = iam("role")
    seen: list[str] = []

    def role_of(name: str) -> dict[str, Any]:
        seen.append(name)
        return {"PermissionsBoundary": {"PermissionsBoundaryArn": "arn:bound"}}

    found = read_policies(access, f"{IAM}:role/p/me", role_of)
    assert (found.boundary, seen) == ((granting("arn:bound"),), ["me"])
    assert "iam get_role" not in {asked for asked, _ in access.asked}
    assert isinstance(
        outcome(lambda: read_policies(Answering(get_role="NoSuchEntity"), f"{IAM}:role/me")),  # type: ignore[arg-type]
        NotFound,
    )


# --- the cluster

POOL = {"subnets": ["s-1", "s-2"]}
PROFILE = {"subnets": ["s-3"]}
OWN = {"resourcesVpcConfig": {"subnetIds": ["s-9"]}}
AUTO = {**OWN, "computeConfig": {"enabled": True}}


@pytest.mark.parametrize(
    ("cluster", "groups", "fargate", "wanted", "is_fargate"),
    [
        (OWN, (), (), ("s-9",), False),
        (OWN, (POOL,), (), ("s-1", "s-2"), False),
        (OWN, (POOL,), (PROFILE,), ("s-1", "s-2", "s-3"), False),
        (OWN, (), (PROFILE,), ("s-3",), True),
        (AUTO, (), (PROFILE,), ("s-3", "s-9"), False),
        (AUTO, (POOL,), (), ("s-1", "s-2", "s-9"), False),
        (AUTO, (), (), ("s-9",), False),
        (OWN, ({},), (), ("s-9",), False),
        ({}, (), (), None, False),
        (
            {"resourcesVpcConfig": None, "computeConfig": None},
            ({"subnets": None},),
            (),
            None,
            False,
        ),
    ],
)
def test_addresses_are_counted_where_nodes_and_pods_are(
    cluster: Any, groups: Any, fargate: Any, wanted: Any, *, is_fargate: bool
) -> None:
    access = Answering(
        describe_subnets={"Subnets": [{"SubnetId": "s-9", "AvailableIpAddressCount": 7}]}
    )
    seen = outcome(lambda: AwsProbes(access, R).subnets.run(cluster, groups, fargate))
    if wanted is None:
        assert isinstance(seen, Skipped)
        assert seen.remedy == "aws eks describe-cluster --name c --region eu-west-1"
    else:
        assert seen == Subnets(wanted, {"s-9": 7}, is_fargate)
        assert access.given == [{"Filters": [{"Name": "subnet-id", "Values": list(wanted)}]}]


def instance(*tags: str, platform: str | None = None) -> dict[str, Any]:
    return {"Tags": [{"Key": tag} for tag in tags], "Platform": platform}


def test_nodes_that_nobody_manages_are_counted_where_nothing_else_surely_runs_pods() -> None:
    nodes = [
        instance("kubernetes.io/cluster/c"),
        instance("kubernetes.io/cluster/c", "eks:nodegroup-name"),
        instance("kubernetes.io/cluster/c", platform="windows"),
        instance("kubernetes.io/cluster/c", platform="Windows"),
        {},
    ]
    nodes[0] |= {"Architecture": "arm64"}
    nodes[1] |= {"Architecture": "arm64"}  # its group says so too
    reservations = [{"Instances": nodes[:2]}, {"Instances": nodes[2:]}]
    access = Answering(describe_instances={"Reservations": reservations})
    found = AwsProbes(access, R).compute.run({}, (), ())
    assert (found.unmanaged, found.auto_mode, found.hybrid, found.pools) == (2, False, False, ())
    assert found.unmanaged_arm == 1
    assert access.given == [
        {
            "Filters": [
                {"Name": "tag-key", "Values": ["kubernetes.io/cluster/c"]},
                {"Name": "instance-state-name", "Values": ["running"]},
            ]
        }
    ]
    automatic = {"computeConfig": {"enabled": True, "nodePools": ["general-purpose"]}}
    alone = Answering()
    found = AwsProbes(alone, R).compute.run(automatic, (), ())
    assert (found.unmanaged, found.auto_mode, found.pools) == (None, True, ("general-purpose",))
    assert alone.asked == []


GROUP = {"nodegroupName": "k", "status": "ACTIVE"}
PROFILES = {"fargateProfileName": "f", "status": "ACTIVE", "podExecutionRoleArn": "arn:x"}


@pytest.mark.parametrize(
    ("cluster", "groups", "profiles", "hybrid", "karpenter"),
    [
        ({}, (), (), False, False),
        ({"remoteNetworkConfig": {"remoteNodeNetworks": ["x"]}}, (), (), True, False),
        ({"remoteNetworkConfig": {"remotePodNetworks": ["x"]}}, (), (), False, False),
        ({"tags": {"karpenter.sh/discovery": "c"}}, (), (), False, True),
        ({"tags": {"x-karpenter.sh/discovery": "c"}}, (), (), False, False),
        (
            {},
            ({**GROUP, "labels": {"karpenter.sh/controller": "true"}},),
            (),
            False,
            True,
        ),
        ({}, (), ({**PROFILES, "selectors": [{"namespace": "karpenter"}]},), False, True),
        ({}, (), ({**PROFILES, "selectors": [{"namespace": "default"}]},), False, False),
    ],
)
def test_what_else_may_make_nodes_is_told(
    cluster: Any, groups: Any, profiles: Any, *, hybrid: bool, karpenter: bool
) -> None:
    access = Answering(describe_instances={})
    found = AwsProbes(access, R).compute.run(cluster, groups, profiles)
    assert (found.hybrid, found.karpenter) == (hybrid, karpenter)
    assert (found.node_groups, found.fargate_profiles) == (groups, profiles)


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ([{"clusterVersion": "1.31", "x": 1}, {"clusterVersion": "1.30", "x": 2}], {"x": 2}),
        ([{"clusterVersion": "1.31"}], {}),
        ([], {}),
    ],
)
def test_the_support_is_that_of_the_cluster_s_own_version(answer: Any, found: Any) -> None:
    access = Answering(describe_cluster_versions={"clusterVersions": answer})
    assert AwsProbes(access, R).version.run({"version": "1.30"}) == {
        "clusterVersion": "1.30",
        **found,
    }
    assert access.given == [{"includeAll": True, "clusterVersions": ["1.30"]}]


ENTERED = Principal(f"{IAM}:role/p/x", "role", "x")
API = {"accessConfig": {"authenticationMode": "API"}}


@pytest.mark.parametrize(
    ("entries", "asked"),
    [
        ({f"{IAM}:role/p/x"}, [f"{IAM}:role/p/x"]),
        ({f"{IAM}:role/x"}, [f"{IAM}:role/p/x", f"{IAM}:role/x"]),
        ({f"{IAM}:role/p/x", f"{IAM}:role/x"}, [f"{IAM}:role/p/x"]),
        (set(), [f"{IAM}:role/p/x", f"{IAM}:role/x"]),
    ],
)
def test_an_entry_is_looked_for_with_the_path_and_without(
    entries: set[str], asked: list[str]
) -> None:
    def entry(given: dict[str, Any]) -> Any:
        arn = given["principalArn"]
        return {"accessEntry": {"principalArn": arn}} if arn in entries else _ABSENT

    policies = {"associatedAccessPolicies": [{"policyArn": "p"}]}
    access = Answering(describe_access_entry=entry, list_associated_access_policies=policies)
    probes = AwsProbes(access, R)
    found = probes.access_entry(probes.principal).run(API, ENTERED)
    if entries:
        entered = {"principalArn": asked[-1], "policies": [{"policyArn": "p"}]}
        assert found == {**entered, "mode": "API"}
        assert access.given.pop()["principalArn"] == asked[-1]
    else:
        assert found == {"mode": "API"}
    assert [given["principalArn"] for given in access.given] == asked


_ABSENT = "ResourceNotFoundException"


@pytest.mark.parametrize(
    ("mode", "why"),
    [("CONFIG_MAP", "mode is CONFIG_MAP:"), (None, "mode is not told:"), ("", "is not told:")],
)
def test_who_may_enter_by_a_config_map_is_not_looked_at(mode: str | None, why: str) -> None:
    probes = AwsProbes(Answering(), R)
    probe = probes.access_entry(probes.principal)
    error: Any = outcome(lambda: probe.run({"accessConfig": {"authenticationMode": mode}}, ENTERED))
    assert isinstance(error, Skipped)
    assert why in error.why
    assert str(error.remedy).startswith("kubectl get configmap aws-auth --namespace kube-system")


def test_a_cluster_is_asked_about_the_rights_of_who_looks_alone() -> None:
    probes = AwsProbes(Answering(), R)
    looking = Principal(f"{IAM}:role/me", "role", "me")
    error: Any = outcome(lambda: probes.denied(probes.principal).run({}, ENTERED, looking))
    assert isinstance(error, Skipped)
    assert ENTERED.arn in error.why
    assert looking.arn in error.why
    assert error.remedy == "aws sts get-caller-identity  # run it as the connector"


@pytest.mark.parametrize("endpoint", [None, "", "nothing"])
def test_no_connection_is_tried_where_no_endpoint_is_told(endpoint: str | None) -> None:
    probe = AwsProbes(Answering(), R).endpoint
    assert isinstance(outcome(lambda: probe.run({"endpoint": endpoint})), Skipped)


@pytest.mark.parametrize(
    ("role", "found"),
    [
        ({"Role": {"Arn": f"{IAM}:role/pods"}}, {"Arn": f"{IAM}:role/pods"}),
        ({"Role": {"Arn": f"{IAM}:role/p/pods"}}, NotFound),
        ("NoSuchEntity", NotFound),
        (DENIED, Denied),
    ],
)
def test_the_identity_of_pods_is_that_of_the_accounts_they_run_as(role: Any, found: Any) -> None:
    listed = [
        {"serviceAccount": "default", "associationId": "a"},
        {"serviceAccount": "theirs", "associationId": "b"},
        {"associationId": "c"},
    ]
    target = f"{IAM}:role/data" if role == DENIED else None
    association = {"association": {"roleArn": f"{IAM}:role/pods", "targetRoleArn": target}}
    access = Answering(
        list_pod_identity_associations={"associations": listed},
        describe_pod_identity_association=association,
        get_role=role,
    )
    (one,) = AwsProbes(access, R).pod_identities.run(None)
    assert isinstance(one, PodIdentity)
    assert access.given[:2] == [
        {"clusterName": "c", "namespace": "ml"},
        {"clusterName": "c", "associationId": "a"},
    ]
    assert (one.account, one.target) == ("default", target)
    assert one.role == found if isinstance(found, dict) else isinstance(one.role, found)


@pytest.mark.parametrize(
    ("name", "what", "plural", "key"),
    [
        ("node_groups", "nodegroup", "nodegroups", "nodegroup"),
        ("fargate_profiles", "fargate_profile", "fargateProfileNames", "fargateProfile"),
        ("addons", "addon", "addons", "addon"),
    ],
)
def test_each_part_of_a_cluster_is_described(name: str, what: str, plural: str, key: str) -> None:
    def described(given: dict[str, Any]) -> Any:
        return {key: {"named": given[f"{key}Name"], "of": given["clusterName"]}}

    access = Answering(**{f"list_{what}s": {plural: ["one", "two"]}, f"describe_{what}": described})
    found = getattr(AwsProbes(access, R), name).run(None)
    assert found == ({"named": "one", "of": "c"}, {"named": "two", "of": "c"})
    gone = Answering(**{f"list_{what}s": _ABSENT})
    assert isinstance(outcome(lambda: getattr(AwsProbes(gone, R), name).run(None)), NotFound)
    vanished = Answering(**{f"list_{what}s": {plural: ["one"]}, f"describe_{what}": _ABSENT})
    assert isinstance(outcome(lambda: getattr(AwsProbes(vanished, R), name).run(None)), NotFound)


def test_a_cluster_that_is_not_there_has_no_identities_either() -> None:
    gone = AwsProbes(Answering(list_pod_identity_associations=_ABSENT), R)
    assert isinstance(outcome(lambda: gone.pod_identities.run(None)), NotFound)
    missing = AwsProbes(Answering(describe_cluster=_ABSENT), R)
    assert isinstance(outcome(lambda: missing.cluster.run(None)), NotFound)
    there = Answering(describe_cluster={"cluster": {"name": "c"}})
    assert AwsProbes(there, R).cluster.run(None) == {"name": "c"}
    assert there.given == [{"name": "c"}]


def test_who_looks_is_asked_of_sts() -> None:
    access = Answering(get_caller_identity={"Account": OURS, "Arn": ME.arn})
    assert AwsProbes(access, R).identity.run(None) == ME
    assert access.asked == [("sts get_caller_identity", None)]


# --- the registry


@pytest.mark.parametrize(
    ("name", "operation", "answer", "found"),
    [
        ("repository", "describe_repositories", {"repositories": [{"x": 1}]}, {"x": 1}),
        ("repository", "describe_repositories", "RepositoryNotFoundException", NotFound),
        ("repository_policy", "get_repository_policy", {"x": 1}, {"x": 1}),
        ("repository_policy", "get_repository_policy", "RepositoryNotFoundException", NotFound),
        ("repository_policy", "get_repository_policy", "RepositoryPolicyNotFoundException", {}),
        ("repository_lifecycle", "get_lifecycle_policy", {"x": 1}, {"x": 1}),
        ("repository_lifecycle", "get_lifecycle_policy", "RepositoryNotFoundException", NotFound),
        ("repository_lifecycle", "get_lifecycle_policy", "LifecyclePolicyNotFoundException", {}),
        ("registry_scanning", "get_registry_scanning_configuration",
         {"registryId": OURS, "scanningConfiguration": {"x": 1}}, {"x": 1}),
        ("registry_scanning", "get_registry_scanning_configuration",
         {"scanningConfiguration": {"x": 1}}, {"x": 1}),
        ("registry_scanning", "get_registry_scanning_configuration",
         {"registryId": OTHER, "scanningConfiguration": {"x": 1}}, Skipped),
    ],
)  # fmt: skip
def test_a_repository_is_asked_about_in_its_own_registry(
    name: str, operation: str, answer: Any, found: Any
) -> None:
    access = Answering(**{operation: answer})
    seen = outcome(lambda: getattr(AwsProbes(access, R), name).run(None))
    assert seen == found if isinstance(found, dict) else isinstance(seen, found)
    assert access.asked == [(f"ecr {operation}", "eu-central-1")]
    if name == "registry_scanning":
        return
    (given,) = access.given
    assert given.pop("registryId") == OURS
    assert [*given.values()] in (["team/images"], [["team/images"]])


def template(prefix: str, *applied: str) -> dict[str, Any]:
    return {"prefix": prefix, "appliedFor": list(applied or ("CREATE_ON_PUSH",))}


@pytest.mark.parametrize(
    ("templates", "found"),
    [
        ((), None),
        ((template("team"),), "team"),
        ((template("team/"),), "team/"),
        ((template("tea"),), None),
        ((template("other"),), None),
        ((template("ROOT"),), "ROOT"),
        ((template("team"), template("ROOT")), "team"),
        # The most specific counts, though it is for something else.
        ((template("team", "REPLICATION"), template("ROOT")), None),
        ((template("ROOT"), template("team", "PULL_THROUGH_CACHE", "CREATE_ON_PUSH")), "team"),
        (({"prefix": "team"},), None),
    ],
)
def test_the_first_push_makes_what_the_most_specific_template_says(
    templates: tuple[dict[str, Any], ...], found: str | None
) -> None:
    access = Answering(
        describe_repository_creation_templates={"repositoryCreationTemplates": list(templates)}
    )
    probe, missing = AwsProbes(access, R).push_target, NotFound("gone")
    seen: Any = outcome(lambda: probe.run(None, missing, ME))
    assert access.asked == [("ecr describe_repository_creation_templates", "eu-central-1")]
    assert seen is missing if found is None else seen["template"]["prefix"] == found


@pytest.mark.parametrize(
    ("seen", "who", "found"),
    [
        ({"x": 1}, ME, {"x": 1}),
        (DENIED, ME, Denied),
        (SILENCE, ME, Unavailable),
        (NotFound("gone"), CallerIdentity(OTHER, "x"), Skipped),
        (NotFound("gone"), SILENCE, Skipped),
    ],
)
def test_templates_are_asked_for_only_by_the_registry_s_account_and_where_nothing_is(
    seen: Any, who: Any, found: Any
) -> None:
    access = Answering()
    target = outcome(lambda: AwsProbes(access, R).push_target.run(None, seen, who))
    assert target == found if isinstance(found, dict) else isinstance(target, found)
    assert access.asked == []
