"""Carry out the record layer's difference, as one change: all of it, or none.

What is written goes through a `Writer`, which can take it back. Deletions come last, when the new
records stand; one that fails there leaves a part under its old or its ``-replaced`` name, which
the next run of the same command removes (`records.recovery`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from uuid import UUID

from kitaru_iac.errors import AlreadyExistsError, KitaruError, RegistrationFailed
from kitaru_iac.records.diff import (
    OUR_LABELS,
    diff,
    is_own_component,
    is_own_connector,
    replacement_reason,
)
from kitaru_iac.records.journal import Writer
from kitaru_iac.records.model import MANAGED_LABEL, ComponentRecord, Records
from kitaru_iac.records.recovery import REPLACED
from kitaru_iac.records.stored import Store, mapped_errors

__all__ = ["Outcome", "carry_out"]

#: A colleague's failing registration of the same name frees its parts within moments.
_RENAME_ATTEMPTS, _RENAME_PAUSE = 10, 0.3


@dataclass(slots=True)
class Outcome:
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


def carry_out(
    store: Store, desired: Records, current: Records | None, leftovers: Records
) -> Outcome:
    """Write the difference between `desired` and `current`.

    Args:
        store: The open store.
        desired: What should be stored.
        current: What is stored under that name, read with secrets; None where nothing is.
        leftovers: Managed parts of that name in no stack.

    Raises:
        AlreadyExistsError: Somebody else registered the name meanwhile; nothing is left of ours.
        RegistrationFailed: A write failed. Its `left` says what could not be taken back.
    """
    store.forget()  # what was found before may be minutes old
    change = _Change(store, desired, current, leftovers)
    try:
        outcome = change.write()
    except BaseException as error:
        left = change.writer.roll_back()
        raise _failure(error, desired.stack, left) from error
    change.writer.commit()
    try:
        change.clean_up(outcome)
    except Exception as error:
        raise RegistrationFailed(
            f"Stack '{desired.stack}' is registered as described, but a part of the old one stays",
            left=change.doomed_names,
            why=str(error),
            remedy="Run the same command again to remove it.",
        ) from error
    return outcome


def _failure(error: BaseException, stack: str, left: list[str]) -> BaseException:
    if not isinstance(error, Exception):
        return error if not left else KeyboardInterrupt(f"still there: {', '.join(left)}")
    cause: KitaruError
    try:
        with mapped_errors():
            raise error
    except KitaruError as mapped:
        cause = mapped
    if isinstance(cause, AlreadyExistsError) and not left:
        return AlreadyExistsError(
            f"Stack '{stack}' was registered by somebody else at the same moment",
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


class _Change:
    """One change on its way: the new parts by type, and what is to go afterwards."""

    def __init__(
        self, store: Store, desired: Records, current: Records | None, leftovers: Records
    ) -> None:
        self.store = store
        self.writer = Writer(store)
        self.desired = desired
        self.current = current
        self.leftovers = leftovers
        self.connector: UUID | None = None
        self.replacing = current is not None and replacement_reason(desired, current) is not None
        self._doomed: list[tuple[str, Callable[[], None]]] = []

    @property
    def doomed_names(self) -> list[str]:
        """What is still to be removed."""
        return [name for name, _ in self._doomed]

    # -- the new parts ---------------------------------------------------------------------------

    def write(self) -> Outcome:
        if self.current is not None and not self.replacing:
            return self._in_place(self.current)
        carried: dict[str, list[UUID]] = {}
        if self.current is not None:
            carried = self._set_aside(self.current)
        outcome = Outcome(id="")
        self._write_connector(self.leftovers, outcome)
        members = self._members(outcome)
        for kind, of_kind in carried.items():
            members.setdefault(kind, list(of_kind))
        stack = self.writer.register_stack(
            self.desired.stack, self.desired.labels, members, self.connector
        )
        for kind, components in stack.components.items():
            wanted = self.desired.component(kind.value)
            if wanted is not None:
                labels = dict(self.desired.labels)  # ZenML gives it those of the stack it came with
                if isinstance(members[kind.value][0], UUID):
                    stored = components[0].labels or {}
                    labels = {key: str(value) for key, value in stored.items()}
                self._settle(wanted, components[0].id, components[0].name, labels)
        outcome.id = str(stack.id)
        return outcome

    def _members(self, outcome: Outcome) -> dict[str, list[UUID | ComponentRecord]]:
        """The described components: ids of those that exist, records of those to come."""
        members: dict[str, list[UUID | ComponentRecord]] = {}
        named = self.store.components_named(self.desired.stack)
        for component in self.desired.components:
            member: UUID | ComponentRecord = component
            if self.leftovers.component(component.type) is not None:
                member = self._take_over(component)
            elif component.type in named:
                raise AlreadyExistsError(f"{component.type} '{component.name}' exists already")
            members[component.type] = [member]
            outcome.components_created.append(component)
        return members

    def _take_over(self, component: ComponentRecord) -> UUID:
        old = self.leftovers.component(component.type)
        if old is None:
            # Labelled until the stack holds it, so that it can be told from a stranger's.
            marked = replace(component, labels={MANAGED_LABEL: "true", **component.labels})
            return self.writer.create_component(marked, self.connector)
        if old.flavor != component.flavor:
            return self._swap(component, old, self.leftovers)
        return self.writer.update_component(
            component, old, self.connector, self._connector_of(self.leftovers)
        )

    def _settle(
        self, wanted: ComponentRecord, uuid: UUID, name: str, labels: dict[str, str]
    ) -> None:
        """Give a component that came with its stack exactly its name and labels.

        ZenML puts the stack's labels on it, and a random suffix where the name was taken at that
        moment: by a colleague's registration, which fails and frees the name within moments.
        """
        if name == wanted.name and labels == dict(wanted.labels):
            return
        stored = replace(wanted, id=str(uuid), name=name, labels=labels)
        for attempt in range(_RENAME_ATTEMPTS):
            try:
                self.writer.relabel_component(stored, wanted.name, self.connector, wanted.labels)
            except Exception:
                if attempt == _RENAME_ATTEMPTS - 1 or name == wanted.name:
                    raise
                time.sleep(_RENAME_PAUSE)
            else:
                return

    def _write_connector(self, known: Records | None, outcome: Outcome) -> None:
        wanted = self.desired.connector
        if wanted is None:
            return
        if wanted.existing:
            self.connector = UUID(wanted.id)
            return
        old = known.connector if known else None
        if old is not None and not is_own_connector(old, replace(self.desired, labels={})):
            old = None
        if old is not None and (old.type, old.auth_method) == (wanted.type, wanted.auth_method):
            self.connector = self.writer.update_connector(wanted, old)
            return
        if old is not None:  # ZenML changes neither while components are linked: make room instead
            aside = old.name + REPLACED
            self.writer.rename_connector(old, aside)
            self._doom_connector(aside, UUID(old.id))
        self.connector = self.writer.create_connector(wanted)
        outcome.connectors_created.append(wanted.name)

    # -- in place --------------------------------------------------------------------------------

    def _in_place(self, current: Records) -> Outcome:
        outcome = Outcome(id=str(current.id))
        changed = {
            step.kind
            for step in diff(self.desired, current, self.leftovers)
            if step.action.value != "keep"
        }
        old_connector = self._connector_of(current)
        if "service_connector" in changed:
            own = current.connector is not None and is_own_connector(current.connector, current)
            self._write_connector(current if own else self.leftovers, outcome)
        elif self.desired.connector is not None:
            wanted = self.desired.connector
            self.connector = UUID(wanted.id) if wanted.existing else old_connector
        old_members = {
            kind: [UUID(c.id) for c in current.components if c.type == kind]
            for kind in {c.type for c in current.components}
        }
        members = {kind: list(ids) for kind, ids in old_members.items()}
        for component in self.desired.components:
            member = current.component(component.type)
            if member is not None and is_own_component(member, current):
                if member.flavor != component.flavor:
                    uuid = self._swap(component, member, current)
                    outcome.components_created.append(component)
                elif component.type in changed or self.connector != old_connector:
                    uuid = self.writer.update_component(
                        component, member, self.connector, old_connector
                    )
                else:
                    continue
            else:
                uuid = self._join(component, outcome)
            members[component.type] = [uuid]
        for component in current.components:
            if is_own_component(component, current) and not self.desired.component(component.type):
                del members[component.type]
                self._doom_component(component)
        self._put_members(current, members, old_members)
        for component in outcome.components_created:
            marked = {MANAGED_LABEL: "true", **component.labels}
            self._settle(component, members[component.type][0], component.name, marked)
        old = current.connector
        if old is not None and is_own_connector(old, current) and self.connector != old_connector:
            self._doom_connector(old.name, UUID(old.id))
        return outcome

    def _join(self, component: ComponentRecord, outcome: Outcome) -> UUID:
        """A component that is not in the stack: a leftover of its name, or a new one."""
        outcome.components_created.append(component)
        return self._take_over(component)

    def _put_members(
        self,
        current: Records,
        members: dict[str, list[UUID]],
        old_members: dict[str, list[UUID]],
    ) -> None:
        labels = {k: v for k, v in current.labels.items() if not k.startswith(OUR_LABELS)}
        labels.update(self.desired.labels)
        if members != old_members or labels != dict(current.labels):
            self.writer.update_stack(
                UUID(current.id),
                labels=labels,
                members=members,
                old_labels=current.labels,
                old_members=old_members,
            )

    # -- the old parts ---------------------------------------------------------------------------

    def _swap(self, new: ComponentRecord, old: ComponentRecord, owner: Records) -> UUID:
        """Replace a component whose flavor changes: the old one makes room for its name."""
        aside = old.name + REPLACED
        labels = {**old.labels, MANAGED_LABEL: "true"}
        self.writer.relabel_component(old, aside, self._connector_of(owner), labels)
        self._doom_component(replace(old, name=aside))
        marked = replace(new, labels={MANAGED_LABEL: "true", **new.labels})
        return self.writer.create_component(marked, self.connector)

    def _set_aside(self, current: Records) -> dict[str, list[UUID]]:
        """Rename a stack that is replaced, with its own parts; return its foreign members."""
        aside = current.stack + REPLACED
        connector = self._connector_of(current)
        stack_id = UUID(current.id)
        self.writer.rename_stack(stack_id, current.stack, aside)
        self._doomed.append((f"stack {aside}", lambda: self.writer.delete_stack(stack_id)))
        carried: dict[str, list[UUID]] = {}
        for component in current.components:
            if is_own_component(component, current):
                marked = {**component.labels, MANAGED_LABEL: "true"}
                self.writer.relabel_component(component, aside, connector, marked)
                self._doom_component(replace(component, name=aside))
            else:
                carried.setdefault(component.type, []).append(UUID(component.id))
        old = current.connector
        if old is not None and is_own_connector(old, current):
            self.writer.rename_connector(old, aside)
            self._doom_connector(aside, UUID(old.id))
        return carried

    def _doom_component(self, component: ComponentRecord) -> None:
        def delete() -> None:
            if not self.store.stacks_of(str(component.id)):
                self.writer.delete_component(UUID(component.id))

        self._doomed.append((f"{component.type} {component.name}", delete))

    def _doom_connector(self, name: str, uuid: UUID) -> None:
        def delete() -> None:
            if not self.store.components_of(str(uuid)):
                self.writer.delete_connector(uuid)

        self._doomed.append((f"service connector {name}", delete))

    def clean_up(self, outcome: Outcome) -> None:
        """Delete what was replaced, now that the new records stand."""
        with mapped_errors():
            while self._doomed:
                name, delete = self._doomed[0]
                delete()
                self._doomed.pop(0)
                outcome.deleted.append(name)

    @staticmethod
    def _connector_of(records: Records) -> UUID | None:
        return UUID(records.connector.id) if records.connector else None
