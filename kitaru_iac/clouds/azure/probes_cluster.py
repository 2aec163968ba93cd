"""What is asked about the AKS cluster: of Resource Manager, and of the cluster itself."""

from __future__ import annotations

from functools import partial
from itertools import filterfalse

from kitaru_iac.checks.cluster_rights import POD_RIGHTS, ClusterRight
from kitaru_iac.checks.commands import note
from kitaru_iac.checks.endpoint import connects
from kitaru_iac.checks.pods import is_hidden
from kitaru_iac.checks.probes import Probe, Skipped, Unavailable, outcomes_of
from kitaru_iac.checks.pull_secrets import ForeignPull, SeenSecrets, look
from kitaru_iac.clouds.azure.commands import az
from kitaru_iac.clouds.azure.kubernetes_api import ClusterApi, api_of
from kitaru_iac.clouds.azure.observations import Principal, Raw, flag, known_text, raws, text
from kitaru_iac.clouds.azure.probes_common import VERSIONS, CommonProbes
from kitaru_iac.clouds.azure.resources import location_of
from kitaru_iac.clouds.azure.verify_pods import ServiceAccounts

__all__ = ["ClusterProbes", "api_host"]

_CLUSTERS = "Microsoft.ContainerService/managedClusters"
_VERSIONS = "Microsoft.ContainerService/locations/kubernetesversions/read"


class ClusterProbes(CommonProbes):
    """The probes of the cluster in which pods run."""

    cluster: Probe[Raw]
    cluster_id: Probe[str]
    inside: Probe[ClusterApi]
    namespace: Probe[str]
    service_accounts: Probe[ServiceAccounts]
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
        self.inside = Probe(
            f"{_CLUSTERS}/listClusterUserCredential/action",
            lambda seen: api_of(self._azure, seen),
            requires=(self.cluster,),
        )
        self.namespace = Probe(
            "the cluster's namespaces",
            lambda inside: inside.api.namespace(self._r.namespace),
            requires=(self.inside,),
        )
        self.service_accounts = Probe(
            "the pods' service accounts", self._service_accounts, requires=(self.inside,)
        )
        self.endpoint = Probe("the cluster's API", self._reached, requires=(self.cluster,))
        self.kubelet = Probe(
            "the kubelet's identity", _kubelet, requires=(self.cluster,), inline=True
        )

    def denied(self, connector: Probe[Principal]) -> Probe[tuple[ClusterRight, ...]]:
        """What the cluster denies the connector of what ZenML does, where it is who looks."""

        def run(inside: ClusterApi, who: Principal) -> tuple[ClusterRight, ...]:
            if not who.is_caller:
                raise Skipped(
                    "a cluster tells everybody their own rights alone, and the connector is "
                    f"{who.name}",
                    note(az("account", "show"), "run it as the connector, or give --credentials"),
                )
            return inside.api.denied(self._r.namespace, self._r.rights)

        requires = (self.inside, connector)
        return Probe("the cluster's access reviews", run, requires=requires)

    def _service_accounts(self, inside: ClusterApi) -> ServiceAccounts:
        """The service accounts that are named, and what the orchestrator's is denied."""
        api, namespace, named = inside.api, self._r.namespace, self._r.named_account
        names = filterfalse(is_hidden, self._r.required_accounts)
        found = outcomes_of(partial(api.service_account, namespace), names)
        asked = () if named is None else (named,)
        return ServiceAccounts(
            found, outcomes_of(partial(api.denied, namespace, POD_RIGHTS), asked)
        )

    def pull_secrets(self, pull: ForeignPull) -> Probe[SeenSecrets]:
        """The secrets with which pods pull from a registry that is not Azure's."""
        return Probe(
            "the pods' image pull secrets",
            lambda inside: look(inside.api, self._r.namespace, pull),
            requires=(self.inside,),
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
