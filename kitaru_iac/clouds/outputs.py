"""What provisioning gave, put into the description that it was made for; in any cloud."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from kitaru_iac.spec.kinds import StackType
from kitaru_iac.spec.model import StackSpec
from kitaru_iac.spec.uris import parse_artifact_store, parse_container_registry
from kitaru_iac.values import fields, replace

__all__ = ["IN_EXTRA", "InExtra", "filled"]


class InExtra(NamedTuple):
    """Where an output goes that is no key of a description.

    Attributes:
        component: The part of ``extra``.
        field: Its field.
        description: One sentence.
        types: The stack types that have the field.
    """

    component: str
    field: str
    description: str
    types: frozenset[StackType]


#: The outputs that are no keys of a description, and the fields of ``extra`` that they fill.
IN_EXTRA: Mapping[str, InExtra] = {
    "workload_service_account": InExtra(
        "orchestrator",
        "workload_service_account",
        "The address of the service account that steps run as on Vertex.",
        frozenset({StackType.VERTEX}),
    ),
}


def filled(spec: StackSpec, outputs: Mapping[str, str | None]) -> StackSpec:
    """Fill a description with every key of `outputs` that it has, and with those of `IN_EXTRA`.

    Raises:
        UriError: The URI of a store or a registry is none that a stack can use.
    """
    known = {one.name for one in fields(spec)}
    update: dict[str, object] = {}
    for key, value in outputs.items():
        if value is None or key not in known:
            continue
        if key == "artifact_store":
            update[key] = parse_artifact_store(value)
        elif key == "container_registry":
            update[key] = parse_container_registry(value)
        else:
            update[key] = value
    extra = spec.extra
    for key, place in IN_EXTRA.items():
        if outputs.get(key) is not None:
            further = {**getattr(extra, place.component), place.field: outputs[key]}
            extra = replace(extra, **{place.component: further})
    return spec.having(**update, extra=extra)
