"""Taking down what was provisioned: all that holds no data, and the rest only on demand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from kitaru_iac.infrastructure.deployments import Consent, Say, existing
from kitaru_iac.plan.model import Action, Layer, Step
from kitaru_iac.stacks.results import Kept

if TYPE_CHECKING:
    from kitaru_iac.clouds.provider import Account
    from kitaru_iac.engine.deployment import Deployment
    from kitaru_iac.spec.credentials import Credentials

__all__ = ["Destroyed", "destroy_infrastructure", "preview_destroy"]


@dataclass(frozen=True, slots=True)
class Destroyed:
    """Infrastructure that was taken down, or would be.

    Attributes:
        steps: What was deleted, or would be.
        kept: What stays, and why.
    """

    steps: tuple[Step, ...] = ()
    kept: tuple[Kept, ...] = ()


def preview_destroy(
    labels: Mapping[str, str],
    *,
    credentials: Credentials | None = None,
    include_protected: bool = False,
    delete_data: bool = False,
    progress: Say | None = None,
    consent: Consent | None = None,
) -> Destroyed:
    """What `destroy_infrastructure` would do. Writes nothing."""
    with existing(labels, credentials, progress, consent) as (deployment, account):
        fates = _fates(deployment, account, include_protected=include_protected, data=delete_data)
        return Destroyed(
            tuple(fate.step(Action.DELETE) for fate in fates if fate.reason is None),
            (*_kept(fates), *_doubtful(deployment, account)),
        )


def destroy_infrastructure(
    labels: Mapping[str, str],
    *,
    credentials: Credentials | None = None,
    include_protected: bool = False,
    delete_data: bool = False,
    progress: Say | None = None,
    consent: Consent | None = None,
) -> Destroyed:
    """Take down what was made for a stack. The record is not touched.

    Args:
        labels: Of the stack's record: which deployment.
        credentials: Whose; None for this process's own.
        include_protected: The bucket too, if it is empty.
        delete_data: With what buckets and repositories hold. Without it those that hold something
            stay, and so does a protected one even if told to include them.
        progress: Gets one-line messages; an `engine.progress.View` sees every event.
        consent: Asked before the engine is downloaded, if there is none.

    Raises:
        NotFoundError: There is no such deployment.
        NotAllowedError: There are no usable credentials of the cloud.
        EngineError: See `kitaru_iac.engine.errors`.
    """
    with existing(labels, credentials, progress, consent) as (deployment, account):
        doubtful = _doubtful(deployment, account)
        deployment.settle()
        fates = _fates(deployment, account, include_protected=include_protected, data=delete_data)
        for fate in fates:
            if fate.reason is None and fate.holding is not None:
                if progress:
                    progress(f"Emptying {fate.id}")
                account.empty(fate.type, fate.id)
        changed = {f.urn: f.reason is not None for f in fates if f.protected != bool(f.reason)}
        if changed:
            deployment.set_protection(changed)
        done = deployment.destroy().steps()
        gone = tuple(step for step in done if step.action is not Action.KEEP)
        return Destroyed(gone, (*_kept(fates), *doubtful))


@dataclass(frozen=True, slots=True)
class _Fate:
    """One resource of a deployment that is to be taken down. With a reason, it stays."""

    urn: str
    type: str
    id: str
    protected: bool
    parent: str | None
    holding: str | None
    reason: str | None

    def step(self, action: Action) -> Step:
        return Step(action, self.type, self.id, Layer.INFRASTRUCTURE)


def _fates(
    deployment: Deployment, account: Account, *, include_protected: bool, data: bool
) -> list[_Fate]:
    """Decide for each resource.

    The settings of a thing share its fate: a bucket that stays must keep its public access block.
    What the state holds and is not the deployment's own in the cloud stays too.
    """
    from kitaru_iac.checks.probes import in_parallel
    from kitaru_iac.clouds.provider import marks

    own = marks(deployment.project, deployment.stack)
    resources = deployment.resources()

    def probe(resource: Mapping[str, Any]) -> tuple[str | None, str | None]:
        """Why it is not ours, and what it holds."""
        kind = str(resource["type"])
        named = {**(resource.get("outputs") or {}), **(resource.get("inputs") or {})}
        seen = account.sight(kind, named, own)
        if seen is not None and seen.foreign is not None:
            return f"not made for this stack: {seen.foreign}", None
        return None, account.holds(kind, str(resource.get("id", "")))

    probes = in_parallel([partial(probe, resource) for resource in resources])
    fates: dict[str, _Fate] = {}
    for resource, (foreign, holding) in zip(resources, probes, strict=True):
        kind, name, urn = str(resource["type"]), str(resource.get("id", "")), str(resource["urn"])
        protected = bool(resource.get("protect"))
        parent = fates.get(str(resource.get("parent")))
        reason: str | None
        if parent is not None and parent.reason is not None:
            reason = parent.reason
        elif foreign is not None:
            reason = foreign
        elif parent is not None:
            reason = None
        elif protected and not include_protected:
            reason = "protected"
        elif holding is not None and not data:
            reason = holding
        else:
            reason = None
        above = parent.urn if parent else None
        fates[urn] = _Fate(urn, kind, name, protected, above, holding, reason)
    return list(fates.values())


def _doubtful(deployment: Deployment, account: Account) -> tuple[Kept, ...]:
    """What exists under a name that a run was about to take when it was cut off, and is not ours.

    It is somebody else's, or was made by that run, and not tagged yet: nobody can tell.
    """
    from kitaru_iac.checks.probes import in_parallel
    from kitaru_iac.clouds.provider import marks

    own = marks(deployment.project, deployment.stack)
    begun = deployment.begun()
    sights = in_parallel(
        [
            partial(account.sight, str(found["type"]), found.get("inputs") or {}, own)
            for found in begun
        ]
    )
    return tuple(
        Kept(
            str(found["type"]),
            sight.id,
            f"a run was cut off while it made this, or it is somebody else's: {sight.foreign}",
        )
        for found, sight in zip(begun, sights, strict=True)
        if sight is not None and sight.foreign is not None
    )


def _kept(fates: Iterable[_Fate]) -> tuple[Kept, ...]:
    """What stays, without the settings of what stays."""
    return tuple(
        Kept(fate.type, fate.id, fate.reason)
        for fate in fates
        if fate.reason is not None and fate.parent is None
    )
