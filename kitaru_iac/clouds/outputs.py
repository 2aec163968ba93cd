"""What provisioning gave, put into the description that it was made for; in any cloud."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from kitaru_iac.spec.model import StackSpec
from kitaru_iac.spec.uris import parse_artifact_store, parse_container_registry

__all__ = ["IN_EXTRA", "filled"]

#: The outputs that are no keys of a description, and the fields of ``extra`` that they fill.
IN_EXTRA: Mapping[str, tuple[str, str]] = {
    "workload_service_account": ("orchestrator", "workload_service_account"),
}


def filled(spec: StackSpec, outputs: Mapping[str, str | None]) -> StackSpec:
    """Fill a description with every key of `outputs` that it has, and with those of `IN_EXTRA`.

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
    extra = spec.extra
    for key, (component, field) in IN_EXTRA.items():
        if outputs.get(key) is not None:
            fields = {**getattr(extra, component), field: outputs[key]}
            extra = replace(extra, **{component: fields})
    return spec.model_copy(update={**update, "extra": extra})
