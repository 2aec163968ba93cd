"""What stays in a cloud although no state knows it: looked for by the deployment's marks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kitaru_iac.clouds import registry
from kitaru_iac.clouds.provider import Marked, marks
from kitaru_iac.errors import DeploymentNotFound, InfrastructureRemains, KitaruError
from kitaru_iac.notices import RemainsUnknown

if TYPE_CHECKING:
    from collections.abc import Collection

    from kitaru_iac.infrastructure.deployments import OwnedDeployment
    from kitaru_iac.spec.model import StackSpec

__all__ = ["require_nothing_marked", "require_nothing_remains", "require_nothing_unknown"]


def require_nothing_remains(spec: StackSpec, project: str, deployment: str, backend: str) -> None:
    """See that a deployment without a state has nothing in the cloud any more.

    Args:
        spec: The description that the stack's record has: where to look.
        project: The deployment's Pulumi project.
        deployment: Its Pulumi stack.
        backend: Where its state should be, without secrets.

    Raises:
        InfrastructureRemains: There is something, or not all questions were answered.
        KitaruError: Nobody can be asked.
    """
    if spec.cloud is None:
        raise KitaruError(
            f"What was provisioned for stack {spec.name} cannot be looked for",
            why="Its state is lost, and its record names no cloud.",
            remedy=_leave(spec.name),
        )
    found, where = _marked(spec, project, deployment)
    if found.found or found.unseen:
        raise _remains(spec.name, found, where, f"Its state is not in {backend}, or is lost.")


def require_nothing_marked(spec: StackSpec, project: str, deployment: str, backend: str) -> None:
    """Tell what is there of a deployment that has neither a state here nor a record.

    Args:
        spec: A description of its stack: where to look, and as whom.
        project: The deployment's Pulumi project.
        deployment: Its Pulumi stack.
        backend: Where its state would be, without secrets.

    Raises:
        InfrastructureRemains: There is something, or not all questions were answered.
        DeploymentNotFound: There is nothing: always raised else, since nothing was deleted.
    """
    if spec.cloud is None:
        where, found = "this machine", Marked()
    else:
        found, where = _marked(spec, project, deployment)
    if not found.found and not found.unseen:
        raise DeploymentNotFound(
            f"There is no deployment {deployment!r}, and nothing that carries its tags",
            where=f"{backend}; {where}",
            why="Somebody has taken it down, or it is in another account, region or backend.",
            remedy="See which deployments there are: kitaru infra list",
        )
    what = (
        f"What carries the tags of deployment {deployment!r} is still there; nothing was deleted"
        if found.found
        else f"Whether anything of deployment {deployment!r} is still there cannot be told"
    )
    remedy = (
        "Take it into a state here with `kitaru stack create -f FILE --take-back`, and delete that "
        "stack with `kitaru stack delete STACK --infra`; or delete by hand what is named here, and "
        "nothing else."
        if found.found
        else "Run it again as somebody who may look."
    )
    raise InfrastructureRemains(
        what,
        left=[sight.name for sight in found.found],
        where=where,
        why="\n".join([f"No state of it is in {backend}, and no stack has it.", *_unseen(found)]),
        remedy=remedy,
    )


def _marked(spec: StackSpec, project: str, deployment: str) -> tuple[Marked, str]:
    """What carries the marks where a description leads, and where that is, in words."""
    assert spec.cloud is not None
    account = registry.provisioning(spec.cloud).load().account_for(spec)
    where = ", ".join(f"{key} {value}" for key, value in account.place.items())
    return account.marked(marks(project, deployment)), where


def _unseen(found: Marked) -> list[str]:
    return [f"Not all could be looked at: {one}" for one in found.unseen]


def require_nothing_unknown(
    owned: OwnedDeployment, known: Collection[str]
) -> tuple[RemainsUnknown, ...]:
    """See that after a deletion nothing stays but what is known to.

    Args:
        owned: The deployment, taken down as far as its state goes.
        known: The ids and other names of what stays and is said to, or was deleted just now.

    Returns:
        What could not be looked at: it may be denied to whoever may delete all that was made.

    Raises:
        InfrastructureRemains: There is more that carries its marks.
    """
    found = owned.account.marked(owned.marks)
    spelled = {name.casefold() for name in known}  # clouds list one id in upper and lower case
    more = tuple(sight for sight in found.found if sight.id.casefold() not in spelled)
    if more:
        where = ", ".join(f"{key} {value}" for key, value in owned.account.place.items())
        why = "The state did not know it: it is of another backend, or older than what was made."
        raise _remains(owned.engine.stack, Marked(more, found.unseen), where, why)
    if not found.unseen:
        return ()
    lines = [f"Whether anything else of stack {owned.engine.stack} is there was not seen in full."]
    return (RemainsUnknown("\n".join([*lines, *_unseen(found)])),)


def _remains(stack: str, found: Marked, where: str, why: str) -> InfrastructureRemains:
    if not found.found:
        what = f"Whether anything of stack {stack} is still there cannot be told"
    else:
        what = f"What was made for stack {stack} is still there, and its record was not deleted"
    unseen = _unseen(found)
    ways = [
        (
            "Set PULUMI_BACKEND_URL to the backend that it was made with, or take it back into a "
            "state with `kitaru stack apply -f stack.yaml --take-back`, and delete the stack again"
        )
    ]
    if found.found:
        # A name of ours alone may be somebody else's: such is not among what is named.
        unseen.insert(0, "All that is named carries the deployment's tags.")
        ways.append("or delete by hand what is named here")
    else:
        ways.append("or run it again as somebody who may look")
    return InfrastructureRemains(
        what,
        left=[sight.name for sight in found.found],
        where=where,
        why="\n".join([why, *unseen]),
        remedy=f"{'; '.join(ways)}. {_leave(stack)}",
    )


def _leave(stack: str) -> str:
    return (
        f"See whose the record is: kitaru stack show {stack}. "
        f"It alone goes with: kitaru stack delete {stack} --keep-infra"
    )
