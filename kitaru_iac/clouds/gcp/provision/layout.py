"""What is made for a description, under which names, and what is wrong with wanting that.

A pure function of the description, the project and its number: nothing is asked here. All names are
known before anything is made, and so is what the description gets from them: a preview can show the
records too.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import cast

from kitaru_iac.clouds.gcp.permissions import vertex_agents
from kitaru_iac.clouds.gcp.provision import connector as becoming
from kitaru_iac.clouds.gcp.provision import names
from kitaru_iac.clouds.gcp.provision.args import InfrastructureArgs
from kitaru_iac.clouds.gcp.provision.labels import unfit_tags
from kitaru_iac.clouds.gcp.resources import (
    RepositoryName,
    gcp_resources,
    makes_connector,
    project_of_account,
)
from kitaru_iac.clouds.provider import marks
from kitaru_iac.clouds.wanted import mode_of, wants_cluster
from kitaru_iac.errors import DescriptionError, Problem
from kitaru_iac.spec.infrastructure import Infrastructure
from kitaru_iac.spec.kinds import ResourceMode, StackType
from kitaru_iac.spec.model import KubernetesSpec, StackSpec
from kitaru_iac.spec.names import gcs_bucket
from kitaru_iac.spec.refusal import Refusal
from kitaru_iac.spec.uris import ArtifactRegistryUri, GcsUri, parse_container_registry

__all__ = ["Layout", "layout", "project_of", "repository_in", "services_of"]

_CREATE, _EXISTING, _SKIP = ResourceMode.CREATE, ResourceMode.EXISTING, ResourceMode.SKIP


@dataclass(frozen=True, slots=True)
class Layout:
    """What is made, and what the stack uses. None is what it has not.

    Attributes:
        stack: The stack's name.
        type: Its type.
        project: The project's id.
        project_number: Its number.
        region: Where everything is.
        artifact_store: The URI that the stack uses, made or existing.
        container_registry: The URI, made or existing.
        workload_service_account: The address of what steps run as on Vertex.
        cluster: The name of the GKE cluster, made or existing.
        new_bucket: Its name, if it is made.
        new_repository: Its id, if it is made.
        repository_location: Where that is made.
        new_workload: What stands before the ``@`` of the account, if it is made.
        new_connector: What stands before the ``@`` of the connector's account, if it is made.
        impersonators: Who may become that one, as IAM names them.
        new_cluster: The cluster's name, if it is made.
        namespace: Where its pods run, if it is made.
        services: The APIs to enable.
        submitter: Who submits runs, as IAM names them, where the description tells it.
        custom_code_agent: Whether Vertex's second agent is there already.
        options: How it is made.
    """

    stack: str
    type: StackType
    project: str
    project_number: str
    region: str
    artifact_store: str | None = None
    container_registry: str | None = None
    workload_service_account: str | None = None
    cluster: str | None = None
    new_bucket: str | None = None
    new_repository: str | None = None
    repository_location: str | None = None
    new_workload: str | None = None
    new_connector: str | None = None
    impersonators: tuple[str, ...] = ()
    new_cluster: str | None = None
    namespace: str | None = None
    services: tuple[str, ...] = ()
    submitter: str | None = None
    custom_code_agent: bool = False
    options: Infrastructure = field(default_factory=Infrastructure)

    @property
    def makes_anything(self) -> bool:
        """Whether anything is made at all; APIs alone are not enabled."""
        made = (self.new_bucket, self.new_repository, self.new_workload, self.new_cluster)
        return any((*made, self.new_connector))

    @property
    def workload_email(self) -> str | None:
        """The address of the account that is made."""
        return names.account_email(self.new_workload, self.project) if self.new_workload else None

    @property
    def connector_email(self) -> str | None:
        """The address of the connector's account that is made."""
        return names.account_email(self.new_connector, self.project) if self.new_connector else None

    @property
    def nodes_email(self) -> str | None:
        """The address of the account of a new cluster's nodes."""
        if self.new_cluster is None:
            return None
        return names.account_email(names.nodes_id(self.stack), self.project)

    @property
    def late_agent(self) -> str | None:
        """Vertex's agent that cannot be granted the pull, since Google has not made it yet."""
        pulls = self.type is StackType.VERTEX and repository_in(
            self.project, self.container_registry
        )
        if not pulls or self.custom_code_agent:
            return None
        return vertex_agents(self.project_number)[1]

    def args(self) -> InfrastructureArgs:
        """The same as the arguments of the component."""
        own = {each.name: getattr(self, each.name) for each in fields(self)}
        del own["options"], own["namespace"]
        own |= {"type": self.type.value, "services": list(self.services)}
        # Those of the options, and the account whose key it is.
        own["impersonators"] = list(self.impersonators) or None
        return cast("InfrastructureArgs", self.options.given() | own)


