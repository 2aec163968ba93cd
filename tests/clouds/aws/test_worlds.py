"""Worlds in which a check once said ok where nothing works, or fail where all does: on moto.

IAM's part is the simulator double, which evaluates condition keys as AWS documents them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kitaru_iac.checks.model import CheckStatus
from kitaru_iac.checks.permissions import Identity
from kitaru_iac.clouds.aws.permissions import policy
from kitaru_iac.clouds.aws.provision.names import bucket_name
from kitaru_iac.spec.model import BaseSpec
from tests.clouds.aws.world import World
from tests.doubles.aws import ACCOUNT_ID, REGION, STRANGER
from tests.doubles.web import Request, Response, json_response

OK, WARN, FAIL, UNKNOWN = CheckStatus
ACCESS = "aws.role.bucket_access"
#: What S3 is asked about a bucket.
LOOKS = (
    *("HeadBucket", "GetPublicAccessBlock", "GetBucketPolicyStatus", "GetBucketAcl"),
    *("GetBucketEncryption", "GetBucketVersioning", "GetBucketPolicy"),
    "GetBucketLifecycleConfiguration",
)


def _runtime(world: World, *more: dict[str, Any], without: str = "") -> BaseSpec:
    """A fit bucket, and a role with the table's rights and these statements beside them."""
    world.fit_bucket()
    world.fit_role()
    spec = world.sagemaker()
    document = policy(spec, Identity.RUNTIME)
    kept = [s for s in document["Statement"] if s["Sid"] not in without.split()]
    world.give(world.role.rsplit("/", 1)[-1], {**document, "Statement": [*kept, *more]})
    return spec


def _deny(action: str, resource: str = "*", **condition: Any) -> dict[str, Any]:
    made = {"Sid": "No", "Effect": "Deny", "Action": action, "Resource": resource}
    return {**made, "Condition": condition} if condition else made


def _allow(action: str, resource: str = "*", **condition: Any) -> dict[str, Any]:
    return {**_deny(action, resource, **condition), "Effect": "Allow", "Sid": "Yes"}


def _region_lock(region: str) -> Callable[[World], BaseSpec]:
    lock = {"StringNotEquals": {"aws:RequestedRegion": region}}
    return lambda world: _runtime(world, _deny("s3:*", **lock))


def _at_prefix(effect: Callable[..., dict[str, Any]], under: str, without: str) -> Any:
    def world_of(world: World) -> BaseSpec:
        objects = f"arn:aws:s3:::{world.bucket}/{under}*"
        return _runtime(world, effect("s3:*Object", objects), without=without)

    return world_of


def _conditioned(**condition: Any) -> Callable[[World], BaseSpec]:
    return lambda world: _runtime(world, _allow("sqs:*", **condition), without="Objects Bucket")


@pytest.mark.parametrize(
    ("arrange", "status", "why"),
    [
        (_region_lock(REGION), OK, "may use the bucket"),
        (_region_lock("us-east-1"), FAIL, "an explicit denial"),
        (_at_prefix(_deny, "prefix/", ""), FAIL, "/prefix/kitaru-check"),
        (_at_prefix(_deny, "other/", ""), OK, "may use the bucket"),
        (_conditioned(StringEquals={"aws:SourceVpce": "vpce-1"}), FAIL, "s3:GetObject"),
        (
            lambda w: _runtime(w, _deny("s3:*", StringNotEquals={"aws:SourceVpce": "vpce-1"})),
            UNKNOWN,
            "aws:SourceVpce",
        ),
        (
            lambda w: _runtime(w, _deny("s3:*", StringEquals={"aws:SourceVpc": "vpc-1"})),
            UNKNOWN,
            "aws:SourceVpc",
        ),
        (
            lambda w: _runtime(w, _deny("sqs:*", StringNotEquals={"aws:SourceVpce": "vpce-1"})),
            OK,
            "may use the bucket",
        ),
        (lambda w: _runtime(w, _deny("s3:*", Bool={"aws:SecureTransport": "false"})), OK, "may"),
        (
            lambda w: _runtime(w, _deny("*", StringNotEquals={"aws:PrincipalAccount": ACCOUNT_ID})),
            OK,
            "may use the bucket",
        ),
        (
            lambda w: _runtime(w, _deny("*", StringNotEquals={"aws:PrincipalAccount": "1"})),
            FAIL,
            "an explicit denial",
        ),
    ],
)
def test_what_a_role_may_do_with_its_bucket(
    arrange: Callable[[World], BaseSpec], status: CheckStatus, why: str, world: World
) -> None:
    result = world.check(arrange(world), ACCESS)
    assert result.status is status, result.why
    assert why in result.why


