"""Finish or take back what a killed process left; or say first what that would be.

While a part is replaced it is called ``NAME-replaced`` and labelled so, and its successor has the
name. A connector that is made has a temporary name at first; before it comes its secret.

Nobody has agreed to a repair by asking for a plan, or by a command that is refused. So it is
rehearsed, planned and shown with all else (`rehearse`), and made right before the first write
(`recover`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from kitaru_iac.errors import AlreadyExistsError, NotFoundError, StackChanged
from kitaru_iac.gateway.documents import ComponentDoc, ConnectorDoc, StackDoc, Where
from kitaru_iac.labels import is_managed
from kitaru_iac.machine import unfinished
from kitaru_iac.machine.interrupts import Hold, WorkInterrupted
from kitaru_iac.notices import KitaruWarning, LeftRepaired
from kitaru_iac.plan.model import Action, Change, Reason, Step
from kitaru_iac.records.aside import keep_component, keep_connector, unmarked
from kitaru_iac.records.diff import is_own_component, is_own_connector
from kitaru_iac.records.model import (
    DESCRIBED,
    ComponentRecord,
    ConnectorRecord,
    Records,
    stored_id,
)
from kitaru_iac.records.names import REPLACED, temporary_name
from kitaru_iac.records.snapshot import how_to_see, take_snapshot
from kitaru_iac.records.stored import STALE_AFTER, Store
from kitaru_iac.records.writer import Writer
from kitaru_iac.values import dataclass, replace

if TYPE_CHECKING:
    from kitaru_iac.gateway.rehearsal import Noted
    from kitaru_iac.machine.unfinished import Unfinished

__all__ = ["CLEAN", "Repair", "is_needed", "recover", "rehearse"]

#: Seconds between two looks at what a dead run's last request does, and how many there are at most.
_BETWEEN_LOOKS: Final = 0.5
_MOST_LOOKS: Final = 40

#: What to do about what a run left that ended in the middle.
CLEAN = (
    "Run the same command again to go on, or finish or take back what is left: kitaru stack clean"
)


@dataclass(frozen=True, slots=True)
class Repair:
    """What is done about what a dead run left of a stack.

    Attributes:
        steps: What is deleted, and what gets its name back.
        ids: The ids of what these steps are about.
        deleted: The id of the stack that is deleted, as its successor stands; None where none is.
    """

    steps: tuple[Step, ...]
    ids: tuple[str, ...]
    deleted: str | None = None

    def said(self, stack: str) -> tuple[KitaruWarning, ...]:
        """Give the warning that says so of a stack, once it is done."""
        done = [_words(step) for step in self.steps]
        text = f"What a run that died had left of stack '{stack}' was repaired first: "
        return (LeftRepaired(text + "; ".join(done) + "."),)


def is_needed(store: Store, stack: str) -> bool:
    """Say whether something is there that only a run of this stack which died leaves.

    Or one that is at work. It costs the look-ups that `Store.look_at` makes at once.
    """
    if store.dead_run is not None or unfinished.find(store.place, stack) is not None:
        return True
    aside = stack + REPLACED
    found = [store.stack_named(aside), store.connector_named(aside)]
    docs = [*store.components_named(aside).values(), *(doc for doc in found if doc)]
    if any(store.is_aside(doc.labels, stack) for doc in docs):
        return True
    return store.is_local and bool(store.orphaned_secrets(stack))


def rehearse(
    store: Store, stack: str, *, to_make: bool = False, settles: bool = True
) -> tuple[Store, Repair | None]:
    """Say what `recover` would do, and give the store as it would leave it. Writes nothing.

    Needs the lock of the name, and that `Store.look_at` was called under it.

    Args:
        store: The store.
        stack: The name.
        to_make: As of `recover`.
        settles: Whether to wait until a server has ended what the dead run has asked it for.

    Returns:
        A store to read from, and the repair; the store as it is and None where there is none.

    Raises:
        AlreadyExistsError, StackChanged: As `recover` does.
    """
    from kitaru_iac.gateway.rehearsal import Rehearsal

    if settles:
        _let_settle(store, stack)
    gateway = Rehearsal(store.gateway)
    twin = store.rehearsal(gateway)
    deleted: list[str] = []
    try:
        _repair(twin, stack, lambda old, _: deleted.append(old), to_make=to_make)
    except AlreadyExistsError as error:
        if gateway.taken is None:
            raise
        raise _blocked(stack, *gateway.taken) from error
    gateway.is_over = True
    if not gateway.noted:
        return store, None
    twin.look(stack, stack + REPLACED)
    steps, ids = tuple(map(_step, gateway.noted)), tuple(noted.id for noted in gateway.noted)
    return twin, Repair(steps, ids, next(iter(deleted), None))


def _blocked(stack: str, kind: str, name: str) -> AlreadyExistsError:
    """The error for a part of somebody's own that has the name which is to be given back."""
    word = kind.replace("_", "-")
    rename = f"zenml {word} rename {name} NEW"
    if kind == "service_connector":
        rename = f"zenml {word} update {name} --name NEW"
    return AlreadyExistsError(
        f"What a run that died has left of stack '{stack}' cannot be repaired yet",
        why=f"Another {word.replace('-', ' ')} has the name '{name}' by now. Nothing was repaired.",
        remedy=f"Rename it: {rename}\nThen run the same command again.",
    )


