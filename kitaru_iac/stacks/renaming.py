"""The names of a stack and its parts: as they were, whether new ones are free, and written."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from kitaru_iac.errors import (
    AlreadyExistsError,
    KitaruError,
    StackChanged,
)
from kitaru_iac.labels import (
    APPLIED_LABEL,
    ASIDE_LABEL,
    RENAMING_LABEL,
    SOURCE_LABEL,
    is_managed,
)
from kitaru_iac.machine import unfinished
from kitaru_iac.machine.active_scope import ACTIVE_STACK_VARIABLE
from kitaru_iac.notices import ActiveStackMissing, KitaruWarning
from kitaru_iac.records.applied import keeping
from kitaru_iac.records.applied_label import applied_records
from kitaru_iac.records.diff import goes_with_stack, is_own_connector
from kitaru_iac.records.model import ComponentRecord, ConnectorRecord, Records, stored_id

if TYPE_CHECKING:
    from kitaru_iac.records.stored import Store
    from kitaru_iac.records.writer import Writer

__all__ = ["Renamed", "require_free", "with_old_name", "write_names"]


@dataclass(frozen=True, slots=True)
class Renamed:
    """A stack that has another name.

    Attributes:
        parts: What was renamed with it, as ``orchestrator`` and ``service_connector``.
        warnings: What is to be known.
    """

    id: str
    name: str
    previous_name: str
    parts: tuple[str, ...]
    warnings: tuple[KitaruWarning, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Give the ``item`` of ``stack.rename``."""
        return {
            "id": self.id,
            "name": self.name,
            "previous_name": self.previous_name,
            "renamed_parts": list(self.parts),
            **({"warnings": [w.to_dict() for w in self.warnings]} if self.warnings else {}),
        }


def with_old_name(current: Records, new: str, *, began: bool) -> Records:
    """The stack as it was before a run of the same command that died renamed parts of it.

    A part with the new name is one of those where the stack's label or this machine's note says
    that a run began so, or where what was applied had a part of that type with the old name. Or it
    never lost that name, since somebody else renamed the stack.
    """
    applied = applied_records(current.labels)
    was_called = {current.stack}
    if applied is not None and applied.stack == new:
        was_called.add(new)

    def before(part: ComponentRecord) -> ComponentRecord:
        if part.name != new:
            return part
        was = applied.component(part.type) if applied is not None else None
        known = was is not None and was.name in was_called
        renamed = replace(part, name=current.stack)
        return renamed if goes_with_stack(renamed, current) and (began or known) else part

    link = current.connector
    if link is not None and link.name == new:
        was = applied.connector if applied is not None else None
        known = was is not None and not was.existing and was.name in was_called
        if is_own_connector(link, replace(current, stack=new)) and (began or known):
            link = replace(link, name=current.stack)
    return replace(current, components=tuple(map(before, current.components)), connector=link)


def require_free(store: Store, before: Records, current: Records, new: str) -> None:
    """Refuse a name that is taken, but by what is this stack's own.

    Raises:
        AlreadyExistsError: It is.
    """
    own = {part.id for part in before.components if goes_with_stack(part, before)}
    taken = []
    stack = store.stack_named(new)
    if stack is not None and stack.id != current.id:
        taken.append(f"stack {stack.name}")
    wanted = {part.type for part in before.components if goes_with_stack(part, before)}
    named = store.components_named(new)
    taken += [
        f"{kind.replace('_', ' ')} {new}"
        for kind, part in named.items()
        if part.id not in own and (kind in wanted or is_managed(part.labels))
    ]
    link, found = before.connector, store.connector_named(new)
    ours = link is not None and is_own_connector(link, before)
    if found is not None and not (ours and link is not None and found.id == link.id):
        taken.append(f"service connector {new}")
    if taken:
        raise AlreadyExistsError(
            f"Stack '{current.stack}' cannot be called '{new}': the name is taken",
            why=f"There is {', '.join(taken)}.",
            remedy="Choose another name, or see what a deletion or a dead process has left: "
            "kitaru stack clean",
        )


