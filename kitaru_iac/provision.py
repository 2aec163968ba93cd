"""Making and ending the infrastructure of a stack, in any cloud: descriptions in, descriptions out.

The one entry for `lifecycle`, Python, MCP and Pulumi. Importing it imports neither Pulumi nor a
cloud's SDK; the local type never gets here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kitaru_iac.errors import KitaruError, NotFoundError
from kitaru_iac.plan import Action, Step
from kitaru_iac.results import Kept
from kitaru_iac.spec.kinds import Cloud, InfraMode
from kitaru_iac.spec.model import StackSpec

if TYPE_CHECKING:
    from kitaru_iac.clouds.target import Account, Target
    from kitaru_iac.engine.deployment import Deployment
    from kitaru_iac.engine.workspace import Backend
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

#: The Pulumi project of every deployment that the command makes; the stack's name is Pulumi's too.
PROJECT = "kitaru"
#: The labels of a stack's record that say where its infrastructure is kept in mind.
PROJECT_LABEL = "kitaru.pulumi.project"
STACK_LABEL = "kitaru.pulumi.stack"
BACKEND_LABEL = "kitaru.pulumi.backend"

Say = Callable[[str], None]
Consent = Callable[[str], bool]


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


@dataclass(frozen=True, slots=True)
class Destroyed:
    """Infrastructure that was taken down, or would be.

    Attributes:
        steps: What was deleted, or would be.
        kept: What stays, and why.
    """

    steps: tuple[Step, ...] = ()
    kept: tuple[Kept, ...] = ()


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
    with _existing(labels, credentials, progress, consent) as (deployment, _):
        return tuple(
            step for step in deployment.refresh_preview().steps() if step.action is not Action.KEEP
        )


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
    with _existing(labels, credentials, progress, consent) as (deployment, account):
        fates = _fates(
            deployment.resources(), account, include_protected=include_protected, data=delete_data
        )
        return Destroyed(
            tuple(fate.step(Action.DELETE) for fate in fates if fate.reason is None), _kept(fates)
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
    with _existing(labels, credentials, progress, consent) as (deployment, account):
        fates = _fates(
            deployment.resources(), account, include_protected=include_protected, data=delete_data
        )
        changed = {f.urn: f.reason is not None for f in fates if f.protected != bool(f.reason)}
        if changed:
            deployment.set_protection(changed)
        for fate in fates:
            if fate.reason is None and fate.holding is not None:
                if progress:
                    progress(f"Emptying {fate.id}")
                account.empty(fate.type, fate.id)
        done = deployment.destroy().steps()
        gone = tuple(step for step in done if step.action is not Action.KEEP)
        return Destroyed(gone, _kept(fates))


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
    with _deployment(place, target.program, progress, consent) as deployment:
        _equip(deployment, target.account, target.plugins)
        exists = deployment.exists()
        if not target.makes_anything and not exists:
            return Provisioned(_filled(spec, target.outputs))
        if exists:
            _same_place(deployment, target, spec)
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
    raise _no_cloud(spec.cloud.value if spec.cloud else "this machine")


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


# -- ending ----------------------------------------------------------------------------------------


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
        from kitaru_iac.plan import Layer

        return Step(action, self.type, self.id, Layer.INFRASTRUCTURE)


def _fates(
    resources: Iterable[Mapping[str, Any]], account: Account, *, include_protected: bool, data: bool
) -> list[_Fate]:
    """Decide for each resource.

    The settings of a thing share its fate: a bucket that stays must keep its public access block.
    """
    fates: dict[str, _Fate] = {}
    for resource in resources:
        kind, name, urn = str(resource["type"]), str(resource.get("id", "")), str(resource["urn"])
        protected = bool(resource.get("protect"))
        parent = fates.get(str(resource.get("parent")))
        holding = account.holds(kind, name)
        reason: str | None
        if parent is not None:
            reason = parent.reason
        elif protected and not include_protected:
            reason = "protected"
        elif holding is not None and not data:
            reason = holding
        else:
            reason = None
        above = parent.urn if parent else None
        fates[urn] = _Fate(urn, kind, name, protected, above, holding, reason)
    return list(fates.values())


def _kept(fates: Iterable[_Fate]) -> tuple[Kept, ...]:
    """What stays, without the settings of what stays."""
    return tuple(
        Kept(fate.type, fate.id, fate.reason)
        for fate in fates
        if fate.reason is not None and fate.parent is None
    )


@contextmanager
def _existing(
    labels: Mapping[str, str],
    credentials: Credentials | None,
    progress: Say | None,
    consent: Consent | None,
) -> Iterator[tuple[Deployment, Account]]:
    """A deployment that is there, with the account it is in."""
    place = (
        labels.get(PROJECT_LABEL, PROJECT),
        labels.get(STACK_LABEL, ""),
        labels.get(BACKEND_LABEL),
    )
    with _deployment(place, _nothing, progress, consent) as deployment:
        providers = deployment.providers()
        if not providers:
            raise NotFoundError(
                f"There is no deployment {place[1]!r}",
                where=deployment.backend.label,
                why="Its state is not in this backend, or it is empty.",
                remedy="Set PULUMI_BACKEND_URL to the backend that it was made with.",
            )
        account, plugins = _account(providers, credentials)
        _equip(deployment, account, plugins)
        yield deployment, account


def _account(
    providers: Iterable[Mapping[str, Any]], credentials: Credentials | None
) -> tuple[Account, tuple[tuple[str, str], ...]]:
    for provider in providers:
        if str(provider["type"]) == "pulumi:providers:aws":
            from kitaru_iac.clouds.aws.provision.target import account_of, plugins

            return account_of(credentials, provider.get("inputs") or {}), plugins()
    raise _no_cloud(", ".join(str(provider["type"]) for provider in providers))


def _nothing() -> None:
    """The program of a deployment that is only looked at or taken down."""


def _deployment(
    place: tuple[str, str, str | None],
    program: Callable[[], None],
    progress: Say | None,
    consent: Consent | None,
) -> Deployment:
    from kitaru_iac.engine.install import ensure_engine

    engine = ensure_engine(consent, progress=progress)
    from kitaru_iac.engine.deployment import Deployment

    project, stack, url = place
    return Deployment(
        project, stack, program, engine=engine, backend=_backend(url), progress=progress
    )


def _equip(deployment: Deployment, account: Account, plugins: tuple[tuple[str, str], ...]) -> None:
    from kitaru_iac.engine.deployment import Plugin

    needed = [Plugin(name, version) for name, version in plugins]
    deployment.equip(account.environment(), needed, account.identify)


def _backend(url: str | None) -> Backend:
    """The backend of a URL. A label has lost its secrets; the variable may have them still."""
    from kitaru_iac.engine.workspace import Backend, default_backend

    default = default_backend()
    return default if url is None or url == default.label else Backend.at(url)


def _no_cloud(cloud: str) -> KitaruError:
    return KitaruError(
        f"Infrastructure cannot be provisioned on {cloud} yet",
        why="It is on AWS only.",
        remedy="Make it yourself, and leave infra out or at `verify`.",
    )
