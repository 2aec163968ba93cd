"""A GKE cluster in Autopilot mode, with private nodes.

It costs money by the hour, so it is made only where it is asked for. Google runs the nodes, and
charges for what pods ask for; there are none while nothing runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_gcp import container, serviceaccount

from kitaru_iac.clouds.gcp.provision import lookups, roles
from kitaru_iac.clouds.gcp.provision.args import InfrastructureArgs
from kitaru_iac.clouds.gcp.provision.labels import described
from kitaru_iac.clouds.gcp.provision.names import (
    PODS,
    SERVICES,
    is_shared,
    network_name,
    nodes_id,
)
from kitaru_iac.clouds.gcp.provision.network import Network
from kitaru_iac.clouds.gcp.resources import RepositoryName
from kitaru_iac.errors import DescriptionError, Problem

__all__ = ["Cluster", "Setting", "pods_of", "require_network"]

#: GKE updates the cluster by itself, some months after a version came out.
#: https://cloud.google.com/kubernetes-engine/docs/concepts/release-channels
_CHANNEL = "REGULAR"
#: What a node's account may do, IAM says: https://cloud.google.com/compute/docs/access/
#: service-accounts#scopes_best_practice
_SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a cluster and its parts are, and what they all have.

    Attributes:
        prefix: Of the Pulumi names.
        stack: The stack's name, for the names of the parts.
        project: The project's id.
        region: Where in it.
        marks: Whose it is.
        labels: The same, with what the user gave, on what has labels.
        parent: The component.
        after: What has to be there before, as the APIs.
    """

    prefix: str
    stack: str
    project: str
    region: str
    marks: Mapping[str, str]
    labels: Mapping[str, str]
    parent: pulumi.Resource
    after: tuple[pulumi.Resource, ...] = ()


def pods_of(project: str, number: str, region: str, cluster: str) -> str:
    """All pods of one cluster, as IAM's policies name them.

    Not a service account of Kubernetes: such a name stands for the namesakes in *all* clusters of
    the project, and ZenML's is the same in each.
    https://cloud.google.com/kubernetes-engine/docs/how-to/workload-identity#principal-id-examples
    """
    return (
        f"principalSet://iam.googleapis.com/projects/{number}/locations/global/"
        f"workloadIdentityPools/{project}.svc.id.goog/kubernetes.cluster/"
        f"https://container.googleapis.com/v1/projects/{project}/locations/{region}/"
        f"clusters/{cluster}"
    )


def require_network(args: InfrastructureArgs) -> None:
    """See that it is said in which network a new cluster is.

    Raises:
        DescriptionError: It is not.
    """
    if args.get("new_cluster") and not args.get("subnets") and args.get("network") != "create":
        what = "it is not said in which network the new cluster is"
        remedy = "Give network as `create`, or one subnetwork as subnets."
        raise DescriptionError([Problem("new_cluster", what, remedy=remedy)])


class Cluster:
    """The cluster, its network if that is made, and the account of its nodes.

    Args:
        setting: Where it is, and what its parts have.
        name: The cluster's.
        args: How it is made: who reaches it, and in which network it is.
        repository: What its nodes pull from; None where that is none of the project's.
        made: The same, if it is made here.

    Attributes:
        cluster: The cluster.

    Raises:
        KitaruError: Its network cannot be looked up.
    """

    def __init__(
        self,
        setting: Setting,
        name: str,
        args: InfrastructureArgs,
        *,
        repository: RepositoryName | None,
        made: pulumi.Resource | None,
    ) -> None:
        self._setting = setting
        # A cluster whose nodes may not register or pull is never ready.
        before: list[pulumi.Resource] = list(setting.after)
        network, subnet, ranges = self._network(args, before)
        account = self._nodes(repository, [made] if made else [], before)
        reached_from = args.get("endpoint_access") or ()
        self.cluster = container.Cluster(
            f"{setting.prefix}-cluster",
            name=name,
            project=setting.project,
            location=setting.region,
            enable_autopilot=True,
            network=network,
            subnetwork=subnet,
            ip_allocation_policy=ranges,
            private_cluster_config={
                "enable_private_nodes": True,
                "enable_private_endpoint": not reached_from,
            },
            # Said even for nobody: without it every address may try. Addresses of Google's own
            # virtual machines are anybody's.
            master_authorized_networks_config={
                "cidr_blocks": [{"cidr_block": block} for block in reached_from],
                "gcp_public_cidrs_access_enabled": False,
            },
            control_plane_endpoints_config={
                "dns_endpoint_config": {"allow_external_traffic": bool(args.get("dns_endpoint"))}
            },
            cluster_autoscaling={
                "auto_provisioning_defaults": {
                    "service_account": account.email,
                    "oauth_scopes": _SCOPES,
                }
            },
            release_channel={"channel": _CHANNEL},
            # The provider's own word: Google has no such protection.
            deletion_protection=bool(args.get("deletion_protection")),
            resource_labels=dict(setting.labels),
            opts=pulumi.ResourceOptions(parent=setting.parent, depends_on=before),
        )

    def _nodes(
        self,
        repository: RepositoryName | None,
        made: list[pulumi.Resource],
        before: list[pulumi.Resource],
    ) -> serviceaccount.Account:
        """The account of the nodes; what it may do goes to what is there before the cluster."""
        setting = self._setting
        account, role = roles.nodes(
            setting.prefix,
            nodes_id(setting.stack),
            stack=setting.stack,
            project=setting.project,
            region=setting.region,
            marks=setting.marks,
            parent=setting.parent,
            after=setting.after,
        )
        before.append(role)
        if repository is not None:
            pull = roles.pulls(
                setting.prefix,
                "nodes",
                repository,
                account.member,
                parent=account,
                after=made,
                shared=False,
            )
            before.append(pull)
        return account

    def _network(
        self, args: InfrastructureArgs, before: list[pulumi.Resource]
    ) -> tuple[
        pulumi.Input[str],
        pulumi.Input[str],
        container.ClusterIpAllocationPolicyArgsDict | None,
    ]:
        """The network, the subnet in it, and the ranges of pods and services, if GKE adds none."""
        setting = self._setting
        ranges: container.ClusterIpAllocationPolicyArgsDict = {
            "cluster_secondary_range_name": PODS,
            "services_secondary_range_name": SERVICES,
        }
        if subnets := args.get("subnets"):
            network = lookups.network_of(setting.parent, subnets[0])
            return network, subnets[0], ranges if is_shared(subnets[0], setting.project) else None
        made = Network(
            setting.prefix,
            network_name(setting.stack, setting.region),
            project=setting.project,
            region=setting.region,
            description=described(setting.marks, setting.region),
            parent=setting.parent,
            after=setting.after,
        )
        before += made.ready
        return made.network.id, made.subnet.id, ranges
