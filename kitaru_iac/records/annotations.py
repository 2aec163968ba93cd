"""What a description says about a stack itself: labels, a text, and fields left to somebody else.

Others may label a stack too, and write about it. Which labels are the description's is kept on the
stack, as a label of ours: those are changed and taken away with the description, and nothing else.
Pure: imports no ZenML.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kitaru_iac.labels import (
    APPLIED_LABEL,
    DESCRIBED_LABEL,
    IGNORED_LABEL,
    OUR_LABELS,
    is_managed,
)
from kitaru_iac.records.model import ComponentRecord, ConnectorRecord, Records
from kitaru_iac.spec.annotations import checked_labels
from kitaru_iac.values import replace

if TYPE_CHECKING:
    from kitaru_iac.spec.model import StackSpec

__all__ = [
    "annotated",
    "annotations_of",
    "copied_labels",
    "description_after",
    "ignoring",
    "labels_after",
    "without_ignored",
]

_DESCRIPTION = "description"
_LABELS = "labels."
#: Where a component's connector is asked for what this field says: the one is left with the other.
_NAMED_BY = {"artifact_store": "path", "container_registry": "uri"}


def annotated(desired: Records, spec: StackSpec) -> Records:
    """The records with what the description says about the stack itself."""
    said = [_DESCRIPTION] if spec.description is not None else []
    said += [f"{_LABELS}{key}" for key in sorted(spec.labels)]
    marks = {}
    if said:
        marks[DESCRIBED_LABEL] = ",".join(said)
    if spec.ignore_changes:
        marks[IGNORED_LABEL] = ",".join(spec.ignore_changes)
    labels = {**spec.labels, **desired.labels, **marks}
    return replace(desired, labels=labels, description=spec.description)


def annotations_of(
    labels: Mapping[str, Any], description: str | None, *, every: bool = False
) -> dict[str, Any]:
    """The keys of stack.yaml that a stored stack's labels and text stand for.

    Args:
        labels: Its labels.
        description: Its text.
        every: Whether what was added by hand counts too; of a stack that no description made it
            does always. What no description can say is left out.
    """
    every = every or not is_managed(labels)
    said = _said(labels)
    own = {
        key: str(text)
        for key, text in labels.items()
        if not key.startswith(OUR_LABELS)
        and (every or f"{_LABELS}{key}" in said)
        and not checked_labels({key: str(text)})[1]
    }
    rules = [rule for rule in str(labels.get(IGNORED_LABEL) or "").split(",") if rule]
    found: dict[str, Any] = {}
    if description and description.isprintable() and (every or _DESCRIPTION in said):
        found["description"] = description
    if own:
        found["labels"] = own
    if rules:
        found["ignore_changes"] = rules
    return found


def labels_after(desired: Records, current: Records) -> dict[str, str]:
    """The labels that a stored stack gets: the described ones, and those added by hand."""
    gone = _said_labels(current.labels)
    theirs = {
        key: text
        for key, text in current.labels.items()
        if not key.startswith(OUR_LABELS) and key not in gone
    }
    return {**theirs, **desired.labels}


def copied_labels(part: ComponentRecord, stack: Records) -> frozenset[str]:
    """The labels of a stack that ZenML has put on a part which came with it, but for ours.

    A run takes them off before it notes on the stack what was applied; one that died may not have.

    Args:
        part: A component as it is stored.
        stack: The stack that holds it; or parts in no stack, which are known by the label that
            says what of a stack's own a description said.
    """
    named = set(_said_labels(part.labels))
    is_begun = is_managed(stack.labels) and APPLIED_LABEL not in stack.labels
    if is_begun and dict(part.labels) == dict(stack.labels):
        named |= part.labels.keys()
    return frozenset(key for key in named & part.labels.keys() if not key.startswith(OUR_LABELS))


def description_after(desired: Records, current: Records) -> str | None:
    """The text that a stored stack gets: the described one, else the one added by hand."""
    if desired.description is not None:
        return desired.description
    return None if _DESCRIPTION in _said(current.labels) else current.description


def ignoring(desired: Records, current: Records | None, rules: Sequence[str]) -> Records:
    """The records with the stored values of fields that somebody else manages.

    Args:
        desired: What the description asks for.
        current: What is stored; what is not there yet is made as described.
        rules: Paths as `ignore_changes` has them: ``orchestrator.FIELD``, ``connector.FIELD``,
            ``labels.NAME``, ``description``.
    """
    if current is None or not rules:
        return desired
    found: dict[str, list[str]] = {}
    for rule in rules:
        kind, _, name = rule.partition(".")
        before = desired
        if kind == _DESCRIPTION:
            desired = _with_description(desired, current)
        elif kind == "labels":
            desired = _with_label(desired, current, name)
        elif kind == "connector":
            desired = _with_connector(desired, current, name)
        else:
            desired = _with_component(desired, current, kind, name)
        if desired != before:
            where = {"labels": "stack", _DESCRIPTION: "stack", "connector": "service_connector"}
            field = rule if kind in {"labels", _DESCRIPTION} else f"configuration.{name}"
            found.setdefault(where.get(kind, kind), []).append(field)
    return replace(
        desired,
        labels=_with_said(desired.labels, _said(current.labels), frozenset(rules)),
        ignored={kind: tuple(fields) for kind, fields in found.items()},
    )


def without_ignored(records: Records, by: Records | None = None) -> Records:
    """The records without what a description leaves to somebody else.

    Args:
        records: What is described, or stored.
        by: The records whose description says so; None is `records`. What is stored says it in a
            label too, which somebody may have changed.
    """
    said = (records if by is None else by).labels.get(IGNORED_LABEL, "")
    rules = [rule for rule in said.split(",") if rule]
    if not rules:
        return records
    gone = frozenset(rules)

    def rest(part: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in fields.items() if f"{part}.{key}" not in gone}

    def left(part: ComponentRecord) -> ComponentRecord:
        named = f"{part.type}.{_NAMED_BY.get(part.type)}" in gone
        return replace(
            part,
            configuration=rest(part.type, part.configuration),
            resource_id=None if named else part.resource_id,
        )

    link = records.connector
    return replace(
        records,
        labels=rest("labels", records.labels),
        description=None if _DESCRIPTION in gone else records.description,
        components=tuple(map(left, records.components)),
        connector=link and replace(link, configuration=rest("connector", link.configuration)),
    )


def _said(labels: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(str(labels.get(DESCRIBED_LABEL) or "").split(",")) - {""}


def _said_labels(labels: Mapping[str, Any]) -> frozenset[str]:
    """The labels that the description has."""
    named = (name for name in _said(labels) if name.startswith(_LABELS))
    return frozenset(name.removeprefix(_LABELS) for name in named)


def _with_said(
    labels: Mapping[str, str], stored: frozenset[str], rules: frozenset[str]
) -> dict[str, str]:
    """The labels, with whose an ignored label or text is as it is stored: it is not written."""
    said = (_said(labels) - rules) | (stored & rules)
    text = ",".join(sorted(said, key=lambda path: (path != _DESCRIPTION, path)))
    rest = {key: value for key, value in labels.items() if key != DESCRIBED_LABEL}
    return {**rest, DESCRIBED_LABEL: text} if text else rest


def _with_description(desired: Records, current: Records) -> Records:
    if description_after(desired, current) == current.description:
        return desired
    return replace(desired, description=current.description)


def _with_label(desired: Records, current: Records, name: str) -> Records:
    if labels_after(desired, current).get(name) == current.labels.get(name):
        return desired
    labels = _laid(desired.labels, current.labels, name)
    return replace(desired, labels=labels)


def _with_connector(desired: Records, current: Records, name: str) -> Records:
    new, old = desired.connector, current.connector
    if new is None or old is None or new.existing or not _is_same(new, old):
        return desired
    configuration = _laid(new.configuration, old.configuration, name)
    return replace(desired, connector=replace(new, configuration=configuration))


def _with_component(desired: Records, current: Records, kind: str, name: str) -> Records:
    def kept(new: ComponentRecord) -> ComponentRecord:
        old = current.component(kind)
        if new.type != kind or old is None or not _is_same(new, old):
            return new
        new = replace(new, configuration=_laid(new.configuration, old.configuration, name))
        if name != _NAMED_BY.get(kind) or new.uses_connector != old.uses_connector:
            return new
        return replace(new, resource_id=old.resource_id)

    return replace(desired, components=tuple(map(kept, desired.components)))


def _is_same(
    new: ComponentRecord | ConnectorRecord, old: ComponentRecord | ConnectorRecord
) -> bool:
    """Whether a stored part is the described one, which is changed in place."""
    if isinstance(new, ComponentRecord) and isinstance(old, ComponentRecord):
        return (new.name, new.flavor) == (old.name, old.flavor)
    if isinstance(new, ConnectorRecord) and isinstance(old, ConnectorRecord):
        return (new.name, new.type) == (old.name, old.type)
    return False


def _laid(new: Mapping[str, Any], old: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A mapping with another one's value of a key, or without the key."""
    rest = {key: value for key, value in new.items() if key != name}
    return rest | {name: old[name]} if name in old else rest
