"""Every verdict on Google Cloud, whole, as data decides it: `verdicts.txt` says what is right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kitaru_iac.checks.cluster_rights import rights_for
from kitaru_iac.checks.kubernetes_api import BeingDeleted
from kitaru_iac.checks.model import Verdict
from kitaru_iac.checks.permissions import Identity
from kitaru_iac.checks.pods import ARM, PodSettings
from kitaru_iac.checks.probes import (
    Denied,
    NoCredentials,
    NotFound,
    ProbeError,
    Skipped,
    Unavailable,
)
from kitaru_iac.clouds.gcp import verify_bucket as b
from kitaru_iac.clouds.gcp import verify_cluster as c
from kitaru_iac.clouds.gcp import verify_compute as v
from kitaru_iac.clouds.gcp import verify_endpoint as e
from kitaru_iac.clouds.gcp import verify_identity as i
from kitaru_iac.clouds.gcp import verify_pods as vp
from kitaru_iac.clouds.gcp import verify_registry as g
from kitaru_iac.clouds.gcp.answers import BadRequest
from kitaru_iac.clouds.gcp.explain import checklist
from kitaru_iac.clouds.gcp.observations import (
    Bucket,
    Caller,
    Clusters,
    Connector,
    Project,
    Rights,
    Tested,
)
from kitaru_iac.clouds.gcp.permission_table import Resource
from kitaru_iac.clouds.gcp.permissions import needed
from kitaru_iac.clouds.gcp.resources import GcpResources, RepositoryName
from kitaru_iac.clouds.gcp.trust import evaluate_rights, evaluate_tested, evaluate_trust
from kitaru_iac.clouds.gcp.verify_key import evaluate_key
from kitaru_iac.spec.kinds import StackType
from tests.clouds.verdicts import Table, each, texts, ways

OURS = "steps@my-project.iam.gserviceaccount.com"
NAME = RepositoryName("my-project", "europe-west1", "images")
THEIRS = RepositoryName("images-project", "europe-west4", "theirs")
VERTEX = GcpResources(
    "prod", StackType.VERTEX, "my-project", "europe-west1", bucket="data", repository=NAME,
    workload=OURS, connector="zenml@my-project.iam.gserviceaccount.com",
    pool="projects/1/locations/global/workloadIdentityPools/ci", impersonates=True,
)  # fmt: skip
GKE = replace(VERTEX, type=StackType.KUBERNETES, cluster="pods", namespace="ml", workload=None,
              pool=None, impersonates=False, rights=rights_for({}))  # fmt: skip
LOCAL = replace(VERTEX, type=StackType.LOCAL, workload=None)
BUCKET = Bucket("europe-west1", (), True, "enforced", True, 604800, None, "123")
LISTED = replace(BUCKET, uniform=False)
INHERITED = replace(BUCKET, prevention="inherited")
PROJECT = Project("my-project", "123", "ACTIVE")
KEY = "projects/p/locations/eu/keyRings/r/cryptoKeys/k"
AGENT_OF_BUCKET = "storage service agent"
DENIED = Denied("it is denied", "ask somebody", permission="a.b.get")
AWAY = Unavailable("it took too long", "wait")
ME = f"serviceAccount:{OURS}"
AUTOPILOT = {"autopilot": {"enabled": True}, "location": "europe-west1"}


def policy(*bindings: tuple[str, str], condition: Any = None) -> dict[str, Any]:
    more = {"condition": condition} if condition else {}
    made = [{"role": role, "members": [member], **more} for role, member in bindings]
    return {"version": 3, "bindings": made}


def key(state: str | None, purpose: str = "ENCRYPT_DECRYPT") -> dict[str, Any]:
    return {"name": KEY, "purpose": purpose, "primary": {"state": state} if state else None}


def cluster(**fields: Any) -> dict[str, Any]:
    return {"location": "europe-west1", "status": "RUNNING", **fields}


def pool(name: str, scope: str | None = "cloud-platform", mode: str = "GKE_METADATA") -> Any:
    scopes = [f"https://www.googleapis.com/auth/{scope}"] if scope else None
    return {
        "name": name,
        "config": {"oauthScopes": scopes, "workloadMetadataConfig": {"mode": mode}},
    }


TAINT = {"key": "team", "value": "x", "effect": "NO_SCHEDULE"}
ARM_TAINT = {"key": ARM[0], "value": ARM[1], "effect": "NO_SCHEDULE"}
GPU_TAINT = {"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}
ANY = (PodSettings(),)
TOLERANT = PodSettings(tolerations=(("team", "Equal", "x", "NoSchedule"),))


def group(name: str = "a", size: int | None = 3, config: Any = None, **more: Any) -> dict[str, Any]:
    """A node pool; what is None is left out, as Google leaves out what is 0."""
    given = {"imageType": "COS_CONTAINERD", "machineType": "e2-standard-4", **(config or {})}
    kept = {key: value for key, value in given.items() if value is not None}
    found = {"name": name, "status": "RUNNING", "initialNodeCount": size, "config": kept, **more}
    return {key: value for key, value in found.items() if value is not None}


def tainted(taint: dict[str, str], **config: Any) -> dict[str, Any]:
    return group(config={"taints": [taint], **config})


def labelled(**labels: str) -> dict[str, Any]:
    return group(config={"labels": labels})


def asking(*selectors: tuple[str, str], **more: Any) -> PodSettings:
    return PodSettings(selectors, **more)


def nodes(*pools: Any, pods: Any = ANY, count: int | None = 3, **more: Any
          ) -> Callable[[], Verdict]:  # fmt: skip
    counted = {"currentNodeCount": count} if count else {}
    given = cluster(nodePools=list(pools), **counted, **more)
    return lambda: v.evaluate_compute(given, replace(GKE, pods=tuple(pods)))


def grows(**how: Any) -> dict[str, Any]:
    return {"autoscaling": {"enabled": True, **how}}


NEW_POOLS = {"autoscaling": {"enableNodeAutoprovisioning": True}}
CLASSES = {"autoscaling": {"defaultComputeClassConfig": {"enabled": True}}}
GPU = asking(("cloud.google.com/gke-accelerator", "nvidia-l4"), resources=("nvidia.com/gpu",))
L4: dict[str, list[dict[str, Any]]] = {
    "accelerators": [{"acceleratorType": "nvidia-l4", "acceleratorCount": "1"}]
}
NO_DRIVER = {"gpuDriverInstallationConfig": {"gpuDriverVersion": "INSTALLATION_DISABLED"}}


def version(of: str | None, *offered: str, **channels: Any) -> Callable[[], Verdict]:
    config = {
        "validMasterVersions": list(offered or ("1.34.1-gke.1", "1.33.9-gke.2")),
        "channels": [{"channel": name, "validVersions": some} for name, some in channels.items()],
    }
    return lambda: c.evaluate_version(cluster(currentMasterVersion=of), config, GKE)


WORKLOADS = {"workloadIdentityConfig": {"workloadPool": "my-project.svc.id.goog"}}


def dns(outside: bool) -> dict[str, Any]:
    return {"dnsEndpointConfig": {"endpoint": "gke.goog", "allowExternalTraffic": outside}}


def networks(*cidrs: str, enabled: bool = True) -> dict[str, Any]:
    return {"enabled": enabled, "cidrBlocks": [{"cidrBlock": cidr} for cidr in cidrs]}


def endpoint(reached: Any, **fields: Any) -> Callable[[], Verdict]:
    return lambda: e.evaluate_endpoint((cluster(**fields), reached), GKE)


def by_address(**fields: Any) -> dict[str, Any]:
    return {"controlPlaneEndpointsConfig": {"ipEndpointsConfig": fields}}


def by_both(reached: Any, **fields: Any) -> Callable[[], Verdict]:
    both = {**dns(True), "ipEndpointsConfig": fields}
    return endpoint(reached, controlPlaneEndpointsConfig=both)


USING = frozenset(needed(GKE, Identity.RUNTIME, Resource.BUCKET))
POD = vp.pod_member(GKE, "123", "zenml-service-account")
STEPS = vp.pod_member(GKE, "123", "default")
MAY = Rights(POD, USING, roles=("roles/storage.objectUser",))
MAY_NOT = Rights(POD, USING - {"storage.objects.get"})
STEPS_MAY = Rights(STEPS, USING, roles=("roles/storage.objectUser",))
STEPS_MAY_NOT = Rights(STEPS, USING - {"storage.objects.get"})
BECOMES = Rights(POD, frozenset({"iam.serviceAccounts.getAccessToken"}))
UNSEEN = Rights(POD, frozenset(), unseen=(DENIED,))


def annotated(account: str | None) -> dict[str, Any]:
    return {"metadata": {"annotations": {"iam.gke.io/gcp-service-account": account}}}


def pod(name: str, enabled: bool, direct: Any, account: Any, *google: Any) -> vp.PodIdentity:
    """On a bucket with uniform access."""
    return vp.PodIdentity(name, enabled, direct, account, BUCKET, *google)


def on(bucket: Any, *seen: Any) -> Callable[[], Verdict]:
    """The orchestrator's pod alone, on another bucket."""
    found = replace(pod(GKE.pod_accounts[0], *seen), bucket=bucket)
    return lambda: vp.evaluate_pod_identities((found,), GKE)


