"""Who may do what: the account that steps run as, and members of policies.

A member is added to a role, and nothing that others granted is touched. The roles are Google's own:
a custom role's name stays taken for weeks after it was deleted
(https://cloud.google.com/iam/docs/creating-custom-roles#deleting-custom-role).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pulumi
from pulumi_gcp import artifactregistry, projects, serviceaccount, storage

from kitaru_iac.clouds.gcp.provision.connector import role_of
from kitaru_iac.clouds.gcp.provision.labels import described
from kitaru_iac.clouds.gcp.resources import RepositoryName
from kitaru_iac.clouds.names import slug
from kitaru_iac.spec.kinds import StackType

__all__ = [
    "ACT_AS",
    "OF_AGENT",
    "OF_BUCKET",
    "OF_CONNECTOR",
    "OF_IMAGES",
    "OF_NODES",
    "OF_PROJECT",
    "OF_REPOSITORY",
    "acts",
    "agent",
    "connector",
    "nodes",
    "pulls",
    "pushes",
    "stores",
    "workload",
]

#: Reads and writes objects; finds the bucket, which the former does not include.
#: https://cloud.google.com/storage/docs/access-control/iam-roles
OF_BUCKET = {"objects": "roles/storage.objectUser", "bucket": "roles/storage.legacyBucketReader"}
#: Starts the steps of a run, and writes their logs.
#: https://cloud.google.com/vertex-ai/docs/general/access-control
OF_PROJECT = {"jobs": "roles/aiplatform.user", "logs": "roles/logging.logWriter"}
OF_REPOSITORY = "roles/artifactregistry.reader"
#: What the nodes of a cluster need on the project: logs, metrics, and no more.
#: https://cloud.google.com/kubernetes-engine/docs/how-to/service-accounts
OF_NODES = "roles/container.defaultNodeServiceAccount"
#: What Vertex's first agent works with. Google gives it to one that Vertex's first use makes, and
#: to none that somebody has asked for. https://cloud.google.com/iam/docs/create-service-agents
OF_AGENT = "roles/aiplatform.serviceAgent"
ACT_AS = "roles/iam.serviceAccountUser"
#: Pulls and pushes images. https://cloud.google.com/artifact-registry/docs/access-control
OF_IMAGES = "roles/artifactregistry.writer"
#: Submits runs; finds the cluster, in which RBAC says what it may.
#: https://cloud.google.com/kubernetes-engine/docs/how-to/iam
OF_CONNECTOR = {
    StackType.VERTEX: "roles/aiplatform.user",
    StackType.KUBERNETES: "roles/container.clusterViewer",
}


def workload(
    prefix: str,
    id: str,
    *,
    stack: str,
    project: str,
    region: str,
    marks: Mapping[str, str],
    parent: pulumi.Resource,
    after: Iterable[pulumi.Resource],
    submitter: str | None = None,
) -> serviceaccount.Account:
    """The account that steps run as on Vertex, with its roles on the project; it has no keys.

    Args:
        prefix: Of the Pulumi names.
        id: What stands before the ``@``.
        stack: Whose it is.
        project: Where it is.
        region: For which region it is.
        marks: Whose it is, in its description.
        parent: The component.
        after: What has to be there before.
        submitter: Who may hand it to Vertex, as IAM names them.
    """
    made = serviceaccount.Account(
        f"{prefix}-workload",
        account_id=id,
        project=project,
        display_name=f"Steps of Kitaru stack {stack}"[:100],
        description=described(marks, region),
        opts=pulumi.ResourceOptions(parent=parent, depends_on=list(after)),
    )
    of_it = pulumi.ResourceOptions(parent=made)
    for use, role in OF_PROJECT.items():
        projects.IAMMember(
            f"{prefix}-workload-{use}", project=project, role=role, member=made.member, opts=of_it
        )
    if submitter is not None:
        acts(prefix, made.name, submitter, parent=made)
    return made


def acts(
    prefix: str,
    account: pulumi.Input[str],
    member: pulumi.Input[str],
    *,
    parent: pulumi.Resource,
) -> None:
    """Let somebody hand an account (``projects/P/serviceAccounts/EMAIL``) to Vertex."""
    serviceaccount.IAMMember(
        f"{prefix}-workload-submitter",
        service_account_id=account,
        role=ACT_AS,
        member=member,
        opts=pulumi.ResourceOptions(parent=parent),
    )


def connector(
    prefix: str,
    id: str,
    *,
    stack: str,
    type: StackType,
    project: str,
    region: str,
    marks: Mapping[str, str],
    parent: pulumi.Resource,
    after: Iterable[pulumi.Resource],
    impersonators: Iterable[str],
) -> serviceaccount.Account:
    """The account that the connector becomes, with its role on the project; it has no keys.

    Args: as of `workload`, with the stack's ``type``, and the ``impersonators`` who may become it,
    as IAM names them.
    """
    made = serviceaccount.Account(
        f"{prefix}-connector",
        account_id=id,
        project=project,
        display_name=f"Connector of Kitaru stack {stack}"[:100],
        description=described(marks, region),
        opts=pulumi.ResourceOptions(parent=parent, depends_on=list(after)),
    )
    of_it = pulumi.ResourceOptions(parent=made)
    if type in OF_CONNECTOR:
        projects.IAMMember(
            f"{prefix}-connector-project",
            project=project,
            role=OF_CONNECTOR[type],
            member=made.member,
            opts=of_it,
        )
    for member in impersonators:
        serviceaccount.IAMMember(
            f"{prefix}-impersonator-{slug(member, 40)}",
            service_account_id=made.name,
            role=role_of(member),
            member=member,
            opts=of_it,
        )
    return made


def pushes(
    prefix: str,
    repository: RepositoryName,
    member: pulumi.Input[str],
    *,
    parent: pulumi.Resource,
    after: Iterable[pulumi.Resource],
) -> None:
    """Let the connector pull and push the images of a repository."""
    artifactregistry.RepositoryIamMember(
        f"{prefix}-connector-images",
        project=repository.project,
        location=repository.location,
        repository=repository.id,
        role=OF_IMAGES,
        member=member,
        opts=pulumi.ResourceOptions(parent=parent, depends_on=list(after)),
    )


def nodes(
    prefix: str,
    id: str,
    *,
    stack: str,
    project: str,
    region: str,
    marks: Mapping[str, str],
    parent: pulumi.Resource,
    after: Iterable[pulumi.Resource],
) -> tuple[serviceaccount.Account, pulumi.Resource]:
    """The account of a cluster's nodes, and its role on the project; the former has no keys.

    Args: as of `workload`.
    """
    made = serviceaccount.Account(
        f"{prefix}-nodes",
        account_id=id,
        project=project,
        display_name=f"Nodes of Kitaru stack {stack}"[:100],
        description=described(marks, region),
        opts=pulumi.ResourceOptions(parent=parent, depends_on=list(after)),
    )
    role = projects.IAMMember(
        f"{prefix}-nodes-role",
        project=project,
        role=OF_NODES,
        member=made.member,
        opts=pulumi.ResourceOptions(parent=made),
    )
    return made, role


def agent(
    prefix: str,
    member: str,
    *,
    project: str,
    parent: pulumi.Resource,
    after: Iterable[pulumi.Resource],
) -> None:
    """Give Vertex's first agent its role on the project, which it keeps: others go by it too."""
    projects.IAMMember(
        f"{prefix}-agent-role",
        project=project,
        role=OF_AGENT,
        member=member,
        opts=pulumi.ResourceOptions(parent=parent, depends_on=list(after), retain_on_delete=True),
    )


