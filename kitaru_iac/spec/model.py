"""The description of a stack, checked: one model per type.

The models hold what :mod:`kitaru_iac.spec.rules` made of the values, so that a description is
right however it was made: by `load`, by `from_mapping`, or by a model's own constructor. All three
raise :class:`~kitaru_iac.errors.DescriptionError` with every problem of a wrong one.

Their attributes are in :mod:`kitaru_iac.spec._model_fields`, written from the table of fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self, TextIO

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
from kitaru_iac.spec.draft import Origins
from kitaru_iac.spec.extras import Extra
from kitaru_iac.spec.fields import FIELDS
from kitaru_iac.spec.kinds import Cloud, StackType
from kitaru_iac.spec.uris import ArtifactRegistryUri, GcrUri
from kitaru_iac.values import fields

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
        resources: By name: ``bucket``, ``registry``, ``role``, ``cluster``, ``workspace``,
            ``group``, ``connector``.
    """

    __slots__ = ()
    STACK_TYPE: ClassVar[StackType]

    def __init__(self, **given: Any) -> None:
        super().__init__(**self._values(given))

    @classmethod
    def checked(
        cls, given: Mapping[str, Any], origins: Origins | None = None, stdin: TextIO | None = None
    ) -> Self:
        """Make a description of values, as the constructor does.

        Args:
            given: The values by key, raw or parsed; None means not given.
            origins: Where they were written, for the problems' sources.
            stdin: What ``credentials: -`` reads; this process's own by default.

        Raises:
            DescriptionError: With every problem that was found.
        """
        return cls._made(cls._values(given, origins, stdin))

    def having(self, **values: Any) -> Self:
        """Make the same description with other values, which are parsed and not checked again."""
        kept = {one.name: getattr(self, one.name) for one in fields(self)}
        return self._made({**kept, **values})

    @classmethod
    def _made(cls, values: Mapping[str, Any]) -> Self:
        made = cls.__new__(cls)
        super(BaseSpec, made).__init__(**values)
        return made

    @classmethod
    def _values(
        cls,
        raw: Mapping[str, Any],
        origins: Origins | None = None,
        stdin: TextIO | None = None,
    ) -> dict[str, Any]:
        """The parsed values by attribute."""
        given: dict[str, Any] = {_KEYS.get(name) or name: value for name, value in raw.items()}
        # Left out, `local` is only assumed; `rules` says so where another type was meant.
        if given.get("type") is None and cls.STACK_TYPE is not StackType.LOCAL:
            given["type"] = cls.STACK_TYPE
        other = given.get("type")
        if isinstance(other, str) and other.strip() and other != cls.STACK_TYPE:
            what = f"{cls.__name__} is of type {cls.STACK_TYPE}"
            raise DescriptionError([Problem("type", what, remedy="Use `from_mapping`.")])
        values = rules.check(given, origins, stdin=stdin)
        parsed = {FIELDS[key].attribute: value for key, value in values.items()}
        return {**parsed, "extra": Extra(**values.get("extra", {}))}

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


class LocalSpec(BaseSpec, LocalFields):
    """Flows run on this machine; artifacts lie here too, or in a cloud's bucket.

    Attributes:
        subscription_id: With an Azure artifact store, where the connector sees several.
        resource_group: With an Azure artifact store.
    """

    __slots__ = ()
    STACK_TYPE = StackType.LOCAL


class KubernetesSpec(BaseSpec, KubernetesFields):
    """Flows run as pods of an EKS, GKE or AKS cluster.

    Attributes:
        cluster: None where it is to be provisioned and named from the stack.
        subscription_id: On Azure only, and always there.
        resource_group: On Azure only, and always there.
    """

    __slots__ = ()
    STACK_TYPE = StackType.KUBERNETES


class VertexSpec(BaseSpec, VertexFields):
    """Flows run as Vertex AI pipelines."""

    __slots__ = ()
    STACK_TYPE = StackType.VERTEX


class SagemakerSpec(BaseSpec, SagemakerFields):
    """Flows run as SageMaker pipelines.

    Attributes:
        execution_role: None where it is to be provisioned and named from the stack.
    """

    __slots__ = ()
    STACK_TYPE = StackType.SAGEMAKER


class AzuremlSpec(BaseSpec, AzuremlFields):
    """Flows run as Azure Machine Learning jobs; `region` is the workspace's location.

    Attributes:
        workspace: None where it is to be provisioned and named from the stack.
    """

    __slots__ = ()
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
