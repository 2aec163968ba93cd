"""What a killed run left in a state, and what is protected there: states in, states out."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

import pytest

from kitaru_iac.engine.pending import settled, with_protection, without


def a_resource(urn: str, **more: Any) -> dict[str, Any]:
    return {"urn": urn, "type": "aws:s3/bucket:Bucket", "inputs": {"bucket": urn}, **more}


def a_state(*resources: dict[str, Any], **operations: str) -> dict[str, Any]:
    """A state with these resources, and with pending operations by URN."""
    return {
        "manifest": {"version": "v3"},
        "resources": list(resources),
        "pending_operations": [
            {"type": kind, "resource": a_resource(urn)} for urn, kind in operations.items()
        ],
    }


class Asked:
    """Tells that everything exists, and notes what was asked for."""

    def __init__(self) -> None:
        self.about: list[tuple[str, Mapping[str, Any]]] = []

    def __call__(self, type: str, inputs: Mapping[str, Any]) -> str:
        self.about.append((type, inputs))
        return "found"


@pytest.mark.parametrize(
    ("kind", "known", "taken"),
    [
        ("creating", False, True),
        ("creating", True, False),
        ("updating", False, False),
        ("updating", True, False),
        ("deleting", False, False),
        ("deleting", True, False),
        ("reading", False, False),
        ("importing", False, False),
    ],
)
def test_only_what_was_being_created_and_is_not_known_is_asked_for(
    kind: str, known: bool, taken: bool
) -> None:
    asked = Asked()
    state = a_state(*([a_resource("one")] if known else []), one=kind)
    before = copy.deepcopy(state)
    after = settled(state, asked)
    assert asked.about == ([("aws:s3/bucket:Bucket", {"bucket": "one"})] if taken else [])
    assert [r["urn"] for r in after["resources"]] == (["one"] if known or taken else [])
    assert after["pending_operations"] == []
    assert after["manifest"] == {"version": "v3"}
    assert state == before


def test_what_is_known_stays_as_it_is_and_before_what_is_taken_over() -> None:
    old = a_resource("old", id="of-old", outputs={"x": 1})
    after = settled(a_state(old, new="creating"), Asked())
    first, second = after["resources"]
    assert first == old
    assert (second["urn"], second["id"], second["outputs"]) == ("new", "found", {"bucket": "new"})


@pytest.mark.parametrize("inputs", [{}, None])
def test_a_resource_without_inputs_is_asked_for_without_any(inputs: dict[str, Any] | None) -> None:
    asked = Asked()
    state = a_state(one="creating")
    state["pending_operations"][0]["resource"]["inputs"] = inputs
    after = settled(state, asked)
    assert asked.about == [("aws:s3/bucket:Bucket", {})]
    assert after["resources"][0]["outputs"] == {}


def test_what_does_not_exist_is_not_taken_over() -> None:
    after = settled(a_state(a_resource("old"), new="creating"), lambda *_: None)
    assert after["resources"] == [a_resource("old")]
    assert after["pending_operations"] == []


def test_where_nothing_can_be_asked_the_operations_are_forgotten() -> None:
    after = settled(a_state(a_resource("old"), new="creating", old="updating"), None)
    assert [r["urn"] for r in after["resources"]] == ["old"]
    assert after["pending_operations"] == []


@pytest.mark.parametrize("state", [{}, {"resources": []}, {"pending_operations": []}], ids=str)
def test_an_empty_state_is_settled(state: dict[str, Any]) -> None:
    expected: dict[str, Any] = {"resources": [], "pending_operations": []}
    assert settled(state, Asked()) == expected


@pytest.mark.parametrize(
    ("before", "wanted", "after"),
    [
        ({}, None, {}),
        ({"protect": True}, None, {"protect": True}),
        (
            {"protect": True, "retainOnDelete": True},
            None,
            {"protect": True, "retainOnDelete": True},
        ),
        ({}, True, {"protect": True}),
        ({"protect": False}, True, {"protect": True}),
        ({"retainOnDelete": True}, True, {"protect": True, "retainOnDelete": True}),
        ({}, False, {"protect": False}),
        ({"protect": True}, False, {"protect": False}),
        ({"protect": True, "retainOnDelete": True}, False, {"protect": False}),
    ],
    ids=str,
)
def test_a_resource_is_protected_or_not_as_is_wanted_of_it_alone(
    before: dict[str, Any], wanted: bool | None, after: dict[str, Any]
) -> None:
    other = a_resource("other", protect=True, retainOnDelete=True)
    state = {"manifest": 1, "resources": [a_resource("one", **before), other]}
    untouched = copy.deepcopy(state)
    found = with_protection(state, {} if wanted is None else {"one": wanted, "unknown": True})
    assert found == {"manifest": 1, "resources": [a_resource("one", **after), other]}
    assert state == untouched


def test_a_state_without_resources_has_none_to_protect() -> None:
    assert with_protection({"manifest": 1}, {"one": True}) == {"manifest": 1, "resources": []}


def test_what_is_forgotten_is_in_no_other_resource_either() -> None:
    state = {
        "resources": [
            {"urn": "bucket"},
            {"urn": "block", "parent": "bucket", "dependencies": ["bucket"]},
            {
                "urn": "role",
                "dependencies": ["bucket", "other"],
                "propertyDependencies": {"policy": ["bucket"], "name": None, "x": ["other"]},
                "deletedWith": "bucket",
            },
            {"urn": "other", "deletedWith": "role"},
        ],
        "pending_operations": [],
    }
    before = json.dumps(state)
    assert without(state, {"bucket", "block"}) == {
        "resources": [
            {
                "urn": "role",
                "dependencies": ["other"],
                "propertyDependencies": {"policy": [], "name": [], "x": ["other"]},
            },
            {"urn": "other", "deletedWith": "role"},
        ],
        "pending_operations": [],
    }
    assert json.dumps(state) == before
    assert without({}, {"x"}) == {"resources": []}
