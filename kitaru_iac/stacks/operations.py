"""The operations on stacks. Each reads like the way of the data: description, records, plan, apply.

The faces (command line, Python, MCP, Pulumi) call these and nothing beneath. Every function opens
the store itself, and everything before the write is free of side effects on ZenML.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from kitaru_iac.callbacks import ConfirmCallback, ProgressCallback
from kitaru_iac.errors import KitaruError
from kitaru_iac.infrastructure.prepare import prepare
from kitaru_iac.labels import BACKEND_LABEL
from kitaru_iac.machine import unfinished
from kitaru_iac.machine.active_scope import unbound
from kitaru_iac.machine.interrupts import WorkInterrupted
from kitaru_iac.machine.locks import sole_writer
from kitaru_iac.notices import KitaruWarning, NotReadyYet, SelectionOverridden
from kitaru_iac.plan.model import Action, Plan, Reason, Step
from kitaru_iac.records.owner import Owner, require_changeable, require_creatable
from kitaru_iac.stacks.reconcile import Reconciliation
from kitaru_iac.stacks.removal import clean, delete
from kitaru_iac.stacks.results import Applied, Created, Switched, named_resources
from kitaru_iac.values import replace

if TYPE_CHECKING:
    from kitaru_iac.checks.model import CheckReport
    from kitaru_iac.connection.activation import Activation
    from kitaru_iac.infrastructure.results import InfrastructureResult
    from kitaru_iac.records.model import Records
    from kitaru_iac.spec.model import StackSpec

__all__ = ["apply", "clean", "create", "delete", "preview", "preview_creation", "unchanged", "use"]

ReportCallback = Callable[["CheckReport"], None]


def create(
    spec: StackSpec,
    *,
    owner: Owner | None = None,
    progress: ProgressCallback | None = None,
    consent: ConfirmCallback | None = None,
    show: ReportCallback | None = None,
    take_back: bool = False,
) -> Created:
    """Register a stack that does not exist yet, and make it active unless told otherwise.

    Args:
        spec: The description.
        owner: The Pulumi resource that keeps the stack; None is the command. What an earlier try of
            the same run of that resource made is resumed.
        progress: Gets one-line messages.
        consent: Asked before the Pulumi engine is downloaded.
        show: Gets the report of the infrastructure's checks.
        take_back: Put what was provisioned, and is in no state, into one first.

    Raises:
        AlreadyExistsError: The name of the stack, a component or the connector is taken.
        ProtectedStackError: It is taken by another Pulumi resource.
        CheckFailed: A check of the infrastructure or a connector failed; nothing was written.
        EngineError: Provisioning failed; the same command resumes it.
        RegistrationFailed: Writing failed; its `left` says what is still there, if anything.
    """
    with _interruptible(spec):
        return _create(spec, owner, progress, consent, show, take_back=take_back)


def _create(
    spec: StackSpec,
    owner: Owner | None,
    progress: ProgressCallback | None,
    consent: ConfirmCallback | None,
    show: ReportCallback | None,
    *,
    take_back: bool,
) -> Created:
    _have_engine(spec, owner, require_creatable, progress, consent)
    with sole_writer(spec.name):
        state = Reconciliation.load(spec, owner, require_creatable)
        state.require_restorable()
        notes = state.preflight()
        ready = prepare(spec, dry_run=False, progress=progress, show=show, take_back=take_back)
        state = state.with_infrastructure(ready)
        with _saying(ready.warnings), state.mending.told():
            checks, warnings = state.verify(progress)
            unread = state.unread_secrets()
            mended = state.mending.said()
            result, activation = state.repaired(ready, progress).apply(progress)
    from kitaru_iac.connection.activation import is_active

    desired = state.desired
    return Created(
        id=result.id,
        name=spec.name,
        is_active=is_active(result.id, spec.name),
        previous_active_stack=activation.previous if activation else None,
        stack_type=desired.stack_type,
        # None are new where what a killed creation had all but ended is resumed.
        components_created=tuple(
            f"{c.name} ({c.type})" for c in result.components_created or desired.components
        ),
        service_connectors_created=tuple(result.connectors_created),
        resources=named_resources(state.spec),
        warnings=_all_warnings(
            desired.notes,
            notes,
            ready.warnings,
            warnings,
            unread,
            result.warnings,
            mended,
            state.store.gateway.warnings,
            _override(activation),
        ),
        checks=checks,
        infrastructure=ready.steps,
        state=ready.labels.get(BACKEND_LABEL),
        made=ready.made,
        beside=ready.beside,
    )


def preview(
    spec: StackSpec,
    *,
    owner: Owner | None = None,
    progress: ProgressCallback | None = None,
    show: ReportCallback | None = None,
    take_back: bool = False,
) -> Plan:
    """What `create` or `apply` would do. Writes nothing.

    Raises:
        AlreadyExistsError: Names are taken.
        CheckFailed: A check of the infrastructure failed (``infra: verify``).
        DescriptionError: Fields do not exist in the store, or do not take their values.
        ProtectedStackError: The stack is another owner's, or shares a part that would be replaced.
    """
    from kitaru_iac.stacks.planning import plan_stack

    planned = plan_stack(spec, owner=owner, progress=progress, show=show, take_back=take_back)
    return planned.plan


def preview_creation(spec: StackSpec, *, owner: Owner | None = None) -> Plan:
    """What `create` would do, after looking whether it could. Writes nothing.

    Raises:
        AlreadyExistsError: The name of the stack, a component or the connector is taken.
        ProtectedStackError: It is taken by another Pulumi resource.
    """
    state = Reconciliation.load(spec, owner, require_creatable, alone=False)
    notes = state.preflight()
    plan = state.plan()
    return plan.extended(warnings=(*notes, *state.store.gateway.warnings))


def apply(
    spec: StackSpec,
    *,
    owner: Owner | None = None,
    confirm: Callable[[Plan], bool] | None = None,
    progress: ProgressCallback | None = None,
    consent: ConfirmCallback | None = None,
    show: ReportCallback | None = None,
    take_back: bool = False,
    checked: float | None = None,
    source: str | None = None,
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
        take_back: Put what was provisioned, and is in no state, into one first.
        checked: When a plan of the same description was made, as `StackPlan.checked` says.
        source: The label of the source that the description comes from, to be kept.

    Raises:
        CheckFailed: A check failed; nothing was written.
        EngineError: Provisioning failed; the same command resumes it.
        ProtectedStackError: The stack is another owner's.
        RegistrationFailed: Writing failed; its `left` says what is still there, if anything.
    """
    with _interruptible(spec):
        look = partial(prepare, progress=progress, take_back=take_back)
        first = partial(look, dry_run=True, show=show, checked=checked)
        load = partial(Reconciliation.load, spec, owner, source=source)
        _have_engine(spec, owner, require_changeable, progress, consent)
        return _apply(spec, load, confirm, progress, first, look)


