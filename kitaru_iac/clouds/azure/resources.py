"""What a description names in Azure: the subscription, container, registry, workspace, cluster."""

from __future__ import annotations

from dataclasses import dataclass

from kitaru_iac.checks.cluster_rights import ClusterRight, rights_for
from kitaru_iac.checks.pods import (
    POD_ACCOUNTS,
    PodSettings,
    named_account,
    pod_accounts,
    pods_of,
    required_accounts,
)
from kitaru_iac.checks.pull_secrets import ForeignPull, foreign_pull
from kitaru_iac.clouds.existing import without_absent
from kitaru_iac.spec.kinds import Cloud, StackType
from kitaru_iac.spec.model import AzuremlSpec, BaseSpec, KubernetesSpec
from kitaru_iac.spec.uris import AcrUri, AzureBlobUri

__all__ = ["AzureResources", "azure_resources", "existing", "location_of"]


@dataclass(frozen=True, slots=True)
class AzureResources:
    """The named things of one description. None is what it does not name.

    Attributes:
        stack: The stack's name.
        type: The stack's type.
        subscription: Its id; without one it is the only one that the credentials see.
        group: The resource group of the workspace or cluster.
        location: Where the stack runs, as ``westeurope``.
        container: The blob container of the artifact store.
        account: The storage account, where the store's URI names it.
        registry: The login server of the registry, as ``team.azurecr.io``.
        workspace: The AzureML workspace.
        cluster: The AKS cluster.
        namespace: Where its pods run.
        rights: What ZenML does in the namespace.
        pod_accounts: What the pods of the orchestrator and of the steps run as there.
        pods: What its pods ask of nodes, each way once.
        foreign: How they pull, where the registry is not Azure's.
    """

    stack: str
    type: StackType
    subscription: str | None = None
    group: str | None = None
    location: str | None = None
    container: str | None = None
    account: str | None = None
    registry: str | None = None
    workspace: str | None = None
    cluster: str | None = None
    namespace: str = "default"
    rights: tuple[ClusterRight, ...] = ()
    pod_accounts: tuple[str, ...] = POD_ACCOUNTS
    pods: tuple[PodSettings, ...] = (PodSettings(),)
    foreign: ForeignPull | None = None

    @property
    def store(self) -> str:
        """The container with its account, in words."""
        return f"{self.container} in {self.account}" if self.account else str(self.container)

    @property
    def named_account(self) -> str | None:
        """The service account of the orchestrator's pod, if it is named and not in a secret."""
        return named_account(self.pod_accounts, self.rights)

    @property
    def required_accounts(self) -> tuple[str, ...]:
        """The service accounts that have to be there, or to have rights that are not ZenML's."""
        return required_accounts(self.pod_accounts, self.rights)


def azure_resources(spec: BaseSpec) -> AzureResources:
    """What the description names, be it there already or to be created."""
    store = spec.artifact_store if isinstance(spec.artifact_store, AzureBlobUri) else None
    registry = spec.container_registry if isinstance(spec.container_registry, AcrUri) else None
    namespace = spec.namespace if isinstance(spec, KubernetesSpec) else "default"
    orchestrator = spec.extra.orchestrator
    wanted = orchestrator.get("kubernetes_namespace")
    return AzureResources(
        stack=spec.name,
        type=spec.type,
        subscription=getattr(spec, "subscription_id", None),
        group=getattr(spec, "resource_group", None),
        location=spec.region,
        container=store.container if store else None,
        account=store.account if store else None,
        registry=registry.host if registry else None,
        workspace=spec.workspace if isinstance(spec, AzuremlSpec) else None,
        cluster=spec.cluster if isinstance(spec, KubernetesSpec) else None,
        namespace=str(wanted or namespace),
        rights=rights_for(orchestrator) if isinstance(spec, KubernetesSpec) else (),
        pod_accounts=pod_accounts(orchestrator),
        pods=pods_of(orchestrator),
        foreign=foreign_pull(spec, Cloud.AZURE),
    )


def existing(spec: BaseSpec) -> AzureResources:
    """What the description says is there: without what it wants created or skipped.

    The group stays: a cluster or a workspace that is there lies in it, and without one of them
    nobody looks at the group itself.
    """
    fields = {
        "bucket": "container",
        "registry": "registry",
        "cluster": "cluster",
        "workspace": "workspace",
    }
    return without_absent(azure_resources(spec), spec, fields)


def location_of(name: str) -> str:
    """Write a location as Azure's APIs do: ``West Europe`` is ``westeurope``."""
    return name.replace(" ", "").lower()
