"""The evaluations about what runs the pods of an EKS cluster."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from kitaru_iac.checks.model import CheckStatus, Verdict, fail, ok, unknown, warn
from kitaru_iac.checks.pods import (
    ARM,
    LINUX,
    X86,
    PodSettings,
    Taint,
    asks_for_arm,
    evaluate_pods,
    is_met,
    untolerated,
)
from kitaru_iac.clouds.aws.commands import aws
from kitaru_iac.clouds.aws.observations import Compute
from kitaru_iac.clouds.aws.resources import AwsResources
from kitaru_iac.patterns import compiled

__all__ = ["evaluate_compute", "surely_runs_pods"]

Raw = Mapping[str, Any]
#: A group in one of these states keeps its nodes.
_KEEPS_NODES = {"ACTIVE", "UPDATING", "DEGRADED"}
#: Issues with which a group has no node that joined, or makes none.
#: https://docs.aws.amazon.com/eks/latest/APIReference/API_Issue.html
_FATAL = {
    "AccessDenied", "AmiIdNotFound", "AsgInstanceLaunchFailures", "AutoScalingGroupNotFound",
    "AutoScalingGroupOptInRequired", "ClusterUnreachable", "Ec2InstanceTypeDoesNotExist",
    "Ec2LaunchTemplateNotFound", "Ec2SubnetNotFound", "IamInstanceProfileNotFound",
    "IamNodeRoleNotFound", "NodeCreationFailure", "SourceEc2LaunchTemplateNotFound",
}  # fmt: skip
#: The labels of the nodes of Auto Mode's general-purpose pool, and of Fargate's.
#: https://docs.aws.amazon.com/eks/latest/userguide/set-builtin-node-pools.html
#: https://docs.aws.amazon.com/eks/latest/userguide/fargate.html
_POOL = {
    "kubernetes.io/arch": ("amd64",),
    "kubernetes.io/os": ("linux",),
    "karpenter.sh/capacity-type": ("on-demand",),
    "karpenter.sh/nodepool": ("general-purpose",),
    "eks.amazonaws.com/compute-type": ("auto",),
    "eks.amazonaws.com/instance-category": ("c", "m", "r"),
}
_FARGATE = {
    "kubernetes.io/arch": ("amd64",),
    "kubernetes.io/os": ("linux",),
    "eks.amazonaws.com/compute-type": ("fargate",),
}
#: Instances with a processor of AWS's own: https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html
_GRAVITON = compiled(r"(a1|[a-z]+[0-9]+g[a-z]*)\.")
_IN_CLUSTER = "taints, readiness and room of nodes stand in the cluster, and were not looked at"


def surely_runs_pods(compute: Compute, r: AwsResources) -> bool:
    """Whether something that EKS itself knows runs every pod of the stack."""
    return evaluate_compute(compute, r).status is CheckStatus.OK


def evaluate_compute(compute: Compute, r: AwsResources) -> Verdict:
    """Something must be there that runs each pod: the orchestrator's and the steps'."""
    return evaluate_pods(r.pods, lambda pod: _evaluate(compute, r, pod))


def _evaluate(compute: Compute, r: AwsResources, pod: PodSettings) -> Verdict:
    if compute.auto_mode and "general-purpose" in compute.pools and is_met(pod, _POOL):
        return ok("Auto Mode makes nodes as they are needed")
    reasons = {str(g["nodegroupName"]): _unfit(g, pod) for g in compute.node_groups}
    fit = [g for g in compute.node_groups if not reasons[str(g["nodegroupName"])]]
    sized = [g for g in fit if _size(g)]
    healthy = [g for g in sized if g["status"] != "DEGRADED"]
    running = [g for g in healthy if not _is_arm(g) or asks_for_arm(pod)]
    if any(pod.resources or not _issues(g) for g in running):
        return _in_groups(_names(g for g in fit if g["status"] != "DEGRADED"), pod)
    fitting = [p for p in compute.fargate_profiles if _runs(p, r.namespace, pod)]
    if fitting:
        names = ", ".join(str(profile["fargateProfileName"]) for profile in fitting)
        return ok(f"Fargate profiles for the namespace {r.namespace}: {names}")
    unmanaged = _of_unmanaged(compute, r, pod)
    if unmanaged is not None and unmanaged.status is CheckStatus.OK:
        return unmanaged
    if running:
        issue = _issues(running[0])[0]
        what = f"{issue.get('code')}: {issue.get('message', '')}".rstrip(": ")
        return warn(
            f"the node groups that run the stack's pods ({_names(running)}) have issues: {what}",
            _show_group(running[0], r),
        )
    if healthy:
        if unmanaged is not None and unmanaged.status is CheckStatus.UNKNOWN:
            return unmanaged
        return _only_arm(compute, _names(healthy), r)
    if sized:
        return _degraded(compute, r)
    untold = [g for g in fit if _size(g) is None]
    if untold:
        why = f"the node groups {_names(untold)} do not say how many nodes they have"
        return unknown(why, _show_group(untold[0], r))
    if fit:
        return _scaled_to_zero(compute, fit, r)
    return unmanaged or _nothing(compute, reasons, r, pod)


def _in_groups(names: str, pod: PodSettings) -> Verdict:
    """It is a device plugin in the cluster that offers a node's extended resources."""
    if not pod.resources:
        return ok(f"node groups: {names}")
    return unknown(
        f"the pods ask for {', '.join(pod.resources)}; whether nodes of the groups {names} have "
        "that stands in the cluster",
        "kubectl describe nodes",
    )


