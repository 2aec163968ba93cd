"""Of what somebody else has changed since, what this run wrote is taken back, thing by thing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from kitaru_iac.errors import NotFoundError
from kitaru_iac.gateway.documents import (
    ComponentChange,
    ComponentDoc,
    ConnectorChange,
    ConnectorDoc,
    Member,
    StackChange,
    StackDoc,
)
from kitaru_iac.records.taking_back import called, taken_back
from kitaru_iac.redaction import SecretText

NOW = datetime(2026, 1, 1, tzinfo=UTC)
KEY = SecretText("1")
NEW, OLD, TEAM = {"kitaru.managed": "true", "a": "new"}, {"a": "old", "b": "old"}, {"team": "ml"}
PART = ComponentDoc("1", "artifact_store", "dev", "s3", {"path": "s3://b"}, {}, "link", "b", NOW)
LINK = ConnectorDoc(
    "2", "dev", "aws", "secret-key", {"region": "a"}, {"key": SecretText("1")}, {}, NOW
)
STACK = StackDoc("3", "dev", {}, {"orchestrator": (Member("r", "r"),)}, NOW)

PART_NEW = ComponentChange("new", {"path": "s3://new"}, NEW, "new link", "new")
PART_OLD = ComponentChange("dev", {"path": "s3://b"}, OLD, "link", "b")
LINK_NEW = ConnectorChange("new", "iam-role", {"region": "b"}, {"key": SecretText("2")}, NEW)
LINK_OLD = ConnectorChange("dev", "secret-key", {"region": "a"}, {"key": SecretText("1")}, OLD)
STACK_NEW = StackChange(name="new", labels=NEW, members={"orchestrator": ("n",)}, description="new")
STACK_OLD = StackChange(name="dev", labels=OLD, members={"orchestrator": ("r",)}, description="")


def part(**changes: Any) -> ComponentDoc:
    """The component as it was written, and changed since."""
    written = {"name": "new", "configuration": {"path": "s3://new"}, "labels": NEW}
    linked = {"connector_id": "new link", "connector_resource_id": "new"}
    return ComponentDoc(**{**_fields(PART), **written, **linked, **changes})


def link(**changes: Any) -> ConnectorDoc:
    written = {"name": "new", "auth_method": "iam-role", "configuration": {"region": "b"}}
    return ConnectorDoc(
        **{
            **_fields(LINK),
            **written,
            "secrets": {"key": SecretText("2")},
            "labels": NEW,
            **changes,
        }
    )


def stack(**changes: Any) -> StackDoc:
    members = {"orchestrator": (Member("n", "n"),)}
    written = {"name": "new", "labels": NEW, "members": members, "description": "new"}
    return StackDoc(**{**_fields(STACK), **written, **changes})


def _fields(doc: Any) -> dict[str, Any]:
    return {name: getattr(doc, name) for name in doc.__slots__}


def less(change: Any, *names: str, **others: Any) -> Any:
    """A change without some of its fields, and with others instead."""
    fields = {**_fields(change), **others}
    return type(change)(**{name: fields[name] for name in fields if name not in names})


@pytest.mark.parametrize(
    ("doc", "new", "old", "back", "is_theirs", "has_ours"),
    [
        # As it was written, and as it was before.
        (part(), PART_NEW, PART_OLD, PART_OLD, False, False),
        (link(), LINK_NEW, LINK_OLD, LINK_OLD, False, False),
        (stack(), STACK_NEW, STACK_OLD, STACK_OLD, False, False),
        (ComponentDoc(**{**_fields(PART), "labels": OLD}), PART_NEW, PART_OLD, None, False, False),
        # A label of somebody's stays, and all else is taken back.
        (
            *(part(labels={**NEW, **TEAM}), PART_NEW, PART_OLD),
            *(less(PART_OLD, labels={**OLD, **TEAM}), False, False),
        ),
        (
            *(link(labels={**NEW, **TEAM}), LINK_NEW, LINK_OLD),
            *(less(LINK_OLD, labels={**OLD, **TEAM}), False, False),
        ),
        # One that this run wrote has another text: theirs.
        (
            *(stack(labels={**NEW, "a": "theirs"}), STACK_NEW, STACK_OLD),
            *(less(STACK_OLD, labels={**OLD, "a": "theirs"}), True, False),
        ),
        # Another name, or description.
        (part(name="theirs"), PART_NEW, PART_OLD, less(PART_OLD, "name"), True, False),
        (stack(name="theirs"), STACK_NEW, STACK_OLD, less(STACK_OLD, "name"), True, False),
        (
            *(stack(description="theirs"), STACK_NEW, STACK_OLD),
            *(less(STACK_OLD, "description"), True, False),
        ),
        # What goes together stays together: some of it is this run's.
        (
            *(part(configuration={"path": "s3://new", "key": "x"}), PART_NEW, PART_OLD),
            *(less(PART_OLD, "configuration"), True, True),
        ),
        (
            *(part(connector_id="theirs"), PART_NEW, PART_OLD),
            *(less(PART_OLD, "connector_id", "connector_resource_id"), True, True),
        ),
        (
            *(link(secrets={"key": SecretText("3")}), LINK_NEW, LINK_OLD),
            *(less(LINK_OLD, "auth_method", "configuration", "secrets"), True, True),
        ),
        (
            *(stack(members={"orchestrator": (Member("x", "x"),)}), STACK_NEW, STACK_OLD),
            *(less(STACK_OLD, "members"), True, True),
        ),
        # What was not changed is nobody's concern.
        (
            *(part(name="theirs"), ComponentChange(labels=NEW), ComponentChange(labels=OLD)),
            *(ComponentChange(labels=OLD), False, False),
        ),
        (
            *(stack(name="theirs"), less(STACK_NEW, name="dev"), STACK_OLD),
            *(less(STACK_OLD, "name"), False, False),
        ),
    ],
)
def test_what_takes_a_change_back(
    doc: Any, new: Any, old: Any, back: Any, is_theirs: bool, has_ours: bool
) -> None:
    assert taken_back(doc, new, old) == (back, is_theirs, has_ours)


def test_what_is_gone_is_not_taken_back() -> None:
    with pytest.raises(NotFoundError, match="stack s is gone"):
        taken_back(None, StackChange(), StackChange(), "stack s")


def test_what_a_thing_is_called() -> None:
    assert [called(doc) for doc in (part(), link(), stack())] == [
        *("artifact store new", "service connector new", "stack new")
    ]
