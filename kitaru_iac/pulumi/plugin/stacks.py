"""Create, read, update and delete a stack: `stacks.operations` as a resource's life.

Every function here blocks, and runs in a thread. One at a time: ZenML's client is one per process.
One whose turn comes when nobody waits for it any more begins nothing, since no state would hold it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kitaru_iac.callbacks import ProgressCallback
from kitaru_iac.errors import KitaruError, StackNotFound, StackTakenOver
from kitaru_iac.notices import KitaruWarning, SecretsNotCompared
from kitaru_iac.pulumi.plugin import ownership, place, runs
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
from kitaru_iac.pulumi.plugin.threads import require_awaited
from kitaru_iac.pulumi.plugin.wire import UNKNOWN, Properties

if TYPE_CHECKING:
    from kitaru_iac.gateway import StackView
    from kitaru_iac.plan.model import Plan
    from kitaru_iac.spec import StackSpec

__all__ = ["PartialUpdate", "create", "delete", "foreseen", "preview", "read", "update"]

_write_lock = threading.Lock()
#: The state of what is not there.
_NOTHING = Properties({}, {}, frozenset())
#: What is done about credentials that a login cannot compare.
_READ_ONCE = (
    "Run pulumi up once with a login that has this right. While the credentials stay the same, "
    "later runs do without it."
)


@contextmanager
def _turn() -> Iterator[None]:
    """Wait for one's turn, and connect.

    Raises:
        NotBegun: Nobody waits for this call any more.
        NotConnectedError: See `place.connected`.
    """
    with _write_lock:
        require_awaited()
        with place.connected():
            require_awaited()  # it may have been waited for
            yield


class PartialUpdate(KitaruError):
    """The stack is registered, and something about it is not done; the next update goes on."""

    code = "partial_update"

    def __init__(self, made: Made, why: str, remedy: str | None = None) -> None:
        super().__init__(why, remedy=remedy)
        self.made = made


def preview(
    urn: str,
    name: str,
    new: Properties,
    id: str | None = None,
    state: Properties | None = None,
    warn: Callable[[str], object] = lambda _: None,
) -> dict[str, Any]:
    """The properties that a stack would have. Says beforehand what would stop it.

    Args:
        urn: The resource's.
        name: Its name in the program.
        new: The properties that it is to have.
        id: The stack's, if it is there already.
        state: Its properties, if it is there already.
        warn: Gets what would not be done, and stops nothing else.

    Raises:
        KitaruError: It could not be made, or changed.
    """
    with _turn():
        place.require_own(state, id or "", urn)
        if new.unknown:
            if id is None:
                ownership.require_free_name(new, name, ownership.creator(urn))
            return expected(new)
        from kitaru_iac.stacks import operations

        spec = stack_spec(new, name)
        if id is None or state is None:
            plan = operations.preview_creation(spec, owner=ownership.creator(urn))
            _foretell_unwritten(plan.warnings, new, _NOTHING, warn)
            return _foreseen(new, spec)
        stored = _stored(id, spec)
        owner, shared = ownership.changer(urn, state, stored)
        for line in shared:
            warn(line)
        if stored.name != spec.name:
            ownership.require_own_name(stored, spec.name, owner)
            return _with_ids(new, state)
        plan = operations.preview(spec, owner=owner)
    _insist_on_place(plan, spec)
    _foretell_unwritten(plan.warnings, new, state, warn)
    if _exchanges_parts(plan):
        return _foreseen(new, spec)
    return _with_ids(new, state)


def foreseen(urn: str, name: str, new: Properties) -> tuple[str, ...]:
    """What the user has to know beforehand of a stack that is to be created."""
    if "name" in new.unknown:
        return ()
    with _turn():
        return ownership.taken_over(urn, str(new.values.get("name", name)))


def expected(new: Properties) -> dict[str, Any]:
    """The properties of a stack of which nothing more can be said beforehand."""
    return {**dict.fromkeys(COMPUTED, UNKNOWN), **new.wire, "drift": []}


def _foreseen(new: Properties, spec: StackSpec) -> dict[str, Any]:
    """The properties of a stack whose description is all known: its ids alone are not."""
    from kitaru_iac.stacks.desired import desired_records

    records = desired_records(spec)
    placed = {key: value for key, value in place.properties().items() if value is not None}
    found = {**expected(new), **placed, "type": records.stack_type}
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
        PartialUpdate: It is registered, and could not be made active, or has other credentials.
        KitaruError: Nothing was written.
    """
    from kitaru_iac.stacks import operations

    with _turn():
        place.here()
        spec = stack_spec(new, name)
        earlier = ownership.taken_over(urn, spec.name)
        owner = ownership.creator(urn, runs.begin(urn))
        done = operations.create(spec, progress=say, owner=owner)
        runs.settle(urn, owner.run)
        stack = made(done.id, new, (*earlier, *map(str, done.warnings)))
        # Of one that is taken over they may be there already.
        _require_written(done.warnings, stack, new, _NOTHING)
        _activate(stack, new, {})
    return stack


