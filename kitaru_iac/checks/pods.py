"""What a description asks of the nodes that run its pods, and which nodes may.

Kubernetes decides by labels and taints alike everywhere; only how a cloud tells of them differs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from kitaru_iac.checks.cluster_rights import ClusterRight, Use, evaluate_account
from kitaru_iac.checks.commands import command, note
from kitaru_iac.checks.model import WORST_FIRST, Verdict, fail, unknown
from kitaru_iac.checks.probes import Outcome, ProbeError
from kitaru_iac.values import dataclass, replace

__all__ = [
    "ARM",
    "LINUX",
    "POD_ACCOUNTS",
    "X86",
    "PodSettings",
    "Taint",
    "account_fault",
    "accounts_of",
    "asks_for_arm",
    "evaluate_pods",
    "is_hidden",
    "is_met",
    "named_account",
    "pod_accounts",
    "pods_of",
    "required_accounts",
    "untolerated",
]

LINUX = ("kubernetes.io/os", "linux")
X86, ARM = ("kubernetes.io/arch", "amd64"), ("kubernetes.io/arch", "arm64")
#: The service accounts of Kubernetes that ZenML 0.98 takes for the orchestrator's pod, which it
#: makes, and for those of the steps.
POD_ACCOUNTS = ("zenml-service-account", "default")
#: The effects of taints are written in two ways; this one only prefers other nodes.
_SOFT = "prefernoschedule"


@dataclass(frozen=True, slots=True)
class PodSettings:
    """What a description asks of the nodes for the orchestrator's pod, or for a step's.

    Attributes:
        node_selectors: Labels that a node must have.
        tolerations: Taints that do not matter, as key, operator, value and effect.
        labels: Labels of the pod.
        resources: What it asks for beside processor and memory, as ``nvidia.com/gpu``.
    """

    node_selectors: tuple[tuple[str, str], ...] = ()
    tolerations: tuple[tuple[str, str, str, str], ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    resources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Taint:
    """What keeps pods that do not tolerate it from a node; `effect` as ``NoSchedule``."""

    key: str
    value: str
    effect: str


def pods_of(orchestrator: Mapping[str, object]) -> tuple[PodSettings, ...]:
    """Read what the pods of a stack ask of nodes, each way once: steps, then the orchestrator.

    Args:
        orchestrator: Its fields in the description, which ZenML takes as they are.
    """
    keys = ("pod_settings", "orchestrator_pod_settings")
    return tuple(dict.fromkeys(_pod(orchestrator.get(key)) for key in keys))


def _pod(settings: object) -> PodSettings:
    """ZenML's ``KubernetesPodSettings``, as far as they choose a node."""
    given = settings if isinstance(settings, Mapping) else {}
    listed = given.get("tolerations")
    tolerations = listed if isinstance(listed, (list, tuple)) else ()
    return PodSettings(
        _pairs(given.get("node_selectors")),
        tuple(
            (
                str(t.get("key") or ""),
                str(t.get("operator") or "Equal"),
                str(t.get("value") or ""),
                str(t.get("effect") or ""),
            )
            for t in tolerations
            if isinstance(t, Mapping)
        ),
        _pairs(given.get("labels")),
        _extended(given.get("resources")),
    )


def _extended(given: object) -> tuple[str, ...]:
    """The extended resources: their names have a domain.

    https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/#extended-resources
    """
    parts = (given.get("requests"), given.get("limits")) if isinstance(given, Mapping) else ()
    names = (key for part in parts for key, _ in _pairs(part))
    return tuple(dict.fromkeys(name for name in names if "/" in name))


