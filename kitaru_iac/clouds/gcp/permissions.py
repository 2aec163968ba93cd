"""Custom roles, bindings and rules of clusters from the table, exact for one description.

`permission_table` is the table and says where its lines come from. A role of its own for each kind
of thing, bound on that thing alone: what may be done to a bucket is granted on this bucket.
https://cloud.google.com/iam/docs/creating-custom-roles
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from kitaru_iac.checks.cluster_rights import rules_of
from kitaru_iac.checks.commands import note
from kitaru_iac.checks.permissions import Identity
from kitaru_iac.checks.probes import Denied
from kitaru_iac.clouds.gcp.commands import bind, gcloud
from kitaru_iac.clouds.gcp.permission_table import (
    PERMISSIONS,
    SECRETS,
    GcpPermission,
    Resource,
    When,
)
from kitaru_iac.clouds.gcp.resources import GcpResources, gcp_resources, project_of_account
from kitaru_iac.patterns import compiled
from kitaru_iac.spec.kinds import StackType
from kitaru_iac.spec.model import BaseSpec

__all__ = [
    "let_look",
    "needed",
    "own_role",
    "permissions_for",
    "pod_member",
    "policies",
    "role_id",
    "trusts",
    "vertex_agents",
]

#: The project of a full name, as ``projects/PROJECT/locations/…``.
_IN_PROJECT = compiled(r"(?:^| )projects/([^/\s]+)/")


def permissions_for(resources: GcpResources, identity: Identity) -> tuple[GcpPermission, ...]:
    """The lines of the table that apply to this stack."""
    present = {
        Resource.BUCKET: resources.bucket is not None,
        Resource.REPOSITORY: resources.repository is not None,
        Resource.REPOSITORY_PROJECT: resources.repository is not None
        and resources.repository.project != resources.project,
        Resource.PROJECT: resources.project is not None,
        Resource.WORKLOAD: resources.workload is not None,
        Resource.CLUSTER: resources.project is not None,
    }
    return tuple(
        row
        for row in PERMISSIONS
        if row.identity is identity
        and resources.type in row.types
        and present[row.resource]
        and (row.when is not When.WORKLOAD or resources.workload is not None)
        and (row.when is not When.FOREIGN or resources.foreign is not None)
        and (row.when is not When.NAMED or resources.named_account is not None)
    )


def needed(resources: GcpResources, identity: Identity, resource: Resource) -> tuple[str, ...]:
    """The permissions that an identity needs on one kind of thing, each once."""
    rows = permissions_for(resources, identity)
    return tuple(dict.fromkeys(row.action for row in rows if row.resource is resource))


def let_look(error: Denied, member: str | None, r: GcpResources) -> str:
    """The command that lets whoever was refused look, where it is known who that is and where."""
    project = _project_of(error, r)
    if member is None or project is None or error.permission is None:
        who = gcloud("auth", "list")
        return note(who, f"and grant it {error.permission or 'the right to look'}")
    role = _role_id(r.stack, "Look")
    # All that the checks read in this project, not one refusal after the other: but not what
    # opens the secrets of all its clusters, which the cluster itself may let one look at.
    every = {row.action for row in permissions_for(r, Identity.VERIFY)} - {SECRETS}
    every.add(error.permission)
    return _with_own_role(role, project, every, member)


def own_role(r: GcpResources, identity: Identity, resource: Resource, member: str) -> str:
    """The command for a role of just what an identity needs, in the stack's project.

    It is the role that `policies` prints.
    """
    some = needed(r, identity, resource)
    return _with_own_role(role_id(r.stack, identity, resource), str(r.project), some, member)


def _with_own_role(role: str, project: str, permissions: Collection[str], member: str) -> str:
    some = ",".join(sorted(permissions))
    make = gcloud("iam", "roles", "create", role, project=project, permissions=some)
    # An earlier refusal may have made it. `||` and `&&` bind alike, from the left.
    add = gcloud("iam", "roles", "update", role, project=project, add_permissions=some)
    role = f"projects/{project}/roles/{role}"
    return f"{make} || {add} && {bind('projects', project, member=member, role=role)}"


def _project_of(error: Denied, r: GcpResources) -> str | None:
    """Where looking has to be granted: what is asked about may be another project's."""
    about = str(error.resource)
    named = _IN_PROJECT.search(about)
    if named:
        return named[1]
    if about.startswith("the role "):
        return None  # Google's own, or an organization's
    last = about.rpartition(" ")[2]
    if about.endswith(f"project {last}"):
        return last
    if last.endswith(".gserviceaccount.com"):
        return project_of_account(last) or r.project
    return r.project


def policies(spec: BaseSpec) -> dict[str, dict[str, Any]]:
    """The roles and bindings of every identity that the stack has, by its name.

    Returns:
        For each identity ``roles``, which are IAM's custom roles as ``gcloud iam roles create
        --file`` takes them under their ids, and ``bindings``: on which thing each is granted, to
        whom. ``members`` is empty where the description does not tell who that is. On GKE the
        connector also has ``cluster``: the objects of RBAC that let it work in the namespace.
    """
    resources = gcp_resources(spec)
    made = {identity.value: _document(resources, identity) for identity in Identity}
    if resources.type is StackType.KUBERNETES:
        made[Identity.CONNECTOR.value]["cluster"] = _cluster_rules(resources)
    return {name: document for name, document in made.items() if document["roles"]}


