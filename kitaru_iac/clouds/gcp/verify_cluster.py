"""The evaluations about the GKE cluster."""

from __future__ import annotations

from functools import partial
from typing import Any

from kitaru_iac.checks.address_ranges import EVERY_ADDRESS, narrow, width
from kitaru_iac.checks.checklist import Checklist
from kitaru_iac.checks.cluster_rights import evaluate_rights as evaluate_cluster_rights
from kitaru_iac.checks.commands import OptionValue, command, note
from kitaru_iac.checks.endpoint import SERVER_TOO, WHOLE_LIST
from kitaru_iac.checks.kubernetes_api import IN_EVERY_CLUSTER, missing_namespace, not_let_in
from kitaru_iac.checks.kubernetes_version import evaluate_version as evaluate_offered
from kitaru_iac.checks.kubernetes_version import minors_of
from kitaru_iac.checks.model import Check, Verdict, fail, ok, unknown, warn
from kitaru_iac.checks.permissions import Identity
from kitaru_iac.checks.probes import Outcome, ProbeError, all_of
from kitaru_iac.checks.pull_secrets import evaluate_pull_secrets
from kitaru_iac.clouds.gcp import commands
from kitaru_iac.clouds.gcp.commands import bind, gcloud
from kitaru_iac.clouds.gcp.kubernetes_api import dns_endpoint
from kitaru_iac.clouds.gcp.observations import Caller, Clusters, Connector, Raw
from kitaru_iac.clouds.gcp.permission_table import Resource
from kitaru_iac.clouds.gcp.permissions import needed
from kitaru_iac.clouds.gcp.probes import GcpProbes
from kitaru_iac.clouds.gcp.resources import GcpResources
from kitaru_iac.clouds.gcp.trust import evaluate_rights
from kitaru_iac.clouds.gcp.verify_compute import evaluate_compute, evaluate_scopes
from kitaru_iac.clouds.gcp.verify_pods import (
    evaluate_pod_identities,
    evaluate_workload_identity,
    pod_probe,
)

__all__ = ["cluster_checks"]


def cluster_checks(
    checklist: Checklist[Caller], probes: GcpProbes, r: GcpResources, connector: Connector
) -> list[Check[object]]:
    """The checks of the cluster that the description names."""
    subject = f"projects/{r.project}/clusters/{r.cluster}"
    add = partial(checklist.check, create=list_clusters(r))
    checks = [
        add(
            "gcp.cluster.exists",
            subject,
            probes.clusters,
            lambda seen: evaluate_found(seen, r),
        ),
    ]
    if r.region is not None:
        checks.append(
            add("gcp.cluster.region", subject, probes.cluster, lambda s: evaluate_region(s, r))
        )
    checks += [
        add("gcp.cluster.active", subject, probes.cluster, lambda s: evaluate_active(s, r)),
        add(
            "gcp.cluster.version",
            subject,
            all_of(probes.cluster, probes.versions),
            lambda seen: evaluate_version(seen[0], seen[1], r),
        ),
    ]
    checks += _pod_checks(checklist, probes, r, subject)
    return [
        *checks,
        _namespace_check(checklist, probes, r, subject),
        add(
            "gcp.cluster.rights",
            f"{subject}/namespaces/{r.namespace}",
            all_of(probes.denied(connector), probes.session),
            lambda seen: evaluate_cluster_rights(
                seen[0], r.namespace, _grant_in_cluster(seen[1], r)
            ),
            not_let_in,
        ),
        add(
            "gcp.cluster.endpoint",
            subject,
            all_of(probes.cluster, after=(probes.endpoint,)),
            lambda seen: evaluate_endpoint(seen, r),
        ),
    ]


def _pod_checks(
    checklist: Checklist[Caller], probes: GcpProbes, r: GcpResources, subject: str
) -> list[Check[object]]:
    """What pods need: nodes, their scopes, the right to pull, and an identity."""
    add = partial(checklist.check, create=list_clusters(r))
    checks: list[Check[Any]] = [
        add("gcp.cluster.compute", subject, probes.cluster, lambda s: evaluate_compute(s, r)),
        add("gcp.cluster.node_scopes", subject, probes.cluster, lambda s: evaluate_scopes(s, r)),
    ]
    if r.repository is not None:
        checks.append(_pull_check(checklist, probes, r, subject))
    if r.foreign is not None:
        pull = r.foreign
        checks.append(
            add(
                "gcp.cluster.pull_secret",
                pull.registry,
                probes.pull_secrets(pull),
                lambda seen: evaluate_pull_secrets(seen, pull, r.namespace),
            )
        )
    checks.append(
        add(
            "gcp.cluster.workload_identity",
            subject,
            probes.cluster,
            lambda seen: evaluate_workload_identity(seen, r),
        )
    )
    if r.bucket is not None:
        checks.append(
            add(
                "gcp.cluster.pod_identity",
                subject,
                pod_probe(probes, r),
                lambda seen: evaluate_pod_identities(seen, r),
            )
        )
    return checks