@pytest.mark.parametrize("named", ["id", "alias", "alias_arn"])
def test_a_key_is_asked_about_by_its_arn_whatever_the_bucket_calls_it(
    named: str, world: World
) -> None:
    spec = _runtime(world)
    key = world.key()
    alias = f"alias/{world.stack}"
    world.client("kms").create_alias(AliasName=alias, TargetKeyId=key)
    place = f"arn:aws:kms:{REGION}:{ACCOUNT_ID}:"
    name = {"id": key, "alias": alias, "alias_arn": f"{place}{alias}"}[named]
    world.encrypt({"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": name})
    refused = world.check(spec, ACCESS)
    assert refused.status is FAIL
    assert f"kms:Decrypt, kms:GenerateDataKey on {place}key/{key}" in refused.why
    only_s3 = {"StringEquals": {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}}
    grant = _allow("kms:*", f"{place}key/{key}", **only_s3)
    document = policy(spec, Identity.RUNTIME)
    document["Statement"].append(grant)
    world.give(world.role.rsplit("/", 1)[-1], document)
    assert world.check(spec, ACCESS).status is OK


@pytest.mark.parametrize(
    ("templates", "status"),
    [
        ([{"prefix": "ROOT"}], WARN),
        ([{"prefix": "ROOT", "appliedFor": ["REPLICATION"]}], FAIL),
        ([{"prefix": "team"}], WARN),
        ([{"prefix": "tea"}], FAIL),
        ([{"prefix": "other"}, {"prefix": "more"}, {"prefix": "team"}], WARN),
        # the most specific one counts
        ([{"prefix": "ROOT"}, {"prefix": "team", "appliedFor": ["REPLICATION"]}], FAIL),
        ([{"prefix": "ROOT", "appliedFor": []}, {"prefix": "team"}], WARN),
        ([], FAIL),
    ],
)
def test_a_template_that_covers_the_name_makes_the_repository(
    templates: list[dict[str, Any]], status: CheckStatus, world: World
) -> None:
    world.repository = f"team/images-{world.stack}"
    world.creation_templates(*templates, page=1)
    assert world.check(world.kubernetes(), "aws.repository.exists").status is status


def test_a_bucket_elsewhere_is_not_judged_by_its_namesake_at_aws(world: World) -> None:
    world.fit_bucket()
    world.fit_role()
    elsewhere = {"client_kwargs": {"endpoint_url": "https://minio.example.org:9000"}}
    extra = {"artifact_store": elsewhere}
    spec = world.sagemaker(extra=extra)
    results = {result.id: result for result in world.verify(spec).results}
    about = [r for name, r in results.items() if name.startswith("aws.bucket.")]
    assert {r.status for r in (*about, results[ACCESS])} == {UNKNOWN}
    assert all("https://minio.example.org:9000" in r.why for r in (*about, results[ACCESS]))
    assert not any(call.startswith(("s3:", "s3control:")) for call in world.faults.calls)
    assert not any("s3" in a[0] for _, a, _ in world.simulator.asked)
    connector = results["aws.connector.permissions"]
    assert "minio.example.org" in f"{connector.why} {connector.caveat}"


def test_aws_s_own_address_is_no_other_place(world: World) -> None:
    world.fit_bucket()
    own = {"client_kwargs": {"endpoint_url": f"https://s3.{REGION}.amazonaws.com"}}
    spec = world.sagemaker(extra={"artifact_store": own})
    assert world.check(spec, "aws.bucket.exists").status is OK


