"""The evaluations about what runs the pods of an AKS cluster, and its Kubernetes."""

from __future__ import annotations

import re

from kitaru_iac.checks.commands import note
from kitaru_iac.checks.kubernetes_version import evaluate_version as evaluate_offered
from kitaru_iac.checks.kubernetes_version import minors_of
from kitaru_iac.checks.model import Verdict, ok, unknown, warn
from kitaru_iac.checks.node_pools import NodePool, evaluate_node_pools
from kitaru_iac.checks.pods import (
    ARM,
    LINUX,
    X86,
    PodSettings,
    Taint,
    is_met,
    untolerated,
)
from kitaru_iac.clouds.azure.commands import az, of
from kitaru_iac.clouds.azure.observations import (
    Raw,
    flag,
    known_text,
    pairs,
    raws,
    subscription_of,
    text,
    texts,
    within,
)
from kitaru_iac.patterns import compiled

__all__ = ["evaluate_compute", "evaluate_version"]

#: Sizes with a processor of ARM: a ``p`` behind the number of processors, or Grace.
#: https://learn.microsoft.com/azure/virtual-machines/vm-naming-conventions
_ARM_SIZE = compiled(
    r"Standard_(?:[A-Z]+[0-9]+(?:-[0-9]+)?[a-z]*p[a-z]*(?:_|$)|.*_GB[0-9]+_)", re.IGNORECASE
)
#: A pool in one of these states keeps its nodes.
_KEEPS_NODES = {
    *("Succeeded", "Updating", "Scaling", "Upgrading", "UpgradingNodeImageVersion"),
    *("Creating", "Starting", "Failed", "Canceled"),
}
_LOSES_NODES = {"Deleting", "Stopping"}
#: What is worth a word: these make nodes first, or may not have all of them.
_WAITS = {"Creating", "Starting", "Failed", "Canceled"}
#: The labels of the nodes that automatic provisioning makes unless somebody sets up more of it.
#: https://learn.microsoft.com/azure/aks/node-autoprovision-node-pools
_MADE = {
    **{key: (value,) for key, value in (LINUX, X86)},
    "karpenter.sh/capacity-type": ("on-demand",),
    "karpenter.sh/nodepool": ("default",),
}
#: Whose labels AKS's nodes have by themselves.
_OWN_LABELS = ("azure.com",)
#: https://learn.microsoft.com/azure/aks/spot-node-pool and …/virtual-nodes-cli
_SPOT = Taint("kubernetes.azure.com/scalesetpriority", "spot", "NoSchedule")
_VIRTUAL = Taint("virtual-kubelet.io/provider", "azure", "NoSchedule")
_LONG_TERM = "AKSLongTermSupport"


def evaluate_compute(cluster: Raw, pods: tuple[PodSettings, ...]) -> Verdict:
    """A pool whose nodes take each pod of the stack, or what makes such nodes."""
    show, profiles = _nodepools(cluster), ("properties", "agentPoolProfiles")
    is_told = within(cluster, *profiles) is not None
    untold = None if is_told else unknown("it does not say which nodes it has", show)

    def elsewhere(pod: PodSettings) -> Verdict | None:
        return _elsewhere(cluster, pod, show) or untold

    pools = [_pool(one) for one in (raws(cluster, *profiles) if is_told else ())]
    return evaluate_node_pools(pools, pods, show, _OWN_LABELS, elsewhere)


def _nodepools(cluster: Raw) -> str:
    return az("aks", "nodepool", "list", **of(known_text(cluster, "id"), "cluster_name"))


def _elsewhere(cluster: Raw, pod: PodSettings, show: str) -> Verdict | None:
    """What runs a pod beside the pools that AKS tells of; None where nothing does."""
    provisioning = ("properties", "nodeProvisioningProfile")
    if text(cluster, *provisioning, "mode") == "Auto":
        if text(cluster, *provisioning, "defaultNodePools") != "None" and is_met(pod, _MADE):
            return ok("it makes nodes when pods need them", "quotas and limits were not looked at")
        return unknown(
            "automatic provisioning may make nodes for the pods: the node pools that say so stand "
            "in the cluster",
            show,
        )
    virtual = flag(cluster, "properties", "addonProfiles", "aciConnectorLinux", "enabled")
    if virtual and untolerated(pod, [_VIRTUAL]) is None:
        return unknown("its virtual nodes may run the pods, which AKS does not tell", show)
    return None


