"""The evaluations about the AKS cluster."""

from __future__ import annotations

from kitaru_iac.checks.address_ranges import EVERY_ADDRESS, narrow, width
from kitaru_iac.checks.checklist import Checklist
from kitaru_iac.checks.cluster_rights import ClusterRight
from kitaru_iac.checks.cluster_rights import evaluate_rights as evaluate_cluster_rights
from kitaru_iac.checks.commands import command, note
from kitaru_iac.checks.endpoint import SERVER_TOO, WHOLE_LIST
from kitaru_iac.checks.kubernetes_api import IN_EVERY_CLUSTER, missing_namespace, not_let_in
from kitaru_iac.checks.model import Check, CheckStatus, Verdict, fail, ok, unknown, warn
from kitaru_iac.checks.permissions import Identity
from kitaru_iac.checks.probes import Outcome, Probe, ProbeError, all_of
from kitaru_iac.checks.pull_secrets import evaluate_pull_secrets
from kitaru_iac.clouds.azure.commands import az, of
from kitaru_iac.clouds.azure.explain import About, evaluate_region
from kitaru_iac.clouds.azure.observations import (
    Principal,
    Raw,
    flag,
    known_text,
    text,
    texts,
    within,
)
from kitaru_iac.clouds.azure.permission_table import Resource
from kitaru_iac.clouds.azure.permissions import permissions_for
from kitaru_iac.clouds.azure.probes import AzureProbes
from kitaru_iac.clouds.azure.probes_cluster import api_host
from kitaru_iac.clouds.azure.resources import AzureResources
from kitaru_iac.clouds.azure.verify_compute import evaluate_compute, evaluate_version
from kitaru_iac.clouds.azure.verify_identity import access_check
from kitaru_iac.clouds.azure.verify_pods import evaluate_service_accounts
from kitaru_iac.clouds.azure.verify_registry import evaluate_registry_rights
from kitaru_iac.values import replace

__all__ = [
    "cluster_checks",
    "evaluate_cluster",
    "evaluate_inside",
    "evaluate_local_accounts",
    "evaluate_reachable",
    "evaluate_workload_identity",
]


_NOT_AS_ADMIN = "not asked as the local administrator, as whom ZenML's connector comes"


def cluster_checks(
    checklist: Checklist[Principal],
    probes: AzureProbes,
    r: AzureResources,
    connector: Probe[Principal],
    subject: str,
) -> list[Check[object]]:
    """The checks of the cluster that the description names.

    Args:
        checklist: Makes them.
        probes: What is asked.
        r: What the description names.
        connector: The identity that the connector is.
        subject: The same in words.
    """
    create = az(
        "aks",
        "create",
        name=r.cluster,
        resource_group=r.group,
        location=r.location,
        enable_managed_identity=True,
        enable_oidc_issuer=True,
        enable_workload_identity=True,
        generate_ssh_keys=True,
        subscription=r.subscription,
    )
    about = About(checklist, str(r.cluster), create)
    about.add("azure.cluster.exists", probes.cluster, evaluate_cluster, absent=create)
    about.add("azure.cluster.local_accounts", probes.cluster, evaluate_local_accounts)
    if r.location is not None:
        location = r.location
        about.add(
            "azure.cluster.region",
            probes.cluster,
            lambda seen: evaluate_region(seen, location, _aks("show", seen)),
        )
    about.add(
        "azure.cluster.version",
        all_of(probes.cluster, probes.versions),
        lambda seen: evaluate_version(*seen),
    )
    about.add("azure.cluster.compute", probes.cluster, lambda seen: evaluate_compute(seen, r.pods))
    _add_inside(about, probes, r, connector)
    about.add(
        "azure.cluster.reachable",
        all_of(probes.cluster, after=(probes.endpoint,)),
        lambda seen: evaluate_reachable(*seen),
    )
    about.add("azure.cluster.workload_identity", probes.cluster, evaluate_workload_identity)
    if r.registry is not None:
        about.add(
            "azure.cluster.pull",
            all_of(probes.registry, probes.rights_on_registry(probes.kubelet)),
            lambda seen: evaluate_registry_rights(*seen, Identity.PULL, r),
        )
    rows = permissions_for(r, Identity.CONNECTOR, Resource.CLUSTER)
    rights = probes.rights("the cluster", probes.cluster_id, connector)
    about.made.append(
        access_check(checklist, "azure.connector.cluster_access", subject, [(rights, rows)], create)
    )
    return about.made


def _add_inside(
    about: About, probes: AzureProbes, r: AzureResources, connector: Probe[Principal]
) -> None:
    """What the cluster alone tells. One that does not answer in time leaves it open."""
    where = f"{r.cluster}/{r.namespace}"
    if r.namespace in IN_EVERY_CLUSTER:
        said = ok(f"every cluster has the namespace {r.namespace}")
        about.add("azure.cluster.namespace", probes.cluster, lambda _: said, subject=where)
    else:
        about.add(
            "azure.cluster.namespace",
            probes.namespace,
            lambda name: ok(f"the cluster has the namespace {name}"),
            subject=where,
            on_error=lambda error: not_let_in(error) or missing_namespace(error, r.namespace),
        )
    about.add(
        "azure.cluster.rights",
        all_of(probes.denied(connector), probes.inside),
        lambda seen: evaluate_inside(seen[0], seen[1].by_entra, r.namespace),
        subject=where,
        on_error=not_let_in,
    )
    if r.required_accounts:
        about.add(
            "azure.cluster.service_accounts",
            probes.service_accounts,
            lambda seen: evaluate_service_accounts(seen, r),
            subject=where,
        )
    if r.foreign is not None:
        pull = r.foreign
        about.add(
            "azure.cluster.pull_secret",
            probes.pull_secrets(pull),
            lambda seen: evaluate_pull_secrets(seen, pull, r.namespace),
            subject=pull.registry,
        )


