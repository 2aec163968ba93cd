"""The deployments behind stacks: opened in the engine, found from the labels of a record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from kitaru_iac.clouds import registry
from kitaru_iac.errors import DeploymentNotFound
from kitaru_iac.labels import BACKEND_LABEL, PROJECT_LABEL, STACK_LABEL
from kitaru_iac.values import dataclass, replace

if TYPE_CHECKING:
    from kitaru_iac.callbacks import ConfirmCallback, ProgressCallback
    from kitaru_iac.clouds.provider import Account, CloudProvider, Inputs, Sighting
    from kitaru_iac.engine.deployment import Deployment
    from kitaru_iac.engine.workspace import Backend
    from kitaru_iac.spec.credentials import Credentials

__all__ = [
    "BACKEND_LABEL",
    "PROJECT",
    "PROJECT_LABEL",
    "STACK_LABEL",
    "OwnedDeployment",
    "configured",
    "existing",
    "inputs_of",
    "opened",
    "require_same_place",
]

#: The Pulumi project of every deployment that the command makes; the stack's name is Pulumi's too.
PROJECT = "kitaru"


@dataclass(frozen=True, slots=True)
class OwnedDeployment:
    """A deployment, the account that it is in, and the marks of what is its own there.

    Attributes:
        engine: The deployment in the engine.
        account: Whom to ask what exists.
        marks: The tags that everything has that was made for it.
        unchanged: What changes nothing in the cloud when it is deleted: types, or ``TYPE::NAME``.
        inside: The types of what lies in its parent, and goes with it at the latest.
    """

    engine: Deployment
    account: Account
    marks: Mapping[str, str]
    unchanged: frozenset[str] = frozenset()
    inside: frozenset[str] = frozenset()

    def only_leaves(self, type: str, name: str) -> bool:
        """Tell whether a resource's deletion takes it out of the state and changes nothing else.

        Args:
            type: Its type in Pulumi.
            name: Its name there, or its URN, which ends with that.
        """
        return bool({type, f"{type}::{name.rpartition('::')[2]}"} & self.unchanged)

    def sight(self, type: str, inputs: Inputs) -> Sighting | None:
        """Look up what the cloud has under a resource's name, and whether it is ours.

        Raises:
            KitaruError: It cannot be told.
        """
        return self.account.sight(type, inputs, self.marks)


@contextmanager
def existing(
    labels: Mapping[str, str],
    credentials: Credentials | None,
    progress: ProgressCallback | None,
    consent: ConfirmCallback | None,
) -> Iterator[OwnedDeployment]:
    """Open a deployment that is there.

    Raises:
        DeploymentNotFound: It is not.
        DeploymentElsewhere: It is in another account than the credentials are of.
        NotAllowedError: There are no usable credentials of its cloud.
    """
    place = (
        labels.get(PROJECT_LABEL, PROJECT),
        labels.get(STACK_LABEL, ""),
        labels.get(BACKEND_LABEL),
    )
    with opened(place, _nothing, progress, consent) as deployment:
        providers = deployment.providers()
        if not providers:
            raise DeploymentNotFound(
                f"There is no deployment {place[1]!r}",
                where=deployment.backend.label,
                why="Its state is not in this backend, or it is empty.",
                remedy="Set PULUMI_BACKEND_URL to the backend that it was made with. If its state "
                "is lost, what was made still carries its tags: `kitaru infra delete "
                f"{place[1]} -f stack.yaml` lists it, and `kitaru stack create -f stack.yaml "
                "--take-back` takes it into a state here",
            )
        cloud, inputs = _made_on(providers)
        made_by = registry.provisioning(cloud.cloud)
        provision = made_by.load()
        account = provision.account_of(credentials, inputs)
        require_same_place(deployment, provision.place_of, account.place)
        owned = configured(deployment, account, provision.plugins(), log_in=cloud.log_in)
        yield replace(owned, unchanged=made_by.unchanged, inside=made_by.inside)


def require_same_place(
    deployment: Deployment,
    place_of: Callable[[Inputs], Mapping[str, str]],
    here: Mapping[str, str],
) -> None:
    """Refuse to work on a deployment from anywhere but where it is.

    To provision would make all anew there, and then delete it here. To destroy would look at, and
    empty, what has the same names there: a stack of the same name in another account of the user's
    carries the same tags.

    Args:
        deployment: The deployment, with its state.
        place_of: Where a provider of the state is.
        here: Where the credentials and the description lead.

    Raises:
        DeploymentElsewhere: That is not where it was made.
    """
    from kitaru_iac.engine.errors import DeploymentElsewhere

    for provider in deployment.providers():
        if registry.provider_behind(str(provider["type"])) is None:
            continue
        there = place_of(inputs_of(provider))
        differing = [key for key, value in here.items() if there.get(key) != value]
        if differing:
            raise DeploymentElsewhere(
                f"The infrastructure of stack {deployment.stack} is in "
                + ", ".join(f"{key} {there.get(key, '')}" for key in differing)
                + ", not in "
                + ", ".join(f"{key} {here[key]}" for key in differing),
                where=deployment.backend.label,
                why="A deployment stays where it was made.",
                remedy="Use the credentials and the region that it was made with, or another name.",
            )


def _made_on(providers: Sequence[Mapping[str, object]]) -> tuple[CloudProvider, Inputs]:
    """The first provider of the state that is a cloud's, and its inputs."""
    for provider in providers:
        cloud = registry.provider_behind(str(provider["type"]))
        if cloud is not None:
            return cloud, inputs_of(provider)
    raise registry.not_provisioned(", ".join(str(provider["type"]) for provider in providers))