def _pull_check(
    checklist: Checklist[Caller], probes: GcpProbes, r: GcpResources, subject: str
) -> Check[object]:
    assert r.repository is not None
    name = r.repository
    rights = probes.on_repository("the nodes' rights", probes.node_members)
    wanted = needed(r, Identity.PULL, Resource.REPOSITORY)
    return checklist.check(
        "gcp.cluster.pull",
        subject,
        rights,
        lambda seen: evaluate_rights(
            seen,
            wanted,
            str(name),
            bind(
                "artifacts",
                "repositories",
                name.id,
                member=seen.member,
                role="roles/artifactregistry.reader",
                location=name.location,
                project=name.project,
            ),
        ),
        create=list_clusters(r),
    )


def _namespace_check(
    checklist: Checklist[Caller], probes: GcpProbes, r: GcpResources, subject: str
) -> Check[object]:
    about = ("gcp.cluster.namespace", f"{subject}/namespaces/{r.namespace}")
    if r.namespace in IN_EVERY_CLUSTER:
        return checklist.check(
            *about,
            probes.cluster,
            lambda _: ok(f"every cluster has the namespace {r.namespace}"),
            create=list_clusters(r),
        )

    def absent(error: ProbeError) -> Verdict | None:
        return not_let_in(error) or missing_namespace(error, r.namespace)

    return checklist.check(
        *about,
        probes.namespace,
        lambda name: ok(f"the cluster has the namespace {name}"),
        absent,
        create=list_clusters(r),
    )


def _grant_in_cluster(caller: Caller, r: GcpResources) -> str:
    """The command; `kitaru stack policy` prints a role with no right more than needed."""
    return command(
        "kubectl",
        "create",
        "rolebinding",
        f"kitaru-{r.stack}",
        "--clusterrole=admin",
        f"--user={caller.email or 'PRINCIPAL'}",
        f"--namespace={r.namespace}",
    )


def list_clusters(r: GcpResources) -> str:
    """The command; a cluster is nothing to be made in one line."""
    return note(gcloud("container", "clusters", "list", project=r.project), "shows those there are")


def describe(r: GcpResources, cluster: Raw) -> str:
    """The command that shows one."""
    return commands.cluster("describe", r.cluster, cluster.get("location"), r.project)


def evaluate_found(seen: Clusters, r: GcpResources) -> Verdict:
    """One of the name; none where some zones did not answer is no proof."""
    places = [str(one.get("location")) for one in seen.found]
    if not seen.found and seen.missing_zones:
        return unknown(
            f"GKE shows none of this name, and did not tell the clusters of "
            f"{', '.join(seen.missing_zones)}",
            list_clusters(r),
        )
    if not seen.found:
        return fail(f"there is no cluster of this name in {r.project}", list_clusters(r))
    if len(places) > 1:
        return warn(
            f"there are clusters of this name in {', '.join(places)}, and ZenML takes the last "
            f"that GKE lists, the one in {places[-1]}",
            list_clusters(r),
        )
    return ok(f"it exists, in {places[0]}")


def evaluate_region(cluster: Raw, r: GcpResources) -> Verdict:
    """The region, or one of its zones."""
    place, region = str(cluster.get("location")), str(r.region)
    if place == region or place.startswith(f"{region}-"):
        return ok(f"it is in {place}")
    return warn(f"it is in {place}, and the stack says {region}", list_clusters(r))


def evaluate_active(cluster: Raw, r: GcpResources) -> Verdict:
    """RUNNING; an update does not interrupt pods."""
    status = str(cluster.get("status"))
    said = [
        str(one.get("message")) for one in cluster.get("conditions") or () if one.get("message")
    ]
    words = f": {'; '.join(said)}" if said else ""
    show = describe(r, cluster)
    if status == "RUNNING" and said:
        return warn(f"it is RUNNING, and GKE says{words}", show)
    if status == "RUNNING":
        return ok("it is RUNNING")
    if status == "RECONCILING":
        return warn("it is RECONCILING, and usable meanwhile", show)
    if status == "PROVISIONING":
        return warn("it is PROVISIONING: runs have to wait", show)
    if status in {"STOPPING", "ERROR", "DEGRADED"}:
        return fail(f"it is {status}{words}", show)
    return unknown(f"it is in the state {status}, which is not known here{words}", show)


