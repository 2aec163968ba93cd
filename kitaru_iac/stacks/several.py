"""Several descriptions as a whole: their plans, and what is pruned of the source that they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from kitaru_iac.callbacks import ConfirmCallback, ProgressCallback
from kitaru_iac.errors import KitaruError
from kitaru_iac.plan.document import StackPlan, document
from kitaru_iac.stacks.many import PARALLEL, apply_all, plan_all, prune_all
from kitaru_iac.stacks.outcomes import Outcome
from kitaru_iac.values import dataclass

if TYPE_CHECKING:
    from kitaru_iac.checks.model import CheckReport
    from kitaru_iac.notices import NotPruned
    from kitaru_iac.spec.files import Described
    from kitaru_iac.stacks.prune import Pruned, Pruning
    from kitaru_iac.stacks.source import Source

__all__ = ["PlannedStacks", "apply_several", "plan_several", "source_for"]


@dataclass(frozen=True, slots=True)
class PlannedStacks:
    """What would be done for several descriptions.

    Attributes:
        described: The descriptions.
        source: What they are as a whole; None where that is not kept.
        plans: Of what is described, in that order; then of what is pruned.
        errors: Why some of them have no plan.
        pruning: What would be pruned; None where nobody asked for it.
    """

    described: tuple[Described, ...]
    source: Source | None
    plans: tuple[StackPlan, ...]
    errors: tuple[KitaruError, ...]
    pruning: Pruning | None = None

    @property
    def has_changes(self) -> bool:
        """Whether anything would be done."""
        return any(entry.plan.has_changes for entry in self.plans)

    @property
    def pruned(self) -> tuple[Pruned, ...]:
        """The stacks that none of the descriptions describes any more."""
        return () if self.pruning is None else self.pruning.stacks

    @property
    def warnings(self) -> tuple[NotPruned, ...]:
        """What looks as if it had to be pruned, and stays."""
        return () if self.pruning is None else self.pruning.warnings

    def to_dict(self) -> dict[str, Any]:
        """Give the plan's document, with its digest."""
        return document(self.plans)


def source_for(files: Sequence[str], name: str | None, *, prune: bool) -> Source | None:
    """Say what is kept on the stacks of some files, where that is asked for.

    Raises:
        UsageError: It is, and the files are no source.
    """
    from kitaru_iac.stacks.source import source_of_files

    return source_of_files(files, name) if prune or name is not None else None


def plan_several(
    described: Sequence[Described],
    source: Source | None = None,
    *,
    prune: bool = False,
    progress: ProgressCallback | None = None,
    consent: ConfirmCallback | None = None,
    show: Callable[[CheckReport], None] | None = None,
    take_back: bool = False,
    parallel: int = PARALLEL,
) -> PlannedStacks:
    """Plan what `apply_several` would do. Writes nothing.

    Args:
        described: The descriptions: all of the source, where something is pruned.
        source: What they are as a whole.
        prune: Whether stacks of the source go that none of them describes.
        progress: Gets one-line messages.
        consent: As in `plan_stack`.
        show: Gets the reports of the infrastructure's checks.
        take_back: As in `operations.apply`.
        parallel: So many stacks at the same time, on a server.

    Raises:
        NotConnectedError: No store answers.
        PruneRefused: Nothing is described, so that all would go.
    """
    plans, errors = plan_all(
        described,
        progress=progress,
        consent=consent,
        show=show,
        take_back=take_back,
        parallel=parallel,
        kept_source=None if source is None else source.label,
    )
    pruning = None
    if prune and source is not None:
        from kitaru_iac.stacks.prune import plan_prune

        pruning = plan_prune(source, [item.spec.name for item in described], plans)
    gone = () if pruning is None else pruning.stacks
    return PlannedStacks(
        tuple(described),
        source,
        (*plans, *(item.planned for item in gone)),
        (*errors.values(), *(item.error for item in gone if item.error is not None)),
        pruning,
    )


def apply_several(
    planned: PlannedStacks,
    outcomes: list[Outcome],
    *,
    fail_fast: bool = False,
    progress: ProgressCallback | None = None,
    consent: ConfirmCallback | None = None,
    show: Callable[[CheckReport], None] | None = None,
    take_back: bool = False,
    parallel: int = PARALLEL,
) -> None:
    """Do what was planned and agreed to, and nothing else; prune last.

    Args:
        planned: What `plan_several` gave.
        outcomes: Gets what became of each stack, also where this is interrupted.
        fail_fast: Begin no other once one has failed.
        progress: Gets one-line messages.
        consent: Asked before the Pulumi engine is downloaded.
        show: Gets the reports of the infrastructure's checks.
        take_back: As in `operations.apply`.
        parallel: So many stacks at the same time, on a server.

    Raises:
        WorkInterrupted: As `many.apply_all` does.
    """
    source = planned.source
    try:
        apply_all(
            planned.described,
            {entry.plan.stack: entry for entry in planned.plans},
            outcomes=outcomes,
            fail_fast=fail_fast,
            progress=progress,
            consent=consent,
            show=show,
            take_back=take_back,
            parallel=parallel,
            kept_source=None if source is None else source.label,
        )
    except BaseException:
        outcomes += [Outcome(item.name, "") for item in planned.pruned]
        raise
    if planned.pruning is not None and source is not None:
        prune_all(planned.pruning, source, outcomes, progress=progress)
