"""What was applied to a stack, kept on it as a label, and how what is stored differs from it.

Kept are the records, not the description: they are what was written, with what provisioning gave,
and they mean the same to every later version of `kitaru`. ZenML keeps the labels of a stack as one
text, of 64 KiB in MySQL after base64; what would not fit there is not kept. Secrets are not kept.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from kitaru_iac.gateway.masking import MASK, masked
from kitaru_iac.labels import APPLIED_LABEL, OUR_LABELS, SOURCE_LABEL
from kitaru_iac.plan.canonical import sha256
from kitaru_iac.plan.model import Action, Change, Reason, Step
from kitaru_iac.records.annotations import without_ignored
from kitaru_iac.records.applied_label import VERSION
from kitaru_iac.records.diff import (
    IGNORED_CONNECTOR_FIELDS,
    hidden,
    is_own_component,
    label_changes,
    mapping_changes,
)
from kitaru_iac.records.model import ComponentRecord, ConnectorRecord, Records
from kitaru_iac.redaction import SecretText
from kitaru_iac.values import replace

__all__ = ["drifted", "keeping", "with_record", "without_applied"]

#: Characters, escaped. With the other labels, as base64, it fits into the 65,535 bytes of a BLOB.
_LONGEST: Final = 32_000


def keeping(records: Records) -> Records:
    """Give the records with the label that says what they are; without it where that is too long.

    Args:
        records: What is about to be stored, without ids but that of an existing connector.
    """
    labels = without_applied(records.labels)
    managed = without_ignored(records)
    link = managed.connector
    kept = {
        "version": VERSION,
        "stack": records.stack,
        "type": records.stack_type,
        "labels": _recorded(managed.labels),
        "components": [_component(component) for component in managed.components],
        "connector": None if link is None else _connector(link),
    }
    if managed.description is not None:
        kept["description"] = managed.description
    # ASCII: the store counts bytes, and escapes other letters in any case.
    text = json.dumps(_plain(kept), sort_keys=True, separators=(",", ":"))
    if len(json.dumps(text)) <= _LONGEST:  # in the text of all labels its quotes are escaped
        labels[APPLIED_LABEL] = text
    return replace(records, labels=labels)


def without_applied(labels: Mapping[str, str]) -> dict[str, str]:
    """Give the labels but the one that says what was applied."""
    return {key: text for key, text in labels.items() if key != APPLIED_LABEL}


def _recorded(labels: Mapping[str, str]) -> dict[str, str]:
    """The labels that are part of what was applied: which files it came from is not."""
    return {key: text for key, text in without_applied(labels).items() if key != SOURCE_LABEL}


def with_record(
    steps: Sequence[Step], desired: Records, current: Records | None
) -> tuple[Step, ...]:
    """Give the steps, with one of its own for the record where no other would bring it up to date.

    Any change of the records writes it too. Alone it is outdated where another tool or an earlier
    version made the stack, where a command died before it was written, or somebody took it off.

    Args:
        steps: What `diff` gave for these two.
        desired: With the label of `keeping`.
        current: What is stored; None where there is no stack.
    """
    changing = any(step.action is not Action.KEEP for step in steps)
    before = None if current is None else current.labels.get(APPLIED_LABEL)
    after = desired.labels.get(APPLIED_LABEL)
    if current is None or changing or before == after:
        return tuple(steps)
    step = Step(
        Action.UPDATE,
        "stack",
        desired.stack,
        changes=(Change(f"labels.{APPLIED_LABEL}", _named(before), _named(after)),),
        reason="brings the record of what was applied up to date"
        if after is not None
        else "what is applied is too long to be recorded, and the old record goes",
        code=Reason.RECORD,
    )
    return tuple(step if kept.kind == "stack" else kept for kept in steps)


def _named(text: str | None) -> str | None:
    """A record, as a plan shows it: by its digest."""
    return None if text is None else sha256(text)[:19]


def drifted(applied: Records, current: Records) -> tuple[Step, ...]:
    """Say what has become of the records since they were applied.

    What was added to the stack by hand is no drift, since no description ever spoke of it. Nor are
    secrets, of which none was kept, looked at.

    Args:
        applied: What `applied_records` gave.
        current: What is stored now.

    Returns:
        The steps from `applied` to `current`: what is not in the stack any more is a deletion.
    """
    applied, current = without_ignored(applied), without_ignored(current, by=applied)
    about_stack: list[Change] = []
    if current.stack != applied.stack:
        about_stack.append(Change("name", applied.stack, current.stack))
    steps = [_connector_drift(applied, current)]
    for part in applied.components:
        of_type = [member for member in current.components if member.type == part.type]
        member = next((member for member in of_type if member.name == part.name), None)
        if member is None:
            instead = of_type[0].name if of_type else None
            steps.append((Action.DELETE, part.type, part.name, ()))
            about_stack.append(Change(part.type, part.name, instead))
        else:
            changes = _component_drift(part, member, current.connector)
            steps.append((Action.UPDATE, part.type, part.name, changes))
    for member in current.components:
        if applied.component(member.type) is None and is_own_component(member, current):
            steps.append((Action.CREATE, member.type, member.name, ()))
            about_stack.append(Change(member.type, None, member.name))
    about_stack += label_changes(_recorded(current.labels), _recorded(applied.labels))
    labels = {key: _text(text) for key, text in current.labels.items()}
    about_stack += [
        Change(f"labels.{key}", text, labels.get(key))
        for key, text in sorted(applied.labels.items())
        if not key.startswith(OUR_LABELS) and labels.get(key) != text
    ]
    description = None if current.description is None else _text(current.description)
    if applied.description not in {None, description}:
        about_stack.append(Change("description", applied.description, description))
    steps.append((Action.UPDATE, "stack", applied.stack, tuple(hidden(about_stack))))
    return tuple(
        Step(action, kind, name, changes=changes)
        for action, kind, name, changes in steps
        if changes or action is not Action.UPDATE
    )


_Found = tuple[Action, str, str, tuple[Change, ...]]


def _connector_drift(applied: Records, current: Records) -> _Found:
    was, link = applied.connector, current.connector
    kind = "service_connector"
    if was is None:  # that components use one now is a change of theirs
        return (Action.UPDATE, kind, "", ())
    if link is None:
        return (Action.DELETE, kind, was.name, ())
    if was.existing:  # not this stack's, and only which one it is was applied
        moved = (Change("id", was.id, link.id),) if was.id != link.id else ()
        return (Action.UPDATE, kind, was.name, moved)
    fields = ("name", "type", "auth_method")
    pairs = [(field, getattr(was, field), getattr(link, field)) for field in fields]
    changes = [Change(field, one, other) for field, one, other in pairs if one != other]
    stored = {k: v for k, v in link.configuration.items() if k not in IGNORED_CONNECTOR_FIELDS}
    changes += _configuration_drift(was.configuration, stored)
    changes += label_changes(link.labels, was.labels)
    return (Action.UPDATE, kind, was.name, tuple(changes))


def _component_drift(
    was: ComponentRecord, member: ComponentRecord, link: ConnectorRecord | None
) -> tuple[Change, ...]:
    fields = ("flavor", "uses_connector", "resource_id")
    pairs = [(field, getattr(was, field), getattr(member, field)) for field in fields]
    changes = [Change(field, one, other) for field, one, other in pairs if one != other]
    ours = None if link is None else link.id
    both = was.uses_connector and member.uses_connector
    if both and member.connector_id not in {None, ours}:
        changes.append(Change("connector", "the stack's", "another one"))
    stored = was.without_filled(member.configuration)
    changes += _configuration_drift(was.configuration, stored)
    changes += label_changes(member.labels, was.labels)
    return tuple(changes)


def _configuration_drift(kept: Mapping[str, Any], stored: Mapping[str, Any]) -> list[Change]:
    kept = _kept(kept)  # an earlier version may have known fewer secrets
    return hidden(mapping_changes("configuration", kept, _as_kept(kept, stored)))


def _kept(configuration: Mapping[str, Any]) -> dict[str, Any]:
    return masked({key: _plain(value) for key, value in configuration.items()})


def _as_kept(kept: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """What is stored, but for values of which none was kept: they are taken as they were."""

    def one(key: str, value: object) -> object:
        before = kept.get(key)
        if before == MASK:
            return MASK
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            return _as_kept(before, value)
        return value

    return {key: one(key, value) for key, value in _kept(stored).items()}


def _component(part: ComponentRecord) -> dict[str, object]:
    return {
        "type": part.type,
        "name": part.name,
        "flavor": part.flavor,
        "configuration": _kept(part.configuration),
        "uses_connector": part.uses_connector,
        "resource_id": part.resource_id,
        "labels": part.labels,
        **({"filled": part.filled} if part.filled else {}),
    }


def _connector(link: ConnectorRecord) -> dict[str, object]:
    return {
        "name": link.name,
        "type": link.type,
        "auth_method": link.auth_method,
        "configuration": _kept(link.configuration),
        "labels": link.labels,
        "existing": link.existing,
        "id": link.id if link.existing else None,
    }


def _plain(value: object) -> object:
    """A value as JSON knows it; a secret, wherever it stands, as it is shown."""
    if isinstance(value, SecretText):
        return MASK
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return _text(str(value))


def _text(text: str) -> str:
    """A text; where it is JSON, as ZenML takes a mapping too, without the secrets in it."""
    if not text.lstrip().startswith(("{", "[")):
        return text
    try:
        said = json.loads(text)
        inner = masked({"": _plain(said)})[""]
    except (ValueError, RecursionError):
        return text
    return text if inner == said else json.dumps(inner, sort_keys=True)
