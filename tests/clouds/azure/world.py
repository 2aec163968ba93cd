"""Azure on loopback with everything that a stack needs, as it should be; tests spoil one thing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kitaru_iac.checks.model import CheckReport, CheckResult, CheckStatus, run_checks
from kitaru_iac.clouds.azure.verify import checks_for
from kitaru_iac.spec import from_mapping
from kitaru_iac.spec.model import BaseSpec
from tests.doubles.azure import LOCATION, AzureLoopback
from tests.doubles.entra import object_id
from tests.doubles.kubernetes import KubernetesLoopback

__all__ = ["ACCOUNT", "CONTAINER", "World"]

GROUP = "ml-platform"
ACCOUNT = "teamdata"
REGISTRY = "team"
CONTAINER = "artifacts"
OTHER = "11111111-2222-3333-4444-555555555555"
_INSIGHTS = "Microsoft.Insights/components"
_ACR = "Microsoft.ContainerRegistry/registries"
_STORAGE = "Microsoft.Storage/storageAccounts"


class World:
    """One subscription.

    Args:
        azure: The loopback, as good as new.
        api: The API of its clusters.
    """

    #: Seconds that one answer may take.
    timeout = 5.0

    def __init__(self, azure: AzureLoopback, api: KubernetesLoopback) -> None:
        self.azure = azure
        self.api = api
        api.forget()
        api.namespaces = {"ml"}
        self.faults = azure.faults
        self.subscription = f"/subscriptions/{azure.subscription_id}"
        self.caller = object_id(azure.client_id)

    # -- what is there

    def fit_bucket(self, **properties: Any) -> None:
        """An account as it should be, with the container."""
        good: dict[str, Any] = {"allowSharedKeyAccess": False}
        self.azure.storage_account(ACCOUNT, GROUP, **{**good, **properties})
        self.azure.container(ACCOUNT, CONTAINER, GROUP)

    def fit_registry(self, **properties: Any) -> None:
        """A registry as it should be, in another group."""
        self.azure.registry(REGISTRY, "images", **properties)

    def fit_workspace(self, **fields: Any) -> None:
        """A workspace as it should be, whose identity may pull."""
        self.fit_bucket()
        self.fit_registry()
        parts = {"keyVault": "Microsoft.KeyVault/vaults", "applicationInsights": _INSIGHTS}
        attached = {
            name: self.azure.resources.put(self.azure.group(GROUP), kind, "team", LOCATION)["id"]
            for name, kind in parts.items()
        }
        self.azure.workspace(
            "team-ml",
            GROUP,
            storageAccount=self.account_id,
            containerRegistry=self.registry_id,
            managedNetwork={"isolationMode": "Disabled"},
            **attached,
        )
        self.workspace()["identity"]["principalId"] = OTHER
        self.let_pull()

    def fit_cluster(self) -> None:
        """A cluster as it should be, whose nodes may pull."""
        self.fit_bucket()
        self.fit_registry()
        kubelet = {"kubeletidentity": {"objectId": OTHER}}
        self.azure.cluster("prod", GROUP, identityProfile=kubelet)
        self.let_pull()

    def own_keys(self, **attributes: Any) -> None:
        """Let keys of a vault encrypt the account, by the newest, and the registry, by one."""
        vault = "https://teamkeys.vault.azure.net"
        self.azure.vault_key("teamkeys", "data", GROUP, **attributes)
        used = self.azure.vault_key("teamkeys", "images", GROUP, **attributes)
        self.account()["properties"]["encryption"] = {
            "keySource": "Microsoft.Keyvault",
            "keyvaultproperties": {"keyvaulturi": vault, "keyname": "data", "keyversion": ""},
        }
        if self.registry_id.lower() in self.azure.resources.resources:
            self.registry()["properties"]["encryption"] = {
                "status": "enabled",
                "keyVaultProperties": {
                    "keyIdentifier": f"{vault}/keys/images",
                    "versionedKeyIdentifier": used,
                },
            }

    def registry(self) -> dict[str, Any]:
        """The stored registry, to be spoiled."""
        return self.azure.resources.resources[self.registry_id.lower()]

    def cluster(self) -> dict[str, Any]:
        """The stored cluster, to be spoiled."""
        return self.azure.resources.resources[self.cluster_id.lower()]

    @property
    def cluster_id(self) -> str:
        kind = "Microsoft.ContainerService/managedClusters"
        return f"{self.subscription}/resourceGroups/{GROUP}/providers/{kind}/prod"

    def let_pull(self, *, abac: bool = False, condition: str | None = None) -> None:
        """Let somebody pull from the registry, with the role for its mode."""
        role = self.azure.role_definition(
            "pull", **({"dataActions": [f"{_ACR}/repositories/content/read"]} if abac else
                       {"actions": [f"{_ACR}/pull/read"]})
        )  # fmt: skip
        self.azure.role_assignment(self.registry_id, role, OTHER, condition)

    def workspace(self) -> dict[str, Any]:
        """The stored workspace, to be spoiled."""
        return self.azure.resources.resources[self.workspace_id.lower()]

    @property
    def workspace_id(self) -> str:
        kind = "Microsoft.MachineLearningServices/workspaces"
        return f"{self.subscription}/resourceGroups/{GROUP}/providers/{kind}/team-ml"

    @property
    def registry_id(self) -> str:
        return (
            f"{self.subscription}/resourceGroups/images/providers/"
            f"Microsoft.ContainerRegistry/registries/{REGISTRY}"
        )

    def account(self) -> dict[str, Any]:
        """The stored account, to be spoiled."""
        return self.azure.resources.resources[self.account_id.lower()]

    @property
    def account_id(self) -> str:
        return f"{self.subscription}/resourceGroups/{GROUP}/providers/{_STORAGE}/{ACCOUNT}"

    @property
    def container_id(self) -> str:
        return f"{self.account_id}/blobServices/default/containers/{CONTAINER}"

    def may(self, scope: str, *roles: dict[str, Any]) -> None:
        """Let the caller have these permissions at a scope, and no others."""
        self.azure.resources.permissions[scope.lower()] = list(roles)

    # -- what is described

    def local(self, **over: Any) -> BaseSpec:
        """A local runner with the container; its account is named."""
        given: dict[str, Any] = {
            "name": "dev",
            "type": "local",
            "artifact_store": f"abfs://{CONTAINER}@{ACCOUNT}.dfs.core.windows.net",
            "subscription_id": self.azure.subscription_id,
            "region": LOCATION,
            "credentials": f"azure-service-principal:{self.azure.tenant_id}:"
            f"{self.azure.client_id}:{self.azure.client_secret}",
        }
        return from_mapping({k: v for k, v in {**given, **over}.items() if v is not None})

    def azureml(self, **over: Any) -> BaseSpec:
        """Jobs in the workspace, with the container and the registry."""
        return self.local(
            **{
                "name": "prod",
                "type": "azureml",
                "resource_group": GROUP,
                "workspace": "team-ml",
                "container_registry": "team.azurecr.io",
                **over,
            }
        )

    def kubernetes(self, **over: Any) -> BaseSpec:
        """Pods of the cluster, with the container and the registry."""
        return self.local(
            **{
                "name": "prod",
                "type": "kubernetes",
                "resource_group": GROUP,
                "cluster": "prod",
                "container_registry": "team.azurecr.io",
                **over,
            }
        )

    # -- what is found

    def report(self, spec: BaseSpec, **options: Any) -> tuple[CheckResult, ...]:
        """Run all checks of a description."""
        found = checks_for(spec, timeout=self.timeout, **options)
        return run_checks(found, self.timeout + 1)

    def check(self, spec: BaseSpec, name: str, **options: Any) -> CheckResult:
        """Run one check of a description."""
        found = [
            one for one in checks_for(spec, timeout=self.timeout, **options) if one.info.id == name
        ]
        (result,) = run_checks(found, self.timeout + 1)
        return result


def ended(results: Sequence[CheckResult] | CheckReport) -> dict[str, CheckStatus]:
    """How each check ended."""
    found = results.results if isinstance(results, CheckReport) else results
    return {result.id: result.status for result in found}
