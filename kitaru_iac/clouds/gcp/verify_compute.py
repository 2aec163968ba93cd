"""The evaluations about what runs the steps: nodes on GKE, Vertex elsewhere."""

from __future__ import annotations

from kitaru_iac.checks.checklist import Checklist
from kitaru_iac.checks.commands import note
from kitaru_iac.checks.model import Check, Verdict, fail, ok, unknown, warn
from kitaru_iac.checks.node_pools import NodePool, evaluate_node_pools
from kitaru_iac.checks.permissions import Identity
from kitaru_iac.checks.pods import (
    ARM,
    LINUX,
    X86,
    PodSettings,
    Taint,
    asks_for_arm,
    evaluate_pods,
    is_met,
)
from kitaru_iac.checks.probes import NotFound, Outcome, Probe, ProbeError, all_of
from kitaru_iac.clouds.gcp import commands
from kitaru_iac.clouds.gcp.commands import bind, gcloud, run_steps, use_bucket
from kitaru_iac.clouds.gcp.observations import Caller, Raw, Rights, Tested
from kitaru_iac.clouds.gcp.permission_table import Resource
from kitaru_iac.clouds.gcp.permissions import needed
from kitaru_iac.clouds.gcp.probes import GcpProbes
from kitaru_iac.clouds.gcp.probes_cluster import is_autopilot, new_pools
from kitaru_iac.clouds.gcp.resources import GcpResources, project_of_account
from kitaru_iac.clouds.gcp.trust import (
    DENY_UNSEEN,
    evaluate_rights,
    evaluate_tested,
    evaluate_trust,
)
from kitaru_iac.patterns import compiled
from kitaru_iac.values import replace

__all__ = [
    "evaluate_compute",
    "evaluate_scopes",
    "vertex_checks",
    "workload_checks",
]

_SCOPE = "https://www.googleapis.com/auth/"
_PULLING = {f"{_SCOPE}cloud-platform", f"{_SCOPE}devstorage.read_only",
            f"{_SCOPE}devstorage.read_write", f"{_SCOPE}devstorage.full_control"}  # fmt: skip
#: Machines with a processor of ARM: T2A, C4A, N4A and the like, and those with Grace.
#: https://cloud.google.com/compute/docs/instances/arm-on-compute
_ARM_MACHINE = compiled(r"(?:[a-z]+[0-9]+a|a4x)-")
#: https://cloud.google.com/kubernetes-engine/docs/reference/rest/v1/projects.locations.clusters.nodePools#NodePool.Status
_KEEPS_NODES = {"RUNNING", "RECONCILING", "RUNNING_WITH_ERROR", "PROVISIONING"}
_LOSES_NODES = {"STOPPING", "ERROR"}
#: What nodes are like that GKE makes for pods that ask for nothing else.
_MADE = {key: (value,) for key, value in (LINUX, X86)}
#: Whose labels GKE's nodes have by themselves.
_OWN_LABELS = ("google.com", "gke.io")


# -- nodes -----------------------------------------------------------------------------------------


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
    if is_autopilot(cluster):
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


def evaluate_compute(cluster: Raw, r: GcpResources) -> Verdict:
    """A pool whose nodes take each pod of the stack, or what makes such nodes."""
    show = _pools(r, cluster)
    if is_autopilot(cluster):
        return evaluate_pods(r.pods, lambda pod: _made_by("Autopilot", pod, show))
    scaling: Raw = cluster.get("autoscaling") or {}

    def elsewhere(pod: PodSettings) -> Verdict | None:
        if scaling.get("enableNodeAutoprovisioning"):
            return _made_by("node auto-provisioning", pod, show)
        # A class can have pools made without that, and stands in the cluster.
        # https://cloud.google.com/kubernetes-engine/docs/concepts/about-custom-compute-classes
        if (scaling.get("defaultComputeClassConfig") or {}).get("enabled"):
            return unknown(
                "its default compute class may make nodes, which GKE does not tell", show
            )
        return None

    pools = [_pool(one, cluster) for one in cluster.get("nodePools") or ()]
    pods = [_admitted(pod) for pod in r.pods]
    return evaluate_node_pools(pools, pods, show, _OWN_LABELS, elsewhere)


