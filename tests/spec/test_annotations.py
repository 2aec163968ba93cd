"""Labels, a text and ignored fields: what is right, and what the message says of what is not."""

from __future__ import annotations

import base64
import json
from typing import Any

import jsonschema
import pytest

from kitaru_iac.errors import DescriptionError
from kitaru_iac.spec import from_mapping, json_schema, to_mapping

SECRET = "hunter2hunter2"
PATHS = (
    *("orchestrator.synchronous", "artifact_store.path", "container_registry.uri"),
    *("connector.region", "labels.cost/centre", "description"),
)


@pytest.mark.parametrize(
    "keys",
    [
        {"labels": {"team": "search", "a/b.c_d-e": "ä b, c"}},
        {"labels": {"x": "y" * 100, "n" * 63: "1"}},
        {"description": "For search: agents."},
        {"ignore_changes": sorted(PATHS)},
        {"labels": {f"l{n:02}": "x" for n in range(16)}},
    ],
)
def test_what_is_right_comes_out_as_it_was_written(keys: dict[str, Any]) -> None:
    given = {"name": "dev", "type": "local", **keys}
    assert to_mapping(from_mapping(given)) == given
    jsonschema.validate(given, json_schema())


REFUSED: list[tuple[dict[str, Any], str, bool]] = [
    ({"labels": ["team"]}, "labels has to be a mapping", True),
    ({"labels": {"kitaru.managed": "false"}}, "Kitaru's own", True),
    ({"labels": {"": "x"}}, "cannot be the name of a label", True),
    ({"labels": {"a b": "x"}}, "cannot be the name of a label", True),
    ({"labels": {"a,b": "x"}}, "cannot be the name of a label", True),
    ({"labels": {"n" * 64: "x"}}, "cannot be the name of a label", True),
    ({"labels": {"team": 3}}, "labels.team has to be text. Put it in quotes.", True),
    ({"labels": {"team": ""}}, "cannot be the value of a label", True),
    ({"labels": {"team": "x" * 101}}, "cannot be the value of a label", True),
    ({"labels": {"team": "a\nb"}}, "cannot be the value of a label", False),
    ({"labels": {"team": "\U0001f600" * 60}}, "cannot be the value of a label", False),
    ({"labels": {"team": f"aws-access-keys:AKIA:{SECRET}"}}, "looks like a secret", False),
    ({"labels": {"team": "********"}}, "labels.team holds a secret that is masked", False),
    ({"labels": {f"l{n}": "x" for n in range(17)}}, "at most 16 labels, not 17", True),
    ({"description": "x" * 256}, "ZenML takes at most 255", True),
    ({"description": "is ********"}, "description holds a secret that is masked", False),
    ({"description": f"AKIAIOSFODNN7EXAMPLE {SECRET}"}, "looks like a secret", False),
    ({"description": f"-----BEGIN PRIVATE KEY----- {SECRET}"}, "looks like a secret", False),
    ({"description": f"at https://x/y?sv=1&sig={SECRET}"}, "looks like a secret", False),
    ({"description": f"AccountName=a;AccountKey={SECRET}"}, "looks like a secret", False),
    ({"extra": {"orchestrator": {"a": [{"b": "x ********"}]}}}, "{{name.key}}", False),
    (
        {"type": "kubernetes", "namespace": "********"},
        "namespace holds a secret that is masked",
        True,
    ),
    ({"description": "a\nb"}, "Write it in one line", False),
    ({"ignore_changes": "labels.x"}, "has to be a list", True),
    ({"ignore_changes": "labels.x"}, "Write one line for each, as `- orchestrator.", True),
    ({"ignore_changes": ["description.x"]}, "Did you mean `description`?", True),
    ({"ignore_changes": [3]}, "ignore_changes[0] has to be text", True),
    ({"ignore_changes": ["labels.a", "labels.a"]}, "is named twice", True),
    ({"ignore_changes": ["extra.orchestrator.x"]}, "Did you mean `orchestrator.x`?", True),
    ({"ignore_changes": ["lables.x"]}, "Did you mean `labels.x`?", True),
    ({"ignore_changes": ["descripton"]}, "Did you mean `description`?", True),
    ({"ignore_changes": ["region"]}, "is no field that can be ignored", True),
    ({"ignore_changes": [f"labels.l{n}" for n in range(17)]}, "at most 16 fields", True),
]


@pytest.mark.parametrize(("keys", "said", "by_schema"), REFUSED)
def test_what_is_wrong(keys: dict[str, Any], said: str, by_schema: bool) -> None:
    given = {"name": "dev", **keys}
    with pytest.raises(DescriptionError) as caught:
        from_mapping(given)
    assert said in str(caught.value)
    assert SECRET not in str(caught.value)
    assert jsonschema.Draft7Validator(json_schema()).is_valid(given) is not by_schema


@pytest.mark.parametrize("path", ["orchestrator", "extra.orchestrator", "region", "x.y", "none.a"])
def test_nothing_is_suggested_that_could_not_be_ignored_either(path: str) -> None:
    with pytest.raises(DescriptionError) as caught:
        from_mapping({"name": "dev", "ignore_changes": [path]})
    (problem,) = caught.value.problems
    assert problem.field == "ignore_changes[0]"
    assert problem.remedy is None


def test_the_longest_of_all_fits_into_the_column() -> None:
    most = {f"{n:02}{'n' * 61}": "ä" * 100 for n in range(16)}
    ignored = [f"container_registry.x{n:02}{'f' * 97}" for n in range(16)]
    spec = from_mapping({"name": "n" * 100, "labels": most, "ignore_changes": ignored})
    from kitaru_iac.records.applied import keeping
    from kitaru_iac.stacks.desired import desired_records

    labels = dict(keeping(desired_records(spec)).labels)
    labels["kitaru.applied"] = "x" * 32_000
    assert len(base64.b64encode(json.dumps(labels).encode())) < 65_535
