"""What is asked about the AKS cluster: of Resource Manager alone.

The cluster's own API is not asked. Its certificate authority comes only with a kubeconfig, which
Azure hands out as a credential of the cluster (``listCluster…Credential``): a check takes none.
"""

from __future__ import annotations

from kitaru_iac.checks.probes import Probe, Skipped
from kitaru_iac.clouds.azure.observations import Principal, Raw, known_text, text
from kitaru_iac.clouds.azure.probes_common import VERSIONS, CommonProbes

__all__ = ["ClusterProbes"]

_CLUSTERS = "Microsoft.ContainerService/managedClusters"


class ClusterProbes(CommonProbes):
    """The probes of the cluster in which pods run."""

    cluster: Probe[Raw]
    cluster_id: Probe[str]
    kubelet: Probe[Principal]

    def _ask_cluster(self) -> None:
        name, group = self._r.cluster, self._r.group
        self.cluster = self._below(
            f"{_CLUSTERS}/read",
            lambda where: self._azure.resource(
                f"{where}/resourceGroups/{group}/providers/{_CLUSTERS}/{name}",
                VERSIONS["microsoft.containerservice"],
                about=f"the cluster {name} in {group}",
            ),
        )
        self.cluster_id = Probe(
            "the cluster's id",
            lambda seen: known_text(seen, "id"),
            requires=(self.cluster,),
            inline=True,
        )
        self.kubelet = Probe(
            "the kubelet's identity", _kubelet, requires=(self.cluster,), inline=True
        )


def _kubelet(cluster: Raw) -> Principal:
    """Who the nodes pull images as.

    Raises:
        Skipped: A cluster with a service principal of its own does not say its object id.
    """
    found = text(cluster, "properties", "identityProfile", "kubeletidentity", "objectId")
    if found is None:
        raise Skipped("the cluster does not say which identity its nodes pull with")
    return Principal(found, "the nodes' identity (kubelet)")