def trusts(spec: BaseSpec) -> dict[str, dict[str, Any]]:
    """Who may become each service account that the stack has, as the account's own IAM policy.

    The runtime of Vertex is named by the connector, which acts as it; that of GKE by pods of this
    namespace, through Workload Identity. No description tells the subject of a pool's tokens:
    it is to be filled in, since the whole pool is everybody whom its provider lets in.
    """
    r = gcp_resources(spec)
    found: dict[str, dict[str, Any]] = {}
    if r.connector is not None and r.pool is not None:
        member = f"principal://iam.googleapis.com/{r.pool}/subject/<subject>"
        found[Identity.CONNECTOR.value] = _trust(
            r.connector, "roles/iam.workloadIdentityUser", [member]
        )
    elif r.connector is not None and r.impersonates:
        found[Identity.CONNECTOR.value] = _trust(
            r.connector, "roles/iam.serviceAccountTokenCreator", _source(spec)
        )
    if r.workload is not None:
        connector = [f"serviceAccount:{r.connector}"] if r.connector else []
        found[Identity.RUNTIME.value] = _trust(
            r.workload, "roles/iam.serviceAccountUser", connector
        )
    return found


def vertex_agents(number: str) -> tuple[str, str]:
    """The members that pull images for Vertex in a project of this number.

    https://cloud.google.com/iam/docs/service-agents
    """
    return (
        f"serviceAccount:service-{number}@gcp-sa-aiplatform.iam.gserviceaccount.com",
        f"serviceAccount:service-{number}@gcp-sa-aiplatform-cc.iam.gserviceaccount.com",
    )


def pod_member(r: GcpResources, number: str, account: str) -> str:
    """Pods of this stack as a principal of IAM: the project's number in front, its id behind.

    https://cloud.google.com/kubernetes-engine/docs/concepts/workload-identity
    """
    return (
        f"principal://iam.googleapis.com/projects/{number}/locations/global/workloadIdentityPools/"
        f"{r.project}.svc.id.goog/subject/ns/{r.namespace}/sa/{account}"
    )


def _document(r: GcpResources, identity: Identity) -> dict[str, Any]:
    roles: dict[str, Any] = {}
    bindings: list[dict[str, Any]] = []
    for resource in Resource:
        permissions = needed(r, identity, resource)
        if not permissions:
            continue
        name = role_id(r.stack, identity, resource)
        roles[name] = {
            "title": f"kitaru {r.stack}: {identity.value}, {resource.value.lower()}",
            "stage": "GA",
            "includedPermissions": sorted(permissions),
        }
        bindings.append(
            {
                "resource": thing(r, resource),
                "role": f"projects/{_home(r, resource)}/roles/{name}",
                "members": members(r, identity),
            }
        )
    return {"roles": roles, "bindings": bindings}


def role_id(stack: str, identity: Identity, resource: Resource) -> str:
    """The id of a custom role: letters, digits, ``_`` and ``.``, at most 64."""
    return _role_id(stack, identity.value.capitalize() + resource.value)


def _role_id(stack: str, tail: str) -> str:
    words = (part.capitalize() for part in re.split(r"[^A-Za-z0-9]+", stack) if part)
    return "kitaru" + "".join(words)[: 64 - 6 - len(tail)] + tail


def thing(r: GcpResources, resource: Resource) -> str:
    """The full name of what a permission is about, as IAM knows it."""
    match resource:
        case Resource.BUCKET:
            return f"//storage.googleapis.com/projects/_/buckets/{r.bucket}"
        case Resource.REPOSITORY:
            return f"//artifactregistry.googleapis.com/{r.repository}"
        case Resource.WORKLOAD:
            return f"//iam.googleapis.com/projects/-/serviceAccounts/{r.workload}"
        case Resource.REPOSITORY_PROJECT:
            assert r.repository is not None
            return f"//cloudresourcemanager.googleapis.com/projects/{r.repository.project}"
    return f"//cloudresourcemanager.googleapis.com/projects/{r.project}"


def members(r: GcpResources, identity: Identity) -> list[str]:
    """Who an identity is, as far as the description tells. Whoever verifies is nobody in it."""
    if identity is Identity.CONNECTOR and r.connector:
        return [f"serviceAccount:{r.connector}"]
    if identity is Identity.RUNTIME and r.workload:
        return [f"serviceAccount:{r.workload}"]
    return []


def _home(r: GcpResources, resource: Resource) -> str:
    """The project whose custom role it is: a role of a project is granted in that one alone."""
    if resource in {Resource.REPOSITORY, Resource.REPOSITORY_PROJECT} and r.repository is not None:
        return r.repository.project
    if resource is Resource.WORKLOAD and r.workload is not None:
        home = project_of_account(r.workload)
        if home is not None and not home.isdecimal():  # a number is not what roles are called by
            return home
    return r.project or "PROJECT"


def _trust(account: str, role: str, who: list[str]) -> dict[str, Any]:
    return {
        "resource": f"//iam.googleapis.com/projects/-/serviceAccounts/{account}",
        "bindings": [{"role": role, "members": who}],
    }


def _source(spec: BaseSpec) -> list[str]:
    email = spec.credentials.values.get("client_email") if spec.credentials else None
    return [f"serviceAccount:{email}"] if email else []


def _cluster_rules(r: GcpResources) -> dict[str, Any]:
    name = f"kitaru-{r.stack}"
    subject = {"kind": "User", "name": r.connector, "apiGroup": "rbac.authorization.k8s.io"}
    api = "rbac.authorization.k8s.io"
    return {
        "role": {
            "apiVersion": f"{api}/v1",
            "kind": "Role",
            "metadata": {"name": name, "namespace": r.namespace},
            "rules": rules_of(r.rights),
        },
        "binding": {
            "apiVersion": f"{api}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": name, "namespace": r.namespace},
            "roleRef": {"apiGroup": api, "kind": "Role", "name": name},
            "subjects": [subject] if r.connector else [],
        },
    }
