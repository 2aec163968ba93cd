"""What stays in a state as long as something else does, as Pulumi decides with --exclude-protected.

It takes no resource that is protected, and none that such a one depends on (its
`TransitiveDependenciesOf`). Where that leaves nothing, it ends without an event, and without a
summary.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import cast

__all__ = ["needs", "staying"]


def needs(resource: Mapping[str, object]) -> Iterator[str]:
    """Give what Pulumi keeps as long as it keeps this, by URN.

    Args:
        resource: As Pulumi's state has it.
    """
    yield str(resource.get("parent"))
    yield str(resource.get("deletedWith"))
    yield from cast("Iterable[str]", resource.get("dependencies") or ())
    by_property = cast(
        "Mapping[str, Iterable[str] | None]", resource.get("propertyDependencies") or {}
    )
    for urns in by_property.values():
        yield from urns or ()


def staying(resources: Iterable[Mapping[str, object]]) -> set[str]:
    """Give the URNs of what is protected, and of all that it depends on.

    Args:
        resources: All of a state: components pass on what they depend on.
    """
    known = {str(resource.get("urn")): resource for resource in resources}
    found: set[str] = set()
    waiting = [urn for urn, resource in known.items() if resource.get("protect")]
    while waiting:
        urn = waiting.pop()
        if urn in known and urn not in found:
            found.add(urn)
            waiting += needs(known[urn])
    return found
