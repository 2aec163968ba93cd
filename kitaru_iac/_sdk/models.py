"""What the functions return, under one name each."""

from __future__ import annotations

from kitaru_iac.checks.model import CheckReport
from kitaru_iac.gateway.views import StackView
from kitaru_iac.plan.document import StackPlan
from kitaru_iac.stacks.copy import Copied
from kitaru_iac.stacks.export import Exported
from kitaru_iac.stacks.health import StackHealth
from kitaru_iac.stacks.outcomes import Outcome
from kitaru_iac.stacks.rename import Renamed
from kitaru_iac.stacks.results import Applied, Deleted
from kitaru_iac.stacks.several import PlannedStacks
from kitaru_iac.stacks.watch import StackDrift

__all__ = [
    "Applied",
    "CheckReport",
    "Copied",
    "Deleted",
    "Exported",
    "Outcome",
    "PlannedStacks",
    "Renamed",
    "StackDrift",
    "StackHealth",
    "StackPlan",
    "StackView",
]
