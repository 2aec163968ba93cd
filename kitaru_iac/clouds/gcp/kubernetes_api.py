"""The API of a GKE cluster itself, which takes the access tokens of Google Cloud.

https://cloud.google.com/kubernetes-engine/docs/how-to/api-server-authentication
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kitaru_iac.checks.kubernetes_api import KubernetesApi
from kitaru_iac.clouds.gcp.session import GcpAccess

__all__ = ["api_of", "dns_endpoint", "endpoint_of"]

Raw = Mapping[str, Any]


def api_of(google: GcpAccess, cluster: Raw) -> KubernetesApi:
    """Give the API of a cluster, at the endpoint that ZenML takes.

    Args:
        google: Who asks.
        cluster: As GKE describes it, in REST's spelling.
    """
    by_name = dns_endpoint(cluster) is not None
    authority = str((cluster.get("masterAuth") or {}).get("clusterCaCertificate") or "")
    # The DNS endpoint has a certificate that everybody trusts, the others the cluster's own.
    return KubernetesApi(
        endpoint_of(cluster), None if by_name else authority, google.token(), google.timeout
    )


def endpoint_of(cluster: Raw) -> str:
    """The address that ZenML 0.98 takes: the DNS endpoint that lets traffic in, else the IP's."""
    where = dns_endpoint(cluster) or str(cluster.get("endpoint") or "")
    return f"https://{where}" if where else ""


def dns_endpoint(cluster: Raw) -> str | None:
    """The DNS endpoint, if there is one that takes traffic from outside its network."""
    config = (cluster.get("controlPlaneEndpointsConfig") or {}).get("dnsEndpointConfig") or {}
    found = str(config.get("endpoint") or "").strip()
    return found if found and config.get("allowExternalTraffic") else None
