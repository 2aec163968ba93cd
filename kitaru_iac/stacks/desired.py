"""Description → records: what ZenML should store for a stack. Free of side effects."""

from __future__ import annotations

from kitaru_iac.clouds import registry
from kitaru_iac.errors import DescriptionError, Problem
from kitaru_iac.records.annotations import annotated
from kitaru_iac.records.model import Records
from kitaru_iac.records.parts import Part, assemble, local_runner
from kitaru_iac.spec.kinds import Cloud
from kitaru_iac.spec.model import StackSpec

__all__ = ["desired_records"]


def desired_records(spec: StackSpec) -> Records:
    """What ZenML should store for this description.

    A resource that is still to be provisioned, and so has no name yet, is left out of its
    component's configuration.

    Raises:
        DescriptionError: Credentials of another cloud, or a connector's field that nothing tells.
    """
    cloud = spec.cloud
    _check_credentials(spec, cloud)
    if cloud is None:
        path = spec.artifact_store.store_path if spec.artifact_store else None
        store = Part("artifact_store", "local", {"path": path} if path else {})
        return annotated(assemble(spec, (local_runner(), store)), spec)
    return annotated(registry.provider(cloud).desired(spec), spec)


def _check_credentials(spec: StackSpec, cloud: Cloud | None) -> None:
    given = spec.credentials.cloud if spec.credentials else None
    if given is None or given is cloud:
        return
    stands_on = f"stands on {cloud.label}" if cloud else "uses no cloud"
    raise DescriptionError(
        [
            Problem(
                "credentials",
                f"they are {given.label} credentials, and the stack {stands_on}",
                remedy=f"Give credentials of {cloud.label}." if cloud else "Leave them out.",
                source="--credentials",
            )
        ]
    )