def _pairs(given: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(given, Mapping):
        return ()
    return tuple((str(key), str(value)) for key, value in given.items())


def asks_for_arm(pod: PodSettings) -> bool:
    """Tell whether a pod asks for nodes with a processor of ARM."""
    return ARM in pod.node_selectors


def is_met(pod: PodSettings, nodes: Mapping[str, tuple[str, ...]]) -> bool:
    """Tell whether such nodes, which a cloud makes, have every label that the pod asks for.

    A zone is where their subnets are, which is not looked at. They have no extended resources.
    """
    return not pod.resources and all(
        key.startswith("topology.kubernetes.io/") or value in nodes.get(key, ())
        for key, value in pod.node_selectors
    )


def untolerated(pod: PodSettings, taints: Iterable[Taint]) -> Taint | None:
    """Find a taint that keeps a pod away; None where none does."""
    hard = (taint for taint in taints if _plain(taint.effect) != _SOFT)
    return next(
        (taint for taint in hard if not any(_tolerates(one, taint) for one in pod.tolerations)),
        None,
    )


def _tolerates(toleration: tuple[str, str, str, str], taint: Taint) -> bool:
    """https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/"""
    key, operator, value, effect = toleration
    if effect and _plain(effect) != _plain(taint.effect):
        return False
    if operator == "Exists":
        return key in {"", taint.key}
    return key == taint.key and value == taint.value


def _plain(effect: str) -> str:
    return effect.replace("_", "").lower()


def evaluate_pods(
    pods: Iterable[PodSettings], evaluate: Callable[[PodSettings], Verdict]
) -> Verdict:
    """Evaluate each pod as it is admitted, and give the worst verdict: all of them must run."""
    verdicts = map(evaluate, map(_admitted, pods))
    return min(verdicts, key=lambda verdict: WORST_FIRST.index(verdict.status))


def _admitted(pod: PodSettings) -> PodSettings:
    """The pod as managed clusters admit it: what it asks for is what it tolerates.

    https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#extendedresourcetoleration
    """
    more = tuple((name, "Exists", "", "") for name in pod.resources)
    return replace(pod, tolerations=pod.tolerations + more)


def pod_accounts(orchestrator: Mapping[str, object]) -> tuple[str, ...]:
    """What the pods of a stack run as, each once."""
    return tuple(dict.fromkeys(accounts_of(orchestrator)))


def accounts_of(orchestrator: Mapping[str, object]) -> tuple[str, str]:
    """What the pod of the orchestrator runs as, and what those of the steps (ZenML 0.98).

    Sources: ``_get_service_account_name`` in ``kubernetes_orchestrator.py``, and
    ``step_pod_service_account_name`` in ``kubernetes_orchestrator_entrypoint.py``.
    """
    own = orchestrator.get("service_account_name")
    made, default = POD_ACCOUNTS
    steps = orchestrator.get("step_pod_service_account_name") or own or default
    return str(own or made), str(steps)


def is_hidden(name: str) -> bool:
    """Say whether a name stands in ZenML's own secrets, which are not looked at."""
    return name.startswith("{{")


def required_accounts(accounts: Sequence[str], rights: Iterable[ClusterRight]) -> tuple[str, ...]:
    """Give the service accounts that have to be there, or to have rights that ZenML does not give.

    Args:
        accounts: As `pod_accounts`.
        rights: What ZenML needs in the namespace.
    """
    needed = tuple(rights)
    named = named_account(accounts, needed)
    return tuple(name for name in accounts if name == named or not _is_brought(name, needed))


def _is_brought(name: str, rights: Iterable[ClusterRight]) -> bool:
    """Whether it is there anyway: a namespace has its `default`, and ZenML makes its own.

    It makes the orchestrator's unless that is named, and needs rights of its own for that.
    """
    made, default = POD_ACCOUNTS
    return name == default or (name == made and any(right.use is Use.ACCOUNT for right in rights))


def named_account(accounts: Sequence[str], rights: Iterable[ClusterRight]) -> str | None:
    """Give the service account of the orchestrator's pod, whose rights are not ZenML's to grant.

    Args:
        accounts: As `pod_accounts`.
        rights: What ZenML needs in the namespace.

    Returns:
        None where none is named, or in a secret of ZenML.
    """
    if any(right.use is Use.ACCOUNT for right in rights) or is_hidden(accounts[0]):
        return None
    return accounts[0]


def account_fault(
    name: str,
    seen: Outcome[Mapping[str, object]],
    denied: Outcome[tuple[ClusterRight, ...]] | None,
    namespace: str,
    rights: Iterable[ClusterRight],
) -> Verdict | None:
    """Evaluate a service account in the cluster itself; the worst, None where nothing is wrong.

    Args:
        name: Of the account, which pods run as.
        seen: What the cluster tells of it; empty if there is none.
        denied: What the cluster denies it of `POD_RIGHTS`; None for one that has them from ZenML,
            or needs none.
        namespace: Where.
        rights: What ZenML needs there.
    """
    found = [
        None if _is_brought(name, rights) else _missing_account(name, seen, namespace),
        None if denied is None else evaluate_account(name, denied, namespace),
    ]
    wrong = [verdict for verdict in found if verdict is not None]
    return min(wrong, key=lambda verdict: WORST_FIRST.index(verdict.status), default=None)


def _missing_account(
    name: str, seen: Outcome[Mapping[str, object]], namespace: str
) -> Verdict | None:
    """What is wrong where an account has to be there; None where it is."""
    if is_hidden(name):
        show = command("kubectl", "get", "serviceaccounts", namespace=namespace)
        return unknown(
            f"the service account is in ZenML's secret {name}: not looked at",
            note(show, "one of them has to be what the secret says"),
        )
    create = command("kubectl", "create", "serviceaccount", name, namespace=namespace)
    if isinstance(seen, ProbeError):
        return unknown(
            f"whether the service account {name} exists in {namespace} was not seen: {seen.why}",
            seen.remedy or note(create, "if it does not"),
            seen.permission,
        )
    if not seen:
        why = f"the service account {name} does not exist in {namespace}: pods that run as it"
        return fail(f"{why} do not start", create)
    return None