def _words(step: Step) -> str:
    what = f"{step.kind.replace('_', ' ')} {step.name}"
    if step.action is Action.DELETE:
        return f"{what} is deleted"
    return f"{what} is called {step.changes[0].after} again" if step.changes else f"{what} is kept"


def _step(noted: Noted) -> Step:
    kind, name, code = noted.kind, noted.name, Reason.LEFT_BY_DEAD_RUN
    if noted.new_name is None:
        why = "left by a run that died"
        return Step(Action.DELETE, kind, name, reason=why, code=code)
    changes = (Change("name", name, noted.new_name),) if noted.new_name != name else ()
    why = "set aside by a run that died"
    return Step(Action.UPDATE, kind, name, changes=changes, reason=why, code=code)


def recover(
    store: Store,
    stack: str,
    stands: Callable[[str, str], None] = lambda *_: None,
    *,
    to_make: bool = False,
) -> bool:
    """Finish or take back what a killed process left of a change of this stack.

    Needs the lock of the name.

    Args:
        store: The store.
        stack: The name.
        stands: Called with the ids of a stack and of its successor, before the first is deleted.
        to_make: Whether a stack of that name is made or changed next. Then a deletion with its
            parts that was cut off is finished first: what the new one has no use for would stay.

    Returns:
        Whether there was something.

    Raises:
        AlreadyExistsError: Another process seems to be replacing it at this moment.
        StackChanged: Another process has repaired or finished it meanwhile.
        WorkInterrupted: Ctrl-C was pressed meanwhile; all of it was done nevertheless.
    """
    store.note_dead_run(stack)
    _let_settle(store, stack)
    work = f"what an earlier run left of stack '{stack}' is not all repaired"
    with Hold(f"Interrupted again: {work}", CLEAN) as hold:
        found = _repair(store, stack, stands, to_make=to_make)
    if hold.count:
        raise WorkInterrupted(
            f"Interrupted; what an earlier run left of stack '{stack}' is repaired, "
            "and the stack was not changed otherwise"
        )
    return found


def _repair(store: Store, stack: str, stands: Callable[[str, str], None], *, to_make: bool) -> bool:
    writer = Writer(store.gateway)
    found = _delete_connectors_to_be(store, writer, stack)
    try:
        found |= _recover_replacement(store, writer, stack, stands)
        found |= to_make and _finish_deletion(store, writer, stack)
    except NotFoundError as error:
        raise _changed(store, stack, error.what) from error
    writer.require_deleted()
    return found


def _changed(store: Store, stack: str, what: str) -> StackChanged:
    return StackChanged(
        f"Stack '{stack}' was changed by somebody else while an earlier run was repaired",
        differs=[what],
        remedy=f"{how_to_see(store.gateway, stack)}\n"
        "Run the same command again: it starts from what is there now.",
    )


def _let_settle(store: Store, stack: str) -> None:
    """Wait until a server has done what a dead run has asked it for, as far as one can see.

    It goes on with a request whose sender was killed, and registers a stack part by part, for as
    long as a busy database takes. So soon after a run has died two looks have to show the same.
    """
    dead = store.dead_run
    if dead is None or store.is_local or dead.age >= STALE_AFTER:
        return
    names = stack, stack + REPLACED, temporary_name(stack, dead.token)
    seen = take_snapshot(store.gateway, *names)
    for _ in range(_MOST_LOOKS):
        time.sleep(_BETWEEN_LOOKS)
        before, seen = seen, take_snapshot(store.gateway, *names)
        if seen == before:
            break
    store.forget()


def _delete_connectors_to_be(store: Store, writer: Writer, stack: str) -> bool:
    """Delete what a dead run has of a connector that did not come to its name."""
    found = False
    dead = store.dead_run
    if dead is not None:
        half = store.connector_named(temporary_name(stack, dead.token))
        if (
            half is not None
            and is_managed(half.labels)
            and not store.components_of(stored_id(half))
        ):
            writer.delete_connector(stored_id(half))
            found = True
    for secret in store.orphaned_secrets(stack):
        store.gateway.delete("secret", secret.id)
        found = True
    return found


