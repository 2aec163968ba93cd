"""The plan as a format: goldens of every feature, its schema, and its digest."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kitaru_iac.errors import PlanInvalid
from kitaru_iac.notices import PartShared
from kitaru_iac.plan.canonical import canonical, sha256
from kitaru_iac.plan.document import (
    FORMAT_VERSION,
    StackPlan,
    counted_as,
    digest_of,
    document,
    is_change,
)
from kitaru_iac.plan.model import Action, Change, Layer, Plan, Step
from kitaru_iac.plan.saved import differences, read_plan
from kitaru_iac.plan.schema import plan_schema
from tests.plan.samples import SAMPLES

GOLDENS = Path(__file__).parent / "goldens"


def made(name: str) -> dict[str, Any]:
    return {**document(SAMPLES[name]), "kitaru_version": "0.0.0"}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_feature_is_written_as_its_golden_has_it(name: str) -> None:
    # A golden is never changed: what a minor version adds comes as a new file.
    kept = json.loads((GOLDENS / f"{FORMAT_VERSION}-{name}.json").read_text())
    assert made(name) == kept


def test_every_golden_that_was_ever_kept_is_read() -> None:
    files = sorted(GOLDENS.glob("*.json"))
    assert len(files) >= len(SAMPLES)
    for file in files:
        plan = read_plan(file.read_text(), str(file))
        jsonschema.validate(plan, plan_schema())
        for stack in plan["stacks"]:
            assert stack["has_changes"] == any(map(is_change, stack["changes"]))
        assert differences(plan, copy.deepcopy(plan)) == []


@pytest.mark.parametrize("name", SAMPLES)
def test_a_plan_has_its_digest_after_a_way_through_json(name: str) -> None:
    plan = document(SAMPLES[name])
    again = read_plan(json.dumps({"command": "stack.preview", "item": plan}, indent=4), "x")
    assert digest_of(again) == plan["digest"]


def test_nothing_of_a_secret_is_in_the_document() -> None:
    (change,) = made("secret")["stacks"][0]["changes"]
    hidden = [field for field in change["changed"] if field["path"] in change["sensitive"]]
    assert [(f["op"], f["before"], f["after"]) for f in hidden] == [
        ("add", None, None),
        ("change", None, None),
        ("remove", None, None),
    ]


def test_an_action_that_is_not_known_is_a_change() -> None:
    assert is_change({"actions": ["forget"]})
    assert counted_as(["forget"]) == counted_as(["create", "forget"]) == "other"
    assert not is_change({"actions": ["no-op"]})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("[]", "no plan"),
        ("{}", "no plan"),
        ('{"format_version": 1.0}', "no plan"),
        ('{"format_version": "2.0", "stacks": []}', "another major version"),
        ('{"format_version": "10.0", "stacks": []}', "another major version"),
        ('{"format_version": "1", "stacks": []}', "another major version"),
        ('{"format_version": "1.0"}', "does not have"),
        ('{"format_version": "1.0", "stacks": 3}', "do not have"),
        ('{"format_version": "1.0", "stacks": [3]}', "do not have"),
        ('{"format_version": "1.0", "stacks": [{"stack": "a"}]}', "do not have"),
    ],
)
def test_what_is_no_plan_of_this_format_is_refused(text: str, said: str) -> None:
    with pytest.raises(PlanInvalid) as caught:
        read_plan(text, "plan.json")
    assert said.replace("does not", "do not") in caught.value.what
    assert caught.value.where == "plan.json"
    assert caught.value.remedy


def test_an_edited_plan_is_refused_and_a_later_minor_version_is_not() -> None:
    plan = document(SAMPLES["update"])
    plan["stacks"][0]["changes"][0]["changed"][0]["after"] = "s3://mine"
    with pytest.raises(PlanInvalid, match="not as it was written"):
        read_plan(json.dumps(plan), "x")
    later = {**document(SAMPLES["update"]), "format_version": "1.7", "more": {"new": 1}}
    assert read_plan(json.dumps(later), "x")["more"] == {"new": 1}
    jsonschema.validate(later, plan_schema())
    for version in ("2.0", "0.9", "10.0", "1", "1.x"):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**later, "format_version": version}, plan_schema())


# -- the digest ----------------------------------------------------------------------------------

words = st.sampled_from(["a", "b", "é", "\U0001f600"])
values = st.one_of(st.none(), st.booleans(), st.integers(0, 3), words, st.lists(words, max_size=2))
field_changes = st.builds(Change, words, values, values, st.booleans())
steps = st.builds(
    Step,
    st.sampled_from(list(Action)),
    st.sampled_from(["stack", "orchestrator", "aws:s3/bucket:Bucket"]),
    st.sampled_from(["prod", "other"]),
    st.sampled_from(list(Layer)),
    st.lists(field_changes, max_size=2).map(tuple),
    st.sampled_from([None, "because"]),
    st.sampled_from([(), ("stack x",)]),
)
stack_plans = st.builds(
    StackPlan,
    st.builds(Plan, st.just("prod"), st.lists(steps, max_size=3).map(tuple)),
    st.fixed_dictionaries({"name": st.just("prod")}, optional={"region": words}),
)


def meaning(plan: dict[str, Any]) -> object:
    """What of a document a reviewer agrees to, told without the digest's own code."""
    return [
        (
            stack["stack"],
            json.dumps(stack["description"], sort_keys=True),
            sorted(
                json.dumps({k: v for k, v in c.items() if k in SEEN}, sort_keys=True)
                for c in stack["changes"]
                if c["actions"] != ["no-op"]
            ),
        )
        for stack in plan["stacks"]
    ]


