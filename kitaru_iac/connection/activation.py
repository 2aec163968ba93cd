"""Make a stack the active one, and find out where a stack is active."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from kitaru_iac.errors import KitaruError
from kitaru_iac.records.stored import DEFAULT_STACK, Store, mapped_errors

if TYPE_CHECKING:
    from zenml.models import StackResponse

__all__ = ["Activation", "activate", "active_name", "leave", "scopes_of"]

_VARIABLE = "ZENML_ACTIVE_STACK_ID"


@dataclass(frozen=True, slots=True)
class Activation:
    """What switching did: the stack that was active before, and where the choice is written."""

    previous: str | None
    scope: str
    overridden_by: str | None


def active_name(store: Store) -> str | None:
    """The active stack's name; None where the one that is named does not exist."""
    try:
        return store.active().name
    except KitaruError:  # a stale choice must not stop a new one
        return None


def activate(store: Store, stack_id: str) -> Activation:
    """Make a stack active, in the repository around here or else globally."""
    previous = active_name(store)
    with mapped_errors():
        store.client.activate_stack(UUID(stack_id))
    return Activation(
        previous=previous,
        scope="repository" if store.client.root is not None else "global",
        overridden_by=_VARIABLE if os.environ.get(_VARIABLE) else None,
    )


def scopes_of(store: Store, stack: StackResponse) -> list[str]:
    """Where a stack is the active one: ``environment``, ``repository``, ``global``."""
    from zenml.config.global_config import GlobalConfiguration

    scopes = []
    if os.environ.get(_VARIABLE) in {str(stack.id), stack.id.hex, stack.name}:
        scopes.append("environment")
    config = store.client._config  # ZenML has no public way to ask the repository
    if config is not None and config.active_stack_id == stack.id:
        scopes.append("repository")
    if GlobalConfiguration().active_stack_id == stack.id:
        scopes.append("global")
    return scopes


def leave(store: Store, scopes: list[str]) -> str:
    """Make the default stack active in these scopes; return its name."""
    from zenml.config.global_config import GlobalConfiguration

    with mapped_errors():
        default = store.require(DEFAULT_STACK)
        if "repository" in scopes:
            store.client.activate_stack(default.id)
        if "global" in scopes:
            GlobalConfiguration().set_active_stack(default)
    return default.name