def _made_by(what: str, pod: PodSettings, show: str) -> Verdict:
    if is_met(pod, _MADE):
        return ok(f"{what} makes nodes as they are needed", "quotas and limits were not looked at")
    labels = (f"{key}={value}" for key, value in pod.node_selectors)
    asked = ", ".join((*labels, *pod.resources))
    return unknown(f"the pods ask for {asked}; whether {what} makes such nodes was not seen", show)


def _admitted(pod: PodSettings) -> PodSettings:
    """The pod as GKE admits it: one that asks for ARM tolerates the taint of such nodes.

    https://cloud.google.com/kubernetes-engine/docs/how-to/prepare-arm-workloads-for-deployment
    """
    if not asks_for_arm(pod):
        return pod
    key, value = ARM
    return replace(pod, tolerations=(*pod.tolerations, (key, "Equal", value, "")))


def _pool(pool: Raw, cluster: Raw) -> NodePool:
    config: Raw = pool.get("config") or {}
    name, machine = str(pool.get("name")), str(config.get("machineType") or "")
    is_arm = _ARM_MACHINE.match(machine) is not None
    labels: dict[str, tuple[str, ...]]
    labels = {str(key): (str(value),) for key, value in (config.get("labels") or {}).items()}
    labels |= {key: (value,) for key, value in (LINUX, ARM if is_arm else X86)}
    labels["cloud.google.com/gke-nodepool"] = (name,)
    labels["node.kubernetes.io/instance-type"] = (machine,)
    labels["cloud.google.com/gke-spot"] = ("true",) if config.get("spot") else ()
    kinds = [str(one.get("acceleratorType")) for one in config.get("accelerators") or ()]
    labels["cloud.google.com/gke-accelerator"] = tuple(kinds)
    has_gpu = "gke-no-default-nvidia-gpu-device-plugin" not in labels and any(
        str(one.get("acceleratorType")).startswith("nvidia-")
        and (one.get("gpuDriverInstallationConfig") or {}).get("gpuDriverVersion")
        != "INSTALLATION_DISABLED"
        for one in config.get("accelerators") or ()
    )
    if pool.get("locations"):
        labels["topology.kubernetes.io/zone"] = tuple(map(str, pool["locations"]))
    taints = [
        Taint(*(str(taint.get(part) or "") for part in ("key", "value", "effect")))
        for taint in config.get("taints") or ()
    ]
    if (config.get("sandboxConfig") or {}).get("type") == "GVISOR":
        # https://cloud.google.com/kubernetes-engine/docs/how-to/sandbox-pods
        taints.append(Taint("sandbox.gke.io/runtime", "gvisor", "NoSchedule"))
    return NodePool(
        name,
        labels,
        tuple(taints),
        is_arm,
        # GKE itself runs the device plugin there.
        resources=("nvidia.com/gpu",) if has_gpu else (),
        unfit=_unfit(pool, config, cluster),
        untold=_untold(pool, config, cluster),
        issue=_issue(pool),
    )


def _grows(pool: Raw) -> bool:
    """Whether GKE adds nodes when pods need them."""
    scaling: Raw = pool.get("autoscaling") or {}
    most = scaling.get("maxNodeCount") or scaling.get("totalMaxNodeCount")
    return bool(scaling.get("enabled") and most)


def _unfit(pool: Raw, config: Raw, cluster: Raw) -> str:
    if pool.get("status") in _LOSES_NODES:
        return f"is {pool['status']}{_said(pool)}"
    if str(config.get("imageType") or "").upper().startswith("WINDOWS"):
        return "runs Windows"
    if (pool.get("queuedProvisioning") or {}).get("enabled"):
        return "takes queued pods alone"
    # The size is what somebody gave; nodes are counted for the cluster alone, and 0 is left out.
    if not (_grows(pool) or pool.get("initialNodeCount") or cluster.get("currentNodeCount")):
        return "has no nodes, and nothing adds any"
    return ""


def _untold(pool: Raw, config: Raw, cluster: Raw) -> str:
    status = pool.get("status")
    if status not in _KEEPS_NODES:
        return f"is in {f'the state {status}' if status else 'a state that was not told'}"
    if not config.get("imageType") or not config.get("machineType"):
        return "has nodes of which GKE does not tell the image and the machine"
    size = pool.get("initialNodeCount")
    is_counted = cluster.get("currentNodeCount") or status == "PROVISIONING"
    if size and not _grows(pool) and not is_counted:
        return f"was given {size} nodes for each zone, and GKE counts none in the cluster"
    return ""


