"""The plugin process: Pulumi's provider protocol, raw, over Resource Manager's REST.

As the real one: a table of where each resource is and which of its inputs stand where; what exists
already under the id of a new one is refused; a write that is not done yet is waited for.
"""

from __future__ import annotations

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import grpc
import requests
from google.protobuf import empty_pb2
from pulumi.runtime import rpc
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc
from standin.kinds import faults
from standin.plugin import equal, plain, struct, type_of

_ARM = "https://management.azure.com"
_GROUP = "/subscriptions/{subscription}/resourceGroups/{resourceGroupName}"
_ACCOUNT = f"{_GROUP}/providers/Microsoft.Storage/storageAccounts/{{accountName}}"
#: What the SDK calls otherwise than Resource Manager.
_RENAMED = {
    "enableHttpsTrafficOnly": "supportsHttpsTrafficOnly",
    "networkRuleSet": "networkAcls",
}
#: What stands beside `properties`, not in it.
_TOP = {"location", "tags", "sku", "kind", "identity", "properties"}


@dataclass(frozen=True)
class Kind:
    """One resource type.

    Attributes:
        path: Its id, as a form over its inputs.
        version: The version of the API.
        computed: Outputs that only Azure knows, beside its name and type.
        singleton: Whether it is there with its parent.
    """

    path: str
    version: str
    computed: tuple[str, ...] = ()
    singleton: bool = False

    @property
    def named(self) -> set[str]:
        """The inputs that are parts of the id, whose change replaces it."""
        return {part.partition("}")[0] for part in self.path.split("{")[1:]}


KINDS = {
    f"azure-native:{token}": kind
    for token, kind in {
        "resources:ResourceGroup": Kind(_GROUP, "2024-03-01"),
        "storage:StorageAccount": Kind(_ACCOUNT, "2024-01-01", ("primaryEndpoints",)),
        "storage:BlobServiceProperties": Kind(
            f"{_ACCOUNT}/blobServices/{{blobServicesName}}", "2024-01-01", singleton=True
        ),
        "storage:ManagementPolicy": Kind(
            f"{_ACCOUNT}/managementPolicies/{{managementPolicyName}}", "2024-01-01"
        ),
        "storage:BlobContainer": Kind(
            f"{_ACCOUNT}/blobServices/default/containers/{{containerName}}", "2024-01-01"
        ),
        "containerregistry:Registry": Kind(
            f"{_GROUP}/providers/Microsoft.ContainerRegistry/registries/{{registryName}}",
            *("2023-01-01-preview", ("loginServer",)),
        ),
        "managedidentity:UserAssignedIdentity": Kind(
            f"{_GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{{resourceName}}",
            *("2023-01-31", ("principalId", "clientId")),
        ),
        "managedidentity:FederatedIdentityCredential": Kind(
            f"{_GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{{resourceName}}"
            "/federatedIdentityCredentials/{federatedIdentityCredentialResourceName}",
            "2023-01-31",
        ),
        "containerservice:ManagedCluster": Kind(
            f"{_GROUP}/providers/Microsoft.ContainerService/managedClusters/{{resourceName}}",
            *("2025-09-01", ("oidcIssuerProfile", "fqdn")),
        ),
        "keyvault:Vault": Kind(
            f"{_GROUP}/providers/Microsoft.KeyVault/vaults/{{vaultName}}", "2024-11-01"
        ),
        "operationalinsights:Workspace": Kind(
            f"{_GROUP}/providers/Microsoft.OperationalInsights/workspaces/{{workspaceName}}",
            "2023-09-01",
        ),
        "applicationinsights:Component": Kind(
            f"{_GROUP}/providers/Microsoft.Insights/components/{{resourceName}}", "2020-02-02"
        ),
        "machinelearningservices:Workspace": Kind(
            f"{_GROUP}/providers/Microsoft.MachineLearningServices/workspaces/{{workspaceName}}",
            "2025-12-01",
        ),
        "authorization:RoleAssignment": Kind(
            "{scope}/providers/Microsoft.Authorization/roleAssignments/{roleAssignmentName}",
            "2022-04-01",
        ),
    }.items()
}


