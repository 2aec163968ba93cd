"""The attributes of the models of descriptions.

Written by scripts/generate from the table of fields; changes here are lost.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from kitaru_iac.spec.annotations import Labels, Paths
from kitaru_iac.spec.credentials import Credentials
from kitaru_iac.spec.extras import Extra
from kitaru_iac.spec.infrastructure import Infrastructure
from kitaru_iac.spec.kinds import InfraMode, ResourceMode, StackType
from kitaru_iac.spec.modelling import FrozenModel, Opaque
from kitaru_iac.spec.uris import ArtifactStoreUri, RegistryUri
from kitaru_iac.spec.wording import describe

__all__ = [
    "AzuremlFields",
    "CommonFields",
    "KubernetesFields",
    "LocalFields",
    "SagemakerFields",
    "VertexFields",
]


class CommonFields(FrozenModel):
    """What a description of every type has."""

    name: str = Field(
        description=describe("name"),
    )
    type: StackType = Field(
        description=describe("type"),
    )
    artifact_store: Annotated[ArtifactStoreUri | None, Opaque()] = Field(
        default=None,
        description=describe("artifact_store"),
    )
    container_registry: Annotated[RegistryUri | None, Opaque()] = Field(
        default=None,
        description=describe("container_registry"),
    )
    region: str | None = Field(
        default=None,
        description=describe("region"),
    )
    project: str | None = Field(
        default=None,
        description=describe("project"),
    )
    credentials: Annotated[Credentials | None, Opaque()] = Field(
        default=None,
        description=describe("credentials"),
    )
    connector: str | None = Field(
        default=None,
        description=describe("connector"),
    )
    verify: bool = Field(
        default=True,
        description=describe("verify"),
    )
    activate: bool = Field(
        default=True,
        description=describe("activate"),
    )
    async_: bool = Field(
        default=False,
        alias="async",
        description=describe("async"),
    )
    extra: Annotated[Extra, Opaque()] = Field(
        default_factory=Extra,
        description=describe("extra"),
    )
    infra: InfraMode = Field(
        default=InfraMode.NONE,
        description=describe("infra"),
    )
    resources: dict[str, ResourceMode] = Field(
        default_factory=dict,
        description=describe("resources"),
    )
    infrastructure: Annotated[Infrastructure, Opaque()] = Field(
        default_factory=Infrastructure,
        description=describe("infrastructure"),
    )
    description: str | None = Field(
        default=None,
        description=describe("description"),
    )
    labels: Annotated[Labels, Opaque()] = Field(
        default_factory=Labels,
        description=describe("labels"),
    )
    ignore_changes: Annotated[Paths, Opaque()] = Field(
        default_factory=Paths,
        description=describe("ignore_changes"),
    )


class LocalFields(CommonFields):
    """What a description of type local has."""

    type: Literal[StackType.LOCAL] = StackType.LOCAL
    subscription_id: str | None = Field(
        default=None,
        description=describe("subscription_id"),
    )
    resource_group: str | None = Field(
        default=None,
        description=describe("resource_group"),
    )


class KubernetesFields(CommonFields):
    """What a description of type kubernetes has."""

    type: Literal[StackType.KUBERNETES] = StackType.KUBERNETES
    cluster: str | None = Field(
        default=None,
        description=describe("cluster"),
    )
    namespace: str = Field(
        default="default",
        description=describe("namespace"),
    )
    subscription_id: str | None = Field(
        default=None,
        description=describe("subscription_id"),
    )
    resource_group: str | None = Field(
        default=None,
        description=describe("resource_group"),
    )


class VertexFields(CommonFields):
    """What a description of type vertex has."""

    type: Literal[StackType.VERTEX] = StackType.VERTEX
    region: str = Field(
        description=describe("region"),
    )


class SagemakerFields(CommonFields):
    """What a description of type sagemaker has."""

    type: Literal[StackType.SAGEMAKER] = StackType.SAGEMAKER
    region: str = Field(
        description=describe("region"),
    )
    execution_role: str | None = Field(
        default=None,
        description=describe("execution_role"),
    )


class AzuremlFields(CommonFields):
    """What a description of type azureml has."""

    type: Literal[StackType.AZUREML] = StackType.AZUREML
    subscription_id: str = Field(
        description=describe("subscription_id"),
    )
    resource_group: str = Field(
        description=describe("resource_group"),
    )
    workspace: str | None = Field(
        default=None,
        description=describe("workspace"),
    )
