from __future__ import annotations

import json
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import boto3
import pytest

from kitaru_iac.checks.model import run_checks
from kitaru_iac.checks.permissions import Identity, Permission
from kitaru_iac.clouds.aws.documents import DocumentKind, document_problems
from kitaru_iac.clouds.aws.failures import iam_action
from kitaru_iac.clouds.aws.permission_table import PERMISSIONS, Resource
from kitaru_iac.clouds.aws.permissions import (
    connector_trust,
    permissions_for,
    policies,
    policy,
    statements,
    trust_policy,
    trusts,
)
from kitaru_iac.clouds.aws.resources import aws_resources, existing
from kitaru_iac.clouds.aws.verify import checks_for
from kitaru_iac.spec import from_mapping
from kitaru_iac.spec.model import BaseSpec
from tests.clouds.aws.world import World

ACCOUNT = "123456789012"
COMMON = {
    "name": "prod",
    "artifact_store": "s3://my-bucket/kitaru",
    "region": "eu-west-1",
}
REGISTRY = {"container_registry": f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com"}
ROLE = f"arn:aws:iam::{ACCOUNT}:role/Exec"
SPECS = {
    "sagemaker": from_mapping(COMMON | REGISTRY | {"type": "sagemaker", "execution_role": ROLE}),
    "scheduled": from_mapping(
        COMMON
        | REGISTRY
        | {
            "type": "sagemaker",
            "execution_role": ROLE,
            "extra": {"orchestrator": {"scheduler_role": f"arn:aws:iam::{ACCOUNT}:role/Scheduler"}},
        }
    ),
    "kubernetes": from_mapping(COMMON | REGISTRY | {"type": "kubernetes", "cluster": "prod"}),
    "local": from_mapping(COMMON | {"type": "local"}),
}
KEY = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1"


def _grants(document: dict[str, Any]) -> set[tuple[str, str]]:
    found = set()
    for statement in document["Statement"]:
        resource = statement["Resource"]
        for thing in [resource] if isinstance(resource, str) else resource:
            found |= {(action, thing) for action in statement["Action"]}
    return found


@pytest.mark.parametrize("name", SPECS)
@pytest.mark.parametrize("identity", Identity)
@pytest.mark.parametrize("key", [None, KEY])
def test_documents_are_valid_and_fit_into_an_inline_policy(
    name: str, identity: Identity, key: str | None
) -> None:
    document = policy(SPECS[name], identity, key)
    if document["Statement"]:
        assert document_problems(document, DocumentKind.INLINE) == []
        assert document_problems(document, DocumentKind.MANAGED) == []


@pytest.mark.parametrize("name", ["sagemaker", "kubernetes"])
def test_trust_policies_are_valid(name: str) -> None:
    made = [*trusts(SPECS[name]).values(), connector_trust(ROLE, "an-id")]
    assert [document_problems(document, DocumentKind.TRUST) for document in made] == [
        [] for _ in made
    ]


@pytest.mark.parametrize("name", SPECS)
def test_what_is_granted_is_the_table_and_nothing_else(name: str) -> None:
    spec = SPECS[name]
    resources = aws_resources(spec)
    for identity in Identity:
        rows = permissions_for(resources, identity, KEY)
        granted = {action for action, _ in _grants(policy(spec, identity, KEY))}
        assert granted == {row.action for row in rows}
        assert all(row.used_by for row in rows)


@pytest.mark.parametrize("name", SPECS)
@pytest.mark.parametrize("identity", [Identity.CONNECTOR, Identity.RUNTIME, Identity.PULL])
def test_nothing_is_granted_on_other_peoples_things(name: str, identity: Identity) -> None:
    """Whatever is granted names this stack's bucket, account and role, or cannot be narrowed."""
    for action, thing in _grants(policy(SPECS[name], identity, KEY)):
        assert "*" not in action
        if thing == "*":
            # AWS offers no resource for these two.
            assert action in {"ecr:GetAuthorizationToken", "cloudwatch:PutMetricData"}
        elif action.startswith("s3:"):
            # Beside the prefix only what SageMaker puts at the top of the bucket.
            assert thing == "arn:aws:s3:::my-bucket" or (
                thing.startswith("arn:aws:s3:::my-bucket/kitaru/") or _of_sagemaker(action, thing)
            )
        else:
            assert f":{ACCOUNT}:" in thing
    passes = [row for row in policy(SPECS[name], identity)["Statement"]
              if "iam:PassRole" in row["Action"]]  # fmt: skip
    for statement in passes:
        assert statement["Resource"].endswith(("role/Exec", "role/Scheduler"))
        assert statement["Condition"]["StringEquals"]["iam:PassedToService"] in {
            "sagemaker.amazonaws.com",
            "scheduler.amazonaws.com",
        }


def _of_sagemaker(action: str, thing: str) -> bool:
    puts = {"s3:PutObject", "s3:AbortMultipartUpload"}
    if thing == "arn:aws:s3:::my-bucket/*":
        return action in {"s3:PutObject", "s3:GetObject"}
    return thing.startswith("arn:aws:s3:::my-bucket/*/") and action in puts


def test_the_orchestrator_alone_may_pass_its_role() -> None:
    """ZenML's own Terraform module forgets it without a step operator."""
    granted = _grants(policy(SPECS["sagemaker"], Identity.CONNECTOR))
    assert ("iam:PassRole", ROLE) in granted
    assert ("iam:PassRole", ROLE) in _grants(policy(SPECS["sagemaker"], Identity.RUNTIME))


def test_object_actions_are_on_objects_and_bucket_actions_on_the_bucket() -> None:
    for action, thing in _grants(policy(SPECS["kubernetes"], Identity.CONNECTOR)):
        if action.startswith("s3:"):
            assert thing.endswith("/*") == ("Object" in action or "Multipart" in action), action


def test_the_repository_is_the_one_that_zenml_pushes_to() -> None:
    def repository(**more: Any) -> str | None:
        given = COMMON | REGISTRY | {"type": "kubernetes", "cluster": "c"} | more
        return aws_resources(from_mapping(given)).repository

    host = REGISTRY["container_registry"]
    assert repository() == "zenml"
    assert repository(container_registry=f"{host}/team/images") == "team/images"
    extra = {"container_registry": {"default_repository": "agents"}}
    assert repository(extra=extra) == "agents"


def test_schedules_and_keys_are_granted_only_where_they_are_used() -> None:
    plain = _grants(policy(SPECS["sagemaker"], Identity.CONNECTOR))
    scheduled = _grants(policy(SPECS["scheduled"], Identity.CONNECTOR))
    keyed = _grants(policy(SPECS["sagemaker"], Identity.CONNECTOR, KEY))
    assert {action.split(":")[0] for action, _ in scheduled - plain} == {"scheduler", "iam"}
    assert keyed - plain == {("kms:Decrypt", KEY), ("kms:GenerateDataKey", KEY)}


#: What boto3 calls a service, where that is not the prefix of its actions alone.
_OTHERWISE_NAMED = {
    "s3": ["s3", "s3control"],
    "access-analyzer": ["accessanalyzer"],
    "servicequotas": ["service-quotas"],
}


def test_actions_are_of_services_that_exist() -> None:
    services = set(boto3.session.Session().get_available_services())
    for row in PERMISSIONS:
        service = row.action.split(":")[0]
        assert _OTHERWISE_NAMED.get(service, [service])[0] in services


@pytest.mark.parametrize("row", PERMISSIONS, ids=lambda row: f"{row.identity}-{row.action}")
def test_actions_are_operations_or_known_to_be_named_otherwise(row: Permission) -> None:
    service = row.action.split(":")[0]
    names = _OTHERWISE_NAMED.get(service, [service])
    session = boto3.session.Session()
    operations = {
        iam_action(name, operation) for name in names for operation in _operations(session, name)
    }
    otherwise = {  # https://docs.aws.amazon.com/service-authorization/latest/reference/
        "s3:ListBucketVersions",
        "s3:DeleteObjectVersion",
        "iam:PassRole",
    }
    assert row.action in operations | otherwise


_cache: dict[str, list[str]] = {}


def _operations(session: Any, service: str) -> list[str]:
    if service not in _cache:
        model = session._session.get_service_model(service)
        _cache[service] = list(model.operation_names)
    return _cache[service]


def test_every_line_of_the_table_applies_to_some_stack() -> None:
    # By the objects themselves: they hold mappings, which have no hash.
    everything = {
        id(row)
        for spec in SPECS.values()
        for identity in Identity
        for row in permissions_for(aws_resources(spec), identity, KEY)
    }
    assert {id(row) for row in PERMISSIONS} == everything


def test_no_two_lines_are_the_same() -> None:
    keys = [(r.identity, r.action, r.resource, r.types, r.when) for r in PERMISSIONS]
    assert len(keys) == len(set(keys))


# --- the permissions of whoever runs the checks


#: A grant that hangs on a key which no simulation can be given.
KEYED = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "*",
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:SourceVpce": "vpce-1"}},
        }
    ],
}