def evaluate_version(cluster: Raw, config: Raw, r: GcpResources) -> Verdict:
    """Against what GKE offers where the cluster is; its extended channel alone costs more.

    https://cloud.google.com/kubernetes-engine/docs/concepts/release-channels
    """
    offered = [*config["validMasterVersions"]]
    extended: list[str] = []
    for channel in config.get("channels") or ():
        some = extended if channel.get("channel") == "EXTENDED" else offered
        some.extend(channel.get("validVersions") or ())
    show = gcloud(
        "container",
        "get-server-config",
        location=str(cluster.get("location")),
        project=r.project,
    )
    return evaluate_offered(
        str(cluster.get("currentMasterVersion") or ""),
        minors_of(offered),
        minors_of(extended),
        "GKE",
        note(show, "shows the versions to update to"),
    )


def evaluate_endpoint(seen: tuple[Raw, Outcome[bool]], r: GcpResources) -> Verdict:
    """Open to the world, or out of reach: both are worth a word."""
    cluster, reached = seen
    if dns_endpoint(cluster) is not None:
        # IAM lets in before the cluster is reached.
        # https://cloud.google.com/kubernetes-engine/docs/concepts/network-isolation#dns-based_endpoint
        words = "its DNS endpoint is guarded by IAM"
        if reached is not True:
            return _unreached(words, reached, describe(r, cluster))
        return ok(f"{words}, and was reached from here", SERVER_TOO)
    config = cluster.get("controlPlaneEndpointsConfig") or {}
    by_address = config.get("ipEndpointsConfig") or {}
    old = cluster.get("privateClusterConfig") or {}
    if old.get("enablePrivateEndpoint") or False in (
        by_address.get("enablePublicEndpoint"),
        by_address.get("enabled"),
    ):
        return _evaluate_private(cluster, reached, r)
    networks = by_address.get("authorizedNetworksConfig") or (
        cluster.get("masterAuthorizedNetworksConfig") or {}
    )
    return _evaluate_networks(networks, cluster, reached, r)


def _evaluate_private(cluster: Raw, reached: Outcome[bool], r: GcpResources) -> Verdict:
    if reached is True:
        return ok("its endpoint is private, and was reached from here", SERVER_TOO)
    by_name = _update(cluster, r, enable_dns_access=True)
    if isinstance(reached, ProbeError):
        return _unreached("its endpoint is private", reached, by_name)
    return warn(
        "its endpoint is private: this machine and the ZenML server must be in its network, "
        "or its DNS endpoint be on",
        by_name,
    )


def _evaluate_networks(
    networks: Raw, cluster: Raw, reached: Outcome[bool], r: GcpResources
) -> Verdict:
    """Whom the authorized networks let in.

    https://cloud.google.com/kubernetes-engine/docs/how-to/authorized-networks
    """
    cidrs = [str(one.get("cidrBlock")) for one in networks.get("cidrBlocks") or ()]
    listed = ", ".join(cidrs)
    open_to = width(cidrs) if networks.get("enabled") else EVERY_ADDRESS
    if open_to is None:
        return unknown(f"GKE tells addresses that are none: {listed}", describe(r, cluster))
    restrict = _let_in(networks, cidrs, cluster, r)
    if open_to:
        return warn(f"its endpoint is open to {open_to}", restrict)
    # Any customer there can have one of them.
    of_the_cloud = networks.get("gcpPublicCidrsAccessEnabled")
    if of_the_cloud:
        return warn(
            f"its endpoint is open to {f'{listed} and ' if listed else ''}every public address of "
            "Google Cloud, those of its other customers too",
            _update(cluster, r, no_enable_google_cloud_access=True),
        )
    words = f"its endpoint is open to {listed or 'no address outside its network'}"
    if reached is not True:
        return _unreached(words, reached, restrict)
    untold = "; GKE does not tell whether Google Cloud's public addresses are let in too"
    caveat = f"{SERVER_TOO}{untold if of_the_cloud is None else ''}"
    return ok(f"{words}, and was reached from here", caveat)


def _let_in(networks: Raw, cidrs: list[str], cluster: Raw, r: GcpResources) -> str:
    """The command that adds an address. gcloud sends what it is given alone: it says all of it."""
    restrict = _update(
        cluster,
        r,
        enable_master_authorized_networks=True,
        master_authorized_networks=",".join([*narrow(cidrs), "ADDRESS/32"]),
        no_enable_google_cloud_access=networks.get("gcpPublicCidrsAccessEnabled") is False,
        enable_authorized_networks_on_private_endpoint=bool(
            networks.get("privateEndpointEnforcementEnabled")
        ),
    )
    return note(restrict, WHOLE_LIST)


def _update(cluster: Raw, r: GcpResources, **flags: OptionValue) -> str:
    return commands.cluster("update", r.cluster, cluster.get("location"), r.project, **flags)


def _unreached(words: str, reached: Outcome[bool], remedy: str) -> Verdict:
    if isinstance(reached, ProbeError):
        return unknown(f"{words}; whether it is reached from here: {reached.why}", remedy)
    return warn(f"{words}, and was not reached from here", remedy)
