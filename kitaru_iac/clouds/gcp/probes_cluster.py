"""What is asked of GKE, and of the cluster itself."""

from __future__ import annotations

from typing import Any

from kitaru_iac.checks.cluster_rights import POD_RIGHTS, ClusterRight
from kitaru_iac.checks.commands import note
from kitaru_iac.checks.endpoint import connects
from kitaru_iac.checks.kubernetes_api import KubernetesApi
from kitaru_iac.checks.probes import NotFound, Probe, Skipped, Unavailable
from kitaru_iac.checks.pull_secrets import ForeignPull, SeenSecrets, look
from kitaru_iac.clouds.gcp.commands import gcloud
from kitaru_iac.clouds.gcp.kubernetes_api import api_of, dns_endpoint, endpoint_of
from kitaru_iac.clouds.gcp.observations import Caller, Clusters, Connector, Project, Raw
from kitaru_iac.clouds.gcp.probes_common import CommonProbes
from kitaru_iac.clouds.gcp.probes_registry import as_rest

__all__ = ["ClusterProbes", "is_autopilot", "new_pools", "node_accounts"]


class ClusterProbes(CommonProbes):
    """The probes of the cluster."""

    def _ask_cluster(self) -> None:
        self.clusters = self._probe("container.clusters.list", self._clusters)
        self.cluster: Probe[Raw] = Probe(
            "container.clusters.list", self._cluster, requires=(self.clusters,), inline=True
        )
        self.versions: Probe[Raw] = Probe(
            "container.projects.getServerConfig", self._versions, requires=(self.cluster,)
        )
        self.namespace: Probe[str] = Probe(
            "the cluster's namespaces",
            lambda cluster: self._api(cluster).namespace(self._r.namespace),
            requires=(self.cluster,),
        )
        self.endpoint: Probe[bool] = Probe(
            "the cluster's endpoint", self._reached, requires=(self.cluster,)
        )
        self.by_name: Probe[bool] = Probe(
            "the cluster's DNS endpoint",
            lambda cluster: dns_endpoint(cluster) is not None,
            requires=(self.cluster,),
            inline=True,
        )
        self.node_members: Probe[tuple[str, ...]] = Probe(
            "the nodes' service account",
            self._node_members,
            requires=(self.cluster, self.project),
            inline=True,
        )

    def denied(self, who: Connector) -> Probe[tuple[ClusterRight, ...]]:
        """What the cluster denies the connector of what ZenML does, where it is who looks."""

        def run(cluster: Raw, caller: Caller) -> tuple[ClusterRight, ...]:
            show = note(gcloud("auth", "list"), "run it as the connector, or give --credentials")
            if who.unseen is not None:
                raise Skipped(who.unseen, show)
            if who.member not in {None, caller.member}:
                raise Skipped(
                    f"a cluster tells everybody their own rights alone: these credentials are "
                    f"{caller.member or caller.kind}, and the connector is {who.member}",
                    show,
                )
            return self._api(cluster).denied(self._r.namespace, self._r.rights)

        requires = (self.cluster, self.session)
        return Probe("the cluster's access reviews", run, requires=requires)

    def _api(self, cluster: Raw) -> KubernetesApi:
        return api_of(self._google, cluster)

    def _clusters(self) -> Clusters:
        """One question finds regional and zonal clusters, as ZenML's connector finds them."""
        if self._r.project is None:
            raise Skipped("the description names no project")
        parent = f"projects/{self._r.project}/locations/-"

        def ask(client: Any, seconds: float) -> Any:
            return client.list_clusters(parent=parent, timeout=seconds, retry=None)

        answer = as_rest(
            self._google.clusters(
                ask,
                about=f"the clusters of {self._r.project}",
                permission="container.clusters.list",
            )
        )
        found = [one for one in answer.get("clusters") or () if one.get("name") == self._r.cluster]
        for one in found:
            if not one.get("location") or not one.get("status"):
                raise Unavailable(f"what GKE answered about {self._r.cluster} is no cluster")
        return Clusters(tuple(found), tuple(answer.get("missingZones") or ()))

    def _cluster(self, seen: Clusters) -> Raw:
        """The one cluster of the name: where there are two, the one in the stack's region."""
        if not seen.found and seen.missing_zones:
            raise Unavailable(
                f"GKE did not tell the clusters of {', '.join(seen.missing_zones)}",
                "Look again later.",
            )
        if not seen.found:
            raise NotFound(f"the cluster {self._r.cluster} does not exist")
        return cluster_in(seen, self._r.region)

    def _versions(self, cluster: Raw) -> Raw:
        """What GKE offers where the cluster is; told to whoever may list clusters."""
        where = f"projects/{self._r.project}/locations/{cluster['location']}"

        def ask(client: Any, seconds: float) -> Any:
            return client.get_server_config(name=where, timeout=seconds, retry=None)

        about = f"the versions of GKE in {cluster['location']}"
        found = as_rest(
            self._google.clusters(ask, about=about, permission="container.clusters.list")
        )
        if not found.get("validMasterVersions"):
            raise Unavailable(f"what Google answered about {about} are none", "Look again later.")
        return found

    def _reached(self, cluster: Raw) -> bool:
        """Whether a connection to the endpoint that ZenML takes is taken from here."""
        where = endpoint_of(cluster)
        if not where:
            raise Skipped("GKE told no endpoint")
        return connects(where.removeprefix("https://"), self._google.timeout)

    def pod_account(self, account: str) -> Probe[Raw]:
        """A service account of Kubernetes that pods run as; empty where there is none yet."""
        return Probe(
            "the pods' service account",
            lambda cluster: self._api(cluster).service_account(self._r.namespace, account),
            requires=(self.cluster,),
        )

    def pull_secrets(self, pull: ForeignPull) -> Probe[SeenSecrets]:
        """The secrets with which pods pull from a registry that is not Google's."""
        return Probe(
            "the pods' image pull secrets",
            lambda cluster: look(self._api(cluster), self._r.namespace, pull),
            requires=(self.cluster,),
        )

    def account_rights(self, account: str) -> Probe[tuple[ClusterRight, ...]]:
        """What the cluster denies a service account of what the orchestrator's pod does."""
        return Probe(
            "the access reviews of the service account",
            lambda cluster: self._api(cluster).denied(self._r.namespace, POD_RIGHTS, account),
            requires=(self.cluster,),
        )

    def _node_members(self, cluster: Raw, project: Project) -> tuple[str, ...]:
        accounts = node_accounts(cluster, project.number)
        if not accounts:
            raise Skipped("GKE told no service account of its nodes")
        if len(accounts) > 1:
            raise Skipped(f"the nodes run as several accounts: {', '.join(accounts)}")
        return (f"serviceAccount:{accounts[0]}",)


