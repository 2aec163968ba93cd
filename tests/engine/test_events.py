"""Events → changes → steps, without an engine."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pulumi.automation import EngineEvent

from kitaru_iac.engine.events import (
    Recording,
    ResourceChange,
    action_of,
    name_of,
    steps,
    type_of,
)
from kitaru_iac.plan.document import changes
from kitaru_iac.plan.model import Action, Layer, Reason

STACK = "urn:pulumi:s::p::pulumi:pulumi:Stack::p-s"
COMPONENT = "urn:pulumi:s::p::kitaru:aws:Infrastructure::stack"
IT = "urn:pulumi:s::p::aws:x:Y::it"
BUCKET = "urn:pulumi:s::p::kitaru:aws:Infrastructure$aws:s3/bucket:Bucket::stack-bucket"


def metadata(op: str, urn: str = BUCKET, **more: Any) -> dict[str, Any]:
    custom = not urn.startswith((STACK, COMPONENT))
    state = {"type": type_of(urn), "urn": urn, "custom": custom, "id": "b"}
    return {"op": op, "urn": urn, "type": type_of(urn), "old": state, "new": state, **more}


def recorded(*events: dict[str, Any], refreshing: bool = False) -> Recording:
    recording = Recording(refreshing)
    for event in events:
        recording.take(EngineEvent.from_json(event))
    return recording


def pre(op: str, urn: str = BUCKET, **more: Any) -> dict[str, Any]:
    return {"resourcePreEvent": {"metadata": metadata(op, urn, **more)}}


def outputs(op: str, urn: str = BUCKET, **more: Any) -> dict[str, Any]:
    return {"resOutputsEvent": {"metadata": metadata(op, urn, **more)}}


def summary(**counts: int) -> dict[str, Any]:
    return {"summaryEvent": {"resourceChanges": counts}}


def test_names_and_types_of_urns() -> None:
    assert (type_of(BUCKET), name_of(BUCKET)) == ("aws:s3/bucket:Bucket", "stack-bucket")
    assert name_of("urn:pulumi:s::p::t::a::b") == "a::b"
    assert (type_of("odd"), name_of("odd")) == ("", "odd")


def test_each_operation_is_an_action() -> None:
    for op, action in {
        "same": Action.KEEP, "create": Action.CREATE, "update": Action.UPDATE,
        "delete": Action.DELETE, "replace": Action.REPLACE, "import": Action.CREATE,
        "create-replacement": Action.REPLACE, "delete-replaced": Action.REPLACE,
        "discard": Action.DELETE, "read": Action.KEEP,
    }.items():  # fmt: skip
        assert recorded(pre(op)).changes[0].action is action, op


def test_an_operation_that_nobody_knows_is_a_change() -> None:
    class Metadata:
        op = "transmogrify"
        urn = BUCKET
        old = new = detailed_diff = diffs = keys = None

    recording = Recording()
    recording._note(Metadata)
    step = recording.changes[0].step()
    assert step.action is Action.UPDATE
    assert step.reason == "the engine calls it 'transmogrify'"


def test_components_and_the_stack_are_no_steps() -> None:
    recording = recorded(
        pre("create", STACK), pre("create", COMPONENT), pre("create"),
        pre("create", "urn:pulumi:s::p::pulumi:providers:aws::aws"),
    )  # fmt: skip
    assert [step.name for step in steps(recording.changes)] == ["b"]
    assert steps(recording.changes)[0].layer is Layer.INFRASTRUCTURE


def test_several_events_about_one_resource_are_one_change() -> None:
    recording = recorded(
        outputs("create", COMPONENT), outputs("create", COMPONENT),
        pre("create-replacement", keys=["bucket"],
            detailedDiff={"bucket": {"diffKind": "update-replace"}, "tags": {"diffKind": "add"}}),
        outputs("create-replacement"), pre("replace"), pre("delete-replaced"),
    )  # fmt: skip
    assert len(recording.changes) == 2
    change = recording.changes[1]
    assert change.action is Action.REPLACE
    assert change.step().reason == "forced by bucket"
    assert [c.field for c in change.step().changes] == ["bucket", "tags"]


def test_a_stronger_action_is_not_lost_to_a_weaker_one() -> None:
    assert recorded(pre("update"), pre("refresh")).changes[0].action is Action.UPDATE
    assert recorded(pre("refresh"), pre("delete")).changes[0].action is Action.DELETE


def test_a_refresh_tells_drift_by_the_answer() -> None:
    same = recorded(pre("refresh"), outputs("refresh"), refreshing=True)
    assert same.changes[0].action is Action.KEEP
    differs = recorded(
        pre("refresh"), outputs("refresh", detailedDiff={"tags": {"diffKind": "update"}}),
        refreshing=True,
    )  # fmt: skip
    assert differs.changes[0].action is Action.UPDATE
    assert [change.field for change in differs.changes[0].differing] == ["tags"]
    gone = recorded(pre("refresh"), outputs("refresh", new=None), refreshing=True)
    assert gone.changes[0].action is Action.DELETE


def test_what_the_engine_counted_must_have_been_seen() -> None:
    assert recorded(pre("create"), summary(create=1)).missing() == []
    assert recorded(pre("create"), summary(create=3)).missing() == ["2 create"]
    assert recorded(pre("create")).missing() == ["the summary"]
    assert recorded(outputs("refresh"), summary(update=1)).missing() == []
    assert recorded(pre("same"), summary(same=0)).missing() == []


def update(
    path: str, before: Any, after: Any, op: str = "update", *, outputs: Any = None, **more: Any
) -> Recording:
    old, new = (
        {"type": "t", "urn": BUCKET, "custom": True, "id": "b", "inputs": inputs, "outputs": given}
        for inputs, given in ((before, outputs or {}), ({**after, **more}, {}))
    )
    return recorded(
        pre(op, old=old, new=new, detailedDiff={path: {"diffKind": "update"}}),
    )


MARKED = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
          "ciphertext": "[secret]"}  # fmt: skip


@pytest.mark.parametrize(
    ("recording", "field"),
    [
        (update("tags.a", {"tags": {"a": "x"}}, {"tags": {"a": "y"}}), ("change", "x", "y")),
        (update("tags.a", {}, {"tags": {"a": "y"}}), ("add", None, "y")),
        (update("rules[0].days", {"rules": [{"days": 1}]}, {}), ("remove", 1, None)),
        (update("isPrivate", {"isPrivate": False}, {"isPrivate": True}), ("change", False, True)),
        # Of what the provider gives, and what it chooses, only that it differs.
        (update("arn", {}, {}, outputs={"arn": "hush"}), ("change", None, None)),
        (update("name", {"name": "a-1"}, {"name": "a-hush"}, "replace", __defaults=["name"]),
         ("change", None, None)),
        (update("acl", {"acl": "public"}, {"acl": "own"}, __defaults=["acl"]),
         ("change", "public", "own")),
    ],
)  # fmt: skip
def test_an_input_that_differs_has_its_values(recording: Recording, field: Any) -> None:
    (change,) = changes(steps(recording.changes))
    (found,) = change["changed"]
    assert (found["op"], found["before"], found["after"]) == field
    assert change["sensitive"] == []
    assert change["unknown"] == ([found["path"]] if field[1:] == (None, None) else [])


def test_what_is_made_has_what_it_is_given() -> None:
    given = {"b": {"c": [1]}, "a": "x", "none": None, "key": MARKED, "name": "a-1",
             "__defaults": ["name"]}  # fmt: skip
    new = {"type": "t", "urn": BUCKET, "custom": True, "inputs": given}
    (change,) = changes(steps(recorded(pre("create", old=None, new=new)).changes))
    assert [(one["path"], one["op"], one["after"]) for one in change["changed"]] == [
        ("a", "add", "x"), ("b", "add", {"c": [1]}), ("key", "add", None),
    ]  # fmt: skip
    assert (change["sensitive"], change["unknown"]) == (["key"], [])


@pytest.mark.parametrize(
    "recording",
    [
        update("key", {"key": MARKED}, {"key": "hush"}),
        update("key", {"key": "hush"}, {"key": {"inner": [MARKED]}}),
        update("key", {"key": "hush"}, {"key": "hush2"}, outputs={"key": MARKED}),
        update("password", {"password": "hush"}, {"password": "hush2"}),
        update("user.accessKey", {"user": {"accessKey": "hush"}}, {"user": {"accessKey": "h"}}),
        update("user", {"user": {"clientSecret": ["hush"]}}, {"user": {"clientSecret": []}}),
        update("url", {"url": "https://me:hush@host/p"}, {"url": "https://me:hush2@host/p"}),
        update("text", {"text": "export TOKEN=hush"}, {"text": '{"api_key": "hush"}'}),
    ],
)
def test_no_secret_of_a_property_is_kept(recording: Recording) -> None:
    assert "hush" not in repr(recording.changes)
    assert "hush" not in json.dumps(changes(steps(recording.changes)))


@pytest.mark.parametrize(
    ("order", "actions"),
    [
        (("delete-replaced", "replace", "create-replacement"), ["delete", "create"]),
        (("create-replacement", "replace", "delete-replaced"), ["create", "delete"]),
    ],
)
def test_a_replacement_says_what_comes_first(order: tuple[str, ...], actions: list[str]) -> None:
    recording = recorded(*(pre(operation) for operation in order))
    (change,) = changes(steps(recording.changes))
    assert change["actions"] == actions
    assert change["address"] == "infrastructure/aws:s3/bucket:Bucket/stack-bucket"


def test_diagnostics_lose_their_colours_and_the_ephemeral() -> None:
    recording = recorded(
        {"diagnosticEvent": {"message": "<{%fg 1%}>bad<{%reset%}> <thing>\n", "severity": "error",
                             "prefix": "error: ", "urn": BUCKET}},
        {"diagnosticEvent": {"message": "…", "severity": "info", "ephemeral": True}},
    )  # fmt: skip
    assert [(d.message, d.urn) for d in recording.diagnostics] == [("bad <thing>", BUCKET)]


def test_steps_come_in_one_order_under_the_clouds_names() -> None:
    seen = [
        ResourceChange(f"urn:pulumi:s::p::aws:x:Y::{name}", Action.CREATE, "create")
        for name in ("b", "a")
    ]
    assert [step.name for step in steps(seen, {"a": "named"})] == ["named", "b"]


@pytest.mark.parametrize(
    ("operation", "more", "coming", "taken"),
    [
        ("same", {}, [IT], True),
        ("same", {}, ["x", IT], True),
        ("same", {}, ["x"], False),
        ("same", {}, [], False),
        ("same", {"is_custom": False}, [IT], False),
        ("read", {}, [IT], False),
        ("refresh", {}, [IT], True),
        ("update", {}, [IT], False),
        ("create", {}, [IT], False),
    ],
)
def test_what_exists_as_it_should_and_comes_into_the_state_is_a_change(
    operation: str, more: dict[str, bool], coming: list[str], taken: bool
) -> None:
    """A plan without a step for it would end in nobody doing it."""
    change = ResourceChange(IT, action_of(operation), operation, **more)
    found = change.taken_over(coming)
    assert (found is not change) is taken
    if taken:
        (step,) = steps([found])
        assert (step.action, step.code) == (Action.UPDATE, Reason.IMPORTED)
