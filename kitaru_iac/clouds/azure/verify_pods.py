"""The evaluation of the service accounts that pods on AKS run as."""

from __future__ import annotations

from collections.abc import Mapping

from kitaru_iac.checks.cluster_rights import ClusterRight
from kitaru_iac.checks.model import WORST_FIRST, Verdict, ok
from kitaru_iac.checks.pods import account_fault
from kitaru_iac.checks.probes import Outcome
from kitaru_iac.clouds.azure.observations import Raw
from kitaru_iac.clouds.azure.resources import AzureResources
from kitaru_iac.values import dataclass

__all__ = ["ServiceAccounts", "evaluate_service_accounts"]


@dataclass(frozen=True, slots=True)
class ServiceAccounts:
    """What the cluster tells of the service accounts that the description names.

    Attributes:
        accounts: Each as it is; empty if there is none of the name.
        denied: What the cluster denies the orchestrator's, if that is named, of what its pod does.
    """

    accounts: Mapping[str, Outcome[Raw]]
    denied: Mapping[str, Outcome[tuple[ClusterRight, ...]]]


def evaluate_service_accounts(seen: ServiceAccounts, r: AzureResources) -> Verdict:
    """Whether each is there, and the orchestrator's may make the pods of the steps."""
    every = r.required_accounts
    faults = [
        account_fault(
            name, seen.accounts.get(name, {}), seen.denied.get(name), r.namespace, r.rights
        )
        for name in every
    ]
    found = [fault for fault in faults if fault is not None]
    if found:
        return min(found, key=lambda verdict: WORST_FIRST.index(verdict.status))
    may = "" if r.named_account is None else f", and {r.named_account} may make the steps' pods"
    return ok(f"{r.namespace} has {' and '.join(every)}{may}")
