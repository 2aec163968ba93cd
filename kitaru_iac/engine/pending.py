"""What a killed run left half done: operations that were begun, and nobody knows how they ended.

The engine notes an operation in the state before it begins. One that is still noted there was cut
off. For an update or a deletion that does not matter: the next run looks at the cloud first. But
what was being created may exist without the state knowing it, and creating it again would fail, or
make a second one. Its name is chosen by us, so its id is known: it is asked for, and put into the
state if it is there and is the deployment's own. What is there and is somebody else's was not made
by the run that was cut off: it stays out of the state, and the creation fails. (`pulumi
refresh --import-pending-creates` is meant for this; with 3.274 it drops the
operation and takes nothing over.)
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

__all__ = ["Identify", "begun", "settled", "with_protection", "without"]

#: The id in the cloud of a resource, by its type token and inputs, if the resource exists there and
#: is the deployment's own; None if not, or if creating it once more does no harm.
Identify = Callable[[str, Mapping[str, Any]], str | None]


def begun(state: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """The resources whose creation was begun, and nobody knows how it ended.

    Args:
        state: The deployment, as Pulumi exports it.
    """
    return tuple(
        operation["resource"]
        for operation in state.get("pending_operations") or ()
        if operation["type"] == "creating"
    )


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
    for resource in begun(state):
        if resource["urn"] in known or identify is None:
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


def without(state: Mapping[str, Any], urns: Collection[str]) -> dict[str, Any]:
    """The state that knows some resources no more, nor what depends on them by them.

    Args:
        state: The deployment, as Pulumi exports it.
        urns: Which. Their settings, which the state holds as their children, have to be among them.
    """
    resources = []
    for resource in state.get("resources", ()):
        if resource["urn"] in urns:
            continue
        changed = dict(resource)
        for key in ("dependencies", "aliases"):
            if changed.get(key):
                changed[key] = [urn for urn in changed[key] if urn not in urns]
        if changed.get("propertyDependencies"):
            changed["propertyDependencies"] = {
                name: [urn for urn in needed or () if urn not in urns]
                for name, needed in changed["propertyDependencies"].items()
            }
        if changed.get("deletedWith") in urns:
            del changed["deletedWith"]
        resources.append(changed)
    return {**state, "resources": resources}
