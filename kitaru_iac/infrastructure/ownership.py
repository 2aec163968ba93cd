"""Whose what exists in the cloud is: asked before anything is made, and before anything goes.

What exists is a deployment's own where it is in its account and has its marks. Nothing else is
taken over, changed or deleted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, cast

from kitaru_iac.checks.probes import in_parallel
from kitaru_iac.engine.needed import needs
from kitaru_iac.errors import AlreadyExistsError
from kitaru_iac.infrastructure.deletion_protection import require_unlocked
from kitaru_iac.plan.model import Action, Kept, Layer, Step
from kitaru_iac.values import dataclass, replace

if TYPE_CHECKING:
    from kitaru_iac.clouds.provider import Claim, Inputs, Sighting, Target
    from kitaru_iac.infrastructure.deployments import OwnedDeployment

__all__ = [
    "Fate",
    "doubtful",
    "fates",
    "foreign",
    "hidden",
    "kept",
    "require_own_names",
    "things",
]


@dataclass(frozen=True, slots=True)
class _Resource:
    """A resource as Pulumi's state has it."""

    urn: str
    type: str
    id: str
    parent: str
    protected: bool
    inputs: Inputs
    outputs: Inputs
    needs: frozenset[str] = frozenset()

    @classmethod
    def of(cls, state: Mapping[str, object]) -> _Resource:
        return cls(
            urn=str(state.get("urn", "")),
            type=str(state["type"]),
            id=str(state.get("id", "")),
            parent=str(state.get("parent")),
            protected=bool(state.get("protect")),
            inputs=cast("Inputs", state.get("inputs") or {}),
            outputs=cast("Inputs", state.get("outputs") or {}),
            needs=frozenset(needs(state)),
        )

    def is_claimed(self, claim: Claim) -> bool:
        """Whether it is the one that a claim names."""
        return self.type == claim.type and all(
            _says(self.inputs.get(key), name) for key, name in claim.inputs.items()
        )


def _says(value: object, named: object) -> bool:
    """Whether an input is what a claim says; of tags, whether those that it says are among them."""
    if isinstance(value, Mapping) and isinstance(named, Mapping):
        return named.items() <= value.items()
    return value == named


# -- before anything is made -----------------------------------------------------------------------


