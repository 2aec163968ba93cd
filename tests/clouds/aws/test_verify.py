"""Whole runs: many looks at once, some of which go wrong."""

from __future__ import annotations

import gc
import os
import socket
import threading
import time
from typing import Any
from urllib.parse import urlsplit

import pytest

from kitaru_iac.checks.model import CheckReport, CheckStatus
from kitaru_iac.checks.probes import Unavailable
from kitaru_iac.clouds.aws.provision.account import Account
from kitaru_iac.clouds.aws.provision.ownership import BUCKET, CLUSTER, REPOSITORY
from kitaru_iac.clouds.aws.session import AwsAccess
from kitaru_iac.clouds.provider import marks
from kitaru_iac.errors import KitaruError
from kitaru_iac.infrastructure.verify import verify
from kitaru_iac.spec import from_mapping
from kitaru_iac.spec.model import BaseSpec
from tests.clouds.aws.world import World, account_blocks_public_access
from tests.doubles.aws import REGION
from tests.doubles.web import Request, Response

OK, WARN, FAIL, UNKNOWN = CheckStatus


def _statuses(report: CheckReport) -> dict[str, CheckStatus]:
    return {result.id: result.status for result in report.results}


@pytest.fixture
def sagemaker(world: World) -> BaseSpec:
    world.fit_bucket()
    world.fit_repository()
    world.fit_role()
    return world.sagemaker()


@pytest.fixture
def kubernetes(world: World) -> BaseSpec:
    world.fit_bucket()
    world.fit_repository()
    world.fit_cluster()
    return world.kubernetes()


def test_a_fit_sagemaker_stack_is_all_ok(sagemaker: BaseSpec) -> None:
    report = verify(sagemaker, timeout=60)
    assert [r for r in report.results if r.status is not OK] == []
    assert len(report.results) == 24


def test_a_fit_kubernetes_stack_is_all_ok(kubernetes: BaseSpec) -> None:
    report = verify(kubernetes, timeout=60)
    assert [r for r in report.results if r.status is not OK] == []
    assert len(report.results) == 31


def test_a_local_stack_with_a_bucket_is_checked_as_far_as_it_goes(world: World) -> None:
    world.fit_bucket()
    report = verify(world.local(), timeout=60)
    assert [r for r in report.results if r.status is not OK] == []
    assert {r.id.split(".")[1] for r in report.results} == {"credentials", "bucket", "connector"}


def test_a_hanging_answer_holds_up_no_other(world: World, sagemaker: BaseSpec) -> None:
    go_on = threading.Event()

    def hang(_: Request) -> Response | None:
        go_on.wait(120)
        return None

    verify(sagemaker, timeout=60)  # imports and first answers are slow; not what is looked at
    world.faults.answer("s3:GetBucketVersioning", hang)
    report = verify(sagemaker, timeout=10)
    go_on.set()
    found = _statuses(report)
    assert found.pop("aws.bucket.versioning") is UNKNOWN
    assert set(found.values()) == {OK}
    hung = next(r for r in report.results if r.id == "aws.bucket.versioning")
    assert "no answer within 10 s" in hung.why or "no usable answer" in hung.why


@pytest.mark.parametrize(
    ("operation", "type_", "inputs", "status"),
    [
        ("eks:DescribeCluster", CLUSTER, {"name": "made"}, 200),
        ("ecr:DescribeRepositories", REPOSITORY, {"name": "made"}, 200),
        ("logs:DescribeLogGroups", "aws:cloudwatch/logGroup:LogGroup", {"name": "made"}, 200),
        ("tagging:GetResources", None, {}, 200),
        ("s3:HeadBucket", BUCKET, {"bucket": "made"}, 200),
        ("s3:HeadBucket", BUCKET, {"bucket": "made"}, 403),
        ("s3:HeadBucket", BUCKET, {"bucket": "made"}, 404),
    ],
)
def test_a_page_of_a_portal_is_no_answer(
    world: World, operation: str, type_: str | None, inputs: dict[str, str], status: int
) -> None:
    """botocore makes an empty answer of it: nothing would be there, or a key would be missing."""
    account, own = Account.open(None, REGION), marks("kitaru", "prod")
    page = Response(status, b"<html>Sign in to this network</html>")
    for rule in (world.faults.intercept, world.faults.answer):
        rule(operation, page)
        if type_ is None:
            unseen = account.marked(own).unseen
            assert any("no answer of AWS's" in why for why in unseen), unseen
            continue
        with pytest.raises(KitaruError, match="cannot be told") as told:
            account.sight(type_, inputs, own)
        assert "no answer of AWS's" in str(told.value.why)
        if type_ == BUCKET:  # of AWS's own HEAD nothing but the status is there
            return