def pods(*seen: Any) -> Callable[[], Verdict]:
    return both(seen)


def both(*seen: tuple[Any, ...]) -> Callable[[], Verdict]:
    """What is seen of the orchestrator's pod, and of those of the steps."""
    named = zip(GKE.pod_accounts, seen, strict=False)
    found = tuple(pod(name, *one) for name, one in named)
    return lambda: vp.evaluate_pod_identities(found, GKE)


def of_named(*seen: tuple[Any, ...]) -> Callable[[], Verdict]:
    """What is seen of accounts that the description names, so that ZenML makes none."""
    found = tuple(pod(*one) for one in seen)
    r = replace(GKE, rights=rights_for({"service_account_name": "named"}))
    return lambda: vp.evaluate_pod_identities(found, r)


HERE, ELSE = Connector(), Connector(member="serviceAccount:other@p.iam.gserviceaccount.com")
HIDDEN = Connector(unseen="the server alone knows")
UNPAID = BadRequest("400: it is a requester pays bucket but no user project provided")


def payer(answer: Any, who: Connector = HERE) -> Callable[[], Verdict]:
    seen = (answer, Caller(OURS, "service_account"))
    return lambda: b.evaluate_payer(seen, VERTEX, who)


PULLS = frozenset(needed(VERTEX, Identity.PULL, Resource.REPOSITORY))
AGENT = Rights("serviceAccount:service-1@agents", PULLS, roles=("roles/reader",))
NO_AGENT = Rights("serviceAccount:service-2@agents", frozenset())
OTHER_AGENT = replace(NO_AGENT, roles=("roles/viewer",))


def scaling(scope: str | None) -> dict[str, Any]:
    scopes = [f"https://www.googleapis.com/auth/{scope}"] if scope else []
    return {
        "enableNodeAutoprovisioning": True,
        "autoprovisioningNodePoolDefaults": {"oauthScopes": scopes},
    }


def agents(first: Any, second: Any, r: GcpResources = VERTEX) -> Callable[[], Verdict]:
    return lambda: v.evaluate_agents((first, second), r)


CREATOR, USER = "roles/iam.serviceAccountTokenCreator", "roles/iam.workloadIdentityUser"
POOL = str(VERTEX.pool)
WHOLE = f"principalSet://iam.googleapis.com/{POOL}/*"
ENDING = f"principalSet://iam.googleapis.com/{POOL}/attribute.path/a/*"
MINE, ORGS = "projects/p/roles/mine", "organizations/1/roles/theirs"


def trust(given: Any, *expected: str) -> Callable[[], Verdict]:
    return lambda: evaluate_trust(given, OURS, "gcloud show", expected)


def rights(*seen: Any, wanted: tuple[str, ...] = ("a.get", "a.list")) -> Callable[[], Verdict]:
    return lambda: evaluate_rights(Rights(ME, *seen), wanted, "gs://data", "gcloud grant")


def asked(granted: str, unclear: str = "") -> Callable[[], Verdict]:
    seen = Tested(("a", "b"), frozenset(granted), tuple(unclear))
    return lambda: evaluate_tested(seen, "gs://data", "gcloud grant")


