"""What stays in a cloud although no state knows it: looked for by the deployment's marks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kitaru_iac.clouds import registry
from kitaru_iac.clouds.provider import Marked, marks
from kitaru_iac.errors import (
    DeploymentNotFound,
    DescriptionError,
    InfrastructureRemains,
    KitaruError,
)
from kitaru_iac.notices import RemainsUnknown

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from kitaru_iac.clouds.provider import Account
    from kitaru_iac.infrastructure.deployments import OwnedDeployment
    from kitaru_iac.infrastructure.results import Destroyed
    from kitaru_iac.spec.model import StackSpec

__all__ = ["require_nothing_marked", "require_nothing_remains", "require_nothing_unknown"]

_WITH_STATE = (
    "Set PULUMI_BACKEND_URL to the backend that it was made with, or take it back into a state "
    "with `kitaru stack apply -f stack.yaml --take-back`, and delete the stack again"
)
_BY_HAND = "or delete by hand what is named here"


def require_nothing_remains(spec: StackSpec, project: str, deployment: str, backend: str) -> None:
    """See that a deployment without a state has nothing in the cloud any more.

    Args:
        spec: The description that the stack's record has: where to look.
        project: The deployment's Pulumi project.
        deployment: Its Pulumi stack.
        backend: Where its state should be, without secrets.

    Raises:
        InfrastructureRemains: There is something, or not all questions were answered, or they went
            to another account than the record's.
        KitaruError: Nobody can be asked.
    """
    if spec.cloud is None:
        raise KitaruError(
            f"What was provisioned for stack {spec.name} cannot be looked for",
            why="Its state is lost, and its record names no cloud.",
            remedy=_leave(spec.name),
        )
    provision = registry.provisioning(spec.cloud).load()
    lost = f"Its state is not in {backend}, or is lost."
    try:
        account = provision.account_for(spec)
    except DescriptionError as error:  # a record holds less than a description
        lacks = "; ".join(problem.what for problem in error.problems)
        why = f"{lost} Its record does not tell where it was made: {lacks}."
        raise _untold(spec.name, None, why, [_WITH_STATE]) from error
    _require_place_of_record(spec.name, account.place, provision.told_by(spec), lost)
    found = account.marked(marks(project, deployment))
    if found.found or found.unseen:
        raise _remains(spec.name, found, account, lost)


def _require_place_of_record(
    stack: str,
    here: Mapping[str, str],
    told: Mapping[str, frozenset[str]],
    lost: str,
) -> None:
    """See that a look goes where a stack's record says that it was made.

    A record has no credentials. Those of this process may be of another account, which has nothing
    of the stack, or has a namesake's.

    Args:
        stack: The stack.
        here: Where these credentials look.
        told: What the record tells of that.
        lost: Why the state does not tell it.

    Raises:
        InfrastructureRemains: They look elsewhere, or the record does not tell where it was made.
    """
    for key, named in told.items():
        if named == {here[key]}:
            continue
        ways = [_WITH_STATE]
        if len(named) == 1:
            (other,) = named
            why = f"Its record names {key} {other}, which was not looked at."
            ways.append(f"or run it again with credentials of {key} {other}")
        elif named:
            why = f"Its record names more than one {key}: {', '.join(sorted(named))}."
        else:
            why = f"Its record does not tell in which {key} it was made."
        raise _untold(stack, _in_words(here), f"{lost} {why}", ways)


def _untold(stack: str, where: str | None, why: str, ways: Sequence[str]) -> InfrastructureRemains:
    return InfrastructureRemains(
        f"Whether anything of stack {stack} is still there cannot be told",
        where=where,
        why=why,
        remedy=f"{'; '.join(ways)}. {_leave(stack)}",
    )


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
    return account.marked(marks(project, deployment)), _in_words(account.place)


def _in_words(place: Mapping[str, str]) -> str:
    return ", ".join(f"{key} {value}" for key, value in place.items())


def _unseen(found: Marked) -> list[str]:
    return [f"Not all could be looked at: {one}" for one in found.unseen]


def require_nothing_unknown(
    owned: OwnedDeployment, known: Collection[str], done: Destroyed, *, recorded: bool
) -> tuple[RemainsUnknown, ...]:
    """See that after a deletion nothing stays but what is known to.

    Args:
        owned: The deployment, taken down as far as its state goes.
        known: The ids and other names of what stays and is said to, or was deleted just now.
        done: What was done, which the error tells.
        recorded: Whether a stack's record names the deployment.

    Returns:
        What could not be looked at: it may be denied to whoever may delete all that was made.

    Raises:
        InfrastructureRemains: There is more that carries its marks.
    """
    found = owned.account.marked(owned.marks)
    spelled = {name.casefold() for name in known}  # clouds list one id in upper and lower case
    more = tuple(sight for sight in found.found if sight.id.casefold() not in spelled)
    stack = owned.engine.stack
    if more:
        why = "The state did not know it: it is of another backend, or older than what was made."
        why = "\n".join([why, *_done(done)])
        seen = Marked(more, found.unseen)
        raise (
            _remains(stack, seen, owned.account, why)
            if recorded
            else _more(stack, seen, owned.account, why)
        )
    if not found.unseen:
        return ()
    lines = [f"Whether anything else of stack {stack} is there was not seen in full."]
    return (RemainsUnknown("\n".join([*lines, *_unseen(found)])),)


def _done(done: Destroyed) -> list[str]:
    """What a deletion did before it failed: its result is lost with the error."""
    parts = {
        "Deleted": [step.name for step in done.steps],
        "Kept": [part.name for part in done.kept],
        "Forgotten": [part.name for part in done.forgotten],
    }
    return [f"{word}: {', '.join(names)}." for word, names in parts.items() if names]


def _remains(stack: str, found: Marked, account: Account, why: str) -> InfrastructureRemains:
    """What to say where a stack's record stays."""
    if not found.found:
        what = f"Whether anything of stack {stack} is still there cannot be told"
    else:
        what = f"What was made for stack {stack} is still there, and its record was not deleted"
    by_hand = _BY_HAND if found.found else "or run it again as somebody who may look"
    return InfrastructureRemains(
        what,
        left=[sight.name for sight in found.found],
        where=_in_words(account.place),
        why=_told(found, why),
        remedy=f"{_WITH_STATE}; {by_hand}. {_leave(stack)}",
    )


def _more(deployment: str, found: Marked, account: Account, why: str) -> InfrastructureRemains:
    """What to say where no record names the deployment."""
    return InfrastructureRemains(
        f"More was made for deployment {deployment} than its state knew, and is still there",
        left=[sight.name for sight in found.found],
        where=_in_words(account.place),
        why=_told(found, why),
        remedy="Set PULUMI_BACKEND_URL to the backend that it was made with, and run the same "
        "command again; or take it into a state here with `kitaru stack create -f FILE "
        "--take-back`, and delete that stack with `kitaru stack delete STACK --recursive --infra`; "
        f"{_BY_HAND}.",
    )


def _told(found: Marked, why: str) -> str:
    # A name of ours alone may be somebody else's: such is not among what is named.
    tagged = ["All that is named carries the deployment's tags."] if found.found else []
    return "\n".join([why, *tagged, *_unseen(found)])


def _leave(stack: str) -> str:
    return (
        f"See whose the record is: kitaru stack show {stack}. "
        f"It alone goes with: kitaru stack delete {stack} --keep-infra; its components too with "
        "--recursive added"
    )
