"""What operations on infrastructure return: plain data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from kitaru_iac.plan.model import Action, Kept, Step
from kitaru_iac.values import dataclass, field

if TYPE_CHECKING:
    from kitaru_iac.checks.model import CheckReport
    from kitaru_iac.notices import KitaruWarning
    from kitaru_iac.spec.model import StackSpec

__all__ = ["Destroyed", "InfrastructureResult"]


@dataclass(frozen=True, slots=True)
class InfrastructureResult:
    """Infrastructure that was checked, or made, or would be.

    Attributes:
        spec: The description; after ``provision`` with the names of what was made.
        steps: What was done to the infrastructure, or would be.
        labels: For the stack's record: where the deployment is. Empty where there is none.
        report: What the checks found, with ``verify``.
        checked: When what the description names and is not made was found fit, as
            `time.monotonic` counts; None if it was not looked at.
    """

    spec: StackSpec
    steps: tuple[Step, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    report: CheckReport | None = None
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
