"""Make a stack the active one, and find out where a stack is active, through ZenML's client.

A process that has ZenML loaded has to tell ZenML too: it keeps what its files say.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from kitaru_iac.errors import KitaruError
from kitaru_iac.gateway.documents import DEFAULT_STACK, StackDoc, Where
from kitaru_iac.gateway.errors import translate_errors
from kitaru_iac.gateway.gateway import Reads
from kitaru_iac.gateway.quiet import quiet

if TYPE_CHECKING:
    from zenml.client import Client

__all__ = ["Activation", "activate", "active_id", "leave", "scopes_of"]

_VARIABLE = "ZENML_ACTIVE_STACK_ID"


@dataclass(frozen=True, slots=True)
class Activation:
    """What switching did: the stack that was active before, and where the choice is written."""

    previous: str | None
    scope: str
    overridden_by: str | None


@contextmanager
def _client() -> Iterator[Client]:
    with quiet(), translate_errors():
        from zenml.client import Client

        yield Client()


def active_id() -> str:
    """The id of the active stack of this process."""
    with _client() as client:
        return str(client.active_stack_model.id)


def _active_name() -> str | None:
    """The active stack's name; None where the one that is named does not exist."""
    try:
        with _client() as client:
            return client.active_stack_model.name
    except KitaruError:  # a stale choice must not stop a new one
        return None


def activate(stack_id: str) -> Activation:
    """Make a stack active, in the repository around here or else globally."""
    previous = _active_name()
    with _client() as client:
        client.activate_stack(UUID(stack_id))
        return Activation(
            previous=previous,
            scope="repository" if client.root is not None else "global",
            overridden_by=_VARIABLE if os.environ.get(_VARIABLE) else None,
        )


def scopes_of(stack: StackDoc) -> list[str]:
    """Where a stack is the active one: ``environment``, ``repository``, ``global``."""
    uuid = UUID(stack.id)
    with _client() as client:
        from zenml.config.global_config import GlobalConfiguration

        scopes = []
        if os.environ.get(_VARIABLE) in {stack.id, uuid.hex, stack.name}:
            scopes.append("environment")
        config = client._config  # ZenML has no public way to ask the repository
        if config is not None and config.active_stack_id == uuid:
            scopes.append("repository")
        if GlobalConfiguration().active_stack_id == uuid:
            scopes.append("global")
        return scopes


def leave(store: Reads, scopes: list[str]) -> str:
    """Make the default stack active in these scopes; return its name."""
    default = next(iter(store.stacks(Where(names=(DEFAULT_STACK,)))), None)
    if default is None:
        raise KitaruError("The store has no default stack")
    with _client() as client:
        from zenml.config.global_config import GlobalConfiguration

        if "repository" in scopes:
            client.activate_stack(UUID(default.id))
        if "global" in scopes:
            GlobalConfiguration().set_active_stack(client.get_stack(UUID(default.id)))
    return default.name