def stores(
    prefix: str,
    bucket: pulumi.Input[str],
    member: pulumi.Input[str],
    *,
    parent: pulumi.Resource,
    use: str = "workload",
) -> None:
    """Let somebody read and write what a bucket holds; ``use`` stands in the Pulumi names."""
    for what, role in OF_BUCKET.items():
        storage.BucketIAMMember(
            f"{prefix}-{use}-{what}",
            bucket=bucket,
            role=role,
            member=member,
            opts=pulumi.ResourceOptions(parent=parent),
        )


def pulls(
    prefix: str,
    use: str,
    repository: RepositoryName,
    member: pulumi.Input[str],
    *,
    parent: pulumi.Resource,
    after: Iterable[pulumi.Resource],
    shared: bool = True,
) -> pulumi.Resource:
    """Let somebody pull from a repository; ``use`` stands in the Pulumi name.

    Google's agents are the project's, and a repository that exists serves others too: there is one
    grant for all of them, whoever made it, so it is never taken away. Of a repository that is made
    it goes with it. What is not ``shared``, as the account of our own nodes, loses it.
    """
    return artifactregistry.RepositoryIamMember(
        f"{prefix}-{use}-pull",
        project=repository.project,
        location=repository.location,
        repository=repository.id,
        role=OF_REPOSITORY,
        member=member,
        opts=pulumi.ResourceOptions(parent=parent, depends_on=list(after), retain_on_delete=shared),
    )