def _apply(
    spec: StackSpec,
    load: Callable[[], Reconciliation],
    confirm: Callable[[Plan], bool] | None,
    progress: ProgressCallback | None,
    look: Callable[..., InfrastructureResult],
    make: Callable[..., InfrastructureResult],
) -> Applied:
    if confirm is None:
        with sole_writer(spec.name):
            state = load()
            ready = look(spec)
            state = state.with_infrastructure(ready)
            return _converge(state, ready, state.plan(ready), make, progress)
    while True:
        with sole_writer(spec.name):  # what was left undone is then a dead run's
            state = load()
        ready = look(spec)
        state = state.with_infrastructure(ready)
        plan = state.plan(ready)
        if not plan.has_changes:
            _end_dead_run(state)
            return unchanged(state, plan)
        if not confirm(plan):
            return unchanged(state, plan)
        with sole_writer(spec.name):
            # Somebody may have thought about the plan for long. What is in the cloud by now the
            # engine sees; what is in the store is read again.
            state = load().with_infrastructure(ready)
            if state.plan(ready) == plan:
                return _converge(state, ready, plan, make, progress)
        if progress:
            progress(f"Stack {spec.name} was changed by somebody else meanwhile; planning again")


def _end_dead_run(state: Reconciliation) -> None:
    """Take away the note of a run that died, now that all it was to write is there."""
    dead, name = state.store.dead_run, state.spec.name
    if dead is None:
        return
    with sole_writer(name):
        now = unfinished.find(state.store.place, name)
        if now is not None and now.token == dead.token:
            unfinished.end(state.store.place, name)


