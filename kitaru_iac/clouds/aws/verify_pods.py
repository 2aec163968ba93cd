"""The evaluations about what pods of an EKS cluster need beside nodes and add-ons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from kitaru_iac.checks.commands import note
from kitaru_iac.checks.model import CheckStatus, Verdict, fail, ok, unknown, warn
from kitaru_iac.checks.permissions import Identity
from kitaru_iac.checks.probes import NotFound, Outcome, ProbeError
from kitaru_iac.clouds.aws.commands import aws
from kitaru_iac.clouds.aws.observations import PodIdentity, Subnets
from kitaru_iac.clouds.aws.permissions import service_trust
from kitaru_iac.clouds.aws.policies.requests import Possible
from kitaru_iac.clouds.aws.resources import AwsResources, account_of, role_name
from kitaru_iac.clouds.aws.trust import Trust, may_assume, statement_list
from kitaru_iac.clouds.aws.verify_addons import AGENT, WORKS, is_automatic, told

__all__ = ["evaluate_pod_identity", "evaluate_subnets"]

Raw = Mapping[str, Any]
#: https://docs.aws.amazon.com/eks/latest/userguide/pod-id-role.html
_PODS = "pods.eks.amazonaws.com"
_ACTIONS = ("sts:AssumeRole", "sts:TagSession")
#: What EKS recommends each subnet to have left, beside what nodes and pods take:
#: https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html
_ROOM = 16
_OF_PODS = (
    "which addresses the network plugin holds for pods, and subnets of its own settings "
    "(ENIConfig), were not looked at"
)


def evaluate_pod_identity(
    found: tuple[PodIdentity, ...], addons: Outcome[tuple[Raw, ...]], cluster: Raw, r: AwsResources
) -> Verdict:
    """The roles that EKS gives the pods can be had. Without one ZenML has the connector's rights.

    https://docs.aws.amazon.com/eks/latest/userguide/pod-identities.html
    """
    if not found:
        return ok(
            f"no role is associated with {' and '.join(r.pod_accounts)} in {r.namespace}: pods use "
            "what ZenML gives them, the connector's rights",
            "an annotation of the service accounts (IRSA) stands in the cluster, and was not "
            "looked at",
        )
    wrong = [v for v in (*(_of_role(one, r) for one in found), _of_agent(addons, cluster, r)) if v]
    # What is known to be wrong goes before what nobody knows.
    wrong.sort(key=lambda verdict: verdict.status is not CheckStatus.WARN)
    if wrong:
        return wrong[0]
    names = ", ".join(dict.fromkeys(role_name(one.arn) for one in found))
    return ok(f"pods can become {names}", "what that role may do was not looked at")


def _of_agent(addons: Outcome[tuple[Raw, ...]], cluster: Raw, r: AwsResources) -> Verdict | None:
    """What follows where nothing gives pods their credentials; None where something does."""
    if is_automatic(cluster):  # it has the agent
        return None
    make = aws(
        "eks",
        "create-addon",
        cluster_name=r.cluster,
        addon_name=AGENT,
        region=r.region,
    )
    if isinstance(addons, ProbeError):
        return unknown(
            f"whether the cluster has the add-on {AGENT} could not be looked at: {addons.why}",
            addons.remedy or make,
            addons.permission,
        )
    agent = next((one for one in addons if one.get("addonName") == AGENT), None)
    if agent is None:
        return warn(
            f"pods are to become a role, and the add-on {AGENT}, which gives them its "
            "credentials, is not there, unless somebody has installed the agent in the cluster",
            make,
        )
    if str(agent.get("status")) not in WORKS:
        show = aws(
            "eks",
            "describe-addon",
            cluster_name=r.cluster,
            addon_name=AGENT,
            query="addon.[status,health]",
            region=r.region,
        )
        return warn(f"{AGENT}, which gives pods their credentials, is {told(agent)}", show)
    return None


def _of_role(one: PodIdentity, r: AwsResources) -> Verdict | None:
    """What is wrong with a role that pods are to become; None where nothing is."""
    who = f"pods of {one.account} get no credentials"
    name = role_name(one.arn)
    # EKS gives pods roles of the cluster's account alone; the account described is the registry's.
    r = replace(r, account=account_of(one.arn) or r.account)
    show = aws("iam", "get-role", role_name=name, query="Role.AssumeRolePolicyDocument")
    if isinstance(one.role, NotFound):
        make = aws("iam", "create-role", role_name=name, assume_role_policy_document=_trust({}, r))
        return warn(f"{who}: {one.arn} does not exist", make)
    if isinstance(one.role, ProbeError):
        return unknown(f"{one.arn}: {one.role.why}", one.role.remedy or show, one.role.permission)
    document: Raw = one.role.get("AssumeRolePolicyDocument", {})
    for action in _ACTIONS:
        trust = _may(document, action, one, r)
        reasons = "; ".join(trust.reasons)
        if trust.allowed is False:
            mend = aws(
                "iam",
                "update-assume-role-policy",
                role_name=name,
                policy_document=_trust(document, r),
            )
            why = f"{who}: EKS may not {action} {one.arn}: {reasons}"
            return warn(why, show if "denies" in reasons else mend)
        if trust.allowed is None:
            why = f"whether EKS may {action} {one.arn} cannot be told: {reasons}"
            return unknown(why, show)
    if one.target is not None:
        return _of_target(one, one.target)
    return None


def _of_target(one: PodIdentity, target: str) -> Verdict:
    """https://docs.aws.amazon.com/eks/latest/userguide/pod-id-assign-target-role.html"""
    show = aws(
        "iam", "get-role", role_name=role_name(target), query="Role.AssumeRolePolicyDocument"
    )
    where = account_of(target)
    return unknown(
        f"pods of {one.account} become {target} by way of {one.arn}, and whether that one may was "
        "not looked at: its right to assume it, and the other's trust",
        note(show, f"with credentials of account {where}, as they are what counts there"),
    )


