"""Who reaches a GKE cluster's endpoints."""

from __future__ import annotations

from kitaru_iac.checks.address_ranges import EVERY_ADDRESS, narrow, width
from kitaru_iac.checks.commands import OptionValue, note
from kitaru_iac.checks.endpoint import SERVER_TOO, WHOLE_LIST
from kitaru_iac.checks.model import Verdict, ok, unknown, warn
from kitaru_iac.checks.probes import Outcome, ProbeError
from kitaru_iac.clouds.gcp import commands
from kitaru_iac.clouds.gcp.kubernetes_api import dns_endpoint
from kitaru_iac.clouds.gcp.observations import Raw
from kitaru_iac.clouds.gcp.resources import GcpResources

__all__ = ["evaluate_endpoint"]


def evaluate_endpoint(seen: tuple[Raw, Outcome[bool]], r: GcpResources) -> Verdict:
    """Open to the world, or out of reach: both are worth a word."""
    cluster, reached = seen
    config = cluster.get("controlPlaneEndpointsConfig") or {}
    by_address = config.get("ipEndpointsConfig") or {}
    networks = by_address.get("authorizedNetworksConfig") or (
        cluster.get("masterAuthorizedNetworksConfig") or {}
    )
    is_public = _is_public(cluster, by_address)
    if dns_endpoint(cluster) is not None:
        return _evaluate_by_name(networks, is_public, cluster, reached, r)
    if is_public is False:
        return _evaluate_private(cluster, reached, r)
    return _evaluate_networks(networks, cluster, reached, r)


def _is_public(cluster: Raw, by_address: Raw) -> bool | None:
    """Whether its IP endpoint has a public address; None where GKE does not tell."""
    old = cluster.get("privateClusterConfig") or {}
    switches = (by_address.get("enabled"), by_address.get("enablePublicEndpoint"))
    if old.get("enablePrivateEndpoint") or False in switches:
        return False
    return True if switches[1] or by_address.get("publicEndpoint") else None


def _evaluate_by_name(
    networks: Raw, is_public: bool | None, cluster: Raw, reached: Outcome[bool], r: GcpResources
) -> Verdict:
    """IAM lets in by name, before the cluster is reached; the IP endpoint may be on beside it.

    https://cloud.google.com/kubernetes-engine/docs/concepts/network-isolation#dns-based_endpoint
    """
    untold = "" if is_public is False else "; GKE does not tell who reaches its IP endpoint"
    if is_public or (is_public is None and networks.get("enabled")):
        by_address = "its IP endpoint, beside the DNS endpoint,"
        opened = _evaluate_open(networks, cluster, r, by_address)
        if opened is not None:
            return opened
        untold = _untold(networks)
    words = "its DNS endpoint is guarded by IAM"
    if reached is not True:
        return _unreached(words, reached, _show(cluster, r))
    return ok(f"{words}, and was reached from here", f"{SERVER_TOO}{untold}")


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
    """Whom the authorized networks let in, and whether that is this machine too."""
    opened = _evaluate_open(networks, cluster, r)
    if opened is not None:
        return opened
    cidrs = _ranges(networks)
    words = f"its endpoint is open to {', '.join(cidrs) or 'no address outside its network'}"
    if reached is not True:
        return _unreached(words, reached, _let_in(networks, cidrs, cluster, r))
    return ok(f"{words}, and was reached from here", f"{SERVER_TOO}{_untold(networks)}")


def _evaluate_open(
    networks: Raw, cluster: Raw, r: GcpResources, what: str = "its endpoint"
) -> Verdict | None:
    """Who else than a few the authorized networks let in; None if nobody.

    https://cloud.google.com/kubernetes-engine/docs/how-to/authorized-networks
    """
    cidrs = _ranges(networks)
    listed = ", ".join(cidrs)
    open_to = width(cidrs) if networks.get("enabled") else EVERY_ADDRESS
    if open_to is None:
        return unknown(f"GKE tells addresses that are none: {listed}", _show(cluster, r))
    if open_to:
        return warn(f"{what} is open to {open_to}", _let_in(networks, cidrs, cluster, r))
    # Any customer there can have one of them.
    if networks.get("gcpPublicCidrsAccessEnabled"):
        return warn(
            f"{what} is open to {f'{listed} and ' if listed else ''}every public address of "
            "Google Cloud, those of its other customers too",
            _restrict({**networks, "gcpPublicCidrsAccessEnabled": False}, cidrs, cluster, r),
        )
    return None


def _untold(networks: Raw) -> str:
    if networks.get("gcpPublicCidrsAccessEnabled") is not None:
        return ""
    return "; GKE does not tell whether Google Cloud's public addresses are let in too"


def _ranges(networks: Raw) -> list[str]:
    return [str(one.get("cidrBlock")) for one in networks.get("cidrBlocks") or ()]


def _let_in(networks: Raw, cidrs: list[str], cluster: Raw, r: GcpResources) -> str:
    """The command that adds an address."""
    return note(_restrict(networks, [*narrow(cidrs), "ADDRESS/32"], cluster, r), WHOLE_LIST)


def _restrict(networks: Raw, cidrs: list[str], cluster: Raw, r: GcpResources) -> str:
    """The command that lets these in. gcloud sends what it is given alone: it says all of it."""
    return _update(
        cluster,
        r,
        enable_master_authorized_networks=True,
        master_authorized_networks=",".join(cidrs) or None,
        no_enable_google_cloud_access=networks.get("gcpPublicCidrsAccessEnabled") is False,
        enable_authorized_networks_on_private_endpoint=bool(
            networks.get("privateEndpointEnforcementEnabled")
        ),
    )


def _show(cluster: Raw, r: GcpResources) -> str:
    return commands.cluster("describe", r.cluster, cluster.get("location"), r.project)


def _update(cluster: Raw, r: GcpResources, **flags: OptionValue) -> str:
    return commands.cluster("update", r.cluster, cluster.get("location"), r.project, **flags)


def _unreached(words: str, reached: Outcome[bool], remedy: str) -> Verdict:
    if isinstance(reached, ProbeError):
        return unknown(f"{words}; whether it is reached from here: {reached.why}", remedy)
    return warn(f"{words}, and was not reached from here", remedy)
