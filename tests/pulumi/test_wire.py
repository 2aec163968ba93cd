"""Values on the wire, and what two sets of properties differ in: without an engine."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import struct_pb2
from hypothesis import given
from hypothesis import strategies as st

from kitaru_iac.pulumi.keys import camel, property_path, snake
from kitaru_iac.pulumi.plugin.changes import Changes, changes
from kitaru_iac.pulumi.plugin.wire import UNKNOWN, Properties, read, secret, struct
from kitaru_iac.spec.fields import FIELDS

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = {SIGNATURE: "1b47061264138c4ac30d75fd1eb44270"}
OUTPUT = {SIGNATURE: "d0e6a833031e9bbcd3f4e8bde6ca49a4"}

STACK = {
    "name": "prod",
    "type": "sagemaker",
    "region": "eu-west-1",
    "artifactStore": "s3://a-bucket",
    "containerRegistry": "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
    "executionRole": "arn:aws:iam::123456789012:role/Runtime",
    "credentials": "aws-access-keys:AKIAFIRST00000000001:s",
}
STATE = {"connectorType": "aws", "connectorAuthMethod": "secret-key"}


def message(values: dict[str, Any]) -> struct_pb2.Struct:
    made = struct_pb2.Struct()
    made.update(values)
    return made


def properties(**values: Any) -> Properties:
    return read(message(values))


@pytest.mark.parametrize("key", FIELDS)
def test_names_go_over_the_wire_and_back(key: str) -> None:
    assert snake(camel(key)) == key


def test_a_path_below_a_key_keeps_zenmls_names() -> None:
    path = property_path("extra.container_registry.default_repository")
    assert path == "extra.container_registry.default_repository"
    assert property_path("artifact_store") == "artifactStore"


def test_marks_are_read_and_given_back() -> None:
    given = properties(
        plain="a",
        number=3,
        hidden={**SECRET, "value": "s"},
        output={**OUTPUT, "value": "o", "dependencies": ["urn"]},
        hidden_output={**OUTPUT, "value": "h", "secret": True},
        nothing=None,
        __internal={},
    )
    assert given.values == {
        "plain": "a",
        "number": 3,
        "hidden": "s",
        "output": "o",
        "hidden_output": "h",
    }
    assert given.wire["hidden"] == {**SECRET, "value": "s"}
    assert given.wire["output"] == "o"
    assert given.wire["hidden_output"] == {**SECRET, "value": "h"}
    assert given.unknown == frozenset()


@pytest.mark.parametrize(
    "value",
    [
        UNKNOWN,
        {**OUTPUT},
        {**SECRET, "value": UNKNOWN},
        {"deep": [1, {"deeper": UNKNOWN}]},
        ["1c4a061d-8072-4f0a-a4cb-0ff528b18fe7"],
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    ],
)
def test_what_is_not_known_is_told_apart(value: Any) -> None:
    given = properties(key=value, other="x")
    assert given.unknown == {"key"}
    assert given.values == {"other": "x"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**50), 2**50) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text(min_size=1).filter(lambda k: not k.startswith("__")), JSON))
def test_any_value_survives_the_wire(values: dict[str, Any]) -> None:
    expected = {key: value for key, value in values.items() if value is not None}
    assert read(struct(values)).values == expected


def test_a_secret_is_marked_once() -> None:
    assert secret("s") == {**SECRET, "value": "s"}
    assert secret(secret("s")) == secret("s")
    assert secret(UNKNOWN) == UNKNOWN
    assert secret(None) is None


def changed(old: dict[str, Any], new: dict[str, Any], **state: Any) -> Changes:
    return changes(
        properties(**old), properties(**{**old, **STATE, **state}), properties(**new), "prod"
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({}, {}),
        ({"extra": {}}, {}),
        ({}, {"verify": True, "activate": False, "async": False, "namespace": "default"}),
        ({"type": "local"}, {}),
    ],
)
def test_absent_empty_and_default_are_one(old: dict[str, Any], new: dict[str, Any]) -> None:
    keys = {"connectorType": None, "connectorAuthMethod": None}
    found = changes(properties(**old), properties(**old, **keys), properties(**new), "dev")
    assert found.all == ()


def test_a_change_in_place() -> None:
    new = {
        **STACK,
        "credentials": "aws-access-keys:AKIAOTHER00000000001:t",
        "artifactStore": "s3://other",
    }
    found = changed(STACK, new)
    assert found.all == ("artifactStore", "credentials")
    assert found.replacing == ()


def test_another_method_replaces() -> None:
    found = changed(STACK, {**STACK, "credentials": "aws-role:arn:aws:iam::123456789012:role/R"})
    assert found.replacing == ("credentials",)
    assert found.keeps_name


def test_a_reference_whose_secret_became_another_kind_replaces(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TEST_KEYS", "aws-profile:other")
    both = {**STACK, "credentials": "env:TEST_KEYS"}
    found = changed(both, both)
    assert (found.all, found.replacing) == (("credentials",), ("credentials",))


def test_no_credentials_are_another_method_than_keys() -> None:
    new = {key: value for key, value in STACK.items() if key != "credentials"}
    found = changed(STACK, new)
    assert found.replacing == ("credentials",)
    assert found.removed == ("credentials",)


def test_an_unknown_value_is_a_change() -> None:
    found = changed(STACK, {**STACK, "executionRole": UNKNOWN})
    assert (found.all, found.replacing) == (("executionRole",), ())


def test_another_name_is_made_beside() -> None:
    found = changed(STACK, {**STACK, "name": "other"})
    assert found.replacing == ("name",)
    assert not found.keeps_name


def test_drift_is_a_change() -> None:
    found = changed(STACK, STACK, drift=["a line"])
    assert (found.all, found.replacing) == (("drift",), ())


def test_what_is_ignored_is_no_change() -> None:
    old, new = properties(**STACK), properties(**{**STACK, "region": "eu-west-2"})
    assert changes(old, old, new, "prod", ["region"]).all == ()
