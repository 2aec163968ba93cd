"""The evaluations about what runs the steps: nodes and pods on GKE, Vertex elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

from kitaru_iac.checks.checklist import Checklist
from kitaru_iac.checks.commands import note
from kitaru_iac.checks.model import Check, CheckStatus, Verdict, fail, ok, unknown, warn
from kitaru_iac.checks.permissions import Identity
from kitaru_iac.checks.probes import NotFound, Outcome, Probe, ProbeError
from kitaru_iac.clouds.gcp import commands
from kitaru_iac.clouds.gcp.commands import bind, gcloud, use_bucket
from kitaru_iac.clouds.gcp.observations import Caller, Raw, Rights
from kitaru_iac.clouds.gcp.permission_table import Resource
from kitaru_iac.clouds.gcp.permissions import needed, pod_member
from kitaru_iac.clouds.gcp.probes import GcpProbes
from kitaru_iac.clouds.gcp.probes_cluster import new_pools
from kitaru_iac.clouds.gcp.resources import GcpResources, project_of_account
from kitaru_iac.clouds.gcp.trust import DENY_UNSEEN, evaluate_rights, evaluate_trust

__all__ = [
    "evaluate_pod_identity",
    "evaluate_scopes",
    "evaluate_workload_identity",
    "pod_probe",
    "vertex_checks",
    "workload_checks",
]

_SCOPE = "https://www.googleapis.com/auth/"
_PULLING = {f"{_SCOPE}cloud-platform", f"{_SCOPE}devstorage.read_only",
            f"{_SCOPE}devstorage.read_write", f"{_SCOPE}devstorage.full_control"}  # fmt: skip
_ANNOTATION = "iam.gke.io/gcp-service-account"
_MAY_BECOME = ("iam.serviceAccounts.getAccessToken",)


# -- nodes and pods --------------------------------------------------------------------------------


def _is_autopilot(cluster: Raw) -> bool:
    return bool((cluster.get("autopilot") or {}).get("enabled"))


def _pools(r: GcpResources, cluster: Raw) -> str:
    return gcloud(
        "container",
        "node-pools",
        "list",
        cluster=r.cluster,
        location=str(cluster.get("location")),
        project=r.project,
    )


def evaluate_scopes(cluster: Raw, r: GcpResources) -> Verdict:
    """Every pool: a pod may land on any. A pool's scopes cannot be changed."""
    if _is_autopilot(cluster):
        return ok("Autopilot gives its nodes the scopes")
    pools = cluster.get("nodePools")
    if not pools:
        untold = unknown("it has no node pool that GKE tells of", _pools(r, cluster))
        return _evaluate_new_pools(cluster, r) or untold
    lacking = [
        str(pool.get("name"))
        for pool in pools
        if not _PULLING & set((pool.get("config") or {}).get("oauthScopes") or ())
    ]
    if not lacking:
        return _evaluate_new_pools(cluster, r) or ok(f"its {len(pools)} node pools have them")
    again = note(
        gcloud(
            "container",
            "node-pools",
            "create",
            f"{lacking[0]}-2",
            cluster=r.cluster,
            location=str(cluster.get("location")),
            project=r.project,
            scopes="cloud-platform",
        ),
        "the scopes of a pool cannot be changed",
    )
    words = f"the node pools {', '.join(lacking)} lack cloud-platform and devstorage.read_only"
    if len(lacking) < len(pools):
        return warn(f"{words}: pods there cannot pull", again)
    return fail(words, again)


def _evaluate_new_pools(cluster: Raw, r: GcpResources) -> Verdict | None:
    """The nodes that auto-provisioning makes; None where they can pull, or none are made."""
    # Where none are named, GKE gives its own, which hold devstorage.read_only.
    scopes = set(new_pools(cluster).get("oauthScopes") or _PULLING)
    if _PULLING & scopes:
        return None
    return warn(
        "the nodes that auto-provisioning makes lack cloud-platform and devstorage.read_only: "
        "pods there cannot pull",
        commands.cluster(
            "update",
            r.cluster,
            cluster.get("location"),
            r.project,
            enable_autoprovisioning=True,
            autoprovisioning_scopes=f"{_SCOPE}cloud-platform",
        ),
    )


def evaluate_workload_identity(cluster: Raw, r: GcpResources) -> Verdict:
    """The cluster's pool, and the metadata server of each node pool."""
    if _is_autopilot(cluster):
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
    """How pods of a stack may reach the bucket.

    Attributes:
        enabled: Whether Workload Identity is on everywhere in the cluster.
        direct: What the pods' own principal may do to the bucket.
        account: Their service account of Kubernetes; empty if there is none yet.
        named: The account of Google's that it names, if any.
        become: Whether the pods may become that one.
        through: What that one may do to the bucket.
    """

    enabled: bool
    direct: Outcome[Rights]
    account: Outcome[Raw]
    named: str | None = None
    become: Outcome[Rights] | None = None
    through: Outcome[Rights] | None = None


