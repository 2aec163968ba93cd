"""Which names that records want are taken, by what, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kitaru_iac.errors import AlreadyExistsError, KitaruError
from kitaru_iac.labels import MANAGED_LABEL, is_managed
from kitaru_iac.records.aside import taken_aside
from kitaru_iac.records.diff import is_own_component, is_own_connector
from kitaru_iac.records.model import ComponentRecord, ConnectorRecord, Records, stored_id
from kitaru_iac.values import dataclass, replace

if TYPE_CHECKING:
    from kitaru_iac.records.stored import Store

__all__ = ["place_of", "taken_names"]

#: Of `zenml stack update`.
_ZENML_OPTIONS = {"artifact_store": "-a", "container_registry": "-c", "orchestrator": "-o"}


@dataclass(frozen=True, slots=True)
class _Taken:
    """What has names that records want.

    Attributes:
        parts: Components.
        connector: A service connector.
        stack: Whether a stack has its name.
    """

    parts: tuple[ComponentRecord, ...] = ()
    connector: ConnectorRecord | None = None
    stack: bool = False

    def __str__(self) -> str:
        link = self.connector
        said = ["a stack"] if self.stack else []
        said += [f"{_article(part.type.replace('_', ' '))} ({part.flavor})" for part in self.parts]
        return ", ".join([*said, *([f"a service connector ({link.type})"] if link else [])])

    def __bool__(self) -> bool:
        return bool(self.stack or self.parts or self.connector)


def place_of(store: Store) -> str:
    """Name the store as messages do."""
    return "the local store" if store.is_local else f"the ZenML server {store.url}"


def taken_names(
    store: Store, records: Records, current: Records | None, orphans: Records | None
) -> list[KitaruError]:
    """Find which names are taken; nothing where they are free.

    Args:
        store: The open store.
        records: What should be stored.
        current: What is stored under that stack's name, whose parts may keep their names.
        orphans: Managed parts of that name in no stack, which are taken over.
    """
    taken = _taken(store, records, current, orphans)
    aside = taken_aside(store, records, current, orphans)
    if not taken or (current is None and aside is not None):
        return [] if aside is None else [aside]
    name = records.stack
    young = store.orphans(name, fresh=True)
    if not _taken(store, records, current, young) and (wait := store.wait_for(name)):
        what = f"Stack '{name}' is being registered by another process, or by one that died"
        if current is not None:
            what = f"Parts of stack '{name}' were put beside it a moment ago: {taken}"
        return [
            AlreadyExistsError(
                what,
                where=place_of(store),
                why="Which of both, its age tells: on a server processes do not see each other."
                if current is None
                else "Somebody is changing the stack, or has taken them out of it.",
                remedy=f"Run the same command again in {wait} s: "
                "what a dead process left is then taken over.",
            )
        ]
    what = f"The name '{name}' is taken by: {taken}"
    if current is not None:
        if _lost(taken, current) == taken:
            what = f"Parts of stack '{name}' are there without the label {MANAGED_LABEL}: true: "
            what += str(taken)
        remedy = _ways_out(store, taken, current)
    else:
        store.forget()
        if (stack := store.stack_named(name)) is not None and is_managed(stack.labels):
            # Perhaps registered while one looked.
            what = f"The name '{name}' is taken by: {replace(taken, stack=True)}"
            remedy = "Change it in place with: kitaru stack apply, or see it: "
            remedy += f"kitaru stack show {name}"
        else:
            remedy = "Choose another name, or rename or delete what has it."
    return [AlreadyExistsError(what, where=place_of(store), remedy=remedy)]


def _taken(
    store: Store, records: Records, current: Records | None, orphans: Records | None
) -> _Taken:
    stack = current is None and store.stack_named(records.stack) is not None
    parts = tuple(_taken_parts(store, records, current, orphans))
    if records.connector is None or records.connector.existing:
        return _Taken(parts, None, stack)
    own = {orphans.connector.id} if orphans and orphans.connector else set()
    if current and current.connector and is_own_connector(current.connector, current):
        own.add(current.connector.id)
    stored = store.connector_named(records.connector.name)
    return _Taken(parts, None if stored is None or stored.id in own else stored, stack)


def _taken_parts(
    store: Store, records: Records, current: Records | None, orphans: Records | None
) -> Iterator[ComponentRecord]:
    free = {c.id for c in orphans.components} if orphans else set()
    if current is not None:
        free |= {c.id for c in current.components if is_own_component(c, current)}
    named = store.components_named(records.stack)
    for component in records.components:
        found = named.get(component.type)
        if found is not None and found.id not in free:
            yield found


def _lost(taken: _Taken, current: Records) -> _Taken:
    """What of it is the stack's own, and only lacks Kitaru's label."""
    from kitaru_iac.records.unlabelled import component_lost_label, connector_lost_label

    members = {part.id for part in current.components}
    parts = (p for p in taken.parts if p.id in members and component_lost_label(p, current))
    # As the stack has it: whether it was there before, is known of no connector by itself.
    link, named = current.connector, taken.connector
    if link is None or named is None or link.id != named.id:
        return _Taken(tuple(parts))
    return _Taken(tuple(parts), named if connector_lost_label(link, current) else None)


def _ways_out(store: Store, taken: _Taken, current: Records) -> str:
    """What frees the names, or makes what has them the stack's own again."""
    from kitaru_iac.records.unlabelled import may_have_come_with

    name, lost = current.stack, _lost(taken, current)
    ways = [f"Put the label back with: kitaru stack adopt {name}"] if lost else []
    others = [part for part in taken.parts if part not in lost.parts]
    # A local stack's parts carry no label that would say whose they are.
    out = [
        part
        for part in others
        if may_have_come_with(part, current) and not store.stacks_of(stored_id(part))
    ]
    if out:
        words = " ".join(f"{_ZENML_OPTIONS[part.type]} {part.name}" for part in out)
        ways.append(
            f"If somebody took that out of the stack: zenml stack update {name} {words}. "
            "Else rename or delete it."
        )
    rename = [
        f"zenml {part.type.replace('_', '-')} rename {part.name} NEW"
        for part in others
        if part not in out
    ]
    if taken.connector is not None and lost.connector is None:
        rename.append(f"zenml service-connector update {taken.connector.name} --name NEW")
    if rename:
        ways += ["Rename what did not come with the stack:", *rename]
    return "\n".join(ways)


def _article(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"