def test_looks_are_under_way_together(world: World, sagemaker: BaseSpec) -> None:
    """Six answers that all wait until six questions are there: one after another would hang."""
    barrier = threading.Barrier(6, timeout=60)

    def meet(_: Request) -> None:
        barrier.wait()

    for operation in (
        *("s3:GetBucketAcl", "s3:GetBucketVersioning", "s3:GetBucketEncryption"),
        *("s3:GetBucketPolicy", "ecr:DescribeRepositories", "ecr:GetRepositoryPolicy"),
    ):
        world.faults.answer(operation, meet)
    report = verify(sagemaker, timeout=60)
    assert report.worst is OK
    assert barrier.broken is False


def test_every_look_is_asked_once(world: World, sagemaker: BaseSpec) -> None:
    verify(sagemaker, timeout=60)
    calls = [call for call in world.faults.calls if call != "iam:SimulatePrincipalPolicy"]
    calls.remove("s3:HeadBucket")  # once as anybody, and once as the bucket's owner
    calls.remove("accessanalyzer:ValidatePolicy")  # the bucket's policy, and the role's trust
    assert sorted(calls) == sorted(set(calls))


def test_no_connection_stays_open_when_the_checks_are_done(
    world: World, sagemaker: BaseSpec
) -> None:
    """A server that checks stacks for weeks would run out of them, or wait for the collector."""
    port = urlsplit(world.faults.url).port

    def open_ones() -> int:
        sockets = [one for one in gc.get_objects() if isinstance(one, socket.socket)]
        connected = [one for one in sockets if one.fileno() >= 0 and one.family == socket.AF_INET]
        return sum(_peer(one) == port for one in connected)

    def left_open() -> int:
        gc.collect()
        before = open_ones()
        gc.disable()
        try:
            assert verify(sagemaker, timeout=60).worst is OK
            ends = time.monotonic() + 10  # a thread that has asked may be about to end
            while (left := open_ones() - before) and time.monotonic() < ends:
                time.sleep(0.05)
            return left
        finally:
            gc.enable()

    # What an earlier test has left asking may open some meanwhile; what is not closed shows always.
    assert 0 in (left_open() for _ in range(3))


def test_what_still_asks_when_the_checks_are_done_opens_nothing(world: World) -> None:
    port, access = urlsplit(world.faults.url).port, AwsAccess(None, REGION)
    access.open()

    def clusters() -> Any:
        return access.ask("eks", "list_clusters", about="the clusters")

    def roles() -> list[Any]:
        return access.ask_all("iam", "list_roles", "Roles", about="the roles")

    def open_ones() -> int:
        pools = [one for one in gc.get_objects() if isinstance(one, socket.socket)]
        return sum(_peer(one) == port for one in pools if one.fileno() >= 0)

    assert "clusters" in clusters()
    gc.collect()
    access.close()
    before, asked = open_ones(), len(world.faults.calls)
    for ask in (clusters, roles):
        with pytest.raises(Unavailable, match="the checks have ended"):
            ask()
    assert len(world.faults.calls) == asked
    assert open_ones() <= before
    access.open()
    assert "clusters" in clusters()


def _peer(connected: socket.socket) -> int | None:
    try:
        port: int = connected.getpeername()[1]
    except OSError:  # it listens
        return None
    return port


def test_one_denial_hides_no_other_result(world: World, kubernetes: BaseSpec) -> None:
    world.faults.deny("eks:DescribeCluster")
    found = _statuses(verify(kubernetes, timeout=60))
    cluster = {status for check, status in found.items() if check.startswith("aws.cluster")}
    others = {status for check, status in found.items() if not check.startswith("aws.cluster")}
    assert (cluster, others) == ({UNKNOWN}, {OK})


