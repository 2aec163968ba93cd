"""Everything that is asked of Azure for one stack: operations and nothing else, no evaluation."""

from __future__ import annotations

from kitaru_iac.checks.probes import Probe
from kitaru_iac.clouds.azure.observations import Raw
from kitaru_iac.clouds.azure.probes_bucket import BucketProbes
from kitaru_iac.clouds.azure.probes_cluster import ClusterProbes
from kitaru_iac.clouds.azure.probes_common import VERSIONS
from kitaru_iac.clouds.azure.probes_registry import RegistryProbes
from kitaru_iac.clouds.azure.probes_workspace import WorkspaceProbes
from kitaru_iac.clouds.azure.resources import AzureResources
from kitaru_iac.clouds.azure.session import AzureAccess

__all__ = ["AzureProbes"]


class AzureProbes(BucketProbes, RegistryProbes, WorkspaceProbes, ClusterProbes):
    """The probes of one run. Each is an object, asked once however many checks use it."""

    def __init__(self, azure: AzureAccess, resources: AzureResources) -> None:
        super().__init__(azure, resources)
        self._ask_bucket()
        self._ask_registry()
        self._ask_workspace()
        self._ask_cluster()
        self.group = self._below(
            "Microsoft.Resources/subscriptions/resourceGroups/read",
            lambda where: azure.resource(
                f"{where}/resourceGroups/{resources.group}",
                VERSIONS["microsoft.resources"],
                about=f"the resource group {resources.group}",
            ),
        )

    def provider(self, namespace: str) -> Probe[Raw]:
        """A probe of a resource provider's registration in the subscription."""
        return self._below(
            f"Microsoft.Resources/subscriptions/providers/read of {namespace}",
            lambda where: self._azure.resource(
                f"{where}/providers/{namespace}",
                VERSIONS["microsoft.resources"],
                about=f"the resource provider {namespace}",
            ),
        )
