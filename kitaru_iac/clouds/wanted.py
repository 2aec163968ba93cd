"""What a description wants made, as far as that is the same in every cloud."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from kitaru_iac.checks.probes import ProbeError
from kitaru_iac.errors import DescriptionError, Problem
from kitaru_iac.spec.kinds import ResourceMode
from kitaru_iac.spec.model import KubernetesSpec, StackSpec

__all__ = ["mode_of", "possible", "region_of", "unfit", "wants_cluster"]

LayoutT = TypeVar("LayoutT")


def mode_of(spec: StackSpec, resource: str, *, given: bool, as_ours: bool) -> ResourceMode:
    """Whether a resource is made: `create`, `existing` or `skip`.

    It is made if ``resources`` says so, or if the description does not name it, or if it names it
    as we would: a description that was filled from an earlier run stays the same one.

    Args:
        spec: The description.
        resource: As ``resources`` calls it.
        given: Whether the description names it.
        as_ours: Whether by the name that we would give.
    """
    said = spec.resources.get(resource)
    if said is not None:
        return said
    return ResourceMode.EXISTING if given and not as_ours else ResourceMode.CREATE


def region_of(spec: StackSpec) -> str:
    """The region of a description, without which nothing is made.

    Raises:
        DescriptionError: It has none.
    """
    if spec.region is None:
        raise DescriptionError(
            [Problem("region", "the region is missing", "it says where everything is made")]
        )
    return spec.region


def wants_cluster(spec: StackSpec) -> bool:
    """Whether a cluster is made: it costs money by the hour, so only where it is asked for."""
    return isinstance(spec, KubernetesSpec) and spec.resources.get("cluster") is ResourceMode.CREATE


def unfit(looks: Iterable[Callable[[], Iterator[Problem]]]) -> list[Problem]:
    """Everything that looks at what a description names find wrong.

    Who may not look is not stopped: an answer that a cloud withholds says nothing against what was
    asked about.
    """
    problems: list[Problem] = []
    for look in looks:
        try:
            problems += look()
        except ProbeError:
            continue
    return problems


def possible(plan: Callable[[], LayoutT], unfit: list[Problem]) -> LayoutT:
    """The layout of a description, where all that it says can be made.

    Args:
        plan: Gives the layout, or raises a `DescriptionError`.
        unfit: What is known to be wrong already.

    Raises:
        DescriptionError: With everything that is wrong.
    """
    try:
        planned = plan()
    except DescriptionError as error:
        raise DescriptionError([*error.problems, *unfit]) from None
    if unfit:
        raise DescriptionError(unfit)
    return planned
