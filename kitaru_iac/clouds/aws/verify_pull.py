"""The evaluations about who pulls the image for a cluster: nodes, and the pods of Fargate."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from kitaru_iac.checks.model import Verdict, fail, ok, unknown
from kitaru_iac.checks.permissions import Identity
from kitaru_iac.checks.probes import NotFound, Outcome, Probe, ProbeError, Skipped, in_parallel
from kitaru_iac.clouds.aws.commands import aws
from kitaru_iac.clouds.aws.observations import CallerIdentity
from kitaru_iac.clouds.aws.permissions import permissions_for, service_trust
from kitaru_iac.clouds.aws.probes import AwsProbes
from kitaru_iac.clouds.aws.probes_common import require_same_account
from kitaru_iac.clouds.aws.resources import AwsResources, role_name
from kitaru_iac.clouds.aws.session import AwsAccess
from kitaru_iac.clouds.aws.simulate import Decision, questions, simulate

__all__ = ["evaluate_pull", "is_aws_own", "pull_probe"]

Raw = Mapping[str, Any]
#: AWS's managed policies that let a node pull from every repository of its account.
#: https://docs.aws.amazon.com/AmazonECR/latest/userguide/security-iam-awsmanpol.html
_PULL_POLICIES = {
    "AmazonEC2ContainerRegistryPullOnly",
    "AmazonEC2ContainerRegistryReadOnly",
    "AmazonEC2ContainerRegistryPowerUser",
    "AmazonEC2ContainerRegistryFullAccess",
    "AmazonEKSFargatePodExecutionRolePolicy",
    "AdministratorAccess",
}


def pull_probe(probes: AwsProbes, r: AwsResources, access: AwsAccess) -> Probe[Any]:
    """For each role that pulls: IAM's decisions, or else the attached policies."""
    asked = questions(permissions_for(r, Identity.PULL), r)

    def of_role(
        role: str, caller: Outcome[CallerIdentity] | None, is_fargate: bool
    ) -> tuple[str, tuple[Decision, ...] | ProbeError, tuple[str, ...]]:
        try:
            if caller is not None:
                require_same_account(role, caller)
            return role, simulate(access, role, asked, probes.policies), ()
        except Skipped as elsewhere:
            return role, elsewhere, ()
        except ProbeError as error:
            refused = error
        try:
            return role, refused, probes.attached_policies(role)
        except NotFound as absent:
            absent.remedy = f"{_create(role, r, is_fargate)} && {_attach(role, r)}"
            return role, absent, ()
        except ProbeError:
            return role, refused, ()

    def run(
        cluster: Raw,
        groups: tuple[Raw, ...],
        profiles: tuple[Raw, ...],
        caller: Outcome[CallerIdentity] | None = None,
    ) -> list[Any]:
        roles = {str(group["nodeRole"]) for group in groups if group.get("nodeRole")}
        fargate = {str(p["podExecutionRoleArn"]) for p in profiles}
        roles |= fargate
        automatic = cluster.get("computeConfig", {})
        if automatic.get("enabled") and automatic.get("nodeRoleArn"):
            roles.add(str(automatic["nodeRoleArn"]))
        if not roles:
            raise Skipped(
                "EKS names no role of a node here (self-managed nodes, or none)",
                aws("eks", "list-nodegroups", cluster_name=r.cluster, region=r.region),
            )
        return in_parallel(
            [partial(of_role, role, caller, role in fargate) for role in sorted(roles)]
        )

    return Probe(
        "pull rights of the nodes",
        run,
        requires=(probes.cluster, probes.node_groups, probes.fargate_profiles),
        after=(probes.identity,),
    )


def evaluate_pull(
    roles: list[tuple[str, tuple[Decision, ...] | ProbeError, tuple[str, ...]]], r: AwsResources
) -> Verdict:
    """Every role must be able to pull. One that cannot fails all; one unclear makes it unknown."""
    unclear: Verdict | None = None
    for role, decided, attached in roles:
        other_account = r.account is not None and f"::{r.account}:" not in role
        names = {policy.rsplit("/", 1)[-1] for policy in attached if is_aws_own(policy)}
        if isinstance(decided, NotFound):
            create = decided.remedy or f"{_create(role, r, False)} && {_attach(role, r)}"
            return fail(f"{role} does not exist", create)
        if isinstance(decided, Skipped):
            unclear = unknown(decided.why, decided.remedy)
            continue
        if not isinstance(decided, ProbeError):
            missing = [d.action for d in decided if not d.allowed and not d.missing_context]
            if missing:
                return fail(f"{role} may not {', '.join(missing)}", _attach(role, r))
            hanging = sorted({key for d in decided for key in d.missing_context})
            if hanging:
                why = f"whether {role} may pull depends on the condition keys {', '.join(hanging)}"
                unclear = unknown(why, aws("iam", "get-role", role_name=role_name(role)))
                continue
            if not other_account:
                continue
            why = f"{role} is of another account than the registry, whose repository policy decides"
            command = aws(
                *("ecr", "get-repository-policy"),
                repository_name=r.repository,
                region=r.registry_region,
            )
            unclear = unknown(why, command)
        elif not names & _PULL_POLICIES or other_account:
            why = f"{role}: not simulated ({decided.why}), and no managed pull policy is attached"
            unclear = unknown(why, _attach(role, r), decided.permission)
    if unclear is not None:
        return unclear
    by = "by IAM's simulation" if not any(
        isinstance(decided, ProbeError) for _, decided, _ in roles
    ) else "by their managed policies, not simulated"  # fmt: skip
    return ok(f"{', '.join(role_name(role) for role, _, _ in roles)} may pull, {by}")


def _create(role: str, r: AwsResources, is_fargate: bool) -> str:
    """Nodes are EC2's; the pods of Fargate have a service of their own.

    https://docs.aws.amazon.com/eks/latest/userguide/pod-execution-role.html
    """
    trust = service_trust(r, Identity.PULL)
    if is_fargate:
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "eks-fargate-pods.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
        trust = {"Version": "2012-10-17", "Statement": [statement]}
    return aws(
        *("iam", "create-role"),
        role_name=role_name(role),
        assume_role_policy_document=trust,
    )


def _attach(role: str, r: AwsResources) -> str:
    return aws(
        *("iam", "attach-role-policy"),
        role_name=role_name(role),
        policy_arn=f"arn:{r.partition}:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly",
    )


def is_aws_own(arn: str) -> bool:
    """Whether a policy is AWS's own: a customer may give its name to another one."""
    parts = arn.split(":")
    return len(parts) > 4 and parts[4] == "aws"