VERDICTS: dict[str, Callable[[], Verdict]] = {
    "credentials: an account": lambda: i.evaluate_caller(Caller(OURS, "service_account")),
    "credentials: of somebody": lambda: i.evaluate_caller(Caller(None, "authorized_user")),
    "project: active": lambda: i.evaluate_project(PROJECT),
    "project: going": lambda: i.evaluate_project(replace(PROJECT, state="DELETE_REQUESTED")),
    "services: on": lambda: i.evaluate_services({"a": "ENABLED"}, ("a",), VERTEX),
    "services: off": lambda: i.evaluate_services(
        {"a": "DISABLED", "b": "ENABLED"}, ("a", "b", "c"), VERTEX
    ),
    "services: not told": lambda: i.evaluate_services({"a": "ENABLED"}, ("a", "b", "c"), VERTEX),
    "bucket: settings": lambda: b.evaluate_found(BUCKET, VERTEX),
    "bucket: a right": lambda: b.evaluate_found(Tested(("b", "a"), frozenset("ab")), VERTEX),
    "bucket: no right": lambda: b.evaluate_found(Tested(("a",), frozenset()), VERTEX),
    "bucket project: ours": lambda: b.evaluate_project((BUCKET, PROJECT), VERTEX),
    "bucket project: another": lambda: b.evaluate_project(
        (replace(BUCKET, project_number="9"), PROJECT), VERTEX
    ),
    "bucket project: not told": lambda: b.evaluate_project(
        (replace(BUCKET, project_number=None), PROJECT), VERTEX
    ),
    "bucket project: stack's unseen": lambda: b.evaluate_project((BUCKET, DENIED), VERTEX),
    "bucket project: neither": lambda: b.evaluate_project(
        (replace(BUCKET, project_number=None), Skipped("no project")), VERTEX
    ),
    "payer: its own": payer(BUCKET),
    "payer: who asks": payer(replace(BUCKET, requester_pays=True)),
    "payer: the connector named none": payer(UNPAID),
    "payer: one who is the connector named none": payer(UNPAID, Connector(member=ME)),
    "payer: another one named none": payer(UNPAID, ELSE),
    "payer: nobody knows who named none": payer(UNPAID, HIDDEN),
    "bucket region: same": lambda: b.evaluate_region(BUCKET, VERTEX),
    "bucket region: two": lambda: b.evaluate_region(
        replace(BUCKET, location="eu", regions=("europe-west1", "europe-west4")), VERTEX
    ),
    "bucket region: not known": lambda: b.evaluate_region(replace(BUCKET, location="mars"), VERTEX),
    "bucket region: elsewhere, Vertex": lambda: b.evaluate_region(
        replace(BUCKET, location="us", regions=("us-east1",)), VERTEX
    ),
    "bucket region: elsewhere, pods": lambda: b.evaluate_region(
        replace(BUCKET, location="us"), GKE
    ),
    "public: enforced": lambda: b.evaluate_public_access((BUCKET, DENIED), VERTEX),
    "public: policy unseen": lambda: b.evaluate_public_access((INHERITED, DENIED), VERTEX),
    "public: everybody": lambda: b.evaluate_public_access(
        (INHERITED, policy(("roles/a", "allUsers"), ("roles/b", "allAuthenticatedUsers"))), VERTEX
    ),
    "public: nobody": lambda: b.evaluate_public_access(
        (INHERITED, policy(("roles/a", ME))), VERTEX
    ),
    "public: nobody, lists": lambda: b.evaluate_public_access(
        (replace(INHERITED, uniform=False), {"etag": "x"}), VERTEX
    ),
    "uniform: on": lambda: b.evaluate_uniform(BUCKET, VERTEX),
    "uniform: off": lambda: b.evaluate_uniform(replace(BUCKET, uniform=False), VERTEX),
    "key: Google's": lambda: evaluate_key(None, {}, AGENT_OF_BUCKET),
    **each(
        "key: {}",
        (
            *("ENABLED", "DISABLED", "DESTROY_SCHEDULED", "DESTROYED", "IMPORT_FAILED"),
            *("GENERATION_FAILED", "PENDING_IMPORT", None),
        ),
        lambda state: evaluate_key(KEY, key(state), AGENT_OF_BUCKET),
    ),
    "key: for signing": lambda: evaluate_key(
        "odd", key("ENABLED", "ASYMMETRIC_SIGN"), AGENT_OF_BUCKET
    ),
    "versions: both": lambda: b.evaluate_versioning(BUCKET, VERTEX),
    "versions: alone": lambda: b.evaluate_versioning(replace(BUCKET, soft_delete=0), VERTEX),
    "versions: deleted": lambda: b.evaluate_versioning(
        replace(BUCKET, versioning=False, soft_delete=129600), VERTEX
    ),
    "versions: none": lambda: b.evaluate_versioning(
        replace(BUCKET, versioning=False, soft_delete=0), VERTEX
    ),
    "images: no format": lambda: g.evaluate_format({}, NAME),
    "images: unspecified": lambda: g.evaluate_format({"format": "FORMAT_UNSPECIFIED"}, NAME),
    "images: Python's": lambda: g.evaluate_format({"format": "PYTHON"}, NAME),
    "images: Docker": lambda: g.evaluate_format({"format": "DOCKER"}, NAME),
    **each(
        "images: {}",
        (
            *("STANDARD_REPOSITORY", "MODE_UNSPECIFIED", "REMOTE_REPOSITORY"),
            *("VIRTUAL_REPOSITORY", "NEW"),
        ),
        lambda mode: g.evaluate_format({"format": "DOCKER", "mode": mode}, NAME),
    ),
    "images: tags": lambda: g.evaluate_tags({"dockerConfig": None}, NAME),
    "images: tags stay": lambda: g.evaluate_tags({"dockerConfig": {"immutableTags": True}}, NAME),
    "images: kept": lambda: g.evaluate_cleanup({"cleanupPolicies": None}, NAME),
    "images: deleted": lambda: g.evaluate_cleanup(
        {"cleanupPolicies": {"b": {"action": "DELETE"}, "a": {"action": "DELETE"}}}, NAME
    ),
    "images: would be deleted": lambda: g.evaluate_cleanup(
        {"cleanupPolicies": {"a": {"action": "DELETE"}}, "cleanupPolicyDryRun": True}, NAME
    ),
    **each(
        "images: scanning {}",
        ("SCANNING_ACTIVE", "SCANNING_DISABLED", "NEW", None),
        lambda state: g.evaluate_scanning(
            {"vulnerabilityScanningConfig": {"enablementState": state}}, NAME
        ),
    ),
    "images: not scanned, and why": lambda: g.evaluate_scanning(
        {
            "vulnerabilityScanningConfig": {
                "enablementState": "SCANNING_DISABLED",
                "enablementStateReason": "API is not enabled.",
            }
        },
        NAME,
    ),
    "cluster: one": lambda: c.evaluate_found(Clusters((cluster(),), ("us-east1-b",)), GKE),
    "cluster: two": lambda: c.evaluate_found(
        Clusters((cluster(), cluster(location="us-east1"))), GKE
    ),
    "cluster: none": lambda: c.evaluate_found(Clusters(()), GKE),
    "cluster: zones unseen": lambda: c.evaluate_found(
        Clusters((), ("us-east1-b", "us-east1-c")), GKE
    ),
    "cluster region: same": lambda: c.evaluate_region(cluster(), GKE),
    "cluster region: a zone": lambda: c.evaluate_region(cluster(location="europe-west1-b"), GKE),
    "cluster region: another": lambda: c.evaluate_region(cluster(location="europe-west10"), GKE),
    **each(
        "cluster: {}",
        (*("RUNNING", "RECONCILING", "PROVISIONING", "STOPPING", "ERROR", "DEGRADED", "NEW"),),
        lambda state: c.evaluate_active(cluster(status=state), GKE),
    ),
    **each(
        "cluster: {}, with words",
        ("RUNNING", "ERROR", "NEW"),
        lambda state: c.evaluate_active(
            cluster(status=state, conditions=[{"message": "one"}, {}, {"message": "two"}]), GKE
        ),
    ),
    "version: offered": version("1.33.2-gke.7"),
    "version: offered in a channel": version("1.31.1-gke.1", REGULAR=["1.31.9-gke.1"]),
    "version: extended": version("1.31.1-gke.1", EXTENDED=["1.31.9-gke.1"]),
    "version: older than all": version("1.9.7-gke.1", EXTENDED=["1.31.9-gke.1"]),
    "version: newer than all": version("1.35.0-gke.1"),
    "version: between": version("1.33.0-gke.1", "1.34.1", "1.32.1"),
    "version: not told": version(None),
    "version: odd": version("newest"),
    "compute: Autopilot": lambda: v.evaluate_compute(AUTOPILOT, GKE),
    "compute: Autopilot, and a zone": lambda: v.evaluate_compute(
        AUTOPILOT, replace(GKE, pods=(asking(("topology.kubernetes.io/zone", "z")),))
    ),
    "compute: Autopilot, and a label": lambda: v.evaluate_compute(
        AUTOPILOT, replace(GKE, pods=(asking(("team", "ml"), ARM),))
    ),
    "compute: a pool": nodes(group()),
    "compute: one of four": nodes(
        group("a", status="ERROR"), group("b", None), tainted(TAINT), group("d"), group("e")
    ),
    "compute: no pool": nodes(),
    "compute: a taint": nodes(tainted(TAINT)),
    "compute: a taint that pods tolerate": nodes(tainted(TAINT), pods=(TOLERANT,)),
    "compute: a taint that steps alone tolerate": nodes(
        tainted(TAINT), pods=(TOLERANT, PodSettings())
    ),
    "compute: a taint of another value": nodes(tainted({**TAINT, "value": "y"}), pods=(TOLERANT,)),
    "compute: a taint that evicts": nodes(
        tainted({**TAINT, "effect": "NO_EXECUTE"}), pods=(TOLERANT,)
    ),
    "compute: a taint that prefers others": nodes(
        tainted({**TAINT, "effect": "PREFER_NO_SCHEDULE"})
    ),
    "compute: Windows": nodes(group(config={"imageType": "WINDOWS_LTSC_CONTAINERD"})),
    "compute: no nodes": nodes(group(size=None), count=None),
    "compute: no nodes, but others": nodes(group(size=None), tainted(TAINT)),
    "compute: none yet": nodes(group(size=None, **grows(maxNodeCount=3)), count=None),
    "compute: none yet in all": nodes(group(size=None, **grows(totalMaxNodeCount=3)), count=None),
    "compute: cannot grow": nodes(group(size=None, **grows()), count=None),
    "compute: does not grow": nodes(group(size=None, autoscaling={"maxNodeCount": 3}), count=None),
    "compute: none counted": nodes(group(), count=None),
    "compute: none counted while made": nodes(group(status="PROVISIONING"), count=None),
    **each(
        "compute: {}",
        ("RECONCILING", "PROVISIONING", "RUNNING_WITH_ERROR", "STOPPING", "ERROR", "NEW", None),
        lambda state: nodes(group(status=state))(),
    ),
    "compute: running, with words": nodes(
        group(conditions=[{"message": "no room"}, {}, {"message": "no quota"}])
    ),
    "compute: no longer running, with words": nodes(
        group(status="ERROR", conditions=[{"message": "no quota"}])
    ),
    "compute: image not told": nodes(group(config={"imageType": None})),
    "compute: machine not told": nodes(group(config={"machineType": None})),
    "compute: nothing told": nodes({"name": "a"}),
    **each(
        "compute: {}",
        (
            "t2a-standard-4",
            "c4a-standard-4",
            "a4x-highgpu-4g",
            "n4a-standard-8",
            "n2d-standard-4",
            "a2-highgpu-1g",
            "custom-4-8192",
        ),
        lambda machine: nodes(group(config={"machineType": machine}))(),
    ),
    "compute: ARM, as asked": nodes(
        group(config={"machineType": "t2a-standard-4"}), pods=(asking(ARM),)
    ),
    "compute: ARM with its taint": nodes(tainted(ARM_TAINT, machineType="t2a-standard-4")),
    "compute: ARM with its taint, as asked": nodes(
        tainted(ARM_TAINT, machineType="t2a-standard-4"), pods=(asking(ARM),)
    ),
    "compute: x86, and ARM asked": nodes(group(), pods=(asking(ARM),)),
    "compute: a label": nodes(labelled(team="ml"), pods=(asking(("team", "ml")),)),
    "compute: another label": nodes(labelled(team="x"), pods=(asking(("team", "ml")),)),
    "compute: no label": nodes(group(), pods=(asking(("team", "ml")),)),
    "compute: a label of Google's": nodes(
        group(), pods=(asking(("cloud.google.com/gke-boot-disk", "pd"), ("a.gke.io/b", "c")),)
    ),
    "compute: its own name": nodes(group(), pods=(asking(("cloud.google.com/gke-nodepool", "a")),)),
    "compute: its zone": nodes(
        group(locations=["europe-west1-b", "europe-west1-c"]),
        pods=(asking(("topology.kubernetes.io/zone", "europe-west1-c")),),
    ),
    "compute: another zone": nodes(
        group(locations=["europe-west1-b"]),
        pods=(asking(("topology.kubernetes.io/zone", "europe-west1-c")),),
    ),
    "compute: spot": nodes(
        group(config={"spot": True}), pods=(asking(("cloud.google.com/gke-spot", "true")),)
    ),
    "compute: not spot": nodes(group(), pods=(asking(("cloud.google.com/gke-spot", "true")),)),
    "compute: a GPU, as asked": nodes(tainted(GPU_TAINT, **L4), pods=(GPU,)),
    "compute: a GPU that nobody asked for": nodes(tainted(GPU_TAINT, **L4)),
    "compute: no such GPU": nodes(group(), pods=(GPU,)),
    "compute: any GPU": nodes(group(config=L4), pods=(asking(resources=("nvidia.com/gpu",)),)),
    "compute: a GPU whose device plugin is somebody's": nodes(
        group(config={**L4, "labels": {"gke-no-default-nvidia-gpu-device-plugin": "true"}}),
        pods=(asking(resources=("nvidia.com/gpu",)),),
    ),
    "compute: a GPU whose driver is somebody's": nodes(
        group(config={"accelerators": [{**L4["accelerators"][0], **NO_DRIVER}]}),
        pods=(asking(resources=("nvidia.com/gpu",)),),
    ),
    "compute: no GPU that is told": nodes(group(), pods=(asking(resources=("nvidia.com/gpu",)),)),
    "compute: another resource": nodes(
        group(config=L4), pods=(asking(resources=("nvidia.com/gpu", "example.com/x")),)
    ),
    "compute: nodes to come, and a GPU": nodes(pods=(GPU,), **NEW_POOLS),
    "compute: Autopilot, and any GPU": lambda: v.evaluate_compute(
        AUTOPILOT, replace(GKE, pods=(asking(resources=("nvidia.com/gpu",)),))
    ),
    "compute: queued": nodes(group(queuedProvisioning={"enabled": True})),
    "compute: sandboxed": nodes(group(config={"sandboxConfig": {"type": "GVISOR"}})),
    "compute: nodes to come": nodes(tainted(TAINT), **NEW_POOLS),
    "compute: nodes to come, and a label": nodes(
        tainted(TAINT), pods=(asking(("team", "ml")),), **NEW_POOLS
    ),
    "compute: nodes to come, and a pool of ARM": nodes(
        group(config={"machineType": "t2a-standard-4"}), **NEW_POOLS
    ),
    "compute: a class": nodes(tainted(TAINT), **CLASSES),
    "compute: a class and no pool": nodes(**CLASSES),
    "nodes: Autopilot": lambda: v.evaluate_scopes(AUTOPILOT, GKE),
    "nodes: none": lambda: v.evaluate_scopes(cluster(), GKE),
    **each(
        "nodes: {}",
        (
            *("cloud-platform", "devstorage.read_only", "devstorage.read_write"),
            *("devstorage.full_control", "logging.write", None),
        ),
        lambda scope: v.evaluate_scopes(cluster(nodePools=[pool("a", scope)]), GKE),
    ),
    "nodes: some": lambda: v.evaluate_scopes(
        cluster(nodePools=[{"name": "b"}, pool("a"), pool("c", None)]), GKE
    ),
    **each(
        "nodes to come: {}",
        (*("cloud-platform", "devstorage.read_only", "logging.write", None),),
        lambda scope: v.evaluate_scopes(
            cluster(nodePools=[pool("a")], autoscaling=scaling(scope)), GKE
        ),
    ),
    "nodes to come: none yet": lambda: v.evaluate_scopes(
        cluster(autoscaling=scaling("logging.write")), GKE
    ),
    "nodes to come: no pool can": lambda: v.evaluate_scopes(
        cluster(nodePools=[pool("a", None)], autoscaling=scaling("logging.write")), GKE
    ),
    "nodes to come: off": lambda: v.evaluate_scopes(
        cluster(
            nodePools=[pool("a")],
            autoscaling={**scaling("logging.write"), "enableNodeAutoprovisioning": False},
        ),
        GKE,
    ),
    "workloads: Autopilot": lambda: vp.evaluate_workload_identity(AUTOPILOT, GKE),
    "workloads: off": lambda: vp.evaluate_workload_identity(cluster(), GKE),
    "workloads: on": lambda: vp.evaluate_workload_identity(
        cluster(**WORKLOADS, nodePools=[pool("a")]), GKE
    ),
    "workloads: no pool told": lambda: vp.evaluate_workload_identity(cluster(**WORKLOADS), GKE),
    "workloads: some pools": lambda: vp.evaluate_workload_identity(
        cluster(**WORKLOADS, nodePools=[pool("a", mode="GCE_METADATA"), {"name": "b"}, pool("c")]),
        GKE,
    ),
    "pods: off": pods(False, MAY, {}),
    "pods: themselves": pods(True, MAY, {}),
    "pods: themselves, where lists count": on(LISTED, True, MAY, {}),
    "pods: themselves, settings unseen": on(DENIED, True, MAY, {}),
    "pods: themselves, settings unseen, without a remedy": on(Denied("no"), True, MAY, {}),
    "pods: through an account, where lists count": on(LISTED, True, MAY, {}, OURS, BECOMES, MAY),
    "pods: through an account, settings unseen": on(DENIED, True, MAY, {}, OURS, BECOMES, MAY),
    "pods: neither, where lists count": on(LISTED, True, MAY_NOT, {}),
    "pods: neither, settings unseen": on(DENIED, True, MAY_NOT, {}),
    "pods: may not use it through an account, where lists count": on(
        LISTED, True, MAY, {}, OURS, BECOMES, MAY_NOT
    ),
    "pods: themselves, annotation unseen": pods(True, MAY, DENIED),
    "pods: themselves, but they are another": pods(True, MAY, {}, OURS, BECOMES, MAY_NOT),
    "pods: through an account": pods(True, MAY_NOT, {}, OURS, BECOMES, MAY),
    "pods: through an account, themselves unseen": pods(True, DENIED, {}, OURS, BECOMES, MAY),
    "pods: may not become it": pods(True, MAY_NOT, {}, OURS, MAY_NOT, MAY),
    "pods: become one unseen": pods(True, MAY_NOT, {}, OURS, BECOMES, UNSEEN),
    "pods: becoming unseen": pods(True, MAY_NOT, {}, OURS, AWAY, MAY),
    "pods: unseen": pods(True, DENIED, {}),
    "pods: policies unseen": pods(True, UNSEEN, {}),
    "pods: account unseen": pods(True, MAY_NOT, Unavailable("the cluster is silent")),
    "pods: neither": pods(True, MAY_NOT, {}),
    "pods: an account that is not there": of_named(("runner", True, MAY, {})),
    "pods: an account that may not be there": of_named(("runner", True, MAY, DENIED)),
    "pods: an account that is there": of_named(("runner", True, MAY, annotated(None))),
    "pods: an account from a secret": of_named(("{{k8s.account}}", True, MAY, {})),
    "pods: an account that no shell may read": of_named(("x; y", True, MAY, {})),
    "pods: an account unseen, without a remedy": of_named(("runner", True, MAY, Denied("no"))),
    "pods: two that are not there": of_named(("a", True, MAY, {}), ("b", True, MAY, {})),
    "pods: ZenML's account, named, is not there": of_named(
        ("zenml-service-account", True, MAY, {})
    ),
    "pods: the namespace's own, named": of_named(("default", True, STEPS_MAY, {})),
    "pods: both": both((True, MAY, {}), (True, STEPS_MAY, {})),
    "pods: the orchestrator's alone": both((True, MAY, {}), (True, STEPS_MAY_NOT, {})),
    "pods: the steps' alone": both((True, MAY_NOT, {}), (True, STEPS_MAY, {})),
    "pods: none of both": both((True, MAY_NOT, {}), (True, STEPS_MAY_NOT, {})),
    "pods: the steps' unseen": both((True, MAY, {}), (True, DENIED, {})),
    "pods: both off": both((False, MAY, {}), (False, STEPS_MAY, {})),
    "endpoint: its name": endpoint(True, controlPlaneEndpointsConfig=dns(True)),
    "endpoint: its name, not reached": endpoint(False, controlPlaneEndpointsConfig=dns(True)),
    "endpoint: its name, unseen": endpoint(AWAY, controlPlaneEndpointsConfig=dns(True)),
    "endpoint: its name, and its address": by_both(True, enabled=True, enablePublicEndpoint=True),
    "endpoint: its name, and its address off": by_both(True, enabled=False),
    "endpoint: its name, and its address for some": by_both(
        True,
        enablePublicEndpoint=True,
        authorizedNetworksConfig={
            **networks("192.0.2.0/24"),
            "gcpPublicCidrsAccessEnabled": False,
        },
    ),
    "endpoint: its name, and its address for whom is not all told": by_both(
        True, enablePublicEndpoint=True, authorizedNetworksConfig=networks("192.0.2.0/24")
    ),
    "endpoint: its name, and its address for Google Cloud": by_both(
        True,
        enablePublicEndpoint=True,
        authorizedNetworksConfig={"enabled": True, "gcpPublicCidrsAccessEnabled": True},
    ),
    "endpoint: its name, and its address for nonsense": by_both(
        True, enablePublicEndpoint=True, authorizedNetworksConfig=networks("x")
    ),
    "endpoint: its name, its address open, not reached": by_both(False, enablePublicEndpoint=True),
    "endpoint: its name from inside": endpoint(True, controlPlaneEndpointsConfig=dns(False)),
    "endpoint: private of old": endpoint(
        True, privateClusterConfig={"enablePrivateEndpoint": True}
    ),
    "endpoint: private, not reached": endpoint(False, **by_address(enablePublicEndpoint=False)),
    "endpoint: private, unseen": endpoint(AWAY, **by_address(enablePublicEndpoint=False)),
    "endpoint: no address": endpoint(False, **by_address(enabled=False)),
    "endpoint: public": endpoint(True, **by_address(enabled=True, enablePublicEndpoint=True)),
    "endpoint: not guarded": endpoint(
        True, masterAuthorizedNetworksConfig=networks("10.0.0.0/8", enabled=False)
    ),
    "endpoint: guarded": endpoint(
        True, **by_address(authorizedNetworksConfig=networks("10.0.0.0/8", "192.0.2.0/24"))
    ),
    "endpoint: guarded, not reached": endpoint(
        False, masterAuthorizedNetworksConfig=networks("10.0.0.0/8")
    ),
    "endpoint: guarded, unseen": endpoint(
        AWAY, masterAuthorizedNetworksConfig=networks("10.0.0.0/8")
    ),
    "endpoint: nobody outside": endpoint(
        True,
        masterAuthorizedNetworksConfig={"enabled": True, "gcpPublicCidrsAccessEnabled": False},
    ),
    "endpoint: Google Cloud alone": endpoint(
        True, masterAuthorizedNetworksConfig={"enabled": True, "gcpPublicCidrsAccessEnabled": True}
    ),
    "endpoint: Google Cloud too": endpoint(
        True,
        masterAuthorizedNetworksConfig={
            **networks("10.0.0.0/8"),
            "gcpPublicCidrsAccessEnabled": True,
        },
    ),
    "endpoint: everywhere": endpoint(True, masterAuthorizedNetworksConfig=networks("0.0.0.0/0")),
    "endpoint: everywhere, and from some": endpoint(
        True, masterAuthorizedNetworksConfig=networks("192.0.2.0/24", "0.0.0.0/0", "10.0.0.0/8")
    ),
    "endpoint: some alone, not reached": endpoint(
        False,
        masterAuthorizedNetworksConfig={
            **networks("192.0.2.0/24", "10.0.0.0/8"),
            "gcpPublicCidrsAccessEnabled": False,
            "privateEndpointEnforcementEnabled": True,
        },
    ),
    "endpoint: nonsense": endpoint(True, masterAuthorizedNetworksConfig=networks("x", "y")),
    "Vertex: there": lambda: v.evaluate_location(("us-east1", "europe-west1"), VERTEX),
    "Vertex: not there": lambda: v.evaluate_location(("a", "b", "c", "d"), VERTEX),
    "agents: both": agents(AGENT, AGENT),
    "agents: one unseen": agents(AGENT, DENIED),
    "agents: none yet": agents(NO_AGENT, NO_AGENT),
    "agents: none elsewhere": agents(NO_AGENT, NO_AGENT, replace(VERTEX, repository=THEIRS)),
    "agents: the late one": agents(AGENT, NO_AGENT),
    "agents: the late one, the other may not": agents(OTHER_AGENT, NO_AGENT),
    "agents: the late one elsewhere": agents(AGENT, NO_AGENT, replace(VERTEX, repository=THEIRS)),
    "agents: one may not": agents(AGENT, OTHER_AGENT),
    "agents: another may not": agents(NO_AGENT, AGENT),
    "agents: policies unseen": agents(NO_AGENT, replace(NO_AGENT, unseen=(DENIED,))),
    "steps: there": lambda: v.evaluate_account({"email": OURS}, OURS),
    "steps: disabled": lambda: v.evaluate_account({"email": OURS, "disabled": True}, OURS),
    "tested: all": asked("ab"),
    "tested: one": asked("a"),
    "tested: none": asked(""),
    "tested: unclear": asked("a", "b"),
    "tested: unclear and missing": asked("", "b"),
    "rights: all": rights(frozenset({"a.get", "a.list"}), frozenset(), ("r/a", "r/b"), (DENIED,)),
    "rights: nothing wanted": rights(frozenset({"a.get"}), wanted=()),
    "rights: one": rights(frozenset({"a.get"})),
    "rights: under a condition": rights(frozenset({"a.get"}), frozenset({"a.list", "b"})),
    "rights: one unseen": rights(frozenset({"a.get"}), frozenset(), (), (DENIED, AWAY)),
    "rights: under a condition, and unseen": rights(
        frozenset(), frozenset({"a.get"}), (), (DENIED,)
    ),
    "trust: nobody": trust(policy()),
    "trust: one": trust(policy((CREATOR, ME))),
    "trust: two": trust(policy((CREATOR, ME), ("roles/viewer", "user:x"), (USER, "user:y"))),
    "trust: everybody": trust(
        policy((CREATOR, "allUsers"), ("roles/owner", "allAuthenticatedUsers"))
    ),
    "trust: everybody reads": trust(policy(("roles/viewer", "allUsers"))),
    "trust: everybody by a custom role": trust(policy((MINE, "allUsers"))),
    "trust: everybody by an organization's role": trust(policy((ORGS, "allAuthenticatedUsers"))),
    "trust: everybody, surely": trust(policy((MINE, "allUsers"), (CREATOR, "allUsers"))),
    "trust: the whole pool": trust(policy((USER, WHOLE))),
    "trust: the whole pool by a custom role": trust(policy((MINE, WHOLE))),
    "trust: the whole pool under a condition": trust(policy((USER, WHOLE), condition="x")),
    "trust: an attribute": trust(policy((USER, ENDING)), POOL),
    "trust: a group of that name": trust(policy((USER, "group:all/*"))),
    "trust: expected": trust(policy((USER, f"principal://iam.googleapis.com/{POOL}")), POOL),
    "trust: expected, whole": trust(policy((USER, WHOLE)), POOL),
    "trust: expected, nobody": trust(policy(), "b", "a"),
    "trust: expected, another": trust(policy((USER, f"{WHOLE[:-2]}2/*")), POOL),
    "trust: expected, under a condition": trust(policy((USER, WHOLE), condition="x"), POOL),
    "trust: expected, by a custom role": trust(policy((MINE, f"{WHOLE[:-1]}x")), POOL),
    "trust: members missing": trust({"etag": "x", "bindings": [{"role": CREATOR}]}),
    "trust: version alone": trust({"version": 1}),
    "trust: bindings alone": trust({"bindings": []}),
}

