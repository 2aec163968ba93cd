"""One table feeds the policies, the checks and the provisioning: all three are compared."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

import pulumi
import pytest
from pulumi_aws import s3

from kitaru_iac.checks.permissions import Identity
from kitaru_iac.clouds.aws.permissions import permissions_for, policy, trust_policy
from kitaru_iac.clouds.aws.provision.layout import layout
from kitaru_iac.clouds.aws.provision.used import used
from kitaru_iac.clouds.aws.resources import aws_resources, existing
from kitaru_iac.clouds.aws.simulate import questions
from kitaru_iac.clouds.outputs import filled
from kitaru_iac.spec import from_mapping
from kitaru_iac.spec.model import StackSpec
from tests.clouds.aws.programs import ACCOUNT, made_of, one

REGIONS = {"eu-west-1": "aws", "us-gov-west-1": "aws-us-gov"}


def descriptions() -> Iterator[StackSpec]:
    """Types × stores × registries × default repositories, made and existing."""
    for kind, region, store, path, wanted, made in itertools.product(
        ("sagemaker", "kubernetes", "local"),
        REGIONS,
        (None, "s3://team-data", "s3://team-data/kitaru/prod"),
        (None, "", "/team/images"),
        (None, "agents", "team/images"),
        ("create", "existing"),
    ):
        if kind == "local" and (path is not None or wanted or store is None):
            continue
        if path == "/team/images" and wanted == "agents":
            continue  # refused: two repositories
        host = f"{ACCOUNT}.dkr.ecr.{region}.amazonaws.com"
        given: dict[str, Any] = {"name": "prod", "type": kind, "region": region}
        given |= {"infra": "provision", "resources": {}}
        if store:
            given |= {"artifact_store": store}
            given["resources"]["bucket"] = made
        if path is not None:
            given["container_registry"] = host + path
            given["resources"]["registry"] = made
        if wanted:
            given["extra"] = {"container_registry": {"default_repository": wanted}}
        if kind == "kubernetes":
            given["cluster"] = "prod"
        yield from_mapping(given)


def label(spec: StackSpec) -> str:
    parts = (spec.type, spec.region, spec.artifact_store, spec.container_registry)
    repository = spec.extra.container_registry.get("default_repository")
    return ",".join(map(str, (*parts, repository, *spec.resources.values())))


EVERY = list(descriptions())


def complete(spec: StackSpec) -> StackSpec:
    """The description as it is registered, with what is to be made filled in."""
    planned = layout(spec, ACCOUNT, str(spec.region))
    outputs = {
        "artifact_store": planned.artifact_store,
        "container_registry": planned.container_registry,
        "cluster": planned.cluster,
        "execution_role": planned.execution_role,
    }
    return filled(spec, outputs)


@pytest.mark.parametrize("spec", EVERY, ids=label)
def test_provisioning_speaks_of_the_resources_of_the_description(spec: StackSpec) -> None:
    planned = layout(spec, ACCOUNT, str(spec.region))
    uses, named = used(planned.args()), aws_resources(complete(spec))
    assert uses.repository == named.repository
    for identity in (Identity.RUNTIME, Identity.PULL):
        assert permissions_for(uses, identity) == permissions_for(named, identity)
    if planned.new_repository:
        assert planned.new_repository == named.repository


@pytest.mark.parametrize("spec", EVERY, ids=label)
def test_the_checks_ask_for_what_is_granted(spec: StackSpec) -> None:
    described = complete(spec).having(resources={})
    resources = existing(described)
    for identity in Identity:
        granted = grants(policy(described, identity))
        asked = questions(permissions_for(resources, identity), resources)
        pairs = {(action, q.resource) for q in asked for action in q.actions}
        assert {action for action, _ in pairs} == {action for action, _ in granted}
        for action, thing in pairs:
            assert any(action == a and matches(thing, arn) for a, arn in granted), (action, thing)


@pytest.mark.parametrize(
    "spec", [spec for spec in EVERY if spec.type == "sagemaker"][::3], ids=label
)
def test_the_role_that_is_made_has_the_policy_that_is_printed(spec: StackSpec) -> None:
    made = made_of(spec)
    described = complete(spec)
    assert json.loads(one(made, "iam/rolePolicy:RolePolicy")["policy"]) == policy(
        described, Identity.RUNTIME
    )
    role = one(made, "iam/role:Role")
    assert json.loads(role["assumeRolePolicy"]) == trust_policy(described)
    repositories = [each.inputs["name"] for each in made if each.type.endswith(":Repository")]
    if repositories:
        assert repositories == [aws_resources(described).repository]
    pulled = [arn for act, arn in grants(policy(described, Identity.RUNTIME))
              if act == "ecr:BatchGetImage"]  # fmt: skip
    assert len(pulled) == 1
    assert f":{REGIONS[str(spec.region)]}:ecr:" in f":{pulled[0].removeprefix('arn:')}"


@pytest.mark.parametrize("mode", ["create", "existing"])
def test_a_registry_without_a_path_is_pulled_from_its_default_repository(mode: str) -> None:
    spec = from_mapping(
        {
            "name": "prod", "type": "sagemaker", "region": "eu-west-1", "infra": "provision",
            "container_registry": f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com",
            "resources": {"registry": mode},
            "extra": {"container_registry": {"default_repository": "agents"}},
        }
    )  # fmt: skip
    made = made_of(spec)
    document = json.loads(one(made, "iam/rolePolicy:RolePolicy")["policy"])
    images = f"arn:aws:ecr:eu-west-1:{ACCOUNT}:repository/agents"
    assert ("ecr:BatchGetImage", images) in grants(document)
    repositories = [each.inputs["name"] for each in made if each.type.endswith(":Repository")]
    assert repositories == (["agents"] if mode == "create" else [])


def grants(document: Mapping[str, Any]) -> set[tuple[str, str]]:
    found = set()
    for statement in document["Statement"]:
        things = statement["Resource"]
        for thing in [things] if isinstance(things, str) else things:
            found |= {(action, thing) for action in statement["Action"]}
    return found


def matches(thing: str, arn: str) -> bool:
    return fnmatchcase(thing, arn)


def test_no_image_goes_from_the_repository_unasked() -> None:
    """A schedule may run a digest that lost its tag long ago: ECR counts from the push."""
    made = made_of(EVERY[0])
    assert any(each.type.endswith(":Repository") for each in made)
    assert not any(each.type.endswith(":LifecyclePolicy") for each in made)


KEY = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/boundary"


def with_options(kind: str = "sagemaker", **options: Any) -> StackSpec:
    given: dict[str, Any] = {"name": "prod", "type": kind, "region": "eu-west-1"}
    given |= {"infra": "provision", "infrastructure": options}
    return from_mapping(given)


@pytest.mark.parametrize("store", [None, "s3://team-data/kitaru"])
def test_a_key_is_granted_in_all_three(store: str | None) -> None:
    spec = with_options(kms_key=KEY).having()
    if store:
        spec = from_mapping(
            {
                "name": "prod", "type": "sagemaker", "region": "eu-west-1", "infra": "provision",
                "artifact_store": store, "infrastructure": {"kms_key": KEY},
            }
        )  # fmt: skip
    made, described = made_of(spec), complete(spec)
    document = json.loads(one(made, "iam/rolePolicy:RolePolicy")["policy"])
    assert document == policy(described, Identity.RUNTIME)
    assert {("kms:Decrypt", KEY), ("kms:GenerateDataKey", KEY)} <= grants(document)
    asked = questions(
        permissions_for(aws_resources(described), Identity.RUNTIME), aws_resources(described)
    )
    assert KEY in {question.resource for question in asked}
    if store is None:
        encryption = one(
            made,
            "s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        )
        rule = encryption["rules"][0]
        assert rule["applyServerSideEncryptionByDefault"] == {
            "sseAlgorithm": "aws:kms",
            "kmsMasterKeyId": KEY,
        }
        assert rule["bucketKeyEnabled"] is True


def test_a_key_that_was_looked_up_is_granted_too() -> None:
    spec = from_mapping(
        {
            "name": "prod", "type": "sagemaker", "region": "eu-west-1", "infra": "provision",
            "artifact_store": "s3://team-data/kitaru",
        }
    )  # fmt: skip
    planned = replace(layout(spec, ACCOUNT, "eu-west-1"), kms_key=KEY)
    document = json.loads(one(made_of(planned.args()), "iam/rolePolicy:RolePolicy")["policy"])
    assert ("kms:Decrypt", KEY) in grants(document)


def test_options_reach_what_they_are_about() -> None:
    made = made_of(
        with_options(
            keep_images=300,
            keep_versions=90,
            permissions_boundary=BOUNDARY,
            tags={"team": "ml"},
        )
    )
    lifecycle = json.loads(one(made, "ecr/lifecyclePolicy:LifecyclePolicy")["policy"])
    selection = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 300}
    assert [rule["selection"] for rule in lifecycle["rules"]] == [selection]
    bucket = one(made, "s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration")
    expiries = [rule.get("noncurrentVersionExpiration") for rule in bucket["rules"]]
    assert expiries == [None, {"noncurrentDays": 90}]
    assert one(made, "iam/role:Role")["permissionsBoundary"] == BOUNDARY
    tagged = [each.inputs["tags"] for each in made if "tags" in each.inputs]
    assert len(tagged) == 3
    assert all(tags["team"] == "ml" and tags["managed-by"] == "kitaru-iac" for tags in tagged)


@pytest.mark.parametrize("kept", [None, True, False])
def test_a_description_says_whether_its_data_is_protected(
    kept: bool | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[tuple[bool | None, bool | None]] = []
    real = s3.Bucket

    def noted(name: str, *, opts: pulumi.ResourceOptions, **given: Any) -> object:
        made.append((opts.protect, opts.retain_on_delete))
        return real(name, opts=opts, **given)

    monkeypatch.setattr(s3, "Bucket", noted)
    made_of(with_options(**({} if kept is None else {"keep_data": kept})))
    assert made == [(kept is not False,) * 2]
