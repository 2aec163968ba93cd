"""Whether reality is still what was applied: records, and the cloud. Writes nothing, without ZenML.

Records are held against what was applied, which is kept on the stack (`records.applied`); the cloud
against the state of the deployment, where there is one. What cannot be looked at is unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from kitaru_iac.errors import KitaruError
from kitaru_iac.gateway import DEFAULT_STACK, Reader, StackView, Unread, open_reader
from kitaru_iac.labels import APPLIED_LABEL, STACK_LABEL
from kitaru_iac.plan.document import changes, is_change
from kitaru_iac.plan.model import Layer
from kitaru_iac.records.applied import drifted
from kitaru_iac.records.applied_label import applied_records
from kitaru_iac.records.names import replaced_by_mark
from kitaru_iac.stacks.drift import records_of_view
from kitaru_iac.values import dataclass

if TYPE_CHECKING:
    from kitaru_iac.callbacks import ConfirmCallback, ProgressCallback
    from kitaru_iac.records.model import Records

__all__ = [
    "Finding",
    "Look",
    "StackDrift",
    "drift_of_records",
    "drift_of_view",
    "look",
    "views_of",
    "why_of",
]

_UNDER_WAY: Final = (
    "This is what a command has moved aside that replaces the stack, and is under way or has died. "
    "Run that command again, or see: kitaru stack clean"
)


class Finding(StrEnum):
    """What a look found."""

    NONE = "none"
    DRIFT = "drift"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of one layer of a stack.

    Attributes:
        layer: The records, or the infrastructure.
        finding: Whether anything differs; unknown where nobody can tell.
        differences: Changes as a plan's document has them, from what was applied to what is.
        why: Why it is unknown, and what to do; None where it is known.
    """

    layer: Layer
    finding: Finding
    differences: tuple[dict[str, Any], ...] = ()
    why: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Give ``{"layer", "finding", "why"}``."""
        return {"layer": self.layer.value, "finding": self.finding.value, "why": self.why}


@dataclass(frozen=True, slots=True)
class StackDrift:
    """What was seen of a stack: its records, and its infrastructure where it has a deployment."""

    stack: str
    looks: tuple[Look, ...]

    @property
    def finding(self) -> Finding:
        """Drift where there is any; else unknown where a layer is; else none."""
        found = {look.finding for look in self.looks}
        return next(
            word for word in (Finding.DRIFT, Finding.UNKNOWN, Finding.NONE) if word in found
        )

    @property
    def differences(self) -> tuple[dict[str, Any], ...]:
        """Of all layers."""
        return tuple(item for look in self.looks for item in look.differences)

    @property
    def unknown(self) -> tuple[Look, ...]:
        """The layers of which nobody can tell."""
        return tuple(look for look in self.looks if look.finding is Finding.UNKNOWN)

    def to_dict(self) -> dict[str, Any]:
        """Give ``{"stack", "finding", "looks", "drift"}``."""
        return {
            "stack": self.stack,
            "finding": self.finding.value,
            "looks": [look.to_dict() for look in self.looks],
            "drift": [dict(item) for item in self.differences],
        }


def look(
    refs: Sequence[str],
    *,
    progress: ProgressCallback | None = None,
    consent: ConfirmCallback | None = None,
) -> tuple[StackDrift, ...]:
    """Look for drift in both layers. Writes nothing.

    Args:
        refs: Names or ids of stacks. None of them: all stacks that Kitaru made, oldest first.
        progress: Gets one-line messages.
        consent: Asked before the engine is downloaded, where a stack has a deployment. Without it
            nothing is downloaded, and such infrastructure is unknown.

    Raises:
        StackNotFound: A stack that was named does not exist.
        NotConnectedError: No store answers.
    """
    views = views_of(refs)
    return tuple(drift_of_view(view, progress=progress, consent=consent) for view in views)


def views_of(refs: Sequence[str]) -> list[StackView | Unread]:
    """Read the stacks that are named, each once, or all that Kitaru made; raises as `look` does.

    Of several, one that this login may not read whole is told as such.
    """
    with closing(open_reader()) as reader:
        if not refs:
            return _managed(reader)
        if len(refs) == 1:
            return [reader.stack(refs[0])]
        rows = {row.id: row for row in map(reader.find, refs)}
        views = reader.views(list(rows.values()))
        for gone in rows.keys() - {view.id for view in views}:
            reader.stack(gone)  # says so
        return views


def _managed(reader: Reader) -> list[StackView | Unread]:
    # Also one whose label of Kitaru's somebody took away: that is what drift is about.
    rows = [
        row
        for row in reader.stacks()
        if row.name != DEFAULT_STACK and (row.is_managed or row.is_recorded)
    ]
    return [view for view in reader.views(rows) if _is_watched(view)]


def _is_watched(view: StackView | Unread) -> bool:
    return isinstance(view, Unread) or view.is_managed or APPLIED_LABEL in view.labels


def drift_of_view(
    view: StackView | Unread,
    *,
    progress: ProgressCallback | None = None,
    consent: ConfirmCallback | None = None,
) -> StackDrift:
    """Look for drift of a stack that was read, in both layers; raises as `look` does."""
    if isinstance(view, Unread):
        why = why_of(view.error)
        return StackDrift(view.name, (Look(Layer.RECORDS, Finding.UNKNOWN, why=why),))
    if replaced_by_mark(view.name, view.labels) is not None:
        return StackDrift(view.name, (Look(Layer.RECORDS, Finding.UNKNOWN, why=_UNDER_WAY),))
    looks = [_records(view)]
    if STACK_LABEL in view.labels:
        looks.append(_infrastructure(view, progress, consent))
    return StackDrift(view.name, tuple(looks))


def drift_of_records(current: Records) -> tuple[dict[str, Any], ...] | None:
    """Say what differs from what was applied; None where nobody kept it.

    Args:
        current: What is stored, with its labels.

    Returns:
        Changes as a plan's document has them, from what was applied to what is.
    """
    applied = applied_records(current.labels)
    if applied is None:
        return None
    found = changes(drifted(applied, current), applied.stack)
    return tuple(item for item in found if is_change(item))


def _records(view: StackView) -> Look:
    found = drift_of_records(records_of_view(view))
    if found is None:
        return Look(Layer.RECORDS, Finding.UNKNOWN, why=_nobody_kept(view))
    return Look(Layer.RECORDS, Finding.DRIFT if found else Finding.NONE, found)


def _nobody_kept(view: StackView) -> str:
    if not view.is_managed:
        return "Kitaru did not make this stack: nobody kept what it was made from."
    if APPLIED_LABEL in view.labels:
        return (
            "What was applied is kept in a form that this version of kitaru does not know, or "
            "somebody has changed it. The next change with kitaru stack apply keeps it anew."
        )
    return (
        "Nobody kept what was applied: the stack was made by another tool, by an earlier version, "
        "or from a description too long to keep. The next change with kitaru stack apply keeps it."
    )


def why_of(error: KitaruError) -> str:
    """Put what an error says into sentences on one line."""
    parts = [" ".join(part.split()) for part in (error.what, error.why, error.remedy) if part]
    *first, last = parts
    return " ".join([*(part if part[-1] in ".?!:" else f"{part}." for part in first), last])


def _infrastructure(
    view: StackView, progress: ProgressCallback | None, consent: ConfirmCallback | None
) -> Look:
    from kitaru_iac.infrastructure.provision import drift

    labels = {key: str(text) for key, text in view.labels.items()}
    try:
        steps = drift(labels, progress=progress, consent=consent)
    except KitaruError as error:
        return Look(Layer.INFRASTRUCTURE, Finding.UNKNOWN, why=why_of(error))
    found = tuple(item for item in changes(steps, view.name) if is_change(item))
    return Look(Layer.INFRASTRUCTURE, Finding.DRIFT if found else Finding.NONE, found)