def pod_probe(probes: GcpProbes, r: GcpResources) -> Probe[PodIdentity]:
    """Look both ways. The second account is only known once the first was read."""
    pods = probes.pods()
    direct = probes.on_bucket("the pods' rights on the bucket", pods)

    def run(cluster: Raw, members: tuple[str, ...], caller: Caller, straight: Outcome[Rights],
            account: Outcome[Raw], bucket: Outcome[Raw]) -> PodIdentity:  # fmt: skip
        enabled = evaluate_workload_identity(cluster, r).status is CheckStatus.OK
        named = None if isinstance(account, ProbeError) else _named(account)
        if named is None:
            return PodIdentity(enabled, straight, account)
        policy: Outcome[Raw]
        try:
            policy = probes.read_account_policy(named)
        except ProbeError as error:
            policy = error
        return PodIdentity(
            enabled,
            straight,
            account,
            named,
            probes.read_rights(members, (policy,), caller),
            probes.read_rights((f"serviceAccount:{named}",), (bucket,), caller),
        )

    return Probe(
        "the pods' identity",
        run,
        requires=(probes.cluster, pods, probes.session),
        after=(direct, probes.pod_account, probes.bucket_policy),
    )


def _named(account: Raw) -> str | None:
    metadata = account.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    found = (annotations or {}).get(_ANNOTATION)
    return str(found) if found else None


def evaluate_pod_identity(seen: PodIdentity, r: GcpResources) -> Verdict:
    """Either way is good; neither is a warning, and what could not be read may be one.

    Where the pods' account names one of Google's, GKE hands out that one's tokens, and what the
    pods themselves are granted does not count.
    https://cloud.google.com/kubernetes-engine/docs/concepts/workload-identity#credential-flow
    """
    if not seen.enabled:
        return warn(
            "pods have no identity of their own everywhere (gcp.cluster.workload_identity): ZenML "
            "hands them the connector's credentials",
            gcloud("container", "clusters", "list", project=r.project),
        )
    wanted = needed(r, Identity.RUNTIME, Resource.BUCKET)
    may_become = _covers(seen.become, _MAY_BECOME)
    direct = seen.direct
    if seen.named is None and isinstance(direct, Rights) and direct.granted >= set(wanted):
        named = (
            f", nor whether {r.pod_account} names an account of Google's, whose rights would count"
            if isinstance(seen.account, ProbeError)
            else ""
        )
        return ok(f"{direct.member} has {', '.join(direct.roles)}", f"{DENY_UNSEEN}{named}")
    if may_become and _covers(seen.through, wanted):
        return ok(f"pods become {seen.named}, which may use the bucket", DENY_UNSEEN)
    member = seen.direct.member if isinstance(seen.direct, Rights) else pod_member(r, "NUMBER")
    if seen.named is not None:
        member = f"serviceAccount:{seen.named}"
    grant = use_bucket(f"gs://{r.bucket}", member)
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
                member=f"serviceAccount:{r.project}.svc.id.goog[{r.namespace}/{r.pod_account}]",
                role="roles/iam.workloadIdentityUser",
            ),
        )
    return warn(
        f"no policy that was read lets the pods of {r.pod_account} use the bucket: without one, "
        "ZenML hands them the connector's credentials",
        grant,
    )


def _covers(seen: Outcome[Rights] | None, wanted: tuple[str, ...]) -> bool:
    return isinstance(seen, Rights) and set(wanted) <= seen.granted


# -- Vertex ----------------------------------------------------------------------------------------


def vertex_checks(
    checklist: Checklist[Caller], probes: GcpProbes, r: GcpResources
) -> list[Check[object]]:
    """The checks of Vertex in the stack's region, and of its service agents."""
    region = checklist.check(
        "gcp.vertex.region",
        f"projects/{r.project}/locations/{r.region}",
        probes.locations,
        lambda seen: evaluate_location(seen, r),
    )
    if r.repository is None:
        return [region]
    first, second = (probes.on_repository("an agent's rights", one) for one in probes.agents())
    agents: Probe[tuple[Outcome[Rights], Outcome[Rights]]] = Probe(
        "Vertex's service agents",
        lambda _project, one, other: (one, other),
        requires=(probes.project,),
        after=(first, second),
        inline=True,
    )
    pull = checklist.check(
        "gcp.vertex.pull", str(r.repository), agents, lambda seen: evaluate_agents(seen, r)
    )
    return [region, pull]


