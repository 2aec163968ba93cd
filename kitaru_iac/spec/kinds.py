"""The words a description is made of."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Cloud", "InfraMode", "StackType"]


class StackType(StrEnum):
    """Where a stack's flows run."""

    LOCAL = "local"
    KUBERNETES = "kubernetes"
    VERTEX = "vertex"
    SAGEMAKER = "sagemaker"
    AZUREML = "azureml"


class Cloud(StrEnum):
    """Whose infrastructure a stack uses."""

    AWS = "aws"
    GCP = "gcp"
    AZURE = "azure"


class InfraMode(StrEnum):
    """What is done about the infrastructure before the stack is registered.

    ``none`` takes it as given, ``verify`` looks whether it is fit, ``provision`` creates it.
    """

    NONE = "none"
    VERIFY = "verify"
    PROVISION = "provision"
