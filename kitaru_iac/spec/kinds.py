"""The closed sets of words in a description: stack types, clouds, infrastructure modes."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

__all__ = [
    "OTHER_WORDS_FOR_TYPES",
    "RUNNING_IN",
    "Cloud",
    "InfraMode",
    "ResourceMode",
    "StackType",
]


class StackType(StrEnum):
    """Where the flows of a stack run."""

    LOCAL = "local"
    KUBERNETES = "kubernetes"
    VERTEX = "vertex"
    SAGEMAKER = "sagemaker"
    AZUREML = "azureml"


class Cloud(StrEnum):
    """Whose infrastructure a stack stands on."""

    AWS = "aws"
    GCP = "gcp"
    AZURE = "azure"

    @property
    def label(self) -> str:
        """The name as it is written in a sentence: ``AWS``, ``GCP``, ``Azure``."""
        return "Azure" if self is Cloud.AZURE else self.value.upper()


class InfraMode(StrEnum):
    """What is done about the infrastructure that a description names."""

    NONE = "none"
    VERIFY = "verify"
    PROVISION = "provision"


class ResourceMode(StrEnum):
    """What is done about one resource, where it differs from the mode of the whole."""

    EXISTING = "existing"
    CREATE = "create"
    SKIP = "skip"


#: What other tools call these types.
OTHER_WORDS_FOR_TYPES: Mapping[str, StackType] = {
    "k8s": StackType.KUBERNETES,
    "kube": StackType.KUBERNETES,
    "eks": StackType.KUBERNETES,
    "gke": StackType.KUBERNETES,
    "aks": StackType.KUBERNETES,
    "vertexai": StackType.VERTEX,
    "vertex_ai": StackType.VERTEX,
    "gcp": StackType.VERTEX,
    "aws": StackType.SAGEMAKER,
    "azure": StackType.AZUREML,
    "azure_ml": StackType.AZUREML,
}

#: Where the flows of each type run, in a sentence.
RUNNING_IN: Mapping[StackType, str] = {
    StackType.LOCAL: "The flows run on the machine that starts them.",
    StackType.KUBERNETES: "They run in a cluster: EKS, GKE or AKS.",
    StackType.VERTEX: "They run in Google's Vertex AI.",
    StackType.SAGEMAKER: "They run in Amazon SageMaker.",
    StackType.AZUREML: "They run in an Azure Machine Learning workspace.",
}
