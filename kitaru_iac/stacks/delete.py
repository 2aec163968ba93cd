"""Delete a stack's records: the stack alone, or with what came with it and nobody else uses."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from kitaru_iac.connection.activation import leave, scopes_of
from kitaru_iac.errors import (
    KitaruError,
    NotAllowedError,
    NotFoundError,
    ProtectedStackError,
    RegistrationFailed,
    StackChanged,
    StackNotFound,
)
from kitaru_iac.gateway.documents import StackDoc, Where
from kitaru_iac.gateway.views import DEFAULT_STACK
from kitaru_iac.gateway.wire import AnswerLost
from kitaru_iac.labels import (
    BACKEND_LABEL,
    DEPLOYMENT_LABELS,
    MANAGED_LABEL,
    ORPHANED_LABEL,
    PROJECT_LABEL,
    STACK_LABEL,
    is_managed,
)
from kitaru_iac.machine import unfinished
from kitaru_iac.machine.interrupts import Hold, WorkInterrupted
from kitaru_iac.notices import KitaruWarning
from kitaru_iac.plan.model import Kept
from kitaru_iac.records.diff import goes_with_stack, is_own_connector
from kitaru_iac.records.journal import Writer
from kitaru_iac.records.model import ComponentRecord, ConnectorRecord, Records, stored_id
from kitaru_iac.records.owner import Owner, forced_warning, require_removable
from kitaru_iac.records.stored import Store
from kitaru_iac.stacks.results import Deleted, Gone

__all__ = ["DEPLOYMENT", "delete_orphans", "delete_stack", "require_deletable"]

#: The kind of a `Kept` that stands for provisioned infrastructure.
DEPLOYMENT = "infrastructure"


def delete_stack(
    store: Store, stack: StackDoc, *, recursive: bool, force: bool, owner: Owner | None = None
) -> Deleted:
    """Delete a stack.

    Args:
        store: The open store.
        stack: The stack, as it is there now.
        recursive: Delete its own components and connector too, where no other stack uses them.
        force: Delete it although it is active (the default stack takes its place), or Pulumi's.
        owner: Whose deletion it is; None is the command's.

    Raises:
        ProtectedStackError: It is the default stack, or active or another's and not forced.
        RegistrationFailed: A deletion failed half-way; its `left` and `remedy` say what to do.
        StackChanged: The stack is deleted; parts of it that somebody else uses by now are left.
    """
    scopes = require_deletable(stack, force=force, owner=owner)
    records = store.records_of(stack)
    removal = _Removal(store, _with_parts_beside(store, records))
    if recursive:
        removal.choose()
    else:
        removal.keep_all()
    removal.keep_young()
    removal.keep_deployment()
    with removal.holding(recursive=recursive) as hold:
        new_active = leave(store.gateway, scopes) if scopes else None
        removal.delete(stack.id, recursive=recursive)
    if hold.count:
        raise removal.done_nevertheless()
    return removal.result(
        new_active_stack=new_active,
        recursive=recursive,
        warnings=forced_warning(records.labels, owner),
    )


def _with_parts_beside(store: Store, records: Records) -> Records:
    """The records with what is the stack's own by its name and label, and was taken out of it."""
    beside = store.orphans(records.stack)
    parts = (*records.components, *beside.components)  # none of these is in a stack
    return replace(records, components=parts, connector=records.connector or beside.connector)


def require_deletable(
    stack: StackDoc,
    *,
    force: bool,
    owner: Owner | None = None,
    infrastructure: bool = False,
) -> list[str]:
    """Refuse the default stack, and one that is another's or active unless forced.

    Returns:
        Where it is active.
    """
    if stack.name == DEFAULT_STACK:
        raise ProtectedStackError(
            "The default stack cannot be deleted",
            why="ZenML keeps it as the stack to fall back to; --force does not change that.",
        )
    require_removable(stack.name, stack.labels, owner, force=force, infrastructure=infrastructure)
    scopes = scopes_of(stack)
    _require_inactive(stack.name, scopes, force=force)
    return scopes


def _require_inactive(name: str, scopes: list[str], *, force: bool) -> None:
    if "environment" in scopes:
        raise ProtectedStackError(
            f"Stack '{name}' is active through the environment variable ZENML_ACTIVE_STACK_ID",
            why="No command can change the environment of the shell it was started from.",
            remedy="Unset it first: unset ZENML_ACTIVE_STACK_ID",
        )
    if scopes and not force:
        raise ProtectedStackError(
            f"Stack '{name}' is the active stack",
            why="Runs that name no stack would have none."
            if "global" in scopes or len(scopes) > 1
            else "It is the active stack of this directory.",
            remedy="Switch first (kitaru stack use default), or delete it with --force.",
        )


