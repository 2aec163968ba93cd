"""Create, read, update and delete a stack: the calls of `lifecycle`, as a resource's life.

Every function here blocks, and runs in a thread. One at a time: ZenML's client is one per process.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from kitaru_iac.errors import KitaruError, StackNotFound
from kitaru_iac.pulumi.keys import STACK_KEYS, camel, wire_names
from kitaru_iac.pulumi.plugin.check import description, stack_spec
from kitaru_iac.pulumi.plugin.runs import run_of
from kitaru_iac.pulumi.plugin.wire import UNKNOWN, Properties

if TYPE_CHECKING:
    from kitaru_iac.plan import Plan
    from kitaru_iac.records.owner import Owner
    from kitaru_iac.records.reader import StackView
    from kitaru_iac.spec import StackSpec

__all__ = ["COMPUTED", "Half", "Made", "create", "delete", "preview", "read", "update"]

#: Properties that the provider adds to those of the program.
COMPUTED = (
    *("type", "componentIds", "connectorId", "connectorType", "connectorAuthMethod"),
    *("ownerRun", "drift"),
)

Say = Callable[[str], None]
_alone = threading.Lock()


@dataclass(frozen=True, slots=True)
class Made:
    """A stack that is stored.

    Attributes:
        id: Its UUID.
        properties: All of its properties, as they go over the wire.
        inputs: Those of the program, where a read found them.
        warnings: What the user has to know.
    """

    id: str
    properties: Mapping[str, Any]
    inputs: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


class Half(KitaruError):
    """The stack is registered, and something about it is not done; the next update goes on."""

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
    if new.unknown:
        return expected(new)
    from kitaru_iac import lifecycle

    with _alone:
        spec = stack_spec(new, name)
        owner = _owner(urn, state)
        if id is None or state is None:
            lifecycle.preview_creation(spec, owner=owner)
            return expected(new)
        _insist_on(id, spec)
        plan = lifecycle.preview(spec, owner=owner)
    _insist_on_place(plan, spec)
    return expected(new) if _exchanges_parts(plan) else {**expected(new), **_kept(state)}


def expected(new: Properties) -> dict[str, Any]:
    """The properties of a stack of which nothing more can be said beforehand."""
    return {**dict.fromkeys(COMPUTED, UNKNOWN), **new.wire, "drift": []}


def _exchanges_parts(plan: Plan) -> bool:
    from kitaru_iac.plan import Action

    return any(step.action in {Action.CREATE, Action.REPLACE, Action.DELETE} for step in plan.steps)


def _kept(state: Properties) -> dict[str, Any]:
    return {key: state.wire[key] for key in COMPUTED if key in state.wire and key != "drift"}


def create(urn: str, name: str, new: Properties, say: Say) -> Made:
    """Register a stack.

    Raises:
        Half: It is registered, and could not be made active.
        KitaruError: Nothing was written.
    """
    from kitaru_iac import lifecycle

    with _alone:
        spec = stack_spec(new, name)
        done = lifecycle.create(spec, progress=say, owner=_owner(urn, None))
        made = _made(done.id, new, done.warnings)
        _activate(made, new)
    return made


def update(urn: str, name: str, id: str, state: Properties, new: Properties, say: Say) -> Made:
    """Change a stack in place.

    Raises:
        Half: It is changed, and could not be made active.
        KitaruError: It was not changed.
    """
    from kitaru_iac import lifecycle

    with _alone:
        spec = stack_spec(new, name)
        _insist_on(id, spec)

        def confirm(plan: Plan) -> bool:
            _insist_on_place(plan, spec)
            return True

        done = lifecycle.apply(spec, confirm=confirm, progress=say, owner=_owner(urn, state))
        made = _made(id, new, done.warnings)
        if not state.values.get("activate"):
            _activate(made, new)
    return made


def read(urn: str, ref: str, inputs: Properties, state: Properties) -> Made | None:
    """What is stored for a stack; None if there is none.

    Args:
        urn: The resource's.
        ref: The stack's id, or its name where it is imported or only looked at.
        inputs: The properties it was last given; none for a stack that is imported.
        state: Its properties, as the provider last gave them.
    """
    with _alone:
        view = _view(ref)
        if view is None:
            return None
        if inputs.names:
            return _refreshed(urn, view, inputs, state)
        return _imported(view)


def delete(urn: str, id: str, state: Properties) -> tuple[str, ...]:
    """Delete a stack with its own parts that no other stack uses. One that is gone is no error.

    Returns:
        What the user has to know.
    """
    from kitaru_iac import lifecycle

    with _alone:
        view = _view(id)
        owner = _owner(urn, state)
        ref = id
        if view is None:
            # Its parts may be left, if an earlier deletion was cut short.
            name = state.values.get("name")
            if name is None or _view(str(name)) is not None:
                return ()
            ref = str(name)
        try:
            done = lifecycle.delete(ref, recursive=True, force=True, owner=owner)
        except StackNotFound:
            return ()
    if done is None:
        return ()
    kept = tuple(f"Kept {part.kind} {part.name}: {part.reason}." for part in done.kept)
    if done.new_active_stack:
        kept += (f"It was the active stack; {done.new_active_stack} is active now.",)
    return kept


# -- what is there ---------------------------------------------------------------------------------


def _view(ref: str) -> StackView | None:
    """The stack with exactly this name or id."""
    from kitaru_iac.records.reader import open_reader

    reader = open_reader()
    try:
        view = reader.stack(ref)
    except StackNotFound:
        return None
    finally:
        reader.close()
    # The reader takes the beginning of an id too, which is for people.
    return view if view.name == ref or _is_id(ref, view.id) else None


def _is_id(ref: str, id: str) -> bool:
    try:
        return UUID(ref) == UUID(id)
    except ValueError:
        return False


def _made(id: str, new: Properties, warnings: tuple[str, ...] = ()) -> Made:
    view = _view(id)
    if view is None:
        raise KitaruError(f"The stack {id} was registered, and is gone again")
    return Made(id, {**new.wire, **_computed(view), "drift": []}, new.wire, warnings)


def _computed(view: StackView) -> dict[str, Any]:
    from kitaru_iac.records.owner import owner_of

    connector, owner = _connector_of(view), owner_of(view.labels)
    return {
        "type": _type_of(view),
        "componentIds": {component.role_type: component.id for component in view.components},
        "connectorId": connector.id if connector else None,
        "connectorType": connector.type if connector else None,
        "connectorAuthMethod": connector.auth_method if connector else None,
        "ownerRun": owner.run if owner else None,
    }


def _type_of(view: StackView) -> str:
    from kitaru_iac.records.store import stack_type

    runner = view.component("orchestrator")
    return stack_type(runner.flavor if runner else None)


def _connector_of(view: StackView) -> Any:
    used = {component.connector_id for component in view.components}
    return next((connector for connector in view.connectors if connector.id in used), None)


def _refreshed(urn: str, view: StackView, inputs: Properties, state: Properties) -> Made:
    from kitaru_iac.records.drift import drift_of

    given = description(inputs.values, None)
    given.setdefault("name", view.name)
    drift = drift_of({**given, "activate": False}, view, _owner(urn, state).labels)
    found = {**inputs.wire, **{camel(key): value for key, value in drift.changed.items()}}
    found = {key: value for key, value in found.items() if value is not None}
    return Made(view.id, {**found, **_computed(view), "drift": list(drift.rest)}, found)


def _imported(view: StackView) -> Made:
    """The properties that would make a stack which was not made by a program.

    A store does not give secrets back: for a connector with any, the program has to have them.
    """
    from kitaru_iac.records.describe import description_of

    warnings: list[str] = []
    try:
        found = description_of(view)
    except KitaruError as error:
        found = {"name": view.name}
        warnings.append(str(error))
    connector = _connector_of(view)
    if connector is not None and _has_own_connector(view):
        found.pop("connector", None)
        if connector.auth_method != "implicit":
            warnings.append(
                f"The credentials of connector {connector.name} ({connector.auth_method}) cannot "
                "be read back. Write `credentials` in the program before the next `pulumi up`: "
                "without them the stack would be replaced by one with implicit authentication."
            )
    accepted = {key: value for key, value in found.items() if key in STACK_KEYS}
    inputs = wire_names(accepted)
    properties = {**inputs, **_computed(view), "drift": []}
    return Made(view.id, properties, inputs, tuple(warnings))


def _has_own_connector(view: StackView) -> bool:
    from kitaru_iac.records.diff import is_own_connector
    from kitaru_iac.records.drift import records_of_view

    records = records_of_view(view)
    return records.connector is not None and is_own_connector(records.connector, records)


# -- what must not happen --------------------------------------------------------------------------


def _insist_on(id: str, spec: StackSpec) -> None:
    """Refuse to change another stack than the one that the state speaks of."""
    view = _view(id)
    if view is None or view.name != spec.name:
        what = "is gone" if view is None else f"is called '{view.name}' now"
        raise KitaruError(
            f"Stack '{spec.name}' ({id}) {what}",
            why="It was changed outside this program.",
            remedy="Look at what is there: pulumi refresh. Then run pulumi up again.",
        )


def _insist_on_place(plan: Plan, spec: StackSpec) -> None:
    from kitaru_iac.plan import Action

    for step in plan.steps:
        if step.kind == "stack" and step.action in {Action.REPLACE, Action.CREATE}:
            raise KitaruError(
                f"Stack '{spec.name}' cannot be changed in place",
                why=step.reason or "It was changed outside this program.",
                remedy="Look at what is there: pulumi refresh. Then run pulumi up again.",
            )


def _activate(made: Made, new: Properties) -> None:
    if not new.values.get("activate"):
        return
    from kitaru_iac import lifecycle

    try:
        lifecycle.use(made.id)
    except KitaruError as error:
        raise Half(made, f"The stack is registered, but not active: {error}") from error


def _owner(urn: str, state: Properties | None) -> Owner:
    """The resource, with the token that its state holds, or this machine's for a new one."""
    from kitaru_iac.records.owner import Owner

    run = state.values.get("ownerRun") if state else None
    return Owner(urn, str(run or run_of(urn)))
