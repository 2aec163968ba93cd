"""Take a stack that Kitaru did not make under its management. Nothing changes but labels.

Parts of a managed stack from which somebody took the label get it back in the same way.

A stack and its parts are Kitaru's when a label says so. The stack's own comes first, so that no
part is ever Kitaru's in a stack that is not. It says too that the parts are being labelled: a stack
that a dead run left so is changed by nothing but the same command, which goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from kitaru_iac.errors import (
    KitaruError,
    NotAllowedError,
    NotConnectedError,
    ProtectedStackError,
    StackChanged,
)
from kitaru_iac.errors.base import in_sentences
from kitaru_iac.gateway.documents import Where
from kitaru_iac.gateway.views import DEFAULT_STACK
from kitaru_iac.gateway.wire import AnswerLost
from kitaru_iac.labels import (
    ADOPTING_LABEL,
    MANAGED_LABEL,
    REUSED_CONNECTORS_LABEL,
    is_managed,
)
from kitaru_iac.machine.locks import sole_writer
from kitaru_iac.plan.model import Action, Change, Plan, Reason, Step
from kitaru_iac.records.diff import is_own_component, is_own_connector
from kitaru_iac.records.model import (
    DESCRIBED,
    ComponentRecord,
    ConnectorRecord,
    Records,
    stored_id,
)
from kitaru_iac.records.owner import require_changeable
from kitaru_iac.records.snapshot import how_to_see
from kitaru_iac.records.unlabelled import component_lost_label, connector_lost_label
from kitaru_iac.spec.names import stack_name
from kitaru_iac.spec.refusal import Refusal
from kitaru_iac.stacks.results import Applied
from kitaru_iac.values import replace

if TYPE_CHECKING:
    from kitaru_iac.records.stored import Store
    from kitaru_iac.records.writer import Writer

__all__ = ["adopt"]

_CHANGE = Change(f"labels.{MANAGED_LABEL}", None, "true")


def adopt(ref: str, *, confirm: Callable[[Plan], bool] | None = None) -> Applied:
    """Take a stack under management: it, and its parts that carry its name, get labels.

    Args:
        ref: The stack's name, id, or the beginning of its id.
        confirm: Asked with the plan, if there is anything to do; False stops.

    Raises:
        StackNotFound: There is none.
        ProtectedStackError: It is the default stack, or a Pulumi program's; or another stack has
            one of its own parts too, which would become this one's.
        KitaruError: No description can say what it is, or have its name.
        StackChanged: Somebody else changed it meanwhile; nothing was written. Or it is otherwise
            since, and not all of it has its labels.
        AnswerLost: A write was not answered; what is known to be done is taken back. Or all was
            written, and could not be read back.
        RegistrationFailed: A write failed; its `left` says what could not be taken back.
    """
    from kitaru_iac.records.stored import Store

    store = Store.open()
    current = store.records_of(store.require(ref))
    plan = _plan(store, current)
    if not plan.has_changes or (confirm is not None and not confirm(plan)):
        return _result(current, plan, changed=False)
    with sole_writer(current.stack):
        store.forget()
        again = next((d for d in [store.find(stored_id(current), exact=True)] if d), None)
        now = None if again is None else store.records_of(again)
        if now != current:
            raise StackChanged(
                f"Stack '{current.stack}' was changed by somebody else meanwhile",
                differs=["it is gone" if now is None else "it is not as it was shown"],
                remedy=f"Nothing was written. {how_to_see(store.gateway, current.stack)}",
            )
        _write(store, current)
        _require_adopted(store, current)
    return _result(current, plan, changed=True)


def _result(current: Records, plan: Plan, *, changed: bool) -> Applied:
    from kitaru_iac.connection.activation import is_active

    active = is_active(stored_id(current), current.stack)
    return Applied(current.id, current.stack, active, None, plan, changed)


def _plan(store: Store, current: Records) -> Plan:
    """What would be labelled, and what stays somebody else's.

    Raises:
        ProtectedStackError: It must not be adopted.
        KitaruError: It cannot be.
    """
    name = current.stack
    if name == DEFAULT_STACK:
        raise ProtectedStackError(
            "The default stack is ZenML's own, and cannot be adopted",
            remedy="Make one of your own with: kitaru stack create NAME",
        )
    is_begun = ADOPTING_LABEL in current.labels
    require_changeable(replace(current, labels=_without_mark(current.labels)), None)
    if is_managed(current.labels) and not is_begun and not _has_lost_labels(current):
        return Plan(name, (Step(Action.KEEP, "stack", name),))
    if current.stack_type == "custom" and not is_managed(current.labels):
        raise KitaruError(
            f"Stack '{name}' cannot be adopted",
            why="Its orchestrator is of no kind that a description can say.",
            remedy=f"See it with: kitaru stack show {current.id}",
        )
    try:
        stack_name(name)
    except Refusal as refusal:
        raise KitaruError(
            f"Stack '{name}' cannot be adopted under this name",
            why=str(refusal),
            remedy=f"Rename it first: zenml stack rename {current.id} NEW",
        ) from None
    steps = [_component_step(store, current, part) for part in current.components]
    if current.connector is not None:
        steps.append(_connector_step(store, current))
    labels = _stack_labels(current)
    changes = tuple(
        Change(f"labels.{key}", current.labels.get(key), text)
        for key, text in labels.items()
        if current.labels.get(key) != text
    )
    if is_begun:
        changes += (Change(f"labels.{ADOPTING_LABEL}", current.labels[ADOPTING_LABEL], None),)
    action = Action.UPDATE if changes else Action.KEEP
    return Plan(name, (*steps, Step(action, "stack", name, changes=changes)))


def _has_lost_labels(current: Records) -> bool:
    """Whether a managed stack has parts of its own that are not known as Kitaru's."""
    link = current.connector
    return any(component_lost_label(part, current) for part in current.components) or (
        link is not None and connector_lost_label(link, current)
    )


