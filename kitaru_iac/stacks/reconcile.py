"""The description of a stack, what should be stored for it, and what is; and the steps from there.

`operations` takes them in the order of each operation. All but `apply` are free of side effects.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from kitaru_iac.callbacks import ProgressCallback
from kitaru_iac.errors import AlreadyExistsError, ProtectedStackError, StackChanged
from kitaru_iac.gateway.views import DEFAULT_STACK
from kitaru_iac.labels import DEPLOYMENT_LABELS, MANAGED_LABEL, SOURCE_LABEL, is_managed
from kitaru_iac.machine import unfinished
from kitaru_iac.notices import ActiveReplaced, KitaruWarning, NotVerified
from kitaru_iac.plan.model import Action, Plan, Step
from kitaru_iac.records.owner import (
    Owner,
    labels_for,
    require_changeable,
    require_not_renamed_in_part,
)
from kitaru_iac.values import dataclass, replace

if TYPE_CHECKING:
    from kitaru_iac.connection.activation import Activation
    from kitaru_iac.infrastructure.results import InfrastructureResult
    from kitaru_iac.records.apply import ApplyResult
    from kitaru_iac.records.connector_checks import ConnectorCheck
    from kitaru_iac.records.model import Records
    from kitaru_iac.records.stored import Store
    from kitaru_iac.spec.model import StackSpec
    from kitaru_iac.stacks.mending import Mending

__all__ = ["Reconciliation"]


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """The description, what should be stored for it, and what is."""

    spec: StackSpec
    #: What is done first about what a dead run left: all else is as after that.
    mending: Mending
    desired: Records
    current: Records | None
    orphans: Records
    owner: Owner | None
    #: What is kept of where the description comes from; None leaves what is kept already.
    source: str | None = None

    @property
    def store(self) -> Store:
        """The store, from which to read; to which to write, once it is repaired."""
        return self.mending.store

    def with_infrastructure(self, ready: InfrastructureResult) -> Reconciliation:
        """The same, with the description and the labels that the infrastructure gave."""
        if ready.spec is self.spec and not ready.labels:
            return self
        desired = _desired(ready.spec, self.store, self.current, self.owner, self.source)
        labels = {**desired.labels, **ready.labels}
        return replace(self, spec=ready.spec, desired=replace(desired, labels=labels))

    @classmethod
    def load(
        cls,
        spec: StackSpec,
        owner: Owner | None,
        require: Callable[[Records, Owner | None], None] = require_changeable,
        *,
        alone: bool = True,
        source: str | None = None,
    ) -> Reconciliation:
        """Read what is stored for a stack, as it is once what a dead run left is repaired.

        Nothing is repaired yet: `repaired` does it.

        Args:
            spec: The description.
            owner: The Pulumi resource that keeps the stack; None is the command.
            require: Refuses what may not be done with the stored stack.
            alone: Whether the lock of the name is held.
            source: The label of the source that the description comes from, to be kept.

        Raises:
            AlreadyExistsError: The name is taken by what Kitaru did not make, or as `require` says.
            ProtectedStackError: It is the default stack, or another owner's.
        """
        from kitaru_iac.records.stored import Store
        from kitaru_iac.stacks.desired import desired_records
        from kitaru_iac.stacks.mending import Mending

        if spec.name == DEFAULT_STACK:
            raise ProtectedStackError(
                "The default stack cannot be changed",
                where="name",
                remedy="Choose another name.",
            )
        desired_records(spec)  # what is wrong with the description comes before any connection
        mending = Mending(Store.open(), spec.name, alone=alone, to_make=True)
        state = cls._read(mending, spec, owner, require, source)
        store, found, orphans = state.store, state.current, state.orphans
        nothing_left = found is None and not orphans.components and orphans.connector is None
        is_dead = alone and store.dead_run is not None
        if is_dead and mending.repair is None and nothing_left:
            unfinished.end(store.place, spec.name)
        return state

    @classmethod
    def _read(
        cls,
        mending: Mending,
        spec: StackSpec,
        owner: Owner | None,
        require: Callable[[Records, Owner | None], None] | None,
        source: str | None,
    ) -> Reconciliation:
        store = mending.store
        current = store.read(spec.name, secrets=True)
        if current is not None and not is_managed(current.labels):
            raise _unlabelled(current)
        if current is not None:
            require_not_renamed_in_part(current, store.dead_run)
        desired = _desired(spec, store, current, owner, source)
        if require is not None and current is not None:
            if not _is_resumed(store, desired, current, owner):
                require(current, owner)
        orphans = store.orphans(spec.name, secrets=True)
        return cls(spec, mending, desired, current, orphans, owner, source)

    def repaired(
        self, ready: InfrastructureResult, progress: ProgressCallback | None
    ) -> Reconciliation:
        """The same, after repairing what a dead run left. Needs the lock of the name.

        Args:
            ready: What `with_infrastructure` was given.
            progress: Gets one-line messages.

        Raises:
            StackChanged: Something else is stored by now than was to be after the repair.
            WorkInterrupted: Ctrl-C was pressed meanwhile; the repair was done nevertheless.
        """
        mending = self.mending
        if mending.repair is None:
            return self
        mending.mend(progress)
        # What refuses was asked before.
        state = self._read(mending, self.spec, self.owner, None, self.source)
        if (state.current, state.orphans) != (self.current, self.orphans):
            raise StackChanged(
                f"Stack '{self.spec.name}' was changed by somebody else while an earlier run was "
                "repaired",
                remedy="Run the same command again: it starts from what is there now.",
            )
        return state.with_infrastructure(ready)

    def plan(self, ready: InfrastructureResult | None = None) -> Plan:
        """The steps in both layers.

        Args:
            ready: What would be done to the infrastructure; None is nothing.

        Raises:
            ProtectedStackError: A part that other stacks use would be replaced.
        """
        from kitaru_iac.records.applied import keeping, with_record
        from kitaru_iac.records.diff import diff

        desired, current = keeping(self.desired), self.current
        records: tuple[Step, ...] = tuple(diff(desired, current, self.orphans))
        shared: tuple[KitaruWarning, ...] = ()
        if current is not None and any(step.action is not Action.KEEP for step in records):
            from kitaru_iac.records.sharing import with_sharing

            records, shared = with_sharing(self.store, current, records)
        records = with_record(records, desired, current)
        infrastructure = () if ready is None else ready.steps
        steps = [*self.mending.steps, *infrastructure, *records]
        if self.spec.activate and not self._is_chosen:
            steps.append(Step(Action.ACTIVATE, "stack", desired.stack))
        said = () if ready is None else ready.warnings
        warnings = (*desired.notes, *shared, *self.unread_secrets(), *self._active_elsewhere())
        return Plan(desired.stack, tuple(steps), (*said, *warnings))

    @property
    def is_active(self) -> bool:
        """Whether the stored stack is the active one."""
        from kitaru_iac.connection.activation import is_active

        return any(is_active(key, self.desired.stack) for key in self._ids())

    @property
    def _is_chosen(self) -> bool:
        from kitaru_iac.connection.activation import is_chosen

        return any(is_chosen(key, self.desired.stack) for key in self._ids())

    def _ids(self) -> list[str]:
        """By which the stack is active: its id, and that of one which a repair deletes for it."""
        now = self.current.id if self.current is not None else None
        repair = self.mending.repair
        before = None if repair is None else repair.deleted
        return [key for key in (now, before) if key]

    def _scopes(self) -> list[str]:
        """Where a stack is active that is replaced by one with another id."""
        from kitaru_iac.records.diff import replacement_reason

        current, ids = self.current, self._ids()
        if current is None or replacement_reason(self.desired, current) is None:
            ids = [key for key in ids if current is None or key != current.id]
        if not ids:
            return []
        from kitaru_iac.connection.activation import scopes_of_id

        return list(dict.fromkeys(scope for key in ids for scope in scopes_of_id(key)))

    def _active_elsewhere(self) -> tuple[KitaruWarning, ...]:
        """Say what becomes of the choice of a stack that is replaced."""
        name, found = self.spec.name, self._scopes()
        if not found:
            return ()
        said = [f"Stack '{name}' is the active stack, and is replaced by one with a new id."]
        if found != ["environment"]:
            said.append("The new one becomes the active stack where the old one is.")
        if "environment" in found:
            said.append(f"ZENML_ACTIVE_STACK_ID holds the old id: set it to {name}.")
        if not self.store.is_local:
            said.append(f"On other machines it has to be chosen again: kitaru stack use {name}")
        return (ActiveReplaced(" ".join(said)),)

    @property
    def has_remains(self) -> bool:
        """Whether something is there that only a run of this stack leaves, a dead one or not."""
        from kitaru_iac.records.recovery import is_needed

        return self.mending.repair is not None or is_needed(self.store, self.spec.name)

    def preview_preflight(self) -> tuple[KitaruWarning, ...]:
        """See what `preflight` sees and needs no cloud's packages: names, and fields of `extra`."""
        if not self.store.is_local:
            return self.preflight()
        from kitaru_iac.records.preflight import require_free_names, require_known_fields
        from kitaru_iac.spec import to_mapping

        require_free_names(self.store, self.desired, self.current, self.orphans)
        # Of a local stack that says nothing in `extra` there is nothing that could be wrong.
        if self.spec.cloud is not None or "extra" in to_mapping(self.spec):
            require_known_fields(self.store, self.desired, self.spec)
        return ()

    def preflight(self) -> tuple[KitaruWarning, ...]:
        """See whether the write can succeed: packages, names, fields; say what is to be known."""
        from kitaru_iac.records.preflight import preflight

        return preflight(
            self.store,
            self.spec,
            self.desired,
            self.current,
            self.orphans,
        )

    def unread_secrets(self) -> tuple[KitaruWarning, ...]:
        """Say that described secrets could not be compared with those that are stored."""
        from kitaru_iac.records.unread_secrets import unread_secrets

        return unread_secrets(self.desired, self.current, self.orphans)

    def require_restorable(self) -> None:
        """Refuse what could not be taken back; no preview asks this, whose login only reads.

        Raises:
            NotAllowedError: A connector would be changed whose secrets may not be read.
        """
        from kitaru_iac.records.unread_secrets import require_restorable

        require_restorable(self.desired, self.current, self.orphans)

    def verify(
        self, progress: ProgressCallback | None
    ) -> tuple[tuple[ConnectorCheck, ...], tuple[KitaruWarning, ...]]:
        """Let the connector reach each resource: the checks, and what is to be known."""
        spec, desired = self.spec, self.desired
        if desired.connector is None or not any(c.uses_connector for c in desired.components):
            return (), ()
        if not spec.verify:
            return (), (NotVerified("The connector was not verified: `verify` is off."),)
        from kitaru_iac.records.connector_checks import require_ok, verify_connector

        if progress:
            progress("Verifying the connector's access to each resource")
        checks = tuple(verify_connector(self.store.gateway, desired))
        require_ok(checks)
        return checks, ()

    def apply(self, progress: ProgressCallback | None) -> tuple[ApplyResult, Activation | None]:
        """Register or change the stack, and make it active where that is asked.

        Returns:
            What was written, and the activation, if any.

        Raises:
            RegistrationFailed: Writing failed; its `left` says what is still there, if anything.
        """
        from kitaru_iac.connection.activation import activate, take_place
        from kitaru_iac.errors import RegistrationFailed
        from kitaru_iac.records.applied import keeping
        from kitaru_iac.records.apply import done_nevertheless, execute, holding

        if progress:
            progress(f"Registering stack {self.desired.stack}")
        name, activation = self.desired.stack, None
        stands = partial(take_place, self.current.id if self.current is not None else None)
        with holding(name) as hold:
            desired = keeping(self.desired)
            result = execute(self.store, desired, self.current, self.orphans, hold, stands=stands)
            try:
                if self.spec.activate:
                    activation = activate(result.id, name)
            except Exception as error:
                raise RegistrationFailed(
                    f"Stack '{name}' is registered, but could not be made active",
                    why=str(error),
                    remedy=f"Make it active with: kitaru stack use {name}",
                ) from error
        if hold.count:
            is_active = activation is not None and activation.place.is_active
            raise done_nevertheless(name, *(["active"] if is_active else []))
        return result, activation


