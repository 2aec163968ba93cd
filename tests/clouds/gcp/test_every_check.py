"""Every check in every way that it can end, through Google's own SDKs.

A situation is one run; `ends` says how its checks end, and with which words. Together they are all
that the catalog promises.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pytest

from kitaru_iac.checks.model import CheckStatus
from kitaru_iac.clouds.gcp.catalog import CATALOG
from kitaru_iac.spec.model import BaseSpec
from tests.clouds.gcp.world import KUBERNETES_ACCOUNTS, World
from tests.doubles.gcp_state import PROJECT
from tests.doubles.web import Response

OK, WARN, FAIL, UNKNOWN = CheckStatus
POOL = "principalSet://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/ci/*"


@dataclass(frozen=True)
class Situation:
    """One run.

    Attributes:
        name: For the test's id.
        arrange: Makes it so, and gives the description.
        ends: How checks end, and a part of why; without ``gcp.``.
        permission: The missing permission that every unknown one of `ends` names.
    """

    name: str
    arrange: Callable[[World], BaseSpec]
    ends: Mapping[str, tuple[CheckStatus, str]]
    permission: str | None = None

    def __str__(self) -> str:
        return self.name


def _fit_vertex(world: World) -> BaseSpec:
    world.fit()
    return world.vertex()


def _fit_kubernetes(world: World) -> BaseSpec:
    world.fit()
    return world.kubernetes()


def _nothing_on_vertex(world: World) -> BaseSpec:
    world.state.vertex_regions = ("us-central1",)
    world.state.enabled_services.discard("aiplatform.googleapis.com")
    world.state.project_state = "DELETE_REQUESTED"
    return world.vertex()


def _everything_wrong_on_vertex(world: World) -> BaseSpec:
    world.fit_bucket(
        location="us-east1",
        projectNumber="999999999999",
        iamConfiguration={
            "uniformBucketLevelAccess": {"enabled": False},
            "publicAccessPrevention": "inherited",
        },
        versioning={"enabled": False},
        billing={"requesterPays": True},
        softDeletePolicy={"retentionDurationSeconds": "0"},
    )
    world.gcp.bind(f"buckets/{world.bucket}", "roles/storage.objectViewer", "allUsers")
    world.fit_repository(
        format="MAVEN",
        docker_config={"immutable_tags": True},
        cleanup_policies={"old": {"id": "old", "action": "DELETE"}},
        vulnerability_scanning_config={"enablement_state": "SCANNING_DISABLED"},
    )
    world.own_keys("DISABLED")
    world.fit_workload()
    world.state.service_accounts[world.workload] = True
    for account in (world.workload, world.gcp.owner):
        world.gcp.bind(account, "roles/iam.serviceAccountTokenCreator", "allAuthenticatedUsers")
    world.gcp.deny(
        *("storage.objects.delete", "artifactregistry.repositories.uploadArtifacts"),
        *("aiplatform.pipelineJobs.create", "iam.serviceAccounts.actAs"),
    )
    return world.vertex()


def _could_be_better_on_vertex(world: World) -> BaseSpec:
    world.fit_bucket(
        iamConfiguration={
            "uniformBucketLevelAccess": {"enabled": True},
            "publicAccessPrevention": "inherited",
        },
    )
    world.gcp.repository(world.repository)
    world.gcp.bind(world.gcp.owner, "roles/iam.workloadIdentityUser", POOL)
    return world.vertex(extra={})


def _a_pool_may_be_the_workload(world: World) -> BaseSpec:
    world.fit()
    world.gcp.bind(world.workload, "roles/iam.workloadIdentityUser", POOL)
    return world.vertex()


def _the_steps_lack_rights(world: World) -> BaseSpec:
    """Google's own test is the only way to a plain no, and the credentials are the account."""
    world.fit()
    world.gcp.deny("storage.objects.create", "logging.logEntries.create")
    return world.as_the_steps()


def _asked_without_a_payer(world: World) -> BaseSpec:
    world.fault("storage.buckets.get", "payer")
    return world.local()


