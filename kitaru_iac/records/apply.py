"""Carry out the record layer's difference, as one change: all of it, or none.

What is written goes through a `Writer`, which can take it back. Deletions come last, when the new
records stand; one that fails there leaves a part under its old or its ``-replaced`` name, which
the next run of the same command removes (`records.recovery`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from kitaru_iac.errors import (
    AlreadyExistsError,
    KitaruError,
    NotAllowedError,
    NotConnectedError,
    RegistrationFailed,
)
from kitaru_iac.gateway.documents import Where
from kitaru_iac.labels import MANAGED_LABEL, ORPHANED_LABEL
from kitaru_iac.machine import unfinished
from kitaru_iac.machine.interrupts import CutShort, Hold, WorkInterrupted
from kitaru_iac.records.diff import (
    OUR_LABELS,
    diff,
    is_own_component,
    is_own_connector,
    replacement_reason,
)
from kitaru_iac.records.journal import Writer
from kitaru_iac.records.model import ComponentRecord, ConnectorRecord, Records, stored_id
from kitaru_iac.records.names import REPLACED
from kitaru_iac.records.recovery import CLEAN
from kitaru_iac.records.stored import Store

__all__ = ["ApplyResult", "done_nevertheless", "execute", "holding"]

#: A colleague's failing registration of the same name frees its parts within moments.
_RENAME_ATTEMPTS, _RENAME_PAUSE = 10, 0.3


@dataclass(slots=True)
class ApplyResult:
    """What a change of records did.

    Attributes:
        id: The stack's id, after it.
        components_created: Of new components and those taken over.
        connectors_created: Names of new connectors.
        deleted: What was removed, as ``artifact_store dev``.
    """

    id: str
    components_created: list[ComponentRecord] = field(default_factory=list)
    connectors_created: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)


def holding(stack: str) -> Hold:
    """Hold Ctrl-C and SIGTERM back while the records of a stack are written."""
    return Hold(f"Interrupted again, while the change of stack '{stack}' was being ended", CLEAN)


def execute(
    store: Store,
    desired: Records,
    current: Records | None,
    orphans: Records,
    hold: Hold | None = None,
) -> ApplyResult:
    """Write the difference between `desired` and `current`.

    Ctrl-C and SIGTERM wait for the single write that is under way; then everything is taken back.
    Once the last one is made they change nothing any more.

    Args:
        store: The open store.
        desired: What should be stored.
        current: What is stored under that name, read with secrets; None where nothing is.
        orphans: Managed parts of that name in no stack.
        hold: What holds them back already; its holder says what came of it when all is done.

    Raises:
        AlreadyExistsError: Somebody else registered the name meanwhile; nothing is left of ours.
        RegistrationFailed: A write failed. Its `left` says what could not be taken back.
        WorkInterrupted: Ctrl-C or SIGTERM. Its `left` says the same.
    """
    if hold is not None:
        return _execute(store, desired, current, orphans, hold)
    with holding(desired.stack) as hold:
        result = _execute(store, desired, current, orphans, hold)
    if hold.count:
        raise done_nevertheless(desired.stack)
    return result


def done_nevertheless(stack: str, *more: str) -> WorkInterrupted:
    """The interrupt that came when all was written."""
    done = " and ".join([f"registered as described{',' if len(more) > 1 else ''}", *more])
    return WorkInterrupted(f"Interrupted when all was done: stack '{stack}' is {done}")


def _execute(
    store: Store, desired: Records, current: Records | None, orphans: Records, hold: Hold
) -> ApplyResult:
    store.forget()  # what was found before may be minutes old
    stack = desired.stack
    work = "create" if current is None else "change"
    note = unfinished.begin(store.url, stack, work, took_over=_takes_over(store, orphans))
    change = _Change(
        store, desired, current, orphans, Writer(store.gateway, token=note.token, before=hold.check)
    )
    try:
        result = change.write()
        hold.check()
    except CutShort:
        raise
    except BaseException as error:
        left = change.writer.roll_back()
        if not left and not isinstance(error, NotConnectedError):
            unfinished.end(store.url, stack)
        raise _failure(error, change, left) from error
    change.writer.commit()
    try:
        change.clean_up(result)
    except Exception as error:
        raise RegistrationFailed(
            f"Stack '{stack}' is registered as described, but a part of the old one stays",
            left=change.pending_names,
            why=str(error),
            remedy="Run the same command again to remove it.",
        ) from error
    unfinished.end(store.url, stack)
    return result


def _takes_over(store: Store, orphans: Records) -> bool:
    """Whether parts are taken over that a deletion had kept, now or by a run that died of it."""
    labels = [part.labels for part in orphans.components]
    if orphans.connector is not None:
        labels.append(orphans.connector.labels)
    if labels and store.dead_run is not None and store.dead_run.took_over:
        return True
    return any(of_part.get(ORPHANED_LABEL) == "true" for of_part in labels)


def _failure(error: BaseException, change: _Change, left: list[str]) -> BaseException:
    stack = change.desired.stack
    if isinstance(error, KeyboardInterrupt):
        how = "what was written could not all be taken back" if left else "nothing was changed"
        return WorkInterrupted(f"Interrupted; {how}", left=left, remedy=CLEAN if left else None)
    if not isinstance(error, Exception):
        return error
    cause = error if isinstance(error, KitaruError) else KitaruError(_text(error))
    if not left and (isinstance(cause, AlreadyExistsError) or _is_taken(cause, change)):
        return AlreadyExistsError(
            f"Stack '{stack}' exists already: somebody else registered it at the same moment",
            why=cause.what,
            remedy=f"See it with: kitaru stack show {stack}",
        )
    return RegistrationFailed(
        f"Registering stack '{stack}' failed" + ("" if left else "; nothing was left behind"),
        left=left,
        why=" ".join(part for part in (cause.what, cause.why) if part),
        remedy="The same command can be run again."
        if not left
        else "Run the same command again: it takes over what is there.",
    )


def _is_taken(cause: KitaruError, change: _Change) -> bool:
    """Whether a store's failure means that somebody else has taken the name meanwhile.

    A database may say so with an error of its own, which a server passes on as a failure.
    """
    if isinstance(cause, (NotAllowedError, NotConnectedError)):
        return False
    try:
        return change.is_taken()
    except KitaruError:
        return False


def _text(error: Exception) -> str:
    """An error that no gateway raises."""
    return f"{type(error).__name__}: {error}"


def _is_changeable(old: ConnectorRecord, new: ConnectorRecord) -> bool:
    """Whether ZenML changes a connector that components are linked to.

    Not its type or method; and where its secrets are taken away, it would leave them stored.
    """
    same = (old.type, old.auth_method) == (new.type, new.auth_method)
    return same and (bool(new.secrets) or not old.secrets)


class _Change:
    """One change on its way: the new parts by type, and what is to go afterwards."""

    def __init__(
        self,
        store: Store,
        desired: Records,
        current: Records | None,
        orphans: Records,
        writer: Writer,
    ) -> None:
        self.store = store
        self.writer = writer
        self.desired = desired
        self.current = current
        self.orphans = orphans
        self.connector: str | None = None
        self.replacing = current is not None and replacement_reason(desired, current) is not None
        self._pending_deletes: list[tuple[str, Callable[[], object]]] = []

    @property
    def pending_names(self) -> list[str]:
        """What is still to be removed."""
        return [name for name, _ in self._pending_deletes]

    def is_taken(self) -> bool:
        """Whether a stack, component or connector of another has the name."""
        name = self.desired.stack
        known = {
            part.id
            for records in (self.orphans, self.current)
            if records is not None
            for part in (*records.components, records.connector, records)
            if part is not None
        }
        stack = self.store.stack_named(name)
        if stack is not None and stack.id not in known:
            return True
        wanted = {component.type for component in self.desired.components}
        named = self.store.components_named(name)
        if any(part.id not in known for kind, part in named.items() if kind in wanted):
            return True
        link = self.desired.connector
        if link is None or link.existing:
            return False
        taken = self.store.connector_named(link.name)
        return taken is not None and taken.id not in known

    # -- the new parts ---------------------------------------------------------------------------

    def write(self) -> ApplyResult:
        if self.current is not None and not self.replacing:
            return self._in_place(self.current)
        carried: dict[str, list[str]] = {}
        if self.current is not None:
            carried = self._move_aside(self.current)
        result = ApplyResult(id="")
        self._write_connector(self.orphans, result)
        members = self._members(result)
        for kind, of_kind in carried.items():
            members.setdefault(kind, list(of_kind))
        stack = self.writer.register_stack(
            self.desired.stack, self.desired.labels, members, self.connector
        )
        taken_over = any(isinstance(given, str) for of in members.values() for given in of)
        where = Where(in_stack=stack.id)
        docs = self.store.gateway.components(where) if taken_over else []
        labels = {doc.id: doc.labels for doc in docs}
        for wanted in self.desired.components:
            member = stack.members[wanted.type][0]
            if not isinstance(members[wanted.type][0], str):
                labels[member.id] = self.desired.labels  # ZenML gives it those of its stack
            self._settle(wanted, member.id, member.name, labels.get(member.id, {}))
        result.id = stack.id
        return result

    def _members(self, result: ApplyResult) -> dict[str, list[str | ComponentRecord]]:
        """The described components: ids of those that exist, records of those to come."""
        members: dict[str, list[str | ComponentRecord]] = {}
        named = self.store.components_named(self.desired.stack)
        for component in self.desired.components:
            member: str | ComponentRecord = component
            if self.orphans.component(component.type) is not None:
                member = self._take_over(component)
            elif component.type in named:
                raise AlreadyExistsError(f"{component.type} '{component.name}' already exists")
            members[component.type] = [member]
            result.components_created.append(component)
        return members

    def _take_over(self, component: ComponentRecord) -> str:
        old = self.orphans.component(component.type)
        if old is None:
            # Labelled until the stack holds it, so that it can be told from a stranger's.
            marked = replace(component, labels={MANAGED_LABEL: "true", **component.labels})
            return self.writer.create_component(marked, self.connector)
        if old.flavor != component.flavor:
            return self._swap(component, old, self.orphans)
        return self.writer.update_component(
            component, old, self.connector, self._connector_of(self.orphans)
        )

    def _settle(
        self, wanted: ComponentRecord, id: str, name: str, labels: Mapping[str, str]
    ) -> None:
        """Give a component that came with its stack exactly its name and labels.

        ZenML puts the stack's labels on it, and a random suffix where the name was taken at that
        moment: by a colleague's registration, which fails and frees the name within moments.
        """
        if name == wanted.name and dict(labels) == dict(wanted.labels):
            return
        stored = replace(wanted, id=id, name=name, labels=labels)
        for attempt in range(_RENAME_ATTEMPTS):
            try:
                self.writer.relabel_component(stored, wanted.name, self.connector, wanted.labels)
            except Exception:
                if attempt == _RENAME_ATTEMPTS - 1 or name == wanted.name:
                    raise
                time.sleep(_RENAME_PAUSE)
            else:
                return

    def _write_connector(self, known: Records | None, result: ApplyResult) -> None:
        wanted = self.desired.connector
        if wanted is None:
            return
        if wanted.existing:
            self.connector = stored_id(wanted)
            return
        old = known.connector if known else None
        if old is not None and not is_own_connector(old, replace(self.desired, labels={})):
            old = None
        if old is not None and _is_changeable(old, wanted):
            self.connector = self.writer.update_connector(wanted, old)
            return
        if old is not None:  # make room instead
            aside = old.name + REPLACED
            self.writer.rename_connector(old, aside)
            self._delete_connector_later(aside, stored_id(old))
        self.connector = self.writer.create_connector(wanted)
        result.connectors_created.append(wanted.name)

    # -- in place --------------------------------------------------------------------------------

    def _in_place(self, current: Records) -> ApplyResult:
        result = ApplyResult(id=str(current.id))
        changed = {
            step.kind
            for step in diff(self.desired, current, self.orphans)
            if step.action.value != "keep"
        }
        old_connector = self._connector_of(current)
        if "service_connector" in changed:
            own = current.connector is not None and is_own_connector(current.connector, current)
            self._write_connector(current if own else self.orphans, result)
        elif self.desired.connector is not None:
            wanted = self.desired.connector
            self.connector = stored_id(wanted) if wanted.existing else old_connector
        old_members: dict[str, list[str]] = {
            kind: [stored_id(c) for c in current.components if c.type == kind]
            for kind in {c.type for c in current.components}
        }
        members = {kind: list(ids) for kind, ids in old_members.items()}
        for component in self.desired.components:
            member = current.component(component.type)
            if member is not None and is_own_component(member, current):
                if member.flavor != component.flavor:
                    uuid = self._swap(component, member, current)
                    result.components_created.append(component)
                elif component.type in changed or self.connector != old_connector:
                    uuid = self.writer.update_component(
                        component, member, self.connector, old_connector
                    )
                else:
                    continue
            else:
                uuid = self._join(component, result)
            members[component.type] = [uuid]
        for component in current.components:
            if is_own_component(component, current) and not self.desired.component(component.type):
                del members[component.type]
                self._delete_component_later(component)
        self._put_members(current, members, old_members)
        for component in result.components_created:
            marked = {MANAGED_LABEL: "true", **component.labels}
            self._settle(component, members[component.type][0], component.name, marked)
        old = current.connector
        if old is not None and is_own_connector(old, current) and self.connector != old_connector:
            self._delete_connector_later(old.name, stored_id(old))
        return result

    def _join(self, component: ComponentRecord, result: ApplyResult) -> str:
        """A component that is not in the stack: a orphan of its name, or a new one."""
        result.components_created.append(component)
        return self._take_over(component)

    def _put_members(
        self,
        current: Records,
        members: dict[str, list[str]],
        old_members: dict[str, list[str]],
    ) -> None:
        labels = {k: v for k, v in current.labels.items() if not k.startswith(OUR_LABELS)}
        labels.update(self.desired.labels)
        if members != old_members or labels != dict(current.labels):
            self.writer.update_stack(
                stored_id(current),
                labels=labels,
                members=members,
                old_labels=current.labels,
                old_members=old_members,
            )

    # -- the old parts ---------------------------------------------------------------------------

    def _swap(self, new: ComponentRecord, old: ComponentRecord, owner: Records) -> str:
        """Replace a component whose flavor changes: the old one makes room for its name."""
        aside = old.name + REPLACED
        labels = {**old.labels, MANAGED_LABEL: "true"}
        self.writer.relabel_component(old, aside, self._connector_of(owner), labels)
        self._delete_component_later(replace(old, name=aside))
        marked = replace(new, labels={MANAGED_LABEL: "true", **new.labels})
        return self.writer.create_component(marked, self.connector)

    def _move_aside(self, current: Records) -> dict[str, list[str]]:
        """Rename a stack that is replaced, with its own parts; return its foreign members."""
        aside = current.stack + REPLACED
        connector = self._connector_of(current)
        stack_id = stored_id(current)
        self.writer.rename_stack(stack_id, current.stack, aside)
        self._pending_deletes.append((f"stack {aside}", lambda: self.writer.delete_stack(stack_id)))
        carried: dict[str, list[str]] = {}
        for component in current.components:
            if is_own_component(component, current):
                marked = {**component.labels, MANAGED_LABEL: "true"}
                self.writer.relabel_component(component, aside, connector, marked)
                self._delete_component_later(replace(component, name=aside))
            else:
                carried.setdefault(component.type, []).append(stored_id(component))
        old = current.connector
        if old is not None and is_own_connector(old, current):
            self.writer.rename_connector(old, aside)
            self._delete_connector_later(aside, stored_id(old))
        return carried

    def _delete_component_later(self, component: ComponentRecord) -> None:
        def delete() -> None:
            if not self.store.stacks_of(stored_id(component)):
                self.writer.delete_component(stored_id(component))

        self._pending_deletes.append((f"{component.type} {component.name}", delete))

    def _delete_connector_later(self, name: str, id: str) -> None:
        def delete() -> None:
            if not self.store.components_of(id):
                self.writer.delete_connector(id)

        self._pending_deletes.append((f"service connector {name}", delete))

    def clean_up(self, result: ApplyResult) -> None:
        """Delete what was replaced, now that the new records stand."""
        while self._pending_deletes:
            name, delete = self._pending_deletes[0]
            delete()
            self._pending_deletes.pop(0)
            result.deleted.append(name)

    @staticmethod
    def _connector_of(records: Records) -> str | None:
        return stored_id(records.connector) if records.connector else None
