"""What a store holds under some names: asked once for each kind, the kinds at the same time.

Recovery, reading, leftovers and the check of names all want to know it, within one command and
before its first write. `Store.look` remembers a look until `Store.forget`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zenml.client import Client
    from zenml.models import ComponentResponse, ServiceConnectorResponse, StackResponse

__all__ = ["Look", "look_for", "together"]

#: More than can carry one name: a name is taken once for each type of component.
_MANY = 200


@dataclass(frozen=True, slots=True)
class Look:
    """What was found, by name.

    Attributes:
        names: Those that were asked for: what is not found under one of them does not exist.
        components: By name and type.
    """

    names: frozenset[str]
    stacks: Mapping[str, StackResponse]
    components: Mapping[str, Mapping[str, ComponentResponse]]
    connectors: Mapping[str, ServiceConnectorResponse]

    def holds(self, component_id: Any) -> bool:
        """Whether one of these stacks contains the component."""
        return any(
            component.id == component_id
            for stack in self.stacks.values()
            for components in stack.components.values()
            for component in components
        )


def look_for(client: Client, *names: str, is_local: bool) -> Look:
    """Look for stacks, components and service connectors of these names.

    Args:
        client: ZenML's.
        names: All of them.
        is_local: Whether the store is a file of this machine, which answers one at a time.
    """
    filters: dict[str, Any] = {"name": f"oneof:{json.dumps(names)}", "size": _MANY}
    stacks, components, connectors = together(
        lambda: client.list_stacks(**filters, hydrate=True).items,
        lambda: client.list_stack_components(**filters, hydrate=True).items,
        lambda: client.list_service_connectors(**filters, hydrate=True).items,
        at_once=not is_local,
    )
    by_name: dict[str, dict[str, Any]] = {name: {} for name in names}
    for component in components:
        # A database may compare names without case: only what was asked for counts.
        by_name.get(component.name, {})[component.type.value] = component
    return Look(
        names=frozenset(names),
        stacks={stack.name: stack for stack in stacks},
        components=by_name,
        connectors={connector.name: connector for connector in connectors},
    )


def together(*questions: Callable[[], Any], at_once: bool = True) -> list[Any]:
    """The answers to independent questions, in their order; the first error is raised."""
    if not at_once or len(questions) < 2:
        return [question() for question in questions]
    with ThreadPoolExecutor(len(questions), "ask-store") as pool:
        return list(pool.map(lambda question: question(), questions))
