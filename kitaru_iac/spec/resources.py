"""What the fields `extra` and `resources` speak of: components of ZenML, resources of a cloud."""

from __future__ import annotations

from collections.abc import Mapping

from kitaru_iac.spec.kinds import Cloud, ResourceMode, StackType

__all__ = ["EXTRA_TARGETS", "RESOURCES", "RESOURCE_MODES", "resources_on"]

#: The components that `extra` may set fields of.
EXTRA_TARGETS = ("orchestrator", "artifact_store", "container_registry")

#: The modes of `resources`, for messages.
RESOURCE_MODES = tuple(ResourceMode)

#: The resources that each type knows, and the key that names each; None where nothing names it.
RESOURCES: Mapping[StackType, Mapping[str, str | None]] = {
    StackType.LOCAL: {
        "bucket": "artifact_store",
        "group": "resource_group",
        "connector": None,
    },
    StackType.KUBERNETES: {
        "bucket": "artifact_store",
        "registry": "container_registry",
        "cluster": "cluster",
        "group": "resource_group",
        "role": None,
        "connector": None,
    },
    StackType.VERTEX: {
        "bucket": "artifact_store",
        "registry": "container_registry",
        "role": None,
        "connector": None,
    },
    StackType.SAGEMAKER: {
        "bucket": "artifact_store",
        "registry": "container_registry",
        "role": "execution_role",
    },
    StackType.AZUREML: {
        "bucket": "artifact_store",
        "registry": "container_registry",
        "workspace": "workspace",
        "group": "resource_group",
        "role": None,
    },
}
#: Those that one cloud alone has.
_OF_ONE_CLOUD = {"group": Cloud.AZURE, "connector": Cloud.GCP}


def resources_on(type: StackType, cloud: Cloud | None) -> Mapping[str, str | None]:
    """Give the resources that a type knows on a cloud; all of them where that is not known."""
    return {
        name: key
        for name, key in RESOURCES[type].items()
        if cloud is None or _OF_ONE_CLOUD.get(name, cloud) is cloud
    }
