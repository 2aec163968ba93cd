"""The description of a stack, checked: one model per type.

The models hold what :mod:`kitaru_iac.spec.rules` made of the values, so that a description is
right however it was made: by `load`, by `from_mapping`, or by a model's own constructor. All three
raise :class:`~kitaru_iac.errors.DescriptionError` with every problem of a wrong one.

Their attributes are in :mod:`kitaru_iac.spec._model_fields`, written from the table of fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import model_validator
from pydantic_core.core_schema import ValidationInfo

from kitaru_iac.errors import DescriptionError, Problem
from kitaru_iac.spec import rules
from kitaru_iac.spec._model_fields import (
    AzuremlFields,
    CommonFields,
    KubernetesFields,
    LocalFields,
    SagemakerFields,
    VertexFields,
)
from kitaru_iac.spec.clouds import cloud_of
from kitaru_iac.spec.extras import Extra
from kitaru_iac.spec.fields import FIELDS
from kitaru_iac.spec.kinds import Cloud, StackType
from kitaru_iac.spec.uris import ArtifactRegistryUri, GcrUri

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

#: Keys by their names in Python.
_KEYS = {info.attribute: key for key, info in FIELDS.items()}


class BaseSpec(CommonFields):
    """What all types have. Values are given as in YAML, or already parsed.

    Attributes:
        credentials: None means the cloud's implicit ones, or those of `connector`.
        connector: The name or id of an existing one; excludes `credentials`.
        async_: Its effect is already in `extra.orchestrator`.
        resources: By name: ``bucket``, ``registry``, ``role``, ``cluster``, ``workspace``.
    """

    STACK_TYPE: ClassVar[StackType]

    @model_validator(mode="before")
    @classmethod
    def _checked(cls, data: Any, info: ValidationInfo) -> Any:
        if not isinstance(data, Mapping):
            return data
        given: dict[str, Any] = {_KEYS.get(name) or name: value for name, value in data.items()}
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


class LocalSpec(LocalFields, BaseSpec):
    """Flows run on this machine; artifacts lie here too, or in a cloud's bucket.

    Attributes:
        subscription_id: With an Azure artifact store, where the connector sees several.
        resource_group: With an Azure artifact store.
    """

    STACK_TYPE = StackType.LOCAL


class KubernetesSpec(KubernetesFields, BaseSpec):
    """Flows run as pods of an EKS, GKE or AKS cluster.

    Attributes:
        cluster: None where it is to be provisioned and named from the stack.
        subscription_id: On Azure only, and always there.
        resource_group: On Azure only, and always there.
    """

    STACK_TYPE = StackType.KUBERNETES


class VertexSpec(VertexFields, BaseSpec):
    """Flows run as Vertex AI pipelines."""

    STACK_TYPE = StackType.VERTEX


class SagemakerSpec(SagemakerFields, BaseSpec):
    """Flows run as SageMaker pipelines.

    Attributes:
        execution_role: None where it is to be provisioned and named from the stack.
    """

    STACK_TYPE = StackType.SAGEMAKER


class AzuremlSpec(AzuremlFields, BaseSpec):
    """Flows run as Azure Machine Learning jobs; `region` is the workspace's location.

    Attributes:
        workspace: None where it is to be provisioned and named from the stack.
    """

    STACK_TYPE = StackType.AZUREML


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
