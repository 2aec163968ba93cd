"""The role of whoever runs `provision`, from what is made and nothing else.

Google's roles are granted on a project where the thing is not there yet; a condition keeps whoever
may change the project's policy to the roles that are given here.
https://cloud.google.com/iam/docs/setting-limits-on-granting-roles
"""

from __future__ import annotations

import re
from typing import Any

from kitaru_iac.checks.kubernetes_api import IN_EVERY_CLUSTER
from kitaru_iac.clouds.gcp.provision.layout import Layout, layout, project_of, repository_in
from kitaru_iac.clouds.gcp.provision.names import is_shared
from kitaru_iac.clouds.gcp.resources import gcp_resources
from kitaru_iac.clouds.wanted import region_of
from kitaru_iac.spec.kinds import StackType
from kitaru_iac.spec.model import StackSpec

__all__ = ["provision_policy"]

#: What `marked` asks before anything goes, whatever the stack is of: it lists what carries the
#: marks, and looks up what would have our names.
_ALWAYS = (
    "artifactregistry.repositories.get artifactregistry.repositories.list "
    "compute.networks.get compute.networks.list container.clusters.get container.clusters.list "
    "iam.serviceAccounts.get iam.serviceAccounts.list "
    "resourcemanager.projects.get serviceusage.services.enable serviceusage.services.get "
    "serviceusage.services.list storage.buckets.get storage.buckets.list"
)
#: What no condition can name a bucket for: it is not there yet.
_NEW_BUCKET = "storage.buckets.create"
_BUCKET = (
    "storage.buckets.delete storage.buckets.get storage.buckets.getIamPolicy "
    "storage.buckets.setIamPolicy storage.buckets.update storage.objects.delete "
    "storage.objects.list"
)
_GRANTS_ON_BUCKET = "storage.buckets.getIamPolicy storage.buckets.setIamPolicy"
_REPOSITORY = (
    "artifactregistry.packages.list artifactregistry.repositories.create "
    "artifactregistry.repositories.delete artifactregistry.repositories.get "
    "artifactregistry.repositories.update"
)
_PULL = "artifactregistry.repositories.getIamPolicy artifactregistry.repositories.setIamPolicy"
_VERTEX = "aiplatform.locations.list resourcemanager.projects.getIamPolicy"
_ACCOUNT = (
    "iam.serviceAccounts.create iam.serviceAccounts.delete iam.serviceAccounts.get "
    "iam.serviceAccounts.update"
)
#: On all accounts of the project, since theirs is not there yet: whoever has it may act as any.
_GRANTS_ON_ACCOUNT = "iam.serviceAccounts.getIamPolicy iam.serviceAccounts.setIamPolicy"
_SUBNET = "compute.subnetworks.get compute.subnetworks.use"
#: https://cloud.google.com/iam/docs/roles-permissions/container and …/compute
_CLUSTER = (
    "container.clusters.create container.clusters.delete container.clusters.get "
    "container.clusters.update container.operations.get container.operations.list "
    f"compute.networks.get {_SUBNET} "
    "iam.serviceAccounts.actAs resourcemanager.projects.getIamPolicy"
)
#: IAM lets into clusters as RBAC does: into all of the project.
_NAMESPACE = "container.namespaces.create container.namespaces.get"
#: https://cloud.google.com/kubernetes-engine/docs/concepts/network-isolation#dns-based_endpoint
_BY_NAME = "container.clusters.connect"
_NETWORK = (
    "compute.globalOperations.get compute.networks.create compute.networks.delete "
    "compute.networks.updatePolicy compute.networks.use compute.regionOperations.get "
    "compute.routers.create compute.routers.delete compute.routers.get compute.routers.update "
    "compute.subnetworks.create compute.subnetworks.delete compute.subnetworks.update"
)
#: Stands in the name of a bucket for the project's number, which nobody asked for.
_NUMBER = "PROJECT_NUMBER"
_PROJECT_POLICY = "resourcemanager.projects.setIamPolicy"
#: Whoever changes it reads it before.
_READ_PROJECT_POLICY = "resourcemanager.projects.getIamPolicy"
#: As the roles of the same things in `roles`, which imports Pulumi.
_GRANTED = ("roles/aiplatform.user", "roles/logging.logWriter")
_GRANTED_TO_AGENT = ("roles/aiplatform.serviceAgent",)
_GRANTED_TO_NODES = ("roles/container.defaultNodeServiceAccount",)
_GRANTED_TO_CONNECTOR = {
    StackType.VERTEX: "roles/aiplatform.user",
    StackType.KUBERNETES: "roles/container.clusterViewer",
}