def _aks(verb: str, cluster: Raw, *words: str) -> str:
    return az("aks", verb, *words, **of(known_text(cluster, "id")))


def evaluate_cluster(cluster: Raw) -> Verdict:
    """Whether it was made to its end, and runs."""
    state = text(cluster, "properties", "provisioningState")
    power = text(cluster, "properties", "powerState", "code")
    show = _aks("show", cluster)
    if state in {"Failed", "Canceled", "Deleting"}:
        return fail(f"it is in the state {state}", show)
    if power == "Stopped":
        return fail("it is stopped", _aks("start", cluster))
    if power == "Running" and state == "Succeeded":
        return ok("it runs")
    if power == "Running" and state in {
        *("Creating", "Updating", "Upgrading", "Scaling", "Starting", "Stopping"),
        *("RotatingClusterCertificates", "ReconcilingClusterETCDCertificates"),
    }:
        return warn(f"it is being changed ({state})", show)
    return unknown(f"it is in the state {state}, power {power}", show)


def evaluate_local_accounts(cluster: Raw) -> Verdict:
    """On: ZenML's connector takes the local administrator's kubeconfig, and no other.

    Decided from the setting and never by asking for the kubeconfig, which is a credential.
    """
    off = flag(cluster, "properties", "disableLocalAccounts")
    on = _aks("update", cluster, "--enable-local-accounts")
    if off is True:
        return fail(
            "its local accounts are off, and ZenML's connector has no other way into a cluster "
            "of AKS (AKS Automatic has them off by default)",
            note(on, "or reach it with a kubeconfig of your own, without a connector"),
        )
    if off is False:
        return ok("it has local accounts, with which ZenML's connector opens it")
    return unknown("it does not say whether it has local accounts", on)


def evaluate_inside(denied: tuple[ClusterRight, ...], by_entra: bool, namespace: str) -> Verdict:
    """What the cluster denies who looks, against what ZenML's connector comes as.

    Without Entra both are the cluster's own users, who may do alike. With it who looks is asked as
    itself, and the connector still comes as the local administrator.

    Args:
        denied: Of the rights that ZenML needs.
        by_entra: Whether who looks was asked as itself.
        namespace: Where.
    """
    remedy = command("kubectl", "auth", "can-i", "--list", f"--namespace={namespace}")
    if not by_entra:
        found = evaluate_cluster_rights(denied, namespace, remedy)
        return replace(found, caveat=_NOT_AS_ADMIN) if found.status is CheckStatus.OK else found
    if denied:
        lacking = ", ".join(map(str, denied))
        return unknown(
            f"the cluster denies these credentials themselves {lacking} in {namespace}; ZenML's "
            "connector comes as the local administrator, as whom it was not asked",
            remedy,
        )
    return ok(
        f"these credentials themselves may do in {namespace} what ZenML does there",
        _NOT_AS_ADMIN,
    )


def evaluate_reachable(cluster: Raw, reached: Outcome[bool]) -> Verdict:
    """Open to the world, or out of reach: both are worth a word.

    AKS drops connections of addresses that it does not let in.

    Args:
        cluster: As AKS describes it.
        reached: Whether a connection from here was taken.
    """
    ranges: tuple[str, ...] = ()
    show = _aks("show", cluster)
    if api_host(cluster) is None:
        return unknown("it does not say where its API is", show)
    if within(cluster, "properties", "apiServerAccessProfile") is not None:
        if flag(cluster, "properties", "apiServerAccessProfile", "enablePrivateCluster"):
            words = "its API has a private address"
            return _reached(words, reached, show, ": this machine is not in its network")
        ranges = texts(cluster, "properties", "apiServerAccessProfile", "authorizedIPRanges")
    open_to = width(ranges) if ranges else EVERY_ADDRESS
    if open_to is None:
        return unknown(f"AKS tells addresses that are none: {', '.join(ranges)}", show)
    listed = ",".join([*narrow(ranges), "ADDRESS/32"])
    restrict = note(
        _aks("update", cluster, f"--api-server-authorized-ip-ranges={listed}"), WHOLE_LIST
    )
    if open_to:
        return warn(f"its API is open to {open_to}", restrict)
    words = f"its API lets in {', '.join(ranges)} alone"
    return _reached(words, reached, restrict, ": this machine is not among them")


def _reached(words: str, reached: Outcome[bool], remedy: str, not_reached: str) -> Verdict:
    if isinstance(reached, ProbeError):
        return unknown(f"{words}; whether it is reached from here: {reached.why}", remedy)
    if reached:
        return ok(f"{words}, and was reached from here", SERVER_TOO)
    return warn(f"{words}, and was not reached from here{not_reached}", remedy)


def evaluate_workload_identity(cluster: Raw) -> Verdict:
    """Both switches, without which a pod has no identity of its own but its node's."""
    issuer = flag(cluster, "properties", "oidcIssuerProfile", "enabled")
    identity = flag(cluster, "properties", "securityProfile", "workloadIdentity", "enabled")
    if issuer is True and identity is True:
        return ok("pods can have an identity of their own")
    return warn(
        f"{'its workload identity' if issuer else 'its OIDC issuer'} is off: pods that use no "
        "stored credentials are what their node is",
        _aks("update", cluster, "--enable-oidc-issuer", "--enable-workload-identity"),
    )
