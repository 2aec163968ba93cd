"""What operations on infrastructure return: plain data."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from kitaru_iac.plan.model import Action, Kept, Step
from kitaru_iac.values import dataclass, field

if TYPE_CHECKING:
    from kitaru_iac.checks.model import CheckReport
    from kitaru_iac.notices import KitaruWarning
    from kitaru_iac.spec.model import StackSpec

__all__ = ["Destroyed", "InfrastructureResult", "new_ones"]


@dataclass(frozen=True, slots=True)
class InfrastructureResult:
    """Infrastructure that was checked, or made, or would be.

    Attributes:
        spec: The description; after ``provision`` with the names of what was made.
        steps: What was done to the infrastructure, or would be.
        labels: For the stack's record: where the deployment is. Empty where there is none.
        report: What the checks found, with ``provision`` of what exists beside it; None where
            nothing was looked at.
        made: The keys of the description whose things are new.
        checked: When what the description names and is not made was found fit, as
            `time.monotonic` counts; None if it was not looked at.
    """

    spec: StackSpec
    steps: tuple[Step, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    report: CheckReport | None = None
    made: frozenset[str] = frozenset()
    checked: float | None = field(default=None, compare=False)

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
        foreign: Those of them that are not the deployment's own, and stay until they are forgotten.
        hidden: Those of `foreign` that may not be looked at: they are not forgotten, since they may
            be the deployment's own.
        forgotten: What was taken out of the state, and is where it was.
        warnings: What the user has to know, in plain words.
    """

    steps: tuple[Step, ...] = ()
    kept: tuple[Kept, ...] = ()
    foreign: tuple[Kept, ...] = ()
    hidden: tuple[Kept, ...] = ()
    forgotten: tuple[Kept, ...] = ()
    warnings: tuple[KitaruWarning, ...] = ()


def new_ones(spec: StackSpec, types: Mapping[str, str], steps: Sequence[Step]) -> frozenset[str]:
    """Tell what of the things that a description names was made, and is not only used.

    Args:
        spec: The description, with the names of what was made.
        types: The type in Pulumi of what a key of it names.
        steps: What was done.

    Returns:
        Keys of `types`.
    """
    made = {(step.kind, step.name) for step in steps if step.action is Action.CREATE}
    return frozenset(
        key
        for key, type_ in types.items()
        if (value := getattr(spec, key, None)) is not None
        and any(kind == type_ and _is_named(name, str(value)) for kind, name in made)
    )


def _is_named(name: str, value: str) -> bool:
    """Whether a URI, an ARN or a name is that of a thing: never by a part of another name."""
    # It ends in the name, or has it before a path, an account (`abfs://NAME@ACCOUNT`) or, as the
    # first part of a host, before a domain.
    last = re.escape(name.rsplit("/", 1)[-1] if name.startswith(("/", "projects/")) else name)
    return bool(re.search(rf"(^|[/:]){last}([/@]|$)|^{last}\.", value))
