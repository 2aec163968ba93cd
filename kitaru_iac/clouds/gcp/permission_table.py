"""The one table of permissions on Google Cloud: who does what to which thing, and why.

It feeds the checks (tests of permissions, policies that are read), `kitaru stack policy` and the
documentation; there is no second list.

Read from ZenML 0.98 (``gcp_service_connector.py``, ``vertex_orchestrator.py``,
``gcp_artifact_store.py``) and gcsfs. What its connector's docstring asks for only to list without
a resource id, which a stack always has (``artifactregistry.locations.list``,
``artifactregistry.repositories.list``, ``storage.buckets.list``), is not here, and neither is
``artifactregistry.repositories.createOnPush``: the repository exists, or the check says so.
"""

from __future__ import annotations

from enum import StrEnum

from kitaru_iac.checks.permissions import Identity, Permission, Rows
from kitaru_iac.spec.kinds import StackType

__all__ = ["PERMISSIONS", "SECRETS", "GcpPermission", "Resource", "When"]


class Resource(StrEnum):
    """What a permission is about. The value ends the id of the role that grants it."""

    BUCKET = "Bucket"
    REPOSITORY = "Repository"
    REPOSITORY_PROJECT = "RepositoryProject"
    PROJECT = "Project"
    WORKLOAD = "Workload"
    CLUSTER = "Cluster"


class When(StrEnum):
    """In which stacks a permission is needed at all."""

    ALWAYS = "always"
    WORKLOAD = "extra.orchestrator.workload_service_account is set"
    FOREIGN = "the registry is not Google's, so that pods pull with a secret"
    NAMED = "extra.orchestrator.service_account_name is set"
    DNS_ENDPOINT = "the cluster's DNS endpoint is on, which ZenML then takes"


_EVERY = frozenset({StackType.LOCAL, StackType.KUBERNETES, StackType.VERTEX})
_REMOTE = frozenset({StackType.KUBERNETES, StackType.VERTEX})
_GKE = frozenset({StackType.KUBERNETES})
_VERTEX = frozenset({StackType.VERTEX})

GcpPermission = Permission[Resource, When]
_rows: Rows[Resource, When] = Rows(When.ALWAYS)

_C, _R, _P, _V = Identity.CONNECTOR, Identity.RUNTIME, Identity.PULL, Identity.VERIFY
_OBJECTS = {
    "storage.buckets.get": "find the bucket (connector verification, gcsfs)",
    "storage.objects.create": "save artifacts, code and logs",
    "storage.objects.delete": "delete artifacts, and overwrite them",
    "storage.objects.get": "load artifacts, code and logs",
    "storage.objects.list": "list artifacts",
    "storage.objects.update": "set the metadata of what is copied",
}
_PULL = {"artifactregistry.repositories.downloadArtifacts": "pull an image"}
_JOBS = {
    "aiplatform.customJobs.create": "start a step of its own",
    "aiplatform.customJobs.get": "follow it",
    "aiplatform.customJobs.cancel": "stop it",
}

#: https://cloud.google.com/kubernetes-engine/docs/concepts/network-isolation#dns-based_endpoint
_CONNECT = {"container.clusters.connect": "be let in by the cluster's DNS endpoint"}

#: The contents too, and of a whole project: IAM has no right to their metadata alone.
SECRETS = "container.secrets.get"

