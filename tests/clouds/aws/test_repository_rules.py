"""The judgements about the repository, on observations written by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from kitaru_iac.checks.model import Check, CheckStatus, Verdict, ok
from kitaru_iac.checks.probes import Denied, NotFound, Probe, Skipped, Unavailable
from kitaru_iac.clouds.aws.explain import checklist
from kitaru_iac.clouds.aws.observations import Analysis, BucketKey, Principal
from kitaru_iac.clouds.aws.probes import AwsProbes
from kitaru_iac.clouds.aws.resources import AwsResources
from kitaru_iac.clouds.aws.verify_registry import (
    create_repository,
    evaluate_mutability,
    evaluate_scanning,
    repository_checks,
)
from kitaru_iac.spec.kinds import StackType
from kitaru_iac.spec.uris import EcrUri
from tests.clouds.aws.nobody import Nobody

OK, WARN, FAIL, UNKNOWN = CheckStatus
ACCOUNT = "123456789012"
HOST = f"{ACCOUNT}.dkr.ecr.eu-central-1.amazonaws.com"
#: The registry is in another region than the stack: commands are about the registry's.
R = AwsResources(
    "prod",
    StackType.KUBERNETES,
    region="eu-west-1",
    account=ACCOUNT,
    registry=EcrUri(ACCOUNT, "eu-central-1", HOST),
    repository="team/images",
)
CREATE = (
    "aws ecr create-repository --repository-name team/images --image-scanning-configuration "
    """'{"scanOnPush":true}' --region eu-central-1"""
)
SCAN = (
    "aws ecr put-image-scanning-configuration --repository-name team/images "
    """--image-scanning-configuration '{"scanOnPush":true}' --region eu-central-1"""
)
MUTABLE = (
    "aws ecr put-image-tag-mutability --repository-name team/images "
    "--image-tag-mutability MUTABLE --region eu-central-1"
)


def checks_of(r: AwsResources) -> dict[str, Check]:
    probes = AwsProbes(Nobody(), r)
    return {check.info.id: check for check in repository_checks(checklist(probes, r), probes, r)}


def test_the_checks_are_about_the_repository_that_is_pushed_to() -> None:
    checks = checks_of(R)
    assert list(checks) == [
        "aws.repository.exists",
        "aws.repository.policy",
        "aws.repository.encryption",
        "aws.repository.scan_on_push",
        "aws.repository.tag_mutability",
        "aws.repository.lifecycle",
    ]
    assert {check.subject for check in checks.values()} == {f"{HOST}/team/images"}
    exists = checks["aws.repository.exists"].evaluate({"repositoryArn": "arn:x"})
    assert exists == ok("it exists: arn:x")
    assert checks["aws.repository.scan_on_push"].evaluate(({}, {})).remedy == SCAN
    locked = checks["aws.repository.tag_mutability"].evaluate({"imageTagMutability": "IMMUTABLE"})
    assert locked.remedy == MUTABLE


def test_the_registry_s_rules_are_asked_for_beside_the_repository() -> None:
    probes = AwsProbes(Nobody(), R)
    scanning = repository_checks(checklist(probes, R), probes, R)[3].probe
    assert scanning.requires == (probes.repository,)
    assert scanning.after == (probes.registry_scanning,)


@pytest.mark.parametrize("connector", [None, Probe("who", lambda: None)])
def test_each_check_waits_for_what_it_is_told(connector: Any) -> None:
    probes: Any = AwsProbes(Nobody(), R)
    made = repository_checks(checklist(probes, R), probes, R, connector)
    of = {check.info.id.removeprefix("aws.repository."): check.probe for check in made}
    assert of["exists"] is probes.push_target
    assert of["policy"].requires == (probes.repository_policy,)
    assert of["policy"].after == (connector or probes.principal, probes.repository_analysis)
    assert (of["encryption"].requires, of["encryption"].after) == (
        (probes.repository,),
        (probes.repository_key,),
    )
    assert of["tag_mutability"] is probes.repository
    assert of["lifecycle"] is probes.repository_lifecycle


SHOW_POLICY = (
    f"aws ecr get-repository-policy --registry-id {ACCOUNT} --repository-name team/images "
    "--region eu-central-1"
)
ME = Principal(f"arn:aws:iam::{ACCOUNT}:role/me", "role", "me")


def test_a_policy_is_judged_for_who_connects_and_beside_what_the_analyzer_says() -> None:
    judged = checks_of(R)["aws.repository.policy"].evaluate
    denial = {"Effect": "Deny", "Principal": "*", "Action": "ecr:PutImage"}
    answer = {"policyText": json.dumps({"Version": "2012-10-17", "Statement": [denial]})}
    denied = judged((answer, ME, Analysis(())))
    assert (denied.status, denied.remedy) == (FAIL, SHOW_POLICY)
    assert "denies the connector ecr:PutImage (statement 1)" in denied.why
    assert judged((answer, Skipped("hidden"), Analysis(()))).status is UNKNOWN
    other = {**denial, "Principal": {"AWS": "999999999999"}}
    answer = {"policyText": json.dumps({"Version": "2012-10-17", "Statement": [other]})}
    fine = judged((answer, ME, Analysis(())))
    assert fine.status is OK
    assert fine.why.endswith("IAM Access Analyzer finds no error in it")
    wrong = judged((answer, ME, Analysis(("bad",))))
    assert (wrong.status, wrong.remedy) == (UNKNOWN, SHOW_POLICY)
    assert judged(({}, ME, Analysis(()))).why.startswith("it has no policy")


def test_a_template_of_the_registry_makes_a_repository_later() -> None:
    found = checks_of(R)["aws.repository.exists"].evaluate({"template": {"prefix": "team"}})
    assert (found.status, found.remedy) == (WARN, CREATE)
    assert "the creation template team makes it at the first push" in found.why


OWN_KEY = BucketKey("arn:k:k:r:a:x/1", "k", "Enabled")


@pytest.mark.parametrize(
    ("repository", "key", "status", "why"),
    [
        ({}, BucketKey(), OK, "it encrypts with AES256"),
        ({"encryptionConfiguration": {"encryptionType": "KMS"}}, BucketKey(), OK, "with KMS"),
        ({"encryptionConfiguration": {}}, BucketKey(), OK, "it encrypts with AES256"),
        ({}, BucketKey(None, "alias/x"), FAIL, "there is no key alias/x"),
        ({}, replace(OWN_KEY, state="Disabled"), FAIL, "is Disabled"),
        ({}, replace(OWN_KEY, unfit="RSA_2048"), FAIL, "ECR takes symmetric"),
        ({}, replace(OWN_KEY, bucket_region="s"), FAIL, "is in r, not in s"),
        ({}, replace(OWN_KEY, bucket_region="r"), OK, "and the key arn:k"),
        # AWS's own, named by its ARN, has none that a policy could name.
        ({}, replace(OWN_KEY, arn=None, bucket_region="s"), OK, "AES256 and the key k"),
        ({}, Unavailable("503"), UNKNOWN, "its key could not be looked at: 503"),
    ],
)  # fmt: skip
def test_the_key_of_a_repository(repository: Any, key: Any, status: CheckStatus, why: str) -> None:
    found = checks_of(R)["aws.repository.encryption"].evaluate((repository, key))
    assert (found.status, why in found.why) == (status, True), found


@pytest.mark.parametrize(
    ("id", "status", "why"),
    [
        (
            "aws.repository.exists",
            FAIL,
            "the registry has no repository team/images, and no creation template makes one",
        ),
        ("aws.repository.policy", UNKNOWN, "not looked at: gone"),
        ("aws.repository.encryption", UNKNOWN, "not looked at: gone"),
        ("aws.repository.lifecycle", UNKNOWN, "not looked at: gone"),
        ("aws.repository.scan_on_push", UNKNOWN, "not looked at: gone"),
        ("aws.repository.tag_mutability", UNKNOWN, "not looked at: gone"),
    ],
)
def test_an_absent_repository_is_made_in_the_registry_s_region(
    id: str, status: CheckStatus, why: str
) -> None:
    on_error: Any = checks_of(R)[id].on_error
    assert on_error(NotFound("gone"), None) == Verdict(status, why, CREATE)


@pytest.mark.parametrize("error", [Denied("no", permission="x:Y"), Unavailable("silence")])
def test_a_repository_that_could_not_be_looked_at_is_not_absent(error: Any) -> None:
    on_error: Any = checks_of(R)["aws.repository.exists"].on_error
    assert on_error(error, None).status is UNKNOWN


def test_the_command_names_a_region_only_where_there_is_one() -> None:
    assert create_repository(R, "eu-central-1") == CREATE
    assert create_repository(R, None) == CREATE.removesuffix(" --region eu-central-1")


# --- scanning


ITSELF = {"imageScanningConfiguration": {"scanOnPush": True}}
NOT_ITSELF = {"imageScanningConfiguration": {"scanOnPush": False}}


def rule(frequency: str | None, *filters: str) -> dict[str, Any]:
    made: dict[str, Any] = {"repositoryFilters": [{"filter": f} for f in filters]}
    return made if frequency is None else {**made, "scanFrequency": frequency}


@pytest.mark.parametrize(
    "scanning",
    [{}, {"rules": [rule("MANUAL", "*")]}, Denied("no", permission="ecr:X")],
)
def test_a_repository_that_scans_by_itself_needs_no_rule(scanning: Any) -> None:
    assert evaluate_scanning((ITSELF, scanning), R) == ok("the repository scans on push")


@pytest.mark.parametrize("frequency", ["SCAN_ON_PUSH", "CONTINUOUS_SCAN"])
@pytest.mark.parametrize(
    "rules",
    [
        [("*",)],
        [("team/*",)],
        [("*/images",)],
        [("t*m/im*s",)],
        [("team/images*",)],
        # without a wildcard, a part of the name will do
        [("team/images",)],
        [("team",)],
        [("images",)],
        [("m/i",)],
        # one filter of many, one rule of many
        [("other", "images")],
        [("other",), ("images",)],
        [(), ("images",)],
    ],
)
def test_a_rule_of_the_registry_scans_what_its_filter_covers(
    frequency: str, rules: list[tuple[str, ...]]
) -> None:
    seen = {"rules": [rule(frequency, *filters) for filters in rules]}
    expected = ok(f"a rule of the registry scans it ({frequency})")
    assert evaluate_scanning((NOT_ITSELF, seen), R) == expected
    assert evaluate_scanning(({}, seen), R) == expected


@pytest.mark.parametrize(
    "seen",
    [
        {},
        {"rules": []},
        {"rules": [{"scanFrequency": "SCAN_ON_PUSH"}]},
        {"rules": [rule("SCAN_ON_PUSH")]},
        {"rules": [rule("MANUAL", "*")]},
        {"rules": [rule(None, "*")]},
        # with a wildcard, a filter is about the whole name
        {"rules": [rule("SCAN_ON_PUSH", "team*s/x", "images*", "*team", "eam/*")]},
        {"rules": [rule("SCAN_ON_PUSH", "TEAM", "team-images", "team/images/x")]},
        # the rule that covers it does not scan, and the one that scans does not cover it
        {"rules": [rule("MANUAL", "team"), rule("SCAN_ON_PUSH", "other")]},
    ],
)
def test_what_no_rule_covers_is_switched_on_by_itself(seen: dict[str, Any]) -> None:
    expected = Verdict(WARN, "nothing scans its images for vulnerabilities", SCAN)
    assert evaluate_scanning((NOT_ITSELF, seen), R) == expected
    assert evaluate_scanning(({}, seen), R) == expected


def test_the_rule_that_scans_is_the_one_that_is_named() -> None:
    seen = {"rules": [rule("MANUAL", "*"), rule("CONTINUOUS_SCAN", "*"), rule("SCAN_ON_PUSH", "*")]}
    found = evaluate_scanning((NOT_ITSELF, seen), R)
    assert found == ok("a rule of the registry scans it (CONTINUOUS_SCAN)")


@pytest.mark.parametrize(
    ("error", "permission"),
    [(Denied("not you", permission="ecr:X"), "ecr:X"), (Unavailable("not you"), None)],
)
def test_rules_that_could_not_be_looked_at_might_cover_it(
    error: Any, permission: str | None
) -> None:
    assert evaluate_scanning((NOT_ITSELF, error), R) == Verdict(
        UNKNOWN,
        "the repository itself does not scan on push, and the registry's rules could not be "
        "looked at: not you",
        SCAN,
        permission,
    )


# --- tags


@pytest.mark.parametrize("repository", [{}, {"imageTagMutability": "MUTABLE"}])
def test_tags_that_may_change_can_be_pushed_again(repository: dict[str, str]) -> None:
    assert evaluate_mutability(repository, R) == ok("tags can be pushed again")


@pytest.mark.parametrize("mode", ["IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION"])
def test_tags_that_may_not_change_are_made_to(mode: str) -> None:
    assert evaluate_mutability({"imageTagMutability": mode}, R) == Verdict(
        WARN, f"its tags are {mode}: pushing a pipeline's image again may be refused", MUTABLE
    )


def test_without_a_registry_the_region_is_the_stack_s() -> None:
    assert replace(R, registry=None).registry_region == "eu-west-1"
    assert R.registry_region == "eu-central-1"
