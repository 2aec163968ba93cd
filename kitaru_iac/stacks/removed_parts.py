"""What of a stack goes with it, what stays and why, and the deletions in their order."""

from __future__ import annotations

import contextlib

from kitaru_iac.errors import (
    KitaruError,
    NotAllowedError,
    NotConnectedError,
    NotFoundError,
    StackChanged,
)
from kitaru_iac.gateway.documents import StackDoc, Where
from kitaru_iac.gateway.wire import AnswerLost
from kitaru_iac.labels import (
    BACKEND_LABEL,
    DEPLOYMENT_LABELS,
    MANAGED_LABEL,
    ORPHANED_LABEL,
    PROJECT_LABEL,
    SOURCE_LABEL,
    STACK_LABEL,
    is_managed,
)
from kitaru_iac.machine import unfinished
from kitaru_iac.machine.interrupts import Hold, WorkInterrupted
from kitaru_iac.notices import KitaruWarning
from kitaru_iac.plan.model import Kept
from kitaru_iac.records import lost
from kitaru_iac.records.diff import goes_with_stack, is_own_connector
from kitaru_iac.records.model import ComponentRecord, ConnectorRecord, Records, stored_id
from kitaru_iac.records.stored import Store
from kitaru_iac.records.writer import Writer
from kitaru_iac.stacks.deletion_errors import (
    Asked,
    PendingDelete,
    changed_meanwhile,
    deleted_meanwhile,
    half_way,
    holding,
    in_time,
    no_answer,
    not_begun,
    not_read_back,
    taken_over,
    too_late,
)
from kitaru_iac.stacks.results import Deleted, Gone
from kitaru_iac.values import dataclass

__all__ = ["DEPLOYMENT", "Leaving", "Removal"]

#: The kind of a `Kept` that stands for provisioned infrastructure.
DEPLOYMENT = "infrastructure"


@dataclass(frozen=True, slots=True)
class Leaving:
    """What is deleted before: it uses nothing any more.

    Attributes:
        stacks: Ids of stacks.
        parts: Ids of components.
    """

    stacks: frozenset[str] = frozenset()
    parts: frozenset[str] = frozenset()