PERMISSIONS: tuple[GcpPermission, ...] = (
    # --- connector
    *_rows(_C, Resource.BUCKET, _EVERY, _OBJECTS),
    *_rows(
        _C,
        Resource.REPOSITORY,
        _REMOTE,
        {
            "artifactregistry.repositories.get": "connector verification",
            **_PULL,
            "artifactregistry.repositories.uploadArtifacts": "push an image",
        },
    ),
    *_rows(
        _C,
        Resource.PROJECT,
        _VERTEX,
        {
            "aiplatform.pipelineJobs.create": "submit a run",
            "aiplatform.pipelineJobs.get": "follow a run",
            "aiplatform.pipelineJobs.list": "the Vertex SDK looks for runs of the same name",
            "aiplatform.pipelineJobs.cancel": "stop a run",
            **_JOBS,
        },
    ),
    *_rows(
        _C,
        Resource.WORKLOAD,
        _VERTEX,
        {"iam.serviceAccounts.actAs": "hand the workload's service account to Vertex"},
        when=When.WORKLOAD,
    ),
    # What it may do inside the cluster, RBAC or roles of IAM decide: `policy` prints the former.
    *_rows(
        _C,
        Resource.CLUSTER,
        _GKE,
        {
            "container.clusters.get": "the cluster's endpoint and certificate",
            "container.clusters.list": "connector verification finds the cluster by its name",
        },
    ),
    *_rows(_C, Resource.CLUSTER, _GKE, _CONNECT, when=When.DNS_ENDPOINT),
    # --- runtime. On GKE it is the pods' own identity (Workload Identity), which the code of steps
    # may use. ZenML itself takes the connector's credentials where the store has one, as in every
    # such stack that is registered here (``GCPArtifactStore.get_credentials``).
    *_rows(_R, Resource.BUCKET, _REMOTE, _OBJECTS),
    *_rows(_R, Resource.PROJECT, _VERTEX, {k: f"the pipeline: {v}" for k, v in _JOBS.items()}),
    *_rows(
        _R,
        Resource.PROJECT,
        _VERTEX,
        {"logging.logEntries.create": "Vertex writes the steps' logs as this account"},
    ),
    # --- pull: the nodes of a cluster; on Vertex its two service agents
    *_rows(_P, Resource.REPOSITORY, _REMOTE, _PULL),
    # --- verify
    *_rows(
        _V,
        Resource.BUCKET,
        _EVERY,
        {
            "storage.buckets.get": "gcp.bucket.*",
            "storage.buckets.getIamPolicy": "gcp.bucket.public_access, gcp.workload.bucket_access",
        },
    ),
    *_rows(
        _V,
        Resource.PROJECT,
        _EVERY,
        {
            "resourcemanager.projects.get": "gcp.project, gcp.bucket.project",
            "resourcemanager.projects.getIamPolicy": "what other identities may do",
            "serviceusage.services.get": "gcp.services",
            "cloudkms.cryptoKeys.get": "gcp.bucket.encryption, gcp.repository.encryption",
            "iam.serviceAccounts.getIamPolicy": "gcp.connector.trust, gcp.workload.trust",
            "iam.serviceAccounts.get": "gcp.workload.exists",
            "iam.roles.get": "what the project's custom roles hold, as those that `policy` prints",
        },
    ),
    *_rows(
        _V,
        Resource.REPOSITORY,
        _REMOTE,
        {
            "artifactregistry.repositories.get": "gcp.repository.*",
            "artifactregistry.repositories.getIamPolicy": "gcp.vertex.pull, gcp.cluster.pull",
        },
    ),
    *_rows(
        _V,
        Resource.REPOSITORY_PROJECT,
        _REMOTE,
        {
            "resourcemanager.projects.getIamPolicy": "gcp.vertex.pull, gcp.cluster.pull",
            "iam.roles.get": "what the custom roles of the repository's project hold",
        },
    ),
    *_rows(_V, Resource.PROJECT, _VERTEX, {"aiplatform.locations.list": "gcp.vertex.region"}),
    # Objects in the cluster, which roles of IAM let read as RBAC does. Everybody may ask there what
    # they may do themselves (gcp.cluster.rights).
    *_rows(
        _V,
        Resource.CLUSTER,
        _GKE,
        {
            "container.clusters.list": "gcp.cluster.*",
            "container.namespaces.get": "gcp.cluster.namespace",
            "container.serviceAccounts.get": "gcp.cluster.pod_identity",
        },
    ),
    *_rows(_V, Resource.CLUSTER, _GKE, _CONNECT, when=When.DNS_ENDPOINT),
    *_rows(
        _V,
        Resource.CLUSTER,
        _GKE,
        {SECRETS: "gcp.cluster.pull_secret, which reads their metadata alone"},
        when=When.FOREIGN,
    ),
    *_rows(
        _V,
        Resource.CLUSTER,
        _GKE,
        {
            "container.localSubjectAccessReviews.create": "gcp.cluster.pod_identity, which asks "
            "what that account may do",
        },
        when=When.NAMED,
    ),
)