#: What is called on probes to get another one.
METHODS = {
    *("services", "account_policy", "project_tested", "account", "known", "agents", "pods"),
    "pod_account",
    *("on_bucket", "on_repository", "on_project", "on_account", "denied", "read_account_policy"),
    *("read_rights", "if_caller", "test_of_bucket"),
}


def _held(*given: Any) -> Rights:
    """The rights of whoever is asked about, as `probes.rights` would give them."""
    *_, members = given
    return Rights(members[0], frozenset(), roles=(str(given[0]),))


def _policy_of(email: str) -> Any:
    if email != OURS:
        raise Denied(f"the policy of {email} is denied", "ask its owner", permission="a.policy")
    return policy((USER, email))


def _read(members: Any, outcomes: Any, _caller: Any) -> Rights:
    """All rights where policies were read; who has them is told by the roles."""
    unseen = tuple(one for one in outcomes if isinstance(one, ProbeError))
    granted = frozenset() if unseen else USING | BECOMES.granted
    return Rights(members[0], granted, roles=("roles/read",), unseen=unseen)


GOOD = cluster(
    nodePools=[{**pool("a"), "status": "RUNNING", "initialNodeCount": 1}],
    currentNodeCount=1,
    currentMasterVersion="1.34.1-gke.1",
    endpoint="192.0.2.1",
    **WORKLOADS,
)
SEEN: dict[str, Any] = {
    "session": Caller(OURS, "service_account"),
    "project": PROJECT,
    "services": lambda names: dict.fromkeys(names, "ENABLED"),
    "bucket": BUCKET,
    "bucket_found": BUCKET,
    "bucket_policy": policy(),
    "bucket_key": {},
    "bucket_tested": Tested(("a",), frozenset()),
    "repository": {"format": "DOCKER"},
    "repository_key": {},
    "repository_tested": Tested(("b",), frozenset()),
    "account_policy": lambda email: policy((CREATOR, f"{email} of policy")),
    "account": lambda email: {"email": email, "disabled": True},
    "locations": ("europe-west1",),
    "submit": Tested(("c",), frozenset()),
    "act_as": Tested(("d",), frozenset()),
    "test_of_bucket": lambda identity: Tested(("a",), frozenset()),
    "project_tested": lambda identity, thing: Tested(("e",), frozenset()),
    "clusters": Clusters((GOOD,)),
    "cluster": GOOD,
    "versions": {"validMasterVersions": ["1.34.1-gke.1"]},
    "namespace": "ml",
    "denied": lambda who, *_: (),
    "endpoint": True,
    "by_name": False,
    "node_members": ("serviceAccount:nodes@p",),
    "pod_account": {},
    "pods": lambda account: (vp.pod_member(GKE, "123", account),),
    "known": lambda *members: members,
    "on_bucket": _held,
    "on_repository": _held,
    "on_project": _held,
    "on_account": _held,
    "if_caller": lambda member, tested: None,
}
OF_BUCKET = replace(VERTEX, repository=None, workload=None, project=None, region=None)


