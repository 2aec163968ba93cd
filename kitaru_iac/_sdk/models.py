"""What the functions return, under one name each."""

from __future__ import annotations

from kitaru_iac.checks.model import CheckReport
from kitaru_iac.gateway.views import StackView
from kitaru_iac.plan.document import StackPlan
from kitaru_iac.stacks.results import Applied, Deleted

__all__ = ["Applied", "CheckReport", "Deleted", "StackPlan", "StackView"]
