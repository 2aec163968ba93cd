"""The clouds in a description: one module each, and which of them a description is about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from kitaru_iac.spec.clouds import aws, azure, gcp
from kitaru_iac.spec.clouds.vocabulary import Regions, Vocabulary
from kitaru_iac.spec.kinds import Cloud, StackType
from kitaru_iac.spec.names import eks_cluster

__all__ = [
    "FIXED_CLOUDS",
    "VOCABULARIES",
    "Regions",
    "Vocabulary",
    "cloud_of",
    "cloud_of_region",
    "cluster_name",
]

#: The words of each cloud.
VOCABULARIES: Mapping[Cloud, Vocabulary] = {
    module.VOCABULARY.cloud: module.VOCABULARY for module in (aws, gcp, azure)
}

#: The types that exist in one cloud only.
FIXED_CLOUDS: Mapping[StackType, Cloud] = {
    type_: words.cloud for words in VOCABULARIES.values() for type_ in words.types
}


class Located(Protocol):
    """Something that is in a cloud, or in none, as a URI says."""

    @property
    def cloud(self) -> Cloud | None:
        """Which cloud it is in."""


def cloud_of(
    type: StackType,
    artifact_store: Located | None,
    container_registry: Located | None,
    *,
    region: str | None = None,
    project: str | None = None,
    subscription_id: str | None = None,
) -> Cloud | None:
    """Tell the cloud of a stack: of its type, else of its store, else of what else is known.

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
    return cloud_of_region(region) if region else None


def cloud_of_region(region: str) -> Cloud | None:
    """Tell the cloud whose regions look like this, where that is plain from the text."""
    for cloud, words in VOCABULARIES.items():
        if region in words.regions.known:
            return cloud
    for cloud, words in VOCABULARIES.items():
        if words.regions.telling is not None and words.regions.telling.fullmatch(region):
            return cloud
    return None


def cluster_name(name: str, cloud: Cloud | None) -> str:
    """Check a cluster by the rule of its cloud; where that is unknown, by the widest of them.

    Raises:
        Refusal: It breaks the rule.
    """
    return VOCABULARIES[cloud].cluster(name) if cloud else eks_cluster(name)