def _elsewhere(world: World) -> BaseSpec:
    world.fit_bucket(location="us-east1")
    return world.local()


def _nothing_on_gke(world: World) -> BaseSpec:
    world.gcp.deny("container.clusters.list")
    return world.kubernetes()


def _no_account_on_gke(world: World) -> BaseSpec:
    world.fit()
    return world.kubernetes(extra={"orchestrator": {"service_account_name": "runner"}})


def _foreign_registry(*names: str) -> Callable[[World], BaseSpec]:
    """A registry that is not Google's, and these image pull secrets for both kinds of pods."""

    def arrange(world: World) -> BaseSpec:
        world.fit()
        world.api.secrets = {"ml/login"}
        settings = {"image_pull_secrets": list(names)}
        keys = ("pod_settings", "orchestrator_pod_settings")
        return world.kubernetes(
            project=PROJECT,
            container_registry="ghcr.io/team",
            extra={"orchestrator": dict.fromkeys(keys, settings) if names else {}},
        )

    return arrange


def _no_cluster(world: World) -> BaseSpec:
    return world.kubernetes()


def _everything_wrong_on_gke(world: World) -> BaseSpec:
    taint = {"key": "team", "value": "x", "effect": "NO_SCHEDULE"}
    pools = [
        world.pool("default-pool", oauth_scopes=[], taints=[taint]),
        world.pool("win", oauth_scopes=[], image_type="WINDOWS_LTSC_CONTAINERD"),
        {**world.pool("none", oauth_scopes=[]), "initial_node_count": 0},
    ]
    old = "1.27.16-gke.2000"
    world.fit_cluster(
        status="ERROR", node_pools=pools, current_node_count=0, current_master_version=old
    )
    world.api.namespaces = set()
    world.api.denied = {"create jobs", "patch cronjobs"}
    world.gcp.deny("container.clusters.get")
    return world.kubernetes()


def _could_be_better_on_gke(world: World) -> BaseSpec:
    world.fit_bucket()
    pools = [world.pool("one"), world.pool("two", oauth_scopes=[], workload_metadata_config={})]
    world.api.denied = {"patch cronjobs"}
    for one in pools:
        one["config"]["machine_type"] = "c4a-standard-4"
    fields = {"status": "RECONCILING", "node_pools": pools}
    fields["current_master_version"] = "1.30.14-gke.1150000"
    fields["master_authorized_networks_config"] = {"enabled": False}
    for location in ("us-east1", "us-west1"):
        world.gcp.cluster(world.cluster, location, **{**world.cluster_fields(), **fields})
    return world.kubernetes()


def _all_denied(world: World) -> BaseSpec:
    world.fit()
    for call in (
        *("cloudresourcemanager.projects.get", "serviceusage.services.batchGet"),
        *("storage.buckets.get", "storage.buckets.testIamPermissions"),
        *("storage.buckets.getIamPolicy", "artifactregistry.repositories.get"),
        *("artifactregistry.repositories.getIamPolicy", "iam.serviceAccounts.get"),
        *("artifactregistry.repositories.testIamPermissions", "iam.serviceAccounts.getIamPolicy"),
        *("cloudresourcemanager.projects.testIamPermissions", "aiplatform.locations.list"),
        "cloudresourcemanager.projects.getIamPolicy",
        *("iam.serviceAccounts.testIamPermissions", "container.clusters.list"),
    ):
        world.fault(call, "denied", permission="some.thing.look")
    return world.vertex()


def _all_denied_on_gke(world: World) -> BaseSpec:
    _all_denied(world)
    return world.kubernetes()


def _cluster_lets_nobody_in(world: World) -> BaseSpec:
    world.fit()
    world.api.refusal = Response(403, b"{}")
    world.gcp.state.policies.pop(f"buckets/{world.bucket}")
    return world.kubernetes()


def _refused(world: World) -> BaseSpec:
    world.gcp.refuse_tokens()
    return world.local()


def _no_tokens(world: World) -> BaseSpec:
    world.fault("oauth2.token", "garbage")
    return world.local()


