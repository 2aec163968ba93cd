"""What a killed run left half done: operations that were begun, and nobody knows how they ended.

The engine notes an operation in the state before it begins. One that is still noted there was cut
off: an update or a deletion is looked at by a refresh and done again; a creation is harder, since
the thing may exist in the cloud without the state knowing it, and creating it again would fail, or
make a second one. Names are ours, so the id of what would have been created is known: the engine is
asked to take it over if it is there, and to forget the creation if it is not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pulumi.automation import Stack

__all__ = ["Identify", "settle"]

#: The id in the cloud of a resource, by its type token and inputs, if the resource exists there;
#: None if it does not, or if creating it once more does no harm.
Identify = Callable[[str, Mapping[str, Any]], str | None]


def settle(stack: Stack, identify: Identify | None) -> None:
    """Clear all pending operations of a stack's state, and take over what was created."""
    state = stack.export_stack()
    pending = (state.deployment or {}).get("pending_operations") or []
    found: list[tuple[str, str]] = []
    for operation in pending:
        resource = operation["resource"]
        if operation["type"] == "creating" and identify is not None:
            id = identify(str(resource["type"]), resource.get("inputs") or {})
            if id is not None:
                found.append((str(resource["urn"]), id))
    arguments = ["refresh", "--yes", "--skip-preview"]
    for urn, id in found:
        arguments += ["--import-pending-creates", urn, "--import-pending-creates", id]
    if len(found) < sum(operation["type"] == "creating" for operation in pending):
        arguments.append("--clear-pending-creates")
    stack._run_pulumi_cmd_sync(arguments)
