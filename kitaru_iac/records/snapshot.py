"""What a store holds under some names: asked once for each kind, the kinds at the same time.

Recovery, reading, orphans and the check of names all want to know it, within one command and
before its first write. `Store.look` remembers a snapshot until `Store.forget`.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from kitaru_iac.errors import KitaruError
from kitaru_iac.gateway.documents import ComponentDoc, ConnectorDoc, StackDoc, Where
from kitaru_iac.gateway.gateway import Reads
from kitaru_iac.records.together import answers
from kitaru_iac.values import dataclass, field

__all__ = ["Snapshot", "how_to_see", "take_snapshot"]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was found, by name.

    Attributes:
        names: Those that were asked for: what is not found under one of them does not exist.
        components: By name and type.
        whole: Connectors with their secrets, by id, of which more than names were asked.
    """

    names: frozenset[str]
    stacks: Mapping[str, StackDoc]
    components: Mapping[str, Mapping[str, ComponentDoc]]
    connectors: Mapping[str, ConnectorDoc]
    whole: Mapping[str, ConnectorDoc] = field(default_factory=dict)

    def members(self, stack: StackDoc) -> dict[str, ComponentDoc] | None:
        """The components of a stack by their ids; None where not all of them carry these names."""
        known = {doc.id: doc for named in self.components.values() for doc in named.values()}
        wanted = [member.id for of_kind in stack.members.values() for member in of_kind]
        if not known.keys() >= set(wanted):
            return None
        return {member: known[member] for member in wanted}

    def holds(self, component_id: str) -> bool:
        """Whether one of these stacks contains the component."""
        return any(stack.holds(component_id) for stack in self.stacks.values())


def take_snapshot(store: Reads, *names: str) -> Snapshot:
    """Look for stacks, components and service connectors of these names."""
    where = Where(names=names)
    if store.place.kind == "local":  # a file answers one at a time
        stacks, components, connectors = (
            store.stacks(where),
            store.components(where),
            store.connectors(where),
        )
    else:
        stacks, components, connectors = answers(
            lambda: store.stacks(where),
            lambda: store.components(where),
            lambda: store.connectors(where),
        )
    by_name: dict[str, dict[str, ComponentDoc]] = {name: {} for name in names}
    for component in components:
        by_name[component.name][component.type] = component
    return Snapshot(
        names=frozenset(names),
        stacks={stack.name: stack for stack in stacks},
        components=by_name,
        connectors={connector.name: connector for connector in connectors},
    )


def how_to_see(gateway: Reads, stack: str) -> str:
    """Say how to see a stack that somebody else has changed, and has perhaps deleted by now.

    Args:
        gateway: Where it is, or was.
        stack: Its name.
    """
    with suppress(KitaruError):  # the error that this is about is told in any case
        if not gateway.stacks(Where(names=(stack,), limit=1)):
            return f"No stack is called '{stack}' any more. See those there are: kitaru stack list"
    return f"See it with: kitaru stack show {stack}"