def write_names(store: Store, before: Records, current: Records, new: str) -> Renamed:
    """Write the names, the stack's last. Raises what `writing_as_one` does.

    Args:
        store: The store.
        before: The stack and its parts with the old name.
        current: The stack as it is.
        new: The new name, which the stack may have already.
    """
    from kitaru_iac.records.apply import writing_as_one

    old, stack_id = before.stack, stored_id(current)
    unfinished.begin(store.place, old, f"{unfinished.RENAME_TO}{new}", stack_id=stack_id)
    store.forget()
    again = f"Run the same command again: kitaru stack rename {old} {new}"
    is_named = current.stack == new
    at_last = [new] if is_named else []
    with writing_as_one(
        store,
        before,
        f"renamed to '{new}'",
        again=again,
        # As it was, a stack that has the name already is half renamed: only the note tells.
        ended=lambda: None if is_named else unfinished.end(store.place, old),
        is_done=lambda: not at_last and _is_called(store, current, new),
    ) as writer:
        parts = _write(store, writer, before, current, new, at_last)
    unfinished.end(store.place, old)
    return Renamed(stack_id, new, old, parts, _overridden(old))


def _is_called(store: Store, current: Records, new: str) -> bool:
    """Whether the stack has its new name: somebody else has given it to it, with its parts."""
    if store.is_local:
        return False
    with suppress(KitaruError):
        found = store.find(stored_id(current), exact=True)
        return found is not None and found.name == new
    return False


def _write(
    store: Store,
    writer: Writer,
    before: Records,
    current: Records,
    new: str,
    at_last: list[str],
) -> tuple[str, ...]:
    """Write the names; `at_last` gets the new one when the stack itself is about to get it."""
    done: list[str] = []
    is_named = current.stack == new
    begun = {**current.labels, **({} if is_named else {RENAMING_LABEL: new})}
    if begun != dict(current.labels):
        writer.mark_stack(stored_id(current), current.labels, RENAMING_LABEL, new)
    link = before.connector
    if link is not None and is_own_connector(link, before):
        if current.connector is not None and current.connector.name != new:
            writer.rename_connector(link, new)
        done.append("service_connector")
    for part, now in zip(before.components, current.components, strict=True):
        if goes_with_stack(part, before):
            if now.name != new:
                writer.relabel_component(part, new, part.connector_id, part.labels)
            done.append(part.type)
    now_there = store.find(stored_id(current), exact=True)
    if now_there is None or dict(now_there.labels) != begun:
        raise StackChanged(
            f"Stack '{current.stack}' was changed by somebody else meanwhile",
            differs=["it is gone" if now_there is None else "its labels are others"],
        )
    if not is_named:
        labels = _labels(current.labels, current.stack, new)
        at_last.append(new)
        writer.rename_stack(stored_id(current), current.stack, new, labels=labels, old_labels=begun)
    return tuple(sorted(done))


def _labels(labels: Mapping[str, str], old: str, new: str) -> dict[str, str]:
    """The stack's labels under its new name, with what was applied under that name."""
    gone = {SOURCE_LABEL, APPLIED_LABEL, ASIDE_LABEL, RENAMING_LABEL}
    kept = {key: text for key, text in labels.items() if key not in gone}
    applied = applied_records(labels)
    if applied is None:
        return kept

    def component(part: ComponentRecord) -> ComponentRecord:
        return replace(part, name=new) if part.name == old else part

    def connector(link: ConnectorRecord | None) -> ConnectorRecord | None:
        if link is None or link.existing or link.name != old:
            return link
        return replace(link, name=new)

    renamed = replace(
        applied,
        stack=new,
        components=tuple(map(component, applied.components)),
        connector=connector(applied.connector),
    )
    record = keeping(renamed).labels.get(APPLIED_LABEL)
    return {**kept, **({APPLIED_LABEL: record} if record is not None else {})}


def _overridden(old: str) -> tuple[KitaruWarning, ...]:
    """What is to be known where this shell names the stack by its old name."""
    if os.environ.get(ACTIVE_STACK_VARIABLE) != old:
        return ()
    text = f"{ACTIVE_STACK_VARIABLE} names '{old}', which no stack is called any more: unset it."
    return (ActiveStackMissing(text),)
