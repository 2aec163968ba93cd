"""Several stacks with one command: planned together, and applied one after the other.

One failure does not stop the others. They are not applied at the same time: ZenML's client is one
for a process, and what Ctrl-C leaves could not be said of several at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kitaru_iac.callbacks import ConfirmCallback, ProgressCallback
from kitaru_iac.errors import KitaruError, NotConnectedError
from kitaru_iac.plan.document import StackPlan
from kitaru_iac.stacks.planning import apply_planned, failed_plan, plan_stack

if TYPE_CHECKING:
    from kitaru_iac.checks.model import CheckReport
    from kitaru_iac.spec.files import Described
    from kitaru_iac.stacks.results import Applied

__all__ = ["Outcome", "apply_all", "plan_all"]

ReportCallback = Callable[["CheckReport"], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one stack of several.

    Attributes:
        source: The file that describes it.
        applied: What was done; None where nothing was.
        error: Why nothing was done, or not all of it. Both are None where it was passed over, since
            another one had failed before.
    """

    name: str
    source: str
    applied: Applied | None = None
    error: KitaruError | None = None

    @property
    def status(self) -> str:
        """``applied``, ``unchanged``, ``failed`` or ``skipped``."""
        if self.error is not None:
            return "failed"
        if self.applied is None:
            return "skipped"
        return "applied" if self.applied.changed else "unchanged"

    def to_dict(self) -> dict[str, Any]:
        """Give ``{"name", "source", "status", "result", "error"}``."""
        return {
            "name": self.name,
            "source": self.source,
            "status": self.status,
            "result": None if self.applied is None else self.applied.to_dict(),
            "error": None if self.error is None else self.error.to_dict(),
        }


def plan_all(
    described: Sequence[Described],
    *,
    progress: ProgressCallback | None = None,
    show: ReportCallback | None = None,
    take_back: bool = False,
) -> tuple[list[StackPlan], dict[str, KitaruError]]:
    """Plan what `apply_all` would do. Writes nothing.

    Returns:
        A plan for each description, in their order, and the errors of those that have none, by the
        stacks' names.

    Raises:
        NotConnectedError: No store answers.
    """
    plans: list[StackPlan] = []
    errors: dict[str, KitaruError] = {}
    for item in described:
        try:
            plan = plan_stack(
                item.spec, progress=progress, show=show, take_back=take_back, source=item.source
            )
        except NotConnectedError:
            raise  # nor would it answer for the others
        except KitaruError as error:
            errors[item.spec.name] = error
            plan = failed_plan(item.spec, error, item.source)
        plans.append(plan)
    return plans, errors


def apply_all(
    described: Sequence[Described],
    planned: Mapping[str, StackPlan] | None = None,
    *,
    outcomes: list[Outcome],
    fail_fast: bool = False,
    progress: ProgressCallback | None = None,
    consent: ConfirmCallback | None = None,
    show: ReportCallback | None = None,
    take_back: bool = False,
) -> None:
    """Apply several descriptions, one after the other.

    Args:
        described: The descriptions.
        planned: Plans by the stacks' names, which were agreed to: nothing else is done. A stack
            whose plan has an error is tried, and refused where it has a plan by now. None: whatever
            each stack needs.
        outcomes: Gets what became of each, also where this is interrupted.
        fail_fast: Pass over all others once one has failed.
        progress: Gets one-line messages.
        consent: Asked before the Pulumi engine is downloaded.
        show: Gets the reports of the infrastructure's checks.
        take_back: As in `operations.apply`.
    """
    from kitaru_iac.stacks import operations

    stopped = False
    for item in described:
        spec = item.spec
        if stopped:
            outcomes.append(Outcome(spec.name, item.source))
            continue
        try:
            if planned is None:
                done = operations.apply(
                    spec, progress=progress, consent=consent, show=show, take_back=take_back
                )
            else:
                done = apply_planned(
                    spec,
                    planned[spec.name],
                    progress=progress,
                    consent=consent,
                    show=show,
                    take_back=take_back,
                )
        except KitaruError as error:
            outcomes.append(Outcome(spec.name, item.source, error=error))
            # A store that does not answer would not answer for the others either.
            stopped = fail_fast or isinstance(error, NotConnectedError)
        else:
            outcomes.append(Outcome(spec.name, item.source, done))
