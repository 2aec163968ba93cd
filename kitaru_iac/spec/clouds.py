"""Which cloud a description is about."""

from __future__ import annotations

from kitaru_iac.spec import regions
from kitaru_iac.spec.kinds import Cloud, StackType
from kitaru_iac.spec.uris import ArtifactStoreUri, RegistryUri

__all__ = ["FIXED_CLOUDS", "cloud_of"]

#: The types that exist in one cloud only.
FIXED_CLOUDS = {
    StackType.VERTEX: Cloud.GCP,
    StackType.SAGEMAKER: Cloud.AWS,
    StackType.AZUREML: Cloud.AZURE,
}


def cloud_of(
    type: StackType,
    artifact_store: ArtifactStoreUri | None,
    container_registry: RegistryUri | None,
    *,
    region: str | None = None,
    project: str | None = None,
    subscription_id: str | None = None,
) -> Cloud | None:
    """The cloud of a stack: of its type, else of its artifact store, else of what else is known.

    The region decides last, and only where buckets are still to be named (``infra: provision``).
    """
    if type in FIXED_CLOUDS:
        return FIXED_CLOUDS[type]
    for uri in (artifact_store, container_registry):
        if uri is not None and uri.cloud:
            return uri.cloud
    if type is StackType.LOCAL:
        return None
    if subscription_id:
        return Cloud.AZURE
    if project:
        return Cloud.GCP
    return regions.cloud_of_region(region) if region else None
