"""Making the infrastructure of a stack, in any cloud: descriptions in, descriptions out.

Importing it imports neither Pulumi nor a cloud's SDK; the local type never gets here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from kitaru_iac.clouds import registry
from kitaru_iac.clouds.outputs import filled
from kitaru_iac.engine.events import name_of
from kitaru_iac.engine.patience import awaited
from kitaru_iac.engine.progress import as_view
from kitaru_iac.errors import DeploymentNotFound, KitaruError
from kitaru_iac.infrastructure import namespaces
from kitaru_iac.infrastructure.deletion_protection import (
    guards_any,
    require_claimed,
    require_unreplaced,
)
from kitaru_iac.infrastructure.deployments import (
    BACKEND_LABEL,
    PROJECT,
    PROJECT_LABEL,
    STACK_LABEL,
    configured,
    existing,
    opened,
    require_same_place,
)
from kitaru_iac.infrastructure.held_data import require_kept
from kitaru_iac.infrastructure.ownership import require_own_names
from kitaru_iac.infrastructure.results import InfrastructureResult, new_beside, new_ones
from kitaru_iac.notices import KitaruWarning, LeftToDo, NotReadyYet
from kitaru_iac.plan.model import Action, Step
from kitaru_iac.spec.kinds import InfraMode
from kitaru_iac.spec.model import StackSpec
from kitaru_iac.values import replace

if TYPE_CHECKING:
    from kitaru_iac.callbacks import ConfirmCallback, ProgressCallback
    from kitaru_iac.clouds.provider import Provisioning, Sighting, Target
    from kitaru_iac.engine.deployment import Deployment
    from kitaru_iac.infrastructure.deployments import OwnedDeployment
    from kitaru_iac.spec.credentials import Credentials

__all__ = ["drift", "preview_infrastructure", "provision"]


def preview_infrastructure(
    spec: StackSpec,
    *,
    progress: ProgressCallback | None = None,
    consent: ConfirmCallback | None = None,
    backend: str | None = None,
    take_back: bool = False,
) -> InfrastructureResult:
    """Tell what `provision` would do, compared with what the cloud has now. Writes nothing.

    The description that it gives is filled with the names that will be given.

    Args:
        spec: The description. Without ``infra: provision`` it comes back as it is.
        progress: Gets one-line messages; an `engine.progress.View` sees every event.
        consent: Asked before the engine is downloaded, if there is none. None means no.
        backend: The URL of Pulumi's backend; else `$PULUMI_BACKEND_URL`, else our own.
        take_back: Put what carries the deployment's marks, and is not in its state, into it. Where
            another backend has a state of it too, that one must not be used any more.

    Raises:
        DescriptionError: It cannot be made as described.
        NotAllowedError: There are no usable credentials of the cloud.
        ResourceProtected: A cluster whose deletion protection is on would be deleted or replaced.
        MissingPackages: The cloud's packages are not installed.
        EngineError: See `kitaru_iac.engine.errors`.
    """
    return _execute(spec, progress, consent, backend, dry_run=True, take_back=take_back)


def provision(
    spec: StackSpec,
    *,
    progress: ProgressCallback | None = None,
    consent: ConfirmCallback | None = None,
    backend: str | None = None,
    take_back: bool = False,
) -> InfrastructureResult:
    """Make the infrastructure of a description. Resumes where an earlier run ended.

    Args and errors are those of `preview_infrastructure`.

    Returns:
        The description, filled from the outputs.
    """
    return _execute(spec, progress, consent, backend, dry_run=False, take_back=take_back)


def drift(
    labels: Mapping[str, str],
    *,
    credentials: Credentials | None = None,
    progress: ProgressCallback | None = None,
    consent: ConfirmCallback | None = None,
) -> tuple[Step, ...]:
    """Tell what differs between the cloud and what was made there. Writes nothing.

    Args:
        labels: Of the stack's record.
        credentials: Whose; None for this process's own.
        progress: Gets one-line messages.
        consent: Asked before the engine is downloaded, if there is none.

    Raises:
        NotFoundError: There is no such deployment, or its state holds nothing that was made.
        NotAllowedError: There are no usable credentials of the cloud.
        EngineError: See `kitaru_iac.engine.errors`.
        KitaruError: A run was cut off, and how it ended is not known.
    """
    with existing(labels, credentials, progress, consent) as owned:
        found = owned.engine.refresh_preview()
        steps = tuple(step for step in found.steps() if step.action is not Action.KEEP)
        if not steps:
            _require_known(owned.engine)
        return steps


def _require_known(deployment: Deployment) -> None:
    """Refuse to call a state as it is in the cloud that may lack something, or knows nothing."""
    begun = [name_of(str(resource["urn"])) for resource in deployment.begun()]
    if begun:
        raise KitaruError(
            f"What a run has begun to make is not in the state: {', '.join(begun)}",
            where=deployment.backend.label,
            why="The run was cut off, or is under way.",
            remedy="Repeat it: the next run finds out how it ended",
        )
    if not deployment.resources():
        raise DeploymentNotFound(
            "Nothing that was made is in the state of this deployment any more",
            where=deployment.backend.label,
            why="It was destroyed, or its resources were taken out of the state.",
            remedy="Make it again: kitaru stack apply",
        )


# -- making ----------------------------------------------------------------------------------------


def _execute(
    spec: StackSpec,
    progress: ProgressCallback | None,
    consent: ConfirmCallback | None,
    backend: str | None,
    *,
    dry_run: bool,
    take_back: bool,
) -> InfrastructureResult:
    if spec.infra is not InfraMode.PROVISION or spec.cloud is None:
        return InfrastructureResult(spec)
    made_by = registry.provisioning(spec.cloud).load()
    target = made_by.target(spec)
    place = (PROJECT, spec.name, backend)
    view = as_view(progress)
    view.names = target.names
    with opened(place, target.program, view, consent) as deployment:
        log_in = registry.provider(spec.cloud).log_in
        owned = configured(deployment, target.account, target.plugins, log_in=log_in)
        exists = deployment.exists()
        if not target.makes_anything and not exists:
            return InfrastructureResult(filled(spec, target.outputs))
        if exists:
            require_same_place(deployment, made_by.place_of, target.place)
        locked = require_own_names(owned, target, spec.name, take_back=take_back)
        require_claimed(owned, target.claims)
        labels = {
            PROJECT_LABEL: deployment.project,
            STACK_LABEL: deployment.stack,
            BACKEND_LABEL: deployment.backend.label,
        }
        if dry_run:
            for note in target.notes:
                view(note)
        warnings: tuple[KitaruWarning, ...] = ()
        if dry_run:
            result = deployment.preview(take_back=take_back)
            _require_nothing_lost(owned, result.steps(), locked)
        else:
            if guards_any(owned, locked) or spec.infrastructure.keep_data is False:
                # Else a replacement is refused in its middle, with what stands on it gone, or goes
                # through with the data.
                planned = deployment.preview(take_back=take_back)
                _require_nothing_lost(owned, planned.steps(), locked)
            result = deployment.up(take_back=take_back, passing=target.passing)
            if target.late is not None and (what := awaited(target.late, view)) is not None:
                warnings = (NotReadyYet(f"{what}, and was not waited for any longer."),)
        outputs = (
            target.outputs if dry_run else {key: result.outputs.get(key) for key in target.outputs}
        )
        steps = result.steps(target.names)
        if not dry_run and any(step.action is Action.CREATE for step in steps):
            warnings = (*(LeftToDo(note) for note in target.notes), *warnings)
        kinds = registry.provisioning(spec.cloud)
        inside = _inside(target, owned.marks, steps, kinds.named.get("cluster"), view, dry_run)
        steps, warnings = (*steps, *inside.steps), (*warnings, *inside.warnings)
        return _with_new(
            InfrastructureResult(filled(spec, outputs), steps, labels, warnings=warnings), kinds
        )


def _with_new(found: InfrastructureResult, kinds: Provisioning) -> InfrastructureResult:
    """The same, with what of it is new."""
    own = {namespaces.KIND: namespaces.KIND}
    named, words = {**kinds.named, **own}, {**kinds.beside, **own}
    return replace(
        found,
        made=new_ones(found.spec, named, found.steps),
        beside=new_beside(words, named, found.spec, found.steps),
    )


def _inside(
    target: Target,
    marks: Mapping[str, str],
    steps: Sequence[Step],
    cluster: str | None,
    say: ProgressCallback,
    dry_run: bool,
) -> namespaces.Inside:
    """See to what is to be in the cluster that a run makes, once that is there."""
    wanted = target.namespace
    if wanted is None or cluster is None:
        return namespaces.Inside()
    new = namespaces.is_new(cluster, steps)
    if dry_run:
        return namespaces.looked_at(wanted, new=new)
    return namespaces.made(wanted, marks, say, new=new)


def _require_nothing_lost(
    owned: OwnedDeployment, steps: Sequence[Step], locked: Mapping[str, Sighting]
) -> None:
    """Refuse a plan that the cloud would refuse in its middle, or that takes data with it.

    Raises:
        ResourceProtected: It does.
    """
    require_unreplaced(owned, steps, locked)
    require_kept(owned, steps)