def _as_managed(current: Records) -> Records:
    """The stack as it is known from then on."""
    return replace(current, labels={**current.labels, MANAGED_LABEL: "true"})


def _is_own(current: Records, link: ConnectorRecord) -> bool:
    """Whether a connector came with the stack: one that was there before may have its name."""
    return is_own_connector(link, current) or connector_lost_label(link, current)


def _component_step(store: Store, current: Records, part: ComponentRecord) -> Step:
    if not _becomes_ours(current, part):
        reason = "not called as its stack: it stays somebody else's"
        if part.type not in DESCRIBED or part.name == current.stack:
            reason = "no description speaks of it: it stays somebody else's"
        code = Reason.ADDED_BY_HAND
        return Step(Action.KEEP, part.type, part.name, reason=reason, code=code)
    others = [name for name in store.stacks_of(stored_id(part)) if name != current.stack]
    if others:
        raise ProtectedStackError(
            f"Stack '{current.stack}' cannot be adopted: {part.type.replace('_', ' ')} "
            f"'{part.name}' would become its own, and is used by others too",
            why=f"They are {', '.join(others)}.",
            remedy="Give it, or them, another one first: zenml stack update",
        )
    if not component_lost_label(part, _as_managed(current)):
        # Those of a local stack have no labels: `kitaru` 0.21 knows them by their names.
        return Step(Action.KEEP, part.type, part.name)
    return Step(Action.UPDATE, part.type, part.name, changes=(_CHANGE,))


def _becomes_ours(current: Records, part: ComponentRecord) -> bool:
    managed = _as_managed(current)
    return is_own_component(part, managed) or component_lost_label(part, managed)


def _connector_step(store: Store, current: Records) -> Step:
    link = current.connector
    assert link is not None
    if not _is_own(current, link):
        reason = "existing, used as it is"
        return Step(
            Action.KEEP, "service_connector", link.name, reason=reason, code=Reason.EXISTING
        )
    own = {part.id for part in current.components}
    others = [part for part in store.components_of(stored_id(link)) if part.id not in own]
    if others:
        raise ProtectedStackError(
            f"Stack '{current.stack}' cannot be adopted: service connector '{link.name}' would "
            "become its own, and is used by others too",
            why=f"They are {', '.join(f'{part.type} {part.name}' for part in others)}.",
            remedy="Link them to another one first: zenml stack-component connect",
        )
    if not connector_lost_label(link, current):
        return Step(Action.KEEP, "service_connector", link.name)
    return Step(Action.UPDATE, "service_connector", link.name, changes=(_CHANGE,))


def _stack_labels(current: Records) -> dict[str, str]:
    """The labels that the stack itself gets."""
    link = current.connector
    # Of a managed stack it stands there, or another connector was put in by hand.
    reused = link is not None and not is_managed(current.labels) and link.name != current.stack
    return {MANAGED_LABEL: "true", **({REUSED_CONNECTORS_LABEL: "true"} if reused else {})}


def _without_mark(labels: Mapping[str, str]) -> dict[str, str]:
    return {key: text for key, text in labels.items() if key != ADOPTING_LABEL}


def _write(store: Store, current: Records) -> None:
    """Write the labels, the stack's first. Raises what `writing_as_one` does."""
    from kitaru_iac.records.apply import writing_as_one

    with writing_as_one(
        store,
        current,
        "adopted",
        again=f"Run the same command again: kitaru stack adopt {current.id}",
    ) as writer:
        _label(writer, current)


def _require_adopted(store: Store, current: Records) -> None:
    """Read back that all of it has its labels; raises as `adopt`."""
    if store.is_local:
        return
    name, uuid = current.stack, stored_id(current)
    try:
        found = next(iter(store.gateway.stacks(Where(ids=(uuid,)))), None)
        store.forget()
        plan = None if found is None else _plan(store, store.records_of(found))
    except (NotConnectedError, NotAllowedError) as error:
        raise AnswerLost(
            f"Stack '{name}' was adopted, and could not be read back",
            where=error.where,
            why=in_sentences(error.what, error.why),
            remedy="Run the same command again: it sees what may be missing.",
        ) from error
    except KitaruError as error:
        differs = [in_sentences(error.what, error.why)]
    else:
        lines = () if plan is None else plan.steps
        differs = [
            f"{s.kind.replace('_', ' ')} {s.name}" for s in lines if s.action is not Action.KEEP
        ]
        differs += ["it is gone"] if plan is None else []
    if differs:
        raise StackChanged(
            f"Stack '{name}' was adopted, and is not as it was left",
            differs=differs,
            why="Somebody else changed it at the same time, or the server did not do what it said.",
            remedy=f"{how_to_see(store.gateway, name)}\n"
            f"Label what is missing with: kitaru stack adopt {uuid}",
        )


def _label(writer: Writer, current: Records) -> None:
    link = current.connector
    uuid = None if link is None else stored_id(link)
    done = {**_without_mark(current.labels), **_stack_labels(current)}
    begun = {**done, ADOPTING_LABEL: "true"}
    writer.update_stack(stored_id(current), labels=begun, old_labels=current.labels)
    for part in current.components:
        if component_lost_label(part, _as_managed(current)):
            labels = {**part.labels, MANAGED_LABEL: "true"}
            writer.relabel_component(part, part.name, part.connector_id or uuid, labels)
    if link is not None and connector_lost_label(link, current):
        writer.relabel_connector(link, {**link.labels, MANAGED_LABEL: "true"})
    writer.update_stack(stored_id(current), labels=done, old_labels=begun)
