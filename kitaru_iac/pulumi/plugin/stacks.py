"""Create, read, update and delete a stack: `stacks.operations` as a resource's life.

Every function here blocks, and runs in a thread. One at a time: ZenML's client is one per process.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from kitaru_iac.callbacks import ProgressCallback
from kitaru_iac.errors import KitaruError, StackNotFound, StackTakenOver
from kitaru_iac.pulumi.plugin import place, runs
from kitaru_iac.pulumi.plugin.check import stack_spec
from kitaru_iac.pulumi.plugin.reading import (
    COMPUTED,
    CONNECTOR,
    Made,
    imported,
    made,
    refreshed,
    view_of,
)
from kitaru_iac.pulumi.plugin.wire import UNKNOWN, Properties

if TYPE_CHECKING:
    from kitaru_iac.gateway import StackView
    from kitaru_iac.plan.model import Plan
    from kitaru_iac.records.owner import Owner
    from kitaru_iac.spec import StackSpec

__all__ = ["PartialUpdate", "create", "delete", "foreseen", "preview", "read", "update"]

_write_lock = threading.Lock()


class PartialUpdate(KitaruError):
    """The stack is registered, and something about it is not done; the next update goes on."""

    code = "partial_update"

    def __init__(self, made: Made, why: str) -> None:
        super().__init__(why)
        self.made = made


def preview(
    urn: str, name: str, new: Properties, id: str | None = None, state: Properties | None = None
) -> dict[str, Any]:
    """The properties that a stack would have. Says beforehand what would stop it.

    Args:
        urn: The resource's.
        name: Its name in the program.
        new: The properties that it is to have.
        id: The stack's, if it is there already.
        state: Its properties, if it is there already.

    Raises:
        KitaruError: It could not be made, or changed.
    """
    with _write_lock:
        place.require_own(state, id or "", urn)
        owner = _creator(urn) if id is None else _owner(urn, state)
        if new.unknown:
            if id is None:
                _require_free(new, name, owner)
            return expected(new)
        from kitaru_iac.stacks import operations

        spec = stack_spec(new, name)
        if id is None or state is None:
            operations.preview_creation(spec, owner=owner)
            return _foreseen(new, spec)
        stored = _stored(id, spec)
        if stored.name != spec.name:
            _require_own_name(stored, spec.name, owner)
            return _with_ids(new, state)
        plan = operations.preview(spec, owner=owner)
    _insist_on_place(plan, spec)
    if _exchanges_parts(plan):
        return _foreseen(new, spec)
    return _with_ids(new, state)


def foreseen(urn: str, name: str, new: Properties) -> tuple[str, ...]:
    """What the user has to know beforehand of a stack that is to be created."""
    if "name" in new.unknown:
        return ()
    with _write_lock:
        return _taken_over(urn, str(new.values.get("name", name)))


def _taken_over(urn: str, name: str) -> tuple[str, ...]:
    """A creation that makes nothing: its stack is there, by an earlier run of this machine.

    That run may have died, or is to be replaced now. Its stack may also be in another state by now,
    of which nothing tells: the engine does not say from which one it calls.
    """
    from kitaru_iac.records.owner import owner_of

    earlier = runs.known(urn)
    if not earlier:
        return ()  # a file tells it, and the store need not be asked
    view = view_of(name)
    owner = owner_of(view.labels) if view is not None else None
    if owner is None or owner.urn != urn or owner.run not in earlier:
        return ()
    text = (
        f"Stack '{name}' is there already: an earlier run of this resource on this machine made "
        "it. It is taken over, and not made. If another state has it by now (pulumi stack rename, "
        "pulumi state move, another organization), let this one forget it: pulumi state delete "
        f"'{urn}'"
    )
    return (text,)


def expected(new: Properties) -> dict[str, Any]:
    """The properties of a stack of which nothing more can be said beforehand."""
    return {**dict.fromkeys(COMPUTED, UNKNOWN), **new.wire, "drift": []}


def _foreseen(new: Properties, spec: StackSpec) -> dict[str, Any]:
    """The properties of a stack whose description is all known: its ids alone are not."""
    from kitaru_iac.stacks.desired import desired_records

    records = desired_records(spec)
    found = {**expected(new), **place.properties(), "type": records.stack_type}
    connector = records.connector
    if connector is None:
        return {**found, **dict.fromkeys(CONNECTOR)}
    if not connector.existing:
        found |= {"connectorType": connector.type, "connectorAuthMethod": connector.auth_method}
    return found


def _exchanges_parts(plan: Plan) -> bool:
    from kitaru_iac.plan.model import Action

    return any(step.action in {Action.CREATE, Action.REPLACE, Action.DELETE} for step in plan.steps)


def _with_ids(new: Properties, state: Properties) -> dict[str, Any]:
    """The properties of a stack that keeps its parts, and with them their ids."""
    kept = {key: state.wire[key] for key in COMPUTED if key in state.wire and key != "drift"}
    return {**expected(new), **dict.fromkeys(CONNECTOR), **kept}


def create(urn: str, name: str, new: Properties, say: ProgressCallback) -> Made:
    """Register a stack, or take over the one that an earlier run of this machine registered.

    What is taken over gets the token of this run: where the engine creates a replacement before it
    deletes what was replaced, both are the same stack, and the deletion has to leave it alone.

    Raises:
        PartialUpdate: It is registered, and could not be made active.
        KitaruError: Nothing was written.
    """
    from kitaru_iac.stacks import operations

    with _write_lock:
        place.here()
        spec = stack_spec(new, name)
        earlier = _taken_over(urn, spec.name)
        owner = _creator(urn, runs.begin(urn))
        done = operations.create(spec, progress=say, owner=owner)
        runs.settle(urn, owner.run)
        stack = made(done.id, new, (*earlier, *map(str, done.warnings)))
        _activate(stack, new)
    return stack


def update(
    urn: str, name: str, id: str, state: Properties, new: Properties, say: ProgressCallback
) -> Made:
    """Change a stack in place.

    Raises:
        PartialUpdate: It is changed, and could not be made active.
        KitaruError: It was not changed.
    """
    from kitaru_iac.stacks import operations

    with _write_lock:
        place.require_own(state, id, urn)
        spec, owner = stack_spec(new, name), _owner(urn, state)
        stored = _stored(id, spec)
        if stored.name != spec.name:
            from kitaru_iac.records.rename import rename

            _require_own_name(stored, spec.name, owner)
            rename(id, stored.name, spec.name)

        def confirm(plan: Plan) -> bool:
            _insist_on_place(plan, spec)
            return True

        done = operations.apply(spec, confirm=confirm, progress=say, owner=owner)
        stack = made(id, new, tuple(map(str, done.warnings)))
        if not state.values.get("activate"):
            _activate(stack, new)
    return stack


def read(urn: str, ref: str, inputs: Properties, state: Properties) -> Made | None:
    """What is stored for a stack; None if there is none.

    Args:
        urn: The resource's.
        ref: The stack's id, or its name where it is imported or only looked at. ``NAME@URN`` takes
            over the stack of another program's resource, which has let it go.
        inputs: The properties it was last given; none for a stack that is imported.
        state: Its properties, as the provider last gave them.
    """
    with _write_lock:
        place.require_own(state, ref, urn)
        ref, at, former = ref.partition("@urn:pulumi:")
        view = view_of(ref)
        if view is None:
            return None
        if inputs.names:
            run = state.values.get("ownerRun")
            return refreshed(view, inputs, _owner(urn, state).labels, run)
        if at:
            former = at.removeprefix("@") + former
            _require_owner(view, former)
        return imported(view, former or urn)


def delete(urn: str, id: str, state: Properties) -> tuple[str, ...]:
    """Delete a stack with its own parts that no other stack uses. One that is gone is no error.

    Neither is one that a later creation took over: it stays as it is.

    Returns:
        What the user has to know.
    """
    from kitaru_iac.records.owner import Owner
    from kitaru_iac.stacks import operations

    with _write_lock:
        place.require_own(state, id, urn)
        view = view_of(id)
        # Not this machine's token where the state has none: that is a later creation's, if any.
        owner = Owner(urn, str(state.values.get("ownerRun") or ""))
        ref = id
        if view is None:
            # Its parts may be left, if an earlier deletion was cut short.
            name = state.values.get("name")
            if name is None or view_of(str(name)) is not None:
                return ()
            ref = str(name)
            if strangers := _strangers(ref, state):
                return (strangers,)
        try:
            done = operations.delete(ref, exact=True, recursive=True, force=True, owner=owner)
        except StackNotFound:
            return ()
        except StackTakenOver as taken:
            return (str(taken),)
    if done is None:
        return ()
    kept = tuple(f"Kept {part.kind} {part.name}: {part.reason}." for part in done.kept)
    if done.new_active_stack:
        kept += (f"It was the active stack; {done.new_active_stack} is active now.",)
    return kept


# -- what must not happen --------------------------------------------------------------------------


def _stored(id: str, spec: StackSpec) -> StackView:
    """What is stored for a stack that should be there; its name may be another by now.

    Raises:
        KitaruError: The stack is gone.
    """
    view = view_of(id)
    if view is not None:
        return view
    raise KitaruError(
        f"Stack '{spec.name}' ({id}) is gone",
        why="It was deleted outside this program.",
        remedy="See what is there: pulumi refresh. Then run pulumi up again.",
    )


def _require_free(new: Properties, name: str, owner: Owner) -> None:
    """Refuse a name that is taken, while other properties are not known yet."""
    from kitaru_iac.records.owner import require_creatable
    from kitaru_iac.stacks.drift import records_of_view

    called = None if "name" in new.unknown else new.values.get("name", name)
    view = view_of(str(called)) if called else None
    if view is not None and view.name == called:
        require_creatable(records_of_view(view), owner)


def _require_own_name(stored: StackView, name: str, owner: Owner) -> None:
    """Refuse to give a stack back the name that somebody took from it, if it is another's now."""
    from kitaru_iac.records.owner import require_changeable
    from kitaru_iac.records.rename import require_free
    from kitaru_iac.stacks.drift import records_of_view

    require_changeable(records_of_view(stored), owner)
    taken = view_of(name)
    require_free(stored.id, stored.name, name, taken.id if taken is not None else None)


