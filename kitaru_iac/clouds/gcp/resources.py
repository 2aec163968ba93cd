"""What a description names in Google Cloud: project, bucket, repository, cluster, accounts."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from kitaru_iac.checks.cluster_rights import ClusterRight, rights_for
from kitaru_iac.checks.pods import POD_ACCOUNTS, PodSettings, named_account, pod_accounts, pods_of
from kitaru_iac.checks.pull_secrets import ForeignPull, foreign_pull
from kitaru_iac.clouds.existing import without_absent
from kitaru_iac.patterns import compiled
from kitaru_iac.spec.credentials import Credentials
from kitaru_iac.spec.kinds import Cloud, ResourceMode, StackType
from kitaru_iac.spec.model import BaseSpec, KubernetesSpec
from kitaru_iac.spec.uris import ArtifactRegistryUri, GcrUri, GcsUri

__all__ = [
    "GcpResources",
    "RepositoryName",
    "connector_account",
    "existing",
    "gcp_resources",
    "impersonates",
    "makes_connector",
    "project_of_account",
    "provisioner",
    "repository_of",
]

#: Where the hosts of Container Registry live on in Artifact Registry.
#: https://cloud.google.com/artifact-registry/docs/transition/setup-gcr-repo
_GCR_LOCATIONS = {"gcr.io": "us", "us.gcr.io": "us", "eu.gcr.io": "europe", "asia.gcr.io": "asia"}
_TARGET = compiled(r"/serviceAccounts/([^/:]+):generateAccessToken$")


@dataclass(frozen=True, slots=True)
class RepositoryName:
    """A repository of Artifact Registry: ``projects/P/locations/L/repositories/R``.

    Attributes:
        project: The project's id, which the URI names and which need not be the stack's.
        location: A region, or ``us``, ``europe``, ``asia``.
        id: Its name there.
        is_gcr: Whether it stands for an old host of Container Registry.
    """

    project: str
    location: str
    id: str
    is_gcr: bool = False

    def __str__(self) -> str:
        return f"projects/{self.project}/locations/{self.location}/repositories/{self.id}"


@dataclass(frozen=True, slots=True)
class GcpResources:
    """The named things of one description. None is what it does not name.

    Attributes:
        stack: The stack's name.
        type: The stack's type.
        project: The id of the project that it runs in.
        region: Where it runs.
        bucket: Of the artifact store.
        repository: The one that images are pushed to.
        cluster: The GKE cluster's name.
        namespace: Where pods run.
        pod_accounts: What the pods of the orchestrator and of the steps run as there.
        rights: What ZenML does in the namespace.
        pods: What its pods ask of nodes, each way once.
        foreign: How its pods pull, where the registry is not this cloud's.
        workload: The address of the service account that steps run as on Vertex.
        connector: The address of the service account that the connector is, where it is told.
        pool: The workload identity pool that the connector's own tokens come from, as
            ``projects/N/locations/global/workloadIdentityPools/POOL``.
        impersonates: Whether the connector becomes `connector` from another identity.
    """

    stack: str
    type: StackType
    project: str | None = None
    region: str | None = None
    bucket: str | None = None
    repository: RepositoryName | None = None
    cluster: str | None = None
    namespace: str = "default"
    pod_accounts: tuple[str, ...] = POD_ACCOUNTS
    rights: tuple[ClusterRight, ...] = ()
    pods: tuple[PodSettings, ...] = (PodSettings(),)
    foreign: ForeignPull | None = None
    workload: str | None = None
    connector: str | None = None
    pool: str | None = None
    impersonates: bool = False

    @property
    def named_account(self) -> str | None:
        """The service account of the orchestrator's pod, if it is named and not in a secret."""
        return named_account(self.pod_accounts, self.rights)


