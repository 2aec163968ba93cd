"""What makes room for its successor under ``NAME-replaced``, and who has that name already.

Anybody may call something so. What a run set aside carries its label, and is repaired; all else
stays, and a change that needs the name is refused before anything is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from kitaru_iac.errors import AlreadyExistsError
from kitaru_iac.gateway.documents import Where
from kitaru_iac.labels import ASIDE_LABEL, is_managed
from kitaru_iac.records.applied_label import applied_records
from kitaru_iac.records.diff import is_own_component, is_own_connector, replacement_reason
from kitaru_iac.records.from_documents import component_record, connector_record
from kitaru_iac.records.model import ConnectorRecord, Records
from kitaru_iac.records.names import REPLACED
from kitaru_iac.values import replace

if TYPE_CHECKING:
    from kitaru_iac.gateway.documents import StackDoc
    from kitaru_iac.records.stored import Store
    from kitaru_iac.records.writer import Writer

__all__ = [
    "is_changeable",
    "is_left_by_earlier",
    "keep_component",
    "keep_connector",
    "taken_aside",
    "unmarked",
]


def is_changeable(old: ConnectorRecord, new: ConnectorRecord) -> bool:
    """Whether ZenML changes a connector that components are linked to.

    Not its type or method; and where its secrets are taken away, it would leave them stored.
    """
    same = (old.type, old.auth_method) == (new.type, new.auth_method)
    return same and (bool(new.secrets) or not old.secrets)


def is_left_by_earlier(doc: StackDoc) -> bool:
    """Whether an earlier release, which wrote no mark, may have set this stack aside and died.

    It was applied under the name without ``-replaced`` then. Or somebody has renamed it since.
    """
    name = doc.name.removesuffix(REPLACED)
    if name == doc.name or not is_managed(doc.labels):
        return False
    applied = applied_records(doc.labels)
    return applied is not None and applied.stack == name


def unmarked(labels: Mapping[str, str]) -> dict[str, str]:
    """Give the labels of what is not set aside any more."""
    return {key: text for key, text in labels.items() if key != ASIDE_LABEL}


def keep_component(store: Store, writer: Writer, id: str) -> None:
    """Leave a component that was set aside to those who use it by now: no run repairs it later."""
    for doc in store.gateway.components(Where(ids=(id,))):
        if ASIDE_LABEL in doc.labels:
            part = component_record(doc)
            writer.relabel_component(part, part.name, part.connector_id, unmarked(part.labels))


def keep_connector(store: Store, writer: Writer, id: str) -> None:
    """Leave a service connector to those who use it, as `keep_component` does."""
    for doc in store.gateway.connectors(Where(ids=(id,))):
        if ASIDE_LABEL in doc.labels:
            link = connector_record(doc)
            writer.relabel_connector(link, unmarked(link.labels))


def taken_aside(
    store: Store, desired: Records, current: Records | None, orphans: Records | None
) -> AlreadyExistsError | None:
    """The refusal of a change for which ``NAME-replaced`` is not free, or of a creation beside it.

    Args:
        store: The store, which was looked at.
        desired: What is to be stored.
        current: What is stored, if anything.
        orphans: What would be taken over.
    """
    name = desired.stack
    aside = name + REPLACED
    found = store.stack_named(aside)
    if found is not None and store.is_aside(found.labels, name):
        return None  # it is repaired before anything is written
    if current is None and found is not None and is_left_by_earlier(found):
        return AlreadyExistsError(
            f"Stack '{name}' may be there under the name '{aside}'",
            why=f"It was applied as '{name}'. An earlier release calls a stack so while it is "
            "replaced, and may have died then; or somebody has renamed it.",
            remedy=f"Give it its name back: kitaru stack rename {found.id} {name}\n"
            f"or another one, if it is to stay: kitaru stack rename {found.id} NAME",
        )
    taken = list(_taken(store, desired, current, orphans))
    if not taken:
        return None
    return AlreadyExistsError(
        f"Stack '{name}' cannot be changed so: the name '{aside}' is taken",
        why="What is replaced is called so until its successor stands, and there is: "
        f"{', '.join(taken)}. No run of this release is to repair that.",
        remedy="Give it another name, or delete it if nobody needs it."
        + ("" if found is None else f" See it with: kitaru stack show {found.id}"),
    )


def _taken(
    store: Store, desired: Records, current: Records | None, orphans: Records | None
) -> Iterator[str]:
    """What stands under the name that something of this stack would have for a while."""
    name = desired.stack
    aside = name + REPLACED
    is_replaced = current is not None and replacement_reason(desired, current) is not None
    stack = store.stack_named(aside)
    if is_replaced and stack is not None:
        yield f"stack {aside}"
    moved: set[str] = set()
    links: list[ConnectorRecord] = []
    for records in (current, orphans):
        if records is None:
            continue
        for part in records.components:
            new = desired.component(part.type)
            other = new is not None and new.flavor != part.flavor
            if is_own_component(part, records) or records is orphans:
                moved |= {part.type} if other or (is_replaced and records is current) else set()
        link = records.connector
        if link is not None and is_own_connector(link, replace(records, labels={})):
            links.append(link)
    for kind, found in store.components_named(aside).items():
        if kind in moved and not store.is_aside(found.labels, name):
            yield f"{kind.replace('_', ' ')} {aside}"
    wanted = desired.connector
    if not is_replaced:
        is_made = wanted is not None and not wanted.existing
        links = [old for old in links if is_made and wanted and not is_changeable(old, wanted)]
    named = store.connector_named(aside) if links else None
    if named is not None and not store.is_aside(named.labels, name):
        yield f"service connector {aside}"