def _pool(pool: Raw) -> NodePool:
    name, size = text(pool, "name") or "a pool without a name", text(pool, "vmSize")
    is_arm = size is not None and _ARM_SIZE.match(size) is not None
    is_spot = text(pool, "scaleSetPriority") == "Spot"
    labels: dict[str, tuple[str, ...]]
    labels = {key: (value,) for key, value in pairs(pool, "nodeLabels").items()}
    labels |= {key: (value,) for key, value in (LINUX, ARM if is_arm else X86)}
    for key in ("agentpool", "kubernetes.azure.com/agentpool"):
        labels[key] = (name,)
    labels[_SPOT.key] = (_SPOT.value,) if is_spot else ()
    if size is not None:
        labels["node.kubernetes.io/instance-type"] = (size,)
    taints = [_taint(one) for one in texts(pool, "nodeTaints")]
    return NodePool(
        name,
        labels,
        tuple([*taints, _SPOT] if is_spot else taints),
        is_arm,
        # Of no resources: also on a size with a GPU it is somebody's device plugin that offers it.
        # https://learn.microsoft.com/azure/aks/use-nvidia-gpu
        unfit=_unfit(pool),
        untold=_untold(pool),
        issue=_issue(pool),
    )


def _taint(written: str) -> Taint:
    """Read ``KEY=VALUE:EFFECT``, of which the value may be left out."""
    thing, _, effect = written.rpartition(":")
    key, _, value = thing.partition("=")
    return Taint(key, value, effect)


def _size(pool: Raw, key: str = "count") -> int | None:
    count = within(pool, key)
    return count if isinstance(count, int) and not isinstance(count, bool) else None


def _most(pool: Raw) -> int | None:
    """How many nodes it has, or could grow to; None where that is not said."""
    size = _size(pool)
    if not size and flag(pool, "enableAutoScaling") is True:
        return _size(pool, "maxCount")
    return size


def _unfit(pool: Raw) -> str:
    state = text(pool, "provisioningState")
    if state in _LOSES_NODES:
        return f"is {state}"
    if text(pool, "osType") == "Windows":
        return "runs Windows"
    if text(pool, "powerState", "code") == "Stopped":
        return "is stopped"
    if text(pool, "mode") == "Gateway":
        return "takes the cluster's outgoing traffic alone"
    return "has no nodes, and adds none" if _most(pool) == 0 else ""


def _untold(pool: Raw) -> str:
    if _most(pool) is None:
        return "does not say how many nodes it has"
    untold = [
        what
        for what, path in (
            ("its state", ("provisioningState",)),
            ("whether it runs", ("powerState", "code")),
            ("its system", ("osType",)),
            ("its machines", ("vmSize",)),
        )
        if text(pool, *path) is None
    ]
    if untold:
        return f"does not say {' and '.join(untold)}"
    state = text(pool, "provisioningState")
    return "" if state in _KEEPS_NODES else f"is in the state {state}"


def _issue(pool: Raw) -> str:
    state = text(pool, "provisioningState")
    return f"is in the state {state}" if state in _WAITS else ""


def evaluate_version(cluster: Raw, offered: tuple[Raw, ...]) -> Verdict:
    """Against what AKS offers in the cluster's location; long-term support costs more.

    https://learn.microsoft.com/azure/aks/supported-kubernetes-versions
    """
    version = text(cluster, "properties", "currentKubernetesVersion") or text(
        cluster, "properties", "kubernetesVersion"
    )
    preview: list[str] = []
    long_term: list[str] = []
    supported: list[str] = []
    for one in offered:
        plans = texts(one, "capabilities", "supportPlan")
        if flag(one, "isPreview"):
            some = preview
        else:
            some = long_term if plans and set(plans) == {_LONG_TERM} else supported
        some.append(known_text(one, "version"))
    show = note(
        az(
            "aks",
            "get-versions",
            location=text(cluster, "location"),
            subscription=subscription_of(known_text(cluster, "id")),
        ),
        "shows the versions to update to",
    )
    if minors_of([version or ""]) & (minors_of(preview) - minors_of(supported)):
        return warn(f"Kubernetes {version} is a preview, which AKS does not support", show)
    return evaluate_offered(version or "", minors_of(supported), minors_of(long_term), "AKS", show)
