"""The names of what is made: from the stack, the account and the region, short and always the same.

They must not change from one version to the next: another name is another resource.
"""

from __future__ import annotations

import hashlib
import re

__all__ = [
    "NODE_GROUP",
    "bucket_name",
    "cluster_name",
    "log_group_name",
    "repository_name",
    "role_name",
    "slug",
]

#: The node group of a cluster that is ours alone.
NODE_GROUP = "kitaru"

#: Leaves room for the account and the longest region in the 63 characters of a bucket's name, and
#: for the words around it in the 64 of a role's.
_LONGEST = 26
#: How a name that was altered ends; one that ends so by itself is altered too, or it could be that
#: of another stack.
_LIKE_ALTERED = re.compile(r"(?:.*-)?[0-9a-f]{6}")


def slug(stack: str) -> str:
    """The stack's name in what every service takes: ``a-z0-9-``, at most 26 characters.

    A name that had to be altered gets a few digits of its hash, so that `Prod` and `prod` differ,
    and so does one that looks as if it were: `prod-5f5635`.
    """
    plain = re.sub(r"[^a-z0-9]+", "-", stack.lower()).strip("-")
    if plain == stack and len(plain) <= _LONGEST and not _LIKE_ALTERED.fullmatch(plain):
        return plain
    digest = hashlib.sha256(stack.encode()).hexdigest()[:6]
    return f"{plain[: _LONGEST - 7].strip('-')}-{digest}".lstrip("-")


def bucket_name(stack: str, account: str, region: str) -> str:
    """Buckets share one namespace with all the world: account and region keep it ours."""
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
        use: ``sagemaker``, ``cluster``, ``nodes`` or ``pods``.
        region: Where it is used.
    """
    return f"kitaru-{slug(stack)}-{use}-{region}"


def log_group_name(cluster: str) -> str:
    """The log group of a cluster's control plane, whose name EKS decides.

    Source: https://docs.aws.amazon.com/eks/latest/userguide/control-plane-logs.html.
    """
    return f"/aws/eks/{cluster}/cluster"
