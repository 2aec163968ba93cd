"""What says of itself that it must not be deleted: told before anything else goes or is made.

A cluster's `deletion_protection` is AWS's own or that of Pulumi's provider, and either refuses only
when the cluster's turn comes, with what stands on it gone by then. Their words name no option of a
description. The provider's is in its state alone; AWS's is looked up in the cloud, where anybody
may have set it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from kitaru_iac.engine.errors import ResourceProtected
from kitaru_iac.plan.model import Action, Step

if TYPE_CHECKING:
    from kitaru_iac.clouds.provider import Claim, Sighting
    from kitaru_iac.infrastructure.deployments import OwnedDeployment
    from kitaru_iac.infrastructure.ownership import Fate

__all__ = [
    "guards_any",
    "require_claimed",
    "require_deletable",
    "require_unlocked",
    "require_unreplaced",
]

_INPUT = "deletionProtection"
_OPTION = "deletion_protection"


def require_deletable(owned: OwnedDeployment, decided: Iterable[Fate]) -> None:
    """Refuse to take down what must not be deleted, be it of a run that was cut off.

    Raises:
        ResourceProtected: Something that would go has its deletion protection on.
    """
    going = {fate.urn: fate.id for fate in decided if fate.reason is None}
    states = (*owned.engine.resources(), *owned.engine.begun())
    _refuse_of_state(
        {**one, "id": going[str(one.get("urn"))]}
        for one in states
        if one.get("urn") in going and _inputs(one).get(_INPUT) is True
    )


def require_unlocked(going: Iterable[Sighting | Fate]) -> None:
    """Refuse a run while the cloud would refuse, in its middle, to delete what is to go.

    Raises:
        ResourceProtected: Something is locked in the cloud.
    """
    _refuse(
        {one.id: one.locked for one in going if one.locked is not None},
        "and all that it stands on would be gone by the time the cloud refuses",
    )


def require_claimed(owned: OwnedDeployment, claims: Iterable[Claim]) -> None:
    """Refuse a program without what must not be deleted: the engine would delete it at its end.

    Raises:
        ResourceProtected: Something that the state holds is no more described.
    """
    wanted = [(claim.type, claim.inputs) for claim in claims]
    _refuse_of_state(
        one
        for one in _protected(owned)
        if not any(
            one.get("type") == type_ and inputs.items() <= _inputs(one).items()
            for type_, inputs in wanted
        )
    )


def guards_any(owned: OwnedDeployment, locked: Mapping[str, Sighting]) -> bool:
    """Say whether there is anything that must not be deleted: then a plan is made before a run."""
    return bool(locked) or bool(_protected(owned))


def require_unreplaced(
    owned: OwnedDeployment, steps: Iterable[Step], locked: Mapping[str, Sighting]
) -> None:
    """Refuse a plan that deletes or replaces what must not be deleted.

    Args:
        owned: The deployment.
        steps: The plan.
        locked: What of the described the cloud would refuse to delete, by its type.

    Raises:
        ResourceProtected: It does.
    """
    going = {step.kind for step in steps if step.action in {Action.REPLACE, Action.DELETE}}
    _refuse_of_state(one for one in _protected(owned) if one.get("type") in going)
    require_unlocked(sight for type_, sight in locked.items() if type_ in going)


def _protected(owned: OwnedDeployment) -> list[Mapping[str, object]]:
    return [one for one in owned.engine.resources() if _inputs(one).get(_INPUT) is True]


def _inputs(state: Mapping[str, object]) -> Mapping[str, object]:
    found = state.get("inputs")
    return found if isinstance(found, Mapping) else {}


def _refuse_of_state(found: Iterable[Mapping[str, object]]) -> None:
    _refuse({str(one.get("id")): _OPTION for one in found}, "which it was made with")


def _refuse(options: Mapping[str, str], why: str) -> None:
    """Refuse where an option protects something, by its id."""
    if options:
        named = dict.fromkeys(options.values())
        unset = ", ".join(f"{option}: false" for option in named)
        raise ResourceProtected(
            f"{', '.join(options)} is protected from deletion, and would be deleted or replaced",
            why=f"Its {', '.join(named)} is on, {why}.",
            remedy="Nothing was changed. If it is to go: `kitaru stack apply` of the description "
            f"as it was, with `infrastructure: {{{unset}}}`, and then this again.",
        )