class Refused(Exception):
    """Resource Manager refuses."""


class Arm:
    """Resource Manager, as the identity of the environment."""

    def __init__(self) -> None:
        self._session = requests.Session()
        self._token = ""

    def send(self, method: str, path: str, version: str, body: Any = None) -> Any:
        """The answer's body; None where it is not there."""
        self._token = self._token or self._login()
        answer = self._session.request(
            *(method, f"{_ARM}{path}"),
            params={"api-version": version},
            json=body,
            headers={"Authorization": f"Bearer {self._token}"},
            timeout=30,
        )
        if answer.status_code == 404 and method != "PUT":
            return None
        if answer.status_code >= 400:
            error = answer.json()["error"]
            raise Refused(
                f'Status={answer.status_code} Code="{error["code"]}" Message="{error["message"]}"'
            )
        return answer.json() if answer.content else {}

    def _login(self) -> str:
        names = ("CLIENT_ID", "CLIENT_SECRET", "TENANT_ID")
        client, secret, tenant = (
            os.environ.get(f"ARM_{n}") or os.environ.get(f"AZURE_{n}") for n in names
        )
        if not (client and secret and tenant):
            raise Refused("no Azure credentials")
        answer = self._session.post(
            f"https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token",
            data={"grant_type": "client_credentials", "client_id": client, "client_secret": secret,
                  "scope": f"{_ARM}/.default"},
            timeout=30,
        )  # fmt: skip
        return str(answer.json()["access_token"])


