"""What says of itself that it must not be deleted: told before anything else goes or is made.

A cluster's `deletion_protection` is AWS's own or that of Pulumi's provider, and either refuses only
when the cluster's turn comes, with what stands on it gone by then. Their words name no option of a
description.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from kitaru_iac.engine.errors import ResourceProtected
from kitaru_iac.plan.model import Action, Step

if TYPE_CHECKING:
    from kitaru_iac.clouds.provider import Claim
    from kitaru_iac.infrastructure.deployments import OwnedDeployment
    from kitaru_iac.infrastructure.ownership import Fate

__all__ = ["require_claimed", "require_deletable", "require_unreplaced"]

_INPUT = "deletionProtection"


def require_deletable(owned: OwnedDeployment, decided: Iterable[Fate]) -> None:
    """Refuse to take down what must not be deleted.

    Raises:
        ResourceProtected: Something that would go has its deletion protection on.
    """
    going = {fate.urn for fate in decided if fate.reason is None}
    _refuse(one for one in _protected(owned) if one.get("urn") in going)


def require_claimed(owned: OwnedDeployment, claims: Iterable[Claim]) -> None:
    """Refuse a program without what must not be deleted: the engine would delete it at its end.

    Raises:
        ResourceProtected: Something that the state holds is no more described.
    """
    wanted = [(claim.type, claim.inputs) for claim in claims]
    _refuse(
        one
        for one in _protected(owned)
        if not any(
            one.get("type") == type_ and inputs.items() <= _inputs(one).items()
            for type_, inputs in wanted
        )
    )


def require_unreplaced(owned: OwnedDeployment, steps: Iterable[Step]) -> None:
    """Refuse a plan that deletes or replaces what must not be deleted.

    Raises:
        ResourceProtected: It does.
    """
    going = {step.kind for step in steps if step.action in {Action.REPLACE, Action.DELETE}}
    _refuse(one for one in _protected(owned) if one.get("type") in going)


def _protected(owned: OwnedDeployment) -> list[Mapping[str, object]]:
    return [one for one in owned.engine.resources() if _inputs(one).get(_INPUT) is True]


def _inputs(state: Mapping[str, object]) -> Mapping[str, object]:
    found = state.get("inputs")
    return found if isinstance(found, Mapping) else {}


def _refuse(found: Iterable[Mapping[str, object]]) -> None:
    named = [str(one.get("id")) for one in found]
    if named:
        raise ResourceProtected(
            f"{', '.join(named)} is protected from deletion, and would be deleted or replaced",
            why="It was made with `infrastructure: {deletion_protection: true}`. Nothing was "
            "changed.",
            remedy="If it is to go: `kitaru stack apply` of the description as it was, with "
            "`deletion_protection: false`, and then this again.",
        )
