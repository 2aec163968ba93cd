"""The names of a stack and its parts: as they were, whether new ones are free, and written."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from kitaru_iac.errors import (
    AlreadyExistsError,
    KitaruError,
    StackChanged,
)
from kitaru_iac.errors.base import in_sentences
from kitaru_iac.gateway.wire import AnswerLost
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


#: So often the parts get the name of their stack, of which others are giving it another.
_MOST_REPAIRS: Final = 3


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
    parts = [part for part in before.components if goes_with_stack(part, before)]
    own, wanted = {part.id for part in parts}, {part.type for part in parts}
    taken = []
    stack = store.stack_named(new)
    if stack is not None and stack.id != current.id:
        taken.append(f"stack {stack.name}")
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
    with (
        _following(store, before, new),
        writing_as_one(
            store,
            before,
            f"renamed to '{new}'",
            again=again,
            # As it was, a stack that has the name already is half renamed: only the note tells.
            ended=lambda: None if is_named else unfinished.end(store.place, old),
            is_done=lambda: not at_last and _is_called(store, current, new),
        ) as writer,
    ):
        parts = _write(store, writer, before, current, new, at_last)
    unfinished.end(store.place, old)
    _require_renamed(store, before, stack_id, new)
    return Renamed(stack_id, new, old, parts, _overridden(old))


@contextmanager
def _following(store: Store, before: Records, new: str) -> Iterator[None]:
    """Give the parts the name that somebody else has given the stack meanwhile.

    What this run had renamed, perhaps over that name, was taken back to the old one, by which
    nothing would belong to the stack.
    """
    stack_id = stored_id(before)
    try:
        yield
    except KitaruError as error:
        now: Records | None = before
        with suppress(KitaruError):
            now = before if store.is_local else _now(store, stack_id)
        if now is None:  # its name may be that of somebody's new stack
            error.why = in_sentences(error.why, "The stack is gone: somebody else has deleted it.")
            error.remedy = "See which stacks there are: kitaru stack list"
        elif now.stack not in {before.stack, new}:
            parts = f"and parts of it may still be called '{before.stack}'."
            with suppress(KitaruError):
                _name_parts(store, before, now, was=before.stack)
                parts = "and so are its parts."
            error.why = in_sentences(error.why, f"It is called '{now.stack}' by now, {parts}")
            error.remedy = (
                f"See it with: kitaru stack show {stack_id}\n"
                f"Rename it all the same with: kitaru stack rename {stack_id} {new}"
            )
        raise


def _name_parts(store: Store, before: Records, now: Records, *, was: str | None = None) -> None:
    """Give the parts the name that their stack has now; `was`: only those that are called so."""
    from kitaru_iac.records.writer import Writer

    writer = Writer(store.gateway)
    for part in _own_parts(before, now):
        if part.name == now.stack or was not in {None, part.name}:
            continue
        if isinstance(part, ComponentRecord):
            writer.relabel_component(part, now.stack, part.connector_id, part.labels)
        else:
            writer.rename_connector(part, now.stack)


def _own_parts(before: Records, now: Records) -> list[ComponentRecord | ConnectorRecord]:
    """What went with the stack under its old name, as it is now."""
    own = {part.id for part in before.components if goes_with_stack(part, before)}
    link = before.connector
    if link is not None and is_own_connector(link, before):
        own.add(link.id)
    there: list[ComponentRecord | ConnectorRecord] = [*now.components]
    if now.connector is not None:
        there.append(now.connector)
    return [part for part in there if part.id in own]


def _require_renamed(store: Store, before: Records, id: str, new: str) -> None:
    """Read back that all has the new name: a server takes everybody's names, whatever they were.

    Raises:
        StackChanged: Something has another name. It is done, and not taken back.
        AnswerLost: It could not be read back.
    """
    if store.is_local:
        return
    try:
        now = _now(store, id)
        for _ in range(_MOST_REPAIRS):
            if now is None or not _other_names(before, now, now.stack):
                break
            # Somebody else's renaming came in between: the last name of the stack is its parts'.
            with suppress(KitaruError):
                _name_parts(store, before, now)
            now = _now(store, id)
    except KitaruError as error:
        raise AnswerLost(
            f"Stack '{before.stack}' was renamed to '{new}', and could not be read back",
            where=error.where,
            why=in_sentences(error.what, error.why),
            remedy=f"See it with: kitaru stack show {id}",
        ) from error
    named = {"stack": "nothing any more"} if now is None else _other_names(before, now, new)
    if named:
        see = f"See it with: kitaru stack show {id}"
        others = {*named.values()} - {now.stack} if now is not None else set()
        on = [f"Give all of it one name with: kitaru stack rename {id} {n}" for n in sorted(others)]
        raise StackChanged(
            f"Stack '{before.stack}' was renamed to '{new}', and not all of it is called so",
            differs=[f"{what}: it is called {name}" for what, name in named.items()],
            why="Somebody else renamed it at the same time, or the server did not do what it said.",
            remedy="\n".join([see, *on[:1]]),
        )


def _now(store: Store, id: str) -> Records | None:
    store.forget()
    found = store.find(id, exact=True)
    return None if found is None else store.records_of(found)


def _other_names(before: Records, now: Records, new: str) -> dict[str, str]:
    """What has another name than the new one, of what was renamed, and which."""
    named = {"stack": now.stack}
    for part in _own_parts(before, now):
        is_component = isinstance(part, ComponentRecord)
        named[part.type.replace("_", " ") if is_component else "service connector"] = part.name
    return {what: name for what, name in named.items() if name != new}


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
    differs = None
    if now_there is None:
        differs = "it is gone"
    elif now_there.name != current.stack:
        differs = f"it is called '{now_there.name}'"
    elif dict(now_there.labels) != begun:
        differs = "its labels are others"
    if differs is not None:
        what = f"Stack '{current.stack}' was changed by somebody else meanwhile"
        raise StackChanged(what, differs=[differs])
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