class Plugin(provider_pb2_grpc.ResourceProviderServicer):
    """One provider; one process serves one, as the engine starts them."""

    def __init__(self) -> None:
        self._arm = Arm()
        self._subscription = os.environ.get("ARM_SUBSCRIPTION_ID", "")

    # -- the provider itself

    def Handshake(self, request: Any, context: grpc.ServicerContext) -> Any:
        del request
        context.abort(grpc.StatusCode.UNIMPLEMENTED, "")

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        del request, context
        return plugin_pb2.PluginInfo(version=version("pulumi-azure-native"))

    def CheckConfig(self, request: Any, context: Any) -> Any:
        del context
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:
        del context
        changed = plain(request.olds) != plain(request.news)
        return provider_pb2.DiffResponse(changes=2 if changed else 1)

    def Configure(self, request: Any, context: Any) -> Any:
        del context
        self._subscription = plain(request.args).get("subscriptionId") or self._subscription
        return provider_pb2.ConfigureResponse(supportsPreview=True)

    def Invoke(self, request: Any, context: grpc.ServicerContext) -> Any:
        if request.tok != "azure-native:authorization:getClientConfig":
            context.abort(grpc.StatusCode.UNIMPLEMENTED, f"the stand-in has no {request.tok}")
        tenant = os.environ.get("ARM_TENANT_ID") or os.environ.get("AZURE_TENANT_ID")
        found = {"subscriptionId": self._subscription, "clientId": "c", "objectId": "o"}
        found["tenantId"] = tenant or ""
        return provider_pb2.InvokeResponse(**{"return": struct(found)})

    def Cancel(self, request: Any, context: Any) -> Any:
        del request, context
        return empty_pb2.Empty()

    # -- resources

    def _kind(self, urn: str, context: grpc.ServicerContext) -> Kind:
        kind = KINDS.get(type_of(urn))
        if kind is None:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, f"the stand-in has no {type_of(urn)}")
            raise AssertionError("unreachable")
        return kind

    def Check(self, request: Any, context: grpc.ServicerContext) -> Any:
        self._kind(request.urn, context)
        return provider_pb2.CheckResponse(inputs=request.news)

    def Diff(self, request: Any, context: grpc.ServicerContext) -> Any:
        kind = self._kind(request.urn, context)
        old, new = plain(request.old_inputs), plain(request.news)
        diff = provider_pb2.PropertyDiff
        detailed, replaces = {}, []
        for key in sorted(set(old) | set(new)):
            if key.startswith("__") or equal(key, old.get(key), new.get(key)):
                continue
            forced = key in {*kind.named, "location"}
            word = "ADD" if key not in old else "DELETE" if key not in new else "UPDATE"
            detailed[key] = diff(kind=diff.Kind.Value(word + "_REPLACE" * forced))
            replaces += [key] if forced else []
        return provider_pb2.DiffResponse(
            changes=2 if detailed else 1,
            replaces=replaces,
            diffs=list(detailed),
            detailedDiff=detailed,
            hasDetailedDiff=True,
            deleteBeforeReplace=bool(replaces),
        )

    def Create(self, request: Any, context: grpc.ServicerContext) -> Any:
        inputs, kind = plain(request.properties), self._kind(request.urn, context)
        if request.preview:
            unknown = dict.fromkeys((*kind.computed, "name"), rpc.UNKNOWN)
            return provider_pb2.CreateResponse(properties=struct({**_shown(inputs), **unknown}))
        self._go_wrong(request.urn, "before", context)
        path = self._path(kind, inputs)
        if not kind.singleton and self._ask(context, "GET", path, kind) is not None:
            text = f"cannot create already existing resource '{path}'"
            context.abort(grpc.StatusCode.UNKNOWN, text)
        self._ask(context, "PUT", path, kind, _body(kind, inputs))
        self._go_wrong(request.urn, "after", context)
        return provider_pb2.CreateResponse(
            id=path, properties=struct(self._waited(context, kind, path, inputs))
        )

    def Read(self, request: Any, context: grpc.ServicerContext) -> Any:
        kind = self._kind(request.urn, context)
        seen = self._ask(context, "GET", request.id, kind)
        if seen is None:
            return provider_pb2.ReadResponse()  # nothing at all: an empty struct means "exists"
        old = plain(request.inputs)
        there = {**_named(kind, request.id), **_flat(seen)}
        if not old:  # an import: everything that can be an input
            old = {k: v for k, v in there.items() if k in kind.named or k in _TOP - {"properties"}}
        inputs = {key: _as_given(value, there.get(key)) for key, value in old.items()}
        outputs = {**_shown(inputs), **_outputs(kind, seen)}
        return provider_pb2.ReadResponse(
            id=request.id, properties=struct(outputs), inputs=struct(inputs)
        )

    def Update(self, request: Any, context: grpc.ServicerContext) -> Any:
        kind, new = self._kind(request.urn, context), plain(request.news)
        if request.preview:
            kept = {k: plain(request.olds).get(k) for k in (*kind.computed, "name")}
            return provider_pb2.UpdateResponse(properties=struct({**_shown(new), **kept}))
        self._go_wrong(request.urn, "before", context)
        self._ask(context, "PUT", request.id, kind, _body(kind, new))
        return provider_pb2.UpdateResponse(
            properties=struct(self._waited(context, kind, request.id, new))
        )

    def Delete(self, request: Any, context: grpc.ServicerContext) -> Any:
        kind = self._kind(request.urn, context)
        self._go_wrong(request.urn, "delete", context)
        if not kind.singleton:
            self._ask(context, "DELETE", request.id, kind)
        return empty_pb2.Empty()

    # -- Resource Manager

    def _path(self, kind: Kind, inputs: dict[str, Any]) -> str:
        return kind.path.format(**{**inputs, "subscription": self._subscription})

    def _ask(
        self, context: grpc.ServicerContext, method: str, path: str, kind: Kind, body: Any = None
    ) -> Any:
        try:
            return self._arm.send(method, path, kind.version, body)
        except (Refused, requests.RequestException) as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
            raise AssertionError("unreachable") from error

    def _waited(
        self, context: grpc.ServicerContext, kind: Kind, path: str, inputs: dict[str, Any]
    ) -> dict[str, Any]:
        for _ in range(50):
            seen = self._ask(context, "GET", path, kind) or {}
            if _flat(seen).get("provisioningState", "Succeeded") in {"Succeeded", "Failed"}:
                break
            time.sleep(0.1)
        return {**_shown(inputs), **_outputs(kind, seen)}

    def _go_wrong(self, urn: str, when: str, context: grpc.ServicerContext) -> None:
        wanted = faults().get(f"{when} {type_of(urn)}", {})
        if "touch" in wanted:
            with open(wanted["touch"], "a"):  # noqa: PTH123
                pass
        time.sleep(wanted.get("sleep", 0))
        if "fail" in wanted:
            context.abort(grpc.StatusCode.UNKNOWN, wanted["fail"])


