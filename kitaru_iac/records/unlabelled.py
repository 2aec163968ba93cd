"""What came with a stack, and lacks the label that says so, since somebody took it off.

Parts of the user's own may have the stack's name, too: what was applied tells them apart.
"""

from __future__ import annotations

from kitaru_iac.labels import MANAGED_LABEL
from kitaru_iac.records.applied_label import applied_records
from kitaru_iac.records.model import DESCRIBED, ComponentRecord, ConnectorRecord, Records

__all__ = ["component_lost_label", "connector_lost_label", "may_have_come_with"]


def component_lost_label(part: ComponentRecord, stack: Records) -> bool:
    """Tell whether a member came with this managed stack, and lacks its label.

    Where no record of what was applied is kept, its name tells; not in a local stack, whose parts
    have no label, and not beside a runner that no description can say.
    """
    if part.type not in DESCRIBED or part.name != stack.stack or _has_label(part):
        return False
    applied = applied_records(stack.labels)
    if applied is None:
        return stack.stack_type not in ("local", "custom")
    return applied.stack_type != "local" and may_have_come_with(part, stack)


def connector_lost_label(link: ConnectorRecord, stack: Records) -> bool:
    """Tell whether a connector came with this managed stack, and lacks its label."""
    if link.existing or link.name != stack.stack or _has_label(link):
        return False
    applied = applied_records(stack.labels)
    if applied is None:
        return True
    kept = applied.connector
    return kept is not None and not kept.existing and kept.type == link.type


def may_have_come_with(part: ComponentRecord, stack: Records) -> bool:
    """Tell whether what was applied has a component of this type and flavor, or is not known."""
    applied = applied_records(stack.labels)
    kept = None if applied is None else applied.component(part.type)
    return applied is None or (kept is not None and kept.flavor == part.flavor)


def _has_label(part: ComponentRecord | ConnectorRecord) -> bool:
    return part.labels.get(MANAGED_LABEL) == "true"
