"""What counts as a stack's own, what replaces it, and the step that each differing field makes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any

import pytest

from kitaru_iac.labels import MANAGED_LABEL, OWNER_LABEL
from kitaru_iac.plan.document import changes
from kitaru_iac.plan.model import Action, Change, Step
from kitaru_iac.records.diff import diff, is_own_component, is_own_connector, replacement_reason
from kitaru_iac.records.model import ComponentRecord, ConnectorRecord, Records
from kitaru_iac.redaction import SecretText
from tests.records.snapshots import MANAGED, aws_records, local_records

SECRET = "AKIAFIRST-secret"
EXISTING = ConnectorRecord("shared", "aws", "implicit", existing=True, id="shared-id")
FOREIGN = ComponentRecord("image_builder", "mine", "local")
BY_HAND = "added to the stack by hand"
LEFT = "left by an earlier stack of this name, and taken over"


def connector(**changes: Any) -> ConnectorRecord:
    """The own connector of stack `s`."""
    found = aws_records("s").connector
    assert found is not None
    return replace(found, id="own-id", **changes)


def stored(**changes: Any) -> Records:
    """Stack `s` on AWS, as it is stored."""
    return replace(aws_records("s"), **{"connector": connector(), "id": "stack-id", **changes})


def with_component(records: Records, type: str, **changes: Any) -> Records:
    """The records with one component changed."""
    parts = (replace(c, **changes) if c.type == type else c for c in records.components)
    return replace(records, components=tuple(parts))


def without(records: Records, type: str) -> Records:
    """The records without the components of a type."""
    return replace(records, components=tuple(c for c in records.components if c.type != type))


def also(records: Records, *components: ComponentRecord) -> Records:
    """The records with more components."""
    return replace(records, components=(*records.components, *components))


def using(records: Records, new: ConnectorRecord | None) -> Records:
    """The records with another connector, linked as before."""
    return replace(records, connector=new)


def brief(steps: list[Step]) -> list[tuple[str, str]]:
    """The steps that change something."""
    return [(s.action.value, s.kind) for s in steps if s.action is not Action.KEEP]


def step(steps: list[Step], kind: str) -> Step:
    """The only step for this kind of part."""
    (found,) = (s for s in steps if s.kind == kind)
    return found


def changed(found: Step) -> dict[str, tuple[Any, Any]]:
    """The fields of a step with their values before and after."""
    return {change.field: (change.before, change.after) for change in found.changes}


@pytest.mark.parametrize(
    ("given", "own"),
    [
        ({}, True),
        ({"labels": {**MANAGED, "team": "ml"}}, True),
        ({"labels": {}}, False),
        ({"labels": {MANAGED_LABEL: "false"}}, False),
        ({"labels": {"team": "ml"}}, False),
        ({"name": "shared"}, False),
        ({"name": "s-replaced"}, False),
        ({"existing": True}, False),
    ],
    ids=str,
)
def test_a_connector_is_the_stacks_own_by_name_and_label(given: dict[str, Any], own: bool) -> None:
    assert is_own_connector(connector(**given), stored()) is own


@pytest.mark.parametrize(
    ("component", "stack_type", "managed", "own"),
    [
        (("orchestrator", "s", MANAGED), "kubernetes", True, True),
        (("orchestrator", "s", MANAGED), "kubernetes", False, True),
        (("artifact_store", "s", MANAGED), "custom", False, True),
        (("container_registry", "s", MANAGED), "local", False, True),
        (("image_builder", "s", MANAGED), "kubernetes", True, False),
        (("orchestrator", "other", MANAGED), "kubernetes", True, False),
        (("orchestrator", "s", {}), "kubernetes", True, False),
        (("orchestrator", "s", {MANAGED_LABEL: "false"}), "kubernetes", True, False),
        (("orchestrator", "s", {}), "local", True, True),
        (("artifact_store", "s", {}), "local", True, True),
        (("container_registry", "s", {}), "local", True, False),
        (("orchestrator", "s", {}), "local", False, False),
        (("orchestrator", "other", {}), "local", True, False),
        (("image_builder", "s", {}), "local", True, False),
    ],
)
def test_a_component_is_the_stacks_own_by_name_type_and_label(
    component: tuple[str, str, dict[str, str]], stack_type: str, managed: bool, own: bool
) -> None:
    kind, name, labels = component
    records = Records("s", stack_type, (), labels=MANAGED if managed else {})
    assert is_own_component(ComponentRecord(kind, name, "local", labels=labels), records) is own


KEPT_IN_PLACE: Mapping[str, tuple[Records, Records]] = {
    "nothing differs": (aws_records("s"), stored()),
    "another value of the connector": (aws_records("s", region="us-east-1"), stored()),
    "no connector any more": (using(aws_records("s"), None), stored()),
    "no connector before": (aws_records("s", method="sts-token"), stored(connector=None)),
    "an existing connector of another method": (using(aws_records("s"), EXISTING), stored()),
    "another method than that of a reused connector": (
        aws_records("s"),
        stored(connector=replace(EXISTING, type="gcp")),
    ),
    "another method than that of a stranger's connector": (
        aws_records("s", method="sts-token"),
        stored(connector=connector(labels={})),
    ),
}


@pytest.mark.parametrize("case", KEPT_IN_PLACE)
def test_a_stack_is_not_replaced_for(case: str) -> None:
    desired, current = KEPT_IN_PLACE[case]
    assert replacement_reason(desired, current) is None
    assert ("replace", "stack") not in brief(diff(desired, current))


@pytest.mark.parametrize(
    ("current", "reason"),
    [
        (stored(stack_type="custom"), "its type changes from custom to kubernetes"),
        (
            stored(stack_type="local", connector=connector(type="gcp")),
            "its type changes from local to kubernetes",
        ),
        (stored(connector=connector(type="gcp")), "its connector changes from gcp to aws"),
        (
            stored(connector=connector(type="gcp", auth_method="implicit")),
            "its connector changes from gcp to aws",
        ),
        (
            stored(connector=connector(auth_method="implicit")),
            "its connector's method changes from implicit to secret-key",
        ),
    ],
)
def test_a_stack_is_replaced_by_another_type_connector_or_method(
    current: Records, reason: str
) -> None:
    assert replacement_reason(aws_records("s"), current) == reason
    found = step(diff(aws_records("s"), current), "stack")
    assert (found.action, found.reason) == (Action.REPLACE, f"{reason}; it gets a new id")


def test_what_is_as_described_is_kept_part_by_part_in_the_order_of_writing() -> None:
    steps = diff(aws_records("s"), stored())
    assert {s.action for s in steps} == {Action.KEEP}
    assert [s.kind for s in steps] == [
        "service_connector",
        "orchestrator",
        "artifact_store",
        "container_registry",
        "stack",
    ]
    assert all(s.name == "s" and not s.changes for s in steps)


COMPONENT_FIELDS: Mapping[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "a value": (
        {"configuration": {"path": "new"}},
        {"configuration": {"path": "old"}},
        {"configuration.path": ("old", "new")},
    ),
    "a new key": (
        {"configuration": {"path": "p", "x": 1}},
        {"configuration": {"path": "p"}},
        {"configuration.x": (None, 1)},
    ),
    "a key too many": (
        {"configuration": {"path": "p"}},
        {"configuration": {"path": "p", "x": 1}},
        {"configuration.x": (1, None)},
    ),
    "a resource": (
        {"resource_id": "s3://new"},
        {"resource_id": "s3://old"},
        {"resource_id": ("s3://old", "s3://new")},
    ),
    "linked": ({}, {"uses_connector": False}, {"uses_connector": (False, True)}),
    "unlinked": (
        {"uses_connector": False, "resource_id": None},
        {"resource_id": None},
        {"uses_connector": (True, False)},
    ),
    "a label of ours": (
        {"labels": {**MANAGED, "kitaru.region": "new"}},
        {"labels": {**MANAGED, "kitaru.region": "old"}},
        {"labels.kitaru.region": ("old", "new")},
    ),
    "a label of ours too many": (
        {},
        {"labels": {**MANAGED, "kitaru.orphaned": "true"}},
        {"labels.kitaru.orphaned": ("true", None)},
    ),
}


@pytest.mark.parametrize("case", COMPONENT_FIELDS)
def test_each_field_of_a_component_that_differs_is_a_change_of_it_alone(case: str) -> None:
    new, old, expected = COMPONENT_FIELDS[case]
    desired = with_component(aws_records("s"), "artifact_store", **new)
    steps = diff(desired, with_component(stored(), "artifact_store", **old))
    assert brief(steps) == [("update", "artifact_store")]
    assert changed(step(steps, "artifact_store")) == expected


class Word(StrEnum):
    """A word that ZenML has as an enumeration."""

    ONE = "one"


@pytest.mark.parametrize(
    ("new", "old"),
    [
        ({"labels": MANAGED}, {"labels": {**MANAGED, "team": "ml"}}),
        ({"labels": {**MANAGED, "team": "ml"}}, {"labels": MANAGED}),
        ({"resource_type": "s3-bucket"}, {"resource_type": None}),
        ({"configuration": {"x": ("a", "b")}}, {"configuration": {"x": ["a", "b"]}}),
        ({"configuration": {"x": Word.ONE}}, {"configuration": {"x": "one"}}),
        ({"configuration": {"x": {"a": 1, "b": 2}}}, {"configuration": {"x": {"b": 2, "a": 1}}}),
        ({"configuration": {"x": None}}, {"configuration": {}}),
        ({"configuration": {"x": [Word.ONE]}}, {"configuration": {"x": ["one"]}}),
    ],
    ids=str,
)
def test_what_only_looks_different_is_no_change(new: dict[str, Any], old: dict[str, Any]) -> None:
    desired = with_component(aws_records("s"), "artifact_store", **new)
    assert brief(diff(desired, with_component(stored(), "artifact_store", **old))) == []


@pytest.mark.parametrize(("new", "old"), [(1, "1"), (True, "true"), ("", None), (0, None)])
def test_what_only_looks_the_same_is_a_change(new: Any, old: Any) -> None:
    desired = with_component(aws_records("s"), "artifact_store", configuration={"x": new})
    current = with_component(stored(), "artifact_store", configuration={"x": old})
    assert brief(diff(desired, current)) == [("update", "artifact_store")]


CONNECTOR_FIELDS: Mapping[str, tuple[dict[str, Any], dict[str, tuple[Any, Any]]]] = {
    "a value": (
        {"configuration": {"region": "us-east-1"}},
        {"configuration.region": ("us-east-1", "eu-west-1")},
    ),
    "a key too many": (
        {"configuration": {"region": "eu-west-1", "x": 1}},
        {"configuration.x": (1, None)},
    ),
    "what ZenML adds": (
        {"configuration": {"region": "eu-west-1", "generate_temporary_tokens": True}},
        {},
    ),
    "another secret": (
        {
            "secrets": {
                "aws_access_key_id": SecretText("AKIAFIRST"),
                "aws_secret_access_key": SecretText("of yesterday"),
            }
        },
        {"configuration.aws_secret_access_key": ("(secret)", "(secret)")},
    ),
    "a secret that is not there": (
        {"secrets": {"aws_access_key_id": SecretText("AKIAFIRST")}},
        {"configuration.aws_secret_access_key": (None, "(secret)")},
    ),
    "a secret too many": (
        {
            "secrets": {
                "aws_access_key_id": SecretText("AKIAFIRST"),
                "aws_secret_access_key": SecretText(SECRET),
                "aws_session_token": SecretText("of yesterday"),
            }
        },
        {"configuration.aws_session_token": ("(secret)", None)},
    ),
    "a label of ours": (
        {"labels": {**MANAGED, "kitaru.region": "x"}},
        {"labels.kitaru.region": ("x", None)},
    ),
    "a label of the user's": ({"labels": {**MANAGED, "team": "ml"}}, {}),
}


@pytest.mark.parametrize("case", CONNECTOR_FIELDS)
def test_each_field_of_the_own_connector_that_differs_is_a_change_of_it_alone(case: str) -> None:
    old, expected = CONNECTOR_FIELDS[case]
    steps = diff(aws_records("s"), stored(connector=connector(**old)))
    assert brief(steps) == ([("update", "service_connector")] if expected else [])
    assert changed(step(steps, "service_connector")) == expected


@pytest.mark.parametrize(
    "current",
    [
        stored(connector=connector(**CONNECTOR_FIELDS["another secret"][0])),
        stored(connector=connector(**CONNECTOR_FIELDS["a secret that is not there"][0])),
        stored(connector=connector(**CONNECTOR_FIELDS["a secret too many"][0])),
        stored(connector=connector(auth_method="sts-token")),
        stored(connector=None),
        None,
    ],
    ids=["another secret", "a secret less", "a secret more", "another method", "none", "new"],
)
@pytest.mark.parametrize(
    "orphans",
    [None, stored(connector=connector(secrets={"aws_session_token": SecretText("of yesterday")}))],
    ids=["nothing left", "a connector left"],
)
def test_no_step_holds_a_secret(current: Records | None, orphans: Records | None) -> None:
    steps = diff(aws_records("s"), current, orphans)
    text = f"{steps!r} {json.dumps(changes(steps), default=str)}"
    for secret in (SECRET, "AKIAFIRST", "of yesterday"):
        assert secret not in text


def test_labels_of_the_stack_that_are_ours_are_its_own_change() -> None:
    desired = replace(aws_records("s"), labels={**MANAGED, OWNER_LABEL: "urn"})
    current = stored(labels={**MANAGED, "kitaru.region": "x", "team": "ml"})
    steps = diff(desired, current)
    assert brief(steps) == [("update", "stack")]
    assert changed(step(steps, "stack")) == {
        f"labels.{OWNER_LABEL}": (None, "urn"),
        "labels.kitaru.region": ("x", None),
    }


def test_another_flavor_exchanges_the_component_and_keeps_the_stack() -> None:
    current = with_component(stored(), "artifact_store", flavor="gcp")
    steps = diff(aws_records("s"), current)
    assert brief(steps) == [("replace", "artifact_store"), ("update", "stack")]
    found = step(steps, "artifact_store")
    assert changed(found) == {"flavor": ("gcp", "s3")}
    assert found.reason == "a component's flavor cannot be changed in place"
    assert changed(step(steps, "stack")) == {"artifact_store": ("s", "s")}


@pytest.mark.parametrize(
    ("member", "before"),
    [
        (None, None),
        ({"name": "theirs"}, "theirs"),
        ({"labels": {}}, "s"),
    ],
    ids=["no member", "another's name", "no label"],
)
@pytest.mark.parametrize(
    ("left", "action", "reason"),
    [
        (None, Action.CREATE, None),
        ({}, Action.UPDATE, LEFT),
        ({"flavor": "gcp"}, Action.REPLACE, "a component's flavor cannot be changed in place"),
    ],
    ids=["nothing left", "one left", "one of another flavor left"],
)
def test_a_component_that_is_not_the_stacks_own_makes_room(
    member: dict[str, Any] | None,
    before: str | None,
    left: dict[str, Any] | None,
    action: Action,
    reason: str | None,
) -> None:
    current = without(stored(), "artifact_store")
    if member is not None:
        current = with_component(stored(), "artifact_store", **member)
    orphans = None if left is None else with_component(stored(), "artifact_store", **left)
    steps = diff(aws_records("s"), current, orphans)
    found = step(steps, "artifact_store")
    assert (found.action, found.reason) == (action, reason)
    assert changed(step(steps, "stack")) == {"artifact_store": (before, "s")}


def test_what_is_taken_over_is_linked_to_the_stacks_connector_anew() -> None:
    left = Records("s", "custom", aws_records("s").components)
    found = step(diff(aws_records("s"), None, left), "artifact_store")
    assert changed(found) == {"connector": (None, "the stack's")}
    unlinked = with_component(left, "artifact_store", uses_connector=False)
    found = step(diff(aws_records("s"), None, unlinked), "artifact_store")
    assert changed(found) == {"uses_connector": (False, True)}
    alone = local_records("s")
    assert step(diff(alone, None, alone), "artifact_store").changes == ()


@pytest.mark.parametrize(
    ("type", "flavored", "own", "step_"),
    [
        ("container_registry", {}, True, (Action.DELETE, "not described any more")),
        ("container_registry", {"labels": {}}, False, (Action.KEEP, BY_HAND)),
        ("container_registry", {"name": "theirs"}, False, (Action.KEEP, BY_HAND)),
    ],
    ids=["its own", "no label", "another's name"],
)
def test_only_its_own_part_goes_when_it_is_not_described_any_more(
    type: str, flavored: dict[str, Any], own: bool, step_: tuple[Action, str]
) -> None:
    current = with_component(stored(), type, **flavored)
    steps = diff(without(aws_records("s"), type), current)
    found = step(steps, type)
    assert (found.action, found.reason) == step_
    member = current.component(type)
    assert member is not None
    assert found.name == member.name
    gone = {type: (member.name, None)} if own else {}
    assert changed(step(steps, "stack")) == gone


def test_members_added_by_hand_are_kept_in_place_and_in_a_replacement() -> None:
    for current in (also(stored(), FOREIGN), also(stored(stack_type="custom"), FOREIGN)):
        steps = diff(aws_records("s"), current)
        expected = Step(Action.KEEP, "image_builder", "mine", reason=BY_HAND)
        assert step(steps, "image_builder") == expected


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [
        (None, None, []),
        (EXISTING, None, [("keep", "shared")]),
        (EXISTING, EXISTING, [("keep", "shared")]),
        (EXISTING, connector(), [("keep", "shared"), ("delete", "s")]),
        (connector(existing=True), connector(), [("keep", "s")]),
        (EXISTING, connector(labels={}), [("keep", "shared")]),
        (None, connector(), [("delete", "s")]),
        (None, connector(labels={}), []),
        (None, EXISTING, []),
        (connector(), None, [("create", "s")]),
        (connector(), EXISTING, [("create", "s")]),
        (connector(), connector(labels={}), [("create", "s")]),
        (connector(), connector(name="theirs"), [("create", "s")]),
        (connector(), connector(), [("keep", "s")]),
    ],
    ids=[
        "none, none before",
        "existing, none before",
        "existing, the same before",
        "existing, its own before",
        "its own as an existing one",
        "existing, a stranger's of its name before",
        "none, its own before",
        "none, a stranger's of its name before",
        "none, existing before",
        "its own, none before",
        "its own, existing before",
        "its own, a stranger's of its name before",
        "its own, a stranger's before",
        "its own, as before",
    ],
)
def test_of_the_connectors_only_its_own_is_written_and_deleted(
    new: ConnectorRecord | None, old: ConnectorRecord | None, expected: list[tuple[str, str]]
) -> None:
    steps = diff(using(aws_records("s"), new), stored(connector=old))
    found = [(s.action.value, s.name) for s in steps if s.kind == "service_connector"]
    assert found == expected


@pytest.mark.parametrize(
    ("new", "old", "relinked"),
    [
        (EXISTING, EXISTING, False),
        (EXISTING, replace(EXISTING, id="another-id"), True),
        (EXISTING, connector(), True),
        (connector(existing=True), connector(), False),
        (EXISTING, None, True),
        (None, EXISTING, True),
        (None, None, False),
        (connector(), connector(), False),
        (connector(), connector(labels={}), True),
        (connector(), EXISTING, True),
    ],
)
def test_components_are_linked_anew_where_the_connector_is_another_one(
    new: ConnectorRecord | None, old: ConnectorRecord | None, relinked: bool
) -> None:
    steps = diff(using(aws_records("s"), new), stored(connector=old))
    for kind in ("orchestrator", "artifact_store", "container_registry"):
        expected = {"connector": (None, "the stack's")} if relinked else {}
        assert changed(step(steps, kind)) == expected


@pytest.mark.parametrize(
    ("left", "action", "reason"),
    [
        (None, Action.CREATE, None),
        ({}, Action.UPDATE, LEFT),
        (
            {"type": "gcp"},
            Action.REPLACE,
            "one left by an earlier stack of this name makes room",
        ),
        (
            {"auth_method": "implicit"},
            Action.REPLACE,
            "one left by an earlier stack of this name makes room",
        ),
    ],
    ids=["nothing left", "one left", "one of another type left", "one of another method left"],
)
@pytest.mark.parametrize(
    "current",
    [None, stored(connector=None), stored(stack_type="custom")],
    ids=["a new stack", "a stack without a connector", "a stack that is replaced"],
)
def test_a_connector_that_was_left_is_taken_over_or_makes_room(
    left: dict[str, Any] | None, action: Action, reason: str | None, current: Records | None
) -> None:
    orphans = None
    if left is not None:
        orphans = Records("s", "custom", (), connector=connector(**left))
    steps = diff(aws_records("s"), current, orphans)
    found = next(s for s in steps if s.kind == "service_connector")
    assert (found.action, found.name, found.reason) == (action, "s", reason)


def test_a_connector_that_is_taken_over_says_what_changes() -> None:
    left = Records("s", "custom", (), connector=connector(configuration={"region": "us-east-1"}))
    found = step(diff(aws_records("s"), None, left), "service_connector")
    assert found.changes == (Change("configuration.region", "us-east-1", "eu-west-1"),)


def test_a_new_stack_is_made_after_its_parts() -> None:
    made = [(Action.CREATE, kind) for kind in ("orchestrator", "artifact_store", "stack")]
    assert [(s.action, s.kind) for s in diff(local_records("s"), None)] == made
    kinds = [s.kind for s in diff(aws_records("s"), None)]
    assert (kinds[0], kinds[-1], len(kinds)) == ("service_connector", "stack", 5)


def test_a_replacement_makes_all_anew_and_then_deletes_its_own_parts_alone() -> None:
    current = with_component(
        also(stored(stack_type="custom"), FOREIGN), "container_registry", name="theirs", labels={}
    )
    steps = diff(without(aws_records("s"), "container_registry"), current)
    assert [(s.action.value, s.kind, s.name) for s in steps] == [
        ("replace", "stack", "s"),
        ("create", "service_connector", "s"),
        ("create", "orchestrator", "s"),
        ("create", "artifact_store", "s"),
        ("delete", "orchestrator", "s"),
        ("delete", "artifact_store", "s"),
        ("keep", "container_registry", "theirs"),
        ("keep", "image_builder", "mine"),
        ("delete", "service_connector", "s"),
    ]


@pytest.mark.parametrize(
    "old", [connector(labels={}), EXISTING, None], ids=["a stranger's", "existing", "none"]
)
def test_a_replacement_leaves_a_connector_that_is_not_its_own(old: ConnectorRecord | None) -> None:
    steps = diff(aws_records("s"), stored(stack_type="custom", connector=old))
    assert [s.action.value for s in steps if s.kind == "service_connector"] == ["create"]
