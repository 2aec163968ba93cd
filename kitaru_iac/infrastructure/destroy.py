"""Taking down what was provisioned: all that holds no data, and the rest only on demand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, cast

from kitaru_iac.clouds import registry
from kitaru_iac.engine.errors import ResourceProtected
from kitaru_iac.errors import KitaruError, StackChanged
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
from kitaru_iac.labels import STACK_LABEL
from kitaru_iac.machine.interrupts import WorkInterrupted
from kitaru_iac.plan.model import Action, Kept
from kitaru_iac.values import replace

if TYPE_CHECKING:
    from kitaru_iac.callbacks import ConfirmCallback, ProgressCallback
    from kitaru_iac.infrastructure.deployments import OwnedDeployment
    from kitaru_iac.plan.model import Step
    from kitaru_iac.spec.credentials import Credentials
    from kitaru_iac.spec.model import StackSpec

__all__ = ["credentials_of", "destroy_infrastructure", "preview_destroy"]


def credentials_of(spec: StackSpec) -> Credentials | None:
    """Whose credentials take down what a description had made: who made it."""
    if spec.cloud is None:
        return spec.credentials
    return registry.provisioning(spec.cloud).provisioner(spec)


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
    """Tell what `destroy_infrastructure` would do; raises as it does, and writes nothing.

    What only the run meets, it cannot tell: what is found when the rest is gone, or what somebody
    changes meanwhile.
    """
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
            if fate.reason is None and not owned.only_leaves(fate.type, fate.urn)
        )
        return _result(owned, goes, decided, others, doubtful(owned))


def destroy_infrastructure(
    labels: Mapping[str, str],
    *,
    credentials: Credentials | None = None,
    include_protected: bool = False,
    delete_data: bool = False,
    forget_foreign: bool = False,
    recorded: bool = True,
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
        recorded: Whether a stack's record names the deployment, for what an error says of it.
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
        WorkInterrupted: Ctrl-C or SIGTERM; it says what may be emptied and forgotten by then.
    """
    with (
        _noting(labels, recorded=recorded) as noted,
        existing(labels, credentials, progress, consent) as owned,
    ):
        look = partial(
            fates,
            owned,
            include_protected=include_protected,
            delete_data=delete_data,
            forget_foreign=forget_foreign,
        )
        decided = look()
        others = _require_right(owned, decided, forget_foreign)
        unclear = doubtful(owned)
        if owned.engine.begun():
            with _telling(unclear, progress):
                owned.engine.settle()
                decided = look()
                others = _require_right(owned, decided, forget_foreign)
        with _telling(unclear, None):
            _unlock(owned, decided, others, look, noted, progress)
            known = {fate.id for fate in decided if fate.reason} | {part.name for part in unclear}
            known |= _names(owned.engine.resources())
            done = owned.engine.destroy().steps()
            more = _more_that_stays(owned, decided)
            found = _result(owned, _gone(owned, done), decided, others, (*more, *unclear))
            warnings = require_nothing_unknown(owned, known, found, recorded=recorded)
        return replace(found, warnings=warnings)


@contextmanager
def _noting(labels: Mapping[str, str], *, recorded: bool) -> Iterator[list[str]]:
    """Tell with an interrupt, or an error, what no later run brings back.

    Args:
        labels: Of the stack's record.
        recorded: Whether there is such a record.

    Yields:
        A list for that, one line each.
    """
    noted: list[str] = []
    try:
        yield noted
    except KitaruError as error:
        error.why = "\n".join(filter(None, [error.why, *noted])) or None
        raise
    except WorkInterrupted:
        raise
    except KeyboardInterrupt as pressed:
        what = [f"Interrupted while deployment '{labels.get(STACK_LABEL, '')}' was being deleted"]
        what += ["its stack's record stays"] if recorded else []
        # Not as what is left: the engine may have deleted it by now.
        raise WorkInterrupted(
            "; ".join([*what, *noted]), remedy="Run the same command again to go on."
        ) from pressed


@contextmanager
def _telling(unclear: Sequence[Kept], progress: ProgressCallback | None) -> Iterator[None]:
    """Tell what a run that was cut off may have made, at once and with an error.

    The state knows of it until it is settled: no later run could tell. It may be somebody else's,
    and so is not among what is left, which an error may advise to delete.
    """
    told = [f"{part.name}: {part.reason}" for part in unclear]
    if progress:
        for line in told:
            progress(line)
    try:
        yield
    except KitaruError as error:
        error.why = "\n".join(filter(None, [error.why, *told])) or None
        raise


def _unlock(
    owned: OwnedDeployment,
    decided: Sequence[Fate],
    others: Sequence[Fate],
    look: Callable[[], list[Fate]],
    noted: list[str],
    progress: ProgressCallback | None,
) -> None:
    """Let go of what is to go: forget, empty, and lift protection.

    Args:
        owned: The deployment.
        decided: The fates of all.
        others: What is forgotten.
        look: Decides anew.
        noted: Gets what is forgotten and emptied, each before it is.
        progress: Gets one-line messages.
    """
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
        noted += [f"the state may have forgotten {one.name}" for one in _told(owned, others)]
        owned.engine.forget({fate.urn for fate in others})
    if full:
        _empty(owned, full, look(), noted, progress)
    if full and not all(changed.values()):
        owned.engine.set_protection(changed)


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
        ResourceProtected: Some of it lies in what would go, or stands on it.
    """
    others = [fate for fate in decided if fate.is_foreign and not fate.is_hidden]
    going = {
        fate.urn: fate.id
        for fate in decided
        if fate.reason is None and not owned.only_leaves(fate.type, fate.urn)
    }
    # The settings of a thing need what they are about, and break with nothing but the thing.
    needed = [
        (fate.id, sorted(going[urn] for urn in fate.needs & going.keys()))
        for fate in others
        if not fate.is_shared or fate.type in owned.inside
    ]
    broken = [(name, ids) for name, ids in needed if ids]
    if broken:
        raise ResourceProtected(
            "What is not this stack's lies in, or stands on, what would be deleted: "
            + ", ".join(name for name, _ in broken),
            why="\n".join(
                [
                    "It cannot outlive that, or keeps it from being deleted.",
                    *(f"{name} needs {', '.join(ids)}" for name, ids in broken),
                ]
            ),
            remedy="Nothing was changed. Delete it, or give it back its tags if it is this "
            "stack's, and then run the same command; or leave out --forget-foreign: then all that "
            "it lies in and needs stays too.",
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
        step
        for step in done
        if step.action is not Action.KEEP and not owned.only_leaves(step.kind, step.key or "")
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
        if one.get("urn") not in told
        and not owned.only_leaves(str(one["type"]), str(one.get("urn", "")))
    )


def _empty(
    owned: OwnedDeployment,
    full: Sequence[Fate],
    again: Iterable[Fate],
    noted: list[str],
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
        noted.append(f"what {fate.id} held may be deleted, in part or in full")
        owned.account.empty(fate.type, fate.id)


def _names(resources: Iterable[Mapping[str, object]]) -> set[str]:
    """All that the state says of its resources: clouds may list for a while what is gone."""
    outputs = (cast("Mapping[str, object]", found.get("outputs") or {}) for found in resources)
    return {value for one in outputs for value in one.values() if isinstance(value, str)}
