"""The evaluations about the GKE cluster."""

from __future__ import annotations

from functools import partial
from typing import Any

from kitaru_iac.checks.checklist import Checklist
from kitaru_iac.checks.cluster_rights import evaluate_rights as evaluate_cluster_rights
from kitaru_iac.checks.commands import command, note
from kitaru_iac.checks.kubernetes_api import IN_EVERY_CLUSTER, missing_namespace, not_let_in
from kitaru_iac.checks.kubernetes_version import evaluate_version as evaluate_offered
from kitaru_iac.checks.kubernetes_version import minors_of
from kitaru_iac.checks.model import Check, Verdict, fail, ok, unknown, warn
from kitaru_iac.checks.permissions import Identity
from kitaru_iac.checks.probes import ProbeError, all_of
from kitaru_iac.checks.pull_secrets import evaluate_pull_secrets
from kitaru_iac.clouds.gcp import commands
from kitaru_iac.clouds.gcp.commands import bind, gcloud
from kitaru_iac.clouds.gcp.observations import Caller, Clusters, Connector, Raw
from kitaru_iac.clouds.gcp.permission_table import Resource
from kitaru_iac.clouds.gcp.permissions import needed
from kitaru_iac.clouds.gcp.probes import GcpProbes
from kitaru_iac.clouds.gcp.resources import GcpResources
from kitaru_iac.clouds.gcp.trust import evaluate_rights
from kitaru_iac.clouds.gcp.verify_compute import evaluate_compute, evaluate_scopes
from kitaru_iac.clouds.gcp.verify_endpoint import evaluate_endpoint
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
