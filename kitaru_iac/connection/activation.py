"""Make a stack the active one, and let another one take its place."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from kitaru_iac.connection.active import Place, set_active, write_active
from kitaru_iac.errors import KitaruError
from kitaru_iac.gateway.documents import StackDoc, Where
from kitaru_iac.gateway.gateway import Reads
from kitaru_iac.gateway.opening import active_stack_name
from kitaru_iac.gateway.views import DEFAULT_STACK
from kitaru_iac.machine.active_scope import (
    ACTIVE_STACK_VARIABLE,
    canonical_id,
    named_stack,
    repository,
    repository_config,
)
from kitaru_iac.machine.home import config_home
from kitaru_iac.machine.settings import CONFIG_FILE, Kind, read_global, read_whole
from kitaru_iac.values import dataclass

__all__ = [
    "Activation",
    "activate",
    "is_active",
    "is_chosen",
    "leave",
    "move",
    "scopes_of",
    "scopes_of_id",
    "take_place",
]


@dataclass(frozen=True, slots=True)
class Activation:
    """What switching did.

    Attributes:
        previous: The name of the stack whose place was taken, if anybody's.
        place: Where the choice is written.
    """

    previous: str | None
    place: Place


def is_active(stack_id: str, name: str) -> bool:
    """Say whether a stack that exists is the active one here. No store is asked.

    One that nothing names is not active, unless it is the default stack.
    """
    named = named_stack(read_global(), os.environ)
    if named.ref is None:
        return name == DEFAULT_STACK
    return named.id == stack_id or (named.scope == "environment" and named.ref == name)


def is_chosen(stack_id: str, name: str) -> bool:
    """Say whether to switch to a stack that exists would change nothing. No store is asked.

    So it is where the settings name it, although a variable of this shell names another one.
    """
    saved = {key: text for key, text in os.environ.items() if key != ACTIVE_STACK_VARIABLE}
    return is_active(stack_id, name) or named_stack(read_global(), saved).id == stack_id


def activate(stack_id: str, name: str) -> Activation:
    """Make a stack active, in the repository around here or else globally."""
    previous = active_stack_name(besides=stack_id)
    place = set_active(stack_id, name)
    return Activation(previous if place.is_active else None, place)


def scopes_of(stack: StackDoc) -> list[str]:
    """Say where a stack is the active one: ``environment``, ``repository``, ``global``."""
    return scopes_of_id(stack.id, stack.name)


def scopes_of_id(stack_id: str, name: str | None = None) -> list[str]:
    """Say where the active stack is named by this id, or by this name where that may be."""
    scopes = []
    ref = os.environ.get(ACTIVE_STACK_VARIABLE)
    if ref and (ref == name or canonical_id(ref) == stack_id):
        scopes.append("environment")
    root = repository(os.environ)
    if (
        root is not None
        and _named_in(repository_config(root, os.environ), "repository") == stack_id
    ):
        scopes.append("repository")
    if _named_in(config_home() / CONFIG_FILE, "global") == stack_id:
        scopes.append("global")
    return scopes


def _named_in(file: Path, kind: Kind) -> str | None:
    return canonical_id(str(read_whole(file, kind).get("active_stack_id") or ""))


def leave(store: Reads, scopes: list[str]) -> str:
    """Make the default stack active in these scopes; return its name."""
    default = next(iter(store.stacks(Where(names=(DEFAULT_STACK,)))), None)
    if default is None:
        raise KitaruError("The store has no default stack")
    move(scopes, default.id)
    return default.name


def move(scopes: list[str], stack_id: str) -> None:
    """Make a stack the active one in these scopes; the environment's cannot be changed."""
    files = [scope for scope in scopes if scope != "environment"]
    if not files:
        return
    if "zenml" in sys.modules:
        from kitaru_iac.gateway.installation import leave_stack

        leave_stack(files, stack_id)
    for scope in files:  # a client that was made elsewhere does not know of this directory's file
        write_active(stack_id, scope)


def take_place(old_id: str | None, new_id: str) -> None:
    """Let a stack be active wherever the one is that it replaces, before that is deleted.

    Args:
        old_id: Of the one that was there; None where none was.
        new_id: Of the one that stands now; nothing is to be done for the same.

    Raises:
        KitaruError: A file that names the active stack cannot be read or written.
    """
    if old_id not in (None, new_id):
        move(scopes_of_id(str(old_id)), new_id)
