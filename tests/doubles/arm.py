"""Azure Resource Manager on loopback: one subscription, resources kept by their ids."""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections.abc import Callable
from typing import Any

from tests.doubles.arm_writes import Writes
from tests.doubles.entra import TENANT_ID, Entra
from tests.doubles.web import Request, Response, json_response

HOST = "management.azure.com"
SUBSCRIPTION_ID = "00000000-0000-0000-0000-000000000123"
SUBSCRIPTION_NAME = "Loopback"
SUBSCRIPTION = f"/subscriptions/{SUBSCRIPTION_ID}"
_BOTH = ["KubernetesOfficial", "AKSLongTermSupport"]
KUBERNETES = {"1.34": _BOTH, "1.33": _BOTH, "1.32": _BOTH, "1.30": ["AKSLongTermSupport"]}
#: What providers call absent by codes of their own, by type in lower case.
_OWN_CODES = {
    "microsoft.authorization/roleassignments": "RoleAssignmentNotFound",
    "microsoft.storage/storageaccounts/managementpolicies": "ManagementPolicyNotFound",
    "microsoft.storage/storageaccounts/blobservices/containers": "ContainerNotFound",
    "microsoft.storage/storageaccounts/fileservices/shares": "ShareNotFound",
}

Resource = dict[str, Any]