def told(make: Callable[[Any, Any], Any], r: GcpResources, **other: Any) -> Callable[[], str]:
    def run() -> str:
        def checks(probes: Any) -> Any:
            agent = [probes.known(f"serviceAccount:agent-{n}") for n in (1, 2)]
            object.__setattr__(probes, "agents", lambda: agent)
            object.__setattr__(probes, "read_account_policy", _policy_of)
            object.__setattr__(probes, "read_rights", _read)
            return make(checklist(probes, r), probes)

        return ways(checks, METHODS, {**SEEN, **other})

    return run


LISTS: dict[str, Callable[[], str]] = {
    "list: credentials": told(
        lambda made, p: i.credential_checks(made, p, VERTEX, "a file"), VERTEX
    ),
    "list: credentials alone": told(
        lambda made, p: i.credential_checks(made, p, OF_BUCKET, "a file"), OF_BUCKET
    ),
    "list: credentials, and no API": told(
        lambda made, p: i.credential_checks(
            made, p, replace(LOCAL, bucket=None, repository=None, impersonates=False), "a file"
        ),
        VERTEX,
    ),
    "list: bucket": told(lambda made, p: b.bucket_checks(made, p, VERTEX, HERE), VERTEX),
    "list: bucket without a region": told(
        lambda made, p: b.bucket_checks(made, p, OF_BUCKET, HERE), OF_BUCKET
    ),
    "list: repository": told(lambda made, p: g.repository_checks(made, p, NAME), VERTEX),
    "list: old registry": told(
        lambda made, p: g.repository_checks(made, p, replace(NAME, is_gcr=True)), VERTEX
    ),
    "list: cluster": told(lambda made, p: c.cluster_checks(made, p, GKE, HERE), GKE),
    "list: cluster, no more": told(
        lambda made, p: c.cluster_checks(
            made,
            p,
            replace(GKE, region=None, repository=None, bucket=None, namespace="default"),
            HERE,
        ),
        GKE,
        session=Caller(None, "user"),
    ),
    **{
        f"list: pods whose account is {name}": told(
            lambda made, p: [
                check
                for check in c.cluster_checks(made, p, GKE, HERE)
                if check.info.id == "gcp.cluster.pod_identity"
            ],
            GKE,
            pod_account=account,
        )
        for name, account in {
            "another one": annotated(OURS),
            "closed": annotated("else@p.iam.gserviceaccount.com"),
            "not annotated": annotated(None),
            "annotated with nothing": {"metadata": {"annotations": None}},
            "without metadata": {"metadata": "x"},
            "unseen": AWAY,
        }.items()
    },
    "list: a namespace that is being deleted": told(
        lambda made, p: [
            check
            for check in c.cluster_checks(made, p, GKE, HERE)
            if check.info.id == "gcp.cluster.namespace"
        ],
        GKE,
        namespace=BeingDeleted("the cluster is deleting the namespace ml"),
    ),
    "list: Vertex": told(lambda made, p: v.vertex_checks(made, p, VERTEX), VERTEX),
    "list: Vertex without images": told(
        lambda made, p: v.vertex_checks(made, p, replace(VERTEX, repository=None)), VERTEX
    ),
    "list: steps": told(lambda made, p: v.workload_checks(made, p, VERTEX), VERTEX),
    "list: steps as themselves": told(
        lambda made, p: v.workload_checks(made, p, VERTEX),
        VERTEX,
        if_caller=lambda member, tested: tested,
    ),
    "list: steps without a store": told(
        lambda made, p: v.workload_checks(made, p, replace(VERTEX, bucket=None)), VERTEX
    ),
    "list: steps of another project": told(
        lambda made, p: v.workload_checks(
            made, p, replace(VERTEX, workload=OURS.replace("my-", "their-"), bucket=None)
        ),
        VERTEX,
    ),
    "list: steps of nobody's project": told(
        lambda made, p: v.workload_checks(
            made, p, replace(VERTEX, workload="me@example.com", bucket=None)
        ),
        VERTEX,
    ),
    "list: steps as nobody": told(
        lambda made, p: v.workload_checks(made, p, replace(VERTEX, workload=None)), VERTEX
    ),
    "list: connector": told(lambda made, p: i.connector_checks(made, p, VERTEX, HERE), VERTEX),
    "list: connector of a person": told(
        lambda made, p: i.connector_checks(made, p, replace(VERTEX, connector=None), HERE),
        VERTEX,
        session=Caller(None, "user"),
    ),
    "list: connector on GKE": told(lambda made, p: i.connector_checks(made, p, GKE, HERE), GKE),
    "list: connector of a local runner": told(
        lambda made, p: i.connector_checks(made, p, LOCAL, HERE), LOCAL
    ),
    "list: connector without a store": told(
        lambda made, p: i.connector_checks(
            made, p, replace(VERTEX, bucket=None, repository=None, connector=None), HERE
        ),
        LOCAL,
    ),
    "list: another connector": told(
        lambda made, p: i.connector_checks(made, p, VERTEX, ELSE), VERTEX
    ),
    "list: a hidden connector": told(
        lambda made, p: i.connector_checks(made, p, OF_BUCKET, HIDDEN), OF_BUCKET
    ),
}


