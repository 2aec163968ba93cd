"""What makes a new cluster usable: its add-ons, the identity of pods, the connector's entry."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from hashlib import sha256

import pulumi
from pulumi_aws import eks, iam

from kitaru_iac.clouds.aws.provision import lookups

__all__ = [
    "AFTER_NODES",
    "BEFORE_NODES",
    "addons",
    "admit",
    "former_names",
    "identify_pods",
    "name_of",
]

#: Nodes need the network before they are ready; the agent gives pods their identity.
BEFORE_NODES = ("vpc-cni", "kube-proxy", "eks-pod-identity-agent")
#: It runs in pods of its own, which need a node.
AFTER_NODES = ("coredns",)


def addons(
    prefix: str,
    cluster: eks.Cluster,
    names: Sequence[str],
    *,
    region: str,
    tags: Mapping[str, str],
    after: Sequence[pulumi.Resource] = (),
) -> list[pulumi.Resource]:
    """Managed add-ons, each in the version that EKS chooses for the cluster.

    Args:
        prefix: Of the Pulumi names.
        cluster: Where.
        names: Which.
        region: Where it is.
        tags: On each.
        after: What has to be there before.
    """
    return [
        eks.Addon(
            f"{prefix}-addon-{name}",
            cluster_name=cluster.name,
            addon_name=name,
            region=region,
            resolve_conflicts_on_create="OVERWRITE",
            resolve_conflicts_on_update="PRESERVE",
            tags=dict(tags),
            opts=pulumi.ResourceOptions(parent=cluster, depends_on=list(after)),
        )
        for name in names
    ]


def identify_pods(
    prefix: str,
    cluster: eks.Cluster,
    role: iam.Role,
    *,
    namespace: str,
    accounts: Sequence[str],
    region: str,
    tags: Mapping[str, str],
) -> None:
    """Give the pods of these service accounts a role. Neither have to exist yet, nor the namespace.

    Source: https://docs.aws.amazon.com/eks/latest/userguide/pod-id-association.html.
    """
    for account in accounts:
        eks.PodIdentityAssociation(
            f"{prefix}-pods-{account}",
            cluster_name=cluster.name,
            namespace=namespace,
            service_account=account,
            role_arn=role.arn,
            region=region,
            tags=dict(tags),
            opts=pulumi.ResourceOptions(parent=cluster),
        )


def admit(
    prefix: str,
    cluster: eks.Cluster,
    name: str,
    principals: Sequence[str],
    *,
    namespace: str,
    partition: str,
    region: str,
    tags: Mapping[str, str],
) -> None:
    """Let these roles and users work in the namespace, as a stack's connector has to.

    ZenML makes a service account and binds a role to it, which `AmazonEKSEditPolicy` does not allow
    and `AmazonEKSAdminPolicy` does, within the namespace:
    https://docs.aws.amazon.com/eks/latest/userguide/access-policy-permissions.html.
    """
    held = former_names(principals, partial(lookups.has_entry, cluster, name, region))
    for principal in principals:
        called = f"{prefix}-access-{name_of(principal)}"
        former = held.get(principal)
        aliases = [pulumi.Alias(name=f"{prefix}-access-{former}")] if former else []
        entry = eks.AccessEntry(
            called,
            cluster_name=cluster.name,
            principal_arn=principal,
            region=region,
            tags=dict(tags),
            opts=pulumi.ResourceOptions(parent=cluster, aliases=aliases),
        )
        eks.AccessPolicyAssociation(
            f"{called}-policy",
            cluster_name=cluster.name,
            principal_arn=entry.principal_arn,
            policy_arn=f"arn:{partition}:eks::aws:cluster-access-policy/AmazonEKSAdminPolicy",
            access_scope={"type": "namespace", "namespaces": [namespace]},
            region=region,
            opts=pulumi.ResourceOptions(parent=entry),
        )


def name_of(principal: str) -> str:
    """Name what is made for a role or user: a digest of the whole ARN tells apart what reads alike.

    ``role/team/a`` is not ``role/team-a``, and ``role/ci`` of one account not that of another.
    """
    return f"{_former_name_of(principal)}-{sha256(principal.encode()).hexdigest()[:8]}"


def former_names(principals: Sequence[str], has_entry: Callable[[str], bool]) -> dict[str, str]:
    """Which of these principals an older deployment may hold under a former name, and which name.

    An entry of another name would be made anew, which EKS refuses while the former one is there. Of
    those that share a name an older deployment holds one, as Pulumi refused two: the one that EKS
    has an entry of. Where it tells of none or of several, it is the one without a path, which kept
    the name last, else the first.

    Args:
        principals: Roles and users, by their ARNs.
        has_entry: Whether one is seen to have an entry; asked where several share a name.
    """
    sharing: dict[str, list[str]] = {}
    for principal in sorted(principals, key=lambda one: one.count("/")):
        sharing.setdefault(_former_name_of(principal), []).append(principal)
    holder: dict[str, str] = {}
    for name, some in sharing.items():
        seen = [one for one in some if has_entry(one)] if len(some) > 1 else some
        holder[name] = seen[0] if len(seen) == 1 else some[0]
    return {principal: name for name, principal in holder.items()}


def _former_name_of(principal: str) -> str:
    """What it was called before: in the states of older deployments it still is."""
    return principal.rsplit(":", 1)[1].replace("/", "-")
