"""What a killed run left half done: operations that were begun, and nobody knows how they ended.

The engine notes an operation in the state before it begins. One that is still noted there was cut
off. For an update or a deletion that does not matter: the next run looks at the cloud first. But
what was being created may exist without the state knowing it, and creating it again would fail, or
make a second one. Its name is ours, so its id is known: it is asked for, and put into the state if
it is there. (`pulumi refresh --import-pending-creates` is meant for this; with 3.274 it drops the
operation and takes nothing over.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["Identify", "settled", "with_protection"]

#: The id in the cloud of a resource, by its type token and inputs, if the resource exists there;
#: None if it does not, or if creating it once more does no harm.
Identify = Callable[[str, Mapping[str, Any]], str | None]


def settled(state: Mapping[str, Any], identify: Identify | None) -> dict[str, Any]:
    """The state without pending operations, and with what was created.

    Args:
        state: The deployment, as Pulumi exports it.
        identify: Tells what was created.

    Returns:
        A state of which a refresh makes the truth: what it takes over has no outputs yet.
    """
    resources = list(state.get("resources", ()))
    known = {resource["urn"] for resource in resources}
    for operation in state.get("pending_operations", ()):
        resource = operation["resource"]
        if operation["type"] != "creating" or resource["urn"] in known or identify is None:
            continue
        found = identify(str(resource["type"]), resource.get("inputs") or {})
        if found is not None:
            # At the end: what it depends on was there before it.
            resources.append({**resource, "id": found, "outputs": resource.get("inputs") or {}})
    return {**state, "resources": resources, "pending_operations": []}


def with_protection(state: Mapping[str, Any], protected: Mapping[str, bool]) -> dict[str, Any]:
    """The state with resources protected from deletion, or no more.

    Args:
        state: The deployment, as Pulumi exports it.
        protected: By URN.
    """
    resources = []
    for resource in state.get("resources", ()):
        wanted = protected.get(resource["urn"])
        changed = dict(resource)
        if wanted is not None:
            changed["protect"] = wanted
        if wanted is False:
            # Else the engine would forget the resource and leave it where it is.
            changed.pop("retainOnDelete", None)
        resources.append(changed)
    return {**state, "resources": resources}
