"""What the fields `extra` and `resources` speak of: components of ZenML, resources of a cloud."""

from __future__ import annotations

from collections.abc import Mapping

from kitaru_iac.spec.kinds import ResourceMode, StackType

__all__ = ["EXTRA_TARGETS", "RESOURCES", "RESOURCE_MODES"]

#: The components that `extra` may set fields of.
EXTRA_TARGETS = ("orchestrator", "artifact_store", "container_registry")

#: The modes of `resources`, for messages.
RESOURCE_MODES = tuple(ResourceMode)

#: The resources that each type knows, and the key that names each; None where nothing names it.
RESOURCES: Mapping[StackType, Mapping[str, str | None]] = {
    StackType.LOCAL: {"bucket": "artifact_store"},
    StackType.KUBERNETES: {
        "bucket": "artifact_store",
        "registry": "container_registry",
        "cluster": "cluster",
        "role": None,
    },
    StackType.VERTEX: {
        "bucket": "artifact_store",
        "registry": "container_registry",
        "role": None,
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