def delete_orphans(store: Store, name: str, *, recursive: bool, repaired: bool = False) -> Deleted:
    """Resume a deletion that was cut short, or clean up after one without ``--recursive``.

    Args:
        store: The open store.
        name: The name of a stack that is not there.
        recursive: Without it there is nothing to delete.
        repaired: Whether something of a dead run was found and removed already.

    Raises:
        StackNotFound: Nothing was left by a stack of this name either, or what is there may be what
            another process is registering at this moment.
        WorkInterrupted: Ctrl-C was pressed meanwhile; all of it was done nevertheless.
    """
    left = store.orphans(name)
    if not recursive or not (left.components or left.connector or repaired):
        if recursive and (wait := store.wait_for(name)):
            raise StackNotFound(
                f"There is no stack '{name}' yet: another process registers it, or one that died",
                remedy=f"Run the same command again in {wait} s: "
                "what a dead process left is then deleted.",
            )
        raise store.not_found(name)
    removal = _Removal(store, replace(left, labels={MANAGED_LABEL: "true"}))
    removal.choose()
    with removal.holding(recursive=True) as hold:
        removal.delete(None, recursive=True)
    if hold.count:
        raise removal.done_nevertheless()
    return removal.result(new_active_stack=None, recursive=True)


class _Deletion(NamedTuple):
    """One thing that is to go."""

    part: Gone
    remove: Callable[[str], bool]
    id: str