def _body(kind: Kind, inputs: dict[str, Any]) -> dict[str, Any]:
    given = {k: v for k, v in inputs.items() if k not in kind.named and not k.startswith("__")}
    top = {key: given.pop(key) for key in list(given) if key in _TOP}
    users = (top.get("identity") or {}).get("userAssignedIdentities")
    if isinstance(users, list):
        top["identity"] = {**top["identity"], "userAssignedIdentities": {u: {} for u in users}}
    named = {_RENAMED.get(key, key): value for key, value in given.items()}
    return {**top, "properties": {**named, **top.get("properties", {})}}


def _shown(inputs: dict[str, Any]) -> dict[str, Any]:
    """Inputs as outputs: identities are given as a list, and shown as a mapping."""
    users = (inputs.get("identity") or {}).get("userAssignedIdentities")
    if not isinstance(users, list):
        return inputs
    shown = {user: {"clientId": "c", "principalId": "p"} for user in users}
    return {**inputs, "identity": {**inputs["identity"], "userAssignedIdentities": shown}}


def _flat(seen: dict[str, Any]) -> dict[str, Any]:
    top = {key: value for key, value in seen.items() if key != "properties"}
    back = {arm: ours for ours, arm in _RENAMED.items()}
    inside = {back.get(key, key): value for key, value in seen.get("properties", {}).items()}
    return {**inside, **top, "properties": seen.get("properties", {})}


def _outputs(kind: Kind, seen: dict[str, Any]) -> dict[str, Any]:
    there = _flat(seen)
    keys = (*kind.computed, "name", "provisioningState")
    return {key: there[key] for key in keys if key in there}


def _named(kind: Kind, path: str) -> dict[str, str]:
    """The parts of an id, by the inputs that they come from."""
    found: dict[str, str] = {}
    if kind.path.startswith("{scope}"):
        found["scope"], _, _ = path.rpartition("/providers/")
        found["roleAssignmentName"] = path.rsplit("/", 1)[1]
        return found
    for form, part in zip(kind.path.split("/"), path.split("/"), strict=True):
        if form.startswith("{"):
            found[form.strip("{}")] = part
    found.pop("subscription", None)
    return found


def _as_given(given: Any, there: Any) -> Any:
    """What is there, as far as it was given: what Azure adds is no difference."""
    if isinstance(given, dict) and isinstance(there, dict):
        return {key: _as_given(value, there.get(key)) for key, value in given.items()}
    if isinstance(given, list) and isinstance(there, dict):
        return [
            one for one in given if one in there
        ]  # identities are a list, and come as a mapping
    if isinstance(given, list) and isinstance(there, list) and len(given) == len(there):
        return [_as_given(one, other) for one, other in zip(given, there, strict=True)]
    return given if there is None and given in (None, {}, [], "") else there


def serve() -> None:
    """Serve until the engine says that it is over."""
    server = grpc.server(ThreadPoolExecutor(16))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Plugin(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: os._exit(0))
    server.wait_for_termination()
