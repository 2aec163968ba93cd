"""Who reaches an EKS cluster's endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kitaru_iac.checks.address_ranges import WIDE, collapsed
from kitaru_iac.checks.commands import note
from kitaru_iac.checks.model import Verdict, ok, unknown, warn
from kitaru_iac.checks.probes import Outcome
from kitaru_iac.clouds.aws.commands import aws
from kitaru_iac.clouds.aws.resources import AwsResources

__all__ = ["evaluate_endpoint"]

Raw = Mapping[str, Any]
_SERVER_TOO = "whether the ZenML server reaches it was not looked at"


def evaluate_endpoint(
    cluster: Raw, r: AwsResources, reached: Outcome[bool] | None = None
) -> Verdict:
    """Open to the world, or out of reach: both are worth a word.

    Args:
        cluster: As EKS describes it.
        r: What the description names.
        reached: Whether a connection from here was taken; None where none was tried.
    """
    network = cluster.get("resourcesVpcConfig", {})
    public, private = network.get("endpointPublicAccess"), network.get("endpointPrivateAccess")
    if public is None:
        return unknown(
            "EKS did not tell who reaches the endpoint",
            aws("eks", "describe-cluster", name=r.cluster, region=r.region),
        )
    # The address in the command is the one from which it is run.
    restrict = (
        aws("eks", "update-cluster-config", name=r.cluster, region=r.region)
        + " --resources-vpc-config endpointPublicAccess=true,endpointPrivateAccess=true,"
        'publicAccessCidrs="$(curl -s https://checkip.amazonaws.com)/32"'
    )
    if not public and reached is True:
        return ok("its endpoint is private, and was reached from here", _SERVER_TOO)
    if not public:
        return warn(
            "its endpoint is private: this machine and the ZenML server must be in its network",
            note(restrict, "opens it to this machine's address"),
        )
    cidrs = [str(cidr) for cidr in network.get("publicAccessCidrs", ())]
    width = _width(cidrs)
    if width is None:
        return unknown(
            f"EKS tells addresses that are none: {', '.join(cidrs)}",
            aws("eks", "describe-cluster", name=r.cluster, region=r.region),
        )
    if width:
        return warn(
            f"its endpoint is open to {width}",
            note(restrict, "add the ZenML server's address too"),
        )
    also = " and its own network" if private else ""
    open_to = f"its endpoint is open to {', '.join(cidrs)}{also}"
    if reached is False:
        return warn(
            f"{open_to}, and was not reached from here: this machine is not among them",
            note(restrict, "opens it to this machine's address; add the others again"),
        )
    return ok(open_to, None if reached is None else _SERVER_TOO)


def _width(cidrs: list[str]) -> str | None:
    """To how many addresses the ranges open together, if to too many; None if one is no range."""
    ranges = collapsed(cidrs)
    if ranges is None:
        return None
    # Of the internet: a private range lets in nobody from there.
    open4 = sum(n.num_addresses for n in ranges.four if not n.is_private)
    open6 = sum(n.num_addresses for n in ranges.six if not n.is_private)
    if not cidrs or open4 == 2**32 or open6 == 2**128:
        return "every address"
    is_wide = open4 > 2 ** (32 - WIDE) or open6 > 2 ** (128 - 2 * WIDE)
    return "a great part of all addresses" if is_wide else ""