def _may(document: Raw, action: str, one: PodIdentity, r: AwsResources) -> Trust:
    """EKS names the cluster as the source, and tags the session with whose pod it is.

    https://docs.aws.amazon.com/eks/latest/userguide/pod-id-abac.html
    """
    sent: dict[str, Possible | list[Possible]] = {
        "aws:sourcearn": r.cluster_arn,
        "aws:requesttag/eks-cluster-arn": r.cluster_arn,
        "aws:requesttag/eks-cluster-name": str(r.cluster),
        "aws:requesttag/kubernetes-namespace": r.namespace,
        "aws:requesttag/kubernetes-service-account": one.account,
    }
    return may_assume(
        document, _PODS, str(r.account), r.region, r.partition, action=action, sent=sent
    )


def _trust(document: Raw, r: AwsResources) -> dict[str, Any]:
    """The trust policy with the statement that we make, without its name, which may be taken."""
    (ours,) = service_trust(r, Identity.RUNTIME)["Statement"]
    mine = {key: value for key, value in ours.items() if key != "Sid"}
    return {"Version": "2012-10-17", "Statement": [*statement_list(document), mine]}


def evaluate_subnets(seen: Subnets, r: AwsResources) -> Verdict:
    """Subnets that nodes and pods get addresses from have some left."""
    gone = [one for one in seen.wanted if one not in seen.free]
    show = aws(
        "ec2",
        "describe-subnets",
        filters=[{"Name": "subnet-id", "Values": list(seen.wanted)}],
        query="Subnets[].[SubnetId,AvailableIpAddressCount]",
        region=r.region,
    )
    if len(gone) == len(seen.wanted):
        return fail(f"there are no subnets {', '.join(gone)}: no node and no pod is made", show)
    if gone:
        return warn(f"there is no subnet {', '.join(gone)}, in which nodes are to be made", show)
    left = sum(seen.free.values())
    more = note(show, "add subnets of the same network, or end what holds the addresses")
    if not left and seen.is_fargate:
        return fail("no address is left in the subnets, and each pod of Fargate takes one", more)
    if not left:
        return warn(
            "no address is left in the subnets: no node is added, and pods start only on addresses "
            "that nodes hold already",
            more,
        )
    if left < _ROOM:
        return warn(f"{left} addresses are left in the subnets, for nodes and pods together", more)
    return ok(f"{left} addresses are left in {len(seen.free)} subnets", _OF_PODS)
