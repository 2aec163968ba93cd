"""Give a stack another name, with the parts that carry its name.

Whether a part is a stack's own, its name tells: so they are renamed too, and the stack last, in the
one write that also brings the record of what was applied up to date. First the stack gets a label
with the new name. What a process leaves that died before the last write is a stack of the old name
with that label and parts of the new name: the same command goes on, and every other one refuses it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from kitaru_iac.callbacks import require_wanted
from kitaru_iac.errors import (
    AlreadyExistsError,
    KitaruError,
    ProtectedStackError,
    StackChanged,
    StackNotManaged,
    UsageError,
)
from kitaru_iac.gateway.views import DEFAULT_STACK
from kitaru_iac.labels import (
    APPLIED_LABEL,
    ASIDE_LABEL,
    DEPLOYMENT_LABELS,
    MANAGED_LABEL,
    RENAMING_LABEL,
    SOURCE_LABEL,
    is_managed,
)
from kitaru_iac.machine import unfinished
from kitaru_iac.machine.active_scope import ACTIVE_STACK_VARIABLE
from kitaru_iac.machine.interrupts import WorkInterrupted
from kitaru_iac.machine.locks import sole_writer
from kitaru_iac.notices import ActiveStackMissing, KitaruWarning
from kitaru_iac.records.applied import keeping
from kitaru_iac.records.applied_label import applied_records
from kitaru_iac.records.diff import goes_with_stack, is_own_connector
from kitaru_iac.records.model import ComponentRecord, ConnectorRecord, Records, stored_id
from kitaru_iac.records.owner import require_changeable
from kitaru_iac.stacks.names import require_new_name

if TYPE_CHECKING:
    from kitaru_iac.gateway.documents import StackDoc
    from kitaru_iac.records.stored import Store
    from kitaru_iac.records.writer import Writer

__all__ = ["Renamed", "rename", "require_renamable"]


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


def rename(ref: str, new: str) -> Renamed:
    """Rename a stack, its own components and its own connector.

    It keeps its id, and so stays the active stack where it is. Which source it was applied from is
    forgotten: no file describes it under the new name yet, and ``--prune`` would delete it.

    Args:
        ref: The stack's name, id, or the beginning of its id.
        new: Its name from now on.

    Raises:
        UsageError: That cannot be a stack's name, or is its name.
        StackNotFound: There is no such stack.
        AlreadyExistsError: A stack, component or connector of that name is there.
        ProtectedStackError: It is the default stack or a Pulumi program's, or its infrastructure
            was provisioned.
        StackChanged: Somebody else changed it meanwhile; what was written is taken back.
        StackNotManaged: Kitaru did not make it.
        AnswerLost: A write was not answered; what is known to be done is taken back.
        RegistrationFailed: A write failed; its `left` says what could not be taken back.
    """
    from kitaru_iac.records.stored import Store

    require_new_name(new)
    begun = False

    def begin() -> None:
        nonlocal begun
        require_wanted()
        begun = True

    try:
        return _find_and_rename(Store.open(), ref, new, begin)
    except WorkInterrupted:
        raise
    except KeyboardInterrupt as pressed:
        if begun:
            raise
        what = f"Interrupted before stack '{ref}' was renamed; nothing was changed"
        raise WorkInterrupted(what) from pressed


def _find_and_rename(store: Store, ref: str, new: str, begin: Callable[[], None]) -> Renamed:
    from kitaru_iac.stacks.mending import Mending

    found = store.find(ref) or _set_aside(store, ref)
    if found is None:
        done = _done_before(store, ref, new)
        if done is None:
            raise store.not_found(ref)
        return done
    with sole_writer(found.name, new):
        mending = Mending(store, found.name)
        before, current = _looked_at(mending.store, found, new)
        begin()
        with mending.told():
            if mending.repair is not None:
                before, current = _looked_at(mending.mend(), found, new)
            done = _rename(mending.store, before, current, new)
        return replace(done, warnings=(*mending.said(), *done.warnings))


def _set_aside(store: Store, name: str) -> StackDoc | None:
    """The stack that gets this name back, where a run that died had set it aside."""
    from kitaru_iac.records.stored import Store
    from kitaru_iac.stacks.mending import Mending

    with sole_writer(name):
        return Mending(Store(store.gateway), name).store.stack_named(name)


def _looked_at(store: Store, found: StackDoc, new: str) -> tuple[Records, Records]:
    """The stack as it was before a renaming of it that died, and as it is; refuses the renaming."""
    store.look(found.name, new)
    again = store.find(found.id, exact=True)
    if again is None or again.name != found.name:
        raise StackChanged(
            f"Stack '{found.name}' was changed by somebody else meanwhile",
            differs=["it is gone" if again is None else f"it is called '{again.name}'"],
            remedy="See the stacks there are: kitaru stack list",
        )
    current = store.records_of(again)
    _require_renamable(current, new)
    half = current.labels.get(RENAMING_LABEL)
    began = half is not None or _began(store, new)
    before = _with_old_name(current, half or new, began=began)
    _require_free(store, before, current, new)
    return before, current


def _done_before(store: Store, ref: str, new: str) -> Renamed | None:
    """What the same command had done to its end when it was killed."""
    with sole_writer(ref, new):
        store.note_dead_run(ref)
        if not _began(store, new):
            return None
        found = store.stack_named(new)
        if found is None:
            return None
        unfinished.end(store.place, ref)
        parts = [kind for kind, of in found.members.items() for member in of if member.name == new]
        return Renamed(found.id, new, ref, tuple(parts), _overridden(ref))


def _began(store: Store, new: str) -> bool:
    return store.dead_run is not None and store.dead_run.new_name == new


def require_renamable(ref: str, new: str) -> None:
    """Refuse what `rename` would refuse of a stack, before anybody is asked.

    Args:
        ref: The stack's name or id; nothing is said of one that is gone.
        new: The name that it is to have.

    Raises:
        ProtectedStackError: It is the default stack, a Pulumi program's, or one that something was
            provisioned for.
        StackNotManaged: Kitaru did not make it.
        UsageError: It is called so already.
        NotConnectedError: No store answers.
    """
    from kitaru_iac.records.stored import Store

    store = Store.open()
    found = store.find(ref)
    if found is not None:
        _require_renamable(store.records_of(found), new)


def _require_renamable(current: Records, new: str) -> None:
    name = current.stack
    if name == DEFAULT_STACK:
        raise ProtectedStackError("The default stack is ZenML's own, and keeps its name")
    if name == new:
        raise UsageError(f"Stack '{name}' is called so already", where="NEW")
    whole = {key: text for key, text in current.labels.items() if key != RENAMING_LABEL}
    require_changeable(replace(current, labels=whole), None)
    if not is_managed(current.labels):
        raise StackNotManaged(
            f"Kitaru did not make stack '{name}'; nothing was renamed",
            stack=stored_id(current),
            why=f"It has no label {MANAGED_LABEL}.",
            remedy=f"Take it under management first: kitaru stack adopt {current.id}\n"
            f"or rename it alone: zenml stack rename {current.id} {new}",
        )
    if any(key.startswith(DEPLOYMENT_LABELS) for key in current.labels):
        raise ProtectedStackError(
            f"Stack '{name}' keeps its name: its infrastructure was provisioned under it",
            why="What was made in the cloud, its tags and its state carry the name, and cannot get "
            "another one without being made anew.",
            remedy="Make another stack for the same infrastructure: "
            f"kitaru stack copy {name} {new}",
        )


def _with_old_name(current: Records, new: str, *, began: bool) -> Records:
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


def _require_free(store: Store, before: Records, current: Records, new: str) -> None:
    """Refuse a name that is taken, but by what is this stack's own.

    Raises:
        AlreadyExistsError: It is.
    """
    own = {part.id for part in before.components if goes_with_stack(part, before)}
    taken = []
    if (stack := store.stack_named(new)) is not None:
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


def _rename(store: Store, before: Records, current: Records, new: str) -> Renamed:
    """Write the names, the stack's last. Raises what `writing_as_one` does."""
    from kitaru_iac.records.apply import writing_as_one

    old = current.stack
    unfinished.begin(store.place, old, f"{unfinished.RENAME_TO}{new}")
    store.forget()
    again = f"Run the same command again: kitaru stack rename {old} {new}"
    at_last: list[str] = []
    with writing_as_one(
        store,
        current,
        f"renamed to '{new}'",
        again=again,
        ended=lambda: unfinished.end(store.place, old),
        is_done=lambda: not at_last and _is_called(store, current, new),
    ) as writer:
        parts = _write(store, writer, before, current, new, at_last)
    return Renamed(stored_id(current), new, old, parts, _overridden(old))


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
    begun = {**current.labels, RENAMING_LABEL: new}
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
