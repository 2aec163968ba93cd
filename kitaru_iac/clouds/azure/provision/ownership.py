"""What exists in Azure under the names of a deployment, and whether it is the deployment's own.

It is where it is in the subscription that we work in *and* carries the deployment's marks, tags
that whatever we make has from its first moment on. Nothing else is taken over, changed or deleted.

Some names are taken although nothing is there: those that the world shares, by somebody else's
thing in another subscription or group, and those of what was deleted and can still be recovered.
https://learn.microsoft.com/azure/key-vault/general/soft-delete-overview,
https://learn.microsoft.com/azure/machine-learning/concept-soft-delete
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kitaru_iac.checks.probes import NoCredentials, NotFound, ProbeError
from kitaru_iac.clouds.azure.commands import az
from kitaru_iac.clouds.azure.observations import Raw, flag, known_text, text, within
from kitaru_iac.clouds.azure.provision import grants, names
from kitaru_iac.clouds.azure.provision.grants import Scope, Use
from kitaru_iac.clouds.azure.provision.kinds import (
    ACCOUNT,
    ASSIGNMENT,
    CLUSTER,
    CONTAINER,
    FEDERATION,
    GROUP,
    IDENTITY,
    INSIGHTS,
    KINDS,
    LIFECYCLE,
    LOGS,
    REGISTRY,
    VAULT,
    WORKSPACE,
)
from kitaru_iac.clouds.azure.provision.layout import Layout
from kitaru_iac.clouds.azure.resources import location_of
from kitaru_iac.clouds.azure.session import AzureAccess
from kitaru_iac.clouds.owned import lacking
from kitaru_iac.clouds.provider import Claim, Inputs, Sighting

__all__ = ["NAME", "claims", "sight", "tags_of"]

#: A name that may be taken although nothing is there; its inputs have the resource's type beside.
NAME = "kitaru:azure:name"

#: Where it is asked whether a name is free, by type.
_FREE = {
    ACCOUNT: ("Microsoft.Storage", "Microsoft.Storage/storageAccounts", "2023-05-01"),
    REGISTRY: ("Microsoft.ContainerRegistry", "Microsoft.ContainerRegistry/registries",
               "2023-07-01"),
    VAULT: ("Microsoft.KeyVault", "Microsoft.KeyVault/vaults", "2023-07-01"),
}  # fmt: skip
_AUTHORIZATION = "2022-04-01"
#: Parts that are not there with what they are of: of what, where, the input with the name, a noun.
_PARTS = {
    CONTAINER: (ACCOUNT, "blobServices/default/containers", "containerName", "container"),
    LIFECYCLE: (ACCOUNT, "managementPolicies", "managementPolicyName", "lifecycle policy"),
    FEDERATION: (
        *(IDENTITY, "federatedIdentityCredentials"),
        *("federatedIdentityCredentialResourceName", "federated credential"),
    ),
}


def sight(
    access: AzureAccess,
    subscription: str,
    type: str,
    inputs: Inputs,
    marks: Mapping[str, str],
    region: str | None = None,
) -> Sighting | None:
    """Look up what Azure has under the name of a resource; None if there is nothing.

    Args:
        access: Asks.
        subscription: The one that we work in.
        type: The resource's type in Pulumi, or `NAME`. Those that are not known here are settings
            of another resource, and not looked up: they go with it.
        inputs: Its inputs, of which the name counts.
        marks: The tags that say it is the deployment's.
        region: The deployment's. Names of Azure have no region in them, and what is taken into a
            state from another one would be replaced: deleted, and made anew. None for any.

    Raises:
        ProbeError: It cannot be told, because Azure refuses or does not answer.
    """
    if type == NAME:
        return _name(access, subscription, inputs)
    if type == ASSIGNMENT:
        return _assignment(access, inputs)
    if type in _PARTS:
        return _part(access, subscription, type, inputs, marks, region)
    kind = KINDS.get(type)
    if kind is None or not _is_named(inputs, "resourceGroupName", kind.name):
        return None
    path = kind.id_of(subscription, inputs)
    name = f"{kind.noun} {inputs[kind.name]}"
    try:
        found = access.resource(path, kind.version, about=f"the {name}")
    except NotFound:
        return None
    if type == WORKSPACE and text(found, "properties", "provisioningState") == "SoftDeleted":
        return None  # gone, and its name is not free: that is told of the name
    strange, where = lacking(tags_of(found), marks), text(found, "location")
    if strange is None and region and where and location_of(where) != location_of(region):
        strange = f"it is in {location_of(where)}"
    return Sighting(path, name, strange)


def tags_of(found: Raw) -> dict[str, str]:
    """Give the tags of a resource; Azure does not tell upper from lower case in their names."""
    tags = within(found, "tags")
    return {str(k).lower(): str(v) for k, v in tags.items()} if isinstance(tags, Mapping) else {}


def claims(layout: Layout) -> tuple[Claim, ...]:
    """Give the names that a layout takes, of everything that is not a setting of something else."""
    named = {
        ACCOUNT: layout.new_account,
        REGISTRY: layout.new_registry,
        IDENTITY: layout.new_identity,
        VAULT: layout.new_vault,
        LOGS: layout.new_insights,
        INSIGHTS: layout.new_insights,
        WORKSPACE: layout.new_workspace,
        CLUSTER: layout.new_cluster,
    }
    group = {"resourceGroupName": layout.resource_group}
    found = [Claim(GROUP, group)] if layout.new_group else []
    for token, name in named.items():
        if name is None:
            continue
        inputs = {**group, KINDS[token].name: name}
        found.append(Claim(token, inputs))
        if token in {*_FREE, WORKSPACE}:
            found.append(Claim(NAME, {**inputs, "type": token, "location": layout.region}))
    if layout.new_cluster:
        of_nodes = {"resourceGroupName": layout.node_group, "managedBy": layout.new_cluster}
        found += [
            *(Claim(IDENTITY, {**group, KINDS[IDENTITY].name: name}) for name in _uses(layout)),
            Claim(NAME, {**of_nodes, "type": GROUP, "of": layout.resource_group}),
        ]
    return (*found, *_assignments(layout))


def _uses(layout: Layout) -> Iterator[str]:
    """The names of the identities of a new cluster."""
    return (names.identity_name(layout.stack, use) for use in Use)


def _assignments(layout: Layout) -> Iterator[Claim]:
    """The names of the roles on what exists already: Azure leaves them there without an identity.

    One of an identity that is gone has the name that its successor's would get; Azure refuses to
    change whose it is (RoleAssignmentUpdateNotPermitted), with half of the stack made by then.
    """
    existing = {Scope.STORE: layout.known.store_id, Scope.IMAGES: layout.known.images_id}
    for identity, principal, granted in _granted_elsewhere(layout):
        named = {"resourceGroupName": layout.resource_group, "resourceName": identity}
        who = KINDS[IDENTITY].id_of(layout.subscription, named)
        for grant in granted:
            scope = existing.get(grant.scope)
            if scope is not None:
                name = names.assignment_name(scope, grant.role.value, who)
                yield Claim(
                    ASSIGNMENT,
                    {"scope": scope, "roleAssignmentName": name, "principalId": principal or ""},
                )


def _granted_elsewhere(
    layout: Layout,
) -> Iterator[tuple[str | None, str | None, tuple[grants.Grant, ...]]]:
    """The name, the object id and the grants of each identity that is let at what exists."""
    known = layout.known
    store, images = known.store_id is not None, known.images_id is not None
    if layout.new_cluster:
        wanted = grants.for_cluster(
            account=False, registry=False, store=store, images=images, abac=known.images_abac
        )
        for use, granted in wanted.items():
            yield names.identity_name(layout.stack, use), known.principals.get(use), granted
    elif layout.new_workspace:
        granted = grants.for_identity(
            registry=False, store=store, images=images, abac=known.images_abac
        )
        yield layout.new_identity, known.principal, granted


# -- names without a thing -------------------------------------------------------------------------


def _name(access: AzureAccess, subscription: str, inputs: Inputs) -> Sighting | None:
    """A name that is taken, where nothing in our group has it: that is told of the thing itself."""
    token = str(inputs["type"])
    if token == GROUP:
        return _node_group(access, subscription, inputs)
    kind = KINDS[token]
    path, name = kind.id_of(subscription, inputs), str(inputs[kind.name])
    try:
        found = access.resource(path, kind.version, about=f"the {kind.noun} {name}")
        if token != WORKSPACE or text(found, "properties", "provisioningState") != "SoftDeleted":
            return None
        return _deleted_workspace(path, subscription, inputs)
    except NotFound:
        pass
    if token == WORKSPACE:
        is_deleted = _is_among_deleted(access, subscription, inputs)
        return _deleted_workspace(path, subscription, inputs) if is_deleted else None
    if token == VAULT:
        deleted = _deleted_vault(access, subscription, name, str(inputs["location"]))
        if deleted is not None:
            return Sighting(path, f"key vault {name}", deleted)
    namespace, arm, version = _FREE[token]
    answer = access.question(
        f"/subscriptions/{subscription}/providers/{namespace}/checkNameAvailability",
        version,
        {"name": name, "type": arm},
        about=f"whether the name {name} is free",
    )
    if flag(answer, "nameAvailable") is True:
        return None
    why = text(answer, "message") or text(answer, "reason") or "Azure does not say why"
    return Sighting(
        path,
        f"{kind.noun} {name}",
        f"the name is not free, and nothing in this group has it: names are the world's ({why})",
    )


def _node_group(access: AzureAccess, subscription: str, inputs: Inputs) -> Sighting | None:
    """The group that AKS makes for a cluster's nodes, where it is not that cluster's."""
    kind, name = KINDS[GROUP], str(inputs["resourceGroupName"])
    path = kind.id_of(subscription, inputs)
    try:
        found = access.get(path, kind.version, about=f"the {kind.noun} {name}")
    except NotFound:
        return None
    named = {"resourceGroupName": inputs["of"], KINDS[CLUSTER].name: inputs["managedBy"]}
    cluster = KINDS[CLUSTER].id_of(subscription, named)
    if (text(found, "managedBy") or "").lower() == cluster.lower():
        return None
    return Sighting(
        path,
        f"{kind.noun} {name}",
        "AKS makes the group of the nodes itself, and refuses one that is there; if a cluster that "
        f"was deleted has left it: `{az('group', 'delete', name=name, subscription=subscription)}`",
    )


def _deleted_vault(access: AzureAccess, subscription: str, name: str, region: str) -> str | None:
    """Why a vault's name is kept, with both ways out; None if it is not.

    Its name has no region in it, and it is kept in the region where the vault was.
    https://learn.microsoft.com/rest/api/keyvault/keyvault/vaults/list-deleted
    """
    listed = access.list(
        f"/subscriptions/{subscription}/providers/Microsoft.KeyVault/deletedVaults",
        KINDS[VAULT].version,
        about="the deleted key vaults",
    )
    of_name = (one for one in listed if known_text(one, "name").lower() == name.lower())
    found = next(of_name, None)
    if found is None:
        return None
    until = text(found, "properties", "scheduledPurgeDate")
    location = location_of(text(found, "properties", "location") or region)
    here = location_of(region)
    is_here = location == here
    recover = az("keyvault", "recover", name=name, location=location, subscription=subscription)
    run = (
        "run this with --take-back"
        if is_here
        else f"run this in {location} with --take-back, which takes a stack that has nothing in "
        f"{here} yet"
    )
    kept = f"it was deleted{'' if is_here else f' in {location}'}, and keeps its name until {until}"
    back = f"Bring it back with `{recover}`, and {run}"
    if flag(found, "properties", "purgeProtectionEnabled") is True:
        other = "" if is_here else "; or give the stack another name"
        return f"{kept}, protected from purging. {back}{other}."
    purge = az("keyvault", "purge", name=name, location=location, subscription=subscription)
    return f"{kept}. {back}; or delete it for good: `{purge}`."


def _is_among_deleted(access: AzureAccess, subscription: str, inputs: Inputs) -> bool:
    """Whether a workspace is listed as deleted.

    The listing is not documented, and not offered in every subscription: where it does not answer,
    nothing is concluded, and Azure refuses to make the workspace when its turn comes.
    """
    try:
        found = access.list(
            f"/subscriptions/{subscription}/providers/Microsoft.MachineLearningServices"
            "/deletedWorkspaces",
            KINDS[WORKSPACE].version,
            about="the deleted workspaces",
        )
    except NoCredentials:
        raise
    except ProbeError:
        return False
    name, group = str(inputs["workspaceName"]), str(inputs["resourceGroupName"])
    return any(
        known_text(one, "name").lower() == name.lower()
        and f"/resourcegroups/{group.lower()}/" in f"{text(one, 'id') or ''}/".lower()
        for one in found
    )


def _deleted_workspace(id: str, subscription: str, inputs: Inputs) -> Sighting:
    name, group = str(inputs["workspaceName"]), str(inputs["resourceGroupName"])
    purge = az("ml", "workspace", "delete", name=name, resource_group=group,
               permanently_delete=True, subscription=subscription)  # fmt: skip
    return Sighting(
        id,
        f"AzureML workspace {name}",
        "it was deleted, and keeps its name for 14 days. Recover it in the portal (Azure Machine "
        "Learning, Recently deleted), and run this with --take-back; or delete it for good: "
        f"`{purge}`; or give another name, with `resources: {{workspace: create}}`.",
    )


# -- parts without tags ----------------------------------------------------------------------------


def _part(
    access: AzureAccess,
    subscription: str,
    type: str,
    inputs: Inputs,
    marks: Mapping[str, str],
    region: str | None,
) -> Sighting | None:
    """A part of a storage account or an identity is whose that is."""
    of, below, key, noun = _PARTS[type]
    whole = sight(access, subscription, of, inputs, marks, region)
    if whole is None or not _is_named(inputs, key):
        return None
    name = str(inputs[key])
    path = f"{whole.id}/{below}/{name}"
    try:
        access.get(path, KINDS[of].version, about=f"the {noun} {name}")
    except NotFound:
        return None
    return Sighting(path, f"{noun} {name}", whole.foreign)


def _assignment(access: AzureAccess, inputs: Inputs) -> Sighting | None:
    """A role assignment is ours where it gives our identity the role, under the name that we give.

    While the principal is not made, there is nothing to look up.
    """
    if not _is_named(inputs, "roleAssignmentName", "scope", "principalId"):
        return None
    name, scope = str(inputs["roleAssignmentName"]), str(inputs["scope"])
    path = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name}"
    try:
        found = access.get(path, _AUTHORIZATION, about=f"the role assignment {name}")
    except NotFound:
        return None
    whose = known_text(found, "properties", "principalId")
    is_ours = whose.lower() == str(inputs["principalId"]).lower()
    remove = az("role", "assignment", "delete", ids=path)
    foreign = (
        None
        if is_ours
        else f"it is of the principal {whose}, as a deleted identity leaves it: `{remove}`"
    )
    return Sighting(path, f"role assignment {name}", foreign)


def _is_named(inputs: Inputs, *keys: str) -> bool:
    """Whether all that names it is known: in a plan some of it may follow from what is made."""
    return all(isinstance(inputs.get(key), str) for key in keys)
