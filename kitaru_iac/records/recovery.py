"""Finish or take back what a killed process left of a replacement.

While a part is replaced it is called ``NAME-replaced``, and its successor has the name.
"""

from __future__ import annotations

from kitaru_iac.errors import AlreadyExistsError
from kitaru_iac.labels import is_managed
from kitaru_iac.records.journal import Writer
from kitaru_iac.records.model import DESCRIBED, ComponentRecord, Records, stored_id
from kitaru_iac.records.stored import Store

__all__ = ["REPLACED", "recover"]

#: What an old part is called while its successor takes its name.
REPLACED = "-replaced"


def recover(store: Store, stack: str) -> None:
    """Finish or take back what a killed process left of a replacement of this stack.

    Where there is nothing it costs three look-ups: for the stack, the components and the connector
    of the ``-replaced`` name.
    """
    aside = stack + REPLACED
    stored = store.find(aside)
    named = store.components_named(aside)
    parts = [named[kind] for kind in DESCRIBED if kind in named]
    connector = store.connector_named(aside)
    if stored is None and connector is None and not parts:
        return
    if stored is not None and is_managed(stored.labels) and not store.is_stale(stored):
        raise AlreadyExistsError(
            f"Stack '{stack}' is being replaced by another process at this moment",
            remedy="Run it again in a minute: what a dead process left is then repaired.",
        )
    store.forget()
    writer = Writer(store.gateway)
    successor = store.read(stack)
    old = store.records_of(stored) if stored is not None else None
    if old is not None and is_managed(old.labels):
        if successor is None:
            _put_back(store, writer, old, stack)
            return
        writer.delete_stack(stored_id(old))
    for part in parts:
        if not is_managed(part.labels):
            continue
        if not store.stacks_of(stored_id(part)):
            writer.delete_component(stored_id(part))
        elif successor is not None and successor.component(part.type) == part:
            _free_name(store, writer, part, stack)
            link = stored_id(successor.connector) if successor.connector else None
            writer.relabel_component(part, stack, link, part.labels)
    if connector is not None and is_managed(connector.labels):
        if not store.components_of(stored_id(connector)):
            writer.delete_connector(stored_id(connector))


def _put_back(store: Store, writer: Writer, old: Records, stack: str) -> None:
    """The successor never came: the old stack takes its name again, with its parts."""
    half = store.orphans(stack, fresh=True)
    for component in half.components:
        writer.delete_component(stored_id(component))
    if half.connector is not None:
        writer.delete_connector(stored_id(half.connector))
    link = stored_id(old.connector) if old.connector else None
    for component in old.components:
        if component.name == stack + REPLACED:
            writer.relabel_component(component, stack, link, component.labels)
    if old.connector is not None and old.connector.name == stack + REPLACED:
        writer.rename_connector(old.connector, stack)
    writer.rename_stack(stored_id(old), old.stack, stack)


def _free_name(store: Store, writer: Writer, part: ComponentRecord, stack: str) -> None:
    """Delete a half-made successor that holds the name and is in no stack."""
    half = store.components_named(stack).get(part.type)
    if half is not None and not store.stacks_of(stored_id(half)):
        writer.delete_component(stored_id(half))