def evaluate_location(seen: tuple[str, ...], r: GcpResources) -> Verdict:
    """In Vertex's own list."""
    if r.region in seen:
        return ok(f"Vertex AI is in {r.region}")
    return fail(
        f"Vertex AI is not in {r.region}; it is in {len(seen)} regions, as {', '.join(seen[:3])}",
        note(gcloud("ai", "models", "list", region=seen[0], project=r.project), "a region it has"),
    )


def evaluate_agents(seen: tuple[Outcome[Rights], Outcome[Rights]], r: GcpResources) -> Verdict:
    """Both must be able to pull. In a project that never used Vertex there are none yet."""
    assert r.repository is not None
    name = r.repository
    wanted = needed(r, Identity.PULL, Resource.REPOSITORY)
    verdicts = []
    rights: list[Rights] = []
    for one in seen:
        if isinstance(one, ProbeError):
            return unknown(f"not looked at: {one.why}", one.remedy, one.permission)
        rights.append(one)
        grant = bind(
            "artifacts",
            "repositories",
            name.id,
            member=one.member,
            role="roles/artifactregistry.reader",
            location=name.location,
            project=name.project,
        )
        verdicts.append(evaluate_rights(one, wanted, str(name), grant))
    # Google gives each agent a role on the project as it makes it, and refuses grants before that
    # (https://cloud.google.com/iam/docs/service-agents).
    late = [one for one in rights if not one.roles and not one.unseen]
    if late and name.project == r.project:
        others = [v for v, one in zip(verdicts, rights, strict=True) if one not in late]
        if worst := next((one for one in others if one.status != "ok"), None):
            return worst
        return warn(
            f"no policy names Vertex's service agents {' and '.join(one.member for one in late)}: "
            "Google makes them, with their rights, when Vertex is first used, the one for custom "
            "code after the first run",
            gcloud(
                "beta",
                "services",
                "identity",
                "create",
                service="aiplatform.googleapis.com",
                project=r.project,
            ),
        )
    worst = next((one for one in verdicts if one.status != "ok"), None)
    return worst or ok(f"both service agents may pull from {name}", DENY_UNSEEN)


def workload_checks(
    checklist: Checklist[Caller], probes: GcpProbes, r: GcpResources
) -> list[Check[object]]:
    """The checks of the service account that steps run as on Vertex."""
    email = r.workload
    if email is None:
        return [
            checklist.check(
                "gcp.workload.exists",
                f"the steps of {r.stack}",
                probes.session,
                lambda _: warn(
                    "extra.orchestrator.workload_service_account is not set: Vertex runs steps as "
                    "an account of the whole project, or one that cannot get tokens",
                    gcloud("iam", "service-accounts", "create", "kitaru-steps", project=r.project),
                ),
            )
        ]
    home = project_of_account(email) or r.project
    create = gcloud("iam", "service-accounts", "create", email.partition("@")[0], project=home)
    show = gcloud("iam", "service-accounts", "get-iam-policy", email)
    exists = checklist.check(
        "gcp.workload.exists",
        email,
        probes.account(email),
        lambda seen: evaluate_account(seen, email),
        on_error=lambda error: absent_account(error, email, create),
    )
    trust = checklist.check(
        "gcp.workload.trust",
        email,
        probes.account_policy(email),
        lambda seen: evaluate_trust(seen, email, show),
        create=create,
    )
    if r.bucket is None:
        return [exists, trust]
    bucket = f"gs://{r.bucket}"
    rights = probes.on_bucket("the steps' rights", probes.known(f"serviceAccount:{email}"))
    grant = use_bucket(bucket, f"serviceAccount:{email}")
    wanted = needed(r, Identity.RUNTIME, Resource.BUCKET)
    access = checklist.check(
        "gcp.workload.bucket_access",
        email,
        rights,
        lambda seen: evaluate_rights(seen, wanted, bucket, grant),
        create=create,
    )
    return [exists, trust, access]


def evaluate_account(seen: Raw, email: str) -> Verdict:
    """There, and not disabled."""
    if seen.get("disabled"):
        return fail(f"{email} is disabled", gcloud("iam", "service-accounts", "enable", email))
    return ok(f"{email} is there and enabled")


def absent_account(error: ProbeError, email: str, create: str) -> Verdict | None:
    """A service account that is not there; its project is named by its address."""
    if not isinstance(error, NotFound):
        return None
    return fail(f"there is no service account {email}", create)