class _Removal:
    """What goes and what stays."""

    def __init__(self, store: Store, records: Records) -> None:
        self._store = store
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
        users = [c for c in self._store.components_of(stored_id(connector)) if c.id not in going]
        if not managed:
            reason = "the stack was not created by Kitaru"
        elif not is_own_connector(connector, self._records):
            reason = "it was there before the stack"
        elif users:
            reason = f"used by {_listing('component', [f'{c.name} ({c.type})' for c in users])}"
        else:
            self.connectors.append(connector)
            return
        self.kept.append(Kept("service_connector", connector.name, reason))

    def _other_stacks(self, component: ComponentRecord) -> list[str]:
        """The stacks that contain a part beside the one that goes: another may have its name."""
        docs = self._store.gateway.stacks(Where(uses_component=stored_id(component)))
        return sorted(doc.name for doc in docs if doc.id != self._records.id)

    def holding(self, *, recursive: bool) -> Hold:
        """Hold Ctrl-C and SIGTERM back: what is begun is ended, since nothing is taken back."""
        name = self._records.stack
        parts = " --recursive" if recursive else ""
        return Hold(
            f"Interrupted again, while stack '{name}' was being deleted",
            f"Delete the rest with: kitaru stack delete {name}{parts}",
        )

    def done_nevertheless(self) -> WorkInterrupted:
        """The interrupt that came when it could not be stopped any more."""
        name = self._records.stack
        return WorkInterrupted(f"Interrupted too late to stop it: stack '{name}' is deleted")

    def delete(self, stack_id: str | None, *, recursive: bool) -> None:
        """Delete the stack, then its parts; stop at the first failure and say what is left.

        Only what was chosen is deleted, by its id, and not what somebody else has taken over since.
        """
        name = self._records.stack
        unfinished.begin(self._store.url, name, "delete", recursive=recursive)
        try:
            self._mark()
        except AnswerLost as error:
            raise self._unmarked(error) from error
        theirs = self._delete(stack_id)
        unfinished.end(self._store.url, name)
        if theirs:
            when = "is deleted" if stack_id else "was deleted before"
            raise StackChanged(
                f"Stack '{name}' {when}; somebody else has taken over parts of it meanwhile",
                left=theirs,
                why="What somebody else uses is left to them.",
                remedy=f"See what they are in: kitaru stack list, kitaru stack show {name}",
            )

    def _delete(self, stack_id: str | None) -> list[str]:
        """Delete all of it in order; what is somebody else's by now stays and is returned."""
        stack = Gone("stack", self._records.stack)
        todo: list[_Deletion] = [
            *([_Deletion(stack, self._writer.delete_stack, stack_id)] if stack_id else []),
            *(
                _Deletion(Gone(c.type, c.name), self._writer.delete_component, stored_id(c))
                for c in self.components
            ),
            *(
                _Deletion(
                    Gone("service_connector", c.name), self._writer.delete_connector, stored_id(c)
                )
                for c in self.connectors
            ),
        ]
        if stack_id is None:
            self._gone.append(stack)
        theirs: list[str] = []
        taken: frozenset[str] | None = None
        while todo:
            part, remove, uuid = todo[0]
            try:
                if uuid != stack_id and taken is None:
                    taken = self._taken_over()
                if taken and uuid in taken:
                    theirs.append(str(part))
                elif not remove(uuid):
                    self._gone.append(part)
            except KitaruError as error:
                is_there = self._is_there(part, uuid)
                if is_there is None:
                    raise self._lost(todo, error) from error
                if is_there and not self._is_used(part, uuid, error):
                    raise self._stopped(todo, uuid == stack_id, error) from error
                if is_there:
                    theirs.append(str(part))
            todo.pop(0)
        return theirs

    def _is_there(self, part: Gone, uuid: str) -> bool | None:
        """Whether a thing is there whose deletion failed, or got no answer; None: nobody says."""
        gateway, where = self._store.gateway, Where(ids=(uuid,))
        try:
            match part.kind:
                case "stack":
                    return any(True for _ in gateway.stacks(where))
                case "service_connector":
                    return any(True for _ in gateway.connectors(where))
                case _:
                    return any(True for _ in gateway.components(where))
        except KitaruError:
            return None

    def _taken_over(self) -> frozenset[str]:
        """The ids of those parts that have lost the mark since: a new stack takes them over."""
        if self._store.is_local or not self.components:
            return frozenset()
        chosen = tuple(stored_id(c) for c in self.components)
        docs = self._store.gateway.components(Where(ids=chosen))
        return frozenset(doc.id for doc in docs if ORPHANED_LABEL not in doc.labels)

    def _is_used(self, part: Gone, uuid: str, error: KitaruError) -> bool:
        """Whether a part was refused since it is in use: nobody used it when it was chosen."""
        if not isinstance(error, NotAllowedError) or part.kind == "stack":
            return False
        if part.kind == "service_connector":
            return bool(self._store.components_of(uuid))
        return bool(self._store.stacks_of(uuid))

    def _unmarked(self, error: AnswerLost) -> AnswerLost:
        """A label was not confirmed, and nothing is deleted: the labels go back."""
        name = self._records.stack
        left = self._writer.roll_back()
        connector = self._records.connector
        if connector is not None and is_own_connector(connector, self._records):
            try:
                self._writer.relabel_connector(connector, connector.labels)
            except KitaruError:
                left = [*left, f"the label {ORPHANED_LABEL} of service connector {connector.name}"]
        unfinished.end(self._store.url, name)
        return AnswerLost(
            f"The server gave no answer before stack '{name}' was to be deleted; nothing was",
            left=left,
            where=error.where,
            why=error.why or error.what,
            remedy=f"See it with: kitaru stack show {name}\nRun the same command again.",
        )

    def _lost(self, todo: Sequence[_Deletion], error: KitaruError) -> AnswerLost:
        """Nobody says whether the first of these is gone; if so, its name may be another's."""
        name = self._records.stack
        return AnswerLost(
            f"The server gave no answer while stack '{name}' was being deleted",
            left=[f"{todo[0].part} (perhaps)", *(str(later.part) for later in todo[1:])],
            where=error.where,
            why=error.why or error.what,
            remedy=f"See whose the name is by now: kitaru stack show {name}\n"
            "Delete what is left of the one that is gone with: kitaru stack clean",
        )

    def _stopped(
        self, todo: Sequence[_Deletion], is_stack_there: bool, error: KitaruError
    ) -> RegistrationFailed:
        # Once the stack is gone its name is free, and what has it next is somebody else's.
        clean = "Delete the rest with: kitaru stack clean"
        return RegistrationFailed(
            f"Deleting stack '{self._records.stack}' stopped half-way",
            left=[str(deletion.part) for deletion in todo],
            why=" ".join(part for part in (error.what, error.why) if part),
            remedy="Run the same command again to go on." if is_stack_there else clean,
        )

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

    def _mark(self) -> None:
        """Label the stack's own parts: a later command then knows whose they are, and whose not."""
        connector = self._records.connector
        marks = {MANAGED_LABEL: "true", ORPHANED_LABEL: "true"}
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
