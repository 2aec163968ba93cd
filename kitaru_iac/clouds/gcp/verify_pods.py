"""The evaluations about the identity of pods on GKE."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from kitaru_iac.checks.cluster_rights import ClusterRight
from kitaru_iac.checks.model import WORST_FIRST, CheckStatus, Verdict, ok, unknown, warn
from kitaru_iac.checks.permissions import Identity
from kitaru_iac.checks.pods import account_fault
from kitaru_iac.checks.probes import Outcome, Probe, ProbeError
from kitaru_iac.clouds.gcp import commands
from kitaru_iac.clouds.gcp.commands import bind, gcloud, use_bucket
from kitaru_iac.clouds.gcp.observations import Bucket, Caller, Raw, Rights
from kitaru_iac.clouds.gcp.permission_table import Resource
from kitaru_iac.clouds.gcp.permissions import needed, pod_member
from kitaru_iac.clouds.gcp.probes import GcpProbes
from kitaru_iac.clouds.gcp.probes_cluster import is_autopilot
from kitaru_iac.clouds.gcp.resources import GcpResources
from kitaru_iac.clouds.gcp.trust import DENY_UNSEEN
from kitaru_iac.values import replace

__all__ = ["evaluate_pod_identities", "evaluate_workload_identity", "pod_probe"]

_ANNOTATION = "iam.gke.io/gcp-service-account"
#: What is said beside a command that switches uniform bucket-level access on.
_FOR_GOOD = "switching it on drops the lists on objects, after 90 days for good"
_MAY_BECOME = ("iam.serviceAccounts.getAccessToken",)


def evaluate_workload_identity(cluster: Raw, r: GcpResources) -> Verdict:
    """The cluster's pool, and the metadata server of each node pool."""
    if is_autopilot(cluster):
        return ok("Autopilot always has Workload Identity")
    pool = str((cluster.get("workloadIdentityConfig") or {}).get("workloadPool") or "")
    wanted = f"{r.project}.svc.id.goog"
    if not pool:
        return warn(
            "Workload Identity is off: pods are the nodes' account",
            commands.cluster(
                "update", r.cluster, cluster.get("location"), r.project, workload_pool=wanted
            ),
        )
    lacking = [
        str(one.get("name"))
        for one in cluster.get("nodePools") or ()
        if ((one.get("config") or {}).get("workloadMetadataConfig") or {}).get("mode")
        != "GKE_METADATA"
    ]
    if lacking:
        return warn(
            f"the node pools {', '.join(lacking)} do not run its metadata server",
            gcloud(
                "container",
                "node-pools",
                "update",
                lacking[0],
                cluster=r.cluster,
                location=str(cluster.get("location")),
                project=r.project,
                workload_metadata="GKE_METADATA",
            ),
        )
    untold = "GKE tells of no node pool, whose metadata server could be looked at"
    return ok(f"its pool is {pool}", None if cluster.get("nodePools") else untold)


@dataclass(frozen=True, slots=True)
class PodIdentity:
    """How pods of one service account may reach the bucket.

    Attributes:
        pods: That service account of Kubernetes.
        enabled: Whether Workload Identity is on everywhere in the cluster.
        direct: What the pods' own principal may do to the bucket.
        account: What the cluster tells of it; empty if there is none yet.
        bucket: The bucket's settings.
        named: The account of Google's that it names, if any.
        become: Whether the pods may become that one.
        through: What that one may do to the bucket.
        denied: What the cluster denies the account that is named, of what the orchestrator's pod
            does; None for any other.
    """

    pods: str
    enabled: bool
    direct: Outcome[Rights]
    account: Outcome[Raw]
    bucket: Outcome[Bucket]
    named: str | None = None
    become: Outcome[Rights] | None = None
    through: Outcome[Rights] | None = None
    denied: Outcome[tuple[ClusterRight, ...]] | None = None


def pod_probe(probes: GcpProbes, r: GcpResources) -> Probe[tuple[PodIdentity, ...]]:
    """Look at each service account that the stack's pods run as."""
    ones = tuple(_pod_probe(probes, r, name) for name in r.pod_accounts)
    return Probe("the pods' identities", lambda *seen: seen, requires=ones, inline=True)


def _pod_probe(probes: GcpProbes, r: GcpResources, name: str) -> Probe[PodIdentity]:
    """Look both ways. Google's account is only known once that of Kubernetes was read."""
    pods = probes.pods(name)
    direct = probes.on_bucket("the pods' rights on the bucket", pods)

    def run(cluster: Raw, members: tuple[str, ...], caller: Caller, straight: Outcome[Rights],
            account: Outcome[Raw], settings: Outcome[Bucket], granted: Outcome[Raw]
            ) -> PodIdentity:  # fmt: skip
        enabled = evaluate_workload_identity(cluster, r).status is CheckStatus.OK
        named = None if isinstance(account, ProbeError) else _named(account)
        if named is None:
            return PodIdentity(name, enabled, straight, account, settings)
        policy: Outcome[Raw]
        try:
            policy = probes.read_account_policy(named)
        except ProbeError as error:
            policy = error
        return PodIdentity(
            name,
            enabled,
            straight,
            account,
            settings,
            named,
            probes.read_rights(members, (policy,), caller),
            probes.read_rights((f"serviceAccount:{named}",), (granted,), caller),
        )

    asked = (direct, probes.pod_account(name), probes.bucket, probes.bucket_policy)
    requires = (probes.cluster, pods, probes.session)
    if name != r.named_account:
        return Probe("the pods' identity", run, requires=requires, after=asked)

    def with_rights(*seen: Any) -> PodIdentity:
        *others, denied = seen
        return replace(run(*others), denied=denied)

    after = (*asked, probes.account_rights(name))
    return Probe("the pods' identity", with_rights, requires=requires, after=after)