def _recover_replacement(
    store: Store, writer: Writer, stack: str, stands: Callable[[str, str], None]
) -> bool:
    stored, parts, connector = _set_aside(store, stack)
    if stored is None and connector is None and not parts:
        return False
    if wait := _wait(store, stored, stack):
        raise AlreadyExistsError(
            f"Stack '{stack}' is being replaced by another process, or by one that died",
            why="Which of both, its age tells: on a server processes do not see each other.",
            remedy=f"Run the same command again in {wait} s: "
            "what a dead process left is then repaired.",
        )
    store.forget()
    successor = store.read(stack)
    old = store.records_of(stored) if stored is not None else None
    if old is not None:
        if successor is None:
            _put_back(store, writer, old, stack)
            return True
        stands(stored_id(old), stored_id(successor))
        writer.delete_stack(stored_id(old))
    for part in parts:
        holding = store.gateway.stacks(Where(uses_component=stored_id(part)))
        writer.require_others(doc.id for doc in holding)
        if not holding:
            writer.delete_component(stored_id(part))
        elif successor is not None and successor.component(part.type) == part:
            _free_name(store, writer, part, stack)
            writer.relabel_component(part, stack, part.connector_id, unmarked(part.labels))
        else:
            keep_component(store, writer, stored_id(part))
    if connector is not None:
        users = store.components_of(stored_id(connector))
        writer.require_others(stored_id(user) for user in users)
        if not users:
            writer.delete_connector(stored_id(connector))
        elif not any(user.name in {stack, stack + REPLACED} for user in users):
            keep_connector(store, writer, stored_id(connector))
    if old is not None:
        _delete_parts(store, writer, replace(old, stack=stack))
    return True


def _finish_deletion(store: Store, writer: Writer, stack: str) -> bool:
    """Delete the parts of a stack that a dead run has deleted with them."""
    dead = store.dead_run
    if dead is None or dead.stack != stack or dead.work != "delete" or not dead.recursive:
        return False
    if store.stack_named(stack) is not None:
        return False
    left = store.orphans(stack)
    link = left.connector
    ids = [stored_id(part) for part in left.components]
    docs = store.gateway.components(Where(ids=tuple(ids))) if ids else []
    mine = {doc.id for doc in docs if _was_left_then(store, dead, doc)}
    for key in ids:
        if key in mine:
            writer.delete_component(key)
    links = store.gateway.connectors(Where(ids=(stored_id(link),))) if link is not None else []
    for doc in links:
        if _was_left_then(store, dead, doc) and not store.components_of(doc.id):
            writer.delete_connector(doc.id)
            mine.add(doc.id)
    if mine:
        store.forget()
    return bool(mine)


def _was_left_then(store: Store, dead: Unfinished, doc: ComponentDoc | ConnectorDoc) -> bool:
    """Whether it was last written before the run died: others may have kept it since."""
    age = (store.gateway.now() - doc.updated).total_seconds()
    return age >= dead.age - STALE_AFTER


def _set_aside(
    store: Store, stack: str
) -> tuple[StackDoc | None, list[ComponentRecord], ConnectorRecord | None]:
    """What a run has set aside: the stack, components, and the connector."""
    aside = stack + REPLACED
    stored, link = store.stack_named(aside), store.connector_named(aside)
    named = store.components_named(aside)
    return (
        stored if stored is not None and store.is_aside(stored.labels, stack) else None,
        [
            named[kind]
            for kind in DESCRIBED
            if kind in named and store.is_aside(named[kind].labels, stack)
        ],
        link if link is not None and store.is_aside(link.labels, stack) else None,
    )


def _delete_parts(store: Store, writer: Writer, old: Records) -> None:
    """Delete those parts of a replaced stack that have its own name again, and that nobody uses.

    A run that took back what it could renamed what its successor has no part of the name for.
    """
    for component in old.components:
        if is_own_component(component, old) and not store.stacks_of(stored_id(component)):
            writer.delete_component(stored_id(component))
    link = old.connector
    if link is not None and is_own_connector(link, old):
        if not store.components_of(stored_id(link)):
            writer.delete_connector(stored_id(link))


def _wait(store: Store, stored: StackDoc | None, stack: str) -> int:
    """The seconds until what is set aside counts as dead: a stack's age tells, or its parts'."""
    if stored is None:
        return store.seconds_until_aside_stale(stack)
    return store.seconds_until_stale(stored)


def _put_back(store: Store, writer: Writer, old: Records, stack: str) -> None:
    """The successor never came: the old stack takes its name again, with its parts."""
    half = store.orphans(stack, fresh=True)
    for component in half.components:
        writer.delete_component(stored_id(component))
    if half.connector is not None:
        writer.delete_connector(stored_id(half.connector))
    writer.require_deleted()  # what stays has the names that are given back
    aside = stack + REPLACED
    for component in old.components:
        if component.name == aside and store.is_aside(component.labels, stack):
            labels = unmarked(component.labels)
            writer.relabel_component(component, stack, component.connector_id, labels)
    link = old.connector
    if link is not None and link.name == aside and store.is_aside(link.labels, stack):
        writer.rename_connector(link, stack, unmarked(link.labels))
    if not store.is_local:
        for now in store.gateway.stacks(Where(ids=(stored_id(old),))):
            if now.name != old.stack:
                raise _changed(store, stack, f"stack {old.stack}: it is called {now.name}")
    labels = unmarked(old.labels)
    writer.rename_stack(stored_id(old), old.stack, stack, labels=labels, old_labels=old.labels)


def _free_name(store: Store, writer: Writer, part: ComponentRecord, stack: str) -> None:
    """Delete a half-made successor that holds the name and is in no stack."""
    half = store.components_named(stack).get(part.type)
    if half is not None and not store.stacks_of(stored_id(half)):
        writer.delete_component(stored_id(half))