def update(
    urn: str, name: str, id: str, state: Properties, new: Properties, say: ProgressCallback
) -> Made:
    """Change a stack in place.

    Raises:
        PartialUpdate: It is changed, but for its credentials, or could not be made active.
        KitaruError: It was not changed.
    """
    from kitaru_iac.stacks import operations

    with _turn():
        place.require_own(state, id, urn)
        spec = stack_spec(new, name)
        stored = _stored(id, spec)
        owner, shared = ownership.changer(urn, state, stored)
        if stored.name != spec.name:
            from kitaru_iac.records.rename import rename

            ownership.require_own_name(stored, spec.name, owner)
            rename(id, stored.name, spec.name)

        def confirm(plan: Plan) -> bool:
            _insist_on_place(plan, spec)
            return True

        done = operations.apply(spec, confirm=confirm, progress=say, owner=owner)
        stack = made(id, new, (*shared, *map(str, done.warnings)))
        if shared:  # it keeps its own token: with the other's it would own the stack as well
            stack = replace(stack, properties={**stack.properties, "ownerRun": owner.run})
        ownership.hold(urn, stack.properties, written=True)
        _require_written(done.warnings, stack, new, state)
        if not state.values.get("activate"):
            _activate(stack, new, state.wire)
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
    from kitaru_iac.records.owner import owner_of

    with _turn():
        place.require_own(state, ref, urn)
        ref, at, former = ref.partition("@urn:pulumi:")
        view = view_of(ref)
        if view is None:
            return None
        if inputs.names:
            run = state.values.get("ownerRun")
            if not state.values.get("activate") and inputs.values.get("activate"):
                # It could not be made active. The engine forgets that with this answer: the next
                # update has to find a difference.
                inputs = inputs.without({"activate"})
            # The same of what could not be written: see `_require_written`. What is stored is
            # compared with what was given all the same.
            back = inputs.with_that_of(state, "credentials") if state.names else inputs
            owner, shared = ownership.changer(urn, state, view)
            # Whose it is by now is no drift: no update of this state would mend it.
            labels = (owner_of(view.labels) or owner).labels if shared else owner.labels
            found = refreshed(view, inputs, labels, run, back=back)
            return replace(found, warnings=(*found.warnings, *shared))
        if not at:
            return imported(view, urn, known=runs.known(urn))
        former = at.removeprefix("@") + former
        ownership.require_let_go(view, former)
        return imported(view, urn, former=former)


def delete(urn: str, id: str, state: Properties) -> tuple[str, ...]:
    """Delete a stack with its own parts that no other stack uses. One that is gone is no error.

    Neither is one that a later creation took over: it stays as it is.

    Returns:
        What the user has to know.
    """
    from kitaru_iac.records.owner import Owner
    from kitaru_iac.stacks import operations

    with _turn():
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
            if others := ownership.strangers(ref, state):
                return (others,)
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


def _insist_on_place(plan: Plan, spec: StackSpec) -> None:
    from kitaru_iac.plan.model import Action

    for step in plan.steps:
        if step.kind == "stack" and step.action in {Action.REPLACE, Action.CREATE}:
            raise KitaruError(
                f"Stack '{spec.name}' cannot be changed in place",
                why=step.reason or "It was changed outside this program.",
                remedy="See what is there: pulumi refresh. Then run pulumi up again.",
            )


def _unwritten(
    warnings: Iterable[KitaruWarning], new: Properties, state: Properties
) -> SecretsNotCompared | None:
    """Why the program's credentials are not written, where they are not those of the state."""
    if new.values.get("credentials") == state.values.get("credentials"):
        return None
    return next((one for one in warnings if isinstance(one, SecretsNotCompared)), None)


def _foretell_unwritten(
    warnings: Iterable[KitaruWarning],
    new: Properties,
    state: Properties,
    warn: Callable[[str], object],
) -> None:
    if unread := _unwritten(warnings, new, state):
        warn(f"The program's credentials would not be written: {unread}\n{_READ_ONCE}")


def _require_written(
    warnings: Iterable[KitaruWarning], made: Made, new: Properties, state: Properties
) -> None:
    """Refuse to end an update whose credentials were not written, nor seen to be there.

    With them in the state, no later update would find a difference. So an import, which brings
    none, is not done until somebody has compared them.
    """
    unread = _unwritten(warnings, new, state)
    if unread is None:
        return
    # Nor was it made active, which comes after this.
    before = _as_before("activate", made.properties, state.wire)
    half = replace(made, properties=_as_before("credentials", before, state.wire))
    raise PartialUpdate(half, f"The program's credentials are not written: {unread}", _READ_ONCE)


def _activate(made: Made, new: Properties, before: Mapping[str, Any]) -> None:
    """Make a stack active, if it is to be; `before` has the properties until now."""
    if not new.values.get("activate"):
        return
    from kitaru_iac.stacks import operations

    try:
        operations.use(made.id)
    except KitaruError as error:
        half = replace(made, properties=_as_before("activate", made.properties, before))
        raise PartialUpdate(half, f"The stack is registered, but not active: {error}") from error


def _as_before(key: str, now: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: before[key]} if key in before else {}
    return {**{name: value for name, value in now.items() if name != key}, **kept}
