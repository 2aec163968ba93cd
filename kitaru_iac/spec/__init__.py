"""The description of a stack: what somebody asked for, checked.

Names are imported when they are first used, so that this package costs nothing: the file reader
needs PyYAML. Nothing here imports ZenML, Pulumi or a cloud's SDK.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

# Not lazily: a module and a function of one name, and the later one to come would win.
from kitaru_iac.spec.suggest import suggest

if TYPE_CHECKING:
    from kitaru_iac.spec.credentials import (
        Credentials,
        CredentialsError,
        parse_credentials,
        resolve_source,
    )
    from kitaru_iac.spec.kinds import Cloud, InfraMode, ResourceMode, StackType
    from kitaru_iac.spec.loading import from_given, from_mapping, load, merge, to_mapping
    from kitaru_iac.spec.model import (
        AzuremlSpec,
        BaseSpec,
        Extra,
        KubernetesSpec,
        LocalSpec,
        SagemakerSpec,
        StackSpec,
        VertexSpec,
    )
    from kitaru_iac.spec.refusal import Refusal
    from kitaru_iac.spec.schema import json_schema
    from kitaru_iac.spec.uris import (
        AcrUri,
        ArtifactRegistryUri,
        ArtifactStoreUri,
        AzureBlobUri,
        EcrUri,
        GcrUri,
        GcsUri,
        LocalPath,
        OtherRegistryUri,
        RegistryUri,
        S3Uri,
        UriError,
        parse_artifact_store,
        parse_container_registry,
    )

__all__ = [
    "AcrUri",
    "ArtifactRegistryUri",
    "ArtifactStoreUri",
    "AzureBlobUri",
    "AzuremlSpec",
    "BaseSpec",
    "Cloud",
    "Credentials",
    "CredentialsError",
    "EcrUri",
    "Extra",
    "GcrUri",
    "GcsUri",
    "InfraMode",
    "KubernetesSpec",
    "LocalPath",
    "LocalSpec",
    "OtherRegistryUri",
    "Refusal",
    "RegistryUri",
    "ResourceMode",
    "S3Uri",
    "SagemakerSpec",
    "StackSpec",
    "StackType",
    "UriError",
    "VertexSpec",
    "from_given",
    "from_mapping",
    "json_schema",
    "load",
    "merge",
    "parse_artifact_store",
    "parse_container_registry",
    "parse_credentials",
    "resolve_source",
    "suggest",
    "to_mapping",
]

_HOMES = {
    "credentials": "Credentials CredentialsError parse_credentials resolve_source",
    "kinds": "Cloud InfraMode ResourceMode StackType",
    "loading": "from_given from_mapping load merge to_mapping",
    "model": (
        "AzuremlSpec BaseSpec Extra KubernetesSpec LocalSpec SagemakerSpec StackSpec VertexSpec"
    ),
    "refusal": "Refusal",
    "schema": "json_schema",
    "uris": (
        "AcrUri ArtifactRegistryUri ArtifactStoreUri AzureBlobUri EcrUri GcrUri GcsUri LocalPath "
        "OtherRegistryUri RegistryUri S3Uri UriError parse_artifact_store parse_container_registry"
    ),
}
_MODULES = {name: module for module, names in _HOMES.items() for name in names.split()}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
