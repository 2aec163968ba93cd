"""Which names that records want are taken, by what, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from kitaru_iac.errors import AlreadyExistsError, KitaruError
from kitaru_iac.labels import MANAGED_LABEL, is_managed
from kitaru_iac.records.aside import taken_aside
from kitaru_iac.records.diff import is_own_component, is_own_connector
from kitaru_iac.records.model import ComponentRecord, Records

if TYPE_CHECKING:
    from kitaru_iac.records.stored import Store

__all__ = ["place_of", "taken_names"]

#: Of `zenml stack update`.
_ZENML_OPTIONS = {"artifact_store": "-a", "container_registry": "-c", "orchestrator": "-o"}


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
    taken = list(_taken(store, records, current, orphans))
    aside = taken_aside(store, records, current, orphans)
    if not taken or (current is None and aside is not None):
        return [] if aside is None else [aside]
    name = records.stack
    young = store.orphans(name, fresh=True)
    if not list(_taken(store, records, current, young)) and (wait := store.wait_for(name)):
        what = f"Stack '{name}' is being registered by another process, or by one that died"
        if current is not None:
            kinds = ", ".join(taken)
            what = f"Parts of stack '{name}' were put beside it a moment ago: {kinds}"
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
    if current is None and "a stack" not in taken:
        store.forget()
        if (stack := store.stack_named(name)) is not None and is_managed(stack.labels):
            taken = ["a stack"]  # registered while one looked
    what = f"The name '{name}' is taken by: {', '.join(taken)}"
    if current is not None and _lost_labels(current, records, taken):
        what = f"Parts of stack '{name}' are there without the label {MANAGED_LABEL}: true: "
        what += ", ".join(taken)
        remedy = f"Put the label back with: kitaru stack adopt {name}"
    elif current is not None and (words := list(_beside(store, records, current, orphans))):
        # A local stack's parts carry no label that would say whose they are.
        remedy = (
            f"If somebody took that out of the stack: zenml stack update {name} {' '.join(words)}. "
            "Else rename or delete it."
        )
    elif taken == ["a stack"]:
        remedy = f"Change it in place with: kitaru stack apply, or see it: kitaru stack show {name}"
    else:
        remedy = "Choose another name, or rename or delete what has it."
    return [AlreadyExistsError(what, where=place_of(store), remedy=remedy)]


def _taken(
    store: Store, records: Records, current: Records | None, orphans: Records | None
) -> Iterator[str]:
    if current is None and store.stack_named(records.stack) is not None:
        yield "a stack"
    for part in _taken_parts(store, records, current, orphans):
        yield f"{_article(part.type.replace('_', ' '))} ({part.flavor})"
    if records.connector is None or records.connector.existing:
        return
    own = {orphans.connector.id} if orphans and orphans.connector else set()
    if current and current.connector and is_own_connector(current.connector, current):
        own.add(current.connector.id)
    stored = store.connector_named(records.connector.name)
    if stored is not None and stored.id not in own:
        yield f"a service connector ({stored.type})"


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


def _lost_labels(current: Records, records: Records, taken: Sequence[str]) -> bool:
    """Whether it is the stack's own parts that have the names, and lack Kitaru's label."""
    members = [current.component(part.type) for part in records.components]
    own = [p for p in members if p is not None and p.name == current.stack]
    lost = [p for p in own if not is_own_component(p, current)]
    link = current.connector
    of_name = link is not None and link.name == current.stack and not link.existing
    is_link = link is not None and of_name and not is_own_connector(link, current)
    return len(lost) + is_link == len(taken)


def _beside(
    store: Store, records: Records, current: Records, orphans: Records | None
) -> Iterator[str]:
    """The options of ZenML's command that put what is in no stack into this one."""
    for part in _taken_parts(store, records, current, orphans):
        if part.id is not None and not store.stacks_of(part.id):
            yield f"{_ZENML_OPTIONS[part.type]} {part.name}"


def _article(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"