def require_own_names(
    owned: OwnedDeployment, target: Target, name: str, *, take_back: bool = False
) -> dict[str, Sighting]:
    """Refuse to make anything while a name is taken by what is not the deployment's.

    What the state knows is looked at too: since the last run it may have been deleted, and made
    anew by somebody else.

    Args:
        owned: The deployment.
        target: What is to be made, with the names that it takes.
        name: The stack's, for the error.
        take_back: Whether what was made here and is not in the state is to be put into it.

    Returns:
        What of it is there and locked: the cloud would refuse to delete it. By its type.

    Raises:
        AlreadyExistsError: A name is taken, or what was made here is not in the state.
        ResourceProtected: The cloud would refuse to delete what leaves the program.
    """
    sights = in_parallel(
        [partial(owned.sight, claim.type, claim.inputs) for claim in target.claims]
    )
    seen = [(claim, sight) for claim, sight in zip(target.claims, sights, strict=True) if sight]
    taken = [(claim, sight) for claim, sight in seen if sight.foreign is not None]
    lost = _unknown_to_state(owned, seen)
    if taken or lost:
        # Another run may be at work: what it had made before we looked, it has noted by now.
        owned.engine.look_again()
        lost = _unknown_to_state(owned, seen)
    if taken:
        why = [f"{sight.name}: {sight.foreign}" for _, sight in taken]
        begun = [_Resource.of(found) for found in owned.engine.begun()]
        doubted = [sight for claim, sight in taken if _is_among(begun, claim)]
        if doubted:
            why.append(
                "An earlier run was cut off while it made one of them, or another run is making it "
                "at this moment. If you know that it is of a run that was cut off, delete it, and "
                "run this again."
            )
        why += [_way_to_delete(sight) for sight in doubted if sight.removal]
        raise AlreadyExistsError(
            f"Stack {name} would take names of what was not made for it: "
            + ", ".join(sight.name for _, sight in taken),
            where=", ".join(f"{key} {value}" for key, value in target.place.items()),
            why="\n".join(why),
            remedy="Nothing was changed. Use what is there (`resources: {bucket: existing}`), or "
            "choose other names.",
        )
    others = _others(owned, target)
    replaced = [sight for sight in others if sight.foreign is not None]
    if replaced:
        raise AlreadyExistsError(
            f"The state of stack {name} has what was not made for it, or is not its own any more: "
            + ", ".join(sight.name for sight in replaced),
            where=", ".join(f"{key} {value}" for key, value in target.place.items()),
            why="\n".join(f"{sight.name}: {sight.foreign}" for sight in replaced)
            + "\nWhat the description does not name any more would be deleted.",
            remedy="Nothing was changed. Give it back its tags if it is the stack's, or "
            "name it again in the description.",
        )
    require_unlocked(sight for sight in others if sight.foreign is None)
    if lost and not take_back:
        raise AlreadyExistsError(
            f"Made for stack {name}, and not in the state of its infrastructure: "
            + ", ".join(lost),
            where=owned.engine.backend.label,
            why="The state is in another backend, or was lost.",
            remedy="Nothing was changed. Set PULUMI_BACKEND_URL to the backend that it was made "
            "with. If that is lost, take it back into a state here: the same command with "
            "--take-back. Or delete what is named here, or use it as it is "
            "(`resources: {bucket: existing}`).",
        )
    return {claim.type: sight for claim, sight in seen if sight.locked is not None}


def _way_to_delete(sight: Sighting) -> str:
    look = f"Look first who made {sight.name}: {sight.origin}\n" if sight.origin else ""
    return f"{look}This deletes {sight.name} only while nothing is in it: {sight.removal}"


def _others(owned: OwnedDeployment, target: Target) -> list[Sighting]:
    """What the state knows beside what is to be made, as it is in the cloud.

    It may leave the program, and the engine deletes by name what does. What is protected is left
    where it is, and what is to be made was looked at already.
    """
    others = [
        found
        for found in map(_Resource.of, owned.engine.resources())
        if not found.protected and not any(map(found.is_claimed, target.claims))
    ]
    seen = in_parallel(
        [partial(owned.sight, one.type, {**one.outputs, **one.inputs}) for one in others]
    )
    return [sight for sight in seen if sight is not None]


def _unknown_to_state(owned: OwnedDeployment, seen: Iterable[tuple[Claim, Sighting]]) -> list[str]:
    """The names of what is the deployment's own, and neither in its state nor noted there."""
    begun = [_Resource.of(found) for found in owned.engine.begun()]
    # Clouds and their providers spell one id in upper and lower case.
    known = {
        (found.type, found.id.casefold()) for found in map(_Resource.of, owned.engine.resources())
    }
    return [
        sight.name
        for claim, sight in seen
        if sight.foreign is None
        and (claim.type, sight.id.casefold()) not in known
        and not _is_among(begun, claim)
    ]


def _is_among(resources: Iterable[_Resource], claim: Claim) -> bool:
    return any(resource.is_claimed(claim) for resource in resources)