def gcp_resources(spec: BaseSpec) -> GcpResources:
    """What the description names, be it there already or to be created."""
    store = spec.artifact_store if isinstance(spec.artifact_store, GcsUri) else None
    credentials = spec.credentials
    project = spec.gcp_project
    if project is None and credentials is not None:
        project = credentials.values.get("project_id")
    orchestrator = spec.extra.orchestrator
    cluster, namespace = None, "default"
    if isinstance(spec, KubernetesSpec):
        cluster, namespace = spec.cluster, spec.namespace
    workload = orchestrator.get("workload_service_account")
    pool, target = _federation(credentials)
    return GcpResources(
        stack=spec.name,
        type=spec.type,
        project=project,
        region=spec.region,
        bucket=store.bucket if store else None,
        repository=repository_of(spec.container_registry),
        cluster=cluster,
        namespace=str(orchestrator.get("kubernetes_namespace") or namespace),
        pod_accounts=pod_accounts(orchestrator),
        rights=rights_for(orchestrator) if isinstance(spec, KubernetesSpec) else (),
        pods=pods_of(orchestrator),
        foreign=foreign_pull(spec, Cloud.GCP),
        workload=str(workload) if workload and spec.type is StackType.VERTEX else None,
        connector=target or connector_account(credentials),
        pool=pool,
        impersonates=target is not None
        or (credentials is not None and credentials.kind == "gcp-impersonate"),
    )


def existing(spec: BaseSpec) -> GcpResources:
    """What the description says is there: without what it wants created or skipped."""
    fields = {
        "bucket": "bucket",
        "registry": "repository",
        "cluster": "cluster",
        "role": "workload",
    }
    found = without_absent(gcp_resources(spec), spec, fields)
    if makes_connector(spec):
        return replace(found, connector=None, pool=None, impersonates=False)
    return found


def makes_connector(spec: BaseSpec) -> bool:
    """Whether the service account that the connector becomes is made, which takes asking."""
    return spec.resources.get("connector") is ResourceMode.CREATE


def provisioner(spec: BaseSpec) -> Credentials | None:
    """Whose credentials make a stack's infrastructure, and look at it before it is made.

    They are the description's, but where those become an account that is itself made. Then it is
    this process (None): who becomes the account is kept in the ZenML server, and needs no right
    but that one.
    """
    return None if makes_connector(spec) else spec.credentials


def impersonates(credentials: Credentials | None) -> bool:
    """Whether credentials, which ZenML keeps, become a service account from another identity."""
    if credentials is None:
        return False
    if "service_account_json" in credentials.secrets:
        return "target_principal" in credentials.values
    return _federation(credentials)[1] is not None


def connector_account(credentials: Credentials | None) -> str | None:
    """The address of the service account that credentials end as; None where they do not tell."""
    if credentials is None:
        return None
    values = credentials.values
    return values.get("target_principal") or values.get("client_email")


def project_of_account(email: str) -> str | None:
    """The project (id or number) that a service account is in, which its address names.

    https://cloud.google.com/iam/docs/service-account-types
    """
    name, _, domain = email.partition("@")
    if domain.endswith(".iam.gserviceaccount.com"):
        project = domain.removesuffix(".iam.gserviceaccount.com")
        head, _, organization = project.partition(".")
        return f"{organization}:{head}" if organization else project
    if domain == "developer.gserviceaccount.com":
        return name.removesuffix("-compute")
    return name if domain == "appspot.gserviceaccount.com" else None


def repository_of(uri: object) -> RepositoryName | None:
    """The repository that a registry's URI stands for, if it is one of Artifact Registry."""
    if isinstance(uri, ArtifactRegistryUri):
        return RepositoryName(uri.project, uri.location, uri.repository)
    if isinstance(uri, GcrUri):
        return RepositoryName(uri.project, _GCR_LOCATIONS[uri.host], uri.host, is_gcr=True)
    return None


def _federation(credentials: Credentials | None) -> tuple[str | None, str | None]:
    """The pool of an external account, and the service account that it impersonates."""
    secret = credentials.secrets.get("external_account_json") if credentials else None
    if secret is None:
        return None, None
    info = json.loads(str(secret))
    audience = str(info.get("audience") or "").removeprefix("//iam.googleapis.com/")
    pool = audience.partition("/providers/")[0] if "/workloadIdentityPools/" in audience else None
    target = _TARGET.search(str(info.get("service_account_impersonation_url") or ""))
    return pool, target[1] if target else None
