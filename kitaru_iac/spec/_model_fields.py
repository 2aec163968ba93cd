"""The attributes of the models of descriptions.

Written by scripts/generate from the table of fields; changes here are lost.
"""

from __future__ import annotations

from typing import Literal

from kitaru_iac.spec.annotations import Labels, Paths
from kitaru_iac.spec.credentials import Credentials
from kitaru_iac.spec.extras import Extra
from kitaru_iac.spec.infrastructure import Infrastructure
from kitaru_iac.spec.kinds import InfraMode, ResourceMode, StackType
from kitaru_iac.spec.uris import ArtifactStoreUri, RegistryUri
from kitaru_iac.values import dataclass, field

__all__ = [
    "AzuremlFields",
    "CommonFields",
    "KubernetesFields",
    "LocalFields",
    "SagemakerFields",
    "VertexFields",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class CommonFields:
    """What a description of every type has."""

    name: str
    type: StackType
    artifact_store: ArtifactStoreUri | None = None
    container_registry: RegistryUri | None = None
    region: str | None = None
    project: str | None = None
    credentials: Credentials | None = None
    connector: str | None = None
    verify: bool = True
    activate: bool = True
    async_: bool = False
    extra: Extra = field(default_factory=Extra)
    infra: InfraMode = InfraMode.NONE
    resources: dict[str, ResourceMode] = field(default_factory=dict)
    infrastructure: Infrastructure = field(default_factory=Infrastructure)
    description: str | None = None
    labels: Labels = field(default_factory=Labels)
    ignore_changes: Paths = field(default_factory=Paths)


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalFields(CommonFields):
    """What a description of type local has."""

    type: Literal[StackType.LOCAL] = StackType.LOCAL
    subscription_id: str | None = None
    resource_group: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KubernetesFields(CommonFields):
    """What a description of type kubernetes has."""

    type: Literal[StackType.KUBERNETES] = StackType.KUBERNETES
    cluster: str | None = None
    namespace: str = "default"
    subscription_id: str | None = None
    resource_group: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VertexFields(CommonFields):
    """What a description of type vertex has."""

    type: Literal[StackType.VERTEX] = StackType.VERTEX
    region: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SagemakerFields(CommonFields):
    """What a description of type sagemaker has."""

    type: Literal[StackType.SAGEMAKER] = StackType.SAGEMAKER
    region: str
    execution_role: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AzuremlFields(CommonFields):
    """What a description of type azureml has."""

    type: Literal[StackType.AZUREML] = StackType.AZUREML
    subscription_id: str
    resource_group: str
    workspace: str | None = None