def cluster_in(seen: Clusters, region: str | None) -> Raw:
    """Of the clusters of one name the one in a region or in one of its zones, else the last.

    The last is what ZenML takes (``gcp_service_connector.py``, ZenML 0.98).
    """
    for one in seen.found:
        location = str(one.get("location"))
        if region is not None and (location == region or location.startswith(f"{region}-")):
            return one
    return seen.found[-1]


def is_autopilot(cluster: Raw) -> bool:
    """Tell whether Google keeps the nodes of a cluster."""
    return bool((cluster.get("autopilot") or {}).get("enabled"))


def new_pools(cluster: Raw) -> Raw:
    """What node auto-provisioning gives the pools that it makes; empty where it is off.

    https://cloud.google.com/kubernetes-engine/docs/how-to/node-auto-provisioning
    """
    scaling: Raw = cluster.get("autoscaling") or {}
    if not scaling.get("enableNodeAutoprovisioning"):
        return {}
    found: Raw = scaling.get("autoprovisioningNodePoolDefaults") or {}
    return found


def node_accounts(cluster: Raw, number: str) -> tuple[str, ...]:
    """The service accounts of a cluster's nodes; ``default`` is the project's Compute account.

    https://cloud.google.com/kubernetes-engine/docs/how-to/service-accounts
    """
    scaling = cluster.get("autoscaling") or {}
    is_kept = is_autopilot(cluster)
    pools = () if is_kept else cluster.get("nodePools") or ()
    named = [(pool.get("config") or {}).get("serviceAccount") for pool in pools]
    if is_kept or scaling.get("enableNodeAutoprovisioning"):
        named.append((scaling.get("autoprovisioningNodePoolDefaults") or {}).get("serviceAccount"))
    default = f"{number}-compute@developer.gserviceaccount.com"
    found = (default if one in {None, "", "default"} else str(one) for one in named)
    return tuple(dict.fromkeys(found))
