"""What a change of one stack would do to others that hold its parts, or use its connector."""

from __future__ import annotations

from collections.abc import Sequence

from kitaru_iac.errors import ProtectedStackError
from kitaru_iac.gateway.documents import Where
from kitaru_iac.notices import PartShared
from kitaru_iac.plan.model import Action, Reason, Step
from kitaru_iac.records.diff import is_own_component, is_own_connector
from kitaru_iac.records.model import Records, stored_id
from kitaru_iac.records.stored import Store
from kitaru_iac.values import replace

__all__ = ["with_sharing"]

_CONNECTOR = "service_connector"


def with_sharing(
    store: Store, current: Records, steps: Sequence[Step]
) -> tuple[tuple[Step, ...], tuple[PartShared, ...]]:
    """The steps of a change, with the other stacks that each of them reaches.

    The store is asked about those parts alone that would be written or deleted.

    Args:
        store: The open store.
        current: The stack as it is stored.
        steps: What would be done to its records.

    Returns:
        The steps, in which a part that others use is updated with their names in `used_by`, and is
        not deleted; and a warning for each that is updated.

    Raises:
        ProtectedStackError: A part that others use would have to make room for a new one.
    """
    is_replaced = any(step.action is Action.REPLACE and step.kind == "stack" for step in steps)
    found: list[Step] = []
    warnings: list[PartShared] = []
    refused: list[str] = []
    for step in steps:
        users = _users(store, current, step)
        if not users:
            found.append(step)
            continue
        shown = f"{_words(step)} is used by {_listed(users)} too"
        if step.action is Action.UPDATE:
            warnings.append(PartShared(f"The {shown}: it changes there as well."))
            found.append(replace(step, used_by=users))
        elif is_replaced or step.action is Action.REPLACE:
            refused.append(shown)
        else:
            reason = f"used by {_listed(users)}: it leaves this stack only"
            kept = replace(step, action=Action.KEEP, reason=reason, used_by=users)
            found.append(replace(kept, code=Reason.SHARED))
    if refused:
        from kitaru_iac.records.unlabelled import component_lost_label

        raise ProtectedStackError(
            f"Stack '{current.stack}' cannot be changed so without changing others",
            why="\n".join(f"The {shown}, and would be replaced." for shown in refused),
            remedy=f"Put the label of its own parts back with: kitaru stack adopt {current.stack}"
            if any(component_lost_label(part, current) for part in current.components)
            else "Give it another name, or let the others use parts of their own first.",
        )
    return tuple(found), tuple(warnings)


def _users(store: Store, current: Records, step: Step) -> tuple[str, ...]:
    """Who else uses the stored part that a step writes or deletes."""
    if step.action not in {Action.UPDATE, Action.REPLACE, Action.DELETE}:
        return ()
    if step.kind == _CONNECTOR:
        return _users_of_connector(store, current, stays=step.action is Action.UPDATE)
    part = current.component(step.kind)
    if part is None or not is_own_component(part, current):
        return ()
    where = Where(uses_component=stored_id(part))
    docs = store.gateway.stacks(where)
    return tuple(sorted(f"stack {doc.name}" for doc in docs if doc.id != current.id))


def _users_of_connector(store: Store, current: Records, *, stays: bool) -> tuple[str, ...]:
    """Who uses the stack's connector: where it does not stay, also what stays in the stack."""
    link = current.connector
    if link is None or not is_own_connector(link, current):
        return ()
    own = {part.id for part in current.components if stays or is_own_component(part, current)}
    names: set[str] = set()
    for part in store.components_of(stored_id(link)):
        if part.id not in own:
            docs = store.gateway.stacks(Where(uses_component=stored_id(part)))
            others = {f"stack {doc.name}" for doc in docs if doc.id != current.id}
            names |= others or {f"{_kind(part.type)} {part.name}"}
    return tuple(sorted(names))


def _words(step: Step) -> str:
    return f"{_kind(step.kind)} {step.name}"


def _kind(kind: str) -> str:
    return kind.replace("_", " ")


def _listed(users: Sequence[str]) -> str:
    return ", ".join(users)
