"""What the component `kitaru:gcp:Infrastructure` is given and gives. Imports no SDK of a cloud.

No `from __future__ import annotations` here: the schema is made from these annotations.
"""

from collections.abc import Mapping
from typing import NotRequired, TypedDict

from kitaru_iac.spec.kinds import StackType

__all__ = [
    "BESIDE",
    "INSIDE",
    "NAMED",
    "OUTPUTS",
    "TOKEN",
    "TYPES",
    "UNCHANGED",
    "InfrastructureArgs",
]

#: The component's type.
TOKEN = "kitaru:gcp:Infrastructure"  # noqa: S105

#: The outputs: keys of a description, and the field of ``extra`` that says what steps run as.
OUTPUTS = (
    *("artifact_store", "container_registry", "cluster", "region", "workload_service_account"),
)

#: The stack types that it is made for.
TYPES = (StackType.LOCAL, StackType.KUBERNETES, StackType.VERTEX)

#: What only leaves the state when it is deleted: APIs stay enabled, and Google's agents stay, with
#: their role and what they may pull: others' runs go by the same grants. What the nodes of a
#: cluster may pull, and the connector push, goes with their accounts.
UNCHANGED = frozenset(
    {
        "gcp:projects/service:Service",
        "gcp:projects/serviceIdentity:ServiceIdentity",
        "gcp:artifactregistry/repositoryIamMember:RepositoryIamMember",
        "gcp:projects/iAMMember:IAMMember::stack-agent-role",
    }
)
#: What lies in a network, which Google does not delete while it holds them, or in its router.
#: https://cloud.google.com/vpc/docs/create-modify-vpc-networks
INSIDE = frozenset(
    {
        "gcp:compute/router:Router",
        "gcp:compute/routerNat:RouterNat",
        "gcp:compute/subnetwork:Subnetwork",
    }
)

#: Which type in Pulumi a key of a description names.
NAMED: Mapping[str, str] = {
    "artifact_store": "gcp:storage/bucket:Bucket",
    "container_registry": "gcp:artifactregistry/repository:Repository",
    "cluster": "gcp:container/cluster:Cluster",
}

#: What else is told when it was made, with a word for it.
BESIDE: Mapping[str, str] = {
    "gcp:serviceaccount/account:Account": "service account",
    "gcp:compute/network:Network": "network",
}


class InfrastructureArgs(TypedDict):
    """What is made, and what is used. The URIs and names have to be known, as text."""

    stack: str
    """The name of the stack."""
    type: str
    """The stack's type. One of local, kubernetes, vertex."""
    region: str
    """Where everything is, whatever the provider's region."""
    project: NotRequired[str | None]
    """The project's id; that of the GCP provider, if left out."""
    project_number: NotRequired[str | None]
    """The project's number; that of the GCP provider's project, if left out."""
    artifact_store: NotRequired[str | None]
    """The URI that the stack uses, as `gs://bucket/prefix`."""
    container_registry: NotRequired[str | None]
    """The URI that images are pushed to."""
    workload_service_account: NotRequired[str | None]
    """The address of an existing service account that steps run as on Vertex."""
    cluster: NotRequired[str | None]
    """The name of an existing GKE cluster."""
    new_bucket: NotRequired[str | None]
    """The name of the bucket to make."""
    new_repository: NotRequired[str | None]
    """The id of the Artifact Registry repository to make."""
    repository_location: NotRequired[str | None]
    """Where that repository is made. Default: the region."""
    new_workload: NotRequired[str | None]
    """What stands before the `@` of the service account to make, which steps run as on Vertex."""
    new_connector: NotRequired[str | None]
    """What stands before the `@` of the service account to make, which the connector becomes."""
    impersonators: NotRequired[list[str] | None]
    """Who may become that service account, as IAM names them; nobody, if left out."""
    new_cluster: NotRequired[str | None]
    """The name of the GKE cluster to make, in Autopilot mode and with private nodes."""
    network: NotRequired[str | None]
    """`create` for a network of its own for a new cluster, with Cloud NAT. It costs money."""
    subnets: NotRequired[list[str] | None]
    """The subnetwork of a new cluster, as `projects/P/regions/R/subnetworks/NAME`; with
    `network: create`, none."""
    endpoint_access: NotRequired[list[str] | None]
    """The networks that may reach a new cluster's public endpoint; it has none, if left out."""
    dns_endpoint: NotRequired[bool | None]
    """Whether a new cluster is reached by name too, from anywhere, by whom IAM lets in. Default:
    false."""
    deletion_protection: NotRequired[bool | None]
    """Whether the provider refuses to delete a new cluster. Default: false."""
    services: NotRequired[list[str] | None]
    """The APIs to enable, as `aiplatform.googleapis.com`; those that the type needs, if left
    out. They stay enabled."""
    submitter: NotRequired[str | None]
    """Who submits runs, as IAM names them: `serviceAccount:…`. May hand the new service account to
    Vertex; with `newConnector` also one that exists."""
    custom_code_agent: NotRequired[bool]
    """Whether Vertex's agent for custom code, which Google makes late, is there and may pull from
    a new repository. Default: false."""
    keep_images: NotRequired[int | None]
    """How many versions of each image stay in a new repository, those pushed last; all, if left
    out."""
    keep_versions: NotRequired[int | None]
    """How many days a new bucket keeps what was overwritten or deleted. Default: 30."""
    tags: NotRequired[dict[str, str]]
    """Further labels."""
    keep_data: NotRequired[bool]
    """Protect bucket and repository, and leave them if they go from the program. Default: true."""
