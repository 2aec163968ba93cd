"""The API of an EKS cluster itself.

The token is a presigned STS request, as `aws eks get-token` makes it.
https://docs.aws.amazon.com/eks/latest/userguide/cluster-auth.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kitaru_iac.checks.kubernetes_api import KubernetesApi
from kitaru_iac.clouds.aws.session import AwsAccess

__all__ = ["api_of"]


def api_of(aws: AwsAccess, cluster: Mapping[str, Any]) -> KubernetesApi:
    """Give the API of a cluster.

    Args:
        aws: Who asks.
        cluster: As EKS describes it.
    """
    return KubernetesApi(
        str(cluster.get("endpoint") or ""),
        str((cluster.get("certificateAuthority") or {}).get("data") or ""),
        aws.eks_token(str(cluster.get("name"))),
        aws.timeout,
    )