class ResourceManager:
    """Reads and the few POST actions that ZenML and checks use.

    Permissions are the operations' own names (`Microsoft.Storage/storageAccounts/read`);
    whatever is in `denied` answers 403 AuthorizationFailed.
    """

    def __init__(
        self, entra: Entra, denied: set[str], kubeconfig: Callable[[Resource, bool], str]
    ) -> None:
        self._entra = entra
        self._denied = denied
        self._kubeconfig = kubeconfig
        self.groups: dict[str, Resource] = {}
        self.resources: dict[str, Resource] = {}
        #: By namespace in lower case, where it is not "Registered".
        self.registrations: dict[str, str] = {}
        #: What the caller may do at a scope (in lower case), where it is not everything.
        self.permissions: dict[str, list[Resource]] = {}
        self.state = "Enabled"
        #: What AKS offers: minor version → the plans of support that it is in.
        self.kubernetes: dict[str, list[str]] = dict(KUBERNETES)
        self.writes = Writes(self)
        #: Told of accounts and containers that are made, and of accounts that are deleted.
        self.new_account: Callable[[str], None] = lambda _: None
        self.new_container: Callable[[str, str], None] = lambda _, __: None
        self.drop_account: Callable[[str], None] = lambda _: None

    def clear(self) -> None:
        self.writes.clear()
        self.groups.clear()
        self.registrations.clear()
        self.permissions.clear()
        self.state = "Enabled"
        self.kubernetes = dict(KUBERNETES)
        self.resources.clear()

    def put_group(self, name: str, location: str) -> Resource:
        group = {
            "id": f"{SUBSCRIPTION}/resourceGroups/{name}",
            "name": name,
            "type": "Microsoft.Resources/resourceGroups",
            "location": location,
            "properties": {"provisioningState": "Succeeded"},
        }
        self.groups.setdefault(name.lower(), group)
        return self.groups[name.lower()]

    def put(
        self, scope: str, resource_type: str, name: str, location: str | None, **fields: Any
    ) -> Resource:
        """Store a resource; its type is `Microsoft.X/types`, or `types` alone below another."""
        way = resource_type if "/" not in resource_type else f"providers/{resource_type}"
        resource_id = f"{scope}/{way}/{name}"
        resource: Resource = {"id": resource_id, "name": name, "type": _type_of(resource_id)}
        if location is not None:
            resource["location"] = location
        resource |= fields
        self.resources[resource_id.lower()] = resource
        return resource

    def __call__(self, request: Request) -> Response:
        if not self._entra.knows(request.bearer):
            return arm_error(401, "InvalidAuthenticationToken", "The access token is invalid.")
        path = request.path.rstrip("/").lower()
        if path.startswith(f"{SUBSCRIPTION}/"):
            written = self.writes.answer(request)
            if written is not None:
                return written
        if path == "/tenants":
            return json_response(
                {"value": [{"id": f"/tenants/{TENANT_ID}", "tenantId": TENANT_ID}]}
            )
        if path == "/subscriptions":
            return json_response({"value": [_subscription(self.state)]})
        if not (path + "/").startswith(SUBSCRIPTION + "/"):
            wanted = path.split("/")[2] if path.startswith("/subscriptions/") else path
            return arm_error(
                404, "SubscriptionNotFound", f"The subscription '{wanted}' could not be found."
            )
        if path == SUBSCRIPTION:
            return self._read(
                "Microsoft.Resources/subscriptions/read", path, _subscription(self.state)
            )
        if "/providers/" not in path:
            return self._group(request, path)
        if request.method == "POST":
            return self._action(request.path)
        return self._resource(request.path, request.query.get("$filter", [""])[0])

    def _group(self, request: Request, path: str) -> Response:
        parts = path.split("/")[3:]
        if not parts or parts[0] != "resourcegroups" or len(parts) > 2:
            return arm_error(404, "NotFound", path)
        permission = "Microsoft.Resources/subscriptions/resourceGroups/read"
        if len(parts) == 1:
            return self._read(permission, path, {"value": list(self.groups.values())})
        if parts[1] not in self.groups:
            return _no_group(parts[1])
        if request.method == "HEAD":
            return Response(204)
        return self._read(permission, path, self.groups[parts[1]])

    def _resource(self, asked: str, wanted: str = "") -> Response:
        path = asked.lower()
        scope, _, rest = path.rpartition("/providers/")
        group = _group_of(path)
        if group is not None and group not in self.groups:
            return _no_group(group)
        segments = rest.split("/")
        if scope == SUBSCRIPTION and len(segments) == 1:
            return self._registration(asked)
        if path.endswith("/kubernetesversions"):
            return self._kubernetes(path)
        is_listing = len(segments) % 2 == 0
        if not is_listing:
            found = self.resources.get(path)
            kind = _type_of(asked) if found is None else found["type"]
            if found is None and not self._is_denied(f"{kind}/read"):
                return arm_error(
                    404,
                    _OWN_CODES.get(kind.lower(), "ResourceNotFound"),
                    f"The Resource '{kind}/{asked.rsplit('/', 1)[1]}' under resource group "
                    f"'{asked.split('/')[4] if group else ''}' was not found. For more details "
                    "please go to https://aka.ms/ARMResourceNotFoundFix",
                )
            return self._read(f"{kind}/read", path, found)
        if path.endswith("microsoft.authorization/permissions"):
            return self._permissions(scope)
        if path.endswith("microsoft.authorization/roleassignments"):
            return self._assignments(scope, wanted)
        kind = _type_of(f"{asked.rstrip('/')}/x")
        found_all = [
            resource
            for resource_id, resource in self.resources.items()
            if resource_id.startswith(scope + "/") and resource["type"].lower() == kind.lower()
        ]
        if len(segments) > 2:  # children of one resource
            found_all = [r for r in found_all if r["id"].lower().startswith(path + "/")]
        return self._read(f"{kind}/read", path, {"value": found_all})

    def _registration(self, asked: str) -> Response:
        namespace = asked.rsplit("/", 1)[1]
        state = self.registrations.get(namespace.lower(), "Registered")
        found = {"id": asked, "namespace": namespace, "registrationState": state}
        return self._read("Microsoft.Resources/subscriptions/providers/read", asked, found)

    def _kubernetes(self, path: str) -> Response:
        values = [
            {"version": version, "capabilities": {"supportPlan": plans}, "patchVersions": {}}
            for version, plans in self.kubernetes.items()
        ]
        permission = "Microsoft.ContainerService/locations/kubernetesversions/read"
        return self._read(permission, path, {"values": values})

    def _permissions(self, scope: str) -> Response:
        """What the caller may do: everything but what is denied, unless told otherwise."""
        denied = sorted(self._denied)
        everything = {
            "actions": ["*"],
            "notActions": denied,
            "dataActions": ["*"],
            "notDataActions": denied,
        }
        found = self.permissions.get(scope, [everything])
        return self._read("Microsoft.Authorization/permissions/read", scope, {"value": found})

    def _assignments(self, scope: str, wanted: str) -> Response:
        """Those of a principal at the scope, above and below it, as Azure lists them."""
        principal = re.fullmatch(r"assignedTo\('(.+)'\)", wanted)
        found = []
        for one in self.resources.values():
            if one["type"] != "Microsoft.Authorization/roleAssignments":
                continue
            at = one["properties"]["scope"].lower()
            related = (at + "/").startswith(scope + "/") or (scope + "/").startswith(at + "/")
            related |= at in ("/", "/providers/microsoft.management/managementgroups/all")
            if related and (not principal or one["properties"]["principalId"] == principal[1]):
                found.append(one)
        return self._read("Microsoft.Authorization/roleAssignments/read", scope, {"value": found})

    def _action(self, asked: str) -> Response:
        path = asked.lower()
        target, _, action = path.rpartition("/")
        found = self.resources.get(target)
        if found is None:
            return self._resource(asked.rpartition("/")[0])
        if self._is_denied(f"{found['type']}/{action}/action"):
            return _forbidden(f"{found['type']}/{action}/action", target)
        if action in ("listclusteradmincredential", "listclusterusercredential"):
            if (
                action == "listclusteradmincredential"
                and found["properties"]["disableLocalAccounts"]
            ):
                return arm_error(
                    400,
                    "BadRequest",
                    "Getting static credential is not allowed because this cluster is set to "
                    "disable local accounts.",
                )
            is_admin = action == "listclusteradmincredential"
            config = base64.b64encode(self._kubeconfig(found, is_admin).encode()).decode()
            name = "clusterAdmin" if is_admin else "clusterUser"
            return json_response({"kubeconfigs": [{"name": name, "value": config}]})
        if action == "listcredentials":
            if not found["properties"]["adminUserEnabled"]:
                return arm_error(
                    400, "UnAuthorizedForCredentialOperations", "Admin user is disabled."
                )
            passwords = [{"name": "password", "value": "loopback-registry-password"}]
            return json_response({"username": found["name"], "passwords": passwords})
        if action == "listkeys":
            key = base64.b64encode(b"loopback-storage-key").decode()
            keys = [{"keyName": "key1", "value": key, "permissions": "FULL"}]
            return json_response({"keys": keys})
        return arm_error(404, "NotFound", path)

    def _read(self, permission: str, path: str, value: Any) -> Response:
        if self._is_denied(permission):
            return _forbidden(permission, path)
        return json_response(value)

    def refused(self, permission: str, path: str) -> Response | None:
        """The refusal of what is denied."""
        return _forbidden(permission, path) if self._is_denied(permission) else None

    @staticmethod
    def error(status: int, code: str, message: str) -> Response:
        return arm_error(status, code, message)

    @staticmethod
    def type_of(path: str) -> str:
        return _type_of(path)

    def _is_denied(self, permission: str) -> bool:
        return permission.lower() in {name.lower() for name in self._denied}


