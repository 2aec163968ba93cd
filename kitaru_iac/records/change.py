"""The writes of one change of a stack's records, in their order.

Deletions come last, when the new records stand; one that fails there leaves a part under its old or
its ``-replaced`` name, which the next run of the same command removes (`records.recovery`).
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from kitaru_iac.errors import (
    AlreadyExistsError,
    NotAllowedError,
    NotConnectedError,
    StackChanged,
)
from kitaru_iac.errors.base import in_sentences
from kitaru_iac.gateway.documents import StackDoc, Where
from kitaru_iac.labels import ASIDE_LABEL, MANAGED_LABEL
from kitaru_iac.notices import KitaruWarning, PartKept
from kitaru_iac.plan.model import Action
from kitaru_iac.records.annotations import description_after, labels_after
from kitaru_iac.records.applied import without_applied
from kitaru_iac.records.aside import is_changeable
from kitaru_iac.records.diff import (
    diff,
    is_own_component,
    is_own_connector,
    replacement_reason,
)
from kitaru_iac.records.model import ComponentRecord, Records, stored_id
from kitaru_iac.records.names import REPLACED
from kitaru_iac.records.pending_deletes import PendingDeletes
from kitaru_iac.records.read_back import (
    differences,
    differences_of_new,
    new_since,
    require_as_read,
)
from kitaru_iac.records.snapshot import how_to_see
from kitaru_iac.records.stored import Store
from kitaru_iac.records.writer import Writer
from kitaru_iac.values import replace

__all__ = ["ApplyResult", "RecordsChange"]

#: A colleague's failing registration of the same name frees its parts within moments.
_RENAME_ATTEMPTS, _RENAME_PAUSE = 10, 0.3


class ApplyResult:
    """What a change of records did.

    Attributes:
        id: The stack's id, after it.
        components_created: Of new components and those taken over.
        connectors_created: Names of new connectors.
        deleted: What was removed, as ``artifact_store dev``.
        kept: What was to be, and others use or have renamed by now, with the reason.
    """

    def __init__(self, id: str) -> None:
        self.id = id
        self.components_created: list[ComponentRecord] = []
        self.connectors_created: list[str] = []
        self.deleted: list[str] = []
        self.kept: list[str] = []

    @property
    def warnings(self) -> tuple[KitaruWarning, ...]:
        """What is to be known of it."""
        return (PartKept(f"Not deleted: {', '.join(self.kept)}."),) if self.kept else ()


class RecordsChange:
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
        #: The stack that was registered, where none was changed in place.
        self.registered: StackDoc | None = None
        self.replacing = current is not None and replacement_reason(desired, current) is not None
        #: What goes when the new records stand.
        self.pending_deletes = PendingDeletes(store, writer)

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

    @property
    def is_in_place(self) -> bool:
        """Whether a stack is changed that keeps its id."""
        return self.current is not None and not self.replacing

    def write(self) -> ApplyResult:
        """Write the new parts; each write with its undo.

        Raises:
            StackChanged: Somebody else has written to the stack since it was read.
        """
        if self.current is not None and not self.store.is_local:
            own = bool({"service_connector"} & self._changed(self.current)) or self.replacing
            require_as_read(self.store, self.current, connector=own)
        if self.current is not None and self.is_in_place:
            return self._in_place(self.current)
        carried: dict[str, list[str]] = {}
        if self.current is not None:
            carried = self._move_aside(self.current)
        result = ApplyResult(id="")
        self._write_connector(self.orphans, result)
        members = self._members(result)
        for kind, of_kind in carried.items():
            members.setdefault(kind, list(of_kind))
        wanted, description = self.desired.labels, self.desired.description
        if self.current is not None:  # what was added to the old one by hand goes on
            wanted = labels_after(self.desired, self.current)
            description = description_after(self.desired, self.current)
        # ZenML gives new components the labels of their stack. So what was applied comes after, and
        # last: a stack without it is one that is unknown, or that a dead process left.
        first = without_applied(wanted)
        stack = self.writer.register_stack(
            self.desired.stack, first, members, self.connector, description or ""
        )
        taken_over = any(isinstance(given, str) for of in members.values() for given in of)
        where = Where(in_stack=stack.id)
        docs = self.store.gateway.components(where) if taken_over else []
        labels = {doc.id: doc.labels for doc in docs}
        for part in self.desired.components:
            member = stack.members[part.type][0]
            if not isinstance(members[part.type][0], str):
                labels[member.id] = first
            self._settle(part, member.id, member.name, labels.get(member.id, {}))
        if dict(wanted) != first:
            self.writer.label_new_stack(stack.id, wanted)
        result.id = stack.id
        self.registered = replace(stack, labels=wanted)
        return result

    def require_as_written(self, result: ApplyResult) -> None:
        """Read back what was written. A store of this process has one writer, and is not asked.

        Raises:
            StackChanged: It is otherwise now: somebody else has written it too.
            NotConnectedError: The store does not answer.
            NotAllowedError: The login is not accepted any more.
        """
        if self.store.is_local:
            return
        stack = self.desired.stack
        try:
            if self.registered is not None:
                found = differences_of_new(
                    self.store, self.desired, self.registered, self.connector
                )
            else:
                found = differences(self.store, self.desired, result.id, self.connector)
        except (NotConnectedError, NotAllowedError) as error:
            again = "Run the same command again: it sees what somebody else may have changed."
            is_refused = isinstance(error, NotAllowedError)
            kind = NotAllowedError if is_refused else NotConnectedError
            raise kind(
                f"Stack '{stack}' is written as described, but could not be read back",
                where=error.where,
                why=in_sentences(error.what, error.why),
                remedy="\n".join(filter(None, [error.remedy if is_refused else None, again])),
            ) from error
        if found:
            raise StackChanged(
                f"Stack '{stack}' was registered as described, and changed by somebody else since",
                differs=found,
                remedy=f"{how_to_see(self.store.gateway, stack)}\n"
                "Change it back with: kitaru stack apply",
            )

    def _changed(self, current: Records) -> set[str]:
        steps = diff(self.desired, current, self.orphans)
        return {step.kind for step in steps if step.action is not Action.KEEP}

    def _members(self, result: ApplyResult) -> dict[str, list[str | ComponentRecord]]:
        """The described components: ids of those that exist, records of those to come."""
        members: dict[str, list[str | ComponentRecord]] = {}
        named = self.store.components_named(self.desired.stack)
        found = [] if self.store.is_local else new_since(self.orphans, named)
        if found:
            raise StackChanged(
                f"Somebody else works on stack '{self.desired.stack}' at the same time",
                differs=found,
            )
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
            component, old, self.connector, self._connector_of(self.orphans), self.orphans
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
        if old is not None and is_changeable(old, wanted):
            self.connector = self.writer.update_connector(wanted, old)
            return
        if old is not None:  # make room instead
            aside = old.name + REPLACED
            self.writer.rename_connector(old, aside, self._set_aside(old.labels))
            self.pending_deletes.connector(aside, stored_id(old))
        self.connector = self.writer.create_connector(wanted)
        result.connectors_created.append(wanted.name)

    # -- in place --------------------------------------------------------------------------------

    def _in_place(self, current: Records) -> ApplyResult:
        result = ApplyResult(id=str(current.id))
        changed = self._changed(current)
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
                        component, member, self.connector, old_connector, current
                    )
                else:
                    continue
            else:
                uuid = self._join(component, result)
            members[component.type] = [uuid]
        for component in current.components:
            if is_own_component(component, current) and not self.desired.component(component.type):
                del members[component.type]
                self.pending_deletes.component(component)
        self._put_members(current, members, old_members)
        for component in result.components_created:
            marked = {MANAGED_LABEL: "true", **component.labels}
            self._settle(component, members[component.type][0], component.name, marked)
        old = current.connector
        if old is not None and is_own_connector(old, current) and self.connector != old_connector:
            self.pending_deletes.connector(old.name, stored_id(old))
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
        labels = labels_after(self.desired, current)
        description = description_after(self.desired, current)
        before = (old_members, dict(current.labels), current.description)
        if (members, labels, description) != before:
            self.writer.update_stack(
                stored_id(current),
                labels=labels,
                members=members,
                old_labels=current.labels,
                old_members=old_members,
                descriptions=(description or "", current.description or ""),
            )

    # -- the old parts ---------------------------------------------------------------------------

    def _swap(self, new: ComponentRecord, old: ComponentRecord, owner: Records) -> str:
        """Replace a component whose flavor changes: the old one makes room for its name."""
        aside = old.name + REPLACED
        labels = self._set_aside(old.labels)
        self.writer.relabel_component(old, aside, self._connector_of(owner), labels)
        self.pending_deletes.component(replace(old, name=aside))
        marked = replace(new, labels={MANAGED_LABEL: "true", **new.labels})
        return self.writer.create_component(marked, self.connector)

    def _move_aside(self, current: Records) -> dict[str, list[str]]:
        """Rename a stack that is replaced, with its own parts; return its foreign members."""
        aside = current.stack + REPLACED
        connector = self._connector_of(current)
        stack_id = stored_id(current)
        labels = self._set_aside(current.labels)
        self.writer.rename_stack(
            stack_id, current.stack, aside, labels=labels, old_labels=current.labels
        )
        self.pending_deletes.stack(aside, stack_id)
        carried: dict[str, list[str]] = {}
        for component in current.components:
            if is_own_component(component, current):
                marked = self._set_aside(component.labels)
                self.writer.relabel_component(component, aside, connector, marked)
                self.pending_deletes.component(replace(component, name=aside))
            else:
                carried.setdefault(component.type, []).append(stored_id(component))
        old = current.connector
        if old is not None and is_own_connector(old, current):
            self.writer.rename_connector(old, aside, self._set_aside(old.labels))
            self.pending_deletes.connector(aside, stored_id(old))
        return carried

    def _set_aside(self, labels: Mapping[str, str]) -> dict[str, str]:
        """The labels of what makes room: it is known by them if this run dies."""
        return {**labels, MANAGED_LABEL: "true", ASIDE_LABEL: self.desired.stack}

    @staticmethod
    def _connector_of(records: Records) -> str | None:
        return stored_id(records.connector) if records.connector else None