def _named(account: Raw) -> str | None:
    metadata = account.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    found = (annotations or {}).get(_ANNOTATION)
    return str(found) if found else None


def evaluate_pod_identities(seen: tuple[PodIdentity, ...], r: GcpResources) -> Verdict:
    """The worst of what the pods of each service account may do, with all that are as bad.

    Of several that are unknown it is the first one: what helps to look at it is its own.
    """
    found = [
        account_fault(one.pods, one.account, one.denied, r.namespace, r.rights) or _evaluate(one, r)
        for one in seen
    ]
    status = min((one.status for one in found), key=WORST_FIRST.index)
    alike = list(dict.fromkeys(one for one in found if one.status is status))
    if status is CheckStatus.UNKNOWN:
        return alike[0]

    def all_of(said: Iterable[str | None], between: str) -> str:
        return between.join(dict.fromkeys(filter(None, said)))

    return replace(
        alike[0],
        why=all_of((one.why for one in alike), "; "),
        remedy=all_of((one.remedy for one in alike), " && ") or None,
        caveat=all_of((one.caveat for one in alike), "; ") or None,
    )


def _evaluate(seen: PodIdentity, r: GcpResources) -> Verdict:
    """Either way is good; neither is a warning, and what could not be read may be one.

    Where the pods' account names one of Google's, GKE hands out that one's tokens, and what the
    pods themselves are granted does not count.
    https://cloud.google.com/kubernetes-engine/docs/concepts/workload-identity#credential-flow
    """
    if not seen.enabled:
        return warn(
            "pods have no identity of their own everywhere (gcp.cluster.workload_identity), for "
            "the code of steps; ZenML itself takes the connector's credentials",
            gcloud("container", "clusters", "list", project=r.project),
        )
    wanted = needed(r, Identity.RUNTIME, Resource.BUCKET)
    may_become = _covers(seen.become, _MAY_BECOME)
    if seen.named is None and _covers(seen.direct, wanted):
        return _evaluate_direct(seen, r)
    if may_become and _covers(seen.through, wanted):
        return ok(f"pods become {seen.named}, which may use the bucket", DENY_UNSEEN)
    member = (
        seen.direct.member
        if isinstance(seen.direct, Rights)
        else pod_member(r, "NUMBER", seen.pods)
    )
    if seen.named is not None:
        member = f"serviceAccount:{seen.named}"
    grant = use_bucket(f"gs://{r.bucket}", member)
    has_lists = isinstance(seen.bucket, Bucket) and not seen.bucket.uniform
    if seen.named is None and has_lists:
        grant = f"{_make_uniform(r)} && {grant}"
    deciding: tuple[object, ...] = (seen.direct, seen.account)
    if seen.named is not None:
        deciding = (seen.become, seen.through)
    for one in deciding:
        error = one if isinstance(one, ProbeError) else (
            next(iter(one.unseen), None) if isinstance(one, Rights) else None
        )  # fmt: skip
        if error is not None:
            return unknown(
                f"what pods may do was not seen whole: {error.why}",
                error.remedy or grant,
                error.permission,
            )
    if seen.named is not None:
        return unknown(
            f"pods are annotated with {seen.named}; that they may become it, and it may use the "
            "bucket, no policy that was read says",
            grant
            if may_become
            else bind(
                "iam",
                "service-accounts",
                seen.named,
                member=f"serviceAccount:{r.project}.svc.id.goog[{r.namespace}/{seen.pods}]",
                role="roles/iam.workloadIdentityUser",
            ),
        )
    lists = f"; uniform bucket-level access is off, which keeps them out too: {_FOR_GOOD}"
    return warn(
        f"no policy that was read lets the pods of {seen.pods} use the bucket, for the code of "
        f"steps; ZenML itself takes the connector's credentials{lists if has_lists else ''}",
        grant,
    )


def _evaluate_direct(seen: PodIdentity, r: GcpResources) -> Verdict:
    """The principal has the rights, which count on a bucket with uniform access alone.

    https://cloud.google.com/storage/docs/uniform-bucket-level-access
    """
    direct = seen.direct
    assert isinstance(direct, Rights)
    if isinstance(seen.bucket, ProbeError):
        return unknown(
            f"{direct.member} has {', '.join(direct.roles)}; whether uniform bucket-level access "
            f"is on, without which it is not let in: {seen.bucket.why}",
            seen.bucket.remedy or gcloud("storage", "buckets", "describe", f"gs://{r.bucket}"),
            seen.bucket.permission,
        )
    if not seen.bucket.uniform:
        return warn(
            f"{direct.member} has {', '.join(direct.roles)}, and is not let in while uniform "
            f"bucket-level access is off: {_FOR_GOOD}",
            _make_uniform(r),
        )
    named = (
        f", nor whether {seen.pods} names an account of Google's, whose rights would count"
        if isinstance(seen.account, ProbeError)
        else ""
    )
    return ok(f"{direct.member} has {', '.join(direct.roles)}", f"{DENY_UNSEEN}{named}")


def _make_uniform(r: GcpResources) -> str:
    return gcloud(
        "storage", "buckets", "update", f"gs://{r.bucket}", uniform_bucket_level_access=True
    )


def _covers(seen: Outcome[Rights] | None, wanted: tuple[str, ...]) -> bool:
    return isinstance(seen, Rights) and set(wanted) <= seen.granted
