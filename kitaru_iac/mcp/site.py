"""What the calls of one server share: its mode, its worker, the plans that were shown."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, cast

from mcp.server.mcpserver import Context
from mcp.types import ClientCapabilities

from kitaru_iac.mcp.modes import Mode
from kitaru_iac.mcp.work import Worker
from kitaru_iac.plan.document import StackPlan

__all__ = ["Site", "can_be_asked", "site_of"]

_PLANS_KEPT = 100


class Site:
    """What the calls of one server share.

    Args:
        mode: What it allows.
    """

    def __init__(self, mode: Mode) -> None:
        self.mode = mode
        self.worker = Worker()
        self._plans: OrderedDict[str, StackPlan] = OrderedDict()

    def remember(self, digest: str, plan: StackPlan) -> None:
        """Keep a plan, so that what has to be confirmed can be said without planning again."""
        self._plans[digest] = plan
        self._plans.move_to_end(digest)
        while len(self._plans) > _PLANS_KEPT:
            self._plans.popitem(last=False)

    def plan(self, digest: str) -> StackPlan | None:
        """Give a plan that was shown; the digest stands for its whole content."""
        return self._plans.get(digest)


def site_of(context: Context[Any, Any]) -> Site:
    """Give the site of a call's server."""
    return cast("Site", context.request_context.lifespan_context)


def can_be_asked(capabilities: ClientCapabilities | None) -> bool:
    """Whether a client says that it can put a question to its user in a form."""
    if capabilities is None or (asking := capabilities.elicitation) is None:
        return False
    return asking.form is not None or asking.url is None
