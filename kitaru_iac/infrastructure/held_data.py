"""What holds data and is not protected: a run that would delete it is refused before it begins.

With ``keep_data: false`` nothing else stands between a changed description and what was stored.
Some clouds refuse to delete what is full, in the middle of a run; others delete it with all it has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from kitaru_iac.checks.probes import in_parallel
from kitaru_iac.engine.errors import ResourceProtected
from kitaru_iac.engine.events import name_of
from kitaru_iac.plan.model import Action, Step

if TYPE_CHECKING:
    from kitaru_iac.infrastructure.deployments import OwnedDeployment

__all__ = ["require_kept"]

_GOING = frozenset({Action.DELETE, Action.REPLACE})


def require_kept(owned: OwnedDeployment, steps: Iterable[Step]) -> None:
    """Refuse a plan that deletes or replaces what holds data, or what others have something in.

    What is protected is refused by the engine itself, and what is retained it only forgets.

    Args:
        owned: The deployment.
        steps: The plan.

    Raises:
        ResourceProtected: It does.
    """
    going = {(step.kind, step.key) for step in steps if step.action in _GOING}
    if not going:
        return
    states = [
        one
        for one in owned.engine.resources()
        if not (one.get("protect") or one.get("retainOnDelete"))
        and (str(one["type"]), _key(one)) in going
    ]
    told = in_parallel([partial(_held, owned, one) for one in states])
    # Things of two kinds may have one name.
    found = [(str(one.get("id")), held) for one, held in zip(states, told, strict=True) if held]
    if found:
        names = ", ".join(dict.fromkeys(name for name, _ in found))
        raise ResourceProtected(
            f"{names} would be deleted or replaced, with what is in it",
            why="\n".join(f"{name}: {held}" for name, held in found),
            remedy="Nothing was changed. Describe it as it was. If it is to go, empty it first, "
            "and then this again; or take all of it down: kitaru stack delete NAME --infra "
            "--include-protected --delete-data",
        )


def _key(state: Mapping[str, object]) -> str:
    return name_of(str(state.get("urn")))


def _held(owned: OwnedDeployment, state: Mapping[str, object]) -> str | None:
    account, (type_, id_) = owned.account, (str(state["type"]), str(state.get("id")))
    return account.others_in(type_, id_) or account.holds(type_, id_)