def _asked(world: World, spec: BaseSpec) -> set[str]:
    world.faults.calls.clear()
    run_checks(checks_for(spec, timeout=60), 60)
    return {
        iam_action(*call.split(":"))
        for call in world.faults.calls
        if not call.startswith("sts:")  # these need no permission
    }


def test_the_checks_ask_exactly_what_the_table_says_they_need(world: World) -> None:
    """All situations together use all of the table, and nothing outside it."""
    world.fit_bucket()
    world.fit_repository()
    world.fit_role()
    asked = _asked(world, world.sagemaker())
    world.fit_cluster()
    world.pods_become({"Version": "2012-10-17", "Statement": []})
    world.pods_have_by_token("system:serviceaccount:default:default")
    asked |= _asked(world, world.kubernetes())
    world.aws.client("eks").create_fargate_profile(
        fargateProfileName="profile",
        clusterName=world.cluster,
        podExecutionRoleArn=world.node_role,
        subnets=["subnet-1"],
        selectors=[{"namespace": "default"}],
    )
    world.faults.deny("iam:SimulatePrincipalPolicy")
    asked |= _asked(world, world.kubernetes())
    bare = World(world.aws, world.faults)
    bare.fit_cluster(node_groups=0)
    asked |= _asked(bare, bare.kubernetes())
    asked |= _asked(bare, bare.local())
    conditioned = World(world.aws, world.faults)
    conditioned.fit_bucket()
    conditioned.key()
    conditioned.log_in_as(KEYED)
    iam, me = world.client("iam"), f"user-of-{conditioned.stack}"
    group = f"of-{conditioned.stack}"
    arn = iam.create_policy(PolicyName=group, PolicyDocument=json.dumps(KEYED))["Policy"]["Arn"]
    iam.create_group(GroupName=group)
    iam.put_group_policy(GroupName=group, PolicyName="x", PolicyDocument=json.dumps(KEYED))
    iam.attach_group_policy(GroupName=group, PolicyArn=arn)
    iam.add_user_to_group(GroupName=group, UserName=me)
    conditioned.fit_role()
    conditioned.give(conditioned.role.rsplit("/", 1)[-1], KEYED)
    asked |= _asked(conditioned, conditioned.sagemaker())
    world.faults.deny("s3:GetBucketPolicyStatus")
    asked |= _asked(world, world.local())

    assert asked == {row.action for row in PERMISSIONS if row.identity is Identity.VERIFY}


ANYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def test_every_printed_action_is_judged(world: World) -> None:
    """IAM is asked about the identity that has it; what whoever looks is granted is used above."""
    user = world.log_in_as({"Version": "2012-10-17", "Statement": [ANYTHING]})
    connector = f"arn:aws:iam::{ACCOUNT}:user/{user}"
    world.fit_bucket()
    key = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/{world.key()}"
    world.fit_repository()
    world.fit_role()
    world.fit_scheduler()
    world.fit_cluster()
    world.pods_become(trust_policy(world.kubernetes()))
    on_sagemaker = {
        Identity.RUNTIME: world.role,
        Identity.PULL: world.role,
        Identity.SCHEDULER: world.scheduler,
    }
    pods = f"arn:aws:iam::{ACCOUNT}:role/{world.cluster}-pods"
    on_eks = {Identity.RUNTIME: pods, Identity.PULL: world.node_role}
    nobody: dict[Identity, str] = {}
    stacks = (
        (world.scheduled(), on_sagemaker),
        (world.kubernetes(), on_eks),
        (world.local(), nobody),
    )
    unjudged = {
        (identity, spec.type, action)
        for spec, others in stacks
        for identity, action in _unjudged(
            world, spec, {Identity.CONNECTOR: connector, **others}, key
        )
    }
    assert unjudged == set()


def _unjudged(
    world: World, spec: BaseSpec, who: dict[Identity, str], key: str
) -> Iterator[tuple[Identity, str]]:
    """What is printed for each identity, and IAM was not asked about while its stack is checked."""
    world.simulator.asked.clear()
    world.verify(spec)
    asked = {
        (principal, action, thing)
        for principal, actions, things in world.simulator.asked
        for action in actions
        for thing in things
    }
    for identity in set(Identity) - {Identity.VERIFY}:
        for statement in policy(spec, identity, key)["Statement"]:
            patterns = statement["Resource"]
            patterns = [patterns] if isinstance(patterns, str) else patterns
            for action in statement["Action"]:
                # A kind of job is of one of the things that a statement is about.
                if not any(
                    (principal, name) == (who[identity], action)
                    and any(fnmatchcase(thing, pattern) for pattern in patterns)
                    for principal, name, thing in asked
                ):
                    yield identity, action


