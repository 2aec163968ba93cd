"""The deployments behind stacks: opened in the engine, found from the labels of a record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from kitaru_iac.errors import KitaruError, NotFoundError
from kitaru_iac.gateway.labels import BACKEND_LABEL, PROJECT_LABEL, STACK_LABEL

if TYPE_CHECKING:
    from kitaru_iac.clouds.provider import Account
    from kitaru_iac.engine.deployment import Deployment
    from kitaru_iac.engine.workspace import Backend
    from kitaru_iac.spec.credentials import Credentials

__all__ = [
    "BACKEND_LABEL",
    "PROJECT",
    "PROJECT_LABEL",
    "STACK_LABEL",
    "Consent",
    "Say",
    "equip",
    "existing",
    "no_cloud",
    "opened",
]

#: The Pulumi project of every deployment that the command makes; the stack's name is Pulumi's too.
PROJECT = "kitaru"

#: Gets one-line messages.
Say = Callable[[str], None]
#: Asked a question before something is downloaded.
Consent = Callable[[str], bool]


@contextmanager
def existing(
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
    with opened(place, _nothing, progress, consent) as deployment:
        providers = deployment.providers()
        if not providers:
            raise NotFoundError(
                f"There is no deployment {place[1]!r}",
                where=deployment.backend.label,
                why="Its state is not in this backend, or it is empty.",
                remedy="Set PULUMI_BACKEND_URL to the backend that it was made with.",
            )
        account, plugins = _account(providers, credentials)
        equip(deployment, account, plugins)
        yield deployment, account


def _account(
    providers: Iterable[Mapping[str, Any]], credentials: Credentials | None
) -> tuple[Account, tuple[tuple[str, str], ...]]:
    for provider in providers:
        if str(provider["type"]) == "pulumi:providers:aws":
            from kitaru_iac.clouds.aws.provision.target import account_of, plugins

            return account_of(credentials, provider.get("inputs") or {}), plugins()
    raise no_cloud(", ".join(str(provider["type"]) for provider in providers))


def _nothing() -> None:
    """The program of a deployment that is only looked at or taken down."""


def opened(
    place: tuple[str, str, str | None],
    program: Callable[[], None],
    progress: Say | None,
    consent: Consent | None,
) -> Deployment:
    """A deployment, to be used in a `with` block.

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


def equip(deployment: Deployment, account: Account, plugins: tuple[tuple[str, str], ...]) -> None:
    """Give a deployment the identity and the plugins that it works with."""
    from kitaru_iac.clouds.provider import marks
    from kitaru_iac.engine.deployment import Plugin

    own = marks(deployment.project, deployment.stack)

    def identify(type: str, inputs: Mapping[str, Any]) -> str | None:
        seen = account.sight(type, inputs, own)
        return seen.id if seen is not None and seen.foreign is None else None

    needed = [Plugin(name, version) for name, version in plugins]
    deployment.equip(account.environment(), needed, identify)


def _backend(url: str | None) -> Backend:
    """The backend of a URL. A label has lost its secrets; the variable may have them still."""
    from kitaru_iac.engine.workspace import Backend, default_backend

    default = default_backend()
    return default if url is None or url == default.label else Backend.at(url)


def no_cloud(cloud: str) -> KitaruError:
    """What is said of a cloud that nobody has taught to provision."""
    return KitaruError(
        f"Infrastructure cannot be provisioned on {cloud} yet",
        why="It is on AWS only.",
        remedy="Make it yourself, and leave infra out or at `verify`.",
    )
