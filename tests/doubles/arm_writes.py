"""What Resource Manager on loopback makes, changes and deletes, and what is asked before.

It behaves as Azure does where it hurts: whether one may is decided before it looks whether a thing
exists; names of the world may be a stranger's; vaults and workspaces are kept after they are
deleted, with their names; a role for an identity that is a moment old is refused unless its kind is
said; a workspace is not made while its identity may not use what it stands on, and a cluster
not while its control plane may not hand its nodes their identity.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from tests.doubles.blob import BLOB_SUFFIX, REGISTRY_SUFFIX
from tests.doubles.web import Request, Response, json_response

if TYPE_CHECKING:
    from tests.doubles.arm import ResourceManager

_TYPES = {
    "microsoft.storage/storageaccounts": "Microsoft.Storage/storageAccounts",
    "microsoft.containerregistry/registries": "Microsoft.ContainerRegistry/registries",
    "microsoft.keyvault/vaults": "Microsoft.KeyVault/vaults",
}
_WORKSPACES = "microsoft.machinelearningservices/workspaces"
_IDENTITIES = "microsoft.managedidentity/userassignedidentities"
_ASSIGNMENTS = "microsoft.authorization/roleassignments"
_CLUSTERS = "microsoft.containerservice/managedclusters"
_OPERATOR = "f1a07417-d97a-45cb-824c-7a7467783830"
_CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c"


class Writes:
    """Writes to one `ResourceManager`.

    Args:
        arm: Whose resources.
    """

    def __init__(self, arm: ResourceManager) -> None:
        self._arm = arm
        #: Names of the world that strangers have, in lower case.
        self.strangers: set[str] = set()
        #: Vaults and workspaces that were deleted and can be recovered, by id in lower case.
        self.deleted: dict[str, dict[str, Any]] = {}
        #: What registries store, in bytes, by name.
        self.stored: dict[str, int] = {}
        #: Whether the undocumented listing of deleted workspaces is offered.
        self.lists_workspaces = True
        #: How often a new identity's roles do not count yet.
        self.slow_roles = 0
        #: Each write, as method and id.
        self.log: list[tuple[str, str]] = []

    def clear(self) -> None:
        """Forget all of it."""
        self.__init__(self._arm)  # type: ignore[misc]  # as good as new

    def answer(self, request: Request) -> Response | None:
        """Answer what is a write, or one of the questions here; None for all others."""
        path = request.path.rstrip("/")
        low = path.lower()
        if request.method in {"PUT", "DELETE"}:
            return self._write(request, path)
        if low.endswith("/checknameavailability"):
            return self._free(request, path)
        if low.endswith(("/deletedvaults", "/deletedworkspaces")):
            return self._gone(low)
        if low.endswith("/listusages"):
            name = low.split("/")[-2]
            value = {"name": "Size", "currentValue": self.stored.get(name, 0), "unit": "Bytes"}
            return json_response({"value": [value]})
        if low.endswith("/resources"):
            return self._tagged(low, *_tag(request))
        if low.endswith("/resourcegroups"):
            key, value = _tag(request)
            found = [
                one
                for one in self._arm.groups.values()
                if not key or one.get("tags", {}).get(key) == value
            ]
            return json_response({"value": found})
        return None

    # -- questions

    def _free(self, request: Request, path: str) -> Response:
        namespace = path.split("/")[-2]
        permission = f"{namespace}/checkNameAvailability/read"
        if refusal := self._arm.refused(permission, path):
            return refusal
        given = request.json()
        taken = {r["name"].lower() for r in self._arm.resources.values()
                 if r["type"].lower() == given["type"].lower()}  # fmt: skip
        taken |= {r["name"].lower() for r in self.deleted.values()} | self.strangers
        if given["name"].lower() in taken:
            return json_response(
                {"nameAvailable": False, "reason": "AlreadyExists", "message": "Already taken."}
            )
        return json_response({"nameAvailable": True})

    def _gone(self, low: str) -> Response:
        if low.endswith("/deletedworkspaces"):
            if not self.lists_workspaces:
                return self._arm.error(404, "InvalidResourceType", "There is no such type.")
            found = [r for r in self.deleted.values() if r["type"].lower() == _WORKSPACES]
            return json_response({"value": found})
        if refusal := self._arm.refused("Microsoft.KeyVault/deletedVaults/read", low):
            return refusal
        kept = {"scheduledPurgeDate": "2030-01-08T00:00:00Z"}
        vaults = [
            {
                "name": one["name"],
                "properties": {**kept, "vaultId": one["id"], "location": one["location"]},
            }
            for one in self.deleted.values()
            if one["type"].endswith("vaults")
        ]
        return json_response({"value": vaults})

    def _tagged(self, low: str, key: str, value: str) -> Response:
        scope = low.removesuffix("/resources")
        # What a filter leaves in comes without its tags, and what one may not read is left out.
        # https://learn.microsoft.com/rest/api/resources/resources/list
        told = ("id", "name", "type", "location", *(() if key else ("tags",)))
        found = [
            {k: one[k] for k in told if k in one}
            for path, one in self._arm.resources.items()
            # What lies below another resource is not listed.
            if path.startswith(f"{scope}/") and one["type"].count("/") == 1 and "location" in one
            and (not key or one.get("tags", {}).get(key) == value)
            and self._arm.refused(f"{one['type']}/read", path) is None
        ]  # fmt: skip
        return json_response({"value": found})

    # -- writes

    def _write(self, request: Request, path: str) -> Response:
        low = path.lower()
        kind = self._arm.type_of(path) if "/providers/" in low else (
            "Microsoft.Resources/subscriptions/resourceGroups"
        )  # fmt: skip
        verb = "write" if request.method == "PUT" else "delete"
        if refusal := self._arm.refused(f"{kind}/{verb}", path):
            return refusal
        self.log.append((request.method, path))
        if "/providers/" not in low:
            return self._group(request, path)
        group = low.split("/")[4] if "/resourcegroups/" in low else None
        if group is not None and group not in self._arm.groups:
            return self._arm.error(404, "ResourceGroupNotFound", f"No resource group '{group}'.")
        return self._delete(low) if verb == "delete" else self._put(request.json(), path, kind)

    def _group(self, request: Request, path: str) -> Response:
        name = path.rsplit("/", 1)[1]
        if request.method == "PUT":
            given = request.json()
            made = self._arm.put_group(name, given["location"])
            made["tags"] = given.get("tags") or {}
            return json_response(made, 201)
        self._arm.groups.pop(name.lower(), None)
        for each in [p for p in self._arm.resources if p.startswith(path.lower() + "/")]:
            del self._arm.resources[each]
        return Response(200)

    def _put(self, given: dict[str, Any], path: str, kind: str) -> Response:
        low = path.lower()
        old = self._arm.resources.get(low)
        if refusal := self._conflict(given, low, kind, old):
            return refusal
        scope, _, rest = path.rpartition("/providers/")
        parent = "/".join(path.split("/")[:-2])
        stem = f"{scope}/providers/{rest.split('/')[0]}"
        way, name = path.split("/")[-2:]
        is_top = parent.lower() == stem.lower()
        fields = {k: v for k, v in given.items() if k not in {"properties", "location"}}
        made = self._arm.put(
            *((scope, kind, name) if is_top else (parent, way, name)),
            given.get("location"),
            properties={**given.get("properties", {}), **self._computed(given, path, kind, old)},
            **fields,
        )
        if kind.lower() == _WORKSPACES:
            self._identify(made)
        return json_response(made, 200 if old else 201)

    def _conflict(
        self, given: dict[str, Any], low: str, kind: str, old: dict[str, Any] | None
    ) -> Response | None:
        name = low.rsplit("/", 1)[1]
        if kind.lower() in _TYPES and old is None and name in self.strangers:
            return self._arm.error(409, "StorageAccountAlreadyTaken", f"{name} is already taken.")
        if low in self.deleted:
            if kind.lower() == _WORKSPACES:
                text = "Soft-deleted workspace exists. Please purge or recover it. "
                return self._arm.error(400, "BadRequest", f"{text}https://aka.ms/wsoftdelete")
            text = "A vault with the same name already exists in deleted state."
            return self._arm.error(409, "ConflictError", text)
        if kind.lower() == _ASSIGNMENTS:
            return self._wrong_assignment(given["properties"], low, old)
        if kind.lower() == _WORKSPACES and old is None:
            return self._unready(given)
        if kind.lower() == _CLUSTERS:
            return self._wrong_cluster(given, low, old)
        return None

    def _wrong_cluster(
        self, given: dict[str, Any], low: str, old: dict[str, Any] | None
    ) -> Response | None:
        properties = given["properties"]
        group = str(properties.get("nodeResourceGroup"))
        there = self._arm.groups.get(group.lower())
        if there is not None and str(there.get("managedBy")).lower() != low:
            text = f"The resource group {group} already exists."
            return self._arm.error(400, "NodeResourceGroupAlreadyExists", text)
        if old is not None:
            return None
        control = next(iter(given["identity"]["userAssignedIdentities"]))
        nodes = properties["identityProfile"]["kubeletidentity"]
        found = [self._arm.resources.get(x.lower()) for x in (control, nodes["resourceId"])]
        if None in found or found[1]["properties"]["principalId"] != nodes["objectId"]:  # type: ignore[index]
            return self._arm.error(400, "InvalidIdentity", "There is no such identity.")
        principal = found[0]["properties"]["principalId"]  # type: ignore[index]
        roles = self._roles(nodes["resourceId"], principal)
        if _OPERATOR not in roles:
            return self._arm.error(
                *(400, "CustomKubeletIdentityMissingPermissionError"),
                "The cluster using user-assigned managed identity must be granted 'Managed "
                f"Identity Operator' role to assign kubelet identity {nodes['resourceId']}.",
            )
        return None

    def _roles(self, at: str, principal: str) -> list[str]:
        """The roles that a principal has on a thing itself."""
        return [
            one["properties"]["roleDefinitionId"].rsplit("/", 1)[1]
            for path, one in self._arm.resources.items()
            if one["type"].lower() == _ASSIGNMENTS and path.startswith(f"{at.lower()}/")
            and one["properties"]["principalId"] == principal
        ]  # fmt: skip

    def _wrong_assignment(
        self, given: dict[str, Any], low: str, old: dict[str, Any] | None
    ) -> Response | None:
        if old is not None:
            if old["properties"]["principalId"] != given["principalId"]:
                text = "Tenant ID, application ID, principal ID, and scope are not allowed to be "
                return self._arm.error(400, "RoleAssignmentUpdateNotPermitted", f"{text}updated.")
            return self._arm.error(409, "RoleAssignmentExists", "The assignment already exists.")
        if given.get("principalType") != "ServicePrincipal":
            text = f"Principal {given['principalId']} does not exist in the directory."
            return self._arm.error(400, "PrincipalNotFound", text)
        for path, one in self._arm.resources.items():
            if one["type"].lower() == _ASSIGNMENTS and path.startswith(low.rpartition("/")[0]):
                same = {k: one["properties"][k] for k in ("principalId", "roleDefinitionId")}
                if same.items() <= given.items():
                    text = "The role assignment already exists under another name."
                    return self._arm.error(409, "RoleAssignmentExists", text)
        return None

    def _unready(self, given: dict[str, Any]) -> Response | None:
        """A workspace is refused while its identity may not use what it stands on."""
        who = next(iter(given["identity"]["userAssignedIdentities"]))
        found = self._arm.resources.get(who.lower())
        if found is None:
            return self._arm.error(400, "FailedIdentityOperation", f"There is no identity {who}.")
        principal = found["properties"]["principalId"]
        for key in ("storageAccount", "keyVault", "applicationInsights", "containerRegistry"):
            at = given["properties"].get(key)
            if at is None:
                continue
            roles = self._roles(at, principal)
            if _CONTRIBUTOR not in roles or self.slow_roles > 0:
                self.slow_roles -= 1
                return self._arm.error(
                    *(403, "AuthorizationFailed"),
                    f"The workspace's identity does not have authorization over '{at}'.",
                )
        return None

    def _computed(
        self, given: dict[str, Any], path: str, kind: str, old: dict[str, Any] | None
    ) -> dict[str, Any]:
        """What Azure adds to the properties."""
        name, low = path.rsplit("/", 1)[1], kind.lower()
        if low == "microsoft.storage/storageaccounts":
            self._arm.new_account(name)
            acls = given.get("properties", {}).get("networkAcls") or {"defaultAction": "Allow"}
            return {"provisioningState": "Succeeded", "publicNetworkAccess": "Enabled",
                    "networkAcls": acls, "encryption": {"keySource": "Microsoft.Storage"},
                    "primaryEndpoints": {"blob": f"https://{name}{BLOB_SUFFIX}/"}}  # fmt: skip
        if low.endswith("/blobservices/containers"):
            self._arm.new_container(path.split("/")[8], name)
        if low == "microsoft.containerregistry/registries":
            host = f"{name.lower()}{REGISTRY_SUFFIX}"
            return {"provisioningState": "Succeeded", "loginServer": host,
                    "publicNetworkAccess": "Enabled", "encryption": {"status": "disabled"},
                    "roleAssignmentMode": "LegacyRegistryPermissions"}  # fmt: skip
        if low == _IDENTITIES:
            made = old["properties"] if old else {}
            return {key: made.get(key) or str(uuid.uuid4()) for key in ("principalId", "clientId")}
        if low == _CLUSTERS:
            group = self._arm.put_group(given["properties"]["nodeResourceGroup"], given["location"])
            group |= {"managedBy": path, "tags": given.get("tags") or {}}
            issuer = f"https://oidc.prod-aks.azure.com/{name}/"
            runs = {"provisioningState": "Succeeded", "powerState": {"code": "Running"}}
            pools = [{**one, **runs} for one in given["properties"]["agentPoolProfiles"]]
            return {**runs, "agentPoolProfiles": pools, "currentKubernetesVersion": "1.34.2",
                    "fqdn": f"{name}.azmk8s.io",
                    "oidcIssuerProfile": {"enabled": True, "issuerURL": issuer}}  # fmt: skip
        if low == _ASSIGNMENTS:
            return {"scope": path.rpartition("/providers/")[0]}
        return {"provisioningState": "Succeeded"}

    def _identify(self, made: dict[str, Any]) -> None:
        """Name the principals of a workspace's identities."""
        users = made["identity"].get("userAssignedIdentities") or {}
        for path in users:
            one = self._arm.resources[path.lower()]["properties"]
            users[path] = {key: one[key] for key in ("principalId", "clientId")}

    def _delete(self, low: str) -> Response:
        found = self._arm.resources.pop(low, None)
        if found is None:
            return Response(204)
        if found["type"].lower() in {_WORKSPACES, "microsoft.keyvault/vaults"}:
            self.deleted[low] = found
        for each in [p for p in self._arm.resources if p.startswith(low + "/")]:
            del self._arm.resources[each]
        if found["type"].lower() == _CLUSTERS:
            self._arm.groups.pop(found["properties"]["nodeResourceGroup"].lower(), None)
        if found["type"].lower() == "microsoft.storage/storageaccounts":
            self._arm.drop_account(found["name"])
        return Response(200)


def _tag(request: Request) -> tuple[str, str]:
    """The tag that a filter names, and its value; empty where there is no filter."""
    wanted = request.query.get("$filter", [""])[0]
    key, value = wanted.split("'")[1::2] if wanted else ("", "")
    return key, value