def _all(*names: str, status: CheckStatus, why: str = "") -> dict[str, tuple[CheckStatus, str]]:
    return dict.fromkeys(names, (status, why))


_FIT = (
    *("credentials", "project", "services", "bucket.exists", "bucket.project", "bucket.region"),
    "bucket.requester_pays",
    *("bucket.public_access", "bucket.uniform_access", "bucket.encryption", "bucket.versioning"),
    *("repository.exists", "repository.format", "repository.tag_mutability"),
    *("repository.cleanup", "repository.encryption", "repository.scanning"),
    *("connector.trust", "connector.bucket", "connector.repository"),
)
_OF_VERTEX = (
    *("vertex.region", "vertex.pull", "workload.exists", "workload.trust"),
    *("workload.bucket_access", "workload.project_access"),
    *("connector.vertex", "connector.act_as"),
)
_OF_GKE = (
    *("cluster.exists", "cluster.region", "cluster.active", "cluster.version", "cluster.compute"),
    *("cluster.node_scopes", "cluster.pull"),
    *("cluster.workload_identity", "cluster.pod_identity", "cluster.namespace"),
    *("cluster.rights", "cluster.endpoint", "connector.cluster"),
)
_LOCKED = tuple(name for name in _FIT if name != "credentials")

SITUATIONS = (
    Situation("fit-vertex", _fit_vertex, _all(*_FIT, *_OF_VERTEX, status=OK)),
    Situation("fit-gke", _fit_kubernetes, _all(*_FIT, *_OF_GKE, status=OK)),
    Situation(
        "nothing-there",
        _nothing_on_vertex,
        {
            "project": (FAIL, "DELETE_REQUESTED"),
            "services": (FAIL, "aiplatform.googleapis.com"),
            "bucket.exists": (FAIL, "no bucket of this name"),
            "bucket.versioning": (UNKNOWN, "does not exist"),
            "repository.exists": (FAIL, "no such repository"),
            "repository.format": (UNKNOWN, "does not exist"),
            "vertex.region": (FAIL, "not in europe-west1"),
            "workload.exists": (FAIL, "no service account steps@"),
            "connector.bucket": (UNKNOWN, "does not exist"),
        },
    ),
    Situation(
        "all-wrong-on-vertex",
        _everything_wrong_on_vertex,
        {
            "bucket.project": (WARN, "999999999999"),
            "bucket.requester_pays": (UNKNOWN, "may bill the bucket's project"),
            "bucket.region": (FAIL, "us-east1"),
            "bucket.public_access": (FAIL, "roles/storage.objectViewer to allUsers"),
            "bucket.uniform_access": (WARN, "access lists"),
            "bucket.encryption": (FAIL, "DISABLED"),
            "bucket.versioning": (WARN, "neither"),
            "repository.format": (FAIL, "MAVEN"),
            "repository.tag_mutability": (FAIL, "immutable"),
            "repository.cleanup": (WARN, "old"),
            "repository.encryption": (FAIL, "DISABLED"),
            "repository.scanning": (WARN, "not scanned"),
            "workload.exists": (FAIL, "disabled"),
            "workload.trust": (FAIL, "allAuthenticatedUsers"),
            "connector.trust": (FAIL, "allAuthenticatedUsers"),
            "connector.bucket": (FAIL, "storage.objects.delete"),
            "connector.repository": (FAIL, "uploadArtifacts"),
            "connector.vertex": (FAIL, "aiplatform.pipelineJobs.create"),
            "connector.act_as": (FAIL, "iam.serviceAccounts.actAs"),
        },
    ),
    Situation(
        "better-on-vertex",
        _could_be_better_on_vertex,
        {
            "bucket.public_access": (WARN, "inherited"),
            "vertex.pull": (WARN, "either Google has not made them yet"),
            "workload.exists": (WARN, "is not set"),
            "connector.trust": (WARN, "the whole pool"),
            "repository.scanning": (UNKNOWN, "scanning"),
        },
    ),
    Situation("a-pool", _a_pool_may_be_the_workload, {"workload.trust": (WARN, "the whole pool")}),
    Situation(
        "the-steps-lack-rights",
        _the_steps_lack_rights,
        {
            "workload.bucket_access": (FAIL, "these credentials lack storage.objects.create on gs"),
            "workload.project_access": (FAIL, "lack logging.logEntries.create on projects/"),
        },
    ),
    Situation(
        "asked-without-a-payer",
        _asked_without_a_payer,
        {"bucket.requester_pays": (FAIL, "no user project provided")},
    ),
    Situation("elsewhere", _elsewhere, {"bucket.region": (WARN, "us-east1")}),
    Situation(
        "no-cluster",
        _no_cluster,
        {"cluster.exists": (FAIL, "no cluster"), "cluster.active": (UNKNOWN, "does not exist")},
    ),
    Situation(
        "foreign-registry",
        _foreign_registry("login"),
        {"cluster.pull_secret": (OK, "the steps' pods have the image pull secret login")},
    ),
    Situation(
        "foreign-registry-without-its-secret",
        _foreign_registry("gone"),
        {"cluster.pull_secret": (FAIL, "ml has none of this name")},
    ),
    Situation(
        "foreign-registry-without-secrets",
        _foreign_registry(),
        {"cluster.pull_secret": (UNKNOWN, "no image pull secret is named")},
    ),
    Situation(
        "no-account-on-gke",
        _no_account_on_gke,
        {"cluster.pod_identity": (FAIL, "runner does not exist in ml")},
    ),
    Situation(
        "all-wrong-on-gke",
        _everything_wrong_on_gke,
        {
            "cluster.active": (FAIL, "ERROR"),
            "cluster.version": (FAIL, "does not offer Kubernetes 1.27.16"),
            "cluster.compute": (FAIL, "default-pool has the taint team"),
            "cluster.node_scopes": (FAIL, "default-pool"),
            "cluster.namespace": (FAIL, "no namespace ml"),
            "cluster.rights": (FAIL, "may not create jobs, patch cronjobs in ml"),
            "connector.cluster": (FAIL, "container.clusters.get"),
        },
    ),
    Situation(
        "better-on-gke",
        _could_be_better_on_gke,
        {
            "cluster.exists": (WARN, "the last that GKE lists, the one in us-west1"),
            "cluster.region": (WARN, "us-west1"),
            "cluster.active": (WARN, "RECONCILING"),
            "cluster.version": (WARN, "extended support"),
            "cluster.compute": (WARN, "one has ARM nodes"),
            "cluster.node_scopes": (WARN, "two"),
            "cluster.workload_identity": (WARN, "two"),
            "cluster.pod_identity": (WARN, "connector's credentials"),
            "cluster.rights": (WARN, "may not patch cronjobs in ml: schedules"),
            "cluster.endpoint": (WARN, "every address"),
        },
    ),
    Situation(
        "denied-on-vertex",
        _all_denied,
        _all(*_LOCKED, *_OF_VERTEX, status=UNKNOWN),
        "some.thing.look",
    ),
    Situation(
        "denied-on-gke",
        _all_denied_on_gke,
        _all(*_LOCKED, *_OF_GKE, status=UNKNOWN),
        "some.thing.look",
    ),
    Situation(
        "the-cluster-lets-nobody-in",
        _cluster_lets_nobody_in,
        _all(
            *("cluster.namespace", "cluster.pod_identity", "cluster.rights"),
            status=UNKNOWN,
            why="403",
        ),
    ),
    Situation(
        "refused",
        _refused,
        {"credentials": (FAIL, "Invalid JWT"), "bucket.exists": (UNKNOWN, "gcp.credentials")},
    ),
    Situation("no-tokens", _no_tokens, {"credentials": (UNKNOWN, "")}),
)


