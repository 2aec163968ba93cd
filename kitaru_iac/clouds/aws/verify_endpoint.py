"""Who reaches an EKS cluster's endpoint."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from kitaru_iac.checks.address_ranges import EVERY_ADDRESS, narrow, width
from kitaru_iac.checks.commands import note
from kitaru_iac.checks.endpoint import SERVER_TOO
from kitaru_iac.checks.model import Verdict, ok, unknown, warn
from kitaru_iac.checks.probes import Outcome, ProbeError
from kitaru_iac.clouds.aws.commands import aws
from kitaru_iac.clouds.aws.resources import AwsResources

__all__ = ["evaluate_endpoint"]

Raw = Mapping[str, Any]


def evaluate_endpoint(cluster: Raw, r: AwsResources, reached: Outcome[bool]) -> Verdict:
    """Open to the world, or out of reach: both are worth a word.

    Args:
        cluster: As EKS describes it.
        r: What the description names.
        reached: Whether a connection from here was taken.
    """
    show = aws("eks", "describe-cluster", name=r.cluster, region=r.region)
    network = cluster.get("resourcesVpcConfig", {})
    public, private = network.get("endpointPublicAccess"), network.get("endpointPrivateAccess")
    if public is None:
        return unknown("EKS did not tell who reaches the endpoint", show)
    if not public and isinstance(reached, ProbeError):
        return _untried("its endpoint is private", reached, show)
    if not public and reached:
        return ok("its endpoint is private, and was reached from here", SERVER_TOO)
    if not public:
        return warn(
            "its endpoint is private: this machine and the ZenML server must be in its network",
            note(_let_in([], r), "opens it to this machine's address"),
        )
    cidrs = [str(cidr) for cidr in network.get("publicAccessCidrs", ())]
    # EKS itself writes 0.0.0.0/0 where none was given.
    open_to = width(cidrs) if cidrs else EVERY_ADDRESS
    if open_to is None:
        return unknown(f"EKS tells addresses that are none: {', '.join(cidrs)}", show)
    restrict = note(
        _let_in(narrow(cidrs), r), "it replaces the whole list: add the ZenML server's address too"
    )
    if open_to:
        return warn(f"its endpoint is open to {open_to}", restrict)
    also = " and its own network" if private else ""
    words = f"its endpoint is open to {', '.join(cidrs)}{also}"
    if isinstance(reached, ProbeError):
        return _untried(words, reached, show)
    if not reached:
        return warn(
            f"{words}, and was not reached from here: this machine is not among them",
            restrict,
        )
    return ok(f"{words}, and was reached from here", SERVER_TOO)


def _let_in(cidrs: list[str], r: AwsResources) -> str:
    """The command that lets in ranges, and the address from which it is run."""
    listed = "".join(f"{shlex.quote(cidr)}," for cidr in cidrs)
    return (
        aws("eks", "update-cluster-config", name=r.cluster, region=r.region)
        + " --resources-vpc-config endpointPublicAccess=true,endpointPrivateAccess=true,"
        f'publicAccessCidrs={listed}"$(curl -s https://checkip.amazonaws.com)/32"'
    )


def _untried(words: str, error: ProbeError, show: str) -> Verdict:
    return unknown(f"{words}; whether it is reached from here: {error.why}", show)
