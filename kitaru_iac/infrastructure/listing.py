"""The deployments of a backend, and what each of them holds, whether or not a stack has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from kitaru_iac.infrastructure.deployments import PROJECT, inputs_of, opened
from kitaru_iac.infrastructure.ownership import things
from kitaru_iac.labels import BACKEND_LABEL, PROJECT_LABEL, STACK_LABEL
from kitaru_iac.values import dataclass

if TYPE_CHECKING:
    from kitaru_iac.callbacks import ConfirmCallback, ProgressCallback

__all__ = ["HeldDeployment", "deployments", "labels_of"]


@dataclass(frozen=True, slots=True)
class HeldDeployment:
    """A deployment in a backend.

    Attributes:
        name: Pulumi's stack, which is the name of the stack that it was made for.
        labels: Those by which a stack's record names it.
        updated: When it was last updated, in ISO 8601; None if never.
        holds: What its state holds, as Pulumi's type and the cloud's name, without settings.
        problem: Why that may not be all: its state could not be read, or a creation was cut off.
    """

    name: str
    labels: Mapping[str, str]
    updated: str | None
    holds: tuple[tuple[str, str], ...] = ()
    problem: str | None = None


def labels_of(name: str) -> dict[str, str]:
    """Give the labels of the deployment of this name in the backend that is used here."""
    from kitaru_iac.engine.workspace import default_backend

    return {PROJECT_LABEL: PROJECT, STACK_LABEL: name, BACKEND_LABEL: default_backend().label}


def deployments(
    *,
    progress: ProgressCallback | None = None,
    consent: ConfirmCallback | None = None,
) -> tuple[HeldDeployment, ...]:
    """List the deployments of the backend that is used here: `$PULUMI_BACKEND_URL`, else our own.

    No cloud is asked.

    Args:
        progress: Gets one-line messages.
        consent: Asked before the engine is downloaded, if there is none.

    Raises:
        EngineError: See `kitaru_iac.engine.errors`. One state that cannot be read is a problem of
            its own row.
    """
    from kitaru_iac.engine.install import ensure_engine

    engine = ensure_engine(consent, progress=progress)
    from kitaru_iac.engine.listing import list_deployments
    from kitaru_iac.engine.workspace import default_backend
    from kitaru_iac.errors import EngineError

    found = []
    for name, updated in list_deployments(PROJECT, engine, default_backend()).items():
        labels = labels_of(name)
        try:
            with opened((PROJECT, name, None), _nothing, progress, consent) as deployment:
                held = things(deployment.resources())
                problem = _cut_off(deployment.begun())
        except EngineError as error:
            problem = " ".join(str(error).split())
            found.append(HeldDeployment(name, labels, updated, problem=problem))
        else:
            found.append(HeldDeployment(name, labels, updated, held, problem))
    return tuple(found)


def _cut_off(begun: Sequence[Mapping[str, object]]) -> str | None:
    """Why what a state holds may not be all; None if no creation has been begun and not ended."""
    what = ", ".join(
        f"{_name(resource)} ({resource['type']})"
        for resource in begun
        if not str(resource["type"]).startswith("pulumi:")
    )
    return f"a run was cut off, or is under way: {what} may be there" if what else None


def _name(resource: Mapping[str, object]) -> str:
    """The cloud's name for what has no id yet, else Pulumi's."""
    inputs = inputs_of(resource)
    own = (inputs.get(key) for key in ("name", "bucket"))
    named = next((name for name in own if isinstance(name, str)), None)
    return named or str(resource.get("urn")).rpartition("::")[2]


def _nothing() -> None:
    """The program of a deployment that is only looked at."""
