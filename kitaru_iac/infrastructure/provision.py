"""Making and ending the infrastructure of a stack, in any cloud: descriptions in, descriptions out.

The one entry for `lifecycle`, Python, MCP and Pulumi. Importing it imports neither Pulumi nor a
cloud's SDK; the local type never gets here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from kitaru_iac.infrastructure.deployments import (
    BACKEND_LABEL,
    PROJECT,
    PROJECT_LABEL,
    STACK_LABEL,
    Consent,
    Say,
    equip,
    existing,
    no_cloud,
    opened,
)
from kitaru_iac.infrastructure.destroy import Destroyed, destroy_infrastructure, preview_destroy
from kitaru_iac.plan.model import Action, Step
from kitaru_iac.spec.kinds import Cloud, InfraMode
from kitaru_iac.spec.model import StackSpec

if TYPE_CHECKING:
    from kitaru_iac.clouds.provider import Claim, Target
    from kitaru_iac.engine.deployment import Deployment
    from kitaru_iac.spec.credentials import Credentials

__all__ = [
    "BACKEND_LABEL",
    "PROJECT",
    "PROJECT_LABEL",
    "STACK_LABEL",
    "Destroyed",
    "Provisioned",
    "destroy_infrastructure",
    "drift",
    "preview_destroy",
    "preview_infrastructure",
    "provision",
]


@dataclass(frozen=True, slots=True)
class Provisioned:
    """Infrastructure that was made, or would be.

    Attributes:
        spec: The description, with what was named for it filled in.
        steps: What was done, or would be.
        labels: For the stack's record: where the deployment is. Empty where there is none.
    """

    spec: StackSpec
    steps: tuple[Step, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def has_changes(self) -> bool:
        """Whether anything was done, or would be."""
        return any(step.action is not Action.KEEP for step in self.steps)


def preview_infrastructure(
    spec: StackSpec,
    *,
    progress: Say | None = None,
    consent: Consent | None = None,
    backend: str | None = None,
) -> Provisioned:
    """What `provision` would do, compared with what the cloud has now. Writes nothing.

    The description that it gives is filled with the names that will be given.

    Args:
        spec: The description. Without ``infra: provision`` it comes back as it is.
        progress: Gets one-line messages; an `engine.progress.View` sees every event.
        consent: Asked before the engine is downloaded, if there is none. None means no.
        backend: The URL of Pulumi's backend; else `$PULUMI_BACKEND_URL`, else our own.

    Raises:
        DescriptionError: It cannot be made as described.
        NotAllowedError: There are no usable credentials of the cloud.
        MissingPackages: The cloud's packages are not installed.
        EngineError: See `kitaru_iac.engine.errors`.
    """
    return _carry_out(spec, progress, consent, backend, dry=True)


def provision(
    spec: StackSpec,
    *,
    progress: Say | None = None,
    consent: Consent | None = None,
    backend: str | None = None,
) -> Provisioned:
    """Make the infrastructure of a description. Where an earlier run ended, this one goes on.

    Args and errors are those of `preview_infrastructure`.

    Returns:
        The description, filled from the outputs.
    """
    return _carry_out(spec, progress, consent, backend, dry=False)


def drift(
    labels: Mapping[str, str],
    *,
    credentials: Credentials | None = None,
    progress: Say | None = None,
    consent: Consent | None = None,
) -> tuple[Step, ...]:
    """What differs between the cloud and what was made there. Writes nothing.

    Args:
        labels: Of the stack's record.
        credentials: Whose; None for this process's own.
        progress: Gets one-line messages.
        consent: Asked before the engine is downloaded, if there is none.

    Raises:
        NotFoundError: There is no such deployment.
        NotAllowedError: There are no usable credentials of the cloud.
        EngineError: See `kitaru_iac.engine.errors`.
    """
    with existing(labels, credentials, progress, consent) as (deployment, _):
        return tuple(
            step for step in deployment.refresh_preview().steps() if step.action is not Action.KEEP
        )


# -- making ----------------------------------------------------------------------------------------


def _carry_out(
    spec: StackSpec,
    progress: Say | None,
    consent: Consent | None,
    backend: str | None,
    *,
    dry: bool,
) -> Provisioned:
    if spec.infra is not InfraMode.PROVISION or spec.cloud is None:
        return Provisioned(spec)
    target = _target(spec)
    place = (PROJECT, spec.name, backend)
    with opened(place, target.program, progress, consent) as deployment:
        equip(deployment, target.account, target.plugins)
        exists = deployment.exists()
        if not target.makes_anything and not exists:
            return Provisioned(_filled(spec, target.outputs))
        if exists:
            _same_place(deployment, target, spec)
        _insist_on_own_names(deployment, target, spec)
        labels = {
            PROJECT_LABEL: deployment.project,
            STACK_LABEL: deployment.stack,
            BACKEND_LABEL: deployment.backend.label,
        }
        if dry:
            result = deployment.preview()
            return Provisioned(_filled(spec, target.outputs), result.steps(target.names), labels)
        result = deployment.up()
        outputs = {key: result.outputs.get(key) for key in target.outputs}
        return Provisioned(_filled(spec, outputs), result.steps(target.names), labels)


def _target(spec: StackSpec) -> Target:
    if spec.cloud is Cloud.AWS:
        from kitaru_iac.clouds.aws.provision.target import target

        return target(spec)
    raise no_cloud(spec.cloud.value if spec.cloud else "this machine")


def _filled(spec: StackSpec, outputs: Mapping[str, Any]) -> StackSpec:
    from kitaru_iac.clouds.aws.provision.layout import filled

    return filled(spec, dict(outputs))


def _same_place(deployment: Deployment, target: Target, spec: StackSpec) -> None:
    """Refuse to move a deployment: all would be made anew elsewhere, and then deleted here."""
    from kitaru_iac.engine.errors import DeploymentElsewhere

    for provider in deployment.providers():
        there = target.place_of(provider.get("inputs") or {})
        differing = [key for key, value in target.place.items() if there.get(key) != value]
        if differing:
            raise DeploymentElsewhere(
                f"The infrastructure of stack {spec.name} is in "
                + ", ".join(f"{key} {there[key]}" for key in differing)
                + ", not in "
                + ", ".join(f"{key} {target.place[key]}" for key in differing),
                where=deployment.backend.label,
                why="A deployment stays where it was made.",
                remedy="Use the credentials and the region that it was made with, or another name.",
            )


def _insist_on_own_names(deployment: Deployment, target: Target, spec: StackSpec) -> None:
    """Refuse to make anything while a name is taken by what is not this deployment's.

    What the state knows is looked at too: since the last run it may have been deleted, and made
    anew by somebody else.
    """
    from kitaru_iac.checks.probes import in_parallel
    from kitaru_iac.clouds.provider import marks
    from kitaru_iac.errors import AlreadyExistsError

    own = marks(deployment.project, deployment.stack)
    sights = in_parallel(
        [partial(target.account.sight, claim.type, claim.inputs, own) for claim in target.claims]
    )
    seen = [(claim, sight) for claim, sight in zip(target.claims, sights, strict=True) if sight]
    begun = deployment.begun()
    taken = [(claim, sight) for claim, sight in seen if sight.foreign is not None]
    if taken:
        why = [f"{sight.name}: {sight.foreign}" for _, sight in taken]
        if any(_is_among(begun, claim) for claim, _ in taken):
            why.append(
                "An earlier run was cut off while it made one of them. If you know that it is that "
                "run's, delete it, and run this again."
            )
        raise AlreadyExistsError(
            f"Stack {spec.name} would take names of what was not made for it: "
            + ", ".join(sight.name for _, sight in taken),
            where=", ".join(f"{key} {value}" for key, value in target.place.items()),
            why="\n".join(why),
            remedy="Nothing was changed. Use what is there (`resources: {bucket: existing}`), or "
            "choose other names.",
        )
    known = {(str(found["type"]), str(found.get("id", ""))) for found in deployment.resources()}
    lost = [
        sight.name
        for claim, sight in seen
        if (claim.type, sight.id) not in known and not _is_among(begun, claim)
    ]
    if lost:
        raise AlreadyExistsError(
            f"Made for stack {spec.name}, and not in the state of its infrastructure: "
            + ", ".join(lost),
            where=deployment.backend.label,
            why="The state is in another backend, or was lost.",
            remedy="Nothing was changed. Set PULUMI_BACKEND_URL to the backend that it was made "
            "with. If that is lost, delete what is named here, or use it as it is "
            "(`resources: {bucket: existing}`).",
        )


def _is_among(resources: Iterable[Mapping[str, Any]], claim: Claim) -> bool:
    """Whether one of these resources of a state is the one that a claim names."""
    return any(
        found["type"] == claim.type
        and all((found.get("inputs") or {}).get(key) == name for key, name in claim.inputs.items())
        for found in resources
    )
