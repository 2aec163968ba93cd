"""An AKS cluster: nodes that scale, an API server that is open to those who are named.

Its control plane is of the tier Free; the nodes cost money by the hour, so it is made only where it
is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import pulumi
from pulumi_azure_native import containerservice, managedidentity

from kitaru_iac.clouds.azure.provision.args import InfrastructureArgs
from kitaru_iac.clouds.azure.provision.workspace import Setting
from kitaru_iac.spec.infrastructure import Infrastructure

__all__ = ["SIZE", "cluster", "federated"]

#: Of the nodes, unless another one is named.
SIZE = "Standard_D4s_v5"
#: AKS updates the cluster by itself to the last patch of the version before the newest, and the
#: images of its nodes. https://learn.microsoft.com/azure/aks/auto-upgrade-cluster
_CHANNEL, _IMAGES = "stable", "NodeImage"
#: Whom Entra takes a pod's token for.
#: https://learn.microsoft.com/azure/aks/workload-identity-deploy-cluster
_AUDIENCE = "api://AzureADTokenExchange"


def cluster(
    setting: Setting,
    name: str,
    args: InfrastructureArgs,
    *,
    control: managedidentity.UserAssignedIdentity,
    nodes: managedidentity.UserAssignedIdentity,
    after: Sequence[pulumi.Resource],
) -> containerservice.ManagedCluster:
    """Make the cluster.

    Args:
        setting: What all parts share.
        name: The cluster's.
        args: How it is made: who reaches it, and its nodes.
        control: The identity of its control plane.
        nodes: The identity that its nodes pull with.
        after: Their roles, which have to be there first: nodes that may not pull are never ready.
    """
    reached_from = args.get("endpoint_access") or ()
    kubelet = containerservice.UserAssignedIdentityArgs(
        resource_id=nodes.id, client_id=nodes.client_id, object_id=nodes.principal_id
    )
    # No list of addresses means everybody: nobody is named only where the server is private.
    access = containerservice.ManagedClusterAPIServerAccessProfileArgs(
        authorized_ip_ranges=[*reached_from] or None,
        enable_private_cluster=not reached_from,
    )
    network = containerservice.ContainerServiceNetworkProfileArgs(
        network_plugin="azure",
        network_plugin_mode="overlay",
        load_balancer_sku="standard",
        outbound_type="loadBalancer",
    )
    return containerservice.ManagedCluster(
        f"{setting.prefix}-cluster",
        resource_name_=name,
        resource_group_name=setting.group,
        location=setting.region,
        dns_prefix=name,
        node_resource_group=args.get("node_group"),
        sku={"name": "Base", "tier": "Free"},
        identity={"type": "UserAssigned", "user_assigned_identities": [control.id]},
        identity_profile={"kubeletidentity": kubelet},
        enable_rbac=True,
        # ZenML's connector is the cluster's local administrator, and takes no other way in.
        disable_local_accounts=False,
        api_server_access_profile=access,
        agent_pool_profiles=[_pool(args)],
        network_profile=network,
        oidc_issuer_profile={"enabled": True},
        security_profile={"workload_identity": {"enabled": True}},
        auto_upgrade_profile={"upgrade_channel": _CHANNEL, "node_os_upgrade_channel": _IMAGES},
        tags=dict(setting.tags),
        opts=pulumi.ResourceOptions(
            parent=setting.parent,
            depends_on=after,
            # The autoscaler's from then on.
            ignore_changes=["agentPoolProfiles[0].count"],
        ),
    )


def federated(
    setting: Setting,
    made: containerservice.ManagedCluster,
    identity: managedidentity.UserAssignedIdentity,
    *,
    called: str,
    namespace: str,
    accounts: Sequence[str],
) -> list[managedidentity.FederatedIdentityCredential]:
    """Let pods be an identity, by the service accounts of Kubernetes that they run as.

    Args:
        setting: What all parts share.
        made: The cluster, which issues their tokens.
        identity: Who they become.
        called: Its name.
        namespace: Where they run.
        accounts: What they run as.
    """
    issuer = made.oidc_issuer_profile.apply(lambda one: one.issuer_url if one else None)
    found: list[managedidentity.FederatedIdentityCredential] = []
    for account in accounts:
        found.append(
            managedidentity.FederatedIdentityCredential(
                f"{setting.prefix}-pods-{account}",
                federated_identity_credential_resource_name=account,
                resource_name_=called,
                resource_group_name=setting.group,
                issuer=cast("pulumi.Output[str]", issuer),
                subject=f"system:serviceaccount:{namespace}:{account}",
                audiences=[_AUDIENCE],
                # One after the other: Entra refuses two changes of an identity at once.
                opts=pulumi.ResourceOptions(parent=identity, depends_on=[made, *found]),
            )
        )
    return found


def _pool(args: InfrastructureArgs) -> containerservice.ManagedClusterAgentPoolProfileArgs:
    """The nodes: AKS's own parts run on them too."""
    least, first, most = Infrastructure(
        min_nodes=_whole(args.get("min_nodes")),
        nodes=_whole(args.get("nodes")),
        max_nodes=_whole(args.get("max_nodes")),
    ).node_counts
    return containerservice.ManagedClusterAgentPoolProfileArgs(
        name="system",
        mode="System",
        os_type="Linux",
        vm_size=args.get("instance_type") or SIZE,
        enable_auto_scaling=True,
        min_count=least,
        count=first,
        max_count=most,
    )


def _whole(number: float | None) -> int | None:
    """Pulumi's programs give numbers as floats."""
    return None if number is None else int(number)