def layout(spec: StackSpec, project: str, number: str, region: str) -> Layout:
    """Decide what is made; see `kitaru_iac.clouds.wanted.mode_of`.

    Args:
        spec: The description, with ``infra: provision``.
        project: The id of the project.
        number: Its number.
        region: The stack's region.

    Raises:
        DescriptionError: Something cannot be made as described.
    """
    problems = unfit_tags(spec.infrastructure.tags or {}, len(marks("", "")))
    bucket, store = _bucket(spec, number, region, problems)
    repository, location, registry = _repository(spec, project, region)
    workload = email = new_cluster = cluster = None
    if spec.type is StackType.VERTEX:
        workload, email = _workload(spec, project, problems)
    elif isinstance(spec, KubernetesSpec):
        new_cluster, cluster = _cluster(spec, project, region, problems)
    made = makes_connector(spec)
    new_connector = None
    if made:
        nodes = names.account_email(names.nodes_id(spec.name), project) if new_cluster else None
        new_connector, wrong = becoming.account_of(spec, project, (email, nodes))
        problems += wrong
    if problems:
        raise DescriptionError(problems)
    named = gcp_resources(spec)
    connector = named.connector
    hands_over = workload or (made and email and project_of_account(email) == project)
    return Layout(
        stack=spec.name,
        type=spec.type,
        project=project,
        project_number=number,
        region=region,
        artifact_store=store,
        container_registry=registry,
        workload_service_account=email,
        cluster=cluster,
        new_bucket=bucket,
        new_repository=repository,
        repository_location=location,
        new_workload=workload,
        new_connector=new_connector,
        impersonators=becoming.becoming(spec) if made else (),
        new_cluster=new_cluster,
        namespace=named.namespace if new_cluster else None,
        services=services_of(spec.type, cluster=new_cluster is not None, connector=made),
        submitter=f"serviceAccount:{connector}" if connector and hands_over else None,
        options=spec.infrastructure,
    )


def services_of(
    type: StackType, *, cluster: bool = False, connector: bool = False
) -> tuple[str, ...]:
    """The APIs that a stack's resources are of. The two that enable them are on already.

    Args:
        type: The stack's.
        cluster: Whether a cluster is made.
        connector: Whether the account is that the connector becomes.
    """
    names = ["storage"]
    if type is not StackType.LOCAL:
        names.append("artifactregistry")
    if type is StackType.VERTEX:
        names += ["aiplatform", "iam"]
    if cluster:
        names += ["compute", "container", "iam"]
    if connector:
        names += ["iam", "iamcredentials"]
    return tuple(f"{name}.googleapis.com" for name in sorted(set(names)))


#: All that stacks of any type have something of.
EVERY_SERVICE = frozenset(
    service for each in StackType for service in services_of(each, cluster=True)
)


def project_of(spec: StackSpec) -> str:
    """The project of a description, in which everything is made.

    Raises:
        DescriptionError: It does not tell.
    """
    found = gcp_resources(spec).project
    if found is None:
        raise DescriptionError(
            [
                Problem(
                    "project",
                    "the GCP project is missing",
                    "everything is made in it",
                    "Give its id; `gcloud config get project` shows your own.",
                )
            ]
        )
    return found


def repository_in(project: str, uri: str | None) -> RepositoryName | None:
    """The repository of a registry's URI, if it is one of Artifact Registry in this project."""
    found = parse_container_registry(uri) if uri else None
    if not isinstance(found, ArtifactRegistryUri) or found.project != project:
        return None
    return RepositoryName(found.project, found.location, found.repository)


def _bucket(
    spec: StackSpec, number: str, region: str, problems: list[Problem]
) -> tuple[str | None, str | None]:
    store = spec.artifact_store
    ours = names.bucket_name(spec.name, number, region)
    if store is not None and not isinstance(store, GcsUri):
        return None, str(store)  # a folder of this machine, for a local stack
    as_ours = store is not None and store.bucket == ours
    mode = mode_of(spec, "bucket", given=store is not None, as_ours=as_ours)
    if store is None and mode is _CREATE and number.isdecimal():
        try:
            gcs_bucket(ours)
        except Refusal as error:
            why = f"it would be called {ours}: {error.why or error.what}"
            remedy = "Name a bucket, as `artifact_store: gs://my-bucket`."
            problems.append(
                Problem("artifact_store", "no bucket can be named after the stack", why, remedy)
            )
    name = store.bucket if store else ours
    text = str(store) if store else f"gs://{ours}"
    return (name if mode is _CREATE else None), text


