"""How a reviewed plan and a fresh one differ, in words; what is a plan; one text for one value."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest

from kitaru_iac.errors import PlanInvalid, PlanMoved
from kitaru_iac.plan.canonical import canonical, sha256
from kitaru_iac.plan.document import FORMAT_VERSION, digest_of
from kitaru_iac.plan.remains import is_left_of
from kitaru_iac.plan.saved import differences, failing, is_same_but_for_checks, read_plan
from kitaru_iac.stacks.planning import require_digest


def change(address: str, *actions: str, **more: Any) -> dict[str, Any]:
    return {
        "address": address,
        "previous_address": None,
        "unknown": [],
        "actions": list(actions),
        "changed": [],
        "used_by": [],
        "sensitive": [],
        **more,
    }


def entry(name: str = "prod", *changes: Any, error: Any = None, **described: Any) -> dict[str, Any]:
    return {
        "stack": name,
        "description": described or {"name": name},
        "changes": list(changes),
        "error": error,
    }


def plan(*entries: Any, store: str | None = "https://zenml") -> dict[str, Any]:
    return {"store": store, "stacks": list(entries)}


def marked(address: str, *paths: str, actions: tuple[str, ...] = ("update",)) -> dict[str, Any]:
    return change(address, *actions, changed=[{"path": path} for path in paths])


APPLIED = "labels.kitaru.applied"
MADE, KEPT = change("a", "create"), change("a", "no-op")
OTHER = change("b", "update")
PRUNED = {**entry("gone", change("a", "delete")), "description": {}}


@pytest.mark.parametrize(
    ("old", "new", "prunes", "is_left"),
    [
        ([entry("a", MADE), entry("b", MADE)], [entry("a"), entry("b", MADE)], False, True),
        ([entry("a", MADE, OTHER)], [entry("a", OTHER)], False, True),
        ([entry("a", MADE, OTHER)], [entry("a", KEPT, OTHER)], False, True),
        ([entry("a", MADE)], [entry("a")], False, False),  # nothing is left
        ([entry("a", MADE)], [entry("a", OTHER)], False, False),
        ([entry("a", MADE, OTHER)], [entry("a", {**OTHER, "actions": ["delete"]})], False, False),
        ([entry("a", MADE, OTHER)], [entry("a", OTHER, x=1)], False, False),
        ([entry("a", MADE), entry("b")], [entry("a", MADE)], False, False),  # b is not described
        ([entry("a", MADE)], [entry("a", MADE), entry("b", MADE)], False, False),
        ([entry("a", MADE)], [entry("a", MADE), entry("b")], False, False),
        ([entry("a", MADE, OTHER, error={"code": "x"})], [entry("a", OTHER)], False, False),
        ([entry("a", MADE, OTHER)], [entry("a", OTHER, error={"code": "x"})], False, False),
        # What was made lacks the marks that its run was yet to write; nothing else is forgiven.
        ([entry("a", MADE)], [entry("a", marked("a", APPLIED))], False, True),
        ([entry("a", MADE)], [entry("a", marked("a", APPLIED, "name"))], False, False),
        ([entry("a", MADE)], [entry("a", marked("b", APPLIED))], False, False),
        ([entry("a", OTHER)], [entry("a", marked("b", APPLIED))], False, False),
        ([entry("a", MADE)], [entry("a", marked("a"))], False, False),
        (
            [entry("a", MADE)],
            [entry("a", marked("a", APPLIED, actions=("create", "delete")))],
            False,
            False,
        ),
        ([entry("a", MADE), PRUNED], [entry("a", MADE)], True, True),
        ([entry("a", MADE), PRUNED], [entry("a", MADE)], False, False),
    ],
)
def test_what_is_left_of_a_plan(old: Any, new: Any, prunes: bool, is_left: bool) -> None:
    assert is_left_of(plan(*old), plan(*new), prunes=prunes) is is_left
    assert not is_left_of(plan(*old), plan(*new, store="https://other"), prunes=prunes)


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        (entry(), entry(), []),
        (entry("prod", MADE), entry("prod", MADE), []),
        (entry(region="x"), entry(region="x"), []),
        (
            entry(region="x", type="t"),
            entry(region="ä", type="t"),
            ['its description\'s `region` was "x", and is "ä"'],
        ),
        (
            entry(type="t"),
            entry(type="t", verify=False),
            ["its description's `verify` was not set, and is false"],
        ),
        (
            entry(type="t", b=1, a=1),
            entry(type="t"),
            [
                "its description's `a` was 1, and is not set",
                "its description's `b` was 1, and is not set",
            ],
        ),
        (
            entry("prod", MADE),
            entry("prod"),
            ["a: reviewed was create; now it is nothing"],
        ),
        (
            entry("prod"),
            entry("prod", MADE),
            ["a: reviewed was nothing; now it is create"],
        ),
        (entry("prod", KEPT), entry("prod"), []),
        (entry("prod"), entry("prod", KEPT), []),
        (
            entry("prod", change("a", "create", "delete")),
            entry("prod", change("a", "delete", "create")),
            ["a: reviewed was create and delete; now it is delete and create"],
        ),
        *(
            (
                entry("prod", change("a", "update")),
                entry("prod", change("a", "update", **{key: ["x"]})),
                ["a: the fields that change, or their values, are others"],
            )
            for key in ("changed", "used_by", "sensitive")
        ),
        # What is kept may be shared with others, and changes nothing.
        (entry("prod", KEPT), entry("prod", change("a", "no-op", used_by=["x"])), []),
        (
            entry("prod", change("b", "create"), MADE),
            entry("prod", change("c", "create"), MADE),
            [
                "b: reviewed was create; now it is nothing",
                "c: reviewed was nothing; now it is create",
            ],
        ),
        (
            entry("prod", error={"code": "x"}),
            entry("prod"),
            ["it ended with the error x, and ends with a plan"],
        ),
        (
            entry("prod"),
            entry("prod", error={"code": "x"}),
            ["it ended with a plan, and ends with the error x"],
        ),
        (
            entry("prod", error={"code": "x", "what": "a"}),
            entry("prod", error={"code": "x", "what": "b"}),
            [],
        ),
        (
            entry("prod", error={"code": "x"}),
            entry("prod", error={"code": "y"}),
            ["it ended with the error x, and ends with the error y"],
        ),
    ],
)
def test_what_differs_of_one_stack_is_said(old: Any, new: Any, lines: list[str]) -> None:
    name = "prod"
    old, new = {**old, "stack": name}, {**new, "stack": name}
    assert differences(plan(old), plan(new)) == [f"stack prod: {line}" for line in lines]


FAILED = {"code": "check_failed"}


def looked(status: str, error: Any = None, *changes: Any) -> dict[str, Any]:
    check = {"id": "aws.bucket.exists", "subject": "data", "status": status, "why": "so"}
    return {**entry("prod", *changes, error=error), "checks": [check]}


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        # Who looks sees more or less: no difference of what would be done.
        (looked("unknown", None, MADE), looked("ok", None, MADE), []),
        (looked("ok", None, MADE), looked("unknown", None, MADE), []),
        (
            looked("unknown"),
            looked("fail", FAILED),
            [
                "it ended with a plan, and ends with the error check_failed",
                "check aws.bucket.exists of data was unknown, and is fail: so",
            ],
        ),
        (
            entry(),
            looked("fail", FAILED),
            [
                "it ended with a plan, and ends with the error check_failed",
                "check aws.bucket.exists of data is fail: so",
            ],
        ),
        (
            looked("fail", FAILED),
            looked("ok", None, MADE),
            [
                "a: reviewed was nothing; now it is create",
                "it ended with the error check_failed, and ends with a plan",
                "check aws.bucket.exists of data was fail, and is ok: so",
            ],
        ),
        (
            looked("fail", FAILED),
            looked("fail", {"code": "x"}),
            ["it ended with the error check_failed, and ends with the error x"],
        ),
    ],
)
def test_a_check_is_said_where_it_is_why_the_plans_differ(old: Any, new: Any, lines: Any) -> None:
    assert differences(plan(old), plan(new)) == [f"stack prod: {line}" for line in lines]
    is_same = digest_of(plan(old)) == digest_of(plan(new))
    assert is_same is (lines == [])
    assert not is_same_but_for_checks(plan(old), plan(new)) or is_same


def test_a_check_that_failed_in_the_review_alone_moves_nothing_that_is_idle() -> None:
    moved = entry("test", change("a", "update"))
    reviewed = plan(looked("fail", FAILED), moved)
    assert is_same_but_for_checks(reviewed, plan(looked("ok", None, KEPT), moved))
    for other in (
        plan(looked("ok", None, MADE), moved),
        plan(looked("ok", {"code": "x"}), moved),
        plan(looked("ok"), entry("test", MADE)),
        plan(looked("ok"), moved, store="sqlite"),
    ):
        assert not is_same_but_for_checks(reviewed, other)
    assert not is_same_but_for_checks(plan(entry(error={"code": "x"})), plan(entry()))
    # Where every stack's checks failed, the reviewed plan does not know of which store it is.
    alone = plan(looked("fail", FAILED), store=None)
    assert is_same_but_for_checks(alone, plan(looked("ok", None, KEPT)))
    assert not is_same_but_for_checks(alone, plan(looked("ok", None, MADE)))
    assert differences(alone, plan(looked("ok"))) == [
        "stack prod: it ended with the error check_failed, and ends with a plan",
        "stack prod: check aws.bucket.exists of data was fail, and is ok: so",
    ]
    assert failing(reviewed) == ["stack prod: check aws.bucket.exists of data is fail: so"]


def test_a_refusal_without_the_reviewed_plan_names_the_check_that_fails_now() -> None:
    fresh = plan({**looked("fail", FAILED), "has_changes": False})
    with pytest.raises(PlanMoved) as refused:
        require_digest({**fresh, "digest": digest_of(fresh)}, "sha256:of-another")
    assert str(refused.value.why).splitlines()[1:] == failing(fresh)


def test_other_stacks_and_another_store_are_said() -> None:
    one, two = plan(entry("a"), entry("b")), plan(entry("b"), entry("c"), store="sqlite")
    assert differences(one, two) == [
        "the store was https://zenml, and is sqlite",
        "stack a: it is in the reviewed plan alone",
        "stack c: it is not in the reviewed plan",
    ]
    assert differences(one, deepcopy(one)) == []


def written(version: object = FORMAT_VERSION, **more: Any) -> dict[str, Any]:
    found = {"format_version": version, **plan(entry("prod", MADE)), **more}
    return {**found, "digest": digest_of(found)}


MAJOR, MINOR = FORMAT_VERSION.split(".")


@pytest.mark.parametrize("version", [FORMAT_VERSION, f"{MAJOR}.999"])
def test_a_plan_of_this_major_version_is_read_with_and_without_its_envelope(version: str) -> None:
    found = written(version)
    assert read_plan(json.dumps(found), "p") == found
    assert read_plan(json.dumps({"command": "preview", "item": found}), "p") == found


@pytest.mark.parametrize(
    ("text", "what", "why"),
    [
        ("", "This is no JSON", None),
        ("{", "This is no JSON", None),
        ("[" * 200_000, "This is no JSON", None),
        ("[]", "This is no plan: it has no `format_version`", None),
        ("1", "This is no plan: it has no `format_version`", None),
        ("{}", "This is no plan: it has no `format_version`", None),
        ('{"item": []}', "This is no plan: it has no `format_version`", None),
        ('{"format_version": 1}', "This is no plan: it has no `format_version`", None),
        *(
            (
                json.dumps(written(version)),
                "The plan's format is of another major version",
                f"This kitaru reads {MAJOR}.x.",
            )
            for version in (f"{int(MAJOR) + 1}.0", f"{MAJOR}", f"{MAJOR}.", f"{MAJOR}.0 ", "x.y")
        ),
        (
            json.dumps({**written(), "digest": "sha256:0"}),
            "The plan is not as it was written: its contents do not have its digest",
            "It was edited or cut off.",
        ),
        (
            json.dumps({**written(), "stacks": []}),
            "The plan is not as it was written: its contents do not have its digest",
            "It was edited or cut off.",
        ),
        (
            json.dumps({"format_version": FORMAT_VERSION}),
            "The plan is not as it was written: its contents do not have its digest",
            "It was edited or cut off.",
        ),
        (
            json.dumps({"format_version": FORMAT_VERSION, "stacks": [1], "store": 1}),
            "The plan is not as it was written: its contents do not have its digest",
            "It was edited or cut off.",
        ),
    ],
)
def test_what_is_no_plan_is_refused(text: str, what: str, why: str | None) -> None:
    with pytest.raises(PlanInvalid) as caught:
        read_plan(text, "p.json")
    error = caught.value
    assert (error.what, error.why, error.where) == (what, why, "p.json")
    assert error.remedy == "Write it anew with: kitaru stack preview --out FILE"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a": [True, None, "ä"]}, '{"a":[true,null,"ä"],"b":1}'),
        # Keys in the order of UTF-16: what lies beyond the first plane is before U+E000.
        ({"\ue000": 1, "\U00010000": 2}, '{"\U00010000":2,"\ue000":1}'),
        ((1, 2), "[1,2]"),
        (1.0, "1"),
        (1.5, "1.5"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (-1e21, "-1e+21"),
        (float("nan"), '"nan"'),
        (float("inf"), '"inf"'),
        ({1: "x"}, '{"1":"x"}'),
        (False, "false"),
        (
            {
                2,
            },
            '"{2}"',
        ),
    ],
)
def test_one_value_is_one_text(value: object, text: str) -> None:
    assert canonical(value) == text
    assert sha256(value).startswith("sha256:")
    assert len(sha256(value)) == 71
