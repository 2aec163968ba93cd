"""One Google Cloud for all check tests, with fit resources under names of their own."""

from __future__ import annotations

import itertools
from collections.abc import Collection
from typing import Any

from kitaru_iac.checks.model import CheckReport, CheckResult, run_checks
from kitaru_iac.clouds.gcp.verify import checks_for
from kitaru_iac.spec import from_mapping
from kitaru_iac.spec.model import BaseSpec
from tests.doubles.gcp import GcpLoopback
from tests.doubles.gcp_state import PROJECT, PROJECT_NUMBER, GcpFault
from tests.doubles.kubernetes import KubernetesLoopback

_numbers = itertools.count(1)
_OBJECTS = tuple(f"storage.objects.{v}" for v in ("create", "delete", "get", "list", "update"))
_JOBS = tuple(f"aiplatform.customJobs.{v}" for v in ("create", "get", "cancel"))
_RUNS = tuple(f"aiplatform.pipelineJobs.{v}" for v in ("create", "get", "list", "cancel"))
_GAR = "artifactregistry.repositories."
#: What the roles of the tests include, as Google's own do.
ROLES = {
    "roles/storage.objectUser": _OBJECTS,
    "roles/storage.objectViewer": ("storage.objects.get", "storage.objects.list"),
    "roles/storage.bucketViewer": ("storage.buckets.get", "storage.buckets.list"),
    "roles/storage.legacyBucketReader": ("storage.buckets.get", "storage.objects.list"),
    "roles/logging.logWriter": ("logging.logEntries.create",),
    "roles/storage.admin": ("storage.buckets.get", "storage.buckets.getIamPolicy", *_OBJECTS),
    "roles/artifactregistry.reader": (f"{_GAR}get", f"{_GAR}downloadArtifacts"),
    "roles/artifactregistry.writer": (
        f"{_GAR}get",
        f"{_GAR}downloadArtifacts",
        f"{_GAR}uploadArtifacts",
    ),
    "roles/aiplatform.serviceAgent": (f"{_GAR}downloadArtifacts", *_OBJECTS),
    "roles/aiplatform.user": (*_RUNS, *_JOBS),
    "roles/container.developer": tuple(
        f"container.clusters.{v}" for v in ("get", "list", "connect")
    ),
    "roles/container.defaultNodeServiceAccount": (
        "logging.logEntries.create",
        "monitoring.timeSeries.create",
    ),
    "roles/iam.workloadIdentityUser": ("iam.serviceAccounts.getAccessToken",),
    "roles/iam.serviceAccountUser": ("iam.serviceAccounts.actAs",),
}
AGENTS = tuple(
    f"serviceAccount:service-{PROJECT_NUMBER}@gcp-sa-aiplatform{kind}.iam.gserviceaccount.com"
    for kind in ("", "-cc")
)
KEY = f"projects/{PROJECT}/locations/europe-west1/keyRings/ring/cryptoKeys/data"
#: What the pods of the orchestrator and those of the steps run as.
KUBERNETES_ACCOUNTS = ("zenml-service-account", "default")
PODS = tuple(
    f"principal://iam.googleapis.com/projects/{PROJECT_NUMBER}/locations/global/"
    f"workloadIdentityPools/{PROJECT}.svc.id.goog/subject/ns/ml/sa/{account}"
    for account in KUBERNETES_ACCOUNTS
)


