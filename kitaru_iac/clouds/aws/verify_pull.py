"""The evaluations about who pulls the image for a cluster: nodes, and the pods of Fargate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from kitaru_iac.checks.model import CheckStatus, Verdict, fail, ok, unknown, warn
from kitaru_iac.checks.permissions import Identity
from kitaru_iac.checks.probes import (
    NotFound,
    Outcome,
    Probe,
    ProbeError,
    Skipped,
    in_parallel,
    outcomes_of,
)
from kitaru_iac.clouds.aws.analyzer import Analyses, analyze_trusts
from kitaru_iac.clouds.aws.commands import aws
from kitaru_iac.clouds.aws.decisions import evaluated
from kitaru_iac.clouds.aws.observations import CallerIdentity
from kitaru_iac.clouds.aws.permissions import permissions_for, service_trust
from kitaru_iac.clouds.aws.policies.document import parsed
from kitaru_iac.clouds.aws.probes import AwsProbes
from kitaru_iac.clouds.aws.probes_common import require_same_account
from kitaru_iac.clouds.aws.resources import AwsResources, account_of, role_name
from kitaru_iac.clouds.aws.session import AwsAccess
from kitaru_iac.clouds.aws.simulate import Decision, questions, simulate
from kitaru_iac.clouds.aws.trust import Trust, may_assume, statement_list
from kitaru_iac.clouds.aws.verify_identity import evaluate_analyzed_trusts
from kitaru_iac.clouds.aws.verify_policies import lets_do
from kitaru_iac.clouds.aws.verify_registry import repository_thing

__all__ = [
    "evaluate_node_trust",
    "evaluate_pull",
    "is_aws_own",
    "node_analysis_probe",
    "node_trust_probe",
    "pull_probe",
]

Raw = Mapping[str, Any]
#: Who assumes the role of a node, and that of a pod on Fargate.
_NODES, _FARGATE = "ec2.amazonaws.com", "eks-fargate-pods.amazonaws.com"
#: What EC2 is called too, in China alone:
#: https://docs.amazonaws.cn/en_us/eks/latest/userguide/create-node-role.html
_NODES_IN_CHINA = "ec2.amazonaws.com.cn"
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


#: A role that pulls, IAM's decisions about it or why there are none, and its attached policies.
Pulls = tuple[str, "tuple[Decision, ...] | ProbeError", tuple[str, ...]]


def pull_probe(probes: AwsProbes, r: AwsResources, access: AwsAccess) -> Probe[Any]:
    """For each role that pulls: IAM's decisions, or else the attached policies."""
    asked = questions(permissions_for(r, Identity.PULL), r)

    def of_role(role: str, caller: Outcome[CallerIdentity] | None, is_fargate: bool) -> Pulls:
        try:
            if caller is not None:
                require_same_account(role, caller)
            return role, simulate(access, role, asked, probes.policies), ()
        except Skipped as elsewhere:
            return role, elsewhere, ()
        except ProbeError as error:
            refused = error
        try:
            attached = probes.attached_policies(role)
            return role, _bounded(probes, role, refused) if attached else refused, attached
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
        roles = _roles(cluster, groups, profiles, r)
        return in_parallel(
            [partial(of_role, role, caller, service != _NODES) for role, service in roles]
        )

    return Probe(
        "pull rights of the nodes",
        run,
        requires=(probes.cluster, probes.node_groups, probes.fargate_profiles),
        after=(probes.identity,),
    )


def _roles(
    cluster: Raw, groups: tuple[Raw, ...], profiles: tuple[Raw, ...], r: AwsResources
) -> list[tuple[str, str]]:
    """Each role that pulls, in order, with the service that assumes it.

    Raises:
        Skipped: EKS knows none.
    """
    found = {str(group["nodeRole"]): _NODES for group in groups if group.get("nodeRole")}
    found |= {str(p["podExecutionRoleArn"]): _FARGATE for p in profiles}
    automatic = cluster.get("computeConfig", {})
    if automatic.get("enabled") and automatic.get("nodeRoleArn"):
        found.setdefault(str(automatic["nodeRoleArn"]), _NODES)
    if not found:
        raise Skipped(
            "EKS names no role of a node here (self-managed nodes, or none)",
            aws("eks", "list-nodegroups", cluster_name=r.cluster, region=r.region),
        )
    return sorted(found.items())