def test_without_credentials_one_check_fails_and_the_rest_says_so(
    world: World, sagemaker: BaseSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in list(os.environ):
        if name.startswith("AWS_") and "KEY" in name:
            monkeypatch.delenv(name)
    report = verify(sagemaker, timeout=60)
    found = _statuses(report)
    assert found.pop("aws.credentials") is FAIL
    assert set(found.values()) == {UNKNOWN}
    assert all("aws.credentials" in r.why for r in report.results[1:])
    assert world.faults.calls == []


def test_expired_credentials_are_told_from_denied_ones(world: World, sagemaker: BaseSpec) -> None:
    """S3's HEAD has no body: it says 403 to whoever is expired, too."""
    world.faults.fail("sts:GetCallerIdentity", "ExpiredToken", "expired")
    world.faults.deny("s3:HeadBucket")
    for operation in ("iam:GetRole", "iam:SimulatePrincipalPolicy"):
        world.faults.fail(operation, "ExpiredToken", "expired")
    results = {r.id: r for r in verify(sagemaker, timeout=60).results}
    assert results["aws.credentials"].status is FAIL
    for check in ("aws.bucket.exists", "aws.role.exists", "aws.role.pass"):
        assert results[check].status is UNKNOWN
        assert "aws.credentials" in results[check].why
        assert results[check].missing_permission is None


def test_an_absent_bucket_is_one_failure(world: World) -> None:
    report = verify(world.local(), timeout=60)
    assert report.count(FAIL) == 1
    about = [r for r in report.results if r.id.startswith("aws.bucket.")]
    assert {r.remedy for r in about} == {about[0].remedy}


def test_the_accounts_own_block_counts(world: World) -> None:
    world.make_bucket()
    with account_blocks_public_access(world):
        result = world.check(world.local(), "aws.bucket.public_access")
    assert result.status is OK
    assert "its account" in result.why


def test_a_denial_from_above_is_not_to_be_granted_away(world: World) -> None:
    world.fit_repository()
    world.faults.deny(
        "ecr:DescribeRepositories",
        message="User: x is not authorized to perform: ecr:DescribeRepositories "
        "with an explicit deny in a service control policy",
    )
    result = world.check(world.kubernetes(), "aws.repository.exists")
    assert result.status is UNKNOWN
    assert "ask whoever keeps it" in (result.remedy or "")


def test_keys_of_the_description_are_used_and_not_shown(world: World) -> None:
    world.log_in_as(None)
    report = verify(world.kubernetes(), timeout=60)
    secret = str(world.credentials).rsplit(":", 1)[1]
    assert f"user/user-of-{world.stack}" in report.results[0].why
    assert secret not in str(report.to_dict())


def test_a_role_is_assumed(world: World) -> None:
    name = f"connector-{world.stack}"
    arn = world.aws.role(name, {"Version": "2012-10-17", "Statement": []})
    world.credentials = f"aws-role:{arn}"
    result = world.check(world.kubernetes(), "aws.credentials")
    assert result.status is OK
    assert f"assumed-role/{name}/kitaru-verify" in result.why


def test_an_assumed_role_is_simulated_as_the_role_with_its_path(world: World) -> None:
    name = f"deep-{world.stack}"
    world.client("iam").create_role(RoleName=name, Path="/team/a/", AssumeRolePolicyDocument="{}")
    world.credentials = f"aws-role:arn:aws:iam::123456789012:role/team/a/{name}"
    world.check(world.sagemaker(), "aws.role.pass")
    assert {asked[0] for asked in world.simulator.asked} == {
        f"arn:aws:iam::123456789012:role/team/a/{name}"
    }


def test_a_connectors_identity_can_be_told(world: World) -> None:
    arn = world.aws.role(f"theirs-{world.stack}", "ec2.amazonaws.com")
    spec = world.sagemaker(connector="theirs")
    result = world.check(spec, "aws.connector.permissions", identity=arn)
    assert (result.status, result.subject) == (FAIL, arn)


def test_actions_that_iam_does_not_simulate_together_are_asked_apart(world: World) -> None:
    world.simulator.apart.add(frozenset({"s3:GetObject", "s3:DeleteObject"}))
    world.fit_bucket()
    world.fit_role()
    result = world.check(world.sagemaker(), "aws.role.bucket_access")
    assert result.status is OK, result.why
    assert any(asked[1] == ("s3:GetObject",) for asked in world.simulator.asked)


def test_a_simulation_is_read_to_its_last_page(world: World) -> None:
    world.simulator.page = 1
    world.fit_bucket()
    world.fit_role()
    assert world.check(world.sagemaker(), "aws.role.bucket_access").status is OK
    world.simulator.overrides["s3:AbortMultipartUpload"] = {"decision": "implicitDeny"}
    assert world.check(world.sagemaker(), "aws.role.bucket_access").status is FAIL


def test_what_an_existing_policy_says_stays_in_the_remedy(world: World) -> None:
    world.make_bucket()
    theirs = {
        "Sid": "Theirs",
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{world.bucket}/*",
    }
    world.bucket_policy(theirs)
    result = world.check(world.local(), "aws.bucket.tls_only")
    assert '"Sid":"Theirs"' in (result.remedy or "")


def test_a_bucket_in_another_region_is_looked_at_there(world: World) -> None:
    world.make_bucket("us-west-2")
    report = verify(world.local(), timeout=60)
    found = _statuses(report)
    assert found["aws.bucket.exists"] is OK
    assert found["aws.bucket.region"] is WARN


def test_from_nothing_to_fit_by_the_remedies_alone(world: World) -> None:
    """Follow what the report says until it says nothing more."""
    from tests.clouds.aws import cli

    spec = from_mapping(
        {
            "name": world.stack,
            "type": "sagemaker",
            "artifact_store": f"s3://{world.bucket}",
            "container_registry": f"{world.aws.registry_host()}/{world.repository}",
            "region": world.aws.region,
            "execution_role": world.role,
        }
    )
    rounds = 0
    while (report := verify(spec, timeout=60)).worst is not OK:
        rounds += 1
        assert rounds <= 4, [r for r in report.results if r.status is not OK]
        for remedy in dict.fromkeys(r.remedy for r in report.results if r.status is not OK):
            cli.run(str(remedy), world.aws)
    assert rounds > 1
