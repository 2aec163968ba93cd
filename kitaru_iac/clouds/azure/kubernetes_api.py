"""The API of an AKS cluster itself, by the kubeconfig that Azure gives to a user of the cluster.

Where Entra guards the cluster that one holds no credential, and Entra's token for AKS lets in; else
it holds a token of the cluster's own. The administrator's kubeconfig, which ZenML takes, is never
asked for.

https://learn.microsoft.com/azure/aks/control-kubeconfig-access
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass

import yaml

from kitaru_iac.checks.kubernetes_api import KubernetesApi
from kitaru_iac.checks.probes import Skipped, Unavailable
from kitaru_iac.clouds.azure.observations import Raw, known_text, raws, text
from kitaru_iac.clouds.azure.probes_common import VERSIONS
from kitaru_iac.clouds.azure.session import AzureAccess

__all__ = ["ClusterApi", "api_of"]


@dataclass(frozen=True)
class ClusterApi:
    """The API of a cluster, and as whom it is asked.

    Attributes:
        api: The API.
        by_entra: Whether it is asked as the looking identity itself; else as a user of the
            cluster's own, who may do what the administrator may.
    """

    api: KubernetesApi
    by_entra: bool


def api_of(azure: AzureAccess, cluster: Raw) -> ClusterApi:
    """Give the API of a cluster.

    Args:
        azure: Who asks.
        cluster: As Resource Manager describes it.

    Raises:
        ProbeError: There is no kubeconfig, or no token for it.
    """
    path = known_text(cluster, "id")
    about = f"the kubeconfig of {path.rsplit('/', 1)[-1]}"
    answer = azure.question(
        f"{path}/listClusterUserCredential",
        VERSIONS["microsoft.containerservice"],
        {},
        about=about,
    )
    given = next(iter(raws(answer, "kubeconfigs")), {})
    config = _read(known_text(given, "value"), about)
    where = _first(config, "clusters", "cluster")
    user = _first(config, "users", "user")
    own = text(user, "token")
    return ClusterApi(
        KubernetesApi(
            text(where, "server") or "",
            text(where, "certificate-authority-data") or "",
            own or azure.aks_token(),
            azure.timeout,
        ),
        by_entra=own is None,
    )


def _read(encoded: str, about: str) -> Raw:
    try:
        found = yaml.safe_load(base64.b64decode(encoded, validate=True))
    except (binascii.Error, ValueError, yaml.YAMLError) as error:
        raise Unavailable(f"{about} could not be understood") from error
    if not isinstance(found, Mapping):
        raise Unavailable(f"{about} could not be understood")
    return found


def _first(config: Raw, kind: str, name: str) -> Raw:
    """The only entry of a kind: Azure gives one cluster and one user."""
    entry = next(iter(raws(config, kind)), {})
    found = entry.get(name)
    if not isinstance(found, Mapping):
        raise Skipped(f"the kubeconfig that Azure gives has no {name}")
    return found