# -- before anything goes --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of one resource of a deployment that is to be taken down.

    Attributes:
        urn: Pulumi's name of it.
        type: Its type in Pulumi.
        id: Its id in the cloud.
        protected: Whether the state protects it.
        parent: The URN of the resource whose setting it is.
        holding: What it holds, in words; None if nothing.
        reason: Why it stays; None if it goes.
        is_foreign: Whether it stays since it is not the deployment's own, or is a setting of such.
        is_hidden: Whether it may be its own in spite of that, since it may not be looked at.
        is_shared: Whether it stays since its parent does, and is named with that.
        is_needed: Whether it stays since what stays depends on it: the engine sees to that.
        locked: Which setting makes the cloud refuse to delete it; None if it goes or none does.
        needs: The URNs of what it lies in or stands on.
    """

    urn: str
    type: str
    id: str
    protected: bool
    parent: str | None
    holding: str | None
    reason: str | None
    is_foreign: bool = False
    is_hidden: bool = False
    is_shared: bool = False
    is_needed: bool = False
    locked: str | None = None
    needs: frozenset[str] = frozenset()

    def step(self, action: Action) -> Step:
        """Give it as a step of a plan."""
        return Step(action, self.type, self.id, Layer.INFRASTRUCTURE)


def fates(
    owned: OwnedDeployment,
    *,
    include_protected: bool,
    delete_data: bool,
    forget_foreign: bool = False,
) -> list[Fate]:
    """Decide for each resource of the state.

    The settings of a thing share its fate: a bucket that stays must keep its public access block.
    What the state holds and is not the deployment's own in the cloud stays too, and so does all
    that anything which stays depends on: the engine deletes nothing of it.

    Args:
        owned: The deployment.
        include_protected: What is protected goes too.
        delete_data: What holds data goes too.
        forget_foreign: What is not the deployment's own is forgotten, and holds nothing back.
    """
    states = owned.engine.resources()
    meanwhile = _made_meanwhile(owned, {str(state.get("urn")) for state in states})
    resources = [*map(_Resource.of, states), *meanwhile]
    seen = in_parallel([partial(_looked_at, owned, resource) for resource in resources])
    decided: dict[str, Fate] = {}
    for resource, look in zip(resources, seen, strict=True):
        parent = decided.get(resource.parent)
        reason: str | None
        if parent is not None and parent.reason is not None:
            reason = parent.reason
        elif look.strange is not None:
            reason = look.strange
        elif parent is not None:
            reason = None
        elif resource.protected and not include_protected:
            reason = "protected"
        elif look.others is not None:
            reason = look.others
        elif look.holding is not None and not delete_data:
            reason = look.holding
        else:
            reason = None
        decided[resource.urn] = Fate(
            resource.urn,
            resource.type,
            resource.id,
            resource.protected,
            parent.urn if parent else None,
            look.holding,
            reason,
            is_foreign=parent.is_foreign if parent and parent.reason else look.strange is not None,
            is_hidden=parent.is_hidden if parent and parent.reason else look.hidden,
            is_shared=parent is not None and parent.reason is not None,
            locked=look.locked if reason is None else None,
            needs=resource.needs,
        )
    while _keep_needed(owned, decided, resources, forget_foreign=forget_foreign):
        _keep_settings(owned, decided, resources)
    return list(decided.values())


def _made_meanwhile(owned: OwnedDeployment, held: Collection[str]) -> list[_Resource]:
    """What a cut-off run had begun, and is there by now: a deletion takes it over first."""
    return [
        replace(one, id=sight.id)
        for one, sight in _begun(owned)
        if one.urn not in held and sight.foreign is None
    ]


def _begun(owned: OwnedDeployment) -> list[tuple[_Resource, Sighting]]:
    """What exists under the names that a run was about to take when it was cut off."""
    begun = [_Resource.of(state) for state in owned.engine.begun()]
    sights = in_parallel([partial(owned.sight, one.type, one.inputs) for one in begun])
    return [(one, sight) for one, sight in zip(begun, sights, strict=True) if sight is not None]


def _keep_needed(
    owned: OwnedDeployment,
    decided: dict[str, Fate],
    resources: Sequence[_Resource],
    *,
    forget_foreign: bool,
) -> bool:
    """Keep what anything that stays depends on. Says whether that is more than before."""
    before = list(decided.values())
    why: dict[str, str] = {}  # of what passes it on, by URN
    for resource in reversed(resources):  # a state has first what others depend on
        fate = decided[resource.urn]
        if forget_foreign and fate.is_foreign and not fate.is_hidden:
            continue
        if fate.reason is not None:
            root = f"{fate.id} ({fate.type}) stays, and depends on it"
            why.setdefault(resource.urn, fate.reason if fate.is_needed else root)
        if resource.urn not in why:
            continue
        for urn in resource.needs & decided.keys():
            why.setdefault(urn, why[resource.urn])
            found = decided[urn]
            if found.reason is None and not owned.only_leaves(found.type, found.urn):
                decided[urn] = replace(found, reason=why[urn], is_needed=True, locked=None)
    return before != list(decided.values())


def _keep_settings(
    owned: OwnedDeployment, decided: dict[str, Fate], resources: Iterable[_Resource]
) -> None:
    """Keep the parts of what stays since it is needed, as those of all that stays.

    They are named: a network's may cost money, and the deletion was to take them down.
    """
    for resource in resources:
        parent, fate = decided.get(resource.parent), decided[resource.urn]
        if parent is not None and parent.reason is not None and fate.reason is None:
            decided[fate.urn] = replace(
                fate,
                reason=f"{parent.id} ({parent.type}) stays, and it is part of it",
                is_shared=parent.is_shared or owned.only_leaves(fate.type, fate.urn),
                locked=None,
            )


@dataclass(frozen=True, slots=True)
class _Look:
    """What the cloud says of a resource.

    Attributes:
        strange: Why it is not the deployment's own; None if it is.
        hidden: Whether it may be its own all the same.
        others: What others have in it; None if nothing.
        holding: What it holds; None if nothing.
        locked: Which setting makes the cloud refuse to delete it; None if none does.
    """

    strange: str | None = None
    hidden: bool = False
    others: str | None = None
    holding: str | None = None
    locked: str | None = None


def _looked_at(owned: OwnedDeployment, resource: _Resource) -> _Look:
    sight = owned.sight(resource.type, {**resource.outputs, **resource.inputs})
    if sight is not None and sight.foreign is not None:
        return _Look(f"not made for this stack: {sight.foreign}", sight.hidden)
    return _Look(
        others=owned.account.others_in(resource.type, resource.id),
        holding=owned.account.holds(resource.type, resource.id),
        locked=sight.locked if sight is not None else None,
    )


def things(states: Iterable[Mapping[str, object]]) -> tuple[tuple[str, str], ...]:
    """Give the type and the id of what a state holds, without the settings of something else."""
    resources = [_Resource.of(state) for state in states]
    urns = {resource.urn for resource in resources}
    return tuple((one.type, one.id) for one in resources if one.parent not in urns)


def kept(decided: Iterable[Fate]) -> tuple[Kept, ...]:
    """Give what stays, without the settings that stay since what they belong to does."""
    return tuple(
        Kept(fate.type, fate.id, fate.reason)
        for fate in decided
        if fate.reason is not None and not fate.is_shared
    )


def foreign(decided: Iterable[Fate]) -> tuple[Kept, ...]:
    """Give what of `kept` stays since it is not the deployment's own."""
    return kept(fate for fate in decided if fate.is_foreign)


def hidden(decided: Iterable[Fate]) -> tuple[Kept, ...]:
    """Give what of `foreign` may be the deployment's own, since it may not be looked at."""
    return kept(fate for fate in decided if fate.is_foreign and fate.is_hidden)


def doubtful(owned: OwnedDeployment) -> tuple[Kept, ...]:
    """Give what exists under a name that a run was about to take when it was cut off, not ours.

    It is somebody else's, or was made by that run, and not tagged yet: nobody can tell.
    """
    return tuple(
        Kept(
            found.type,
            sight.id,
            f"a run was cut off while it made this, or it is somebody else's: {sight.foreign}"
            + (f". {_way_to_delete(sight)}" if sight.removal else ""),
        )
        for found, sight in _begun(owned)
        if sight.foreign is not None
    )