def _of_unmanaged(compute: Compute, r: AwsResources, pod: PodSettings) -> Verdict | None:
    """Whether instances that EKS does not manage run the pods; None where there are none."""
    if not compute.unmanaged:
        return None
    words = f"{compute.unmanaged} running instances that EKS does not manage"
    met = {LINUX}
    if compute.unmanaged_arm < compute.unmanaged:
        met.add(X86)
    if compute.unmanaged_arm:
        met.add(ARM)
    asked = [f"{key}={value}" for key, value in pod.node_selectors if (key, value) not in met]
    asked += pod.resources
    if asked:
        why = f"what the {words} have stands in the cluster, and the pods ask for"
        return unknown(f"{why} {', '.join(asked)}", "kubectl get nodes --show-labels")
    if compute.unmanaged_arm == compute.unmanaged and not asks_for_arm(pod):
        return _only_arm(compute, words, r)
    return ok(words, _IN_CLUSTER)


def _only_arm(compute: Compute, words: str, r: AwsResources) -> Verdict:
    why = f"only ARM nodes ({words})"
    unseen = _unseen(compute)
    if unseen:
        others = " and ".join(unseen)
        return unknown(
            f"{why} are known, where an image built on x86-64 does not run; {others} may have "
            "others, which EKS does not list",
            "kubectl get nodes,nodepools --label-columns kubernetes.io/arch",
        )
    return warn(f"{why}: an image built on x86-64 does not run there", _more_nodes(r))


def _unseen(compute: Compute) -> list[str]:
    """What may have nodes of which EKS does not tell."""
    return [
        words
        for is_there, words in (
            (compute.hybrid, "hybrid nodes"),
            (compute.auto_mode, "node pools of its own in Auto Mode"),
            (compute.karpenter, "Karpenter"),
        )
        if is_there
    ]


def _size(group: Raw) -> int | None:
    size = (group.get("scalingConfig") or {}).get("desiredSize")
    return size if isinstance(size, int) and not isinstance(size, bool) else None


def _scaled_to_zero(compute: Compute, fit: list[Raw], r: AwsResources) -> Verdict:
    """Only what runs somewhere in the cluster, or beside it, scales a group up."""
    words = f"the node groups {_names(fit)} are scaled to zero"
    others = compute.auto_mode or compute.hybrid or compute.karpenter or compute.fargate_profiles
    if others or compute.unmanaged != 0 or any(map(_size, compute.node_groups)):
        return warn(f"{words}: pods wait until something scales them up", _scale_up(fit[0], r))
    why = f"{words}, and nothing else is there to run what would scale them up"
    return fail(why, _scale_up(fit[0], r))


def _nothing(
    compute: Compute, reasons: Mapping[str, str], r: AwsResources, pod: PodSettings
) -> Verdict:
    """Nothing that EKS knows of runs a pod: what it does not know of may."""
    if compute.hybrid and not compute.node_groups and not compute.fargate_profiles:
        return unknown("it has hybrid nodes only, which EKS does not list", "kubectl get nodes")
    unseen = _unseen(compute)
    unfit = "; ".join(f"{name} {why}" for name, why in reasons.items())
    if unseen:
        beside = f" ({unfit})" if unfit else ""
        return unknown(
            f"only {' and '.join(unseen)} may run pods here, which EKS does not list{beside}",
            "kubectl get nodes,nodepools",
        )
    if compute.node_groups:
        return _all_unfit(compute, unfit, r)
    if any(_takes(profile, r.namespace, pod) for profile in compute.fargate_profiles):
        labels = (f"{key}={value}" for key, value in pod.node_selectors)
        wanted = ", ".join((*labels, *pod.resources))
        why = f"only Fargate takes pods of {r.namespace}, and none that ask for {wanted}"
        return fail(why, _more_nodes(r))
    if compute.fargate_profiles:
        return _other_namespaces(compute.fargate_profiles[0], r)
    return fail(
        "no Auto Mode, node group, Fargate profile or tagged instance: pods would wait forever",
        _more_nodes(r),
    )


def _all_unfit(compute: Compute, unfit: str, r: AwsResources) -> Verdict:
    states = {str(group["status"]) for group in compute.node_groups}
    if not states & _KEEPS_NODES:
        return _degraded(compute, r, fails=True)
    show = _show_group(compute.node_groups[0], r)
    return fail(f"no node group runs the stack's pods: {unfit}", show)