def test_every_check_has_a_situation_for_each_status_that_it_can_have() -> None:
    covered = {(f"gcp.{name}", end[0]) for one in SITUATIONS for name, end in one.ends.items()}
    promised = {(info.id, status) for info in CATALOG.values() for status in info.can}
    assert covered == promised


@pytest.mark.parametrize("situation", SITUATIONS, ids=str)
def test_checks_end_as_they_should_and_say_why(situation: Situation, world: World) -> None:
    spec = situation.arrange(world)
    found = {r.id.removeprefix("gcp."): r for r in world.report(spec).results}
    ends = {name: (found[name].status, found[name].why) for name in situation.ends}
    assert {name: end[0] for name, end in ends.items()} == {
        name: end[0] for name, end in situation.ends.items()
    }, ends
    for name, (status, why) in situation.ends.items():
        result = found[name]
        assert why in result.why
        assert result.subject
        assert result.docs
        assert bool(result.remedy) is (status is not OK), name
        if result.remedy:
            words = shlex.split(result.remedy, comments=True)
            assert words[0] in {"gcloud", "kubectl"} or result.remedy.startswith("Look again")
            assert "None" not in words
        if situation.permission is not None:
            assert result.missing_permission == situation.permission, (name, result.why)
    order = list(CATALOG)
    assert [order.index(f"gcp.{name}") for name in found] == sorted(
        order.index(f"gcp.{name}") for name in found
    )


