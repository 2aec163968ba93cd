"""The evaluations about the add-ons of an EKS cluster, managed by EKS or by whoever made it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kitaru_iac.checks.commands import command
from kitaru_iac.checks.kubernetes_api import NotInCluster
from kitaru_iac.checks.model import CheckStatus, Verdict, ok, unknown, warn
from kitaru_iac.checks.probes import Outcome, ProbeError
from kitaru_iac.clouds.aws.commands import aws
from kitaru_iac.clouds.aws.resources import AwsResources

__all__ = ["AGENT", "NEEDED", "WORKS", "evaluate_addons", "is_automatic", "told", "unmanaged"]

Raw = Mapping[str, Any]
AGENT = "eks-pod-identity-agent"
#: Without these no pod has an address, reaches a service, or finds a name. Each with what runs it
#: in ``kube-system``, which has this name also where EKS does not manage it:
#: https://docs.aws.amazon.com/eks/latest/userguide/eks-add-ons.html
NEEDED = {
    "vpc-cni": ("daemonset", "aws-node"),
    "kube-proxy": ("daemonset", "kube-proxy"),
    "coredns": ("deployment", "coredns"),
}
#: An update that failed leaves the version before it at work.
WORKS = {"ACTIVE", "UPDATING"}


def evaluate_addons(
    addons: tuple[Raw, ...], cluster: Raw, inside: Mapping[str, Outcome[Raw]], r: AwsResources
) -> Verdict:
    """Evaluate whether the add-ons that every pod needs work.

    Args:
        addons: Those that EKS manages.
        cluster: As EKS describes it.
        inside: What the cluster itself tells of those that it does not (`unmanaged`).
        r: What the description names.
    """
    by_name = {str(one.get("addonName")): one for one in addons}
    broken = [one for one in by_name.values() if str(one.get("status")) not in WORKS]
    # What breaks no pod of a run, as a dashboard's, is nobody's business here.
    broken = [one for one in broken if str(one.get("addonName")) in (*NEEDED, AGENT)]
    if broken:
        said = "; ".join(f"{one['addonName']} is {told(one)}" for one in broken)
        show = aws(
            "eks",
            "describe-addon",
            cluster_name=r.cluster,
            addon_name=str(broken[0]["addonName"]),
            query="addon.[status,health]",
            region=r.region,
        )
        return warn(f"what every pod needs does not work as it should: {said}", show)
    if is_automatic(cluster):
        return ok("Auto Mode brings what pods need")
    if not inside:
        return ok(f"{', '.join(NEEDED)} work, as EKS says")
    return _inside(inside, managed=[name for name in NEEDED if name not in inside])


def unmanaged(addons: tuple[Raw, ...], cluster: Raw) -> tuple[str, ...]:
    """Name the add-ons that pods need and EKS does not manage."""
    managed = {str(one.get("addonName")) for one in addons}
    return () if is_automatic(cluster) else tuple(name for name in NEEDED if name not in managed)


def _inside(inside: Mapping[str, Outcome[Raw]], managed: list[str]) -> Verdict:
    """What follows from what the cluster itself tells, the worst first."""
    verdicts = [v for name, seen in inside.items() if (v := _of_one(name, seen)) is not None]
    verdicts.sort(key=lambda verdict: verdict.status is not CheckStatus.WARN)
    if verdicts:
        return verdicts[0]
    said = [f"{', '.join(managed)} work, as EKS says"] if managed else []
    return ok("; ".join([*said, f"{', '.join(inside)} run, as the cluster says"]))


def _of_one(name: str, seen: Outcome[Raw]) -> Verdict | None:
    kind, called = NEEDED[name]
    show = command("kubectl", "get", f"{kind}/{called}", namespace="kube-system")
    if isinstance(seen, NotInCluster):
        return unknown(
            f"{name} is no managed add-on, and the cluster has no {kind} {called}: whether "
            "something else does its work was not looked at",
            show,
        )
    if isinstance(seen, ProbeError):
        return unknown(
            f"{name} is no managed add-on, and its {kind} {called} was not seen: {seen.why}",
            show,
            seen.permission,
        )
    found = seen.get("status")
    status: Raw = found if isinstance(found, Mapping) else {}
    is_everywhere = kind == "daemonset"
    wanted = status.get("desiredNumberScheduled") if is_everywhere else 1
    ready = status.get("numberReady" if is_everywhere else "readyReplicas") or 0
    if not isinstance(wanted, int) or not isinstance(ready, int):
        return unknown(f"the cluster does not say on how many nodes {name} is to run", show)
    if wanted and not ready:
        return warn(f"no pod of {name}, which every pod needs, is ready", show)
    if ready < wanted:  # without nodes, as on Fargate alone, none is wanted
        return warn(
            f"{name} is ready on {ready} of {wanted} nodes: no pod starts on the others", show
        )
    return None


def told(addon: Raw) -> str:
    """Say an add-on's status, and what is wrong with it."""
    issues = (addon.get("health") or {}).get("issues") or ()
    words = "; ".join(f"{i.get('code')}: {i.get('message', '')}".rstrip(": ") for i in issues)
    return f"{addon.get('status')} ({words})" if words else str(addon.get("status"))


def is_automatic(cluster: Raw) -> bool:
    """Tell whether it is a cluster in Auto Mode, which brings add-ons and agent."""
    return bool((cluster.get("computeConfig") or {}).get("enabled"))
