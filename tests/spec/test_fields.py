"""The table of fields: its rows are whole, and what is read from the records follows it."""

from __future__ import annotations

from collections import Counter
from importlib import import_module
from typing import Any

import pytest

from kitaru_iac.cli import completion
from kitaru_iac.spec import names
from kitaru_iac.spec.fields import FIELDS
from kitaru_iac.spec.kinds import StackType
from kitaru_iac.spec.resources import EXTRA_TARGETS
from kitaru_iac.spec.rows import FieldInfo, Flag, Kind
from kitaru_iac.spec.stored import (
    cluster_of,
    details,
    fields_set,
    keys_of,
    keys_read,
    runner_fields,
)
from kitaru_iac.spec.wording import flag_of

#: Parts of the records that a place may name.
PARTS = {*EXTRA_TARGETS, "connector", "labels", "cluster", "stack"}


@pytest.mark.parametrize("info", FIELDS.values(), ids=lambda info: info.key)
def test_a_row_names_what_there_is(info: FieldInfo) -> None:
    for reference in (info.value, info.parser):
        if reference is not None:
            module, _, name = reference.partition(":")
            assert hasattr(import_module(f"kitaru_iac.spec.{module}"), name), reference
    if info.flag and info.flag.completes:
        assert callable(getattr(completion, info.flag.completes))
    if info.flag and info.flag.after:
        assert FIELDS[info.flag.after].flag
    assert info.required <= info.types
    assert info.cloud is None or info.needs_cloud
    assert not (info.secret and info.stored)
    # Both stand in docstrings that are written from the table.
    assert "\\" not in info.description + str(info.program.description)
    assert not info.description.endswith('"')
    for stored in (info.stored or {}).values():
        assert {place.part for place in (*stored.places, *stored.shown_from)} <= PARTS
        assert stored.shown or not (stored.shown_from or stored.shown_rest)


def test_the_patterns_of_names_are_those_of_fields() -> None:
    assert set(names.PATTERNS) <= set(FIELDS)


def test_no_word_stands_for_two_keys() -> None:
    words = [word for info in FIELDS.values() for word in info.other_words]
    assert max(Counter([*words, *FIELDS]).values()) == 1
    assert max(Counter(map(flag_of, FIELDS)).values()) == 1


def test_a_row_is_typed_and_does_not_change() -> None:
    row = FieldInfo("key", "Text.", kind=Kind.SWITCH)
    assert (row.key, row.description, row.kind, row.examples) == ("key", "Text.", Kind.SWITCH, ())
    with pytest.raises(AttributeError, match=r"FieldInfo\.key does not change"):
        row.key = "other"  # type: ignore[misc]  # so says the type checker too
    make: Any = Flag
    for values, named in (
        ((), {}),
        (("help",), {"metavr": "NAME"}),
        (("help",), {"help": "again"}),
        (("help", *"1234567"), {}),
    ):
        with pytest.raises(TypeError, match="Flag takes help, metavar"):
            make(*values, **named)


RECORDS: dict[str, dict[str, Any]] = {
    "stack": {
        "name": "prod",
        "type": "kubernetes",
        "connector": "shared",
        "description": "For search.",
        "labels": {"team": "search"},
        "ignore_changes": ["labels.cost"],
    },
    "orchestrator": {"kubernetes_namespace": "ml", "location": "nowhere"},
    "artifact_store": {"path": "s3://b/p"},
    "container_registry": {"uri": "host", "default_repository": "team/agents"},
    "connector": {"region": "eu-west-1", "subscription_id": "sub"},
    "labels": {"kitaru.region": "eu-north-1"},
    "cluster": {"name": "c", "group": "g"},
}


def test_the_first_place_with_a_value_counts() -> None:
    assert keys_of(StackType.KUBERNETES, RECORDS) == {
        "name": "prod",
        "type": "kubernetes",
        "artifact_store": "s3://b/p",
        "container_registry": "host/team/agents",
        "cluster": "c",
        "region": "eu-west-1",
        "namespace": "ml",
        "subscription_id": "sub",
        "resource_group": "g",
        "connector": "shared",
        "description": "For search.",
        "labels": {"team": "search"},
        "ignore_changes": ["labels.cost"],
    }
    without = {**RECORDS, "connector": {}, "container_registry": {"uri": "host"}}
    found = keys_of(StackType.KUBERNETES, without)
    assert (found["region"], found["container_registry"]) == ("eu-north-1", "host")
    assert "subscription_id" not in found
    assert keys_of(StackType.VERTEX, RECORDS)["region"] == "nowhere"
    assert keys_of(StackType.LOCAL, {}) == {}


def test_what_can_be_read_back_depends_on_the_type() -> None:
    assert keys_read(StackType.KUBERNETES) == keys_of(StackType.KUBERNETES, RECORDS).keys()
    assert keys_read(StackType.LOCAL) == {
        *("name", "type", "artifact_store", "container_registry", "connector"),
        *("description", "labels", "ignore_changes"),
    }
    assert "project" not in keys_read(StackType.VERTEX)


def test_details_are_those_of_one_component_in_their_order() -> None:
    assert details("artifact_store", StackType.LOCAL, RECORDS) == {"location": "s3://b/p"}
    assert details("container_registry", StackType.LOCAL, RECORDS) == {
        "location": "host",
        "repository": "team/agents",
    }
    assert details("image_builder", StackType.LOCAL, RECORDS) == {}
    azureml = {
        "orchestrator": {"location": "l", "workspace": "w", "resource_group": "g", "mode": "x"}
    }
    assert list(details("orchestrator", StackType.AZUREML, azureml)) == [
        "resource_group",
        "workspace",
        "location",
    ]
    elsewhere = {"orchestrator": {"kubernetes_context": "kind", "project": "p"}}
    assert details("orchestrator", StackType.KUBERNETES, elsewhere) == {"cluster": "kind"}
    assert details("orchestrator", StackType.VERTEX, elsewhere) == {"project": "p"}
    assert "cluster" not in keys_of(StackType.KUBERNETES, elsewhere)


def test_a_key_sets_the_field_that_it_is_read_from_first() -> None:
    everywhere = {
        ("artifact_store", "path"): "artifact_store",
        ("container_registry", "uri"): "container_registry",
    }
    assert fields_set(StackType.LOCAL) == everywhere
    # `region` has its place in the connector, and `project` may be set by `extra`.
    assert fields_set(StackType.KUBERNETES) == everywhere | {
        ("orchestrator", "kubernetes_namespace"): "namespace"
    }
    assert fields_set(StackType.VERTEX) == everywhere | {("orchestrator", "location"): "region"}
    assert list(fields_set(StackType.SAGEMAKER).values()) == [
        *("artifact_store", "container_registry", "execution_role", "region")
    ]


def test_only_the_runner_s_fields_are_written_as_they_are() -> None:
    class Spec:
        artifact_store, region, execution_role = "s3://b", "eu-west-1", None

    assert runner_fields(StackType.SAGEMAKER, Spec()) == {"region": "eu-west-1"}
    assert runner_fields(StackType.KUBERNETES, Spec()) == {}


@pytest.mark.parametrize(
    ("resource_id", "name", "group"),
    [("c", "c", None), ("g/c", "c", "g"), ("", None, None), (None, None, None), ("/c", "c", None)],
)
def test_a_cluster_is_named_with_its_group(
    resource_id: str | None, name: str | None, group: str | None
) -> None:
    assert cluster_of(resource_id) == {"name": name, "group": group}
