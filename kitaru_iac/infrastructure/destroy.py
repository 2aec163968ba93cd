"""Taking down what was provisioned: all that holds no data, and the rest only on demand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, cast

from kitaru_iac.engine.errors import ResourceProtected
from kitaru_iac.errors import StackChanged
from kitaru_iac.infrastructure.deletion_protection import require_deletable, require_unlocked
from kitaru_iac.infrastructure.deployments import existing
from kitaru_iac.infrastructure.ownership import (
    Fate,
    doubtful,
    fates,
    foreign,
    hidden,
    kept,
)
from kitaru_iac.infrastructure.remains import require_nothing_unknown
from kitaru_iac.infrastructure.results import Destroyed
from kitaru_iac.plan.model import Action, Kept
from kitaru_iac.values import replace

if TYPE_CHECKING:
    from kitaru_iac.callbacks import ConfirmCallback, ProgressCallback
    from kitaru_iac.infrastructure.deployments import OwnedDeployment
    from kitaru_iac.plan.model import Step
    from kitaru_iac.spec.credentials import Credentials

__all__ = ["destroy_infrastructure", "preview_destroy"]


def preview_destroy(
    labels: Mapping[str, str],
    *,
    credentials: Credentials | None = None,
    include_protected: bool = False,
    delete_data: bool = False,
    forget_foreign: bool = False,
    progress: ProgressCallback | None = None,
    consent: ConfirmCallback | None = None,
) -> Destroyed:
    """Tell what `destroy_infrastructure` would do. Writes nothing. Its errors are that one's."""
    with existing(labels, credentials, progress, consent) as owned:
        decided = fates(
            owned,
            include_protected=include_protected,
            delete_data=delete_data,
            forget_foreign=forget_foreign,
        )
        others = _require_right(owned, decided, forget_foreign)
        goes = tuple(
            fate.step(Action.DELETE)
            for fate in decided
            if fate.reason is None and fate.type not in owned.unchanged
        )
        return _result(owned, goes, decided, others, doubtful(owned))


def destroy_infrastructure(
    labels: Mapping[str, str],
    *,
    credentials: Credentials | None = None,
    include_protected: bool = False,
    delete_data: bool = False,
    forget_foreign: bool = False,
    progress: ProgressCallback | None = None,
    consent: ConfirmCallback | None = None,
) -> Destroyed:
    """Take down what was made for a stack. The record is not touched.

    Args:
        labels: Of the stack's record: which deployment.
        credentials: Whose; None for this process's own.
        include_protected: The bucket too, if it is empty.
        delete_data: With what buckets and repositories hold. Without it those that hold something
            stay, and so does a protected one even if told to include them.
        forget_foreign: Take out of the state what is not the deployment's own, and leave it be.
            What may not be looked at is not forgotten: it may be the deployment's.
        progress: Gets one-line messages; an `engine.progress.View` sees every event.
        consent: Asked before the engine is downloaded, if there is none.

    Raises:
        DeploymentNotFound: There is no such deployment.
        InfrastructureRemains: Something stays that the state did not know.
        ResourceProtected: Something that would go has its deletion protection on, or holds what is
            not the deployment's own.
        StackChanged: What was to be emptied was replaced by something else meanwhile.
        NotAllowedError: There are no usable credentials of the cloud.
        EngineError: See `kitaru_iac.engine.errors`.
    """
    with existing(labels, credentials, progress, consent) as owned:
        unclear = doubtful(owned)
        owned.engine.settle()
        look = partial(
            fates,
            owned,
            include_protected=include_protected,
            delete_data=delete_data,
            forget_foreign=forget_foreign,
        )
        decided = look()
        others = _require_right(owned, decided, forget_foreign)
        full = [fate for fate in decided if fate.reason is None and fate.holding is not None]
        changed = _protection(decided)
        # Before any data goes: while another run holds the state, this is refused. It lifts nothing
        # yet: where the emptying is refused, all stays protected, and no later run that drops
        # something from its program deletes it.
        if full:
            owned.engine.set_protection({urn: True for urn, stays in changed.items() if stays})
        elif changed:
            owned.engine.set_protection(changed)
        if others:
            if progress:
                progress("Forgetting what was not made for this stack")
            owned.engine.forget({fate.urn for fate in others})
        if full:
            _empty(owned, full, look(), progress)
        if full and not all(changed.values()):
            owned.engine.set_protection(changed)
        known = {fate.id for fate in decided if fate.reason} | {part.name for part in unclear}
        known |= _names(owned.engine.resources())
        done = owned.engine.destroy().steps()
        more = _more_that_stays(owned, decided)
        warnings = require_nothing_unknown(owned, known)
        found = _result(owned, _gone(owned, done), decided, others, (*more, *unclear))
        return replace(found, warnings=warnings)