class World:
    """What a test sees: the double, a cluster's own API, and names that nobody has used."""

    def __init__(self, gcp: GcpLoopback, api: KubernetesLoopback) -> None:
        gcp.forget()
        self.gcp = gcp
        self.state = gcp.state
        self.api = api
        number = next(_numbers)
        self.bucket = f"bucket-{number}"
        self.repository = f"images-{number}"
        self.cluster = f"cluster-{number}"
        self.workload = f"steps@{PROJECT}.iam.gserviceaccount.com"
        self.nodes = f"nodes@{PROJECT}.iam.gserviceaccount.com"
        self.state.roles = dict(ROLES)
        api.forget()
        api.namespaces = {"ml"}
        # Clusters that are made have it too.
        self.state.endpoint, self.state.authority = api.endpoint, gcp.authority
        # Roles of IAM let read what is in a cluster.
        api.require = self._require

    def _require(self, permission: str, what: str) -> None:
        self.state.require(permission, what)  # which tests exchange

    # --- descriptions

    def _common(self, **over: Any) -> dict[str, Any]:
        given = {
            "name": "prod",
            "artifact_store": f"gs://{self.bucket}/prefix",
            "container_registry": f"{self.gcp.location}-docker.pkg.dev/{PROJECT}/{self.repository}",
            "region": self.gcp.location,
            "credentials": f"gcp-service-account:{self.gcp.credentials_file}",
            **over,
        }
        return {key: value for key, value in given.items() if value is not None}

    def vertex(self, **over: Any) -> BaseSpec:
        extra = {"orchestrator": {"workload_service_account": self.workload}}
        return from_mapping(self._common(**{"type": "vertex", "extra": extra} | over))

    def kubernetes(self, **over: Any) -> BaseSpec:
        given = {"type": "kubernetes", "cluster": self.cluster, "namespace": "ml"}
        return from_mapping(self._common(**given | over))

    def as_the_steps(self, **over: Any) -> BaseSpec:
        """A description whose connector is the account that steps run as."""
        become = f"gcp-impersonate:{self.workload}:{self.gcp.credentials_file}"
        return self.vertex(**{"credentials": become} | over)

    def local(self, **over: Any) -> BaseSpec:
        given = self._common(type="local", project=PROJECT)
        del given["container_registry"]
        return from_mapping({k: v for k, v in (given | over).items() if v is not None})

    # --- fit resources

    def fit_bucket(self, **settings: Any) -> None:
        self.gcp.bucket(self.bucket, **settings)
        at = f"buckets/{self.bucket}"
        for role in ("roles/storage.objectUser", "roles/storage.bucketViewer"):
            self.gcp.bind(at, role, f"serviceAccount:{self.workload}", *PODS)

    def fit_repository(self, **settings: Any) -> None:
        scanning = {"enablement_state": "SCANNING_ACTIVE"}
        self.gcp.repository(
            self.repository, **{"vulnerability_scanning_config": scanning, **settings}
        )
        name = self.repository_name
        self.gcp.bind(name, "roles/artifactregistry.reader", f"serviceAccount:{self.nodes}")
        self.gcp.bind(PROJECT, "roles/aiplatform.serviceAgent", *AGENTS)

    @property
    def repository_name(self) -> str:
        return f"projects/{PROJECT}/locations/{self.gcp.location}/repositories/{self.repository}"

    def fit_workload(self) -> None:
        self.gcp.service_account("steps")
        owner = f"serviceAccount:{self.gcp.owner}"
        self.gcp.bind(self.workload, "roles/iam.serviceAccountUser", owner)
        for role in ("roles/aiplatform.user", "roles/logging.logWriter"):
            self.gcp.bind(PROJECT, role, f"serviceAccount:{self.workload}")

    def fit_cluster(self, **settings: Any) -> None:
        self.gcp.cluster(self.cluster, **{**self.cluster_fields(), **settings})

    def cluster_fields(self) -> dict[str, Any]:
        return {
            "endpoint": self.api.endpoint,
            "master_authorized_networks_config": {
                "enabled": True,
                "cidr_blocks": [{"cidr_block": "192.0.2.0/24"}],
            },
            "node_pools": [self.pool("default-pool")],
        }

    def pool(self, name: str, **config: Any) -> dict[str, Any]:
        fields = {
            "service_account": self.nodes,
            "oauth_scopes": ["https://www.googleapis.com/auth/cloud-platform"],
            "workload_metadata_config": {"mode": "GKE_METADATA"},
            "image_type": "COS_CONTAINERD",
            "machine_type": "e2-standard-4",
        }
        made = {"name": name, "status": "RUNNING", "initial_node_count": 1}
        return {**made, "config": {**fields, **config}}

    def own_keys(self, state: str = "ENABLED") -> None:
        """Let a key of Cloud KMS encrypt the bucket and the repository that are there."""
        self.state.keys_of_kms[KEY] = state
        self.state.buckets[self.bucket]["encryption"] = {"defaultKmsKeyName": KEY}
        self.state.repositories[self.repository_name].kms_key_name = KEY

    def fit(self) -> None:
        self.fit_bucket()
        self.fit_repository()
        self.fit_workload()
        self.fit_cluster()

    def fault(self, call: str, kind: str, **how: Any) -> None:
        self.state.faults[call] = GcpFault(kind, **how)

    # --- checks

    def report(
        self,
        spec: BaseSpec,
        *,
        timeout: float = 60.0,
        only: Collection[str] | None = None,
        **whose: Any,
    ) -> CheckReport:
        """Run the checks of a description, or some of them, with what their probes need."""
        checks = checks_for(spec, timeout=timeout, **whose)
        if only is not None:
            checks = [one for one in checks if one.info.id in only]
        return CheckReport(spec.name, run_checks(checks, timeout))

    def check(self, spec: BaseSpec, id: str, **whose: Any) -> CheckResult:
        (result,) = self.report(spec, only={id}, **whose).results
        return result