def settled(world: World, monkeypatch: pytest.MonkeyPatch, bucket: str) -> Any:
    """A fit bucket of another account, which lets everybody in; returns that account's client."""
    theirs = world.aws.stranger("s3")
    monkeypatch.setattr(world, "bucket", bucket)
    monkeypatch.setattr(world, "s3", lambda: theirs)
    where = {"LocationConstraint": REGION}
    monkeypatch.setattr(
        world,
        "make_bucket",
        lambda: theirs.create_bucket(Bucket=bucket, CreateBucketConfiguration=where),
    )
    world.fit_bucket()
    return theirs


def of_bucket(world: World) -> dict[str, Any]:
    world.fit_role()
    found = world.verify(world.sagemaker()).results
    return {one.id: one for one in found if one.id.startswith("aws.bucket.")}


def test_a_stranger_s_bucket_under_the_name_that_was_made_is_never_ok(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stack's own was deleted, and somebody waited for its name."""
    settled(world, monkeypatch, bucket_name(world.stack, ACCOUNT_ID, REGION))
    found = of_bucket(world)
    assert found.pop("aws.bucket.exists").status is FAIL
    assert len(found) == 7
    spec = world.sagemaker()
    world.give(world.role.rsplit("/", 1)[-1], policy(spec, Identity.RUNTIME))
    for one in (*found.values(), world.check(spec, ACCESS)):
        assert one.status is UNKNOWN, one
        assert f"not in account {ACCOUNT_ID}" in one.why


def test_a_stranger_s_closed_bucket_under_the_name_that_was_made_is_never_ok(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S3 then does not tell whether it is the owner that it refuses, but names the region."""
    settled(world, monkeypatch, bucket_name(world.stack, ACCOUNT_ID, REGION))
    world.faults.answer("s3:HeadBucket", Response(403, headers={"x-amz-bucket-region": REGION}))
    for operation in LOOKS[1:]:
        world.faults.deny(f"s3:{operation}")
    found = of_bucket(world)
    assert len(found) == 8
    assert {one.status for one in found.values()} == {UNKNOWN}
    assert f"account {ACCOUNT_ID}'s was not seen" in found["aws.bucket.region"].why


def test_each_look_at_the_bucket_that_was_made_names_its_owner(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world, "bucket", bucket_name(world.stack, ACCOUNT_ID, REGION))
    world.fit_bucket()
    owners: dict[str, str | None] = {}

    def seen(operation: str) -> Callable[[Request], None]:
        def rule(request: Request) -> None:
            owners[operation] = request.headers.get("x-amz-expected-bucket-owner")

        return rule

    for look in LOOKS:
        world.faults.answer(f"s3:{look}", seen(look))
    found = of_bucket(world)
    assert owners == dict.fromkeys(LOOKS, ACCOUNT_ID)
    assert found["aws.bucket.exists"].status is OK
    assert found["aws.bucket.exists"].caveat is None
    assert {one.status for one in found.values()} == {OK}


def test_an_existing_bucket_may_be_another_account_s_which_is_said(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled(world, monkeypatch, f"theirs-of-{world.stack}")
    exists = of_bucket(world)["aws.bucket.exists"]
    assert exists.status is OK
    assert "another account" in str(exists.caveat)
    assert STRANGER not in str(exists.caveat), "nothing says so"
    key = f"arn:aws:kms:{REGION}:{STRANGER}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    world.encrypt({"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key})
    exists = world.check(world.sagemaker(), "aws.bucket.exists")
    assert exists.status is OK
    assert f"it is in account {STRANGER}" in str(exists.caveat)


def test_a_role_of_another_account_is_said_and_not_made_here(world: World) -> None:
    world.fit_bucket()
    world.fit_role()  # its namesake in this account
    foreign = world.role.replace(ACCOUNT_ID, "999999999999")
    spec = world.sagemaker(execution_role=foreign)
    results = {r.id: r for r in world.verify(spec).results if r.id.startswith("aws.role.")}
    assert results["aws.role.exists"].status is FAIL
    assert "999999999999" in results["aws.role.exists"].why
    for name in ("aws.role.trust", ACCESS, "aws.role.repository_access", "aws.role.permissions"):
        assert results[name].status is UNKNOWN, name
    assert not any("create-role" in str(r.remedy) for r in results.values())


@pytest.mark.parametrize("status", [503, 500])
def test_a_cloud_that_answers_nothing_is_all_unknown(status: int, world: World) -> None:
    for operation in (
        *("sts:GetCallerIdentity", "s3:HeadBucket", "s3:GetBucketPolicy", "s3:GetBucketEncryption"),
        *("s3:GetPublicAccessBlock", "s3:GetBucketVersioning", "s3:GetBucketPolicyStatus"),
        *("ecr:DescribeRepositories", "iam:GetRole", "iam:SimulatePrincipalPolicy"),
        *("s3control:GetPublicAccessBlock", "ecr:GetRegistryScanningConfiguration"),
        "service-quotas:ListServiceQuotas",
    ):
        world.faults.fail(operation, "ServiceUnavailable", status=status)
    report = world.verify(world.sagemaker())
    assert {result.status for result in report.results} == {UNKNOWN}
    assert (report.failed, report.undecided) == (False, True)


def test_a_namesake_is_known_though_nobody_tells_who_looks(world: World) -> None:
    world.fit_role()
    world.faults.fail("sts:GetCallerIdentity", "ServiceUnavailable", status=503)
    foreign = world.role.replace(ACCOUNT_ID, "999999999999")
    spec = world.sagemaker(execution_role=foreign)
    assert world.check(spec, "aws.role.trust").status is UNKNOWN


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"nodegroup": {}},
        {"nodegroup": {"nodegroupName": "g"}},
        {"nodegroup": {"nodegroupName": "g", "status": "ACTIVE", "taints": "none"}},
        {"nodegroup": {"nodegroupName": "g", "status": "ACTIVE", "health": []}},
        {"nodegroup": {"nodegroupName": "g", "status": "SOMETHING_NEW"}},
        {"nodegroup": {"nodegroupName": "g", "status": "ACTIVE", "amiType": "WINDOWS_2030"}},
    ],
)
def test_an_answer_of_another_shape_is_never_ok(answer: dict[str, Any], world: World) -> None:
    world.fit_cluster()

    def other(body: dict[str, Any]) -> None:
        body.clear()
        body.update(answer)

    world.faults.change("eks:DescribeNodegroup", other)
    result = world.check(world.kubernetes(), "aws.cluster.compute")
    assert result.status in {UNKNOWN, FAIL}, result.why


@pytest.mark.parametrize("body", [b"", b"<a><b/></a>"])
@pytest.mark.parametrize(
    ("operation", "name"),
    [("BucketLifecycleConfiguration", "lifecycle"), ("BucketPolicy", "policy")],
)
def test_an_answer_without_anything_in_it_is_not_that_there_is_none(
    operation: str, name: str, body: bytes, world: World
) -> None:
    world.fit_bucket()
    world.faults.answer(f"s3:Get{operation}", Response(200, body, {"Content-Type": "text/xml"}))
    assert world.check(world.local(), f"aws.bucket.{name}").status is UNKNOWN


def test_a_group_on_the_last_page_counts(world: World) -> None:
    """Three pages of node groups, of which only the last one's can run pods."""
    world.fit_cluster(node_groups=3)
    names = sorted(world.client("eks").list_nodegroups(clusterName=world.cluster)["nodegroups"])
    pages = {None: ([names[0]], "2"), "2": ([names[1]], "3"), "3": ([names[2]], None)}

    def page(request: Any) -> Any:
        shown, more = pages[request.query.get("nextToken", [None])[0]]
        return json_response({"nodegroups": shown, **({"nextToken": more} if more else {})})

    world.faults.answer("eks:ListNodegroups", page)

    def taint(body: dict[str, Any]) -> None:
        if body["nodegroup"]["nodegroupName"] != names[2]:
            body["nodegroup"]["taints"] = [{"key": "x", "value": "y", "effect": "NO_EXECUTE"}]

    world.faults.change("eks:DescribeNodegroup", taint)
    result = world.check(world.kubernetes(), "aws.cluster.compute")
    assert (result.status, result.why) == (OK, f"node groups: {names[2]}")
    del pages["3"]
    pages["2"] = ([names[1]], None)
    assert world.check(world.kubernetes(), "aws.cluster.compute").status is FAIL