def _bounded(probes: AwsProbes, role: str, refused: ProbeError) -> ProbeError:
    """Why attached policies do not tell what a role may do, else why nothing was simulated."""
    show = aws("iam", "get-role", role_name=role_name(role), query="Role.PermissionsBoundary")
    why = f"{role}: not simulated ({refused.why})"
    try:
        found = probes.role_of(role_name(role)).get("PermissionsBoundary") or {}
    except ProbeError as error:
        unseen = f"{why}, and whether it has a permissions boundary could not be looked at"
        return Skipped(f"{unseen}: {error.why}", error.remedy or show, permission=error.permission)
    if not found:
        return refused
    boundary = found.get("PermissionsBoundaryArn")
    unread = f"{why}, and its permissions boundary {boundary} was not read"
    return Skipped(unread, show, permission=refused.permission)


Trusts = list[tuple[str, str, Outcome[Raw]]]


def node_trust_probe(probes: AwsProbes, r: AwsResources) -> Probe[Trusts]:
    """For each role that pulls: the service that assumes it, and the role as IAM describes it."""

    def run(
        cluster: Raw,
        groups: tuple[Raw, ...],
        profiles: tuple[Raw, ...],
        caller: Outcome[CallerIdentity],
    ) -> Trusts:
        def of_role(role: str) -> Raw:
            require_same_account(role, caller)
            return probes.role_of(role_name(role))

        roles = _roles(cluster, groups, profiles, r)
        seen = outcomes_of(of_role, dict.fromkeys(role for role, _ in roles))
        return [(role, service, seen[role]) for role, service in roles]

    return Probe(
        "iam:GetRole of the nodes",
        run,
        requires=(probes.cluster, probes.node_groups, probes.fargate_profiles),
        after=(probes.identity,),
    )


def node_analysis_probe(trusts: Probe[Trusts], access: AwsAccess) -> Probe[Analyses]:
    """Ask Access Analyzer about the trust policies of the roles that pull."""
    return Probe(
        "access-analyzer:ValidatePolicy of the nodes' trust",
        lambda roles: analyze_trusts(access, {role: seen for role, _, seen in roles}),
        requires=(trusts,),
    )


def _best_trust(document: Raw, service: str, account: str, r: AwsResources) -> Trust:
    """What the trust says of the service under the name under which it fares best."""
    in_china = service == _NODES and r.partition == "aws-cn"
    names = (service, _NODES_IN_CHINA) if in_china else (service,)
    found = [may_assume(document, name, account, r.region, r.partition) for name in names]
    return min(found, key=lambda trust: (True, None, False).index(trust.allowed))


def evaluate_node_trust(roles: Trusts, analyses: Outcome[Analyses], r: AwsResources) -> Verdict:
    """Each role's service must be able to become it. One that cannot fails all.

    Args:
        roles: As `node_trust_probe` gives them.
        analyses: What Access Analyzer says of their trust.
        r: What the description names.
    """
    found = [_of_node(role, service, seen, r) for role, service, seen in roles]
    wrong = [verdict for verdict in found if verdict is not None]
    order = (CheckStatus.FAIL, CheckStatus.WARN, CheckStatus.UNKNOWN)
    fine = ok(f"{', '.join(role_name(role) for role, *_ in roles)} can be assumed")
    own = min(wrong, key=lambda one: order.index(one.status)) if wrong else fine
    return evaluate_analyzed_trusts(own, analyses, [role for role, *_ in roles])


def _of_node(role: str, service: str, seen: Outcome[Raw], r: AwsResources) -> Verdict | None:
    """What is wrong with the trust of one role, or not known; None where nothing is."""
    name = role_name(role)
    show = aws("iam", "get-role", role_name=name, query="Role.AssumeRolePolicyDocument")
    if isinstance(seen, NotFound):
        return fail(f"{role} does not exist", _create(role, r, service == _FARGATE))
    if isinstance(seen, ProbeError):
        return unknown(f"{role}: {seen.why}", seen.remedy or show, seen.permission)
    document: Raw = seen.get("AssumeRolePolicyDocument", {})
    trust = _best_trust(document, service, account_of(role) or "", r)
    reasons = "; ".join(trust.reasons)
    if trust.allowed is False:
        merged = {"Version": "2012-10-17", "Statement": [
            *statement_list(document), *_trust(r, service == _FARGATE)["Statement"]
        ]}  # fmt: skip
        mend = aws("iam", "update-assume-role-policy", role_name=name, policy_document=merged)
        why = f"{service} may not assume {role}: {reasons}"
        return fail(why, show if "denies" in reasons else mend)
    if trust.allowed is None:
        return unknown(f"whether {service} may assume {role} cannot be told: {reasons}", show)
    if trust.anybody:
        return warn(f"the trust policy of {role} is open to {'; '.join(trust.openings)}", show)
    return None


