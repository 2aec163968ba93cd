"""What is asked about the AKS cluster: of Resource Manager, and whether its API is reached.

The cluster's own API is not asked. Its certificate authority comes only with a kubeconfig, which
Azure hands out as a credential of the cluster (``listCluster…Credential``): a check takes none.
"""

from __future__ import annotations

from kitaru_iac.checks.endpoint import connects
from kitaru_iac.checks.probes import Probe, Skipped, Unavailable
from kitaru_iac.clouds.azure.observations import Principal, Raw, flag, known_text, raws, text
from kitaru_iac.clouds.azure.probes_common import VERSIONS, CommonProbes
from kitaru_iac.clouds.azure.resources import location_of

__all__ = ["ClusterProbes", "api_host"]

_CLUSTERS = "Microsoft.ContainerService/managedClusters"
_VERSIONS = "Microsoft.ContainerService/locations/kubernetesversions/read"


class ClusterProbes(CommonProbes):
    """The probes of the cluster in which pods run."""

    cluster: Probe[Raw]
    cluster_id: Probe[str]
    endpoint: Probe[bool]
    kubelet: Probe[Principal]
    versions: Probe[tuple[Raw, ...]]

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
        self.versions = Probe(_VERSIONS, self._offered, requires=(self._where, self.cluster))
        self.endpoint = Probe("the cluster's API", self._reached, requires=(self.cluster,))
        self.kubelet = Probe(
            "the kubelet's identity", _kubelet, requires=(self.cluster,), inline=True
        )

    def _offered(self, where: str, cluster: Raw) -> tuple[Raw, ...]:
        """The versions of Kubernetes that AKS offers where the cluster is."""
        location = location_of(known_text(cluster, "location"))
        provider = f"{where}/providers/Microsoft.ContainerService"
        about = f"the versions of AKS in {location}"
        found = raws(
            self._azure.get(
                f"{provider}/locations/{location}/kubernetesVersions",
                VERSIONS["microsoft.containerservice"],
                about=about,
            ),
            "values",
        )
        if not found:
            raise Unavailable(f"what was answered about {about} are none", "Look again later.")
        return found

    def _reached(self, cluster: Raw) -> bool:
        """Whether a connection to the address that ZenML takes is taken from here."""
        where = api_host(cluster)
        if not where:
            raise Skipped("AKS told no address of its API")
        return connects(where, self._azure.timeout)


def api_host(cluster: Raw) -> str | None:
    """The host in the kubeconfig that ZenML gets: of a private cluster the name in its network.

    https://learn.microsoft.com/azure/aks/private-clusters
    """
    public = text(cluster, "properties", "fqdn")
    if flag(cluster, "properties", "apiServerAccessProfile", "enablePrivateCluster"):
        return text(cluster, "properties", "privateFQDN") or public
    return public


def _kubelet(cluster: Raw) -> Principal:
    """Who the nodes pull images as.

    Raises:
        Skipped: A cluster with a service principal of its own does not say its object id.
    """
    found = text(cluster, "properties", "identityProfile", "kubeletidentity", "objectId")
    if found is None:
        raise Skipped("the cluster does not say which identity its nodes pull with")
    return Principal(found, "the nodes' identity (kubelet)")
