"""What a flow returns: any value into the store, and back out of it.

ZenML takes artifacts alone as what a dynamic pipeline returns. A plain value is saved as one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zenml.models import PipelineRunResponse

__all__ = ["as_output", "result_of"]

#: The artifact of what a flow returned itself, as `kitaru` 0.21 calls it.
_RESULT = "kitaru_flow_result"


def as_output(value: object) -> object:
    """Give what a flow's body returned as ZenML takes it, while the flow runs.

    A step's output stays that artifact. Outputs of steps inside of other values are loaded, and the
    whole is saved as one artifact.
    """
    from zenml import save_artifact
    from zenml.enums import ArtifactType
    from zenml.models import ArtifactVersionResponse  # a step's output in a flow is one, too

    if value is None or isinstance(value, ArtifactVersionResponse):
        return value
    return save_artifact(data=_loaded(value), name=_RESULT, artifact_type=ArtifactType.DATA)


def result_of(run: PipelineRunResponse) -> object:
    """Load what a finished flow returned; None where it returned nothing."""
    artifacts = list((run.outputs or {}).values())
    return artifacts[0].load() if artifacts else None


def _loaded(value: object) -> object:
    from zenml.models import ArtifactVersionResponse

    if isinstance(value, ArtifactVersionResponse):
        return value.load()
    if type(value) is dict:
        return {key: _loaded(item) for key, item in value.items()}
    if type(value) is list:
        return [_loaded(item) for item in value]
    if type(value) is tuple:
        return tuple(_loaded(item) for item in value)
    return value
