"""The URIs of a description, parsed once into typed values; `str` gives the canonical text back."""

from __future__ import annotations

from kitaru_iac.spec.refusal import UriError
from kitaru_iac.spec.registry_uris import (
    AcrUri,
    ArtifactRegistryUri,
    EcrUri,
    GcrUri,
    OtherRegistryUri,
    RegistryUri,
    parse_container_registry,
)
from kitaru_iac.spec.store_uris import (
    ArtifactStoreUri,
    AzureBlobUri,
    GcsUri,
    LocalPath,
    S3Uri,
    parse_artifact_store,
)

__all__ = [
    "AcrUri",
    "ArtifactRegistryUri",
    "ArtifactStoreUri",
    "AzureBlobUri",
    "EcrUri",
    "GcrUri",
    "GcsUri",
    "LocalPath",
    "OtherRegistryUri",
    "RegistryUri",
    "S3Uri",
    "UriError",
    "parse_artifact_store",
    "parse_container_registry",
]