SEEN = {"address", "actions", "changed", "sensitive", "used_by"}


@settings(max_examples=300, deadline=None, derandomize=True)
@given(stack_plans, stack_plans)
def test_a_digest_changes_if_and_only_if_the_plan_does(one: StackPlan, two: StackPlan) -> None:
    first, second = document([one]), document([two])
    jsonschema.validate(first, plan_schema())
    assert (first["digest"] == second["digest"]) == (meaning(first) == meaning(second))
    told = differences(first, second)
    assert bool(told) == (first["digest"] != second["digest"])


@settings(max_examples=50, deadline=None, derandomize=True)
@given(stack_plans)
def test_what_is_only_told_is_not_in_the_digest(plan: StackPlan) -> None:
    said = tuple(replace(step, reason="in other words") for step in plan.plan.steps)
    otherwise = replace(
        plan,
        plan=Plan("prod", said, (PartShared("A warning"),)),
        source="another.yaml",
        checks=({"id": "x", "status": "ok"},),
    )
    assert otherwise.digest == plan.digest


def test_the_server_is_in_the_digest_and_the_order_of_stacks_is_not() -> None:
    stacks = SAMPLES["several-and-a-failure"]
    assert document(stacks)["digest"] == document(stacks[::-1])["digest"]
    elsewhere = [replace(stack, store="https://other.example.com") for stack in stacks]
    assert document(stacks)["digest"] != document(elsewhere)["digest"]
    assert differences(document(stacks), document(elsewhere)) == [
        "the store was https://zenml.example.com, and is https://other.example.com"
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a": [True, None]}, '{"a":[true,null],"b":1}'),
        ({"\ue000": 1, "\U0001f600": 2}, '{"\U0001f600":2,"\ue000":1}'),  # as UTF-16 has them
        (1.0, "1"),
        (2.5, "2.5"),
        (float("nan"), '"nan"'),
        ("é\n", '"é\\n"'),
        ((1, "x"), '[1,"x"]'),
        (Action.CREATE, '"create"'),
    ],
)
def test_canonical_form(value: object, text: str) -> None:
    assert canonical(value) == text


def test_the_digest_of_a_known_value() -> None:
    # echo -n '{"a":1}' | sha256sum
    known = "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"
    assert sha256({"a": 1}) == f"sha256:{known}"
