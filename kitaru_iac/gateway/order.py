"""The order in which a stack's components are shown."""

from __future__ import annotations

__all__ = ["role_rank"]

#: First what every stack has, then what runs on it, then what looks at it.
_ORDER = (
    "orchestrator",
    "artifact_store",
    "container_registry",
    "image_builder",
    "step_operator",
    "deployer",
    "model_deployer",
    "sandbox",
    "experiment_tracker",
    "model_registry",
    "feature_store",
    "data_validator",
    "annotator",
    "alerter",
    "log_store",
)
_RANKS = {role: rank for rank, role in enumerate(_ORDER)}


def role_rank(role_type: str) -> tuple[int, str]:
    """A sort key for component types; unknown ones come last, by name."""
    return _RANKS.get(role_type, len(_ORDER)), role_type
