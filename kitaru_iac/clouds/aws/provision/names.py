"""The names of what is made: from the stack, the account and the region, short and always the same.

They must not change from one version to the next: another name is another resource.
"""

from __future__ import annotations

from kitaru_iac.clouds.names import slug
from kitaru_iac.spec.clouds.aws import VOCABULARY

__all__ = [
    "CLUSTER_ROLES",
    "NODE_GROUP",
    "ROLE_USES",
    "bucket_name",
    "cluster_name",
    "is_role_of",
    "log_group_name",
    "network_part_name",
    "repository_name",
    "role_name",
]

#: The node group of a cluster that is ours alone.
NODE_GROUP = "kitaru"
#: What the roles of a cluster are made for.
CLUSTER_ROLES = ("cluster", "nodes", "pods")
#: What roles are made for.
ROLE_USES = ("sagemaker", *CLUSTER_ROLES)


def bucket_name(stack: str, account: str, region: str) -> str:
    """Buckets share one namespace with all the world: account and region keep it ours.

    The stack's 26 characters leave room for the account and the longest region in the 63 of a
    bucket's name, and for the words around it in the 64 of a role's.
    """
    return f"kitaru-{slug(stack)}-{account}-{region}"


def repository_name(stack: str) -> str:
    """A repository lies in its account and region."""
    return f"kitaru/{slug(stack)}"


def cluster_name(stack: str) -> str:
    """A cluster lies in its account and region."""
    return f"kitaru-{slug(stack)}"


def role_name(stack: str, use: str, region: str) -> str:
    """Roles are the account's, in all regions.

    Args:
        stack: The stack.
        use: One of `ROLE_USES`.
        region: Where it is used.
    """
    return f"kitaru-{slug(stack)}-{use}-{region}"


def is_role_of(name: str, stack: str, region: str) -> bool:
    """Whether a role may be of the deployment of a stack in this region.

    A name of ours that ends in another region is of the deployment of a stack of the same name
    there, which another backend may hold.
    """
    for use in ROLE_USES:
        head = role_name(stack, use, "")
        ends = name.removeprefix(head)
        if ends != name and ends != region and VOCABULARY.regions.shape.fullmatch(ends):
            return False
    return True


def network_part_name(stack: str, use: str) -> str:
    """The tag ``Name`` of a network's part, which the console shows: EC2 gives it an id of its own.

    Args:
        stack: The stack.
        use: As ``network`` or ``nat``.
    """
    return f"kitaru-{stack}-{use}"


def log_group_name(cluster: str) -> str:
    """The log group of a cluster's control plane, whose name EKS decides.

    Source: https://docs.aws.amazon.com/eks/latest/userguide/control-plane-logs.html.
    """
    return f"/aws/eks/{cluster}/cluster"