def _issue(pool: Raw) -> str:
    status, said = pool.get("status"), _said(pool)
    if status in {"PROVISIONING", "RUNNING_WITH_ERROR"} or said:
        return f"is {status}{said}"
    if not _grows(pool) and not pool.get("initialNodeCount"):
        return "was given no nodes, and does not grow: pods wait until somebody resizes it"
    return ""


def _said(pool: Raw) -> str:
    words = [str(one["message"]) for one in pool.get("conditions") or () if one.get("message")]
    return f": {'; '.join(words)}" if words else ""


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
    """Both must be able to pull. In a project that never used Vertex there are none yet.

    Google makes each at its time and refuses grants before that. One that is asked for gets no role
    by itself (https://cloud.google.com/iam/docs/service-agents).
    """
    assert r.repository is not None
    name = r.repository
    wanted = needed(r, Identity.PULL, Resource.REPOSITORY)
    worst: Verdict | None = None
    late: list[str] = []
    steps: list[str] = []
    for number, one in enumerate(seen):
        if isinstance(one, ProbeError):
            return unknown(f"not looked at: {one.why}", one.remedy, one.permission)
        grant = bind(
            "artifacts",
            "repositories",
            name.id,
            member=one.member,
            role="roles/artifactregistry.reader",
            location=name.location,
            project=name.project,
        )
        verdict = evaluate_rights(one, wanted, str(name), grant)
        if name.project == r.project and not one.roles and not one.unseen:
            late.append(one.member)
            # Nobody can ask for the one for custom code.
            steps += [_make_agent(r), grant] if number == 0 else [grant]
        elif verdict.status != "ok":
            worst = worst or verdict
    if worst is not None:
        return worst
    if not late:
        return ok(f"both service agents may pull from {name}", DENY_UNSEEN)
    return warn(
        f"no policy names Vertex's service agents {' and '.join(late)}: either Google has not made "
        "them yet, as it does when Vertex is first used, or they have no role",
        note(
            " && ".join(steps),
            "once the agent is there; the one for custom code is after the first run",
        ),
    )


def _make_agent(r: GcpResources) -> str:
    return gcloud(
        "beta",
        "services",
        "identity",
        "create",
        service="aiplatform.googleapis.com",
        project=r.project,
    )


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
    return [exists, trust, *_access_checks(checklist, probes, r, email)]


def _access_checks(
    checklist: Checklist[Caller], probes: GcpProbes, r: GcpResources, email: str
) -> list[Check[object]]:
    """What the steps may do, as Google tells their account itself, and as policies tell others."""
    member = f"serviceAccount:{email}"
    who = probes.known(member)
    checks: list[Check[object]] = []

    def add(
        id: str, thing: Resource, what: str, rights: Probe[Rights], itself: Probe[Tested],
        grant: str,
    ) -> None:  # fmt: skip
        wanted = needed(r, Identity.RUNTIME, thing)

        def evaluate(seen: tuple[Rights, Tested | None]) -> Verdict:
            rights, tested = seen
            if tested is not None:
                return evaluate_tested(tested, what, grant)
            return evaluate_rights(rights, wanted, what, grant)

        probe = all_of(rights, probes.if_caller(member, itself))
        check = checklist.check(id, email, probe, evaluate)
        checks.append(check)

    if r.bucket is not None:
        uri = f"gs://{r.bucket}"
        add(
            "gcp.workload.bucket_access", Resource.BUCKET, uri,
            probes.on_bucket("the steps' rights on the bucket", who),
            probes.test_of_bucket(Identity.RUNTIME),
            use_bucket(uri, member),
        )  # fmt: skip
    if r.project is not None:
        add(
            "gcp.workload.project_access", Resource.PROJECT, f"projects/{r.project}",
            probes.on_project("the steps' rights in the project", who),
            probes.project_tested(Identity.RUNTIME, Resource.PROJECT),
            run_steps(r.project, member),
        )  # fmt: skip
    return checks


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
