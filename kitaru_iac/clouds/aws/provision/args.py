"""What the component `kitaru:aws:Infrastructure` is given and gives. Imports no SDK of a cloud.

No `from __future__ import annotations` here: the schema is made from these annotations.
"""

from collections.abc import Mapping
from typing import NotRequired, TypedDict

from kitaru_iac.spec.kinds import StackType

__all__ = ["BESIDE", "INSIDE", "NAMED", "OUTPUTS", "TOKEN", "TYPES", "InfrastructureArgs"]

#: The component's type.
TOKEN = "kitaru:aws:Infrastructure"  # noqa: S105

#: The outputs: keys of a description.
OUTPUTS = ("artifact_store", "container_registry", "cluster", "region", "execution_role")

#: The stack types that it is made for.
TYPES = (StackType.LOCAL, StackType.KUBERNETES, StackType.SAGEMAKER)

#: What lies in a cluster: EKS deletes no cluster with a node group, and all others go with it.
#: https://docs.aws.amazon.com/eks/latest/APIReference/API_DeleteCluster.html
#: And in a network, which AWS does not delete while it holds them.
#: https://docs.aws.amazon.com/vpc/latest/userguide/delete-vpc.html
INSIDE = frozenset(
    {
        "aws:ec2/eip:Eip",
        "aws:ec2/internetGateway:InternetGateway",
        "aws:ec2/natGateway:NatGateway",
        "aws:ec2/subnet:Subnet",
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        "aws:eks/nodeGroup:NodeGroup",
        "aws:eks/addon:Addon",
        "aws:eks/accessEntry:AccessEntry",
        "aws:eks/podIdentityAssociation:PodIdentityAssociation",
    }
)

#: Which type in Pulumi a key of a description names.
NAMED: Mapping[str, str] = {
    "artifact_store": "aws:s3/bucket:Bucket",
    "container_registry": "aws:ecr/repository:Repository",
    "execution_role": "aws:iam/role:Role",
    "cluster": "aws:eks/cluster:Cluster",
}

#: What else is told when it was made, with a word for it.
BESIDE: Mapping[str, str] = {
    "aws:iam/role:Role": "role",
    "aws:ec2/vpc:Vpc": "network",
}


class InfrastructureArgs(TypedDict):
    """What is made, and what is used. The URIs and names have to be known, as text."""

    stack: str
    """The name of the stack."""
    type: str
    """The stack's type. One of local, kubernetes, sagemaker."""
    region: str
    """Where everything is, whatever the provider's region."""
    account: NotRequired[str | None]
    """The account's twelve digits; that of the AWS provider, if left out."""
    artifact_store: NotRequired[str | None]
    """The URI that the stack uses, as `s3://bucket/prefix`."""
    container_registry: NotRequired[str | None]
    """The URI that images are pushed to."""
    repository: NotRequired[str | None]
    """The repository of images, where the URI has none. Default: zenml."""
    execution_role: NotRequired[str | None]
    """The ARN of an existing SageMaker role."""
    cluster: NotRequired[str | None]
    """The name of an existing EKS cluster."""
    new_bucket: NotRequired[str | None]
    """The name of the bucket to make."""
    new_repository: NotRequired[str | None]
    """The name of the ECR repository to make."""
    new_role: NotRequired[str | None]
    """The name of the SageMaker role to make."""
    new_cluster: NotRequired[str | None]
    """The name of the EKS cluster to make."""
    subnets: NotRequired[list[str] | None]
    """The subnets of a new cluster, in at least two zones; the default ones, if left out."""
    network: NotRequired[str | None]
    """`create` for a network of its own for a new cluster, with private subnets. It costs money."""
    endpoint_access: NotRequired[list[str] | None]
    """The networks that may reach a new cluster's public endpoint; it has none, if left out."""
    kubernetes_version: NotRequired[str | None]
    """The version of a new cluster, as `1.34`; the newest that EKS offers, if left out."""
    instance_type: NotRequired[str]
    """The nodes of a new cluster. Default: t3.large."""
    namespace: NotRequired[str | None]
    """The namespace whose pods get an identity of their own in a new cluster. Default: default."""
    service_accounts: NotRequired[list[str] | None]
    """Their service accounts. Default: those that ZenML uses unless told otherwise."""
    cluster_access: NotRequired[list[str] | None]
    """The ARNs of roles and users that may work in that namespace of a new cluster."""
    log_retention: NotRequired[int]
    """How many days the logs of a new cluster's control plane stay. Default: 90."""
    deletion_protection: NotRequired[bool | None]
    """Whether AWS refuses to delete a new cluster. Default: false."""
    min_nodes: NotRequired[int]
    """How many nodes there are at least. Default: 1."""
    nodes: NotRequired[int]
    """How many nodes there are to begin with. Default: 2."""
    max_nodes: NotRequired[int]
    """How many nodes there are at most. Default: 3."""
    node_disk: NotRequired[int]
    """The disk of each node, in GiB. Default: 100."""
    kms_key: NotRequired[str | None]
    """The ARN of the KMS key that encrypts the bucket, made or existing. Default: S3's own key."""
    keep_images: NotRequired[int | None]
    """How many images stay in a new repository, those pushed last; all, if left out."""
    keep_versions: NotRequired[int | None]
    """How many days a new bucket keeps what was overwritten or deleted. Default: 30."""
    permissions_boundary: NotRequired[str | None]
    """The ARN of a permissions boundary for all roles."""
    tags: NotRequired[dict[str, str]]
    """Further tags."""
    keep_data: NotRequired[bool]
    """Protect the bucket, and leave it where it is if it goes from the program. Default: true."""