def _show_group(group: Raw, r: AwsResources) -> str:
    return aws(
        "eks",
        "describe-nodegroup",
        cluster_name=r.cluster,
        nodegroup_name=str(group["nodegroupName"]),
        region=r.region,
    )


def _degraded(compute: Compute, r: AwsResources, *, fails: bool = False) -> Verdict:
    states = ", ".join(f"{g['nodegroupName']} {g['status']}" for g in compute.node_groups)
    return (fail if fails else warn)(
        f"no node group is ACTIVE: {states}",
        aws(
            "eks",
            "describe-nodegroup",
            cluster_name=r.cluster,
            nodegroup_name=str(compute.node_groups[0]["nodegroupName"]),
            query="nodegroup.health",
            region=r.region,
        ),
    )


def _other_namespaces(profile: Raw, r: AwsResources) -> Verdict:
    return fail(
        f"only Fargate profiles for other namespaces than {r.namespace}",
        aws(
            "eks",
            "create-fargate-profile",
            cluster_name=r.cluster,
            fargate_profile_name=f"kitaru-{r.namespace}",
            pod_execution_role_arn=str(profile["podExecutionRoleArn"]),
            subnets=list(profile.get("subnets", ())),
            selectors=[{"namespace": r.namespace}],
            region=r.region,
        ),
    )


def _unfit(group: Raw, pod: PodSettings) -> str:
    """Why a node group runs no such pod; empty where it does."""
    if group["status"] not in _KEEPS_NODES:
        return f"is {group['status']}"
    issues = [issue for issue in _issues(group) if issue.get("code") in _FATAL]
    if issues:
        return f"has the issue {issues[0]['code']}: {issues[0].get('message', '')}".rstrip(": ")
    kind = str(group.get("amiType", ""))
    if kind.startswith("WINDOWS"):
        return "runs Windows"
    labels = _labels(group)
    for key, value in pod.node_selectors:
        if labels.get(key, value) != value or (key not in labels and not _set_by_node(key)):
            return f"has not the label {key}={value} that the pods ask for"
    taints = (
        Taint(*(str(taint.get(part) or "") for part in ("key", "value", "effect")))
        for taint in group.get("taints") or ()
    )
    taint = untolerated(pod, taints)
    return f"has the taint {taint.key}, which the pods do not tolerate" if taint else ""


def _labels(group: Raw) -> dict[str, str]:
    found = {str(k): str(v) for k, v in (group.get("labels") or {}).items()}
    if group.get("amiType", "CUSTOM") != "CUSTOM":
        found["kubernetes.io/arch"] = "arm64" if _is_arm(group) else "amd64"
        found["kubernetes.io/os"] = "linux"
    found["eks.amazonaws.com/nodegroup"] = str(group["nodegroupName"])
    return found


def _set_by_node(key: str) -> bool:
    """Whether a node has this label by itself, so that a group need not say it."""
    return "kubernetes.io/" in key or "k8s.aws/" in key or "eks.amazonaws.com/" in key


def _issues(group: Raw) -> list[Raw]:
    return list(group.get("health", {}).get("issues", ()))


def _is_arm(group: Raw) -> bool:
    """By its image; of an image of the user's own, by its instances, where the group names them."""
    kinds = group.get("instanceTypes") or ()
    graviton = bool(kinds) and all(_GRAVITON.match(str(kind)) for kind in kinds)
    return "ARM_64" in str(group.get("amiType", "")) or (
        group.get("amiType", "CUSTOM") == "CUSTOM" and graviton
    )


def _runs(profile: Raw, namespace: str, pod: PodSettings) -> bool:
    return _takes(profile, namespace, pod) and is_met(pod, _FARGATE)


def _takes(profile: Raw, namespace: str, pod: PodSettings) -> bool:
    """https://docs.aws.amazon.com/eks/latest/userguide/fargate-profile.html (wildcards)"""
    labels = dict(pod.labels)
    return profile["status"] == "ACTIVE" and any(
        _like(str(selector.get("namespace", "")), namespace)
        and all(
            key in labels and _like(str(value), labels[key])
            for key, value in (selector.get("labels") or {}).items()
        )
        for selector in profile.get("selectors") or ()
    )


def _like(pattern: str, text: str) -> bool:
    made = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(made, text) is not None


def _names(groups: Iterable[Raw]) -> str:
    return ", ".join(str(group["nodegroupName"]) for group in groups)


def _more_nodes(r: AwsResources) -> str:
    return f"eksctl create nodegroup --cluster {r.cluster} --region {r.region}"


def _scale_up(group: Raw, r: AwsResources) -> str:
    greatest = max(1, int(group.get("scalingConfig", {}).get("maxSize", 1)))
    return aws(
        "eks",
        "update-nodegroup-config",
        cluster_name=r.cluster,
        nodegroup_name=str(group["nodegroupName"]),
        scaling_config={"minSize": 1, "desiredSize": 1, "maxSize": greatest},
        region=r.region,
    )
