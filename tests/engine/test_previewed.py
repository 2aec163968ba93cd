"""What a preview's document means: one table of steps, and what is hidden or lost."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kitaru_iac.engine.previewed import previewed
from kitaru_iac.plan.document import StackPlan, document
from kitaru_iac.plan.model import HIDDEN, Action, Change, Plan
from tests.engine.previews import COMPUTED, preview, step, urn


def kept(
    old: dict[str, bool],
    new: dict[str, bool],
    inputs: dict[str, Any],
    given: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """A resource that stays, with other options than before."""
    made = step("update" if given else "same", old=inputs, new=given or inputs)
    made["oldState"].update(old)
    made["newState"].update(new)
    return made


ROW = {
    "made": ([step("create", new={"name": "dev"})], Action.CREATE, [Change("name", None, "dev")]),
    "changed where the provider says": (
        [
            step(
                "update",
                old={"tags": {"a": "1", "b": "2"}},
                new={"tags": {"a": "1", "b": "3"}},
                paths=("tags.b",),
            )
        ],
        Action.UPDATE,
        [Change("tags.b", "2", "3")],
    ),
    "a path with an index, a quote and a dot": (
        [
            step(
                "update",
                old={"r": [{"a.b": {'"': 1}}]},
                new={"r": [{"a.b": {'"': 2}}]},
                paths=('r[0]["a.b"]["\\""]',),
            )
        ],
        Action.UPDATE,
        [Change('r[0]["a.b"]["\\""]', 1, 2)],
    ),
    "an input that differs and that the provider does not name": (
        [step("update", old={"a": 1, "b": 1}, new={"a": 2, "b": 3}, paths=("a",))],
        Action.UPDATE,
        [Change("a", 1, 2), Change("b", 1, 3)],
    ),
    "what a refresh found": (
        [
            step("refresh", old={"name": "dev"}, new={"name": "dev"}),
            step(
                "update",
                old={"name": "dev"},
                new={"name": "dev"},
                outputs={"drift": ["the path is another"]},
                paths=("drift",),
            ),
        ],
        Action.UPDATE,
        [Change("drift", ["the path is another"], None)],
    ),
    "found to be gone, and made again": (
        [step("delete", old={"name": "dev"}), step("create", new={"name": "dev"})],
        Action.CREATE,
        [Change("name", None, "dev")],
    ),
    "replaced": (
        [
            step("create-replacement", old={"t": "a"}, new={"t": "b"}, paths=("t",)),
            step("replace", old={"t": "a"}, new={"t": "b"}, paths=("t",), replaceReasons=["t"]),
            step("delete-replaced", old={"t": "a"}),
        ],
        Action.REPLACE,
        [Change("t", "a", "b")],
    ),
    "deleted": ([step("delete", old={"name": "dev"})], Action.DELETE, []),
    "a protection that is lifted": (
        [kept({"protect": True}, {}, {"a": 1})],
        Action.UPDATE,
        [Change("protect", True, False)],
    ),
    "what stays in the cloud when it is deleted": (
        [kept({"protect": True}, {"protect": True, "retainOnDelete": True}, {"a": 1})],
        Action.UPDATE,
        [Change("retainOnDelete", False, True)],
    ),
    "a change and a protection": (
        [kept({}, {"protect": True}, {"a": 1}, {"a": 2})],
        Action.UPDATE,
        [Change("a", 1, 2), Change("protect", False, True)],
    ),
    "not known yet": (
        [step("update", old={"a": 1}, new={"a": COMPUTED}, paths=("a",))],
        Action.UPDATE,
        [Change("a", 1, "(not known yet)")],
    ),
    "an operation of a later engine": (
        [step("transmogrify", old={"a": 1}, new={"a": 1})],
        Action.UPDATE,
        [],
    ),
    "Pulumi's own keys": (
        [step("update", old={"__defaults": [1], "a": 1}, new={"__defaults": [], "a": 2})],
        Action.UPDATE,
        [Change("a", 1, 2)],
    ),
}


@pytest.mark.parametrize("row", ROW)
def test_each_kind_of_step(row: str) -> None:
    steps, action, changes = ROW[row]
    (found,) = previewed(preview(*steps)).steps
    assert found.action is action
    assert list(found.changes) == changes


@pytest.mark.parametrize("op", ["same", "read", "refresh"])
def test_what_stays_is_no_step(op: str) -> None:
    assert previewed(preview(step(op, old={"a": 1}, new={"a": 1}))).steps == ()


def bucket_and_policy(chosen: str, given: str = "given") -> dict[str, Any]:
    """A bucket whose name the provider chooses, and what is told that name."""
    named = {"bucket": chosen, "acl": "private", "__defaults": ["bucket", "acl"]}
    told = {"bucket": given, "policy": json.dumps({"Resource": f"arn:aws:s3:::{chosen}/*"})}
    return preview(
        step("create", "data", "aws:s3:Bucket", new=named),
        step(
            "update", "rule", "aws:s3:Policy", old={"bucket": "given"}, new=told, paths=("policy",)
        ),
    )


def test_a_name_that_is_chosen_anew_each_time_makes_no_other_plan() -> None:
    def digest(found: dict[str, Any]) -> str:
        return StackPlan(Plan("dev", previewed(found).steps)).digest

    one, other = bucket_and_policy("data-3f2a1c9"), bucket_and_policy("data-77ab012")
    assert digest(one) == digest(other)
    assert digest(one) != digest(bucket_and_policy("data-3f2a1c9", given="else"))
    made, told = previewed(one).steps
    shown = {change.field: change.after for change in (*made.changes, *told.changes)}
    assert shown == {
        "acl": "private",
        "bucket": "(chosen when it is made)",
        "policy": '{"Resource": "arn:aws:s3:::(chosen when it is made)/*"}',
    }


def test_a_name_that_it_has_or_is_given_is_shown() -> None:
    kept = {"bucket": "data-3f2a1c9", "__defaults": ["bucket"], "tags": {"of": "data-3f2a1c9"}}
    (update,) = previewed(
        preview(step("update", "data", old={**kept, "tags": {}}, new=kept, paths=("tags",)))
    ).steps
    assert update.changes == (Change("tags", {}, {"of": "data-3f2a1c9"}),)
    (own,) = previewed(
        preview(step("create", "data", new={"bucket": "data-of-mine", "__defaults": []}))
    ).steps
    assert own.changes == (Change("bucket", None, "data-of-mine"),)


def test_what_the_program_has_renamed_is_told_with_its_former_place() -> None:
    renamed = step("update", "new", old={"a": 1}, new={"a": 2}, paths=("a",))
    renamed["oldState"]["urn"] = urn("old", "my:Team$kitaru:index:Stack")
    plan = previewed(preview(renamed))
    (change,) = document([StackPlan(Plan("dev", plan.steps), {}, store=None)])["stacks"][0][
        "changes"
    ]
    assert change["address"] == "infrastructure/kitaru:index:Stack/new"
    was = "kitaru:index:Stack/my:Team$old"
    assert change["previous_address"] == f"infrastructure/{was}"
    assert change["reason"] == {"code": "renamed", "text": f"it was {was} before"}


def test_the_pulumi_stack_is_none() -> None:
    root = step("create", "platform-dev", "pulumi:pulumi:Stack", new={})
    assert previewed(preview(root)).steps == ()


@pytest.mark.parametrize(
    ("old", "new", "before", "after"),
    [
        ("[secret]", "[secret]", HIDDEN, HIDDEN),
        (None, "[secret]", None, HIDDEN),
        ("plain", "[secret]", HIDDEN, HIDDEN),
        ({"inner": ["[secret]"]}, {"inner": []}, HIDDEN, HIDDEN),
    ],
)
def test_a_secret_is_not_shown_on_either_side(old: Any, new: Any, before: Any, after: Any) -> None:
    one, other = ({} if value is None else {"key": value} for value in (old, new))
    (found,) = previewed(preview(step("update", old=one, new=other, paths=("key",)))).steps
    (change,) = found.changes
    assert (change.before, change.after, change.sensitive) == (before, after, True)


@pytest.mark.parametrize("made", [True, False], ids=["made", "changed"])
@pytest.mark.parametrize("key", ["value", "password"], ids=["by the provider", "by its name"])
def test_what_the_provider_marks_or_a_name_tells_is_not_shown(key: str, made: bool) -> None:
    """As the password of a database, which the program gives in the clear."""
    outputs = {key: "[secret]"} if key == "value" else {}
    found = step("create" if made else "update", old={key: "hunter1"}, new={key: "hunter2"})
    if made:
        found["oldState"] = None
    for state in ("oldState", "newState"):
        if found.get(state):
            found[state]["outputs"] = outputs
    (told,) = previewed(preview(found)).steps
    (change,) = told.changes
    assert change == Change(key, None if made else HIDDEN, HIDDEN, sensitive=True)


SETTINGS = (
    *("httpTokens", "http_tokens", "tokenBucket", "passwordPolicy", "secretName", "tokenExpiry"),
    *(
        "SecretArn",
        "SECRET_ARN",
        "signatureAlgorithm",
        "tokenTTL",
        "accessKeyStatus",
        "apiKeySource",
    ),
    *("privateEndpointNetworkPolicies", "privateIpAddress", "aws:TokenIssueTime", "secretKeyRef"),
    *("token.actions.githubusercontent.com:sub", "token.actions.githubusercontent.com:actor"),
)
SECRETS = (
    *("password", "dbPassword", "DB_PASSWORD", "passwordNew", "token", "authTokens", "tokenValue"),
    *("secret", "secrets", "clientSecret", "secretId", "secretString", "secretname", "name-secret"),
    *("accessKey", "accessKeyId", "account_key", "privateKeyPem", "credentials", "signature"),
    *("token.actions.githubusercontent.com:secret", "db.password:prod", "my.password.dev:x"),
    *("passwordPolicy2", "pwd", "pwd1", "TOKEN__"),
)


@pytest.mark.parametrize("place", ["a property", "within one", "in a document"])
@pytest.mark.parametrize(
    ("name", "is_hidden"), [(n, False) for n in SETTINGS] + [(n, True) for n in SECRETS]
)
def test_a_setting_is_told_from_a_secret_by_its_name(
    name: str, is_hidden: bool, place: str
) -> None:
    """What is hidden has no digest, so what decides about a change has to be shown."""

    def planned(value: str) -> dict[str, Any]:
        given: dict[str, Any] = {"a": [{name: value}]}
        new: dict[str, Any] = {
            "a property": given["a"][0] if "." not in name else {"p": given},  # a key of a map
            "within one": {"p": given},
            "in a document": {"p": json.dumps(given)},
        }[place]
        steps = previewed(preview(step("create", new=new))).steps
        return document([StackPlan(Plan("dev", steps), {}, store=None)])

    one, other = planned("hunter1"), planned("hunter2")
    assert ("hunter1" not in json.dumps(one)) is is_hidden
    assert (one["digest"] == other["digest"]) is is_hidden


def test_what_nobody_marked_and_looks_like_a_secret_is_hidden_too() -> None:
    key = "-----BEGIN PRIVATE KEY-----\nverysecret\n-----END PRIVATE KEY-----"
    given = {
        "credentials": "aws-access-keys:AKIAIOSFODNN7EXAMPLE:verysecret",
        "uri": "s3://u:pw@h/p",
        "key": f"before\n{key}\nafter",
        "account": json.dumps({"private_key": key, "email": "a@b", "more": [{"Token": key}]}),
        "script": "export PASSWORD=verysecret",
    }
    (found,) = previewed(preview(step("create", new=given))).steps
    assert "verysecret" not in str(found)
    assert "pw@" not in str(found)
    assert "after" in str(found)
    assert "a@b" in str(found)


def test_what_the_engine_counted_and_did_not_tell_is_missing() -> None:
    said = preview(step("create", new={}))
    said["changeSummary"] = {"create": 2, "delete": 1, "same": 7}
    assert previewed(said).missing == ("1 create", "1 delete")


@pytest.mark.parametrize("steps", [[{}], [{"op": "create"}], [{"urn": urn("dev")}], [{"op": 1}]])
def test_a_step_without_its_words_is_no_step(steps: list[Any]) -> None:
    with pytest.raises(ValueError, match="urn"):
        previewed({"steps": steps})


def test_two_resources_of_one_type_and_name_have_addresses_of_their_own() -> None:
    inner = step("create", "x", "team:index:Team$kitaru:index:Stack", new={})
    other = step("create", "x", "crew:index:Crew$kitaru:index:Stack", new={})
    found = previewed(preview(inner, other, step("create", "x", new={}))).steps
    changes = document([StackPlan(Plan("dev", found))])["stacks"][0]["changes"]
    assert len({change["address"] for change in changes}) == 3


def _digest(*steps: dict[str, Any]) -> str:
    return str(document([StackPlan(Plan("dev", previewed(preview(*steps)).steps))])["digest"])


#: A preview, and one of other effects: neither may stand for the other.
OTHERS = {
    "a value": (
        [step("update", old={"a": 1}, new={"a": 2}, paths=("a",))],
        [step("update", old={"a": 1}, new={"a": 3}, paths=("a",))],
    ),
    "the value before": (
        [step("update", old={"a": 1}, new={"a": 2}, paths=("a",))],
        [step("update", old={"a": 0}, new={"a": 2}, paths=("a",))],
    ),
    "an input beside": (
        [step("create", new={"a": 1})],
        [step("create", new={"a": 1, "b": 2})],
    ),
    "in place or replaced": (
        [step("update", old={"a": 1}, new={"a": 2}, paths=("a",))],
        [step("replace", old={"a": 1}, new={"a": 2}, paths=("a",))],
    ),
    "in which order": (
        [step("create-replacement", old={}, new={}), step("delete-replaced", old={})],
        [step("delete-replaced", old={}), step("create-replacement", old={}, new={})],
    ),
    "one more": (
        [step("delete", "a", old={})],
        [step("delete", "a", old={}), step("delete", "b", old={})],
    ),
    "what may be deleted": (
        [kept({"protect": True}, {}, {})],
        [kept({"retainOnDelete": True}, {}, {})],
    ),
    "another name": ([step("delete", "a", old={})], [step("delete", "b", old={})]),
    "a policy in a text": (
        [step("create", new={"policy": '{"Action": "s3:GetObject"}'})],
        [step("create", new={"policy": '{"Action": "s3:*"}'})],
    ),
    "a script": (
        [step("create", new={"userData": "#!/bin/sh\necho a? b; x=1"})],
        [step("create", new={"userData": "#!/bin/sh\necho a? c; x=1"})],
    ),
    "what drifted": (
        [step("update", old={}, new={}, outputs={"drift": ["a"]}, paths=("drift",))],
        [step("update", old={}, new={}, outputs={"drift": ["b"]}, paths=("drift",))],
    ),
}


@pytest.mark.parametrize("row", OTHERS)
def test_what_would_do_something_else_has_another_digest(row: str) -> None:
    one, other = OTHERS[row]
    assert _digest(*one) == _digest(*one)
    assert _digest(*one) != _digest(*other)


def test_what_stays_and_when_it_was_looked_at_is_not_in_the_digest() -> None:
    change = step("update", "a", old={"x": 1}, new={"x": 2}, paths=("x",))
    kept = step("same", "b", old={"x": 1}, new={"x": 1})
    again = {**change, "oldState": {**change["oldState"], "modified": "2026-01-01", "id": "7"}}
    assert _digest(change) == _digest(kept, again) == _digest(again, kept)
