"""What ZenML's Kubernetes orchestrator asks of a cluster's API, and the verdict about it.

The table holds the calls of ``zenml.integrations.kubernetes.orchestrators.KubernetesOrchestrator``:
a test reads them from the installed ZenML and compares. What its pods call, they call as a service
account of their own, which ZenML gives the cluster role ``edit``, or which the description names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from kitaru_iac.checks.commands import command, note
from kitaru_iac.checks.model import Verdict, fail, ok, unknown, warn
from kitaru_iac.checks.probes import Outcome, ProbeError
from kitaru_iac.values import dataclass

__all__ = [
    "CLUSTER_RIGHTS",
    "POD_RIGHTS",
    "ClusterRight",
    "Use",
    "evaluate_account",
    "evaluate_rights",
    "rights_for",
    "rules_of",
]

_RBAC = "rbac.authorization.k8s.io"


class Use(StrEnum):
    """What a right is for."""

    RUN = "run"
    SCHEDULE = "schedule"
    #: To make the pods' service account, unless one is named.
    ACCOUNT = "account"
    #: To hand over ZenML's token in a secret, where that is asked for.
    HANDOVER = "handover"


@dataclass(frozen=True, slots=True)
class ClusterRight:
    """One verb on one kind of object, as RBAC names them.

    Attributes:
        use: What ZenML needs it for.
        verb: As ``create``.
        resource: In the plural, with its subresource: ``pods/log``.
        group: Of the API; empty for the core's.
        name: The one object that it is about; None for all.
    """

    use: Use
    verb: str
    resource: str
    group: str = ""
    name: str | None = None

    def __str__(self) -> str:
        return " ".join(filter(None, (self.verb, self.resource, self.name)))


def _rights(use: Use, resource: str, verbs: str, group: str = "") -> list[ClusterRight]:
    return [ClusterRight(use, verb, resource, group) for verb in verbs.split()]


#: A role is bound by whoever has all that it allows, or may ``bind`` it.
#: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping
_BIND = ClusterRight(Use.ACCOUNT, "bind", "clusterroles", _RBAC, "edit")

CLUSTER_RIGHTS: tuple[ClusterRight, ...] = (
    *_rights(Use.RUN, "jobs", "create get list delete", "batch"),
    *_rights(Use.RUN, "pods", "get list"),
    *_rights(Use.RUN, "pods/log", "get"),
    *_rights(Use.SCHEDULE, "cronjobs", "create patch delete", "batch"),
    *_rights(Use.ACCOUNT, "serviceaccounts", "create"),
    *_rights(Use.ACCOUNT, "rolebindings", "create", _RBAC),
    _BIND,
    *_rights(Use.HANDOVER, "secrets", "create patch delete"),
)

#: What the orchestrator's pod does as its service account: to which ZenML binds the role `edit`,
#: unless the account is named. That it cleans up a secret at its end is not among them: it goes on
#: where it may not.
POD_RIGHTS: tuple[ClusterRight, ...] = (
    *_rights(Use.RUN, "jobs", "create get list patch delete", "batch"),
    *_rights(Use.RUN, "pods", "get list"),
)


def evaluate_account(
    account: str, denied: Outcome[Iterable[ClusterRight]], namespace: str
) -> Verdict | None:
    """Evaluate what the cluster denies a named service account; None where nothing is wrong.

    Args:
        account: Its name, which the orchestrator's pod runs as.
        denied: Of `POD_RIGHTS`.
        namespace: Where.
    """
    bind = command(
        "kubectl",
        "create",
        "rolebinding",
        f"{account}-edit",
        clusterrole="edit",
        serviceaccount=f"{namespace}:{account}",
        namespace=namespace,
    )
    if isinstance(denied, ProbeError):
        return unknown(
            f"what the service account {account} may do in {namespace} was not seen: {denied.why}",
            denied.remedy or note(bind, "if it may not"),
            denied.permission,
        )
    lacking = list(denied)
    if not lacking:
        return None
    return fail(
        f"the service account {account} may not {_listed(lacking)} in {namespace}, as which the "
        "orchestrator's pod makes those of the steps",
        bind,
    )


#: The other way out, where nothing but making the pods' service account is denied.
_NAMED = (
    "or name one that is there and may do what the role edit allows, as "
    "extra.orchestrator.service_account_name: ZenML makes none then"
)


def rights_for(orchestrator: Mapping[str, object]) -> tuple[ClusterRight, ...]:
    """Give the rights that ZenML needs with these settings of the orchestrator."""
    unused = set()
    if orchestrator.get("service_account_name"):
        unused.add(Use.ACCOUNT)
    if not orchestrator.get("pass_zenml_token_as_secret"):
        unused.add(Use.HANDOVER)
    return tuple(right for right in CLUSTER_RIGHTS if right.use not in unused)


def rules_of(rights: Iterable[ClusterRight]) -> list[dict[str, list[str]]]:
    """Give the rules of a role that allows these rights and nothing else."""
    verbs: dict[tuple[str, str, str | None], list[str]] = {}
    for right in rights:
        verbs.setdefault((right.group, right.resource, right.name), []).append(right.verb)
    return [
        {
            "apiGroups": [group],
            "resources": [resource],
            **({"resourceNames": [name]} if name else {}),
            "verbs": allowed,
        }
        for (group, resource, name), allowed in verbs.items()
    ]


def evaluate_rights(denied: Iterable[ClusterRight], namespace: str, remedy: str) -> Verdict:
    """What the cluster denies the connector; a stack works without schedules.

    Args:
        denied: Of the rights that ZenML needs.
        namespace: Where.
        remedy: The command that gives them.
    """
    denied = tuple(denied)
    if {right.use for right in denied} - {Use.SCHEDULE} == {Use.ACCOUNT}:
        remedy = note(remedy, _NAMED)
    lacking = [right for right in denied if right != _BIND]
    if any(right.use is not Use.SCHEDULE for right in lacking):
        return fail(f"the connector may not {_listed(lacking)} in {namespace}", remedy)
    schedules = f"the connector may not {_listed(lacking)} in {namespace}: schedules will fail"
    if _BIND in denied:
        why = (
            "the connector may not bind the role edit to the pods' service account, unless it has "
            "itself all that edit allows, which was not asked"
        )
        return unknown(f"{why}; {schedules}" if lacking else why, remedy)
    if lacking:
        return warn(schedules, remedy)
    return ok(f"the connector may do in {namespace} what ZenML does there")


def _listed(rights: Iterable[ClusterRight]) -> str:
    return ", ".join(map(str, rights))
