"""Whether stacks are as they were applied, and fit: drift of both layers and the checks, in one."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from kitaru_iac.checks.model import CheckReport
from kitaru_iac.errors import KitaruError
from kitaru_iac.gateway import Unread
from kitaru_iac.stacks.export import described_view, with_deployment
from kitaru_iac.stacks.watch import Finding, StackDrift, drift_of_view, views_of, why_of
from kitaru_iac.values import dataclass

if TYPE_CHECKING:
    from kitaru_iac.callbacks import ConfirmCallback, ProgressCallback
    from kitaru_iac.gateway import StackView

__all__ = ["StackHealth", "State", "health"]


class State(StrEnum):
    """How a stack is; the worst first."""

    FAILED = "failed"
    DRIFT = "drift"
    UNKNOWN = "unknown"
    HEALTHY = "healthy"


@dataclass(frozen=True, slots=True)
class StackHealth:
    """How a stack is.

    Attributes:
        drift: What differs from what was applied.
        report: The checks of its infrastructure; None where they could not be begun.
        why: Why not; None where they could.
    """

    drift: StackDrift
    report: CheckReport | None
    why: str | None = None

    @property
    def stack(self) -> str:
        """Its name."""
        return self.drift.stack

    @property
    def state(self) -> State:
        """The worst that was seen; healthy only where everything could be looked at."""
        if self.report is not None and self.report.failed:
            return State.FAILED
        if self.drift.finding is Finding.DRIFT:
            return State.DRIFT
        decided = self.report is not None and not self.report.undecided
        return State.HEALTHY if decided and self.drift.finding is Finding.NONE else State.UNKNOWN

    def to_dict(self) -> dict[str, Any]:
        """Give ``{"stack", "state", "finding", "looks", "drift", "checks", "why"}``."""
        results = () if self.report is None else self.report.results
        return {
            **self.drift.to_dict(),
            "state": self.state.value,
            "checks": [result.to_dict() for result in results],
            "why": self.why,
        }


def health(
    refs: Sequence[str],
    *,
    progress: ProgressCallback | None = None,
    consent: ConfirmCallback | None = None,
) -> tuple[StackHealth, ...]:
    """Look for drift in both layers, and check the infrastructure. Writes nothing.

    Args:
        refs: As in `watch.look`.
        progress: Gets one-line messages.
        consent: As in `watch.look`.

    Raises:
        StackNotFound: A stack that was named does not exist.
        NotConnectedError: No store answers.
    """
    return tuple(_health(view, progress, consent) for view in views_of(refs))


def _health(
    view: StackView | Unread, progress: ProgressCallback | None, consent: ConfirmCallback | None
) -> StackHealth:
    drift = drift_of_view(view, progress=progress, consent=consent)
    if isinstance(view, Unread):
        return StackHealth(drift, None, why_of(view.error))
    try:
        return StackHealth(drift, _checked(view))
    except KitaruError as error:
        return StackHealth(drift, None, why_of(error))


def _checked(view: StackView) -> CheckReport:
    from kitaru_iac.infrastructure.verify import verify
    from kitaru_iac.spec import from_mapping

    return verify(with_deployment(from_mapping(described_view(view)), view))
