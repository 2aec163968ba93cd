"""What `policy` prints as the trust of a role is what the checks of that role call right."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from kitaru_iac.checks.model import CheckStatus, Verdict
from kitaru_iac.checks.permissions import Identity
from kitaru_iac.clouds.aws.documents import DocumentKind, document_problems
from kitaru_iac.clouds.aws.observations import PodIdentity
from kitaru_iac.clouds.aws.permissions import trusts
from kitaru_iac.clouds.aws.policies.document import read_document
from kitaru_iac.clouds.aws.policies.evaluate import evaluate
from kitaru_iac.clouds.aws.policies.requests import Caller, CallerKind, Context, Request
from kitaru_iac.clouds.aws.policies.strangers import openings
from kitaru_iac.clouds.aws.resources import aws_resources
from kitaru_iac.clouds.aws.trust import may_assume
from kitaru_iac.clouds.aws.verify_identity import evaluate_trust
from kitaru_iac.clouds.aws.verify_pods import Pods, evaluate_pod_identity
from kitaru_iac.clouds.aws.verify_pull import evaluate_node_trust
from kitaru_iac.clouds.aws.verify_runs import evaluate_scheduler_trust
from kitaru_iac.spec import from_mapping
from kitaru_iac.spec.clouds.aws import aws_partition
from kitaru_iac.spec.model import StackSpec
from kitaru_iac.values import replace

ACCOUNT, OTHER = "123456789012", "999999999999"
AGENT = {"addonName": "eks-pod-identity-agent", "status": "ACTIVE"}


def descriptions() -> Iterator[StackSpec]:
    """Types × regions × what tells the account: a registry, a role, credentials; or nothing."""
    for (
        kind,
        region,
        by_registry,
        by_role,
        by_schedules,
        by_credentials,
        infra,
    ) in itertools.product(
        ("sagemaker", "kubernetes"),
        ("eu-west-1", "us-gov-west-1", "cn-north-1"),
        *[(True, False)] * 4,
        ("none", "provision"),
    ):
        head = f"arn:{aws_partition(region)}:iam::{ACCOUNT}:role/"
        given: dict[str, Any] = {"name": "prod", "type": kind, "region": region, "infra": infra}
        given |= {"artifact_store": "s3://team-data/kitaru"}
        if by_registry and region.startswith("cn-"):
            continue  # ZenML does not reach ECR there
        if by_registry:
            given["container_registry"] = f"{ACCOUNT}.dkr.ecr.{region}.amazonaws.com"
        elif kind == "kubernetes":
            given["container_registry"] = "ghcr.io/team"
        elif infra == "none":
            continue  # SageMaker pulls from ECR alone
        if kind == "kubernetes" and (by_role or by_schedules):
            continue
        if by_role:
            given["execution_role"] = f"{head}team/steps"
        elif kind == "sagemaker" and infra == "none":
            continue
        if kind == "kubernetes":
            given["cluster"] = "prod"
        if by_schedules:
            given["extra"] = {"orchestrator": {"scheduler_role": f"{head}schedules"}}
        if by_credentials:
            given["credentials"] = f"aws-role:{head}server"
        yield from_mapping(given)


EVERY = list(descriptions())


def label(spec: StackSpec) -> str:
    role, registry = getattr(spec, "execution_role", None), spec.container_registry
    schedules = spec.extra.orchestrator.get("scheduler_role")
    told = spec.credentials.values.get("role_arn") if spec.credentials else None
    return ",".join(map(str, (spec.type, spec.region, spec.infra, registry, role, schedules, told)))


def judged(spec: StackSpec, identity: Identity, document: Mapping[str, Any]) -> Verdict:
    """What the check of the role says where it has this trust."""
    r = aws_resources(spec)
    arn = f"arn:{r.partition}:iam::{ACCOUNT}:role/it"
    role = {"Arn": arn, "RoleName": "it", "AssumeRolePolicyDocument": document}
    if identity is Identity.SCHEDULER:
        return evaluate_scheduler_trust(
            {**role, "Arn": r.scheduler_role}, replace(r, account=ACCOUNT)
        )
    if identity is Identity.PULL:
        return evaluate_node_trust([(arn, "ec2.amazonaws.com", role)], {}, r)
    if spec.type == "sagemaker":
        return evaluate_trust(role, replace(r, role=arn))
    pods = tuple(PodIdentity(account, arn, role) for account in r.pod_accounts)
    return evaluate_pod_identity(Pods(pods, {}, {}, (), (AGENT,), {}), r)


@pytest.mark.parametrize("spec", EVERY, ids=label)
def test_each_is_judged_right_by_the_check_of_its_role(spec: StackSpec) -> None:
    printed = trusts(spec)
    of_services = {name: one for name, one in printed.items() if name != Identity.CONNECTOR.value}
    assert Identity.RUNTIME.value in of_services
    for name, document in of_services.items():
        assert document_problems(document, DocumentKind.TRUST) == []
        verdict = judged(spec, Identity(name), document)
        assert verdict.status is CheckStatus.OK, (name, verdict)
        assert "for any account" not in verdict.why


@pytest.mark.parametrize("spec", EVERY, ids=label)
def test_a_service_that_acts_for_another_account_is_let_in_by_none(spec: StackSpec) -> None:
    r = aws_resources(spec)
    for name, document in trusts(spec).items():
        principal = document["Statement"][0]["Principal"]
        if name in {Identity.CONNECTOR.value, Identity.PULL.value}:
            continue  # EC2 says neither for whom it acts nor why: no condition can ask it
        service = principal["Service"]
        sent = {"aws:sourcearn": f"arn:{r.partition}:eks:{spec.region}:{OTHER}:cluster/prod"}
        foreign = may_assume(
            document, service, OTHER, spec.region, r.partition,
            sent={**sent, "aws:resourceaccount": ACCOUNT},
        )  # fmt: skip
        assert foreign.allowed is False, name


@pytest.mark.parametrize("spec", EVERY, ids=label)
def test_a_connector_s_role_is_for_who_has_the_tag_in_the_account(spec: StackSpec) -> None:
    r, printed = aws_resources(spec), trusts(spec)
    assert (Identity.CONNECTOR.value in printed) is (ACCOUNT in label(spec))
    if Identity.CONNECTOR.value not in printed:
        return
    document = printed[Identity.CONNECTOR.value]
    assert openings(read_document(document), "sts:AssumeRole", None, ACCOUNT) == ()
    for account, tag, expected in (
        (ACCOUNT, "prod", True),
        (ACCOUNT, "other", False),
        (OTHER, "prod", False),
    ):
        caller = Caller(CallerKind.ROLE, f"arn:{r.partition}:iam::{account}:role/server", account)
        known = {"aws:principaltag/kitaru-stack": tag, "aws:principalaccount": account}
        request = Request(caller, "sts:AssumeRole", None, Context(known, complete=True))
        found = evaluate(read_document(document), request)
        assert (found.allow | found.account).value is expected