def evaluate_pull(roles: list[Pulls], policy: Outcome[Raw], r: AwsResources) -> Verdict:
    """Every role must be able to pull. One that cannot fails all; one unclear makes it unknown.

    Args:
        roles: As `pull_probe` gives them.
        policy: The repository's, as ECR answers.
        r: What the description names.
    """
    unclear: Verdict | None = None
    by_name = False
    for role, decided, attached in roles:
        by_itself = _by_itself(role, decided, attached, r)
        found = [by_itself]
        if account_of(role) is not None and not isinstance(decided, NotFound):
            found.append(_by_policy(role, policy, r))
        failed = next((verdict for verdict in found if verdict.status is CheckStatus.FAIL), None)
        if failed is not None:
            return failed
        unclear = next((v for v in found if v.status is CheckStatus.UNKNOWN), unclear)
        by_name = by_name or isinstance(decided, ProbeError)
    if unclear is not None:
        return unclear
    names = f"{', '.join(role_name(role) for role, _, _ in roles)} may pull"
    if not by_name:
        return ok(f"{names}, by IAM's simulation")
    return ok(
        f"{names}, by their managed policies, not simulated",
        "denials in their other policies and in the organization's were not looked at",
    )


def _by_itself(
    role: str,
    decided: tuple[Decision, ...] | ProbeError,
    attached: tuple[str, ...],
    r: AwsResources,
) -> Verdict:
    """Whether a role's own policies let it pull."""
    if isinstance(decided, NotFound):
        create = decided.remedy or f"{_create(role, r, False)} && {_attach(role, r)}"
        return fail(f"{role} does not exist", create)
    if isinstance(decided, Skipped):
        return unknown(decided.why, decided.remedy, decided.permission)
    if not isinstance(decided, ProbeError):
        return evaluated(decided, role, f"{role} may pull", _attach(role, r))
    names = {policy.rsplit("/", 1)[-1] for policy in attached if is_aws_own(policy)}
    if names & _PULL_POLICIES:
        return ok(f"{role} may pull")
    why = f"{role}: not simulated ({decided.why}), and no managed pull policy is attached"
    return unknown(why, _attach(role, r), decided.permission)


def _by_policy(role: str, policy: Outcome[Raw], r: AwsResources) -> Verdict:
    """Whether the repository's policy lets a role pull: IAM's simulation does not see it."""
    thing = repository_thing(r)
    if isinstance(policy, NotFound):
        if account_of(role) == thing.account:
            return ok("there is no policy yet")  # nor a repository, which has a check of its own
        why = f"{role} is of another account than the registry, and there is no repository yet"
        return unknown(f"{why}, whose policy decides", thing.show)
    if isinstance(policy, ProbeError):
        why = f"whether the repository's policy denies {role} could not be looked at: {policy.why}"
        return unknown(why, policy.remedy or thing.show, policy.permission)
    found = lets_do(parsed(policy.get("policyText")), thing, role, Identity.PULL, r)
    return replace(found, why=f"the repository: {found.why}")


def _create(role: str, r: AwsResources, is_fargate: bool) -> str:
    """Nodes are EC2's; the pods of Fargate have a service of their own.

    https://docs.aws.amazon.com/eks/latest/userguide/pod-execution-role.html
    """
    return aws(
        "iam",
        "create-role",
        role_name=role_name(role),
        assume_role_policy_document=_trust(r, is_fargate),
    )


def _trust(r: AwsResources, is_fargate: bool) -> dict[str, Any]:
    if not is_fargate:
        return service_trust(r, Identity.PULL)
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": _FARGATE},
        "Action": "sts:AssumeRole",
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def _attach(role: str, r: AwsResources) -> str:
    return aws(
        "iam",
        "attach-role-policy",
        role_name=role_name(role),
        policy_arn=f"arn:{r.partition}:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly",
    )


def is_aws_own(arn: str) -> bool:
    """Whether a policy is AWS's own: a customer may give its name to another one."""
    parts = arn.split(":")
    return len(parts) > 4 and parts[4] == "aws"