@pytest.mark.parametrize("name", ["runner", "zenml-service-account"])
def test_a_named_account_of_pods_has_to_be_seen(world: World, name: str) -> None:
    """ZenML makes one only where none is named, whatever its name."""
    world.fit()
    orchestrator = {"service_account_name": name}
    spec, check = world.kubernetes(extra={"orchestrator": orchestrator}), "gcp.cluster.pod_identity"
    assert world.check(spec, check).status is FAIL
    world.api.accounts[f"ml/{name}"] = {}
    assert world.check(spec, check).status is not FAIL
    world.api.denied = {"create jobs"}
    found = world.check(spec, check)
    assert (found.status, f"{name} may not create jobs in ml" in found.why) == (FAIL, True)
    world.api.asks_for_others = False
    found = world.check(spec, check)
    assert (found.status, "may not ask what the service account" in found.why) == (UNKNOWN, True)


def test_pods_may_reach_the_bucket_through_an_account_of_googles(world: World) -> None:
    """The older of the two ways: an annotation, and the account's own policy."""
    world.fit_cluster()
    world.gcp.bucket(world.bucket)
    steps = world.gcp.service_account("pods")
    spec, check = world.kubernetes(), "gcp.cluster.pod_identity"
    assert world.check(spec, check).status is WARN

    for account in KUBERNETES_ACCOUNTS:
        world.api.accounts[f"ml/{account}"] = {"iam.gke.io/gcp-service-account": steps}
        assert world.check(spec, check).status is UNKNOWN
        pods = f"serviceAccount:{PROJECT}.svc.id.goog[ml/{account}]"
        world.gcp.bind(steps, "roles/iam.workloadIdentityUser", pods)
        assert world.check(spec, check).status is UNKNOWN
    for role in ("roles/storage.objectUser", "roles/storage.bucketViewer"):
        world.gcp.bind(f"buckets/{world.bucket}", role, f"serviceAccount:{steps}")
    result = world.check(spec, check)
    assert result.status is OK, result.why
    assert steps in result.why


def test_pods_go_where_the_description_lets_them(world: World) -> None:
    """Both pods have to tolerate what keeps others from the only pool: the orchestrator's too."""
    taint = {"key": "team", "value": "ml", "effect": "NO_SCHEDULE"}
    world.fit_cluster(node_pools=[world.pool("own", taints=[taint])])
    settings = {"tolerations": [{"key": "team", "operator": "Equal", "value": "ml"}]}
    keys = ("pod_settings", "orchestrator_pod_settings")
    for given, status in (((), FAIL), (keys[:1], FAIL), (keys[1:], FAIL), (keys, OK)):
        spec = world.kubernetes(extra={"orchestrator": dict.fromkeys(given, settings)})
        result = world.check(spec, "gcp.cluster.compute")
        assert result.status is status, (given, result.why)
