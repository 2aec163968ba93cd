"""What takes a change back, of which somebody else may have changed a part since.

Each thing that a change speaks of is looked at by itself: what is as this run wrote it becomes what
it was, and what somebody else wrote stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Generic, NamedTuple, TypeVar

from kitaru_iac.errors import NotFoundError
from kitaru_iac.gateway.documents import (
    UNSET,
    ComponentChange,
    ComponentDoc,
    ConnectorChange,
    ConnectorDoc,
    StackChange,
    StackDoc,
)
from kitaru_iac.records.model import ComponentRecord
from kitaru_iac.records.requests import is_as_written

__all__ = ["TakenBack", "called", "taken_back"]

_Change = TypeVar("_Change", StackChange, ComponentChange, ConnectorChange)

#: What of a change goes together. Labels are looked at one by one.
_UNITS: Final[dict[type, tuple[tuple[str, ...], ...]]] = {
    StackChange: (("name",), ("members",), ("description",)),
    ComponentChange: (("name",), ("configuration",), ("connector_id", "connector_resource_id")),
    ConnectorChange: (("name",), ("auth_method", "configuration", "secrets")),
}
#: In these somebody else's change leaves nothing of this run's.
_SINGLE: Final = {("name",), ("description",)}


class TakenBack(NamedTuple, Generic[_Change]):
    """How a change is taken back.

    Attributes:
        change: What is to be written; None: nothing, it is as it was.
        is_theirs: Whether somebody else has changed what this run wrote, which stays.
        has_ours: Whether a part of what this run wrote stays with it.
    """

    change: _Change | None
    is_theirs: bool
    has_ours: bool


def called(doc: StackDoc | ComponentDoc | ConnectorDoc) -> str:
    """Say what something is, with the name that it has now."""
    if isinstance(doc, ComponentDoc):
        return f"{doc.type.replace('_', ' ')} {doc.name}"
    return f"{'stack' if isinstance(doc, StackDoc) else 'service connector'} {doc.name}"


def taken_back(
    doc: StackDoc | ComponentDoc | ConnectorDoc | None,
    new: _Change,
    old: _Change,
    what: str = "it",
    written: ComponentRecord | None = None,
) -> TakenBack[_Change]:
    """Give the change that takes back another one, as far as nobody else has written since.

    Args:
        doc: What is stored; None if it is gone.
        new: What this run wrote.
        old: What it was before, in the same fields.
        what: What it is, for the words.
        written: The component that was written: what ZenML filled in with it is no difference.

    Raises:
        NotFoundError: It is gone.
    """
    if doc is None:
        raise NotFoundError(f"{what} is gone")
    back: dict[str, Any] = {}
    is_theirs = has_ours = False
    for unit in _UNITS[type(new)]:
        wrote, was = _only(new, unit), _only(old, unit)
        if wrote == was or all(getattr(wrote, name) is UNSET for name in unit):
            continue
        is_wrote, is_was = is_as_written(doc, wrote, written), is_as_written(doc, was, None)
        # A login that may not read secrets sees both: then all else that was written tells.
        if is_wrote and (not is_was or is_as_written(doc, new, written)):
            back.update({name: getattr(old, name) for name in unit})
        elif not is_was:
            is_theirs, has_ours = True, has_ours or unit not in _SINGLE
    if new.labels is not UNSET and old.labels is not UNSET:
        labels, is_labelled = _labels(doc.labels, new.labels, old.labels)
        is_theirs = is_theirs or is_labelled
        if labels != dict(doc.labels):
            back["labels"] = labels
    return TakenBack(type(new)(**back) if back else None, is_theirs, has_ours)


def _only(change: _Change, names: tuple[str, ...]) -> _Change:
    return type(change)(**{name: getattr(change, name) for name in names})


def _labels(
    there: Mapping[str, str], new: Mapping[str, str], old: Mapping[str, str]
) -> tuple[dict[str, str], bool]:
    """The labels as they were, with those of others; whether somebody else has changed ours."""
    back, is_theirs = dict(there), False
    for key in {*new, *old}:
        wrote, was, now = new.get(key), old.get(key), there.get(key)
        if wrote == was or now == was:
            continue
        if now != wrote:
            is_theirs = True
        elif was is None:
            back.pop(key)
        else:
            back[key] = was
    return back, is_theirs
