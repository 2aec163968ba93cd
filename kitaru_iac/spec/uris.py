"""The URIs of a description, parsed once into typed values; `str` gives the canonical text back."""

from __future__ import annotations

from kitaru_iac.spec.clouds.aws.uris import EcrUri, S3Uri
from kitaru_iac.spec.clouds.azure.uris import AcrUri, AzureBlobUri
from kitaru_iac.spec.clouds.gcp.uris import ArtifactRegistryUri, GcrUri, GcsUri
from kitaru_iac.spec.refusal import UriError
from kitaru_iac.spec.registry_uris import OtherRegistryUri, RegistryUri, parse_container_registry
from kitaru_iac.spec.store_uris import ArtifactStoreUri, LocalPath, parse_artifact_store

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
