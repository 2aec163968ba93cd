"""What provisioning gave, put into the description that it was made for; in any cloud."""

from __future__ import annotations

from collections.abc import Mapping

from kitaru_iac.spec.model import StackSpec
from kitaru_iac.spec.uris import parse_artifact_store, parse_container_registry

__all__ = ["filled"]


def filled(spec: StackSpec, outputs: Mapping[str, str | None]) -> StackSpec:
    """Fill a description with every key of `outputs` that it has.

    Raises:
        UriError: The URI of a store or a registry is none that a stack can use.
    """
    update: dict[str, object] = {}
    for key, value in outputs.items():
        if value is None or key not in type(spec).model_fields:
            continue
        if key == "artifact_store":
            update[key] = parse_artifact_store(value)
        elif key == "container_registry":
            update[key] = parse_container_registry(value)
        else:
            update[key] = value
    return spec.model_copy(update=update)