def _strangers(name: str, state: Properties) -> str | None:
    """What of a stack that is gone is left under its name, and was made by somebody else."""
    from kitaru_iac.records.stored import Store

    own = {*state.values.get("componentIds", {}).values(), state.values.get("connectorId")}
    left = Store.open().orphans(name)
    parts = [(part.type, part.id) for part in left.components]
    if left.connector is not None:
        parts.append(("service_connector", left.connector.id))
    kinds = [kind for kind, part in parts if part not in own]
    if not kinds:
        return None
    return (
        f"Kept {', '.join(kinds)} named '{name}': in no stack, and not this one's. "
        "See them with: kitaru stack clean"
    )


def _require_owner(view: StackView, urn: str) -> None:
    """Refuse to take a stack over from a resource that it does not belong to."""
    from kitaru_iac.records.owner import owner_of

    owner = owner_of(view.labels)
    if owner is None or owner.urn != urn:
        whose = f"It is {owner}." if owner else "It belongs to no program."
        raise KitaruError(
            f"Stack '{view.name}' does not belong to {urn}",
            why=whose,
            remedy=f"See it with: kitaru stack show {view.name}",
        )


def _insist_on_place(plan: Plan, spec: StackSpec) -> None:
    from kitaru_iac.plan.model import Action

    for step in plan.steps:
        if step.kind == "stack" and step.action in {Action.REPLACE, Action.CREATE}:
            raise KitaruError(
                f"Stack '{spec.name}' cannot be changed in place",
                why=step.reason or "It was changed outside this program.",
                remedy="See what is there: pulumi refresh. Then run pulumi up again.",
            )


def _activate(made: Made, new: Properties) -> None:
    if not new.values.get("activate"):
        return
    from kitaru_iac.stacks import operations

    try:
        operations.use(made.id)
    except KitaruError as error:
        raise PartialUpdate(made, f"The stack is registered, but not active: {error}") from error


def _owner(urn: str, state: Properties | None) -> Owner:
    """The resource, with the token that its state holds; this machine's where it holds none."""
    from kitaru_iac.records.owner import Owner

    run = state.values.get("ownerRun") if state else None
    return Owner(urn, str(run or runs.latest(urn)))


def _creator(urn: str, run: str = "") -> Owner:
    """The resource as one that is to be created: what this machine registered for it is its own."""
    from kitaru_iac.records.owner import Owner

    return Owner(urn, run, runs.known(urn))
