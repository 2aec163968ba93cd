"""The description that an existing stack would have: its records read backwards.

Enough to examine its infrastructure: credentials are not read, the stack's connector stands for
them.
"""

from __future__ import annotations

from typing import Any

from kitaru_iac.errors import KitaruError
from kitaru_iac.gateway import DEFAULT_STACK, ComponentView, StackView, read_stack
from kitaru_iac.records.annotations import annotations_of
from kitaru_iac.spec.kinds import StackType
from kitaru_iac.spec.stored import Parts, cluster_of, keys_of

__all__ = ["describe", "description_of"]


def describe(ref: str) -> dict[str, Any]:
    """The keys of stack.yaml for the stack with this name or id.

    Raises:
        StackNotFound: There is none.
        KitaruError: It is of no type that a description can have.
    """
    return description_of(read_stack(ref))


def description_of(stack: StackView) -> dict[str, Any]:
    """The keys of stack.yaml for a stack that was read; raises as `describe` does."""
    if stack.name == DEFAULT_STACK:
        raise KitaruError(
            "The default stack is ZenML's own, and all on this machine: no description makes it",
            remedy=f"See it with: kitaru stack show {stack.name}",
        )
    runner = stack.component("orchestrator")
    if runner is None or runner.flavor not in tuple(StackType):
        flavor = "no orchestrator" if runner is None else f"the orchestrator {runner.flavor}"
        raise KitaruError(
            f"Stack '{stack.name}' has {flavor}: no description can say that",
            remedy=f"See it with: kitaru stack show {stack.name}",
        )
    return keys_of(StackType(runner.flavor), _parts(stack, runner))


def _parts(stack: StackView, runner: ComponentView) -> Parts:
    """The records as the table of fields speaks of them."""
    connector = next((c for c in stack.connectors if c.id == runner.connector_id), None)
    if connector is None and stack.connectors:
        connector = stack.connectors[0]
    return {
        # Of several components of a type, the first is the stack's.
        **{c.role_type: c.configuration for c in reversed(stack.components)},
        "connector": connector.configuration if connector else {},
        "labels": stack.labels,
        "cluster": cluster_of(runner.connector_resource_id),
        "stack": {
            "name": stack.name,
            "type": runner.flavor,
            "connector": connector.name if connector else None,
            **annotations_of(stack.labels, stack.description),
        },
    }
