"""The operations on stacks. Each reads like the way of the data: description, records, plan, apply.

The faces (command line, Python, MCP, Pulumi) call these and nothing beneath. Every function opens
the store itself, and everything before the write is free of side effects on ZenML.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kitaru_iac.errors import AlreadyExistsError, CheckFailed, ProtectedStackError
from kitaru_iac.plan import Action, Plan, Step
from kitaru_iac.records.quiet import quiet
from kitaru_iac.results import Applied, Created, Deleted, Switched

if TYPE_CHECKING:
    from kitaru_iac.records.apply import Outcome
    from kitaru_iac.records.model import Records
    from kitaru_iac.records.store import Store
    from kitaru_iac.spec.model import StackSpec

__all__ = ["apply", "create", "delete", "preview", "use"]

Progress = Callable[[str], None]


def create(spec: StackSpec, *, progress: Progress | None = None) -> Created:
    """Register a stack that does not exist yet, and make it active unless told otherwise.

    Raises:
        AlreadyExistsError: The name of the stack, a component or the connector is taken.
        CheckFailed: A check of the infrastructure or a connector failed; nothing was written.
        RegistrationFailed: Writing failed; its `left` says what is still there, if anything.
    """
    with quiet() as heard:
        situation = _situation(spec)
        if situation.current is not None:
            raise AlreadyExistsError(
                f"A stack named '{spec.name}' already exists",
                remedy=f"Change it in place with: kitaru stack apply, "
                f"see it with: kitaru stack show {spec.name}",
            )
        checks, warnings = _preflight(situation, progress)
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
        resources=resources(spec),
        warnings=_all_warnings(desired.notes, warnings, heard.warnings, _override(activation)),
        checks=checks,
    )


def preview(spec: StackSpec) -> Plan:
    """What `create` or `apply` would do. Writes nothing."""
    with quiet() as heard:
        situation = _situation(spec, recover=False)
        plan = _plan(situation)
    return plan.extended(warnings=heard.warnings)


def apply(
    spec: StackSpec,
    *,
    confirm: Callable[[Plan], bool] | None = None,
    progress: Progress | None = None,
) -> Applied:
    """Converge a stack to its description, in place where that can be; create it if need be.

    Args:
        spec: The description.
        confirm: Asked with the plan before anything is written; False stops. Not asked if there
            is nothing to do.
        progress: Gets one-line messages.

    Raises:
        CheckFailed: A check failed; nothing was written.
        RegistrationFailed: Writing failed; its `left` says what is still there, if anything.
    """
    with quiet() as heard:
        situation = _situation(spec)
        plan = _plan(situation)
        current = situation.current
        if not plan.has_changes or (confirm is not None and not _ask(confirm, plan)):
            return Applied(
                id=current.id if current else None,
                name=spec.name,
                is_active=bool(current) and _is_active(situation),
                previous_active_stack=None,
                plan=plan,
                changed=False,
                warnings=_all_warnings(plan.warnings, heard.warnings),
            )
        checks, warnings = _preflight(situation, progress)
        outcome, activation = _write(situation, progress)
        is_active = activation is not None or (spec.activate is False and _is_active(situation))
    return Applied(
        id=outcome.id,
        name=spec.name,
        is_active=is_active,
        previous_active_stack=activation.previous if activation else None,
        plan=plan,
        changed=True,
        warnings=_all_warnings(plan.warnings, warnings, heard.warnings, _override(activation)),
        checks=checks,
    )


def delete(ref: str, *, recursive: bool = False, force: bool = False) -> Deleted:
    """Delete a stack; see `kitaru_iac.records.delete`."""
    with quiet():
        from kitaru_iac.records import delete as deletion
        from kitaru_iac.records.store import Store

        return deletion.delete(Store.open(), ref, recursive=recursive, force=force)


def use(ref: str) -> Switched:
    """Make a stack the active one, in the repository around here or else globally."""
    from kitaru_iac.records.active import switch

    done = switch(ref)
    return Switched(
        id=done.id,
        name=done.name,
        previous_active_stack=done.previous,
        scope=done.place.scope,
        overridden_by=done.place.overridden_by,
    )


def resources(spec: StackSpec) -> dict[str, Any]:
    """The named resources of a remote stack; empty for a purely local one."""
    if spec.cloud is None:
        return {}
    fields = (
        "cluster",
        "region",
        "namespace",
        "subscription_id",
        "resource_group",
        "workspace",
        "artifact_store",
        "container_registry",
        "execution_role",
    )
    found = {name: getattr(spec, name, None) for name in fields}
    named = {key: str(value) for key, value in found.items() if value is not None}
    return {"provider": spec.cloud.value, **named}


# -- the way of the data ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Situation:
    """The description, what should be stored for it, and what is."""

    spec: StackSpec
    store: Store
    desired: Records
    current: Records | None
    leftovers: Records


def _situation(spec: StackSpec, *, recover: bool = True) -> _Situation:
    from kitaru_iac.records import apply as writing
    from kitaru_iac.records.desired import desired_records
    from kitaru_iac.records.model import Records
    from kitaru_iac.records.store import DEFAULT_STACK, Store

    if spec.name == DEFAULT_STACK:
        raise ProtectedStackError(
            "The default stack cannot be changed",
            where="name",
            remedy="Choose another name.",
        )
    desired = desired_records(spec)
    store = Store.open()
    if recover:
        writing.recover(store, spec.name)
    desired = store.resolved(desired)
    current = store.read(spec.name, secrets=True)
    leftovers = store.leftovers(spec.name, secrets=True)
    return _Situation(spec, store, desired, current, leftovers or Records(spec.name, "custom", ()))


def _plan(situation: _Situation) -> Plan:
    from kitaru_iac.records.diff import diff

    desired, current = situation.desired, situation.current
    steps = diff(desired, current, situation.leftovers)
    if situation.spec.activate and not _is_active(situation):
        steps.append(Step(Action.ACTIVATE, "stack", desired.stack))
    return Plan(desired.stack, tuple(steps), desired.notes)


def _is_active(situation: _Situation) -> bool:
    current = situation.current
    return current is not None and str(situation.store.active().id) == current.id


def _ask(confirm: Callable[[Plan], bool], plan: Plan) -> bool:
    """Ask with ZenML unmuted and stdout as it was: the question is the user's to see."""
    return confirm(plan)


def _preflight(
    situation: _Situation, progress: Progress | None
) -> tuple[tuple[Any, ...], tuple[str, ...]]:
    """Look whether the write can succeed: packages, names, fields, then the resources."""
    from kitaru_iac.records.preflight import preflight

    spec, store, desired = situation.spec, situation.store, situation.desired
    notes = preflight(store, spec, desired, situation.current, situation.leftovers)
    connector = desired.connector
    if connector is None or not any(c.uses_connector for c in desired.components):
        return (), notes
    if not spec.verify:
        return (), (*notes, "The connector was not verified (--no-verify).")
    from kitaru_iac.records.verification import verify_connector

    if progress:
        progress("Verifying the connector's access to each resource")
    checks = tuple(verify_connector(store, desired))
    failed = [check for check in checks if check.status == "fail"]
    if failed:
        raise CheckFailed(
            f"The connector cannot use {len(failed)} of the stack's {len(checks)} resources",
            why="\n".join(f"{check.resource}: {check.message}" for check in failed),
            remedy="\n".join(dict.fromkeys(c.remedy for c in failed if c.remedy)) or None,
        )
    return checks, notes


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