def _repository(
    spec: StackSpec, project: str, region: str
) -> tuple[str | None, str | None, str | None]:
    """The repository to make, where, and the registry's URI.

    A description's registry is in its project: ZenML's connector works in one.
    """
    if spec.type is StackType.LOCAL:
        return None, None, None  # nothing is pushed
    registry = spec.container_registry
    if registry is not None and not isinstance(registry, ArtifactRegistryUri):
        return None, None, str(registry)
    ours = names.repository_name(spec.name)
    as_ours = registry is not None and (
        registry.location,
        registry.project,
        registry.repository,
    ) == (
        region,
        project,
        ours,
    )
    mode = mode_of(spec, "registry", given=registry is not None, as_ours=as_ours)
    if registry is None:
        text = f"{region}-docker.pkg.dev/{project}/{ours}"
        return (ours, region, text) if mode is _CREATE else (None, None, text)
    if mode is not _CREATE:
        return None, None, str(registry)
    return registry.repository, registry.location, str(registry)


def _workload(
    spec: StackSpec, project: str, problems: list[Problem]
) -> tuple[str | None, str | None]:
    """What stands before the ``@`` of the account to make, and the address of what steps run as."""
    named = spec.extra.orchestrator.get("workload_service_account")
    given = str(named) if named else None
    ours = names.account_email(names.workload_id(spec.name), project)
    mode = mode_of(spec, "role", given=given is not None, as_ours=given == ours)
    if mode is not _CREATE:
        return None, given
    if given is None:
        return names.workload_id(spec.name), ours
    if project_of_account(given) != project or not given.endswith(".iam.gserviceaccount.com"):
        problems.append(
            Problem(
                "extra.orchestrator.workload_service_account",
                f"the service account cannot be made under the address `{given}`",
                f"it would be made in the project `{project}`",
                f"Leave it out, or write `NAME@{project}.iam.gserviceaccount.com`.",
            )
        )
    return given.partition("@")[0], given


def _cluster(
    spec: KubernetesSpec, project: str, region: str, problems: list[Problem]
) -> tuple[str | None, str | None]:
    """The name of the cluster to make, and that of the one that is used."""
    name = spec.cluster or names.cluster_name(spec.name)
    role = spec.resources.get("role")
    if wants_cluster(spec):
        if role in {_EXISTING, _SKIP}:
            problems.append(
                Problem(
                    "resources.role",
                    f"a new cluster makes its own service account, and role is `{role}`",
                    "its nodes could not pull images without one",
                    "Leave it out.",
                )
            )
        problems += _network(spec.infrastructure, project, region)
        return name, name
    if spec.cluster is None:
        problems.append(
            Problem(
                "cluster",
                "no cluster is named, and none is made unasked",
                "a GKE cluster costs money by the hour",
                "Name an existing one, or write `resources: {cluster: create}`.",
            )
        )
    if role is _CREATE:
        problems.append(
            Problem(
                "resources.role",
                "a service account is made for Vertex, and together with a cluster",
                "the pods of an existing cluster have their identity",
                "Leave it out, or write `resources: {cluster: create}` too.",
            )
        )
    return None, spec.cluster


def _network(options: Infrastructure, project: str, region: str) -> list[Problem]:
    """What is wrong with the network of a new cluster: it is made, or one subnetwork is named."""
    if options.subnets is None and options.network is None:
        return [
            Problem(
                "infrastructure.network",
                "it is not said in which network the new cluster is",
                "its nodes are private, and reach the outside through the network's Cloud NAT",
                "Write `infrastructure: {network: create}`, or name a subnetwork that has one, as "
                f"`subnets: [projects/{project}/regions/{region}/subnetworks/NAME]`.",
            )
        ]
    found = []
    for number, subnet in enumerate(options.subnets or ()):
        place = subnet.split("/")
        if place[3] != region:
            found.append(
                Problem(
                    f"infrastructure.subnets[{number}]",
                    f"the subnetwork is in {place[3]}, and the stack in {region}",
                    "a cluster lies in subnetworks of its own region",
                    f"Name one of {region}.",
                )
            )
    return found
