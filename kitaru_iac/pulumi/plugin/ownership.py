"""Whose a stack is: what a resource may take over or has to leave, and what is said of it.

A stack's record names its owner, with the token of the creation; the resource's state holds that
token too, and this machine notes it (`runs`).
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kitaru_iac.errors import KitaruError
from kitaru_iac.pulumi.plugin import runs
from kitaru_iac.pulumi.plugin.reading import view_of
from kitaru_iac.pulumi.plugin.wire import Properties

if TYPE_CHECKING:
    from kitaru_iac.gateway import StackView
    from kitaru_iac.records.owner import Owner

__all__ = [
    "changer",
    "creator",
    "hold",
    "holder",
    "require_free_name",
    "require_let_go",
    "require_own_name",
    "strangers",
    "taken_over",
]


def holder(urn: str, state: Properties | None) -> Owner:
    """The resource, with the token that its state holds; this machine's where it holds none."""
    from kitaru_iac.records.owner import Owner

    run = state.values.get("ownerRun") if state else None
    return Owner(urn, str(run or runs.latest(urn)))


def changer(urn: str, state: Properties, stored: StackView) -> tuple[Owner, tuple[str, ...]]:
    """The resource as one that changes its stack; and what is to be said, if another state has it.

    A state that has no token of the stack (an import) takes it over, with a token of its own: the
    state that made the stack then leaves it, where it deletes or destroys.
    """
    from kitaru_iac.records.owner import import_command, owner_of

    owner, held = owner_of(stored.labels), str(state.values.get("ownerRun") or "")
    ours = holder(urn, state)
    if owner is None or owner.urn != urn or not owner.run or owner.run == held:
        return ours, ()
    if owner.run in runs.known(urn):  # a creation whose end was not noted in the state
        return replace(ours, run=owner.run), ()
    if not held:
        return replace(ours, earlier=frozenset({owner.run})), ()
    text = (
        f"Stack '{stored.name}' has been taken over by another state of this resource: this state "
        "does not delete it any more. Let one of the two forget it: "
        f"pulumi state delete {shlex.quote(urn)}\n"
        "If this one is to have it, let both forget it, and take it in here: "
        + import_command(ours, stored.name, stored.id)
    )
    return ours, (text,)


def hold(urn: str, properties: Mapping[str, Any], *, written: bool = False) -> None:
    """Note that this state holds the resource's stack: a later provider of it may replace it.

    Args:
        urn: The resource's.
        properties: The stack's, as the state has them, or will.
        written: They were just written; a resource that was renamed has no note yet.
    """
    if run := properties.get("ownerRun"):
        runs.hold(urn, str(run), written=written)


def creator(urn: str, run: str = "") -> Owner:
    """The resource as one that is to be created: what this machine registered for it is its own."""
    from kitaru_iac.records.owner import Owner

    return Owner(urn, run, runs.known(urn))


def taken_over(urn: str, name: str) -> tuple[str, ...]:
    """A creation that makes nothing: its stack is there, by an earlier run of this machine.

    That run may have died, or its stack is to be replaced now. It may also be in another state by
    now: `pulumi state move` takes the provider along, and another provider's id tells nothing.
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
        "it. It is taken over, and not made. If another state has it by now (pulumi state move; or "
        "a renamed Pulumi stack or another organization, which had another provider), let this one "
        f"forget it: pulumi state delete '{urn}'"
    )
    return (text,)


def require_free_name(new: Properties, name: str, owner: Owner) -> None:
    """Refuse a name that is taken, while other properties are not known yet."""
    from kitaru_iac.records.owner import require_creatable
    from kitaru_iac.stacks.drift import records_of_view

    called = None if "name" in new.unknown else new.values.get("name", name)
    view = view_of(str(called)) if called else None
    if view is not None and view.name == called:
        require_creatable(records_of_view(view), owner)


def require_own_name(stored: StackView, name: str, owner: Owner) -> None:
    """Refuse to give a stack back the name that somebody took from it, if it is another's now."""
    from kitaru_iac.records.owner import require_changeable
    from kitaru_iac.records.rename import require_free
    from kitaru_iac.stacks.drift import records_of_view

    require_changeable(records_of_view(stored), owner)
    taken = view_of(name)
    require_free(stored.id, stored.name, name, taken.id if taken is not None else None)


def strangers(name: str, state: Properties) -> str | None:
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


def require_let_go(view: StackView, urn: str) -> None:
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