def _unlabelled(current: Records) -> AlreadyExistsError:
    """The error for a stack that is not known as Kitaru's, with what was seen."""
    name = current.stack
    own = [part.type for part in current.components if is_managed(part.labels)]
    seen = (
        f"Its {', '.join(own).replace('_', ' ')} do carry it: somebody may have taken it off."
        if own
        else "Kitaru did not make it, or somebody has taken the label off."
    )
    return AlreadyExistsError(
        f"A stack named '{name}' already exists, without the label {MANAGED_LABEL}: true",
        why=f"Only stacks with that label are changed. {seen}",
        remedy="Choose another name, or take it under management, which puts the label on it: "
        f"kitaru stack adopt {name}",
    )


def _is_resumed(store: Store, desired: Records, current: Records, owner: Owner | None) -> bool:
    """Whether a creation goes on that a dead run of the command on this machine had all but ended.

    It had registered the stack as it is described now, and was yet to make it active.
    """
    from kitaru_iac.records.diff import diff
    from kitaru_iac.records.owner import owner_of

    dead = store.dead_run
    if dead is None or dead.work != "create" or owner is not None or owner_of(current.labels):
        return False
    # ZenML gives the components the labels of their stack; that they get their own comes after.
    return all(
        step.action is Action.KEEP
        or (
            step.action is Action.UPDATE
            and step.kind != "stack"
            and all(change.field.startswith("labels.") for change in step.changes)
        )
        for step in diff(desired, current)
    )


def _desired(
    spec: StackSpec,
    store: Store,
    current: Records | None,
    owner: Owner | None,
    source: str | None,
) -> Records:
    """The desired records, with the stack's owner and source.

    Where its deployment is stays written on it, and so does the source if none is given.
    """
    from kitaru_iac.records.annotations import ignoring
    from kitaru_iac.records.diff import replacement_reason
    from kitaru_iac.stacks.desired import desired_records

    desired = store.resolved(desired_records(spec))
    stored = current.labels if current else {}
    place = {
        key: text
        for key, text in stored.items()
        if key.startswith(DEPLOYMENT_LABELS) or key == SOURCE_LABEL
    }
    if source is not None:
        place[SOURCE_LABEL] = source
    labels = {**desired.labels, **place, **labels_for(owner, current)}
    desired = replace(desired, labels=labels)
    if current is not None and replacement_reason(desired, current) is not None:
        return desired
    return ignoring(desired, current, spec.ignore_changes)
