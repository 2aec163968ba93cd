"""Azure on loopback: one tenant, one subscription, one application that knows its secret."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.doubles import arm
from tests.doubles.arm import SUBSCRIPTION, SUBSCRIPTION_ID, SUBSCRIPTION_NAME, ResourceManager
from tests.doubles.azure_faults import AzureFaults
from tests.doubles.blob import BLOB_SUFFIX, REGISTRY_SUFFIX, BlobStorage, RegistryTokens
from tests.doubles.entra import HOST as ENTRA_HOST
from tests.doubles.entra import TENANT_ID, Entra
from tests.doubles.proxy import ConnectProxy
from tests.doubles.tls import ThrowAwayCA

RESOURCE_GROUP = "rg"
LOCATION = "westeurope"
_CLIENT_ID = "00000000-0000-0000-0000-0000000000c1"
_CLIENT_SECRET = "loopback-client-secret"


def void(_: object) -> None:
    """Forget what an expression gives."""


_NO_SERVER = "https://127.0.0.1:443"
#: What the API of a cluster knows its own users by.
CLUSTER_TOKEN = "loopback-cluster-token"


class AzureLoopback:
    """Entra, Resource Manager, blob storage and registries' tokens.

    `proxy` and `ca` are shared with other doubles; without them it brings its own.
    """

    tenant_id = TENANT_ID
    subscription_id = SUBSCRIPTION_ID
    subscription_name = SUBSCRIPTION_NAME
    resource_group = RESOURCE_GROUP
    location = LOCATION
    client_id = _CLIENT_ID
    client_secret = _CLIENT_SECRET

    def __init__(
        self,
        directory: Path,
        ca: ThrowAwayCA | None = None,
        proxy: ConnectProxy | None = None,
    ) -> None:
        self._directory = directory
        self._ca = ca or ThrowAwayCA(directory)
        self._own_proxy = proxy is None
        self.proxy = proxy or ConnectProxy(self._ca)
        self.denied: set[str] = set()
        self.entra = Entra()
        self.resources = ResourceManager(self.entra, self.denied, self._kubeconfig)
        self.blobs = BlobStorage(self.entra, self.denied)
        self._registries = RegistryTokens(self.entra)
        accounts = self.blobs.accounts
        self.resources.new_account = lambda name: void(accounts.setdefault(name, {}))
        self.resources.new_container = lambda account, name: void(
            accounts.setdefault(account, {}).setdefault(name, {})
        )
        self.resources.drop_account = lambda name: void(accounts.pop(name, None))
        #: Where the API of every cluster is said to be.
        self.cluster_server = _NO_SERVER
        self._running = ExitStack()
        self.faults = AzureFaults()

    def __enter__(self) -> AzureLoopback:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        self.proxy.play(lambda host: host == ENTRA_HOST, self.faults.before(self.entra))
        self.proxy.play(lambda host: host == arm.HOST, self.faults.before(self.resources))
        self.proxy.play(self.blobs.plays, self.faults.before(self.blobs))
        self.proxy.play(self._registries.plays, self._registries)
        if self._own_proxy:
            self.proxy.start()
            self._running.callback(self.proxy.stop)
        self._defaults()

    def stop(self) -> None:
        self._running.close()

    def env(self, *, credentials: bool = True) -> dict[str, str]:
        """For a process whose Azure is this one."""
        values = {
            "AZURE_CONFIG_DIR": str(self._directory / "no-azure-cli"),
            **self.proxy.env(),
            **self._ca.env(),
        }
        if credentials:
            values |= {
                "AZURE_TENANT_ID": TENANT_ID,
                "AZURE_CLIENT_ID": self.client_id,
                "AZURE_CLIENT_SECRET": self.client_secret,
                "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION_ID,
            }
        return values

    def reset(self) -> None:
        """Forget every resource, denial and refusal; tokens stay good."""
        self.resources.clear()
        self.blobs.accounts.clear()
        self._registries.registries.clear()
        self.denied.clear()
        self.faults.reset()
        self._defaults()

    def _defaults(self) -> None:
        self.entra.refuse_tokens = False
        self.entra.applications.clear()
        self.entra.applications[self.client_id] = self.client_secret
        self.group(RESOURCE_GROUP)

    def deny(self, *permissions: str) -> None:
        """Take permissions from everybody, by the names of their operations."""
        self.denied.update(permissions)

    def refuse_tokens(self, refuse: bool = True) -> None:
        """Let Entra refuse every secret."""
        self.entra.refuse_tokens = refuse

    def access_token(self) -> str:
        """A good token of the application."""
        return self.entra.issue_token(self.client_id)

    def application(self, secret: str) -> str:
        """Register another application; returns its client id."""
        client_id = str(uuid.uuid4())
        self.entra.applications[client_id] = secret
        return client_id

    def group(self, name: str, location: str = LOCATION) -> str:
        """Create a resource group; returns its id."""
        group_id: str = self.resources.put_group(name, location)["id"]
        return group_id

    def storage_account(
        self,
        name: str,
        group: str = RESOURCE_GROUP,
        location: str = LOCATION,
        **properties: Any,
    ) -> str:
        """Create a storage account; returns its id."""
        defaults = {
            "provisioningState": "Succeeded",
            "primaryEndpoints": {"blob": f"https://{name}{BLOB_SUFFIX}/"},
            "allowBlobPublicAccess": False,
            "minimumTlsVersion": "TLS1_2",
            "supportsHttpsTrafficOnly": True,
            "publicNetworkAccess": "Enabled",
            "networkAcls": {"defaultAction": "Allow", "bypass": "AzureServices"},
            "encryption": {"keySource": "Microsoft.Storage"},
        }
        account_id = self._put(
            group,
            "Microsoft.Storage/storageAccounts",
            name,
            location,
            {**defaults, **properties},
            kind="StorageV2",
            sku={"name": "Standard_LRS", "tier": "Standard"},
        )
        retention = {"enabled": True, "days": 7}
        self.resources.put(
            account_id,
            "blobServices",
            "default",
            None,
            properties={
                "deleteRetentionPolicy": retention,
                "containerDeleteRetentionPolicy": retention,
                "isVersioningEnabled": True,
            },
        )
        self.blobs.accounts[name] = {}
        return account_id

    def container(self, account: str, name: str, group: str = RESOURCE_GROUP) -> str:
        """Create a blob container, and its account if need be; returns its URI."""
        if account not in self.blobs.accounts:
            self.storage_account(account, group)
        self.blobs.accounts[account][name] = {}
        service = f"{self._account_id(account)}/blobServices/default"
        properties = {"publicAccess": "None", "leaseState": "Available"}
        self.resources.put(service, "containers", name, None, properties=properties)
        return f"az://{name}"

    def registry(
        self,
        name: str,
        group: str = RESOURCE_GROUP,
        location: str = LOCATION,
        **properties: Any,
    ) -> str:
        """Create a container registry; returns its host."""
        host = f"{name}{REGISTRY_SUFFIX}"
        defaults = {
            "provisioningState": "Succeeded",
            "loginServer": host,
            "adminUserEnabled": False,
            "publicNetworkAccess": "Enabled",
            "roleAssignmentMode": "LegacyRegistryPermissions",
            "anonymousPullEnabled": False,
            "encryption": {"status": "disabled"},
        }
        self._put(
            group,
            "Microsoft.ContainerRegistry/registries",
            name,
            location,
            {**defaults, **properties},
            sku={"name": "Basic", "tier": "Basic"},
        )
        self._registries.registries.add(host)
        return host

    def cluster(
        self,
        name: str,
        group: str = RESOURCE_GROUP,
        location: str = LOCATION,
        *,
        power_state: str = "Running",
        **properties: Any,
    ) -> str:
        """Create an AKS cluster; returns its id."""
        defaults = {
            "provisioningState": "Succeeded",
            "powerState": {"code": power_state},
            "fqdn": "127.0.0.1",
            "kubernetesVersion": "1.34",
            "currentKubernetesVersion": "1.34.2",
            "disableLocalAccounts": False,
            "enableRBAC": True,
            "identityProfile": {
                "kubeletidentity": {"objectId": str(uuid.uuid5(uuid.NAMESPACE_DNS, name))}
            },
            "oidcIssuerProfile": {"enabled": True},
            "securityProfile": {"workloadIdentity": {"enabled": True}},
            "agentPoolProfiles": [
                {
                    "name": "system",
                    "count": 1,
                    "mode": "System",
                    "osType": "Linux",
                    "vmSize": "Standard_D4s_v5",
                    "provisioningState": "Succeeded",
                    "powerState": {"code": "Running"},
                }
            ],
        }
        return self._put(
            group,
            "Microsoft.ContainerService/managedClusters",
            name,
            location,
            {**defaults, **properties},
            identity={"type": "SystemAssigned", "tenantId": TENANT_ID},
        )

    def workspace(
        self,
        name: str,
        group: str = RESOURCE_GROUP,
        location: str = LOCATION,
        **properties: Any,
    ) -> str:
        """Create an Azure Machine Learning workspace; returns its id."""
        defaults = {"provisioningState": "Succeeded", "publicNetworkAccess": "Enabled"}
        return self._put(
            group,
            "Microsoft.MachineLearningServices/workspaces",
            name,
            location,
            {**defaults, **properties},
            kind="Default",
            sku={"name": "Basic", "tier": "Basic"},
            identity={"type": "SystemAssigned", "principalId": str(uuid.uuid4())},
        )

    def vault_key(
        self, vault: str, name: str, group: str = RESOURCE_GROUP, **attributes: Any
    ) -> str:
        """Create a key with one version, and its key vault; returns the version's address."""
        address = f"https://{vault}.vault.azure.net/"
        kind = "Microsoft.KeyVault/vaults"
        vault_id = self._put(group, kind, vault, LOCATION, {"vaultUri": address})
        told = {"attributes": {"enabled": True, "created": 1767225600, **attributes}}
        for scope, kind, each in (
            (vault_id, "keys", name),
            (f"{vault_id}/keys/{name}", "versions", "1"),
        ):
            self.resources.put(scope, kind, each, None, properties=told)
        return f"{address}keys/{name}/1"

    def role_definition(self, name: str, **permissions: list[str]) -> str:
        """Define a role of these `actions`, `notActions`, `dataActions`; returns its GUID."""
        guid = str(uuid.uuid5(uuid.NAMESPACE_URL, name))
        self.resources.put(
            SUBSCRIPTION,
            "Microsoft.Authorization/roleDefinitions",
            guid,
            None,
            properties={"roleName": name, "permissions": [permissions]},
        )
        return guid

    def role_assignment(
        self, scope: str, role_definition: str, principal_id: str, condition: str | None = None
    ) -> str:
        """Give a principal a role at a scope; returns the assignment's id."""
        definition = f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions"
        assignment = self.resources.put(
            scope,
            "Microsoft.Authorization/roleAssignments",
            arm.role_assignment_name(),
            None,
            properties={
                "roleDefinitionId": f"{definition}/{role_definition}",
                "principalId": principal_id,
                "scope": scope,
                **({"condition": condition} if condition else {}),
            },
        )
        assignment_id: str = assignment["id"]
        return assignment_id

    def _put(
        self,
        group: str,
        resource_type: str,
        name: str,
        location: str,
        properties: dict[str, Any],
        **fields: Any,
    ) -> str:
        scope = self.group(group, location)
        resource = self.resources.put(
            scope, resource_type, name, location, properties=properties, tags={}, **fields
        )
        resource_id: str = resource["id"]
        return resource_id

    def _account_id(self, account: str) -> str:
        found = next(
            resource["id"]
            for resource in self.resources.resources.values()
            if resource["type"] == "Microsoft.Storage/storageAccounts"
            and resource["name"] == account
        )
        return str(found)

    def _kubeconfig(self, of: Mapping[str, Any], is_admin: bool) -> str:
        """What `az aks get-credentials` would write, with or without `--admin`; JSON is YAML.

        A user of a cluster that Entra guards gets no credential, but how to log in.
        """
        cluster = of["name"]
        roots = base64.b64encode(self._ca.bundle.read_bytes()).decode()
        user: dict[str, Any] = {"token": CLUSTER_TOKEN}
        if of["properties"].get("aadProfile") and not is_admin:
            user = {"exec": {"command": "kubelogin", "args": ["get-token"]}}
        return json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [
                    {
                        "name": cluster,
                        "cluster": {
                            "server": self.cluster_server,
                            "certificate-authority-data": roots,
                        },
                    }
                ],
                "users": [{"name": "admin", "user": user}],
                "contexts": [{"name": cluster, "context": {"cluster": cluster, "user": "admin"}}],
                "current-context": cluster,
            }
        )
