"""The description of a stack, checked: one model per type.

The models hold what :mod:`kitaru_iac.spec.rules` made of the values, so that a description is
right however it was made: by `load`, by `from_mapping`, or by a model's own constructor. All three
raise :class:`~kitaru_iac.errors.DescriptionError` with every problem of a wrong one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, model_validator
from pydantic_core import CoreSchema, core_schema
from pydantic_core.core_schema import ValidationInfo

from kitaru_iac.errors import DescriptionError, Problem
from kitaru_iac.spec import rules
from kitaru_iac.spec.clouds import cloud_of
from kitaru_iac.spec.credentials import Credentials
from kitaru_iac.spec.fields import describe
from kitaru_iac.spec.kinds import Cloud, InfraMode, ResourceMode, StackType
from kitaru_iac.spec.uris import (
    ArtifactRegistryUri,
    ArtifactStoreUri,
    GcrUri,
    RegistryUri,
)

__all__ = [
    "SPEC_CLASSES",
    "AzuremlSpec",
    "BaseSpec",
    "Extra",
    "KubernetesSpec",
    "LocalSpec",
    "SagemakerSpec",
    "StackSpec",
    "VertexSpec",
]


class _AsItIs:
    """Pydantic keeps the value untouched: it was checked, and a copy would lose its type."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        del source, handler
        return core_schema.any_schema()


@dataclass(frozen=True, slots=True)
class Extra:
    """Further fields of the ZenML components, by the component they belong to."""

    orchestrator: dict[str, Any] = field(default_factory=dict)
    artifact_store: dict[str, Any] = field(default_factory=dict)
    container_registry: dict[str, Any] = field(default_factory=dict)


class BaseSpec(BaseModel):
    """What all types have. Values are given as in YAML, or already parsed.

    Attributes:
        credentials: None means the cloud's implicit ones, or those of `connector`.
        connector: The name or id of an existing one; excludes `credentials`.
        async_: Its effect is already in `extra.orchestrator`.
        resources: By name: ``bucket``, ``registry``, ``role``, ``cluster``, ``workspace``.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, arbitrary_types_allowed=True
    )
    STACK_TYPE: ClassVar[StackType]

    name: str = Field(description=describe("name"))
    type: StackType = Field(description=describe("type"))
    artifact_store: Annotated[ArtifactStoreUri | None, _AsItIs()] = Field(
        default=None, description=describe("artifact_store")
    )
    container_registry: Annotated[RegistryUri | None, _AsItIs()] = Field(
        default=None, description=describe("container_registry")
    )
    region: str | None = Field(default=None, description=describe("region"))
    project: str | None = Field(default=None, description=describe("project"))
    credentials: Annotated[Credentials | None, _AsItIs()] = Field(
        default=None, description=describe("credentials")
    )
    connector: str | None = Field(default=None, description=describe("connector"))
    verify: bool = Field(default=True, description=describe("verify"))
    activate: bool = Field(default=True, description=describe("activate"))
    async_: bool = Field(default=False, alias="async", description=describe("async"))
    extra: Annotated[Extra, _AsItIs()] = Field(default_factory=Extra, description=describe("extra"))
    infra: InfraMode = Field(default=InfraMode.NONE, description=describe("infra"))
    resources: dict[str, ResourceMode] = Field(
        default_factory=dict, description=describe("resources")
    )

    @model_validator(mode="before")
    @classmethod
    def _checked(cls, data: Any, info: ValidationInfo) -> Any:
        if not isinstance(data, Mapping):
            return data
        given = {"async" if key == "async_" else key: value for key, value in data.items()}
        # Left out, `local` is only assumed; `rules` says so where another type was meant.
        if given.get("type") is None and cls.STACK_TYPE is not StackType.LOCAL:
            given["type"] = cls.STACK_TYPE
        other = given.get("type")
        if isinstance(other, str) and other.strip() and other != cls.STACK_TYPE:
            what = f"{cls.__name__} is of type {cls.STACK_TYPE}"
            raise DescriptionError([Problem("type", what, remedy="Use `from_mapping`.")])
        context = info.context or {}
        values = rules.check(given, context.get("origins"), stdin=context.get("stdin"))
        extra = values.pop("extra", {})
        return {**values, "extra": Extra(**extra)}

    @property
    def cloud(self) -> Cloud | None:
        """The cloud that the stack stands on; None for a stack that is all on this machine."""
        return cloud_of(
            self.type,
            self.artifact_store,
            self.container_registry,
            region=self.region,
            project=self.project,
            subscription_id=getattr(self, "subscription_id", None),
        )

    @property
    def gcp_project(self) -> str | None:
        """The GCP project: `project`, else the one that the registry's URI names."""
        if isinstance(self.container_registry, ArtifactRegistryUri | GcrUri):
            return self.project or self.container_registry.project
        return self.project