def test_a_denied_look_names_a_permission_that_its_remedy_grants(world: World) -> None:
    world.log_in_as(None)
    world.fit_bucket()
    spec = world.kubernetes()
    world.faults.deny("s3:GetBucketVersioning")
    result = world.check(spec, "aws.bucket.versioning")
    assert result.missing_permission == "s3:GetBucketVersioning"
    assert result.remedy is not None
    assert result.remedy.startswith("aws iam put-user-policy --user-name user-of-")
    assert "s3:GetBucketVersioning" in result.remedy


def test_what_the_verify_identity_is_granted_only_reads() -> None:
    verbs = ("Get", "List", "Describe", "Simulate", "Validate", "Check")
    for row in PERMISSIONS:
        if row.identity is Identity.VERIFY:
            assert row.action.split(":")[1].startswith(verbs)


# --- documents


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ({"Version": "2008-10-17", "Statement": []}, "Version"),
        ({"Version": "2012-10-17", "Statement": []}, "empty"),
        ({"Version": "2012-10-17", "Statement": [{}]}, "Effect"),
        ({"Version": "2012-10-17", "Other": 1, "Statement": [{}]}, "unknown keys"),
    ],
)
def test_documents_that_aws_would_refuse(document: dict[str, Any], problem: str) -> None:
    assert any(problem in found for found in document_problems(document, DocumentKind.MANAGED))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"Action": ["GetObject"]}, "is no action"),
        ({"Action": []}, "no Action"),
        ({"Resource": "my-bucket"}, "is no ARN"),
        ({"Resource": []}, "no Resource"),
        ({"Sid": "my sid"}, "other signs"),
        ({"Principal": "*"}, "has no Principal"),
        ({"Condition": {"StringEquals": {}}}, "Condition"),
        ({"Effekt": "Allow"}, "unknown keys"),
    ],
)
def test_statements_that_aws_would_refuse(change: dict[str, Any], problem: str) -> None:
    fine = {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "arn:aws:s3:::b/*"}
    document = {"Version": "2012-10-17", "Statement": [fine]}
    assert document_problems(document, DocumentKind.MANAGED) == []
    broken = {"Version": "2012-10-17", "Statement": [{**fine, **change}]}
    assert any(problem in p for p in document_problems(broken, DocumentKind.MANAGED))


def test_a_document_too_large_is_refused() -> None:
    things = [f"arn:aws:s3:::bucket-{n:060}" for n in range(100)]
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": things}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    assert "at most 6144" in document_problems(document, DocumentKind.MANAGED)[0]


def test_a_sid_twice_is_refused() -> None:
    one = {"Sid": "A", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [one, one]}
    assert document_problems(document, DocumentKind.MANAGED) == ["a Sid is used twice"]


def test_trust_has_a_principal_and_no_resource() -> None:
    trust = trust_policy(SPECS["sagemaker"])
    trust["Statement"][0]["Resource"] = "*"
    del trust["Statement"][0]["Principal"]
    assert len(document_problems(trust, DocumentKind.TRUST)) == 2


def test_a_connector_is_no_service() -> None:
    with pytest.raises(ValueError, match="no service"):
        trust_policy(SPECS["sagemaker"], Identity.CONNECTOR)


# --- what is named


def test_what_is_to_be_created_or_skipped_is_not_looked_at() -> None:
    given = COMMON | REGISTRY | {"type": "sagemaker", "execution_role": ROLE}
    spec = from_mapping(
        given | {"infra": "provision", "resources": {"bucket": "create", "registry": "skip"}}
    )
    there = existing(spec)
    assert (there.bucket, there.repository, there.role) == (None, None, ROLE)
    # Policies are of the whole stack, whoever makes its parts.
    assert aws_resources(spec).bucket == "my-bucket"
    ids = {check.info.id for check in checks_for(spec)}
    assert not any(found.startswith(("aws.bucket", "aws.repository")) for found in ids)
    assert "aws.role.exists" in ids


def test_other_partitions_have_their_own_arns() -> None:
    spec = from_mapping(
        {
            "name": "cn",
            "type": "kubernetes",
            "cluster": "c",
            "region": "us-gov-west-1",
            "artifact_store": "s3://my-bucket",
            "container_registry": f"{ACCOUNT}.dkr.ecr.us-gov-west-1.amazonaws.com",
        }
    )
    for document in policies(spec).values():
        for _, thing in _grants(document):
            assert thing == "*" or fnmatchcase(thing, "arn:aws-us-gov:*")


def test_statements_of_one_thing_are_one() -> None:
    resources = aws_resources(SPECS["sagemaker"])
    rows = [row for row in PERMISSIONS if row.resource is Resource.OBJECTS]
    assert [s["Sid"] for s in statements(rows, resources)] == ["Objects"]
    assert all(re.fullmatch("[A-Za-z0-9]+", resource.value) for resource in Resource)