TABLE = Table(Path(__file__).with_name("verdicts.txt"), {**texts(VERDICTS), **LISTS})


@pytest.mark.parametrize("name", TABLE.cases)
def test_what_is_said_is_what_is_right(name: str) -> None:
    TABLE.judge(name)


def test_the_table_has_no_other_lines() -> None:
    TABLE.insist_on_all()


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NoCredentials("expired", "log in"), "fail: expired\nremedy: log in"),
        (
            NoCredentials("expired"),
            "fail: expired\nremedy: gcloud auth application-default login",
        ),
        (Unavailable("503"), "unknown: not looked at: 503\nremedy: gcloud auth list"),
    ],
)
def test_credentials_fail_where_google_does_not_take_them(error: Any, status: str) -> None:
    def make(made: Any, probes: Any) -> Any:
        return i.credential_checks(made, probes, OF_BUCKET, "a file")

    found = told(make, OF_BUCKET, session=error)().splitlines()
    assert "\n".join(found[1:3]) == status


@pytest.mark.parametrize(
    ("r", "names"),
    [
        # The API that impersonates may be off in the stack's project.
        (OF_BUCKET, "storage aiplatform cloudresourcemanager"),
        (replace(GKE, bucket=None), "artifactregistry container"),
        (replace(GKE, repository=THEIRS), "storage container"),
        (replace(LOCAL, bucket=None, repository=None), ""),
    ],
)
def test_apis_are_those_of_what_the_stack_has(r: GcpResources, names: str) -> None:
    assert i.services_of(r) == tuple(f"{name}.googleapis.com" for name in names.split())


def test_what_is_not_a_refusal_is_no_absence() -> None:
    assert v.absent_account(AWAY, OURS, "create") is None
    assert v.absent_account(NotFound("404"), OURS, "create") is not None