class LocalSpec(BaseSpec):
    """Flows run on this machine; artifacts lie here too, or in a cloud's bucket.

    Attributes:
        subscription_id: With an Azure artifact store, where the connector sees several.
        resource_group: With an Azure artifact store.
    """

    STACK_TYPE = StackType.LOCAL

    type: Literal[StackType.LOCAL] = StackType.LOCAL
    subscription_id: str | None = Field(default=None, description=describe("subscription_id"))
    resource_group: str | None = Field(default=None, description=describe("resource_group"))


class KubernetesSpec(BaseSpec):
    """Flows run as pods of an EKS, GKE or AKS cluster.

    Attributes:
        cluster: None where it is to be provisioned and named from the stack.
        subscription_id: On Azure only, and always there.
        resource_group: On Azure only, and always there.
    """

    STACK_TYPE = StackType.KUBERNETES

    type: Literal[StackType.KUBERNETES] = StackType.KUBERNETES
    cluster: str | None = Field(default=None, description=describe("cluster"))
    namespace: str = Field(default="default", description=describe("namespace"))
    subscription_id: str | None = Field(default=None, description=describe("subscription_id"))
    resource_group: str | None = Field(default=None, description=describe("resource_group"))


class VertexSpec(BaseSpec):
    """Flows run as Vertex AI pipelines."""

    STACK_TYPE = StackType.VERTEX

    type: Literal[StackType.VERTEX] = StackType.VERTEX
    region: str = Field(description=describe("region"))


class SagemakerSpec(BaseSpec):
    """Flows run as SageMaker pipelines.

    Attributes:
        execution_role: None where it is to be provisioned and named from the stack.
    """

    STACK_TYPE = StackType.SAGEMAKER

    type: Literal[StackType.SAGEMAKER] = StackType.SAGEMAKER
    region: str = Field(description=describe("region"))
    execution_role: str | None = Field(default=None, description=describe("execution_role"))


class AzuremlSpec(BaseSpec):
    """Flows run as Azure Machine Learning jobs; `region` is the workspace's location.

    Attributes:
        workspace: None where it is to be provisioned and named from the stack.
    """

    STACK_TYPE = StackType.AZUREML

    type: Literal[StackType.AZUREML] = StackType.AZUREML
    subscription_id: str = Field(description=describe("subscription_id"))
    resource_group: str = Field(description=describe("resource_group"))
    workspace: str | None = Field(default=None, description=describe("workspace"))


StackSpec = LocalSpec | KubernetesSpec | VertexSpec | SagemakerSpec | AzuremlSpec

#: The model of each type.
SPEC_CLASSES: Mapping[
    StackType,
    type[LocalSpec]
    | type[KubernetesSpec]
    | type[VertexSpec]
    | type[SagemakerSpec]
    | type[AzuremlSpec],
] = {
    StackType.LOCAL: LocalSpec,
    StackType.KUBERNETES: KubernetesSpec,
    StackType.VERTEX: VertexSpec,
    StackType.SAGEMAKER: SagemakerSpec,
    StackType.AZUREML: AzuremlSpec,
}
