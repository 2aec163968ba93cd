"""Flows of the other distribution, `kitaru`, where one is installed that has them.

Its 0.21 has; later releases do not. Who has written flows for it keeps its checkpoints, waits and
replays: ours then stand aside. What it does about the active stack is exchanged for what we do,
because for the time of a submission it writes another choice into the settings, where a process
that is killed leaves it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from kitaru_iac.flows.binding import bound, find_stack
from kitaru_iac.machine.command_owner import other_flows_version

__all__ = ["other_flows"]

#: What 0.21 calls around each submission, with the stack that its own layers chose.
_ACTIVATION = "_temporary_active_stack"


def other_flows() -> ModuleType | None:
    """Import the other distribution, if it has flows; None where ours are to be used."""
    if other_flows_version() is None:
        return None
    import kitaru

    # Importing it has imported `kitaru.flow`; that name is the decorator, which hides the module.
    submission = sys.modules.get("kitaru.flow")
    if hasattr(submission, _ACTIVATION):
        setattr(submission, _ACTIVATION, _activation)
    other: ModuleType = kitaru
    return other


@contextmanager
def _activation(stack_name_or_id: str | None) -> Iterator[None]:
    """Bind what the other one chose; None is the active stack, which needs nothing."""
    if not stack_name_or_id:
        yield
        return
    with bound(find_stack(stack_name_or_id, "kitaru")):
        yield
