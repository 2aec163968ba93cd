"""The operations on stacks. Each reads like the way of the data: description, records, plan, apply.

The faces (command line, Python, MCP, Pulumi) call these and nothing beneath. Every function opens
the store itself, and everything before the write is free of side effects on ZenML.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kitaru_iac.gateway.quiet import quiet
from kitaru_iac.infrastructure.prepare import prepare
from kitaru_iac.machine.locks import sole_writer
from kitaru_iac.plan.model import Action, Plan
from kitaru_iac.records.owner import (
    Owner,
    insist_on_creatable,
)
from kitaru_iac.stacks.reconcile import Situation
from kitaru_iac.stacks.results import Applied, Created, Deleted, Switched, named_resources

if TYPE_CHECKING:
    from kitaru_iac.checks.model import CheckReport
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
        situation = Situation.of(spec, owner, insist_on_creatable)
        notes = situation.look()
        ready = prepare(spec, dry=False, progress=progress, consent=consent, show=show)
        situation = situation.after(ready)
        checks, warnings = situation.verify(progress)
        outcome, activation = situation.write(progress)
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
        situation = Situation.of(spec, owner, recover=False)
        ready = prepare(spec, dry=True, progress=progress, show=show)
        plan = situation.after(ready).plan(ready.steps)
    return plan.extended(warnings=heard.warnings)


def preview_creation(spec: StackSpec, *, owner: Owner | None = None) -> Plan:
    """What `create` would do, after looking whether it could. Writes nothing.

    Raises:
        AlreadyExistsError: The name of the stack, a component or the connector is taken.
        ProtectedStackError: It is taken by another Pulumi resource.
    """
    with quiet() as heard:
        situation = Situation.of(spec, owner, insist_on_creatable, recover=False)
        notes = situation.look()
        plan = situation.plan()
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
        situation = Situation.of(spec, owner)
        ready = prepare(spec, dry=True, progress=progress, consent=consent, show=show)
        situation = situation.after(ready)
        plan = situation.plan(ready.steps)
        current = situation.current
        if not plan.has_changes or (confirm is not None and not confirm(plan)):
            return Applied(
                id=current.id if current else None,
                name=spec.name,
                is_active=current is not None and situation.is_active,
                previous_active_stack=None,
                plan=plan,
                changed=False,
                warnings=_all_warnings(plan.warnings, heard.warnings),
            )
        situation.store.forget()  # somebody may have thought about the plan for long
        notes = situation.look()
        if any(step.action is not Action.KEEP for step in ready.steps):
            made = prepare(spec, dry=False, progress=progress, consent=consent)
            situation = situation.after(made)
        checks, warnings = situation.verify(progress)
        outcome, activation = situation.write(progress)
        is_active = activation is not None or (spec.activate is False and situation.is_active)
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
        from kitaru_iac.records.stored import Store
        from kitaru_iac.stacks import delete as deletion

        store = Store.open()
        if not infrastructure:
            return deletion.delete(store, ref, recursive=recursive, force=force, owner=owner)
        stack = store.require(ref)
        deletion.insist_on_deletable(store, stack, force=force, owner=owner, infrastructure=True)
        labels = {key: str(value) for key, value in (stack.labels or {}).items()}
        from kitaru_iac.infrastructure.destroy import destroy_infrastructure, preview_destroy

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
    from kitaru_iac.connection.active import switch

    # Without ZenML: a file is read and another one written. See tests/test_weight.py.
    done = switch(ref)
    return Switched(
        id=done.id,
        name=done.name,
        previous_active_stack=done.previous,
        scope=done.place.scope,
        overridden_by=done.place.overridden_by,
    )


def _override(activation: Any) -> tuple[str, ...]:
    if activation is None or activation.overridden_by is None:
        return ()
    stays = os.environ.get(activation.overridden_by, "")
    text = f"{activation.overridden_by} is set and goes before: this shell stays with {stays}."
    return (text,)


def _all_warnings(*groups: Mapping[str, Any] | tuple[str, ...] | list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(warning for group in groups for warning in group))
