"""The namespace of a stack's pods, in the cluster that was made for the stack.

No resource of the engine's: that would take a provider of Kubernetes, which has to reach the
cluster in every preview and deletion, and a cluster need not let in whoever works on it. So the
cluster's API is asked, by the identity that makes the rest, and is told once. What is there stays
as it is, whoever made it, and goes with the cluster. Where nobody could look it is a warning: what
was made stands.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from kitaru_iac.checks.kubernetes_api import NotInCluster
from kitaru_iac.checks.probes import ProbeError
from kitaru_iac.notices import KitaruWarning, NamespaceNotMade
from kitaru_iac.plan.model import Action, Layer, Reason, Step
from kitaru_iac.values import dataclass

if TYPE_CHECKING:
    from kitaru_iac.clouds.provider import NewNamespace

__all__ = ["KIND", "Inside", "is_new", "looked_at", "made"]

#: What it is in a plan, and in a description.
KIND = "namespace"

#: Seconds between the tries in a cluster that was made a moment ago, whose name may not be known
#: everywhere yet, nor its maker to it. They are few: an endpoint may let nobody in from here.
_PAUSES = (2, 5, 10)
#: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/
_VALUE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class Inside:
    """What is to be done inside of a cluster, or was done.

    Attributes:
        steps: At most one.
        warnings: Why it is not known, or was not done.
    """

    steps: tuple[Step, ...] = ()
    warnings: tuple[KitaruWarning, ...] = ()


def is_new(cluster: str, steps: Iterable[Step]) -> bool:
    """Tell whether the cluster is made, or made anew.

    Args:
        cluster: The type in Pulumi of a cluster.
        steps: What is done.
    """
    fresh = (Action.CREATE, Action.REPLACE)
    return any(step.kind == cluster and step.action in fresh for step in steps)


def looked_at(wanted: NewNamespace, *, new: bool) -> Inside:
    """Tell what a run would do. Writes nothing.

    Args:
        wanted: The namespace.
        new: Whether the cluster is yet to be made.
    """
    if new:
        return Inside((_creation(wanted),))
    try:
        wanted.api().namespace(wanted.name)
    except NotInCluster:
        return Inside((_creation(wanted),))
    except ProbeError as error:
        return _left_open(wanted, error)
    return Inside()


def made(
    wanted: NewNamespace,
    marks: Mapping[str, str],
    say: Callable[[str], None],
    *,
    new: bool,
    pause: Callable[[float], None] = time.sleep,
) -> Inside:
    """Make the namespace where the cluster has none.

    Args:
        wanted: The namespace.
        marks: What tells whose it is. Nothing follows from them later.
        say: Gets one-line messages.
        new: Whether the cluster was made just now.
        pause: Waits for so many seconds.
    """
    for seconds in (*(_PAUSES if new else ()), None):
        try:
            return _made(wanted, marks, say)
        except ProbeError as error:
            if seconds is None:
                return _left_open(wanted, error)
            say(f"{wanted.cluster}: {error.why}: again in {seconds} seconds")
            pause(seconds)
    raise AssertionError("the last try returns")


def _made(wanted: NewNamespace, marks: Mapping[str, str], say: Callable[[str], None]) -> Inside:
    api = wanted.api()
    try:
        api.namespace(wanted.name)
    except NotInCluster:
        say(f"Making the namespace {wanted.name} in {wanted.cluster}")
        if api.make_namespace(wanted.name, _labels(marks)):
            return Inside((_creation(wanted),))
    return Inside()


def _labels(marks: Mapping[str, str]) -> dict[str, str]:
    """The marks as labels, which are shorter than a stack's name may be."""
    told = {key: value for key, value in marks.items() if key != "managed-by"}
    fitting = {key: value for key, value in told.items() if _VALUE.fullmatch(value)}
    return {"app.kubernetes.io/managed-by": "kitaru", **fitting}


def _creation(wanted: NewNamespace) -> Step:
    return Step(
        Action.CREATE,
        KIND,
        wanted.name,
        Layer.INFRASTRUCTURE,
        reason=f"in the cluster {wanted.cluster}",
        code=Reason.IN_CLUSTER,
    )


def _left_open(wanted: NewNamespace, error: ProbeError) -> Inside:
    text = (
        f"The namespace {wanted.name} may be missing in the cluster {wanted.cluster}, and is not "
        f"made: {error.why}. Before the first run: {wanted.by_hand}"
    )
    return Inside(warnings=(NamespaceNotMade(text),))
