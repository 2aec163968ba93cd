"""Make a stack the active one where ZenML is loaded, and let another one take its place."""

from __future__ import annotations

import os
from dataclasses import dataclass

from kitaru_iac.errors import KitaruError
from kitaru_iac.gateway.documents import Where
from kitaru_iac.gateway.gateway import Reads
from kitaru_iac.gateway.installation import activate_stack, active_stack_name, leave_stack
from kitaru_iac.gateway.views import DEFAULT_STACK
from kitaru_iac.machine.active_scope import ACTIVE_STACK_VARIABLE

__all__ = ["Activation", "activate", "leave"]


@dataclass(frozen=True, slots=True)
class Activation:
    """What switching did: the stack that was active before, and where the choice is written."""

    previous: str | None
    scope: str
    overridden_by: str | None


def activate(stack_id: str) -> Activation:
    """Make a stack active, in the repository around here or else globally."""
    return Activation(
        previous=active_stack_name(),
        scope=activate_stack(stack_id),
        overridden_by=ACTIVE_STACK_VARIABLE if os.environ.get(ACTIVE_STACK_VARIABLE) else None,
    )


def leave(store: Reads, scopes: list[str]) -> str:
    """Make the default stack active in these scopes; return its name."""
    default = next(iter(store.stacks(Where(names=(DEFAULT_STACK,)))), None)
    if default is None:
        raise KitaruError("The store has no default stack")
    leave_stack(scopes, default.id)
    return default.name