def inputs_of(resource: Mapping[str, object]) -> Inputs:
    """Give the inputs of a resource of the state; empty where it has none."""
    return cast("Inputs", resource.get("inputs") or {})


def _nothing() -> None:
    """The program of a deployment that is only looked at or taken down."""


def opened(
    place: tuple[str, str, str | None],
    program: Callable[[], None],
    progress: ProgressCallback | None,
    consent: ConfirmCallback | None,
) -> Deployment:
    """Open a deployment, to be used in a `with` block.

    Args:
        place: Pulumi's project and stack, and the backend's URL or label.
        program: The inline program.
        progress: Gets one-line messages.
        consent: Asked before the engine is downloaded, if there is none.
    """
    from kitaru_iac.engine.install import ensure_engine

    engine = ensure_engine(consent, progress=progress)
    from kitaru_iac.engine.deployment import Deployment

    project, stack, url = place
    return Deployment(
        project, stack, program, engine=engine, backend=_backend(url), progress=progress
    )


def configured(
    deployment: Deployment,
    account: Account,
    plugins: tuple[tuple[str, str], ...],
    *,
    log_in: str | None,
) -> OwnedDeployment:
    """Give a deployment the identity and the plugins that it works with, and know what is its.

    Args:
        deployment: The deployment.
        account: Where it is.
        plugins: The provider plugins that it needs, as name and version.
        log_in: The command that logs in to its cloud, if there is one.
    """
    from kitaru_iac.clouds.provider import marks
    from kitaru_iac.engine.results import Plugin

    owned = OwnedDeployment(deployment, account, marks(deployment.project, deployment.stack))

    def identify(type: str, inputs: Inputs) -> str | None:
        seen = owned.sight(type, inputs)
        return seen.id if seen is not None and seen.foreign is None else None

    needed = [Plugin(name, version) for name, version in plugins]
    deployment.configure(account.environment(), needed, identify, log_in)
    return owned


def _backend(url: str | None) -> Backend:
    """The backend of a URL. A label has lost its secrets; the variable may have them still."""
    from kitaru_iac.engine.workspace import Backend, default_backend

    default = default_backend()
    return default if url is None or url == default.label else Backend.at(url)