def unchanged(state: Reconciliation, plan: Plan) -> Applied:
    """Give the result where there is nothing to do, or nobody agreed to it."""
    current = state.current
    return Applied(
        id=current.id if current else None,
        name=state.spec.name,
        is_active=current is not None and state.is_active,
        previous_active_stack=None,
        plan=plan,
        changed=False,
        warnings=_all_warnings(plan.warnings, state.store.gateway.warnings),
    )


def _converge(
    state: Reconciliation,
    ready: InfrastructureResult,
    plan: Plan,
    make: Callable[..., InfrastructureResult],
    progress: ProgressCallback | None,
) -> Applied:
    """Carry out a plan, under the stack's lock."""
    if not plan.has_changes:
        unfinished.end(state.store.place, state.spec.name)
        return unchanged(state, plan)
    spec = state.spec
    state.require_restorable()
    notes = state.preflight()
    looked = ready.warnings
    if any(step.action is not Action.KEEP for step in ready.steps):
        ready = make(spec, dry_run=False, checked=ready.checked)
        state = state.with_infrastructure(ready)
    with _saying(ready.warnings), state.mending.told():
        checks, warnings = state.verify(progress)
        state = state.repaired(ready, progress)
        if not any(_is_more(step) for step in plan.steps):
            unfinished.end(state.store.place, spec.name)
            done = replace(unchanged(state, plan), changed=True, checks=checks)
            return replace(done, warnings=_all_warnings(done.warnings, notes, warnings))
        result, activation = state.apply(progress)
    from kitaru_iac.connection.activation import is_active

    return Applied(
        id=result.id,
        name=spec.name,
        is_active=is_active(result.id, spec.name),
        previous_active_stack=activation.previous if activation else None,
        plan=plan,
        changed=True,
        warnings=_all_warnings(
            # What could not be seen before may have been done by now.
            (warning for warning in plan.warnings if warning not in looked),
            notes,
            ready.warnings,
            warnings,
            result.warnings,
            state.store.gateway.warnings,
            _override(activation),
        ),
        checks=checks,
    )


def _is_more(step: Step) -> bool:
    """Whether a step does something beside the repair of what a dead run left."""
    return step.action is not Action.KEEP and step.code is not Reason.LEFT_BY_DEAD_RUN


def _have_engine(
    spec: StackSpec,
    owner: Owner | None,
    require: Callable[[Records, Owner | None], None],
    progress: ProgressCallback | None,
    consent: ConfirmCallback | None,
) -> None:
    """Ask for the engine's download: after what would stop the run, before anything is locked."""
    from kitaru_iac.spec import InfraMode

    if spec.cloud is None or spec.infra is not InfraMode.PROVISION:
        return
    from kitaru_iac.infrastructure.prepare import engine_is_ready, require_engine

    if not engine_is_ready():
        Reconciliation.load(spec, owner, require, alone=False).preflight()
        require_engine(consent, progress=progress)


@contextmanager
def _interruptible(spec: StackSpec) -> Iterator[None]:
    """Say of Ctrl-C that came before the first write what it left: nothing, or infrastructure."""
    from kitaru_iac.spec import InfraMode

    try:
        yield
    except WorkInterrupted:
        raise
    except KeyboardInterrupt as pressed:
        what = f"Interrupted before stack '{spec.name}' was written"
        if spec.infra is InfraMode.PROVISION:
            remedy = "What was provisioned stays. Run the same command again to go on."
            raise WorkInterrupted(what, remedy=remedy) from pressed
        raise WorkInterrupted(f"{what}; nothing was changed") from pressed


@contextmanager
def _saying(warnings: Iterable[KitaruWarning]) -> Iterator[None]:
    """Say with an error what was made and is not ready: that may be the reason."""
    late = [str(warning) for warning in warnings if isinstance(warning, NotReadyYet)]
    try:
        yield
    except KitaruError as error:
        error.why = "\n".join(filter(None, [error.why, *late])) or None
        raise


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
        is_active=done.place.is_active,
    )


def _override(activation: Activation | None) -> tuple[KitaruWarning, ...]:
    variable = activation.place.overridden_by if activation else None
    if variable is None:
        return ()
    stays = unbound(os.environ).get(variable, "")
    text = f"{variable} is set and takes precedence: this shell stays with {stays}."
    return (SelectionOverridden(text),)


def _all_warnings(*groups: Iterable[KitaruWarning]) -> tuple[KitaruWarning, ...]:
    return tuple(dict.fromkeys(warning for group in groups for warning in group))
