"""Whether a cluster's node pools run every pod of a stack, as far as its cloud tells of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from kitaru_iac.checks.model import CheckStatus, Verdict, fail, ok, unknown, warn
from kitaru_iac.checks.pods import PodSettings, Taint, asks_for_arm, evaluate_pods, untolerated
from kitaru_iac.values import dataclass, replace

__all__ = ["NodePool", "evaluate_node_pools"]

#: Whose labels nodes have without anybody's doing; each cloud has more.
_KUBERNETES = ("kubernetes.io", "k8s.io")
_IN_CLUSTER = "readiness and room of nodes stand in the cluster, and were not looked at"

#: What else runs a pod; None where nothing does.
Elsewhere = Callable[[PodSettings], Verdict | None]


@dataclass(frozen=True, slots=True)
class NodePool:
    """A group of alike nodes.

    What is said of it in words goes on from its name: ``is stopped``.

    Attributes:
        name: As its cloud calls it.
        labels: Those that are known of its nodes, each with the values that some of them have.
        taints: Those of its nodes.
        is_arm: Whether they have a processor of ARM.
        resources: Extended resources that its nodes are known to have.
        unfit: Why it runs no pod at all; empty where it may.
        untold: What would decide that and was not told; empty where all was.
        issue: Why pods may have to wait there; empty where nothing is known against it.
    """

    name: str
    labels: Mapping[str, tuple[str, ...]]
    taints: tuple[Taint, ...] = ()
    is_arm: bool = False
    resources: tuple[str, ...] = ()
    unfit: str = ""
    untold: str = ""
    issue: str = ""


def evaluate_node_pools(
    pools: Sequence[NodePool],
    pods: Iterable[PodSettings],
    show: str,
    own: tuple[str, ...],
    elsewhere: Elsewhere,
) -> Verdict:
    """Evaluate whether each pod has a pool whose nodes take it, or something else that does.

    Args:
        pools: All of the cluster.
        pods: The stack's.
        show: The command that shows the pools.
        own: The domains of labels that the cloud's nodes have by themselves.
        elsewhere: Says what else runs a pod, as what makes nodes when they are needed.
    """
    return evaluate_pods(pods, lambda pod: _evaluate(pools, pod, show, own, elsewhere))


def _evaluate(
    pools: Sequence[NodePool],
    pod: PodSettings,
    show: str,
    own: tuple[str, ...],
    elsewhere: Elsewhere,
) -> Verdict:
    found = [(pool.name, *_judge(pool, pod, own)) for pool in pools]
    able = [name for name, status, _ in found if status is CheckStatus.OK]
    if able:
        return ok(f"pods can run in {', '.join(able)}", _IN_CLUSTER)
    other = elsewhere(pod)
    if other is not None and other.status is CheckStatus.OK:
        return other
    for status, say in ((CheckStatus.WARN, warn), (CheckStatus.UNKNOWN, unknown)):
        some = "; ".join(f"{name} {why}" for name, ended, why in found if ended is status)
        if some:
            return say(f"no node pool surely runs the stack's pods: {some}", show)
    reasons = "; ".join(f"{name} {why}" for name, _, why in found)
    if other is not None:
        return replace(other, why=f"{other.why} ({reasons})" if reasons else other.why)
    if not pools:
        return fail("it has no node pool, and nothing makes one: pods would wait forever", show)
    return fail(f"none of its node pools runs the stack's pods: {reasons}", show)


def _judge(pool: NodePool, pod: PodSettings, own: tuple[str, ...]) -> tuple[CheckStatus, str]:
    """How one pool stands to a pod, and why unless it is ok."""
    if pool.unfit:
        return CheckStatus.FAIL, pool.unfit
    unseen = [(key, value) for key, value in pod.node_selectors if key not in pool.labels]
    for key, value in pod.node_selectors:
        if value not in pool.labels.get(key, ()) and not (
            (key, value) in unseen and _is_own(key, own)
        ):
            why = f"has not the label {key}={value} that the pods ask for"
            return CheckStatus.FAIL, why
    taint = untolerated(pod, pool.taints)
    if taint is not None:
        why = f"has the taint {taint.key}, which the pods do not tolerate"
        return CheckStatus.FAIL, why
    if pool.untold:
        return CheckStatus.UNKNOWN, pool.untold
    lacking = [name for name in pod.resources if name not in pool.resources]
    if lacking:
        return CheckStatus.UNKNOWN, f"may not have {', '.join(lacking)}, which is not told"
    if unseen:
        asked = ", ".join(f"{key}={value}" for key, value in unseen)
        why = f"may have the label {asked} that the pods ask for, which is not told"
        return CheckStatus.UNKNOWN, why
    if pool.issue:
        return CheckStatus.WARN, pool.issue
    if pool.is_arm and not asks_for_arm(pod):
        return CheckStatus.WARN, "has ARM nodes, where an image built on x86-64 does not run"
    return CheckStatus.OK, ""


def _is_own(key: str, own: tuple[str, ...]) -> bool:
    """Whether nodes have a label of such a name by themselves."""
    domain = key.rpartition("/")[0]
    return any(domain == one or domain.endswith(f".{one}") for one in (*_KUBERNETES, *own))
