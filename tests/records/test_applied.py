"""What was applied, kept on the stack: what is in the label, and what is said of a difference."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from kitaru_iac.labels import APPLIED_LABEL, MANAGED_LABEL
from kitaru_iac.plan.model import Action, Reason, Step
from kitaru_iac.records.applied import drifted, keeping, with_record
from kitaru_iac.records.applied_label import applied_records
from kitaru_iac.records.diff import diff
from kitaru_iac.records.model import Records
from kitaru_iac.redaction import SecretText
from kitaru_iac.spec import from_mapping
from kitaru_iac.stacks.desired import desired_records

HUSH = "hush-hush-hush"
HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
EKS: Mapping[str, Any] = {
    "name": "prod",
    "type": "kubernetes",
    "cluster": "main",
    "region": "eu-west-1",
    "artifact_store": "s3://data/kitaru",
    "container_registry": HOST,
    "credentials": f"aws-access-keys:AKIAFIRST00000000001:{HUSH}",
}


def made(**changes: Any) -> Records:
    """The records of a description, as they are stored: with ids."""
    records = desired_records(from_mapping({**EKS, **changes}))
    parts = tuple(replace(c, id=c.type, connector_id="link") for c in records.components)
    link = records.connector
    assert link is not None
    return replace(
        records, components=parts, connector=replace(link, secrets={}, id="link"), id="stack"
    )


def kept(records: Records) -> Records:
    found = applied_records(keeping(records).labels)
    assert found is not None
    return found


def part(records: Records, type: str, **changes: Any) -> Records:
    parts = (replace(c, **changes) if c.type == type else c for c in records.components)
    return replace(records, components=tuple(parts))


def said(steps: tuple[Step, ...]) -> list[tuple[str, str, dict[str, tuple[Any, Any]]]]:
    return [
        (s.kind, s.action.value, {c.field: (c.before, c.after) for c in s.changes}) for s in steps
    ]


class TestWhatIsKept:
    def test_is_what_was_applied(self) -> None:
        assert drifted(kept(made()), made()) == ()

    def test_holds_no_secret(self) -> None:
        records = desired_records(from_mapping(EKS))
        extra = {
            "password": HUSH,
            "nested": [{"token": HUSH}],
            "odd": SecretText(HUSH),
            "url": f"https://somebody:{HUSH}@host/x",
            "env": [{"name": "TOKEN", "value": HUSH}],
            "client_kwargs": json.dumps({"aws_secret_access_key": HUSH, "a": [{"token": HUSH}]}),
        }
        text = keeping(part(records, "orchestrator", configuration=extra)).labels[APPLIED_LABEL]
        assert HUSH not in text
        assert "AKIAFIRST" not in text

    def test_is_written_anew_each_time(self) -> None:
        once = keeping(made())
        assert keeping(once) == once

    def test_is_left_out_where_it_would_not_fit(self) -> None:
        long = {"kubernetes_namespace": "x" * 40_000}
        records = part(keeping(made()), "orchestrator", configuration=long)
        assert APPLIED_LABEL not in keeping(records).labels
        quoted = part(made(), "orchestrator", configuration={"kubernetes_namespace": '"' * 12_000})
        assert APPLIED_LABEL not in keeping(quoted).labels
        wide = {"kubernetes_namespace": "ä" * 6_000}  # six bytes each as the store writes it
        assert APPLIED_LABEL not in keeping(part(made(), "orchestrator", configuration=wide)).labels
        fits = keeping(part(made(), "orchestrator", configuration={"x": '"' * 6_000})).labels
        assert len(base64.b64encode(json.dumps(fits).encode())) < 65_535
        assert APPLIED_LABEL in fits

    @pytest.mark.parametrize(
        "text",
        [
            None,
            "",
            "{",
            "[]",
            "1",
            "null",
            "[" * 100_000,
            '{"version": 1}',
            '{"version": 2, "stack": "prod"}',
            '{"version":1,"stack":"a","type":"local","labels":{},"components":{},"connector":null}',
            '{"version":1,"stack":"a","type":"local","labels":[],"components":[],"connector":null}',
            '{"version":1,"stack":"a","type":"local","labels":{},"components":[1],"connector":null}',
            '{"version":1,"stack":"a","type":"local","labels":{},"components":[],"connector":1}',
        ],
    )
    def test_is_nothing_where_it_is_not_understood(self, text: str | None) -> None:
        assert applied_records({} if text is None else {APPLIED_LABEL: text}) is None


Change = Callable[[Records], Records]


def connector(**changes: Any) -> Change:
    def change(records: Records) -> Records:
        assert records.connector is not None
        return replace(records, connector=replace(records.connector, **changes))

    return change


DRIFT: dict[str, tuple[Change, list[tuple[str, str, dict[str, tuple[Any, Any]]]]]] = {
    "a field": (
        lambda r: part(r, "artifact_store", configuration={"path": "s3://other"}),
        [("artifact_store", "update", {"configuration.path": ("s3://data/kitaru", "s3://other")})],
    ),
    "a resource": (
        lambda r: part(r, "orchestrator", resource_id="second"),
        [("orchestrator", "update", {"resource_id": ("main", "second")})],
    ),
    "another orchestrator in its place": (
        lambda r: part(r, "orchestrator", name="mine", flavor="local", labels={}),
        [
            ("orchestrator", "delete", {}),
            ("stack", "update", {"orchestrator": ("prod", "mine")}),
        ],
    ),
    "a component gone": (
        lambda r: replace(
            r, components=tuple(c for c in r.components if c.type != "container_registry")
        ),
        [
            ("container_registry", "delete", {}),
            ("stack", "update", {"container_registry": ("prod", None)}),
        ],
    ),
    "another method of the connector": (
        connector(auth_method="iam-role"),
        [("service_connector", "update", {"auth_method": ("secret-key", "iam-role")})],
    ),
    "another region of the connector": (
        connector(configuration={"region": "us-east-1"}),
        [
            (
                "service_connector",
                "update",
                {"configuration.region": ("eu-west-1", "us-east-1")},
            )
        ],
    ),
    "another flavor": (
        lambda r: part(r, "artifact_store", flavor="gcp"),
        [("artifact_store", "update", {"flavor": ("s3", "gcp")})],
    ),
    "a component's label taken off": (
        lambda r: part(r, "artifact_store", labels={}),
        [("artifact_store", "update", {f"labels.{MANAGED_LABEL}": ("true", None)})],
    ),
    "no connector any more": (
        lambda r: replace(
            r,
            components=tuple(replace(c, uses_connector=False) for c in r.components),
            connector=None,
        ),
        [
            ("service_connector", "delete", {}),
            *(
                (kind, "update", {"uses_connector": (True, False)})
                for kind in ("orchestrator", "artifact_store", "container_registry")
            ),
        ],
    ),
    "one component linked to another connector": (
        lambda r: part(r, "artifact_store", connector_id="theirs"),
        [("artifact_store", "update", {"connector": ("the stack's", "another one")})],
    ),
    "another name": (
        lambda r: replace(r, stack="renamed"),
        [("stack", "update", {"name": ("prod", "renamed")})],
    ),
    "a label of ours taken off": (
        lambda r: replace(r, labels={}),
        [("stack", "update", {f"labels.{MANAGED_LABEL}": ("true", None)})],
    ),
}


@pytest.mark.parametrize("case", DRIFT)
def test_what_became_of_it_is_said_in_realitys_direction(case: str) -> None:
    change, expected = DRIFT[case]
    assert said(drifted(kept(made()), change(made()))) == expected


def test_a_part_that_a_description_would_remove_is_drift() -> None:
    was = replace(made(), components=made().components[:2])
    gone = made().components[2].type
    assert said(drifted(kept(was), made())) == [
        (gone, "create", {}),
        ("stack", "update", {gone: (None, "prod")}),
    ]


NO_DRIFT: dict[str, Change] = {
    "a label of the user's": lambda r: replace(r, labels={**r.labels, "team": "ml"}),
    "a component added by hand": lambda r: replace(
        r,
        components=(
            *r.components,
            replace(r.components[0], type="experiment_tracker", name="mine", labels={}),
        ),
    ),
    "what ZenML adds to a connector": connector(
        configuration={"region": "eu-west-1", "generate_temporary_tokens": True}
    ),
}


def with_text(text: str) -> Records:
    """The records with a text that no description may have, but another tool can write."""
    records = made()
    return replace(records, labels={**records.labels, "team": text}, description=text)


@pytest.mark.parametrize("text", ["[1,2]", '{"b":1,"a":[ ]}', "[", '{"a": 1}', " [1]", "{{x.y}}"])
def test_a_text_that_is_json_is_the_same_text_afterwards(text: str) -> None:
    records = with_text(text)
    assert drifted(kept(records), records) == ()
    changed = replace(records, labels={**records.labels, "team": f"{text} "})
    assert [
        field for _, _, fields in said(drifted(kept(records), changed)) for field in fields
    ] == ["labels.team"]


def test_a_secret_in_a_text_that_is_json_is_no_drift_and_not_kept() -> None:
    text = json.dumps({"password": HUSH, "a": 1}, separators=(",", ":"))
    records = with_text(text)
    assert HUSH not in keeping(records).labels[APPLIED_LABEL]
    assert drifted(kept(records), records) == ()


@pytest.mark.parametrize("case", NO_DRIFT)
def test_what_no_description_speaks_of_is_no_drift(case: str) -> None:
    assert drifted(kept(made()), NO_DRIFT[case](made())) == ()


def test_a_secret_value_is_neither_kept_nor_held_against_anything() -> None:
    before = part(made(), "orchestrator", configuration={"odd": SecretText(HUSH), "api_key": HUSH})
    after = part(made(), "orchestrator", configuration={"odd": "other", "api_key": "other"})
    assert drifted(kept(before), after) == ()
    gone = part(made(), "orchestrator", configuration={})
    (step,) = drifted(kept(before), gone)
    assert step.action is Action.UPDATE
    assert HUSH not in json.dumps([c.to_dict() for c in step.changes])


class TestTheRecordItself:
    """A stack whose record is not what a description would keep."""

    def step(self, desired: Records, current: Records | None) -> Step | None:
        steps = with_record(diff(desired, current), desired, current)
        return next((s for s in steps if s.code is Reason.RECORD), None)

    def test_that_is_right_is_no_step(self) -> None:
        assert self.step(keeping(made()), keeping(made())) is None

    @pytest.mark.parametrize("text", ["", "{}", '{"version":2}'])
    def test_that_is_not_is_a_step_of_its_own(self, text: str) -> None:
        current = replace(made(), labels={**made().labels, APPLIED_LABEL: text})
        step = self.step(keeping(made()), current)
        assert step is not None
        (change,) = step.changes
        assert change.field == f"labels.{APPLIED_LABEL}"
        assert re.fullmatch("sha256:[0-9a-f]{12}", str(change.after))
        assert change.before != change.after

    def test_that_is_not_there_is_a_step_of_its_own(self) -> None:
        step = self.step(keeping(made()), made())
        assert step is not None
        assert step.changes[0].before is None

    def test_goes_along_with_any_other_change(self) -> None:
        desired = keeping(made(namespace="ml"))
        steps = diff(desired, made())
        assert with_record(steps, desired, made()) == tuple(steps)
        assert self.step(desired, None) is None

    def test_that_would_be_too_long_is_taken_off_once(self) -> None:
        long = {"kubernetes_namespace": "x" * 40_000}
        desired = keeping(part(made(), "orchestrator", configuration=long))
        current = replace(desired, labels={**desired.labels, APPLIED_LABEL: "{}"})
        step = self.step(desired, current)
        assert step is not None
        assert step.changes[0].after is None
        assert self.step(desired, desired) is None