class Removal:
    """What goes and what stays."""

    def __init__(
        self, store: Store, records: Records, asked: Asked, before: Leaving | None = None
    ) -> None:
        self._store = store
        self._before = before or Leaving()
        self._in_use: set[str] = set()
        self._asked = asked
        self._writer = Writer(store.gateway)
        self._records = records
        self.components: list[ComponentRecord] = []
        self.connectors: list[ConnectorRecord] = []
        self.kept: list[Kept] = []
        self._gone: list[Gone] = []

    def keep_all(self) -> None:
        """Without ``--recursive`` nothing but the stack goes."""
        for component in self._records.components:
            mine = goes_with_stack(component, self._records)
            reason = "deleted with --recursive only" if mine else "not made with this stack"
            self.kept.append(Kept(component.type, component.name, reason))
        connector = self._records.connector
        if connector is not None:
            mine = is_own_connector(connector, self._records)
            reason = "deleted with --recursive only" if mine else "not made with this stack"
            self.kept.append(Kept("service_connector", connector.name, reason))

    def keep_young(self) -> None:
        """Say what is beside the stack, and may be what somebody is registering now."""
        known = {part.id for part in self._records.components}
        for part in self._store.orphans(self._records.stack, fresh=True).components:
            if part.id not in known:
                why = "put beside the stack a moment ago: it may be somebody's work"
                self.kept.append(Kept(part.type, part.name, why))

    def keep_deployment(self) -> None:
        """Records go without what was provisioned for them: say where that is."""
        labels = self._records.labels
        if any(key.startswith(DEPLOYMENT_LABELS) for key in labels):
            reason = f"deleted with --infra only; state in {labels.get(BACKEND_LABEL, '')}"
            name = "/".join(labels.get(label, "") for label in (PROJECT_LABEL, STACK_LABEL))
            self.kept.append(Kept(DEPLOYMENT, name, reason))

    def choose(self) -> None:
        """With ``--recursive`` its own parts go that no other stack uses."""
        managed = is_managed(self._records.labels)
        for component in self._records.components:
            if not managed:
                reason = "the stack was not created by Kitaru"
            elif not goes_with_stack(component, self._records):
                reason = "not made with this stack"
            elif others := self._other_stacks(component):
                reason = f"used by {_listing('stack', others)}"
            else:
                self.components.append(component)
                continue
            self.kept.append(Kept(component.type, component.name, reason))
        self._choose_connector(managed=managed)

    def _choose_connector(self, *, managed: bool) -> None:
        connector = self._records.connector
        if connector is None:
            return
        going = {component.id for component in self.components}
        gone = going | self._before.parts
        users = [c for c in self._store.components_of(stored_id(connector)) if c.id not in gone]
        if not managed:
            reason = "the stack was not created by Kitaru"
        elif not is_own_connector(connector, self._records):
            reason = "it was there before the stack"
        elif users:
            self._in_use |= {stored_id(user) for user in users}
            reason = f"used by {_listing('component', [f'{c.name} ({c.type})' for c in users])}"
        else:
            self.connectors.append(connector)
            return
        self.kept.append(Kept("service_connector", connector.name, reason))

    def _other_stacks(self, component: ComponentRecord) -> list[str]:
        """The stacks that contain a part beside the one that goes: another may have its name."""
        others = self._stacks_with(stored_id(component))
        if others:
            self._in_use.add(stored_id(component))
        return sorted(doc.name for doc in others)

    def _stacks_with(self, component: str) -> list[StackDoc]:
        docs = self._store.gateway.stacks(Where(uses_component=component))
        away = {self._records.id, *self._before.stacks}
        return [doc for doc in docs if doc.id not in away]

    def users(self) -> frozenset[str]:
        """The ids of the other stacks for whose sake a part of this one stays."""
        parts = sorted(self._in_use)
        return frozenset(doc.id for part in parts for doc in self._stacks_with(part))

    def holding(self) -> Hold:
        """Hold Ctrl-C and SIGTERM back: what is begun is ended, since nothing is taken back."""
        return holding(self._records.stack, self._asked)

    def done_nevertheless(self) -> WorkInterrupted:
        """The interrupt that came when it could not be stopped any more."""
        return too_late(self._records.stack)

    def delete(
        self,
        stack_id: str | None,
        hold: Hold,
        *,
        recursive: bool,
        new_active: str | None = None,
    ) -> None:
        """Delete the stack, then its parts; stop at the first failure and say what is left.

        Only what was chosen is deleted, by its id, and not what somebody else has taken over since.

        Raises:
            WorkInterrupted: Ctrl-C or SIGTERM came before anything was deleted.
        """
        name = self._records.stack
        unfinished.begin(self._store.place, name, "delete", recursive=recursive, stack_id=stack_id)
        try:
            self._mark(recursive=recursive)
            if stack_id is not None:
                self._require_as_chosen(stack_id)
        except KitaruError as error:
            left = self._unmark()
            if isinstance(error, StackChanged):
                raise changed_meanwhile(name, str(stack_id), left, error) from error
            if stack_id is not None and self._is_gone(stack_id):
                raise deleted_meanwhile(name) from error
            refused = isinstance(error, NotAllowedError | NotConnectedError)
            if refused and not left and not isinstance(error, AnswerLost):
                raise
            raise not_begun(name, self._asked, left, error) from error
        if hold.count:
            raise in_time(self._asked, self._unmark(), new_active)
        theirs = self._delete(stack_id)
        unfinished.end(self._store.place, name)
        if theirs:
            raise taken_over(name, theirs, is_now=stack_id is not None)

    def _require_as_chosen(self, stack_id: str) -> None:
        """Refuse a stack that somebody else has changed since it was chosen: it may be in use now.

        Raises:
            StackChanged: It has another name, or other labels, as every `apply` writes them.
            NotFoundError: It is gone.
        """
        if self._store.is_local:
            return
        now = next(iter(self._store.gateway.stacks(Where(ids=(stack_id,)))), None)
        if now is None:
            raise NotFoundError(f"stack {self._records.stack}: it is gone")
        differs = [] if now.name == self._records.stack else [f"it is called '{now.name}'"]
        if dict(now.labels) != dict(self._records.labels):
            differs.append("its labels are others")
        if differs:
            raise StackChanged("It was changed", differs=differs)

    def _delete(self, stack_id: str | None) -> list[str]:
        """Delete all of it in order; what is somebody else's by now stays and is returned."""
        stack = Gone("stack", self._records.stack)
        todo: list[PendingDelete] = [
            *([PendingDelete(stack, "stack", stack_id)] if stack_id else []),
            *(
                PendingDelete(Gone(c.type, c.name), "component", stored_id(c))
                for c in self.components
            ),
            *(
                PendingDelete(Gone("service_connector", c.name), "connector", stored_id(c))
                for c in self.connectors
            ),
        ]
        if stack_id is None:
            self._gone.append(stack)
        chosen, theirs = list(todo), list[PendingDelete]()
        taken: frozenset[str] | None = None
        gateway = self._store.gateway
        while todo:
            part, kind, uuid = todo[0]
            try:
                if uuid != stack_id and taken is None:
                    taken = self._taken_over()
                if taken and uuid in taken:
                    theirs.append(todo[0])
                elif not lost.delete(gateway, kind, uuid):
                    self._gone.append(part)
            except KitaruError as error:
                is_there = lost.is_there(gateway, kind, uuid)
                if is_there is None:
                    raise no_answer(self._records.stack, self._asked, todo, error) from error
                if is_there and not self._is_used(part, uuid, error, theirs):
                    done = [one for one in chosen if one not in {*todo, *theirs}]
                    with contextlib.suppress(KitaruError):  # nobody says: the failure is told
                        todo = [*self._still_there(done), *todo]
                    raise half_way(self._records.stack, self._asked, todo, error) from error
                if is_there:
                    theirs.append(todo[0])
            todo.pop(0)
        name = self._records.stack
        try:
            left = self._still_there([one for one in chosen if one not in theirs])
        except KitaruError as error:
            raise not_read_back(name, self._asked, error) from error
        if left:
            raise half_way(name, self._asked, left, KitaruError(lost.NOT_DELETED))
        return [str(one.part) for one in theirs]

    def _still_there(self, deleted: list[PendingDelete]) -> list[PendingDelete]:
        """What a server shows of that which it has said to be deleted."""
        there = lost.still_there(self._store.gateway, [(one.kind, one.id) for one in deleted])
        return [one for one in deleted if one.id in there]

    def _taken_over(self) -> frozenset[str]:
        """The ids of those parts that have lost the mark since: a new stack takes them over."""
        if self._store.is_local or not self.components:
            return frozenset()
        chosen = tuple(stored_id(c) for c in self.components)
        docs = self._store.gateway.components(Where(ids=chosen))
        return frozenset(doc.id for doc in docs if ORPHANED_LABEL not in doc.labels)

    def _is_used(
        self, part: Gone, uuid: str, error: KitaruError, theirs: list[PendingDelete]
    ) -> bool:
        """Whether a part was refused since somebody else uses it: nobody did when it was chosen."""
        if not isinstance(error, NotAllowedError) or part.kind == "stack":
            return False
        try:
            if part.kind == "service_connector":
                used_by = {stored_id(c) for c in self._store.components_of(uuid)}
                return bool(used_by - {stored_id(c) for c in self.components}) or any(
                    one.id in used_by for one in theirs
                )
            return bool(self._stacks_with(uuid))
        except KitaruError:
            return False  # nobody says; what is left is said

    def _is_gone(self, stack_id: str) -> bool:
        """Whether somebody else has deleted the stack; a server says so in its database's words."""
        with contextlib.suppress(KitaruError):  # unknown: the failure itself is told
            return not self._store.gateway.stacks(Where(ids=(stack_id,)))
        return False

    def _unmark(self) -> list[str]:
        """Take the labels back; return what could not be."""
        left = self._writer.roll_back()
        unfinished.end(self._store.place, self._records.stack)
        return left

    def result(
        self,
        *,
        new_active_stack: str | None,
        recursive: bool,
        warnings: tuple[KitaruWarning, ...] = (),
    ) -> Deleted:
        """What went, what was gone already, and what stayed."""
        gone = set(self._gone)
        return Deleted(
            deleted_stack=self._records.stack,
            components_deleted=tuple(
                f"{c.name} ({c.type})" for c in self.components if Gone(c.type, c.name) not in gone
            ),
            connectors_deleted=tuple(
                c.name for c in self.connectors if Gone("service_connector", c.name) not in gone
            ),
            already_gone=tuple(self._gone),
            kept=tuple(self.kept),
            new_active_stack=new_active_stack,
            recursive=recursive,
            warnings=warnings,
        )

    def _mark(self, *, recursive: bool) -> None:
        """Label the stack's own parts: a later command then knows whose they are, and whose not.

        With those that are to go stands the source of their stack: a later run of it tells of them.
        """
        connector = self._records.connector
        marks = {MANAGED_LABEL: "true", ORPHANED_LABEL: "true"}
        if recursive and (source := self._records.labels.get(SOURCE_LABEL)) is not None:
            marks[SOURCE_LABEL] = source
        used: set[str | None] = set()
        for component in self._records.components:
            if goes_with_stack(component, self._records):
                if self._other_stacks(component):
                    used.add(component.connector_id)
                    continue
                marked = {**component.labels, **marks}
                with contextlib.suppress(NotFoundError):  # somebody else was faster
                    self._writer.relabel_component(
                        component, component.name, component.connector_id, marked
                    )
        if connector is None or connector.id in used:
            return
        if is_own_connector(connector, self._records):
            with contextlib.suppress(NotFoundError):
                self._writer.relabel_connector(connector, {**connector.labels, **marks})


def _listing(noun: str, names: list[str]) -> str:
    shown = ", ".join(names[:3])
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{noun}{'s' if len(names) > 1 else ''} {shown}{more}"