def arm_error(status: int, code: str, message: str) -> Response:
    body = json.dumps({"error": {"code": code, "message": message}}).encode()
    headers = {"Content-Type": "application/json", "x-ms-failure-cause": "gateway"}
    return Response(status, body, headers)


def role_assignment_name() -> str:
    return str(uuid.uuid4())


def _forbidden(permission: str, scope: str) -> Response:
    return arm_error(
        403,
        "AuthorizationFailed",
        "The client 'loopback' with object id 'loopback' does not have authorization to perform "
        f"action '{permission}' over scope '{scope}' or the scope is invalid. If access was "
        "recently granted, please refresh your credentials.",
    )


def _no_group(name: str) -> Response:
    return arm_error(404, "ResourceGroupNotFound", f"Resource group '{name}' could not be found.")


def _group_of(path: str) -> str | None:
    parts = path.lower().split("/")
    return parts[4] if len(parts) > 4 and parts[3] == "resourcegroups" else None


def _type_of(resource_id: str) -> str:
    """`Microsoft.X/a/b` of `.../providers/Microsoft.X/a/NAME/b/NAME`."""
    segments = resource_id.rpartition("/providers/")[2].split("/")
    return "/".join([segments[0], *segments[1::2]])


def _subscription(state: str) -> Resource:
    return {
        "id": SUBSCRIPTION,
        "subscriptionId": SUBSCRIPTION_ID,
        "displayName": SUBSCRIPTION_NAME,
        "state": state,
        "tenantId": TENANT_ID,
    }
