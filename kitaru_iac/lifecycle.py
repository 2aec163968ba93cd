"""The operations on stacks. Each reads like the way of the data: description, records, plan, apply.

The faces (command line, Python, MCP, Pulumi) call these and nothing beneath. Every function opens
the store itself, and everything before the write is free of side effects on ZenML.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from kitaru_iac.errors import AlreadyExistsError, CheckFailed, ProtectedStackError
from kitaru_iac.infrastructure import Ready, prepare
from kitaru_iac.plan import Action, Plan, Step
from kitaru_iac.records.lock import sole_writer
from kitaru_iac.records.model import DEPLOYMENT_LABELS
from kitaru_iac.records.owner import (
    Owner,
    insist_on_changeable,
    insist_on_creatable,
    labels_for,
)
from kitaru_iac.records.quiet import quiet
from kitaru_iac.results import Applied, Created, Deleted, Switched, named_resources

if TYPE_CHECKING:
    from kitaru_iac.checks import CheckReport
    from kitaru_iac.records.apply import Outcome
    from kitaru_iac.records.model import Records
    from kitaru_iac.records.store import Store
    from kitaru_iac.spec.model import StackSpec

__all__ = ["apply", "create", "delete", "preview", "preview_creation", "use"]

Progress = Callable[[str], None]
Consent = Callable[[str], bool]
Show = Callable[["CheckReport"], None]


def create(
    spec: StackSpec,
    *,
    owner: Owner | None = None,
    progress: Progress | None = None,
    consent: Consent | None = None,
    show: Show | None = None,
) -> Created:
    """Register a stack that does not exist yet, and make it active unless told otherwise.

    Args:
        spec: The description.
        owner: The Pulumi resource that keeps the stack; None is the command. What an earlier try of
            the same run of that resource made is gone on with.
        progress: Gets one-line messages.
        consent: Asked before the Pulumi engine is downloaded.
        show: Gets the report of the infrastructure's checks.

    Raises:
        AlreadyExistsError: The name of the stack, a component or the connector is taken.
        ProtectedStackError: It is taken by another Pulumi resource.
        CheckFailed: A check of the infrastructure or a connector failed; nothing was written.
        EngineError: Provisioning failed; the same command goes on where it ended.
        RegistrationFailed: Writing failed; its `left` says what is still there, if anything.
    """
    with quiet() as heard, sole_writer(spec.name):
        situation = _situation(spec, owner, insist_on_creatable)
        notes = _look(situation)
        ready = prepare(spec, dry=False, progress=progress, consent=consent, show=show)
        situation = situation.after(ready)
        checks, warnings = _verify(situation, progress)
        outcome, activation = _write(situation, progress)
    desired = situation.desired
    return Created(
        id=outcome.id,
        name=spec.name,
        is_active=activation is not None,
        previous_active_stack=activation.previous if activation else None,
        stack_type=desired.stack_type,
        components_created=tuple(f"{c.name} ({c.type})" for c in outcome.components_created),
        service_connectors_created=tuple(outcome.connectors_created),
        resources=named_resources(situation.spec),
        warnings=_all_warnings(
            desired.notes, notes, warnings, heard.warnings, _override(activation)
        ),
        checks=checks,
        infrastructure=ready.steps,
    )


def preview(
    spec: StackSpec,
    *,
    owner: Owner | None = None,
    progress: Progress | None = None,
    show: Show | None = None,
) -> Plan:
    """What `create` or `apply` would do. Writes nothing.

    Raises:
        CheckFailed: A check of the infrastructure failed (``infra: verify``).
        ProtectedStackError: The stack is another owner's.
    """
    with quiet() as heard:
        situation = _situation(spec, owner, recover=False)
        ready = prepare(spec, dry=True, progress=progress, show=show)
        plan = _plan(situation.after(ready), ready.steps)
    return plan.extended(warnings=heard.warnings)


def preview_creation(spec: StackSpec, *, owner: Owner | None = None) -> Plan:
    """What `create` would do, after looking whether it could. Writes nothing.

    Raises:
        AlreadyExistsError: The name of the stack, a component or the connector is taken.
        ProtectedStackError: It is taken by another Pulumi resource.
    """
    with quiet() as heard:
        situation = _situation(spec, owner, insist_on_creatable, recover=False)
        notes = _look(situation)
        plan = _plan(situation)
    return plan.extended(warnings=(*notes, *heard.warnings))


def apply(
    spec: StackSpec,
    *,
    owner: Owner | None = None,
    confirm: Callable[[Plan], bool] | None = None,
    progress: Progress | None = None,
    consent: Consent | None = None,
    show: Show | None = None,
) -> Applied:
    """Converge a stack to its description, in place where that can be; create it if need be.

    Args:
        spec: The description.
        owner: The Pulumi resource that keeps the stack; None is the command. It takes over what the
            command made, and says so on it.
        confirm: Asked with the plan before anything is written; False stops. Not asked if there
            is nothing to do.
        progress: Gets one-line messages.
        consent: Asked before the Pulumi engine is downloaded.
        show: Gets the report of the infrastructure's checks.

    Raises:
        CheckFailed: A check failed; nothing was written.
        EngineError: Provisioning failed; the same command goes on where it ended.
        ProtectedStackError: The stack is another owner's.
        RegistrationFailed: Writing failed; its `left` says what is still there, if anything.
    """
    with quiet() as heard, sole_writer(spec.name):
        situation = _situation(spec, owner)
        ready = prepare(spec, dry=True, progress=progress, consent=consent, show=show)
        situation = situation.after(ready)
        plan = _plan(situation, ready.steps)
        current = situation.current
        if not plan.has_changes or (confirm is not None and not confirm(plan)):
            return Applied(
                id=current.id if current else None,
                name=spec.name,
                is_active=current is not None and _is_active(situation),
                previous_active_stack=None,
                plan=plan,
                changed=False,
                warnings=_all_warnings(plan.warnings, heard.warnings),
            )
        situation.store.forget()  # somebody may have thought about the plan for long
        notes = _look(situation)
        if any(step.action is not Action.KEEP for step in ready.steps):
            made = prepare(spec, dry=False, progress=progress, consent=consent)
            situation = situation.after(made)
        checks, warnings = _verify(situation, progress)
        outcome, activation = _write(situation, progress)
        is_active = activation is not None or (spec.activate is False and _is_active(situation))
    return Applied(
        id=outcome.id,
        name=spec.name,
        is_active=is_active,
        previous_active_stack=activation.previous if activation else None,
        plan=plan,
        changed=True,
        warnings=_all_warnings(
            plan.warnings, notes, warnings, heard.warnings, _override(activation)
        ),
        checks=checks,
    )


def delete(
    ref: str,
    *,
    owner: Owner | None = None,
    recursive: bool = False,
    force: bool = False,
    infrastructure: bool = False,
    include_protected: bool = False,
    delete_data: bool = False,
    confirm: Callable[[Plan], bool] | None = None,
    progress: Progress | None = None,
    consent: Consent | None = None,
) -> Deleted | None:
    """Delete a stack, and with `infrastructure` what was provisioned for it.

    Args:
        ref: The stack's name or id.
        owner: The Pulumi resource whose deletion it is; None is the command.
        recursive: Delete its own components and connector too, where no other stack uses them.
        force: Delete it although it is active, or, by the command, although it is Pulumi's.
        infrastructure: Take its deployment down first.
        include_protected: Protected resources too, if they hold nothing.
        delete_data: With what buckets and repositories hold.
        confirm: Asked with the plan before infrastructure is taken down; False stops.
        progress: Gets one-line messages.
        consent: Asked before the Pulumi engine is downloaded.

    Returns:
        What went and what stayed; None if `confirm` said no.
    """
    with quiet(), sole_writer(ref):
        from kitaru_iac.records import delete as deletion
        from kitaru_iac.records.store import Store

        store = Store.open()
        if not infrastructure:
            return deletion.delete(store, ref, recursive=recursive, force=force, owner=owner)
        stack = store.require(ref)
        deletion.insist_on_deletable(store, stack, force=force, owner=owner, infrastructure=True)
        labels = {key: str(value) for key, value in (stack.labels or {}).items()}
        from kitaru_iac.teardown import destroy_infrastructure, preview_destroy

        if confirm is not None:
            would = preview_destroy(
                labels,
                include_protected=include_protected,
                delete_data=delete_data,
                progress=progress,
                consent=consent,
            )
            if not confirm(Plan(stack.name, would.steps)):
                return None
        gone = destroy_infrastructure(
            labels,
            include_protected=include_protected,
            delete_data=delete_data,
            progress=progress,
            consent=consent,
        )
        done = deletion.delete(store, str(stack.id), recursive=recursive, force=force, owner=owner)
    kept = tuple(part for part in done.kept if part.kind != deletion.DEPLOYMENT)
    return replace(done, infrastructure_deleted=gone.steps, kept=(*kept, *gone.kept))


def use(ref: str) -> Switched:
    """Make a stack the active one, in the repository around here or else globally."""
    from kitaru_iac.records.active import switch

    # Without ZenML: a file is read and another one written. See tests/test_weight.py.
    done = switch(ref)
    return Switched(
        id=done.id,
        name=done.name,
        previous_active_stack=done.previous,
        scope=done.place.scope,
        overridden_by=done.place.overridden_by,
    )


# -- the way of the data ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Situation:
    """The description, what should be stored for it, and what is."""

    spec: StackSpec
    store: Store
    desired: Records
    current: Records | None
    leftovers: Records
    owner: Owner | None

    def after(self, ready: Ready) -> _Situation:
        """The same, with the description and the labels that the infrastructure gave."""
        if ready.spec is self.spec and not ready.labels:
            return self
        desired = _desired(ready.spec, self.store, self.current, self.owner)
        labels = {**desired.labels, **ready.labels}
        return replace(self, spec=ready.spec, desired=replace(desired, labels=labels))


def _situation(
    spec: StackSpec,
    owner: Owner | None,
    insist: Callable[[Records, Owner | None], None] = insist_on_changeable,
    *,
    recover: bool = True,
) -> _Situation:
    from kitaru_iac.records import apply as writing
    from kitaru_iac.records.desired import desired_records
    from kitaru_iac.records.store import DEFAULT_STACK, Store, is_managed

    if spec.name == DEFAULT_STACK:
        raise ProtectedStackError(
            "The default stack cannot be changed",
            where="name",
            remedy="Choose another name.",
        )
    desired_records(spec)  # what is wrong with the description comes before any connection
    store = Store.open()
    store.look(spec.name, spec.name + writing.REPLACED)
    if recover:
        writing.recover(store, spec.name)
    current = store.read(spec.name, secrets=True)
    if current is not None and not is_managed(current.labels):
        raise AlreadyExistsError(
            f"A stack named '{spec.name}' already exists, and Kitaru did not make it",
            why="Only stacks that Kitaru made are changed.",
            remedy=f"Choose another name. See it with: kitaru stack show {spec.name}",
        )
    if current is not None:
        insist(current, owner)
    leftovers = store.leftovers(spec.name, secrets=True)
    desired = _desired(spec, store, current, owner)
    return _Situation(spec, store, desired, current, leftovers, owner)


def _desired(
    spec: StackSpec, store: Store, current: Records | None, owner: Owner | None
) -> Records:
    """The desired records, with the stack's owner; where its deployment is stays written on it."""
    from kitaru_iac.records.desired import desired_records

    desired = store.resolved(desired_records(spec))
    stored = current.labels if current else {}
    place = {key: text for key, text in stored.items() if key.startswith(DEPLOYMENT_LABELS)}
    labels = {**desired.labels, **place, **labels_for(owner, current)}
    return replace(desired, labels=labels)