def _require_right(
    owned: OwnedDeployment, decided: Sequence[Fate], forget_foreign: bool
) -> list[Fate]:
    """Refuse what must not be done; give what is to be forgotten.

    Raises:
        ResourceProtected: See `destroy_infrastructure`.
    """
    require_deletable(owned, decided)
    require_unlocked(decided)
    return _to_forget(owned, decided) if forget_foreign else []


def _result(
    owned: OwnedDeployment,
    goes: tuple[Step, ...],
    decided: Sequence[Fate],
    others: Iterable[Fate],
    besides: Iterable[Kept],
) -> Destroyed:
    """Say what goes, stays and is forgotten, which neither goes nor stays.

    Args:
        owned: The deployment.
        goes: What goes.
        decided: The fates of all.
        others: What is forgotten.
        besides: What stays too, and is in no state.
    """
    forgotten = _told(owned, others)
    return Destroyed(
        goes,
        (*(part for part in kept(decided) if part not in forgotten), *besides),
        foreign=tuple(part for part in foreign(decided) if part not in forgotten),
        hidden=hidden(decided),
        forgotten=forgotten,
    )


def _to_forget(owned: OwnedDeployment, decided: Sequence[Fate]) -> list[Fate]:
    """What is surely not the deployment's own.

    Raises:
        ResourceProtected: Some of it lies in what would go.
    """
    others = [fate for fate in decided if fate.is_foreign and not fate.is_hidden]
    going = {fate.urn for fate in decided if fate.reason is None}
    within = [fate.id for fate in others if fate.type in owned.inside and fate.parent in going]
    if within:
        raise ResourceProtected(
            f"What is not this stack's lies in what would be deleted: {', '.join(within)}",
            why="It cannot outlive what it lies in, or keeps that from being deleted.",
            remedy="Nothing was changed. Delete it, and then run the same command; or leave out "
            "--forget-foreign: then all that it lies in and needs stays too.",
        )
    return others


def _told(owned: OwnedDeployment, fates: Iterable[Fate]) -> tuple[Kept, ...]:
    """Name each, also what lies in another one: it may cost money of its own."""
    return tuple(
        Kept(fate.type, fate.id, str(fate.reason))
        for fate in fates
        if not fate.is_shared or fate.type in owned.inside
    )


def _gone(owned: OwnedDeployment, done: Iterable[Step]) -> tuple[Step, ...]:
    """What was deleted in the cloud."""
    return tuple(
        step for step in done if step.action is not Action.KEEP and step.kind not in owned.unchanged
    )


def _protection(decided: Iterable[Fate]) -> dict[str, bool]:
    """Whose protection changes, by URN.

    What is needed stays by itself: protected, it would stay when nothing needs it any more.
    """
    return {
        fate.urn: fate.reason is not None
        for fate in decided
        if fate.protected != bool(fate.reason) and not fate.is_needed
    }


def _more_that_stays(owned: OwnedDeployment, decided: Iterable[Fate]) -> tuple[Kept, ...]:
    """What the engine left in the state though it was to go."""
    told = {fate.urn for fate in decided if fate.reason is not None}
    return tuple(
        Kept(str(one["type"]), str(one.get("id", "")), "it was to go, and the engine left it")
        for one in owned.engine.resources()
        if one.get("urn") not in told and one["type"] not in owned.unchanged
    )


def _empty(
    owned: OwnedDeployment,
    full: Sequence[Fate],
    again: Iterable[Fate],
    progress: ProgressCallback | None,
) -> None:
    """Empty what is still the deployment's, after whatever was waited for.

    Raises:
        StackChanged: Something of the same name has taken the place of one of them.
    """
    now = {fate.urn: fate.reason for fate in again}
    gone = [f"{f.id}: {now.get(f.urn, 'forgotten')}" for f in full if now.get(f.urn, "gone")]
    if gone:
        raise StackChanged(
            "What was to be emptied is not what it was a moment ago; nothing of it was deleted",
            differs=gone,
            why="Somebody has deleted it, and made something else under its name.",
            remedy="Look whose it is, and run the same command again.",
        )
    for fate in full:
        if progress:
            progress(f"Emptying {fate.id}")
        owned.account.empty(fate.type, fate.id)


def _names(resources: Iterable[Mapping[str, object]]) -> set[str]:
    """All that the state says of its resources: clouds may list for a while what is gone."""
    outputs = (cast("Mapping[str, object]", found.get("outputs") or {}) for found in resources)
    return {value for one in outputs for value in one.values() if isinstance(value, str)}
