"""The names of what is made: from the stack, the project and the region, short and always the same.

They must not change from one version to the next: another name is another resource.
"""

from __future__ import annotations

from kitaru_iac.clouds.names import slug

__all__ = [
    "PODS",
    "SERVICES",
    "account_email",
    "bucket_name",
    "cluster_name",
    "is_shared",
    "network_name",
    "nodes_id",
    "repository_name",
    "workload_id",
]

#: The secondary ranges of a cluster's subnet.
PODS, SERVICES = "pods", "services"
#: Leaves room for the number and the longest region in the 63 characters of a bucket's name, and
#: for the words around it in the 30 of a service account's.
_LONGEST = 19


def bucket_name(stack: str, number: str, region: str) -> str:
    """Buckets share one namespace with all the world: the project's number and region keep it ours.

    The project's id would do as well, but may be longer, and may hold words that Google keeps.
    https://cloud.google.com/storage/docs/buckets#naming
    """
    return f"kitaru-{slug(stack, _LONGEST)}-{number}-{region}"


def repository_name(stack: str) -> str:
    """A repository lies in its project and location."""
    return f"kitaru-{slug(stack)}"


def workload_id(stack: str) -> str:
    """What stands before the ``@`` of the account that steps run as: 6 to 30 characters.

    It is the project's, in all regions: the account's description says for which one it is.
    https://cloud.google.com/iam/docs/service-accounts-create
    """
    return f"kitaru-{slug(stack, _LONGEST)}-run"


def cluster_name(stack: str) -> str:
    """A cluster lies in its project and region: at most 40 characters."""
    return f"kitaru-{slug(stack)}"


def network_name(stack: str, region: str) -> str:
    """A network is the project's, in all regions; its subnet and its router are called alike."""
    return f"kitaru-{slug(stack)}-{region}"


def nodes_id(stack: str) -> str:
    """What stands before the ``@`` of the account of a cluster's nodes: 6 to 30 characters."""
    return f"kitaru-{slug(stack, _LONGEST)}-gke"


def account_email(id: str, project: str) -> str:
    """The address of a service account of a project."""
    return f"{id}@{project}.iam.gserviceaccount.com"


def is_shared(subnet: str, project: str) -> bool:
    """Whether a subnetwork is another project's (Shared VPC), to which GKE adds no ranges.

    Whose a number is does not show.
    https://cloud.google.com/kubernetes-engine/docs/how-to/cluster-shared-vpc

    Args:
        subnet: As ``projects/P/regions/R/subnetworks/NAME``.
        project: The id of the cluster's.
    """
    owner = subnet.split("/")[1]
    return owner != project and not owner.isdecimal()