def _plan(situation: _Situation, infrastructure: tuple[Step, ...] = ()) -> Plan:
    from kitaru_iac.records.diff import diff

    desired, current = situation.desired, situation.current
    steps = [*infrastructure, *diff(desired, current, situation.leftovers)]
    if situation.spec.activate and not _is_active(situation):
        steps.append(Step(Action.ACTIVATE, "stack", desired.stack))
    return Plan(desired.stack, tuple(steps), desired.notes)


def _is_active(situation: _Situation) -> bool:
    current = situation.current
    return current is not None and str(situation.store.active().id) == current.id


def _look(situation: _Situation) -> tuple[str, ...]:
    """Look whether the write can succeed: packages, names, fields. Returns what is to be known."""
    from kitaru_iac.records.preflight import preflight

    return preflight(
        situation.store,
        situation.spec,
        situation.desired,
        situation.current,
        situation.leftovers,
    )


def _verify(
    situation: _Situation, progress: Progress | None
) -> tuple[tuple[Any, ...], tuple[str, ...]]:
    """Let the connector reach each resource: the checks, and what is to be known."""
    spec, desired = situation.spec, situation.desired
    if desired.connector is None or not any(c.uses_connector for c in desired.components):
        return (), ()
    if not spec.verify:
        return (), ("The connector was not verified (--no-verify).",)
    from kitaru_iac.records.verification import verify_connector

    if progress:
        progress("Verifying the connector's access to each resource")
    checks = tuple(verify_connector(situation.store, desired))
    failed = [check for check in checks if check.status == "fail"]
    if failed:
        raise CheckFailed(
            f"The connector cannot use {len(failed)} of the stack's {len(checks)} resources",
            why="\n".join(f"{check.resource}: {check.message}" for check in failed),
            remedy="\n".join(dict.fromkeys(c.remedy for c in failed if c.remedy)) or None,
        )
    return checks, ()


def _write(situation: _Situation, progress: Progress | None) -> tuple[Outcome, Any]:
    from kitaru_iac.errors import RegistrationFailed
    from kitaru_iac.records.activation import activate
    from kitaru_iac.records.apply import carry_out

    if progress:
        progress(f"Registering stack {situation.desired.stack}")
    outcome = carry_out(situation.store, situation.desired, situation.current, situation.leftovers)
    if not situation.spec.activate:
        return outcome, None
    try:
        return outcome, activate(situation.store, outcome.id)
    except Exception as error:
        raise RegistrationFailed(
            f"Stack '{situation.desired.stack}' is registered, but could not be made active",
            why=str(error),
            remedy=f"Make it active with: kitaru stack use {situation.desired.stack}",
        ) from error


def _override(activation: Any) -> tuple[str, ...]:
    if activation is None or activation.overridden_by is None:
        return ()
    stays = os.environ.get(activation.overridden_by, "")
    text = f"{activation.overridden_by} is set and goes before: this shell stays with {stays}."
    return (text,)


def _all_warnings(*groups: Mapping[str, Any] | tuple[str, ...] | list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(warning for group in groups for warning in group))