def provision_policy(spec: StackSpec) -> dict[str, Any]:
    """The custom roles of whoever makes a stack's infrastructure, keeps it up and deletes it.

    Args:
        spec: A description with ``infra: provision``. The project's number is not asked: a bucket
            is named by what stands before it.

    Returns:
        ``roles`` and ``bindings``, as of the other identities. ``members`` is empty: that is
        whoever runs it.

    Raises:
        DescriptionError: It cannot be made as described.
    """
    project, region = project_of(spec), region_of(spec)
    planned = layout(spec, project, _NUMBER, region)
    name = _role(planned, "Project")
    roles = {name: _described(planned, "project", _permissions(planned))}
    thing = f"//cloudresourcemanager.googleapis.com/projects/{project}"
    binding = {"resource": thing, "role": f"projects/{project}/roles/{name}", "members": []}
    bindings: list[dict[str, Any]] = [binding]
    if on_bucket := _on_bucket(spec, planned):
        bucket, permissions = on_bucket
        role = _role(planned, "Bucket")
        roles[role] = _described(planned, "bucket", set(permissions.split()))
        condition = {"title": f"kitaru {planned.stack}: its bucket", "expression": _is(bucket)}
        of_role = {"role": f"projects/{project}/roles/{role}", "members": []}
        bindings.append({"resource": thing, **of_role, "condition": condition})
    granted = [*(_GRANTED if planned.new_workload else ())]
    granted += _GRANTED_TO_AGENT if _asks_for_agent(planned) else ()
    granted += _GRANTED_TO_NODES if planned.new_cluster else ()
    if planned.new_connector and planned.type in _GRANTED_TO_CONNECTOR:
        granted.append(_GRANTED_TO_CONNECTOR[planned.type])
    granted = list(dict.fromkeys(granted))
    if granted:
        policy = _role(planned, "Policy")
        roles[policy] = _described(planned, "project's policy", {_PROJECT_POLICY})
        bindings.append(
            {
                "resource": thing,
                "role": f"projects/{project}/roles/{policy}",
                "members": [],
                "condition": {
                    "title": f"kitaru {planned.stack}: no other roles",
                    "expression": "api.getAttribute('iam.googleapis.com/modifiedGrantsByRole', [])"
                    f".hasOnly({granted!r})",
                },
            }
        )
    for subnet in planned.options.subnets or ():
        if planned.new_cluster and is_shared(subnet, project):
            shared = _role(planned, "Subnetwork")
            roles[shared] = _described(planned, "subnetwork", set(_SUBNET.split()))
            owner = subnet.split("/")[1]
            bindings.append(
                {
                    "resource": f"//compute.googleapis.com/{subnet}",
                    # A project's role is granted in that project alone.
                    "role": f"projects/{owner}/roles/{shared}",
                    "members": [],
                }
            )
    return {"roles": roles, "bindings": bindings}


def _on_bucket(spec: StackSpec, planned: Layout) -> tuple[str, str] | None:
    """The bucket that is made or granted, and what that takes on it; None if none is."""
    if planned.new_bucket:
        return planned.new_bucket, _BUCKET
    named = gcp_resources(spec).bucket
    if named and _makes_account(planned):
        return named, _GRANTS_ON_BUCKET
    return None


def _is(bucket: str) -> str:
    """That a bucket, or an object in it, is what is asked about.

    https://cloud.google.com/iam/docs/conditions-resource-attributes
    """
    before, _, after = bucket.partition(_NUMBER)
    name = f"projects/_/buckets/{before}"
    starts = f"resource.name.startsWith('{name}{'' if after else '/'}')"
    return starts if after else f"resource.name == '{name}' || {starts}"


def _makes_account(planned: Layout) -> bool:
    return bool(planned.new_workload or planned.new_cluster or planned.new_connector)


def _permissions(planned: Layout) -> set[str]:
    words = [_ALWAYS]
    if planned.new_bucket:
        words.append(_NEW_BUCKET)
    if planned.new_repository:
        words.append(_REPOSITORY)
    if planned.type is StackType.VERTEX:
        words.append(_VERTEX)
        if planned.late_agent:
            words.append(_PULL)
    if _makes_account(planned):
        words.append(_ACCOUNT)
    if planned.new_connector and planned.type in _GRANTED_TO_CONNECTOR:
        words.append(_READ_PROJECT_POLICY)
    if planned.new_connector or (planned.new_workload and planned.submitter):
        words.append(_GRANTS_ON_ACCOUNT)
    images = repository_in(planned.project, planned.container_registry)
    if planned.new_connector and images:
        words.append(_PULL)
    if planned.new_cluster:
        words += _of_cluster(planned)
        if images:
            words.append(_PULL)
    return {word for line in words for word in line.split()}


def _of_cluster(planned: Layout) -> list[str]:
    words = [_CLUSTER]
    if planned.options.subnets is None:
        words.append(_NETWORK)
    if planned.namespace not in IN_EVERY_CLUSTER:
        words.append(_NAMESPACE)
        if planned.options.dns_endpoint:
            words.append(_BY_NAME)
    return words


def _asks_for_agent(planned: Layout) -> bool:
    """Whether Vertex's first agent is asked for, and given its role."""
    where = repository_in(planned.project, planned.container_registry)
    return planned.type is StackType.VERTEX and where is not None


def _described(planned: Layout, what: str, permissions: set[str]) -> dict[str, Any]:
    return {
        "title": f"kitaru {planned.stack}: provision, {what}",
        "stage": "GA",
        "includedPermissions": sorted(permissions),
    }


def _role(planned: Layout, end: str) -> str:
    """The id of a custom role: letters, digits, ``_`` and ``.``, at most 64."""
    words = (part.capitalize() for part in re.split(r"[^A-Za-z0-9]+", planned.stack) if part)
    tail = f"Provision{end}"
    return "kitaru" + "".join(words)[: 64 - 6 - len(tail)] + tail
